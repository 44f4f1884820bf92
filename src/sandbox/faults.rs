//! Trouble on demand: decides for each request and each deployment whether it goes wrong.
//!
//! The rules come from `BEANSHIP_SANDBOX_TROUBLE` (read once) or from `trouble.yml` (read again whenever it changes). What
//! was counted is kept in the state directory, so `times: 1` means once, however many processes take part.

use std::collections::BTreeMap;
use std::io;
use std::path::PathBuf;
use std::sync::{Mutex, PoisonError};
use std::time::SystemTime;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::state::{Store, TROUBLE_FILE};
pub(super) use super::trouble::{Outcome, When};
use super::trouble::{Throttle, Trouble};

const VARIABLE: &str = "BEANSHIP_SANDBOX_TROUBLE";
const COUNTERS: &str = "trouble-counters";

/// What happens to a request instead of, or besides, its answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Fault {
    Cut(When),
    Throttled,
    Broken(u16),
    Denied,
}

pub(super) struct Faults {
    store: Store,
    /// The file to look at; `None` when the environment variable said everything.
    file: Option<PathBuf>,
    current: Mutex<Current>,
}

/// The rules in force, and which state of the file they come from.
#[derive(Default)]
struct Current {
    text: String,
    trouble: Trouble,
    stamp: Option<(SystemTime, u64)>,
    problem: Option<String>,
}

/// Counts a rule; all rules start again when the text of the trouble changes.
#[derive(Debug, Default, Serialize, Deserialize)]
struct Counters {
    text: String,
    rules: BTreeMap<String, Counter>,
}

#[derive(Debug, Default, Serialize, Deserialize)]
struct Counter {
    seen: u64,
    fired: u64,
    /// The token bucket: what is left, and when that was so.
    bucket: Option<(f64, Timestamp)>,
}

impl Faults {
    /// Reads the rules; a mistake in them is an error here, and later keeps the rules that were in force.
    pub(super) fn open(store: &Store) -> io::Result<Self> {
        let variable = std::env::var(VARIABLE)
            .ok()
            .filter(|text| !text.trim().is_empty());
        let invalid = |source: &str, problem: String| {
            io::Error::new(io::ErrorKind::InvalidInput, format!("{source}: {problem}"))
        };
        if let Some(text) = variable {
            let trouble = Trouble::parse(&text).map_err(|problem| invalid(VARIABLE, problem))?;
            let current = Mutex::new(Current {
                text,
                trouble,
                ..Current::default()
            });
            return Ok(Self {
                store: store.clone(),
                file: None,
                current,
            });
        }
        let file = store.path(TROUBLE_FILE);
        let faults = Self {
            store: store.clone(),
            file: Some(file.clone()),
            current: Mutex::default(),
        };
        match faults.refresh() {
            Some(problem) => Err(invalid(&file.display().to_string(), problem)),
            None => Ok(faults),
        }
    }

    /// How much faster than usual time goes for operations that begin now.
    pub(super) fn speed(&self) -> f64 {
        self.rules().1.speed.unwrap_or(1.0)
    }

    /// What is wrong with the trouble file as it stands, if anything is.
    pub(super) fn problem(&self) -> Option<String> {
        self.refresh()
    }

    /// Decides about one request.
    pub(super) fn request(
        &self,
        service: &str,
        operation: &str,
        action: &str,
        now: Timestamp,
    ) -> io::Result<Option<Fault>> {
        let (text, trouble) = self.rules();
        if trouble.deny.iter().any(|pattern| matches(pattern, action)) {
            return Ok(Some(Fault::Denied));
        }
        if trouble.throttle.0.is_empty() && trouble.errors.0.is_empty() && trouble.cut.0.is_empty()
        {
            return Ok(None);
        }
        self.count(text, |counters| {
            decide(&trouble, counters, service, operation, now)
        })
    }

    /// Decides how a deployment to `environment` ends; `None` leaves it to the bundle.
    pub(super) fn deployment(&self, environment: &str) -> io::Result<Option<Outcome>> {
        let (text, trouble) = self.rules();
        if trouble.deploy.0.is_empty() {
            return Ok(None);
        }
        self.count(text, |counters| {
            let rules = trouble.deploy.0.iter().enumerate();
            let mut named = rules.filter(|(_, rule)| {
                rule.environments.is_empty() || rule.environments.iter().any(|e| e == environment)
            });
            named.find_map(|(index, rule)| {
                let counter = counters.entry(format!("deploy.{index}")).or_default();
                counter.every(1, rule.times).then_some(rule.outcome)
            })
        })
    }

    fn count<R>(
        &self,
        text: String,
        decide: impl FnOnce(&mut BTreeMap<String, Counter>) -> R,
    ) -> io::Result<R> {
        self.store.update(COUNTERS, |counters: &mut Counters| {
            if counters.text != text {
                *counters = Counters {
                    text,
                    ..Counters::default()
                };
            }
            decide(&mut counters.rules)
        })
    }

    fn rules(&self) -> (String, Trouble) {
        self.refresh();
        let current = self.current.lock().unwrap_or_else(PoisonError::into_inner);
        (current.text.clone(), current.trouble.clone())
    }

    /// Reads the file again when it changed and says what is wrong with it.
    fn refresh(&self) -> Option<String> {
        let file = self.file.as_ref()?;
        let mut current = self.current.lock().unwrap_or_else(PoisonError::into_inner);
        let stamp = std::fs::metadata(file)
            .ok()
            .and_then(|meta| Some((meta.modified().ok()?, meta.len())));
        if stamp == current.stamp {
            return current.problem.clone();
        }
        let text = match stamp {
            Some(_) => std::fs::read_to_string(file).map_err(|error| error.to_string()),
            None => Ok(String::new()),
        };
        match text.and_then(|text| Trouble::parse(&text).map(|trouble| (text, trouble))) {
            Ok((text, trouble)) => {
                *current = Current {
                    text,
                    trouble,
                    stamp,
                    problem: None,
                }
            }
            Err(problem) => {
                current.stamp = stamp;
                current.problem = Some(problem);
            }
        }
        current.problem.clone()
    }
}

/// The first rule that fires; rules before it have counted the request, rules after it never saw it.
fn decide(
    trouble: &Trouble,
    counters: &mut BTreeMap<String, Counter>,
    service: &str,
    operation: &str,
    now: Timestamp,
) -> Option<Fault> {
    let concerned = |operations: &[String]| {
        operations.is_empty()
            || operations
                .iter()
                .any(|pattern| concerns(pattern, service, operation))
    };
    for (index, rule) in trouble
        .cut
        .0
        .iter()
        .enumerate()
        .filter(|(_, rule)| concerned(&rule.operations))
    {
        let counter = counters.entry(format!("cut.{index}")).or_default();
        if counter.every(rule.every, rule.times) {
            return Some(Fault::Cut(rule.when));
        }
    }
    for (index, rule) in trouble
        .throttle
        .0
        .iter()
        .enumerate()
        .filter(|(_, rule)| concerned(&rule.operations))
    {
        let counter = counters.entry(format!("throttle.{index}")).or_default();
        if counter.throttles(rule, now) {
            return Some(Fault::Throttled);
        }
    }
    for (index, rule) in trouble
        .errors
        .0
        .iter()
        .enumerate()
        .filter(|(_, rule)| concerned(&rule.operations))
    {
        let counter = counters.entry(format!("errors.{index}")).or_default();
        if counter.every(rule.every, rule.times) {
            return Some(Fault::Broken(rule.status));
        }
    }
    None
}

impl Counter {
    /// Whether this is an `every`th request, and the rule may still fire.
    fn every(&mut self, every: u64, times: Option<u64>) -> bool {
        self.seen += 1;
        self.seen.is_multiple_of(every) && self.may_fire(times)
    }

    fn throttles(&mut self, rule: &Throttle, now: Timestamp) -> bool {
        match (rule.every, rule.rate) {
            (Some(every), _) => self.every(every, rule.times),
            (None, Some(rate)) => {
                !self.take(rate, rule.burst.unwrap_or(rate).max(1.0), now)
                    && self.may_fire(rule.times)
            }
            (None, None) => false,
        }
    }

    fn may_fire(&mut self, times: Option<u64>) -> bool {
        let fires = times.is_none_or(|times| self.fired < times);
        self.fired += u64::from(fires);
        fires
    }

    /// Takes a token from a bucket that holds `burst` and fills at `rate` a second.
    fn take(&mut self, rate: f64, burst: f64, now: Timestamp) -> bool {
        let (left, since) = self.bucket.unwrap_or((burst, now));
        let left = (left + now.duration_since(since).as_secs_f64().max(0.0) * rate).min(burst);
        let taken = left >= 1.0;
        self.bucket = Some((if taken { left - 1.0 } else { left }, now));
        taken
    }
}

/// Whether `UpdateEnvironment`, `s3:PutObject` or `s3:*` means this operation.
fn concerns(pattern: &str, service: &str, operation: &str) -> bool {
    match pattern.split_once(':') {
        Some((of, operations)) => of == service && matches(operations, operation),
        None => matches(pattern, operation),
    }
}

/// Whether `text` is what `pattern` says, `*` standing for any text; letter case does not count, as in IAM.
fn matches(pattern: &str, text: &str) -> bool {
    let pattern = pattern.to_ascii_lowercase();
    let text = text.to_ascii_lowercase();
    let mut pieces = pattern.split('*');
    let first = pieces.next().unwrap_or_default();
    let Some(mut rest) = text.strip_prefix(first) else {
        return false;
    };
    let Some(last) = pieces.next_back() else {
        return rest.is_empty();
    };
    for piece in pieces {
        let Some(at) = rest.find(piece) else {
            return false;
        };
        rest = &rest[at + piece.len()..];
    }
    rest.ends_with(last)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(millis: i64) -> Timestamp {
        Timestamp::from_millisecond(1_700_000_000_000 + millis).unwrap()
    }

    fn schedule(text: &str, calls: &[(&str, i64)]) -> Vec<Option<Fault>> {
        let trouble = Trouble::parse(text).unwrap();
        let mut counters = BTreeMap::new();
        let decide = |&(operation, millis): &(&str, i64)| {
            decide(
                &trouble,
                &mut counters,
                "elasticbeanstalk",
                operation,
                at(millis),
            )
        };
        calls.iter().map(decide).collect()
    }

    #[test]
    fn every_and_times_count_only_what_they_concern() {
        let text = "throttle: { every: 2, operations: [UpdateEnvironment], times: 1 }";
        let calls = [
            "UpdateEnvironment",
            "DescribeEvents",
            "UpdateEnvironment",
            "UpdateEnvironment",
            "UpdateEnvironment",
        ];
        let faults = schedule(text, &calls.map(|operation| (operation, 0)));
        assert_eq!(faults, [None, None, Some(Fault::Throttled), None, None]);
    }

    #[test]
    fn a_bucket_lets_the_burst_through_and_refills() {
        let faults = schedule(
            "throttle: { rate: 2, burst: 2 }",
            &[("A", 0), ("A", 0), ("A", 0), ("A", 600), ("A", 601)],
        );
        assert_eq!(
            faults,
            [
                None,
                None,
                Some(Fault::Throttled),
                None,
                Some(Fault::Throttled)
            ]
        );
    }

    #[test]
    fn a_cut_comes_before_an_error() {
        let faults = schedule(
            "cut: { every: 2, when: after }\nerrors: { every: 1 }",
            &[("A", 0), ("A", 0)],
        );
        assert_eq!(
            faults,
            [Some(Fault::Broken(500)), Some(Fault::Cut(When::After))]
        );
    }

    #[test]
    fn patterns_are_those_of_iam() {
        assert!(matches(
            "elasticbeanstalk:*",
            "elasticbeanstalk:CreateApplicationVersion"
        ));
        assert!(matches("S3:Put*Policy", "s3:PutBucketPolicy"));
        assert!(!matches("s3:Put*Policy", "s3:PutBucketPolicyX"));
        assert!(!matches("s3:PutObject", "s3:PutObjectAcl"));
        assert!(concerns("s3:*", "s3", "HeadBucket") && !concerns("s3:*", "sts", "HeadBucket"));
    }

    #[test]
    fn times_hold_across_processes_and_a_changed_file_starts_again() {
        let directory = tempfile::tempdir().unwrap();
        let store = Store::open(directory.path()).unwrap();
        std::fs::write(
            store.path(TROUBLE_FILE),
            "deploy: { outcome: red, times: 1 }",
        )
        .unwrap();
        assert_eq!(
            Faults::open(&store).unwrap().deployment("a").unwrap(),
            Some(Outcome::Red)
        );
        let faults = Faults::open(&store).unwrap();
        assert_eq!(faults.deployment("a").unwrap(), None);
        std::fs::write(
            store.path(TROUBLE_FILE),
            "deploy: { outcome: yellow, times: 1 }",
        )
        .unwrap();
        assert_eq!(faults.deployment("a").unwrap(), Some(Outcome::Yellow));
        std::fs::write(store.path(TROUBLE_FILE), "deploy: oops").unwrap();
        assert!(faults.problem().unwrap().contains("oops"));
        assert_eq!(faults.deployment("a").unwrap(), None);
    }
}
