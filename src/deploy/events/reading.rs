//! Reading events: in pages, and each once.

use std::collections::HashSet;

use aws_sdk_elasticbeanstalk::types::EventDescription;
use jiff::{SignedDuration, Timestamp};

use super::super::environment::{SERVICE, time};
use super::Event;
use crate::aws::Aws;
use crate::aws::error::Explain;
use crate::error::Result;

/// How many events one call asks for at most; the service gives no more.
const PAGE: i32 = 1000;

/// How late an event may become visible, and is not missed: those of several environments do
/// not come in order.
const LATE: SignedDuration = SignedDuration::from_secs(30);

/// Whose events are read.
#[derive(Debug, Clone, Copy)]
pub enum Scope<'a> {
    /// One environment's, by name.
    Environment(&'a str),
    /// Those of all environments of an application.
    Application(&'a str),
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
    read_in(aws, Scope::Environment(environment), since, limit).await
}

/// Like [`read`], for one environment or a whole application.
///
/// # Errors
/// What AWS says.
pub async fn read_in(
    aws: &Aws,
    scope: Scope<'_>,
    since: Option<Timestamp>,
    limit: usize,
) -> Result<Vec<Event>> {
    let (environment, application) = match scope {
        Scope::Environment(name) => (Some(name), None),
        Scope::Application(name) => (None, Some(name)),
    };
    let mut events = Vec::new();
    let mut next: Option<String> = None;
    loop {
        let page = aws
            .eb
            .describe_events()
            .set_environment_name(environment.map(str::to_owned))
            .set_application_name(application.map(str::to_owned))
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

/// From when on events are asked for so that none is missed that became visible a little late.
#[must_use]
pub fn with_latecomers(newest: Timestamp) -> Timestamp {
    newest.checked_sub(LATE).unwrap_or(newest)
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
        environment: text(event.environment_name()),
    })
}

/// Follows an environment's events: each is given out once, oldest first. Events have no id, so
/// they are told apart by time and text (facts 1.6); the service's own clock decides what is
/// new, never this machine's.
#[derive(Debug, Clone, Default)]
pub struct Follower {
    /// What is older is no news.
    from: Option<Timestamp>,
    newest: Option<Timestamp>,
    seen: HashSet<(Timestamp, String)>,
}

impl Follower {
    /// Starts behind these events: only later ones will be given out.
    #[must_use]
    pub fn behind(events: &[Event]) -> Self {
        let mut follower = Self::default();
        follower.take(events.to_vec());
        follower.from = follower.newest;
        follower
    }

    /// The time of the newest event that was seen.
    #[must_use]
    pub fn newest(&self) -> Option<Timestamp> {
        self.newest
    }

    /// The events that were not seen before, oldest first.
    pub fn take(&mut self, mut newest_first: Vec<Event>) -> Vec<Event> {
        newest_first.reverse();
        newest_first.retain(|event| Some(event.time) >= self.from);
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
        let since = self.newest.map(with_latecomers);
        Ok(self.take(read(aws, environment, since, limit).await?))
    }
}

#[cfg(test)]
mod tests {
    use super::super::tests::event;
    use super::*;

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
