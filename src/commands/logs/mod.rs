//! `beanship logs`: the last lines of every instance's logs, with `--full` all of them as zips,
//! with `--follow` what is new, again and again.

mod follow;
mod stream;

use std::path::PathBuf;
use std::time::Duration;

use jiff::Timestamp;
use serde::Serialize;

use crate::aws::Aws;
use crate::cli::LogsArgs;
use crate::deploy::environment::{self, Instances};
use crate::deploy::explain::redact::Redactor;
use crate::deploy::explain::sections::Section;
use crate::deploy::explain::tail::{self, Extent, Sample};
use crate::deploy::explain::{Fetch, Tail, keep, shown, tails};
use crate::error::{Error, Exit, Kind, Result};
use crate::output::{Event, Report, bytes};

use super::{Context, OWN_FOLDER, status};

/// How long a tail may take.
const TAIL_PATIENCE: Duration = Duration::from_secs(90);
/// How long a bundle of all logs may take.
const BUNDLE_PATIENCE: Duration = Duration::from_secs(300);

/// What is asked for, with the environment found.
struct Wish<'a> {
    cx: &'a Context,
    aws: Aws,
    application: String,
    environment: String,
    instance: Option<&'a str>,
    expected: Option<usize>,
}

/// Runs the command. With `--follow`, Ctrl-C is the usual end and no failure.
///
/// # Errors
/// [`Kind::Check`] for an environment or instance that is not there; else what AWS says.
pub async fn run(cx: &Context, args: &LogsArgs) -> Result<Exit> {
    if args.follow {
        let wish = cx.interruptible(find(cx, args)).await?;
        return follow::follow(&wish).await;
    }
    let look = async {
        let wish = find(cx, args).await?;
        if args.full {
            cx.out.result(&bundles(&wish).await?);
        } else {
            cx.out.result(&wish.tail().await?);
        }
        Ok(Exit::Done)
    };
    cx.interruptible(look).await
}

/// Where whole logs are kept; the folder is made, and git ignores it.
pub(super) fn folder(cx: &Context) -> PathBuf {
    let own = cx.make_own_folder();
    // Where it cannot be made, writing the first log says why.
    own.unwrap_or_else(|_| cx.settings.root.join(OWN_FOLDER))
        .join("logs")
}

/// Looks for the environment and its instances.
async fn find<'a>(cx: &'a Context, args: &'a LogsArgs) -> Result<Wish<'a>> {
    let target = cx.target(
        args.target.application.app.as_deref(),
        args.target.env.as_deref(),
    )?;
    let aws = cx.aws().await?;
    let name = &target.environment;
    let looks = async {
        Ok(tokio::join!(
            environment::find(&aws, name),
            environment::instances(&aws, name)
        ))
    };
    let (found, instances) = aws.first_contact(looks).await?;
    found?.ok_or_else(|| status::missing(&target, &aws.region))?;
    let instance = args.instance.as_deref();
    let mut expected = None;
    if let Ok(Instances::Known(all)) = instances {
        let ids: Vec<&str> = all.iter().map(|one| one.id.as_str()).collect();
        if let Some(wanted) = instance.filter(|wanted| !ids.contains(wanted)) {
            return Err(no_such(wanted, name, &ids));
        }
        expected = Some(all.len());
    }
    Ok(Wish {
        cx,
        application: target.app,
        environment: target.environment,
        instance,
        expected,
        aws,
    })
}

fn no_such(instance: &str, environment: &str, ids: &[&str]) -> Error {
    let why = if ids.is_empty() {
        "it has none".to_owned()
    } else {
        format!("it has {}", ids.join(", "))
    };
    Error::new(
        Kind::Check,
        format!("no instance {instance} in {environment}: {why}"),
    )
    .hint(format!(
        "see the instances with `beanship health --env {environment}`"
    ))
}

impl Wish<'_> {
    /// The last lines of every file.
    async fn tail(&self) -> Result<Logs> {
        if self.expected == Some(0) {
            return Ok(self.none());
        }
        let text = format!("{}: collecting the logs", self.environment);
        self.cx.out.event(&Event::Waiting(&text));
        let fetch = Fetch {
            aws: &self.aws,
            environment: &self.environment,
            expected: self.expected,
            only: self.instance,
            patience: TAIL_PATIENCE,
            keep: None,
        };
        let (tails, remarks) = tails(&fetch).await?;
        Ok(Logs {
            environment: self.environment.clone(),
            instances: tails.into_iter().map(InstanceLogs::from).collect(),
            remarks,
        })
    }

    fn none(&self) -> Logs {
        Logs {
            environment: self.environment.clone(),
            instances: Vec::new(),
            remarks: vec!["there are no instances, so there are no logs".into()],
        }
    }
}

/// Downloads all logs of every instance.
async fn bundles(wish: &Wish<'_>) -> Result<Bundles> {
    let name = &wish.environment;
    let text = format!("{name}: collecting all logs");
    wish.cx.out.event(&Event::Waiting(&text));
    let wanted = |sample: &Sample| wish.instance.is_none_or(|only| sample.instance == only);
    let mut samples = if wish.expected == Some(0) {
        Vec::new()
    } else {
        tail::request(
            &wish.aws,
            name,
            Extent::Bundle,
            wish.expected,
            BUNDLE_PATIENCE,
        )
        .await?
    };
    samples.retain(wanted);
    let folder = folder(wish.cx).join(name);
    let mut kept = Vec::new();
    for sample in samples {
        let (path, mut file) = keep::create(&folder, sample.at, &sample.instance, "zip")?;
        let bytes = sample.save(&mut file).await?;
        kept.push(Bundle {
            instance: sample.instance,
            at: sample.at,
            path,
            bytes,
        });
    }
    Ok(Bundles {
        environment: name.clone(),
        bundles: kept,
    })
}

#[derive(Debug, Serialize)]
struct Logs {
    environment: String,
    instances: Vec<InstanceLogs>,
    /// What could not be fetched, and why.
    remarks: Vec<String>,
}

#[derive(Debug, Serialize)]
struct InstanceLogs {
    /// The EC2 id.
    instance: String,
    /// When the lines were taken.
    at: Timestamp,
    files: Vec<Section>,
}

impl From<Tail> for InstanceLogs {
    fn from(tail: Tail) -> Self {
        let file = |section: Section| Section {
            lines: Redactor::lines(&section.lines),
            path: section.path,
        };
        Self {
            instance: tail.instance,
            at: tail.at,
            files: tail.sections.into_iter().map(file).collect(),
        }
    }
}

fn heading(instance: &str, path: &str) -> String {
    format!("==> {instance} {path} <==")
}

impl Report for Logs {
    fn human(&self) -> String {
        let mut parts = Vec::new();
        for instance in &self.instances {
            for file in instance.files.iter().filter(|file| !file.lines.is_empty()) {
                let head = heading(&instance.instance, &file.path);
                parts.push(format!("{head}\n{}", file.lines.join("\n")));
            }
        }
        parts.extend(self.remarks.iter().map(|remark| format!("note: {remark}")));
        if parts.is_empty() {
            parts.push("the logs are empty".into());
        }
        parts.join("\n\n")
    }
}

#[derive(Debug, Serialize)]
struct Bundles {
    environment: String,
    bundles: Vec<Bundle>,
}

/// All logs of one instance.
#[derive(Debug, Serialize)]
struct Bundle {
    instance: String,
    at: Timestamp,
    path: PathBuf,
    bytes: u64,
}

impl Report for Bundles {
    fn human(&self) -> String {
        if self.bundles.is_empty() {
            return "there are no instances, so there are no logs".into();
        }
        let line = |bundle: &Bundle| {
            format!(
                "{}  {}  {}",
                bundle.instance,
                bytes(bundle.bytes),
                shown(&bundle.path)
            )
        };
        self.bundles.iter().map(line).collect::<Vec<_>>().join("\n")
    }
}
