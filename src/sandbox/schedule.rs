//! Which request a rule hits: every Nth one, or what a token bucket does not let through. Pure, given the time.

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::trouble::{Throttle, Trouble, When};

/// What happens to a request instead of, or besides, its answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Fault {
    Cut(When),
    Stalled,
    Throttled,
    Broken(u16),
    Denied,
}

impl Fault {
    /// Its name in the request log.
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Cut(When::Before) => "cut before",
            Self::Cut(When::After) => "cut after",
            Self::Stalled => "stall",
            Self::Throttled => "throttle",
            Self::Broken(_) => "error",
            Self::Denied => "deny",
        }
    }
}

/// How often a rule was asked and fired.
#[derive(Debug, Default, Serialize, Deserialize)]
pub(super) struct Counter {
    seen: u64,
    fired: u64,
    /// The token bucket: what is left, and when that was so.
    bucket: Option<(f64, Timestamp)>,
}

/// The first rule that fires; rules before it have counted the request, rules after it never saw it.
pub(super) fn decide(
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
        .stall
        .0
        .iter()
        .enumerate()
        .filter(|(_, rule)| concerned(&rule.operations))
    {
        let counter = counters.entry(format!("stall.{index}")).or_default();
        if counter.every(rule.every, rule.times) {
            return Some(Fault::Stalled);
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
    pub(super) fn every(&mut self, every: u64, times: Option<u64>) -> bool {
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
pub(super) fn matches(pattern: &str, text: &str) -> bool {
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
}
