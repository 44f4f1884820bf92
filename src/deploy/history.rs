//! What an environment ran before, and which version it can go back to. Pure: versions and
//! events in, candidates and the choice among them out.
//!
//! Elastic Beanstalk keeps events for six weeks; beyond that only the versions' dates tell.

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
        current: Option<&str>,
        unsettled: bool,
    ) -> Option<(&'a Candidate, Because)> {
        let is_current = |c: &&Candidate| Some(c.version_label.as_str()) == current;
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
        let age = in_place.and_then(|c| c.created);
        others()
            .filter(|c| c.created.is_some() && (age.is_none() || c.created < age))
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

#[cfg(test)]
mod tests {
    use super::*;

    const DONE: &str = "Environment update completed successfully.";
    const FAILED: &str = "Failed to deploy application.";
    const START: &str = "Environment update is starting.";

    /// An event at a second, of a request (`-` for none), about a version (`-` for none).
    fn event(second: i64, request: &str, label: &str, message: &str) -> Event {
        let text = |text: &str| Some(text.to_owned()).filter(|text| text != "-");
        Event {
            time: Timestamp::from_second(second).expect("a time"),
            severity: "INFO".into(),
            message: message.into(),
            request_id: text(request),
            version_label: text(label),
        }
    }

    /// Events in the service's order.
    fn newest_first(events: &[(i64, &str, &str, &str)]) -> Vec<Event> {
        let events = events.iter().rev();
        events
            .map(|(second, request, label, message)| event(*second, request, label, message))
            .collect()
    }

    fn version(label: &str, created: i64, status: &str) -> Version {
        Version {
            label: label.into(),
            status: status.into(),
            bundle: Some(("b".into(), label.into())),
            created: Timestamp::from_second(created).ok(),
            description: None,
        }
    }

    /// The versions v1 to v4, the newest broken, and AWS's sample.
    fn versions() -> Vec<Version> {
        let sample = Version {
            label: super::super::version::SAMPLE.into(),
            ..version("", 0, "PROCESSED")
        };
        vec![
            version("v4", 400, "FAILED"),
            version("v3", 300, "PROCESSED"),
            version("v2", 200, "UNPROCESSED"),
            version("v1", 100, "PROCESSED"),
            sample,
        ]
    }

    fn chosen(events: &[(i64, &str, &str, &str)], current: Option<&str>, mixed: bool) -> String {
        let history = History::of(&newest_first(events));
        let candidates = history.candidates(&versions());
        let unsettled = history.ended_badly || mixed;
        match history.choose(&candidates, current, unsettled) {
            Some((candidate, because)) => format!("{} {because:?}", candidate.version_label),
            None => "none".into(),
        }
    }

    #[test]
    fn the_version_to_go_back_to_is_the_last_that_ran_well() {
        let two = [(10, "r1", "v1", DONE), (20, "r2", "v2", DONE)];
        let with = |more: &[(i64, &'static str, &'static str, &'static str)]| {
            [two.as_slice(), more].concat()
        };
        let third = |ending| with(&[(30, "r3", "v3", START), (40, "r3", "v3", ending)]);
        let red =
            "Environment health has transitioned from Info to Severe. 100 % of requests fail.";
        let ok = "Environment health has transitioned from Info to Ok.";
        let cases = [
            ("the one before", chosen(&two, Some("v2"), false)),
            ("mixed instances", chosen(&two, Some("v2"), true)),
            ("after a failure", chosen(&third(FAILED), Some("v2"), false)),
            (
                "after an abort",
                chosen(&third("Environment update aborted."), Some("v2"), false),
            ),
            (
                "after another deploy",
                chosen(&third(DONE), Some("v3"), false),
            ),
            (
                "after a rollback",
                chosen(&with(&[(30, "r3", "v1", DONE)]), Some("v1"), false),
            ),
            (
                "the one before was red",
                chosen(
                    &with(&[
                        (21, "-", "-", red),
                        (29, "r3", "v3", START),
                        (30, "r3", "v3", DONE),
                    ]),
                    Some("v3"),
                    false,
                ),
            ),
            (
                "red at last, but fine before",
                chosen(
                    &with(&[
                        (21, "-", "-", ok),
                        (22, "-", "-", red),
                        (30, "r3", "v3", DONE),
                    ]),
                    Some("v3"),
                    false,
                ),
            ),
            (
                "red from the next update",
                chosen(
                    &with(&[
                        (29, "r3", "v3", START),
                        (30, "-", "-", red),
                        (31, "r3", "v3", DONE),
                    ]),
                    Some("v3"),
                    false,
                ),
            ),
            (
                "labels only at the start",
                chosen(
                    &[
                        (1, "r1", "v1", START),
                        (2, "r1", "-", DONE),
                        (3, "r2", "v2", START),
                        (4, "r2", "-", DONE),
                    ],
                    Some("v2"),
                    false,
                ),
            ),
            (
                "an update that says both",
                chosen(
                    &[
                        (1, "r1", "v1", DONE),
                        (2, "r2", "v2", FAILED),
                        (3, "r2", "v2", DONE),
                        (4, "r3", "v3", DONE),
                    ],
                    Some("v3"),
                    false,
                ),
            ),
            ("no events", chosen(&[], Some("v3"), false)),
            ("no events, the oldest", chosen(&[], Some("v1"), false)),
            (
                "events without labels",
                chosen(&[(1, "r1", "-", DONE)], Some("v2"), false),
            ),
            (
                "no version in place",
                chosen(&[(1, "r3", "v3", FAILED)], None, false),
            ),
            (
                "the first deploy failed",
                chosen(
                    &[(1, "r3", "v3", FAILED)],
                    Some("Sample Application"),
                    false,
                ),
            ),
            (
                "a version that is deleted",
                chosen(
                    &[(1, "r0", "v0", DONE), (2, "r1", "v1", DONE)],
                    Some("v1"),
                    false,
                ),
            ),
        ];
        let lines: Vec<_> = cases
            .iter()
            .map(|(case, chosen)| format!("{case}: {chosen}"))
            .collect();
        insta::assert_snapshot!(lines.join("\n"), @"
        the one before: v1 RanBefore
        mixed instances: v2 InPlace
        after a failure: v2 InPlace
        after an abort: v2 InPlace
        after another deploy: v2 RanBefore
        after a rollback: v2 RanBefore
        the one before was red: v1 RanBefore
        red at last, but fine before: v2 RanBefore
        red from the next update: v2 RanBefore
        labels only at the start: v1 RanBefore
        an update that says both: v1 RanBefore
        no events: v2 CreatedBefore
        no events, the oldest: none
        events without labels: v1 CreatedBefore
        no version in place: v2 CreatedBefore
        the first deploy failed: v2 CreatedBefore
        a version that is deleted: none
        ");
    }

    #[test]
    fn configuration_updates_are_told_once_each() {
        let updating = "Updating environment shop-prod's configuration settings.";
        let deployed = "Successfully deployed new configuration to environment.";
        let events = newest_first(&[
            (1, "r1", "-", updating),
            (10, "r2", "v1", DONE),
            (20, "r3", "-", updating),
            (21, "r3", "-", deployed),
            (30, "r4", "v2", deployed),
            (31, "r4", "v2", DONE),
        ]);
        let since = Timestamp::from_second(10).expect("a time");
        let found = configuration_updates(&events, since);
        let times: Vec<_> = found.iter().map(|event| event.time.as_second()).collect();
        assert_eq!(times, [30, 21]);
    }
}
