//! What an environment ran before, and which version it can go back to. Pure: versions and
//! events in, candidates and the choice among them out.
//!
//! Elastic Beanstalk keeps events for six weeks; beyond that only the versions' dates tell.

#[cfg(test)]
mod tests;

use std::collections::{HashMap, HashSet};

use jiff::Timestamp;
use serde::Serialize;

use super::environment::{Environment, Instances};
use super::events::{Event, last_operation_failed};
use super::version::Version;

/// An update that ended well.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Run {
    /// The version it brought.
    pub label: String,
    /// When it ended.
    pub ended: Timestamp,
    /// Whether health was fine at some time until the next update, or nothing bad was told.
    pub healthy: bool,
}

/// A version that an environment could go back to.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Candidate {
    /// Its label.
    pub version_label: String,
    /// When it was created.
    pub created: Option<Timestamp>,
    /// What was said about it.
    pub description: Option<String>,
    /// When an update of this environment to it last ended well; none where no event tells.
    pub last_deployed: Option<Timestamp>,
    /// Whether it came up red when it last ran here.
    pub was_red: bool,
    /// Whether its last deployment here failed.
    pub has_failed: bool,
}

/// Why a version is the one to go back to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Because {
    /// It is in place, but the last operation failed or not every instance runs it.
    InPlace,
    /// It ran before the current one.
    RanBefore,
    /// No event tells what ran before; it was created before the current one.
    CreatedBefore,
}

/// What is known of an environment's past.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct History {
    /// Updates that ended well, newest first.
    pub runs: Vec<Run>,
    /// Labels whose last deployment here failed.
    failed: HashSet<String>,
    /// Whether the last operation failed or was aborted.
    pub ended_badly: bool,
}

impl History {
    /// Reads the events, newest first as the service gives them.
    #[must_use]
    pub fn of(newest_first: &[Event]) -> Self {
        let labels = labels_by_request(newest_first);
        let broken = broken_requests(newest_first);
        let (mut runs, mut failed) = (Vec::<Run>::new(), HashSet::new());
        let (mut last_request, mut since) = (None, Health::default());
        for event in newest_first.iter().rev() {
            let request = event.request_id.as_deref();
            since.take(event);
            if let Some(run) = runs.last_mut() {
                run.healthy = since.was_fine();
            }
            let by_request = || request.and_then(|id| labels.get(id).copied());
            let Some(label) = event.version_label.as_deref().or_else(by_request) else {
                continue;
            };
            if event.tells_failure() {
                failed.insert(label.to_owned());
            } else if event.tells_success() && !request.is_some_and(|id| broken.contains(id)) {
                failed.remove(label);
                // The same update may say twice that it went well.
                if request.is_none() || request != last_request {
                    runs.push(Run::new(label, event.time));
                    since = Health::watched();
                }
                last_request = request;
            }
        }
        runs.reverse();
        Self {
            runs,
            failed,
            ended_badly: ended_badly(newest_first),
        }
    }

    /// Whether the environment is not simply on its label: its last operation failed or was
    /// aborted, or an instance runs something else.
    #[must_use]
    pub fn is_unsettled(&self, environment: &Environment, instances: &Instances) -> bool {
        self.ended_badly || !instances.all_run(environment.version_label.as_deref())
    }

    /// The versions that could be deployed again, best first: those that ran here by when they
    /// last did, then the others by age.
    #[must_use]
    pub fn candidates(&self, versions: &[Version]) -> Vec<Candidate> {
        let mut candidates: Vec<Candidate> = versions
            .iter()
            .filter(|version| version.unfit().is_none())
            .map(|version| self.candidate(version))
            .collect();
        candidates.sort_by_key(|c| std::cmp::Reverse((c.last_deployed, c.created)));
        candidates
    }

    fn candidate(&self, version: &Version) -> Candidate {
        let run = self.runs.iter().find(|run| run.label == version.label);
        Candidate {
            version_label: version.label.clone(),
            created: version.created,
            description: version.description.clone(),
            last_deployed: run.map(|run| run.ended),
            was_red: run.is_some_and(|run| !run.healthy),
            has_failed: self.failed.contains(&version.label),
        }
    }

    /// The last version that ran well and can be deployed again: the current one where the
    /// environment is unsettled, else the one before it. `candidates` in the order of
    /// [`History::candidates`], without those whose bundle is gone.
    #[must_use]
    pub fn choose<'a>(
        &self,
        candidates: &'a [Candidate],
        current: Option<&Version>,
        unsettled: bool,
    ) -> Option<(&'a Candidate, Because)> {
        let is_current = |c: &&Candidate| current.is_some_and(|v| v.label == c.version_label);
        let in_place = candidates.iter().find(is_current);
        if let (true, Some(found)) = (unsettled, in_place) {
            return Some((found, Because::InPlace));
        }
        let others = || {
            candidates
                .iter()
                .filter(|c| !is_current(c) && !c.has_failed && !c.was_red)
        };
        if let Some(found) = others().find(|c| c.last_deployed.is_some()) {
            return Some((found, Because::RanBefore));
        }
        let age = current?.created?;
        others()
            .filter(|c| c.created.is_some_and(|created| created < age))
            .max_by_key(|c| c.created)
            .map(|found| (found, Because::CreatedBefore))
    }
}

impl Run {
    fn new(label: &str, ended: Timestamp) -> Self {
        Self {
            label: label.to_owned(),
            ended,
            healthy: true,
        }
    }
}

/// The configuration updates since a time, newest first, one event each.
#[must_use]
pub fn configuration_updates(newest_first: &[Event], since: Timestamp) -> Vec<Event> {
    let mut seen = HashSet::new();
    newest_first
        .iter()
        .filter(|event| event.time > since && changes_configuration(&event.message))
        .filter(|event| {
            let request = event.request_id.as_deref();
            request.is_none_or(|request| seen.insert(request))
        })
        .cloned()
        .collect()
}

fn changes_configuration(message: &str) -> bool {
    (message.starts_with("Updating environment ") && message.contains("configuration settings"))
        || message.starts_with("Successfully deployed new configuration to environment.")
}

/// Which version each request was about, where any of its events tells.
fn labels_by_request(events: &[Event]) -> HashMap<&str, &str> {
    events
        .iter()
        .filter_map(|event| {
            Some((
                event.request_id.as_deref()?,
                event.version_label.as_deref()?,
            ))
        })
        .collect()
}

/// Requests that told of a failure, whatever else they said.
fn broken_requests(events: &[Event]) -> HashSet<&str> {
    events
        .iter()
        .filter(|event| event.tells_failure())
        .filter_map(|event| event.request_id.as_deref())
        .collect()
}

/// What is told of health between an update and the next.
#[derive(Debug, Default)]
struct Health {
    watched: bool,
    red: bool,
    fine: bool,
}

impl Health {
    fn watched() -> Self {
        Self {
            watched: true,
            ..Self::default()
        }
    }

    fn take(&mut self, event: &Event) {
        self.watched &= !event.starts_update();
        if self.watched {
            match health(&event.message) {
                Some(true) => self.fine = true,
                Some(false) => self.red = true,
                None => {}
            }
        }
    }

    /// Whether it was fine at some time, or nothing bad was told.
    fn was_fine(&self) -> bool {
        self.fine || !self.red
    }
}

/// Whether a message says that health has become fine (`true`) or red (`false`).
fn health(message: &str) -> Option<bool> {
    let (_, rest) = message
        .split_once("health has transitioned from ")
        .and_then(|(_, rest)| rest.split_once(" to "))
        .or_else(|| message.split_once("health has been set to "))?;
    let word = rest.split(['.', ' ']).next().unwrap_or_default();
    match word.to_ascii_lowercase().as_str() {
        "ok" | "info" | "warning" | "green" | "yellow" => Some(true),
        "degraded" | "severe" | "red" => Some(false),
        _ => None,
    }
}

/// Whether the last update came to a bad end. UNVERIFIED (facts 2.4): the words of an abort.
fn ended_badly(newest_first: &[Event]) -> bool {
    let aborted = newest_first
        .iter()
        .take_while(|event| !event.tells_success())
        .any(|event| event.message.starts_with("Environment update aborted"));
    aborted || last_operation_failed(newest_first)
}
