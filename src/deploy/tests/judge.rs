//! What a look means: the logs of eb-facts section 2 and their traps.

use std::time::Duration;

use jiff::Timestamp;

use super::{environment, instance};
use crate::deploy::environment::{Environment, Instance, Instances};
use crate::deploy::events::Event;
use crate::deploy::outcome::{HealthPolicy, Look, Verdict};

/// What a look is made of; the fields that most cases share have their usual value.
struct Case {
    environment: Environment,
    instances: Instances,
    events: Vec<Event>,
    previous: Option<&'static str>,
    seen_working: bool,
    seen_aborting: bool,
    ready_for: u64,
    health: HealthPolicy,
}

impl Case {
    fn ready(label: Option<&str>, health: &str) -> Self {
        Self {
            environment: environment(label, "Ready", health),
            instances: Instances::NotTold("basic".into()),
            events: Vec::new(),
            previous: Some("old"),
            seen_working: true,
            seen_aborting: false,
            ready_for: 0,
            health: HealthPolicy::default(),
        }
    }

    fn with(mut self, severity: &str, message: &str, request_id: Option<&str>) -> Self {
        self.events.push(Event {
            time: Timestamp::UNIX_EPOCH,
            severity: severity.into(),
            message: message.into(),
            request_id: request_id.map(Into::into),
            version_label: None,
            environment: None,
        });
        self
    }

    fn judged(&self) -> String {
        let look = Look {
            environment: &self.environment,
            instances: &self.instances,
            events: &self.events,
            request_id: Some("ours"),
            wanted: "new",
            previous: self.previous,
            seen_working: self.seen_working,
            seen_aborting: self.seen_aborting,
            ready_for: Duration::from_secs(self.ready_for),
            health: self.health,
            health_timeout: Duration::from_secs(120),
        };
        match look.judge() {
            Verdict::Working(what) => format!("working: {what}"),
            Verdict::Unsettled(why) => format!("unsettled: {why}"),
            Verdict::Settled(outcome, why) => format!("{}: {why}", outcome.word()),
        }
    }
}

#[test]
#[expect(clippy::too_many_lines, reason = "a table")]
fn state_decides_and_not_one_magic_sentence() {
    let new = || Case::ready(Some("new"), "Green");
    let updating = |health: &str| Case {
        environment: environment(Some("old"), "Updating", health),
        ..new()
    };
    let on = |instances: Vec<Instance>| Case {
        instances: Instances::Known(instances),
        ..new()
    };
    let mixed = || {
        on(vec![
            instance("i-1", "new", "Deployed"),
            instance("i-2", "old", "Deployed"),
        ])
    };
    let green = "Environment health has been set to GREEN";
    let first_batch = "Instance deployment completed successfully.";
    let old = |ready_for| Case {
        ready_for,
        ..Case::ready(Some("old"), "Green")
    };
    let cases = [
        new(),
        on(vec![instance("i-1", "new", "Deployed")]),
        updating("Grey").with("INFO", green, Some("ours")),
        updating("Yellow").with("INFO", first_batch, Some("ours")),
        mixed(),
        Case {
            ready_for: 120,
            ..mixed()
        },
        on(vec![instance("i-1", "new", "In Progress")]),
        old(0),
        old(30),
        Case {
            ready_for: 30,
            ..Case::ready(Some("theirs"), "Green")
        },
        Case {
            ready_for: 30,
            ..Case::ready(None, "Red")
        },
        Case {
            environment: environment(Some("old"), "Terminating", "Grey"),
            ..new()
        },
        Case {
            seen_aborting: true,
            ..old(0)
        },
        Case {
            previous: Some("new"),
            seen_working: false,
            ..new()
        },
        Case {
            previous: Some("new"),
            seen_working: false,
            ..new()
        }
        .with("INFO", first_batch, Some("ours")),
    ];
    let verdicts: Vec<_> = cases.iter().map(Case::judged).collect();
    insta::assert_snapshot!(verdicts.join("\n"), @"
    succeeded: health is Green
    succeeded: health is Green
    working: Updating, health Grey
    working: Updating, health Yellow
    unsettled: 1 of 2 instances not on new: i-2 (old, Deployed)
    failed: 1 of 2 instances not on new: i-2 (old, Deployed)
    unsettled: 1 of 1 instances not on new: i-1 (new, In Progress)
    unsettled: the environment is Ready with old, not new
    rolled_back: the environment is back on old
    superseded: the environment now runs theirs, from another deploy
    failed: the environment is Ready without any version
    failed: the environment is being terminated
    aborted: the update was aborted
    unsettled: the update has not begun yet
    succeeded: health is Green
    ");
}

#[test]
fn errors_count_by_request_and_by_known_words() {
    let new = || Case::ready(Some("new"), "Green");
    let failure = "Failed to deploy application.";
    let timeouts = "Update environment operation is complete, but with command timeouts. Try increasing the timeout period.";
    let cases = [
        new().with("ERROR", "Something of ours broke.", Some("ours")),
        new().with("ERROR", "Something unrelated broke.", None),
        new().with("ERROR", "Something of theirs broke.", Some("theirs")),
        new().with("ERROR", failure, None),
        new().with("ERROR", failure, Some("theirs")),
        new().with("INFO", timeouts, Some("ours")),
        new().with(
            "WARN",
            "Environment health has transitioned from Ok to Warning.",
            Some("ours"),
        ),
    ];
    let verdicts: Vec<_> = cases.iter().map(Case::judged).collect();
    insta::assert_snapshot!(verdicts.join("\n"), @"
    failed: Something of ours broke.
    succeeded: health is Green
    succeeded: health is Green
    failed: Failed to deploy application.
    succeeded: health is Green
    failed: Update environment operation is complete, but with command timeouts. Try increasing the timeout period.
    succeeded: health is Green
    ");
}

#[test]
fn health_has_its_time_and_grey_is_not_green() {
    let at = |health: &str, word: Option<&str>, instances: Instances, ready_for| {
        let mut case = Case {
            instances,
            ready_for,
            ..Case::ready(Some("new"), health)
        };
        case.environment.health_status = word.map(Into::into);
        case.judged()
    };
    let basic = || Instances::NotTold("basic".into());
    let none = || Instances::Known(Vec::new());
    let verdicts = [
        at("Yellow", Some("Warning"), basic(), 0),
        at("Red", None, basic(), 0),
        at("Red", Some("Severe"), basic(), 120),
        at("Grey", None, basic(), 0),
        at("Grey", None, basic(), 120),
        at("Grey", Some("Pending"), basic(), 120),
        at("Grey", Some("NoData"), none(), 0),
        at("Grey", Some("NoData"), none(), 10),
    ];
    insta::assert_snapshot!(verdicts.join("\n"), @"
    succeeded_with_warnings: health is Yellow (Warning)
    unsettled: health is Red
    failed: health is Red (Severe) after the update
    unsettled: health is Grey
    succeeded_with_warnings: health is Grey: Elastic Beanstalk has no data
    failed: health is Grey (Pending) after the update
    unsettled: health is Grey (NoData)
    succeeded_with_warnings: health is Grey (NoData): there are no instances, so there is no data
    ");
}

#[test]
fn the_health_policy_sets_what_counts() {
    let with = |health, colour: &str, ready_for| {
        let case = Case {
            health,
            ready_for,
            ..Case::ready(Some("new"), colour)
        };
        case.judged()
    };
    for (health, colour, ready_for, expected) in [
        (HealthPolicy::Ok, "Green", 0, "succeeded: health is Green"),
        (HealthPolicy::Ok, "Yellow", 0, "unsettled: health is Yellow"),
        (
            HealthPolicy::Ok,
            "Yellow",
            120,
            "failed: health is Yellow after the update",
        ),
        (
            HealthPolicy::Any,
            "Red",
            0,
            "succeeded_with_warnings: health is Red",
        ),
        (
            HealthPolicy::Any,
            "Grey",
            0,
            "succeeded_with_warnings: health is Grey",
        ),
    ] {
        assert_eq!(with(health, colour, ready_for), expected);
    }
}
