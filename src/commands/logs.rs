//! `beanship logs`: the last lines of every instance's logs, with `--full` all of them as zips,
//! with `--follow` what is new, again and again.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::time::Duration;

use jiff::Timestamp;
use serde::Serialize;

use crate::aws::Aws;
use crate::cli::{Format, LogsArgs};
use crate::deploy::environment::{self, Instances};
use crate::deploy::explain::redact::Redactor;
use crate::deploy::explain::sections::Section;
use crate::deploy::explain::tail::{self, Extent, Sample};
use crate::deploy::explain::{Fetch, Tail, keep, shown, tails};
use crate::error::{Error, Exit, Kind, Result};
use crate::output::{Event, Report, bytes};

use super::{Context, OWN_FOLDER, signal, status};

/// How long a tail may take.
const TAIL_PATIENCE: Duration = Duration::from_secs(90);
/// How long a bundle of all logs may take.
const BUNDLE_PATIENCE: Duration = Duration::from_secs(300);
/// The pause between two tails: each one makes every instance collect its logs.
const PACE: Duration = Duration::from_secs(10);
/// How many lines of each file a follower begins with.
const BEGIN: usize = 10;

/// What is asked for, with the environment found.
struct Wish<'a> {
    cx: &'a Context,
    aws: Aws,
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
        return follow(&wish).await;
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
            keep_in: None,
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

/// Prints new lines until Ctrl-C, or an error that will not pass.
async fn follow(wish: &Wish<'_>) -> Result<Exit> {
    let mut known = Known::default();
    let out = &wish.cx.out;
    let json = out.format() == Format::Json;
    let rounds = async {
        loop {
            match wish.tail().await {
                Ok(logs) => {
                    let news = known.news(&logs);
                    if !json && out.raw(&mut news.as_bytes()).is_err() {
                        return Ok(Exit::Done);
                    }
                }
                Err(error) if is_final(&error) => return Err(error),
                Err(error) => {
                    let text = format!("no new logs, still trying: {error}");
                    out.event(&Event::Warning(&text));
                }
            }
            tokio::time::sleep(PACE).await;
        }
    };
    let end = tokio::select! {
        end = rounds => end,
        () = signal() => Ok(Exit::Done),
    };
    if json {
        out.result(&known.all(&wish.environment));
    }
    end
}

/// An error that the next tail would meet again.
fn is_final(error: &Error) -> bool {
    matches!(error.kind(), Kind::Denied | Kind::Credentials)
}

/// The lines that were printed already.
#[derive(Debug, Default)]
struct Known {
    /// The last tail of each file.
    tails: BTreeMap<(String, String), Vec<String>>,
    /// Every line since the beginning.
    told: BTreeMap<(String, String), Vec<String>>,
    /// The file of the last line printed.
    last: Option<(String, String)>,
    latest: Option<Timestamp>,
}

impl Known {
    /// The lines that were not there before, with a heading where the file changes.
    fn news(&mut self, logs: &Logs) -> String {
        let first = self.latest.is_none();
        let mut text = String::new();
        for instance in &logs.instances {
            self.latest = self.latest.max(Some(instance.at));
            for file in &instance.files {
                let key = (instance.instance.clone(), file.path.clone());
                let new = match self.tails.get(&key) {
                    Some(old) => fresh(old, &file.lines),
                    None if first => &file.lines[file.lines.len().saturating_sub(BEGIN)..],
                    None => &file.lines[..],
                };
                if !new.is_empty() {
                    if self.last.as_ref() != Some(&key) {
                        text.push_str(&format!("{}\n", heading(&key.0, &key.1)));
                        self.last = Some(key.clone());
                    }
                    new.iter()
                        .for_each(|line| text.push_str(&format!("{line}\n")));
                    self.told
                        .entry(key.clone())
                        .or_default()
                        .extend_from_slice(new);
                }
                self.tails.insert(key, file.lines.clone());
            }
        }
        text
    }

    /// Everything that was told, for machines.
    fn all(self, environment: &str) -> Logs {
        let mut instances: Vec<InstanceLogs> = Vec::new();
        let at = self.latest.unwrap_or_default();
        for ((instance, path), lines) in self.told {
            let file = Section { path, lines };
            match instances.last_mut() {
                Some(last) if last.instance == instance => last.files.push(file),
                _ => instances.push(InstanceLogs {
                    instance,
                    at,
                    files: vec![file],
                }),
            }
        }
        Logs {
            environment: environment.to_owned(),
            instances,
            remarks: Vec::new(),
        }
    }
}

/// The lines of a tail that an older one does not have: a tail is a window that moves down its
/// file. All of them where the windows do not touch.
fn fresh<'a>(old: &[String], new: &'a [String]) -> &'a [String] {
    let overlap = (0..=old.len())
        .map(|start| &old[start..])
        .find(|rest| new.starts_with(rest))
        .map_or(0, <[String]>::len);
    &new[overlap..]
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

#[cfg(test)]
mod tests {
    use super::*;

    fn lines(text: &str) -> Vec<String> {
        text.split_whitespace().map(str::to_owned).collect()
    }

    #[test]
    fn a_moved_window_gives_out_only_what_is_new() {
        for (old, new, expected) in [
            ("a b c", "a b c", ""),
            ("a b c", "b c d e", "d e"),
            ("a a a", "a a a a", "a"),
            ("a b c", "x y", "x y"),
            ("", "a b", "a b"),
            ("a b", "", ""),
        ] {
            assert_eq!(
                fresh(&lines(old), &lines(new)),
                lines(expected),
                "{old} -> {new}"
            );
        }
    }

    #[test]
    fn a_follower_heads_the_file_only_where_it_changes() {
        let logs = |engine: &str, app: &str| Logs {
            environment: "e".into(),
            instances: vec![InstanceLogs {
                instance: "i-1".into(),
                at: Timestamp::UNIX_EPOCH,
                files: [("engine", engine), ("app", app)]
                    .into_iter()
                    .map(|(path, text)| Section {
                        path: path.into(),
                        lines: lines(text),
                    })
                    .collect(),
            }],
            remarks: Vec::new(),
        };
        let mut known = Known::default();
        let long = "1 2 3 4 5 6 7 8 9 10 11 12";
        let first = known.news(&logs(long, "x"));
        assert!(first.starts_with("==> i-1 engine <==\n3\n"), "{first}");
        assert_eq!(known.news(&logs(long, "x y")), "y\n");
        assert_eq!(known.news(&logs(long, "x y")), "");
        assert_eq!(
            known.news(&logs(&format!("{long} 13"), "x y z")),
            "==> i-1 engine <==\n13\n==> i-1 app <==\nz\n"
        );
        let all = known.all("e");
        assert_eq!(all.instances[0].files[0].path, "app");
        assert_eq!(all.instances[0].files[0].lines, ["x", "y", "z"]);
    }
}
