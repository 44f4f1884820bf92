//! `beanship diff`: the tree's bundle against the one that an environment runs.

use serde::Serialize;

use crate::aws::Aws;
use crate::cli::TargetArgs;
use crate::deploy::bucket::{self, Object};
use crate::deploy::compare::{Changed, Differences};
use crate::deploy::contents::{self, Contents};
use crate::deploy::rollback::undeployable;
use crate::deploy::version::{self, SAMPLE};
use crate::deploy::{BundleFile, environment};
use crate::error::{Error, Exit, Kind, Result};
use crate::output::{Event, Report, bytes};
use crate::settings::Target;

use super::bundle::{Job, stopped};
use super::images::{Ask, pin};
use super::{Context, status};

/// Runs the command. Differences are its result, no failure.
///
/// # Errors
/// As bundling; [`Kind::Check`] where there is nothing to compare with; else what AWS says.
pub async fn run(cx: &Context, args: &TargetArgs) -> Result<Exit> {
    let target = cx.target(args.application.app.as_deref(), args.env.as_deref())?;
    let keys = [target.key.as_deref()];
    let mut job = Job::new(cx, &keys, None);
    let ask = Ask {
        allow_unpinned: true,
        ..Ask::default()
    };
    pin(cx, &mut job, &keys, ask).await?;
    let out = cx.out.clone();
    let bundling = tokio::task::spawn_blocking(move || job.make(&out));
    let aws = cx.aws().await?;
    let deployed = aws.first_contact(Deployed::find(cx, &aws, &target)).await?;
    let bundled = bundling.await.map_err(|why| stopped(&why))??;
    let (bytes_before, differences) = if deployed.holds(&bundled.file) {
        (bundled.file.bytes, None)
    } else {
        let before = contents::read_object(&aws, &deployed.bucket, &deployed.key).await?;
        let now = local(&bundled.file)?;
        (before.bytes, Some(Differences::between(&before, &now)))
    };
    cx.out.result(&Diff {
        environment: target.environment,
        version_label: deployed.label,
        same_digest: differences.is_none(),
        bytes_before,
        bytes: bundled.file.bytes,
        differences: differences.unwrap_or(Differences {
            same: bundled.file.files,
            ..Differences::default()
        }),
    });
    Ok(Exit::Done)
}

/// The bundle that an environment runs.
struct Deployed {
    label: String,
    bucket: String,
    key: String,
    /// Its sha256, where it is recorded.
    sha256: Option<String>,
}

impl Deployed {
    async fn find(cx: &Context, aws: &Aws, target: &Target) -> Result<Self> {
        let found = environment::find(aws, &target.environment).await?;
        let environment = found.ok_or_else(|| status::missing(target, &aws.region))?;
        let name = &environment.name;
        if !environment.is_ready() {
            let text = format!("{name} is {}: its version may change", environment.status);
            cx.out.event(&Event::Warning(&text));
        }
        let label = environment
            .version_label
            .as_deref()
            .filter(|label| *label != SAMPLE);
        let Some(label) = label.map(str::to_owned) else {
            return Err(Error::new(
                Kind::Check,
                format!("nothing to compare with: {name} runs no version of yours"),
            )
            .hint(format!("deploy to it: `beanship deploy --env {name}`")));
        };
        let app = &environment.application;
        let versions = version::describe(aws, app, std::slice::from_ref(&label)).await?;
        let bundle = versions.first().and_then(|version| version.bundle.clone());
        let Some((bucket, key)) = bundle else {
            return Err(undeployable(&versions, &label, true, app));
        };
        let sha256 = match bucket::object(aws, &bucket, &key, None).await? {
            Object::There(recorded) => recorded,
            Object::Missing | Object::NotTold => None,
        };
        Ok(Self {
            label,
            bucket,
            key,
            sha256,
        })
    }

    fn holds(&self, bundle: &BundleFile) -> bool {
        self.sha256.as_ref() == Some(&bundle.sha256)
    }
}

/// What is in the tree's bundle.
fn local(bundle: &BundleFile) -> Result<Contents> {
    let zip = bundle.zip.file()?;
    contents::read(&*zip, bundle.bytes).map_err(|why| {
        Error::new(
            Kind::Bundle,
            format!("the bundle cannot be read again: {why}"),
        )
    })
}

#[derive(Debug, Serialize)]
struct Diff {
    environment: String,
    version_label: String,
    /// Whether the bundles are the same to the last bit.
    same_digest: bool,
    /// The size of the deployed bundle.
    bytes_before: u64,
    /// The size of the tree's bundle.
    bytes: u64,
    #[serde(flatten)]
    differences: Differences,
}

impl Report for Diff {
    fn human(&self) -> String {
        let (name, label) = (&self.environment, &self.version_label);
        if self.same_digest {
            return format!(
                "{name} runs this tree as {label}: the digests of the bundles are equal"
            );
        }
        let found = &self.differences;
        if found.is_empty() {
            return format!(
                "{name} runs this tree as {label}: all {} files are equal",
                found.same
            );
        }
        let added = found
            .added
            .iter()
            .map(|file| (&file.path, format!("+ {}", file.path), bytes(file.bytes)));
        let removed = found
            .removed
            .iter()
            .map(|file| (&file.path, format!("- {}", file.path), bytes(file.bytes)));
        let changed = found
            .changed
            .iter()
            .map(|file| (&file.path, format!("~ {}", file.path), words(file)));
        let mut lines: Vec<_> = added.chain(removed).chain(changed).collect();
        lines.sort();
        let width = lines
            .iter()
            .map(|(_, file, _)| file.chars().count())
            .max()
            .unwrap_or_default();
        let lines: Vec<_> = lines
            .iter()
            .map(|(_, file, what)| format!("{file:width$}  {what}"))
            .collect();
        format!(
            "{}\n\n{name} runs {label}; with this tree {} added, {} removed, {} changed, {} the same; bundle {} -> {}",
            lines.join("\n"),
            found.added.len(),
            found.removed.len(),
            found.changed.len(),
            found.same,
            bytes(self.bytes_before),
            bytes(self.bytes),
        )
    }
}

/// What differs about a file.
fn words(file: &Changed) -> String {
    let size = file.content.then(|| match (file.bytes_before, file.bytes) {
        (before, now) if before == now => format!("{}, other content", bytes(now)),
        (before, now) => format!("{} -> {}", bytes(before), bytes(now)),
    });
    let mode = file.mode_before.as_ref().zip(file.mode.as_ref());
    let mode = mode.map(|(before, now)| format!("mode {before} -> {now}"));
    size.into_iter().chain(mode).collect::<Vec<_>>().join(", ")
}
