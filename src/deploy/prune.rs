//! Which versions can go, and how: `versions prune`. [`plan`] is pure.

use std::cmp::Reverse;
use std::collections::BTreeSet;

use super::environment::{Environment, SERVICE};
use super::steps::World;
use super::version::{SAMPLE, Version};
use crate::aws::error::Explain;
use crate::error::Result;
use crate::output::Event;
use crate::plan::{Change, Plan, Step, Verb};

/// The versions that stay whatever their age: the deployed ones and those to go back to.
#[must_use]
pub fn needed<'a>(
    environments: impl IntoIterator<Item = &'a Environment>,
    targets: impl IntoIterator<Item = &'a str>,
) -> BTreeSet<String> {
    let deployed = environments
        .into_iter()
        .filter_map(|environment| environment.version_label.as_deref());
    deployed.chain(targets).map(str::to_owned).collect()
}

/// The deletion of every version beyond the newest `keep` that nobody needs, oldest first. A
/// bundle that a staying version shares stays with it.
#[must_use]
pub fn plan(
    app: &str,
    versions: &[Version],
    keep: usize,
    needed: &BTreeSet<String>,
) -> Plan<Deletion> {
    let mut own: Vec<&Version> = versions.iter().filter(|v| v.label != SAMPLE).collect();
    own.sort_by_key(|version| Reverse(version.created));
    let (mut stay, mut go) = (Vec::new(), Vec::new());
    for (age, version) in own.into_iter().enumerate() {
        let busy = matches!(version.status.as_str(), "PROCESSING" | "BUILDING");
        if age < keep || busy || needed.contains(&version.label) {
            stay.push(version);
        } else {
            go.push(version);
        }
    }
    let shared = |version: &Version| {
        version.bundle.is_some() && stay.iter().any(|other| other.bundle == version.bundle)
    };
    let deletion = |version: &Version| Deletion {
        app: app.to_owned(),
        label: version.label.clone(),
        description: version.description.clone(),
        bundle: version.bundle.clone().filter(|_| !shared(version)),
    };
    Plan::new(go.into_iter().rev().map(deletion).collect())
}

/// The deletion of a version.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Deletion {
    app: String,
    label: String,
    description: Option<String>,
    /// The bundle that goes with it.
    bundle: Option<(String, String)>,
}

/// What became of the versions.
#[derive(Debug, Default)]
pub struct Pruned {
    /// Those that are gone.
    pub deleted: Vec<String>,
    /// Those that Elastic Beanstalk keeps, because an environment has begun to use them.
    pub in_use: Vec<String>,
    /// Bundles that could not be deleted although their versions were.
    pub left_bundles: Vec<String>,
}

impl Step for Deletion {
    type World = World;
    type Made = Pruned;

    fn change(&self) -> Change {
        let bundle = match &self.bundle {
            Some((bucket, key)) => format!("and s3://{bucket}/{key}"),
            None => "its bundle belongs to another version, too, and stays".into(),
        };
        Change {
            verb: Verb::Delete,
            kind: "application version",
            name: self.label.clone(),
            detail: Some(match &self.description {
                Some(description) => format!("{description}; {bundle}"),
                None => bundle,
            }),
        }
    }

    fn past(&self) -> String {
        format!("Dealt with the version {}", self.label)
    }

    /// Deletes it. Gone already is as good; in use by now is told and not an error; a bundle
    /// that cannot be deleted is told, since the version was deleted all the same (facts 1.4).
    async fn apply(&self, world: &World, pruned: &mut Pruned) -> Result<()> {
        let answer = world
            .aws
            .eb
            .delete_application_version()
            .application_name(&self.app)
            .version_label(&self.label)
            .delete_source_bundle(self.bundle.is_some())
            .send()
            .await
            .explain(SERVICE, "DeleteApplicationVersion");
        let label = &self.label;
        match answer {
            Ok(_) => pruned.deleted.push(label.clone()),
            Err(error) if error.message().contains("No Application Version named") => {
                pruned.deleted.push(label.clone());
            }
            Err(error) if error.code() == Some("SourceBundleDeletionFailure") => {
                let (bucket, key) = self.bundle.clone().unwrap_or_default();
                pruned.deleted.push(label.clone());
                pruned.left_bundles.push(format!("s3://{bucket}/{key}"));
            }
            Err(error) if error.code() == Some("OperationInProgressFailure") => {
                let text = format!("the version {label} stays: an environment uses it");
                world.out.event(&Event::Warning(&text));
                pruned.in_use.push(label.clone());
            }
            Err(error) => return Err(error),
        }
        Ok(())
    }
}
