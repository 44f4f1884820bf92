//! New lines out of CloudWatch Logs, where an environment streams its logs there. A log group
//! holds one file, a log stream of it one instance (UNVERIFIED: that the stream's name is the
//! instance's id).

use std::collections::{BTreeMap, HashSet};

use jiff::Timestamp;
use serde::Deserialize;
use serde_json::{Value, json};

use crate::deploy::configuration;
use crate::deploy::explain::redact::Redactor;
use crate::error::Result;
use crate::output::Event;

use super::Wish;
use super::follow::Known;

/// How far back the first look goes.
const FIRST_LOOK: i64 = 5 * 60 * 1000;
/// How late a line may come to be seen: lines of several instances do not arrive in order.
const LATE: i64 = 60 * 1000;
/// The most pages of a group that one look reads.
const PAGES: usize = 10;

/// What is followed, and what was seen of it.
#[derive(Debug, Default)]
pub(super) struct Stream {
    groups: Vec<String>,
    /// Milliseconds; lines are asked for from here on.
    since: i64,
    newest: i64,
    seen: HashSet<String>,
}

impl Stream {
    /// The environment's log groups; none where it does not stream, or that cannot be read.
    pub(super) async fn open(wish: &Wish<'_>) -> Option<Self> {
        if !is_streaming(wish).await.unwrap_or_default() {
            return None;
        }
        let why = match groups(wish).await {
            Ok(groups) if groups.is_empty() => "it has no log groups yet".to_owned(),
            Ok(groups) => {
                return Some(Self {
                    groups,
                    since: Timestamp::now().as_millisecond() - FIRST_LOOK,
                    ..Self::default()
                });
            }
            Err(error) => error.to_string(),
        };
        let text = format!("CloudWatch Logs is not read, tails are instead: {why}");
        wish.cx.out.event(&Event::Note(&text));
        None
    }

    /// The lines since the last look, as text.
    pub(super) async fn news(&mut self, wish: &Wish<'_>, known: &mut Known) -> Result<String> {
        let mut text = String::new();
        for group in self.groups.clone() {
            let found = read(wish, &group, self.since).await?;
            let path = group.strip_prefix(&prefix(wish)).unwrap_or(&group);
            for (instance, lines) in self.take(&found, wish.instance) {
                text.push_str(&known.tell(&(instance, path.to_owned()), &lines));
            }
        }
        self.since = self.since.max(self.newest - LATE);
        Ok(text)
    }

    /// The lines that were not seen before, by instance.
    fn take(&mut self, found: &[Line], only: Option<&str>) -> BTreeMap<String, Vec<String>> {
        let mut new: BTreeMap<String, Vec<String>> = BTreeMap::new();
        let mut redactor = Redactor::default();
        for event in found {
            self.newest = self.newest.max(event.timestamp);
            let instance = &*event.log_stream_name;
            if only.is_some_and(|only| !instance.contains(only))
                || !self.seen.insert(event.event_id.clone())
            {
                continue;
            }
            let lines = event.message.lines();
            new.entry(instance.to_owned())
                .or_default()
                .extend(lines.filter_map(|line| redactor.line(line)));
        }
        new
    }
}

/// What the names of an environment's log groups begin with.
fn prefix(wish: &Wish<'_>) -> String {
    format!("/aws/elasticbeanstalk/{}", wish.environment)
}

/// Whether the environment streams its logs.
async fn is_streaming(wish: &Wish<'_>) -> Result<bool> {
    let configuration =
        configuration::read(&wish.aws, &wish.application, &wish.environment).await?;
    let streams = configuration.value("aws:elasticbeanstalk:cloudwatch:logs", "StreamLogs");
    Ok(streams == Some("true"))
}

/// A page of DescribeLogGroups.
#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct Groups {
    log_groups: Vec<Group>,
    next_token: Option<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Group {
    log_group_name: String,
}

/// A page of FilterLogEvents.
#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct Lines {
    events: Vec<Line>,
    next_token: Option<String>,
}

/// A log event, as FilterLogEvents tells it.
#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct Line {
    event_id: String,
    log_stream_name: String,
    /// Milliseconds since 1970.
    timestamp: i64,
    message: String,
}

async fn groups(wish: &Wish<'_>) -> Result<Vec<String>> {
    let mut input = json!({"logGroupNamePrefix": format!("{}/", prefix(wish))});
    let mut found = Vec::new();
    loop {
        let page: Groups = wish.aws.logs.json("DescribeLogGroups", &input).await?;
        found.extend(page.log_groups.into_iter().map(|it| it.log_group_name));
        if !goes_on(&mut input, page.next_token) {
            return Ok(found);
        }
    }
}

async fn read(wish: &Wish<'_>, group: &str, since: i64) -> Result<Vec<Line>> {
    let mut input = json!({"logGroupName": group, "startTime": since});
    let mut found = Vec::new();
    for _ in 0..PAGES {
        let page: Lines = match wish.aws.logs.json("FilterLogEvents", &input).await {
            Ok(page) => page,
            // A group may go while it is followed.
            Err(error) if error.code() == Some("ResourceNotFoundException") => break,
            Err(error) => return Err(error),
        };
        found.extend(page.events);
        if !goes_on(&mut input, page.next_token) {
            break;
        }
    }
    Ok(found)
}

/// Whether another page follows, which the next input asks for.
fn goes_on(input: &mut Value, token: Option<String>) -> bool {
    let goes_on = token.is_some();
    if let Some(token) = token {
        input["nextToken"] = token.into();
    }
    goes_on
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_line_is_given_out_once_and_redacted() {
        let event = |id: &str, instance: &str, message: &str| Line {
            event_id: id.into(),
            log_stream_name: instance.into(),
            timestamp: 7,
            message: message.into(),
        };
        let mut stream = Stream::default();
        let page = [
            event("1", "i-1", "started\npassword=x"),
            event("2", "i-2", "started"),
        ];
        let new = stream.take(&page, None);
        assert_eq!(new["i-1"], ["started", "password=[redacted]"]);
        assert_eq!((new.len(), stream.newest), (2, 7));
        assert!(stream.take(&page, None).is_empty());
        let later = [event("3", "i-1", "a"), event("4", "i-2", "b")];
        assert_eq!(stream.take(&later, Some("i-2")).len(), 1);
    }
}
