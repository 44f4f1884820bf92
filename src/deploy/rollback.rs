//! A version that exists goes to an environment: what `rollback` and `promote` plan. A deploy
//! from which upload and version drop out. [`plan`] is pure; [`Past`] is what is read for it.

use std::time::Duration;

use futures_util::StreamExt;
use serde::Serialize;

use super::bucket::{self, Object};
use super::environment::{self, Environment, Instances};
use super::events::{self, Event};
use super::history::{Because, Candidate, History, configuration_updates};
use super::version::{self, Version};
use super::{DeployStep, First};
use crate::aws::Aws;
use crate::error::{Error, Kind, Result};
use crate::plan::Plan;
use crate::properties::Options;

/// How many events are read to know an environment's past: six weeks of a busy one.
pub const EVENTS: usize = 5000;

/// How many candidates are looked at and shown.
const SHOWN: usize = 10;

/// How many bundles are looked at side by side.
const LOOKS: usize = 16;

/// What has to change so that the environment runs a version that exists, with these options.
/// Empty where every instance runs it already, the last operation ended well and no option differs.
#[must_use]
pub fn plan(
    label: &str,
    environment: &Environment,
    instances: &Instances,
    ended_badly: bool,
    (options, timeout): (Options, Duration),
) -> Plan<DeployStep> {
    let in_place = environment.version_label.as_deref() == Some(label);
    if in_place && environment.is_ready() && instances.all_run(Some(label)) && !ended_badly {
        return configure(environment, options);
    }
    Plan::new(vec![DeployStep::Update {
        environment: environment.name.clone(),
        label: label.to_owned(),
        previous: environment.version_label.clone(),
        options,
        timeout,
    }])
}

/// What changes an environment's options and nothing else.
#[must_use]
pub fn configure(environment: &Environment, options: Options) -> Plan<DeployStep> {
    if options.is_empty() {
        return Plan::new(Vec::new());
    }
    Plan::new(vec![DeployStep::Configure {
        environment: environment.name.clone(),
        application: environment.application.clone(),
        options,
    }])
}

/// What is read of an environment's past.
#[derive(Debug)]
pub struct Past {
    /// Its instances.
    pub instances: Instances,
    /// What its events tell.
    pub history: History,
    /// The newest versions that can be deployed again, best first.
    pub candidates: Vec<Candidate>,
    versions: Vec<Version>,
    events: Vec<Event>,
    gone: Vec<String>,
}

/// The version to go back to.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Target {
    /// The version.
    pub candidate: Candidate,
    /// Why this one; none where it was asked for.
    #[serde(skip)]
    pub because: Option<Because>,
}

impl Past {
    /// Reads it: versions, instances, events, and whether the bundles are there.
    ///
    /// # Errors
    /// What AWS says. Events that may not be read leave the versions' dates.
    pub async fn read(aws: &Aws, app: &str, first: &First, to: Option<&str>) -> Result<Self> {
        let name = &first.environment.name;
        let (versions, instances, events) = tokio::join!(
            version::describe(aws, app, &[]),
            environment::instances(aws, name),
            events::read(aws, name, None, EVENTS),
        );
        let (versions, instances) = (versions?, instances?);
        let events = match events {
            Ok(events) => events,
            Err(error) if error.kind() == Kind::Denied => Vec::new(),
            Err(error) => return Err(error),
        };
        let history = History::of(&events);
        let mut candidates = history.candidates(&versions);
        let wanted: Vec<String> = candidates
            .iter()
            .enumerate()
            .filter(|(rank, c)| *rank < SHOWN || Some(c.version_label.as_str()) == to)
            .map(|(_, c)| c.version_label.clone())
            .collect();
        candidates.retain(|c| wanted.contains(&c.version_label));
        let looked = versions.iter().filter(|v| wanted.contains(&v.label));
        let gone = without_bundle(aws, looked).await?;
        candidates.retain(|c| !gone.contains(&c.version_label));
        Ok(Self {
            instances,
            history,
            candidates,
            versions,
            events,
            gone,
        })
    }

    /// The version to go back to: the one that is asked for, or the last that ran well.
    ///
    /// # Errors
    /// [`Kind::Check`] where there is none, or the one that is asked for cannot be deployed.
    pub fn choose(&self, to: Option<&str>, environment: &Environment) -> Result<Target> {
        let Some(to) = to else {
            let unsettled = self.history.is_unsettled(environment, &self.instances);
            let current = current(&self.versions, environment);
            return self
                .history
                .choose(&self.candidates, current, unsettled)
                .map(|(candidate, because)| Target {
                    candidate: candidate.clone(),
                    because: Some(because),
                })
                .ok_or_else(|| nothing_before(environment));
        };
        if let Some(candidate) = self.candidates.iter().find(|c| c.version_label == to) {
            return Ok(Target {
                candidate: candidate.clone(),
                because: None,
            });
        }
        let gone = self.gone.iter().any(|label| label == to);
        Err(undeployable(
            &self.versions,
            to,
            gone,
            &environment.application,
        ))
    }

    /// The configuration updates since a version was last deployed here, or, where that is not
    /// known, since it was created.
    #[must_use]
    pub fn configuration_updates(&self, since: &Candidate) -> Vec<Event> {
        since
            .last_deployed
            .or(since.created)
            .map(|since| configuration_updates(&self.events, since))
            .unwrap_or_default()
    }

    /// Whether any event could be read.
    #[must_use]
    pub fn tells(&self) -> bool {
        !self.events.is_empty()
    }
}

/// The version that an environment's label names; none for AWS's sample.
#[must_use]
pub fn current<'a>(versions: &'a [Version], environment: &Environment) -> Option<&'a Version> {
    versions
        .iter()
        .find(|version| Some(&version.label) == environment.version_label.as_ref())
}

/// The labels of the versions whose bundle is gone.
///
/// # Errors
/// What AWS says.
pub async fn without_bundle<'a>(
    aws: &Aws,
    versions: impl Iterator<Item = &'a Version>,
) -> Result<Vec<String>> {
    let looks = versions.filter_map(|version| {
        let (bucket, key) = version.bundle.clone()?;
        let label = version.label.clone();
        Some(async move {
            let object = bucket::object(aws, &bucket, &key, None).await?;
            Ok((object == Object::Missing).then_some(label))
        })
    });
    let looked: Vec<Result<Option<String>>> = futures_util::stream::iter(looks)
        .buffered(LOOKS)
        .collect()
        .await;
    let looked: Result<Vec<_>> = looked.into_iter().collect();
    Ok(looked?.into_iter().flatten().collect())
}

/// The error for a version that cannot be deployed.
#[must_use]
pub fn undeployable(versions: &[Version], label: &str, gone: bool, app: &str) -> Error {
    let why = match versions.iter().find(|version| version.label == label) {
        _ if label == version::SAMPLE => "it is AWS's sample, not a version of yours",
        None => {
            return Error::new(Kind::Check, format!("no version {label} in {app}"))
                .hint("list the versions with `beanship versions`");
        }
        Some(version) => version.unfit().unwrap_or(if gone {
            "its source bundle is gone"
        } else {
            "nothing tells whether its source bundle is there"
        }),
    };
    Error::new(
        Kind::Check,
        format!("the version {label} cannot be deployed: {why}"),
    )
    .hint("choose another: `beanship versions`")
}

fn nothing_before(environment: &Environment) -> Error {
    let name = &environment.name;
    let current = environment.version_label.as_deref().unwrap_or("no version");
    Error::new(
        Kind::Check,
        format!("no version to go back to: {name} runs {current}, and none that ran well before it can be deployed"),
    )
    .hint("choose one yourself with `beanship rollback --to LABEL`; `beanship versions` lists them")
}
