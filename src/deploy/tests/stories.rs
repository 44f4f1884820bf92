//! Whole logs, played to the judge second by second: as long as Elastic Beanstalk works there is
//! no verdict, and then it is the right one.
//!
//! The logs are in `logs/`, one story below each `==`. A line is a time since the update was asked
//! for, then a state or an event:
//!
//! ```text
//! with wanted old               what differs: wanted, previous, request, clock
//! before ERROR(theirs) text     an event from before the update
//! 0:50  Ready new Green/Ok i-1:new i-2:old:Failed
//!                               status, label (- is none), health, and with enhanced health
//!                               the instances with label and deployment
//! 0:50  ERROR text              an event of our request; (theirs) of another, (none) of none
//! => 0:50 failed: text          when the verdict comes, and which
//! ```
//!
//! Unless a story says otherwise, `new` is wanted, `old` was there before, and the request is known.

use std::time::Duration;

use jiff::{SignedDuration, Timestamp};

use super::{environment, instance};
use crate::deploy::environment::{Environment, Instance, Instances};
use crate::deploy::events::{Event, Follower};
use crate::deploy::outcome::{HealthPolicy, Look, Verdict};

const LOGS: [(&str, &str); 3] = [
    ("successes", include_str!("logs/successes.log")),
    ("failures", include_str!("logs/failures.log")),
    ("traps", include_str!("logs/traps.log")),
];

const SEVERITIES: [&str; 4] = ["INFO", "WARN", "ERROR", "FATAL"];

/// One story.
#[derive(Debug, Default)]
struct Story {
    name: String,
    wanted: String,
    previous: Option<String>,
    request_known: bool,
    clock: i64,
    before: Vec<Event>,
    states: Vec<(u64, State)>,
    events: Vec<(u64, Event)>,
    end: (u64, String),
}

/// What the environment and its instances look like.
#[derive(Debug, Clone)]
struct State {
    environment: Environment,
    instances: Instances,
}

fn stories(log: &str) -> Vec<Story> {
    let mut stories: Vec<Story> = Vec::new();
    for line in log.lines().map(str::trim) {
        if let Some(name) = line.strip_prefix("== ") {
            stories.push(Story::named(name));
        } else if !line.is_empty() && !line.starts_with('#') {
            stories.last_mut().expect("a story").add(line);
        }
    }
    stories
}

impl Story {
    fn named(name: &str) -> Self {
        Self {
            name: name.into(),
            wanted: "new".into(),
            previous: Some("old".into()),
            request_known: true,
            ..Self::default()
        }
    }

    fn add(&mut self, line: &str) {
        let (first, rest) = line.split_once(char::is_whitespace).expect(line);
        let rest = rest.trim();
        match first {
            "with" => self.differ(rest),
            "=>" => {
                let (at, verdict) = rest.split_once(' ').expect(line);
                self.end = (seconds(at), verdict.into());
            }
            "before" => {
                let at = i64::try_from(self.before.len()).expect("a number") - 3600;
                let event = self.event(at, rest);
                self.before.push(event);
            }
            at => {
                let at = seconds(at);
                if SEVERITIES.iter().any(|severity| rest.starts_with(severity)) {
                    let event = self.event(i64::try_from(at).expect("a time"), rest);
                    self.events.push((at, event));
                } else {
                    self.states.push((at, State::read(rest)));
                }
            }
        }
    }

    fn differ(&mut self, rest: &str) {
        let (what, value) = rest.split_once(' ').expect(rest);
        match what {
            "wanted" => self.wanted = value.into(),
            "previous" => self.previous = Some(value.to_owned()).filter(|label| label != "-"),
            "request" => self.request_known = value != "unknown",
            "clock" => {
                let (sign, time) = value.split_at(1);
                let by = i64::try_from(seconds(time)).expect("a time");
                self.clock = if sign == "-" { -by } else { by };
            }
            _ => panic!("{}: with {rest}", self.name),
        }
    }

    /// An event with the service's time; a little later than the ones before it.
    fn event(&self, at: i64, text: &str) -> Event {
        let (head, message) = text.split_once(char::is_whitespace).expect(text);
        let (severity, whose) = head
            .trim_end_matches(')')
            .split_once('(')
            .unwrap_or((head, "ours"));
        let asked = Timestamp::from_second(1_800_000_000).expect("a time");
        let later =
            SignedDuration::from_millis(i64::try_from(self.events.len()).expect("a number"));
        Event {
            time: asked + SignedDuration::from_secs(at + self.clock) + later,
            severity: severity.into(),
            message: message.trim().into(),
            request_id: Some(whose.to_owned()).filter(|whose| whose != "none"),
            version_label: None,
            environment: None,
        }
    }

    /// Looks as the watch does, every `pace` seconds from `first` on; gives the first verdict that
    /// settles, and when it came.
    fn play(&self, first: u64, pace: u64) -> (u64, String) {
        let mut follower = Follower::behind(&self.before);
        let (mut events, mut seen_working, mut seen_aborting) = (Vec::new(), false, false);
        let mut ready_since = None;
        let last = self.end.0 + 600;
        for (round, at) in (first..last)
            .step_by(usize::try_from(pace).expect("a pace"))
            .enumerate()
        {
            let state = self.states.iter().rev().find(|(since, _)| *since <= at);
            let State {
                environment,
                instances,
            } = &state.expect("a state at 0:00").1;
            let ready = environment.is_ready();
            seen_working |= !ready;
            seen_aborting |= environment.status == "Aborting";
            ready_since = ready.then(|| ready_since.unwrap_or(at));
            if ready || environment.is_gone() || round % 2 == 1 {
                let happened = self.events.iter().filter(|(since, _)| *since <= at);
                let page = happened.map(|(_, event)| event).chain(&self.before);
                let mut page: Vec<Event> = page.cloned().collect();
                page.sort_by_key(|event| std::cmp::Reverse(event.time));
                events.extend(follower.take(page));
            }
            let on_label = environment.version_label.as_deref() == Some(&self.wanted);
            let unasked = Instances::NotTold("not asked".into());
            let verdict = Look {
                environment,
                instances: if ready && on_label {
                    instances
                } else {
                    &unasked
                },
                events: &events,
                request_id: self.request_known.then_some("ours"),
                wanted: &self.wanted,
                previous: self.previous.as_deref(),
                seen_working,
                seen_aborting,
                ready_for: Duration::from_secs(at - ready_since.unwrap_or(at)),
                health: HealthPolicy::Warning,
                health_timeout: Duration::from_secs(120),
            }
            .judge();
            match verdict {
                Verdict::Settled(outcome, why) => {
                    return (at, format!("{}: {why}", outcome.word()));
                }
                Verdict::Working(_) => assert!(!ready, "{} at {at} s", self.name),
                Verdict::Unsettled(why) => assert!(ready, "{} at {at} s: {why}", self.name),
            }
        }
        (last, "no verdict".into())
    }
}

impl State {
    fn read(text: &str) -> Self {
        let mut words = text.split_whitespace();
        let mut word = || words.next().expect(text);
        let (status, label, health) = (word(), word(), word());
        let (colour, health_status) = match health.split_once('/') {
            Some((colour, status)) => (colour, Some(status.to_owned())),
            None => (health, None),
        };
        let label = Some(label).filter(|label| *label != "-");
        let mut environment = environment(label, status, colour);
        environment.health_status = health_status;
        let instances: Vec<Instance> = words
            .map(|word| {
                let mut parts = word.split(':');
                let (id, label) = (parts.next().expect(word), parts.next().expect(word));
                instance(id, label, parts.next().unwrap_or("Deployed"))
            })
            .collect();
        let instances = match instances.is_empty() {
            true => Instances::NotTold("basic".into()),
            false => Instances::Known(instances),
        };
        Self {
            environment,
            instances,
        }
    }
}

/// `m:ss` or `h:mm:ss`.
fn seconds(text: &str) -> u64 {
    text.split(':')
        .fold(0, |time, part| time * 60 + part.parse::<u64>().expect(text))
}

#[test]
fn every_log_ends_with_its_verdict_and_not_earlier() {
    for (file, log) in LOGS {
        for story in stories(log) {
            assert_eq!(story.play(0, 1), story.end, "{file}: {}", story.name);
        }
    }
}

#[test]
fn the_verdict_does_not_depend_on_when_one_looks() {
    for (file, log) in LOGS {
        for story in stories(log) {
            let word = |verdict: &str| verdict.split(':').next().unwrap_or_default().to_owned();
            for (first, pace) in [(1, 2), (0, 3), (2, 3), (0, 7), (5, 7)] {
                let (at, verdict) = story.play(first, pace);
                let name = format!("{file}: {} ({first}, {pace}): {verdict}", story.name);
                assert_eq!(word(&verdict), word(&story.end.1), "{name}");
                assert!(
                    (story.end.0..=story.end.0 + 2 * pace).contains(&at),
                    "{name} at {at} s"
                );
            }
        }
    }
}

#[test]
fn the_stories_are_all_read() {
    let counts = LOGS.map(|(_, log)| stories(log).len());
    let heads = LOGS.map(|(_, log)| log.lines().filter(|line| line.starts_with("==")).count());
    assert_eq!(counts, heads);
    assert!(counts.iter().sum::<usize>() > 60, "{counts:?}");
}
