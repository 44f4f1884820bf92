//! An environment's events: read in pages, told apart, and what their texts mean.

use std::collections::HashSet;

use aws_sdk_elasticbeanstalk::types::EventDescription;
use jiff::Timestamp;
use serde::Serialize;

use super::environment::{SERVICE, time};
use crate::aws::Aws;
use crate::aws::error::Explain;
use crate::error::Result;

/// How many events one call asks for at most; the service gives no more.
const PAGE: i32 = 1000;

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

/// Reads an environment's events, newest first as the service gives them, at most `limit`;
/// from `since` on where given.
///
/// # Errors
/// What AWS says.
pub async fn read(
    aws: &Aws,
    environment: &str,
    since: Option<Timestamp>,
    limit: usize,
) -> Result<Vec<Event>> {
    let mut events = Vec::new();
    let mut next: Option<String> = None;
    loop {
        let page = aws
            .eb
            .describe_events()
            .environment_name(environment)
            .set_start_time(
                since.map(|since| aws_smithy_types::DateTime::from_millis(since.as_millisecond())),
            )
            .max_records(PAGE.min(i32::try_from(limit).unwrap_or(PAGE)))
            .set_next_token(next.take())
            .send()
            .await
            .explain(SERVICE, "DescribeEvents")?;
        events.extend(page.events().iter().filter_map(seen));
        next = page
            .next_token()
            .filter(|token| !token.is_empty())
            .map(str::to_owned);
        if next.is_none() || events.len() >= limit {
            events.truncate(limit);
            return Ok(events);
        }
    }
}

fn seen(event: &EventDescription) -> Option<Event> {
    let text = |value: Option<&str>| value.filter(|text| !text.is_empty()).map(str::to_owned);
    Some(Event {
        time: event.event_date().and_then(time)?,
        severity: event
            .severity()
            .map_or_else(|| "INFO".to_owned(), |s| s.as_str().to_owned()),
        message: event.message().unwrap_or_default().trim().to_owned(),
        request_id: text(event.request_id()),
        version_label: text(event.version_label()),
    })
}

/// Follows an environment's events: each is given out once, oldest first. Events have no id, so
/// they are told apart by time and text (facts 1.6); the service's own clock decides what is
/// new, never this machine's.
#[derive(Debug, Clone, Default)]
pub struct Follower {
    newest: Option<Timestamp>,
    seen: HashSet<(Timestamp, String)>,
}

impl Follower {
    /// Starts behind these events: only later ones will be given out.
    #[must_use]
    pub fn behind(events: &[Event]) -> Self {
        let mut follower = Self::default();
        follower.take(events.to_vec());
        follower
    }

    /// The events that were not seen before, oldest first.
    pub fn take(&mut self, mut newest_first: Vec<Event>) -> Vec<Event> {
        newest_first.reverse();
        newest_first.retain(|event| self.seen.insert((event.time, event.message.clone())));
        newest_first.sort_by_key(|event| event.time);
        self.newest = newest_first.last().map(|event| event.time).max(self.newest);
        newest_first
    }

    /// Asks for the new events.
    ///
    /// # Errors
    /// What AWS says.
    pub async fn poll(&mut self, aws: &Aws, environment: &str) -> Result<Vec<Event>> {
        let limit = if self.newest.is_some() { 1000 } else { 100 };
        Ok(self.take(read(aws, environment, self.newest, limit).await?))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn event(second: i64, severity: &str, message: &str) -> Event {
        Event {
            time: Timestamp::from_second(second).expect("a time"),
            severity: severity.into(),
            message: message.into(),
            request_id: None,
            version_label: None,
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

    #[test]
    fn a_follower_gives_each_event_out_once_and_in_order() {
        let mut follower = Follower::behind(&[event(1, "INFO", "old")]);
        let texts = |events: Vec<Event>| events.into_iter().map(|e| e.message).collect::<Vec<_>>();
        let page = vec![
            event(3, "INFO", "c"),
            event(2, "INFO", "b"),
            event(2, "INFO", "a"),
            event(1, "INFO", "old"),
        ];
        assert_eq!(texts(follower.take(page.clone())), ["a", "b", "c"]);
        assert!(follower.take(page).is_empty());
        assert_eq!(
            texts(follower.take(vec![event(3, "INFO", "d"), event(3, "INFO", "c")])),
            ["d"]
        );
    }
}
