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
            Some((bucket, key)) => format!("with s3://{bucket}/{key}"),
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
        format!("Done with the version {}", self.label)
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

#[cfg(test)]
mod tests {
    use jiff::Timestamp;

    use super::*;

    /// `label created status key`, one version a line.
    fn versions(lines: &str) -> Vec<Version> {
        let version = |line: &str| {
            let words: Vec<&str> = line.split_whitespace().collect();
            let created: i64 = words[1].parse().expect("a time");
            Version {
                label: words[0].into(),
                status: words[2].into(),
                bundle: words.get(3).map(|key| ("b".into(), (*key).into())),
                created: Timestamp::from_second(created).ok(),
                description: None,
            }
        };
        lines.trim().lines().map(version).collect()
    }

    fn planned(versions: &[Version], keep: usize, needed: &[&str]) -> String {
        let needed = needed.iter().map(|label| (*label).to_owned()).collect();
        let changes = plan("shop", versions, keep, &needed).changes();
        let line =
            |change: Change| format!("{} {}", change.name, change.detail.unwrap_or_default());
        changes.into_iter().map(line).collect::<Vec<_>>().join("\n")
    }

    #[test]
    fn old_versions_go_unless_something_needs_them() {
        let five = versions(
            "v1 1 PROCESSED k1\nv2 2 PROCESSED k2\nv5 5 FAILED k5\nv3 3 PROCESSING k3\nv4 4 PROCESSED k4",
        );
        let shared = versions("v3 3 PROCESSED k\nv2 2 PROCESSED k\nv1 1 PROCESSED other");
        let mut sample = versions("x 0 PROCESSED s\nv1 1 PROCESSED k1");
        sample[0].label = SAMPLE.into();
        let cases = [
            ("keep 2", planned(&five, 2, &[])),
            ("keep 2, one deployed", planned(&five, 2, &["v1"])),
            ("keep 5", planned(&five, 5, &[])),
            ("keep 0", planned(&five, 0, &["v5", "v4"])),
            ("a shared bundle", planned(&shared, 1, &[])),
            ("the sample", planned(&sample, 0, &[])),
        ];
        let lines: Vec<_> = cases
            .iter()
            .map(|(case, plan)| format!("{case}:\n{plan}"))
            .collect();
        insta::assert_snapshot!(lines.join("\n\n"), @"
        keep 2:
        v1 with s3://b/k1
        v2 with s3://b/k2

        keep 2, one deployed:
        v2 with s3://b/k2

        keep 5:


        keep 0:
        v1 with s3://b/k1
        v2 with s3://b/k2

        a shared bundle:
        v1 with s3://b/other
        v2 its bundle belongs to another version, too, and stays

        the sample:
        v1 with s3://b/k1
        ");
    }

    #[test]
    fn deployed_versions_and_those_to_go_back_to_are_needed() {
        let environment = |label: &str| Environment {
            version_label: Some(label.into()),
            ..Environment::default()
        };
        let environments = [environment("v3"), environment("v2"), Environment::default()];
        let needed = needed(&environments, ["v1", "v2"]);
        assert_eq!(needed.into_iter().collect::<Vec<_>>(), ["v1", "v2", "v3"]);
    }
}
