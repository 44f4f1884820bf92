//! A deploy: from the bundle and what is seen at AWS to a plan, and on to the outcome.
//!
//! [`plan`] is pure: [`Desired`] and [`Observed`] in, changes or problems out.

pub mod board;
pub mod bucket;
pub mod compare;
pub mod configuration;
mod configure;
pub mod contents;
pub mod deployments;
pub mod environment;
pub mod events;
pub mod explain;
pub mod health;
pub mod history;
mod observe;
pub mod outcome;
pub mod prune;
pub mod report;
pub mod rollback;
pub mod smoke;
pub mod source;
mod steps;
mod stored;
#[cfg(test)]
mod tests;
pub mod touched;
pub mod upload;
pub mod version;
pub mod watch;
pub mod zip;

use std::time::Duration;

use crate::error::{Error, Kind, Result};
use crate::plan::Plan;
use crate::properties::Options;
use crate::settings::Target;

use bucket::{Bucket, BucketWish, Object};
use environment::{Environment, Instances};
pub use observe::{First, caller_account, first_look, second_look, wait_until_ready};
pub use steps::{DeployStep, Made, World};
use upload::Upload;
use version::{Content, Label, NewVersion, Version};
use zip::Zip;

/// The largest source bundle that Elastic Beanstalk takes (facts 4).
pub const LARGEST_BUNDLE: u64 = 500 * 1024 * 1024;

/// What is wanted.
#[derive(Debug, Clone)]
pub struct Desired {
    /// Application and environment.
    pub target: Target,
    /// The label.
    pub label: Label,
    /// The version's description.
    pub description: Option<String>,
    /// The zip.
    pub bundle: BundleFile,
    /// Where the bundle shall go.
    pub bucket: BucketWish,
    /// The option settings that differ.
    pub options: Options,
    /// What brings them back to what they are now.
    pub undo: Options,
    /// Whether to deploy what already runs.
    pub force: bool,
    /// Images that may be others tomorrow, in words: the same bundle may run something else.
    pub moving: Vec<String>,
    /// How long the update may take until it is given up.
    pub timeout: Duration,
}

/// The zip, known before it has to be there.
#[derive(Debug, Clone)]
pub struct BundleFile {
    /// Its bytes.
    pub zip: Zip,
    /// The sha256 of its bytes.
    pub sha256: String,
    /// Its size.
    pub bytes: u64,
    /// How many files are in it.
    pub files: usize,
}

/// What is seen at AWS before anything is written.
#[derive(Debug, Clone)]
pub struct Observed {
    /// The caller's account.
    pub account: String,
    /// The environment, Ready.
    pub environment: Environment,
    /// What its last operation came to.
    pub last_operation_failed: bool,
    /// Whether the running version holds this bundle.
    pub running: Content,
    /// The instances; asked for only where the running version holds this bundle.
    pub instances: Instances,
    /// The versions that matter: those with the wanted label or this bundle.
    pub versions: Vec<Candidate>,
    /// What stands under the keys that a new version's bundle may get; looked at only where one is needed.
    pub objects: Vec<(String, Object)>,
    /// The bucket's name.
    pub bucket_name: String,
    /// The bucket, or why it cannot be used; matters only where something is uploaded.
    pub bucket: Result<Bucket>,
}

/// A version that may be reused or is in the way.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Candidate {
    /// The version.
    pub version: Version,
    /// Whether it holds this bundle.
    pub content: Content,
    /// Whether its object is there.
    pub object: bool,
}

/// What has to change so that the environment runs the bundle. Empty when it does already.
///
/// # Errors
/// [`Kind::Check`] with everything that stands in the way, all together.
pub fn plan(desired: &Desired, observed: &Observed) -> Result<Plan<DeployStep>> {
    if let Some(problem) = Error::all(problems(desired, observed)) {
        return Err(problem);
    }
    let environment = &observed.environment;
    if is_unchanged(desired, observed) {
        return Ok(rollback::configure(environment, desired.options.clone()));
    }
    let (mut steps, label) = version_steps(desired, observed);
    steps.push(DeployStep::Update {
        environment: environment.name.clone(),
        label,
        previous: environment.version_label.clone(),
        options: desired.options.clone(),
        timeout: desired.timeout,
    });
    Ok(Plan::new(steps))
}

/// The plans of several environments that get the same version: it is made once.
#[derive(Debug)]
pub struct Joint {
    /// The steps to the version.
    pub version: Plan<DeployStep>,
    /// The update of each environment; empty where it runs the bundle already.
    pub updates: Vec<Plan<DeployStep>>,
}

/// Like [`plan`], for several environments.
///
/// # Errors
/// As [`plan`]; what stands in the way of several is told once.
pub fn plan_all<'a>(all: impl IntoIterator<Item = (&'a Desired, &'a Observed)>) -> Result<Joint> {
    let (mut plans, mut problems) = (Vec::new(), Vec::<Error>::new());
    for (desired, observed) in all {
        match plan(desired, observed) {
            Ok(plan) => plans.push(plan.into_steps()),
            Err(error) if problems.iter().any(|it| it.message() == error.message()) => {}
            Err(error) => problems.push(error),
        }
    }
    if let Some(problem) = Error::all(problems) {
        return Err(problem);
    }
    let (mut version, mut chosen) = (Vec::new(), None);
    let mut updates = Vec::new();
    for mut steps in plans {
        let mut update = steps.split_off(steps.len().saturating_sub(1));
        if let Some(DeployStep::Update { label, .. }) = update.first_mut() {
            match &chosen {
                Some(chosen) => label.clone_from(chosen),
                None => (chosen, version) = (Some(label.clone()), steps),
            }
        }
        updates.push(Plan::new(update));
    }
    Ok(Joint {
        version: Plan::new(version),
        updates,
    })
}

/// Whether the environment already runs the bundle, everywhere, and its last operation did not
/// fail. Contents are compared, not labels.
fn is_unchanged(desired: &Desired, observed: &Observed) -> bool {
    !desired.force && desired.moving.is_empty() && runs_already(observed)
}

/// Whether the environment runs the bundle everywhere, and its last operation did not fail.
#[must_use]
pub fn runs_already(observed: &Observed) -> bool {
    let running = observed
        .environment
        .version_label
        .as_deref()
        .unwrap_or_default();
    let everywhere = match &observed.instances {
        Instances::Known(instances) => instances.iter().all(|instance| instance.runs(running)),
        Instances::NotTold(_) => true,
    };
    observed.environment.is_ready()
        && observed.running == Content::Same
        && everywhere
        && !observed.last_operation_failed
}

/// The steps to a version with the bundle, and its label.
fn version_steps(desired: &Desired, observed: &Observed) -> (Vec<DeployStep>, String) {
    if let Some(reused) = reusable(desired, observed) {
        let label = reused.version.label.clone();
        let again = match &reused.version.bundle {
            Some((bucket, key)) if !reused.object => {
                vec![DeployStep::Upload(upload(desired, observed, bucket, key))]
            }
            _ => Vec::new(),
        };
        return (again, label);
    }
    let label = free_label(desired, observed);
    let (bucket, key) = (&observed.bucket_name, desired.bucket.key(&label));
    let mut steps = Vec::new();
    if matches!(observed.bucket, Ok(Bucket::Missing)) {
        steps.push(DeployStep::CreateBucket {
            name: bucket.clone(),
        });
    }
    let arrived = object_at(observed, &key).is_some_and(|object| object.is(&desired.bundle.sha256));
    if !arrived {
        steps.push(DeployStep::Upload(upload(desired, observed, bucket, &key)));
    }
    steps.push(DeployStep::CreateVersion(NewVersion {
        app: desired.target.app.clone(),
        label: label.clone(),
        description: desired.description.clone(),
        bucket: bucket.clone(),
        key,
        owner: desired.bucket.owner(&observed.account),
        sha256: desired.bundle.sha256.clone(),
    }));
    (steps, label)
}

/// The version that already holds the bundle: under the given label if one is given; else
/// the running one, the one with the label that would be made, or any.
fn reusable<'a>(desired: &Desired, observed: &'a Observed) -> Option<&'a Candidate> {
    let wanted = desired.label.text();
    let running = observed.environment.version_label.as_deref();
    let fit = |candidate: &&Candidate| {
        candidate.content == Content::Same
            && candidate.version.status != "FAILED"
            && candidate.version.bundle.is_some()
    };
    let candidates = || observed.versions.iter().filter(fit);
    let labelled = |label: &str| candidates().find(|candidate| candidate.version.label == label);
    match &desired.label {
        Label::Given(label) => labelled(label),
        Label::Derived(_) => running
            .and_then(labelled)
            .or_else(|| labelled(wanted))
            .or_else(|| candidates().find(|candidate| candidate.object)),
    }
}

/// The wanted label, or with a number in it where a version that failed, or something else in the bucket, has used
/// it up.
fn free_label(desired: &Desired, observed: &Observed) -> String {
    let is_free = |label: &String| {
        let object = object_at(observed, &desired.bucket.key(label));
        !object.is_some_and(|object| object.is_other_than(&desired.bundle.sha256))
    };
    free_labels(desired, &observed.versions)
        .find(is_free)
        .unwrap_or_else(|| desired.label.text().to_owned())
}

/// The labels that a new version may get, as far as the versions go; the wanted one first.
fn free_labels<'a>(
    desired: &'a Desired,
    versions: &'a [Candidate],
) -> impl Iterator<Item = String> + 'a {
    let most = match &desired.label {
        Label::Given(_) => 1,
        Label::Derived(_) => usize::MAX,
    };
    let label = |number| match number {
        1 => desired.label.text().to_owned(),
        _ => desired.label.numbered(number),
    };
    let taken = |label: &String| versions.iter().any(|c| &c.version.label == label);
    (1..)
        .take(most)
        .map(label)
        .filter(move |label| !taken(label))
}

fn object_at<'a>(observed: &'a Observed, key: &str) -> Option<&'a Object> {
    let mut objects = observed.objects.iter();
    objects.find_map(|(at, object)| (at == key).then_some(object))
}

fn upload(desired: &Desired, observed: &Observed, bucket: &str, key: &str) -> Upload {
    Upload {
        bucket: bucket.to_owned(),
        key: key.to_owned(),
        owner: desired.bucket.owner(&observed.account),
        encryption: desired.bucket.encryption.clone(),
        zip: desired.bundle.zip.clone(),
        sha256: desired.bundle.sha256.clone(),
        bytes: desired.bundle.bytes,
    }
}

/// What stands in the way although everything was found.
fn problems(desired: &Desired, observed: &Observed) -> Vec<Error> {
    let mut problems = Vec::new();
    if let Label::Given(label) = &desired.label
        && let Some(taken) = observed.versions.iter().find(|c| &c.version.label == label)
    {
        let why = match (taken.content, taken.version.status.as_str()) {
            (Content::Same, "FAILED") => Some("its processing failed"),
            (Content::Same, _) => None,
            (Content::Other, _) => Some("it holds another bundle"),
            (Content::Unknown, _) => Some("nothing tells whether it holds this bundle"),
        };
        if let Some(why) = why {
            problems.push(
                Error::new(
                    Kind::Check,
                    format!(
                        "the version label {label} is taken in {}: {why}",
                        desired.target.app
                    ),
                )
                .hint("give another: `--version-label LABEL`, or none to have one made"),
            );
        }
    }
    if !is_unchanged(desired, observed) && reusable(desired, observed).is_none() {
        problems.extend(observed.bucket.clone().err());
        let key = desired.bucket.key(desired.label.text());
        let object = object_at(observed, &key);
        let is_other = |object: &Object| object.is_other_than(&desired.bundle.sha256);
        if matches!(desired.label, Label::Given(_)) && object.is_some_and(is_other) {
            problems.push(upload::taken(&observed.bucket_name, &key));
        }
    }
    problems
}
