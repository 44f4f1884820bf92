//! An environment's events: read in pages, told apart, and what their texts mean.

mod reading;

use jiff::Timestamp;
use serde::Serialize;

pub use reading::{Follower, Scope, read, read_in, with_latecomers};

/// One event.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Event {
    /// When, by the service's clock.
    pub time: Timestamp,
    /// `TRACE`, `DEBUG`, `INFO`, `WARN`, `ERROR` or `FATAL`.
    pub severity: String,
    /// The service's words.
    pub message: String,
    /// The request that started the operation it belongs to.
    #[serde(skip)]
    pub request_id: Option<String>,
    /// The version it is about.
    #[serde(skip)]
    pub version_label: Option<String>,
    /// The environment it is about.
    #[serde(skip)]
    pub environment: Option<String>,
}

impl Event {
    /// Whether its severity says that something went wrong.
    #[must_use]
    pub fn is_error(&self) -> bool {
        matches!(self.severity.as_str(), "ERROR" | "FATAL")
    }

    /// Whether its words are known to mean a failed operation, at any severity: some failures
    /// are told at INFO or WARN (facts 2.2).
    #[must_use]
    pub fn tells_failure(&self) -> bool {
        const FAILURES: [&str; 14] = [
            "Failed to deploy application.",
            "Failed to deploy configuration.",
            "Failed to launch environment.",
            "The environment was reverted to the previous configuration setting.",
            "operation is complete, but with errors",
            "operation is complete, but with command timeouts",
            "Unsuccessful command execution on instance",
            "did not pass health check after command execution",
            "During an aborted deployment, some instances may have deployed",
            "Instance deployment failed",
            "Command failed on instance",
            "there were issues during launch",
            "The following resource(s) failed to create",
            "The deployment failed.",
        ];
        FAILURES.iter().any(|text| self.message.contains(text)) || failed_in_summary(&self.message)
    }

    /// Whether its words are known to end an operation well.
    #[must_use]
    pub fn tells_success(&self) -> bool {
        const SUCCESSES: [&str; 3] = [
            "Environment update completed successfully.",
            "Successfully deployed new configuration to environment.",
            "Successfully launched environment:",
        ];
        SUCCESSES.iter().any(|text| self.message.starts_with(text))
    }

    /// Whether it says that the update was aborted on request. The exact words are UNVERIFIED
    /// (facts 2.4); "Aborting the operation." is not among them, it belongs to failures.
    #[must_use]
    pub fn tells_abort(&self) -> bool {
        [
            "Aborting environment update",
            "Environment update aborted",
            "abortEnvironmentUpdate",
        ]
        .iter()
        .any(|text| {
            self.message
                .to_ascii_lowercase()
                .contains(&text.to_ascii_lowercase())
        })
    }

    /// The word of enhanced health that the environment has come to, and why, where this event
    /// tells that: `Environment health has transitioned from Ok to Info. <why>`.
    #[must_use]
    pub fn health(&self) -> Option<(&str, &str)> {
        let rest = self
            .message
            .strip_prefix("Environment health has transitioned from ")?;
        let (_, to) = rest.split_once(" to ")?;
        let (word, why) = to.split_once('.')?;
        Some((word, why.trim_start()))
    }

    /// Whether it starts an update.
    #[must_use]
    pub fn starts_update(&self) -> bool {
        self.message.starts_with("Environment update is starting")
    }
}

/// `Summary: [Successful: 1, Failed: 1]` or `[..., TimedOut: 1]` with a number above 0.
fn failed_in_summary(message: &str) -> bool {
    let Some((_, summary)) = message.split_once("Summary: [") else {
        return false;
    };
    ["Failed: ", "TimedOut: "].iter().any(|word| {
        summary.split_once(word).is_some_and(|(_, rest)| {
            rest.starts_with(|first: char| first.is_ascii_digit() && first != '0')
        })
    })
}

/// How the last operation that has left a final event ended: well, badly, or unknown.
/// `newest_first` as the service gives them.
#[must_use]
pub fn last_operation_failed(newest_first: &[Event]) -> bool {
    newest_first
        .iter()
        .find_map(
            |event| match (event.tells_success(), event.tells_failure()) {
                (true, _) => Some(false),
                (_, true) => Some(true),
                _ => None,
            },
        )
        .unwrap_or(false)
}

/// One operation on an environment, as its events tell it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Operation {
    /// The id of the request that started it.
    pub request_id: Option<String>,
    /// The version it leads to, where an event names it.
    pub label: Option<String>,
    /// Its events so far, oldest first.
    pub events: Vec<Event>,
}

impl Operation {
    /// The latest operation in these events, newest first; none where no beginning is among
    /// them.
    #[must_use]
    pub fn latest(newest_first: &[Event]) -> Option<Self> {
        let begins = |event: &Event| {
            event.starts_update() || event.message.starts_with("createEnvironment is starting")
        };
        let at = newest_first.iter().position(begins)?;
        let events: Vec<Event> = newest_first[..=at].iter().rev().cloned().collect();
        let request_id = events[0].request_id.clone();
        let ours = |event: &&Event| event.request_id == request_id;
        let label = events
            .iter()
            .filter(ours)
            .find_map(|event| event.version_label.clone());
        Some(Self {
            request_id,
            label,
            events,
        })
    }

    /// What it is, in a few words.
    #[must_use]
    pub fn words(&self) -> String {
        match &self.label {
            Some(label) => format!("the update to {label}"),
            None => "the operation that runs".into(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    pub(super) fn event(second: i64, severity: &str, message: &str) -> Event {
        Event {
            time: Timestamp::from_second(second).expect("a time"),
            severity: severity.into(),
            message: message.into(),
            request_id: None,
            version_label: None,
            environment: None,
        }
    }

    #[test]
    fn failures_are_known_by_their_words_at_any_severity() {
        for (message, failure) in [
            ("Environment update completed successfully.", false),
            ("Instance deployment completed successfully.", false),
            (
                "Command execution completed on all instances. Summary: [Successful: 1, Failed: 0].",
                false,
            ),
            (
                "Command execution completed on all instances. Summary: [Successful: 0, Failed: 1].",
                true,
            ),
            (
                "Command execution completed on all instances. Summary: [Successful: 2, TimedOut: 12].",
                true,
            ),
            (
                "Update environment operation is complete, but with command timeouts. Try increasing the timeout period.",
                true,
            ),
            ("Failed to deploy application.", true),
            (
                "Environment health has transitioned from Info to Ok.",
                false,
            ),
        ] {
            assert_eq!(
                event(1, "INFO", message).tells_failure(),
                failure,
                "{message}"
            );
        }
    }

    #[test]
    fn the_last_final_event_tells_how_the_last_operation_ended() {
        let good = event(1, "INFO", "Environment update completed successfully.");
        let bad = event(2, "ERROR", "Failed to deploy application.");
        let noise = event(
            3,
            "INFO",
            "Environment health has transitioned from Severe to Ok.",
        );
        assert!(last_operation_failed(&[
            noise.clone(),
            bad.clone(),
            good.clone()
        ]));
        assert!(!last_operation_failed(&[good, bad]));
        assert!(!last_operation_failed(&[noise]));
    }

    #[test]
    fn the_latest_operation_begins_with_its_first_event() {
        let of = |mut event: Event, request: &str, label: Option<&str>| {
            event.request_id = Some(request.into());
            event.version_label = label.map(Into::into);
            event
        };
        let starting = "Environment update is starting.";
        let events = [
            event(
                4,
                "INFO",
                "Environment health has transitioned from Ok to Info.",
            ),
            of(
                event(3, "INFO", "Deploying new version to instance(s)."),
                "b",
                Some("v2"),
            ),
            of(event(2, "INFO", starting), "b", None),
            of(event(1, "INFO", starting), "a", Some("v1")),
        ];
        let latest = Operation::latest(&events).expect("an operation");
        assert_eq!(
            (latest.request_id.as_deref(), latest.label.as_deref()),
            (Some("b"), Some("v2"))
        );
        assert_eq!(latest.events.len(), 3);
        assert_eq!(Operation::latest(&events[..1]), None);
    }
}
