//! Tables for the two pure parts of a deploy: what is planned, and what a look means.

use std::time::Duration;

use jiff::Timestamp;

use super::bucket::{Bucket, BucketWish};
use super::environment::{Environment, Instance, Instances};
use super::events::Event;
use super::outcome::{Look, Verdict};
use super::version::{Content, Label, Version};
use super::{BundleFile, Candidate, Desired, Observed, plan};
use crate::error::{Error, Kind};
use crate::settings::Target;

const SHA: &str = "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef";
const LABEL: &str = "1a2b3c4-0123456789ab";

fn environment(label: Option<&str>, status: &str, health: &str) -> Environment {
    Environment {
        name: "shop-prod".into(),
        id: "e-abcdefghij".into(),
        application: "shop".into(),
        status: status.into(),
        health: health.into(),
        health_status: None,
        version_label: label.map(Into::into),
        url: None,
        platform: None,
        tier: Some(("WebServer".into(), "Standard".into())),
        updated: None,
        abortable: false,
    }
}

fn instance(id: &str, label: &str, deployment: &str) -> Instance {
    Instance {
        id: id.into(),
        version_label: Some(label.into()),
        deployment: Some(deployment.into()),
        health: None,
        causes: Vec::new(),
    }
}

fn desired() -> Desired {
    Desired {
        target: Target {
            app: "shop".into(),
            key: None,
            environment: "shop-prod".into(),
        },
        label: Label::Derived(LABEL.into()),
        description: Some("fix the proxy".into()),
        bundle: BundleFile {
            path: "b.zip".into(),
            sha256: SHA.into(),
            bytes: 2048,
            files: 3,
        },
        bucket: BucketWish {
            name: None,
            path: "shop".into(),
            owner: None,
        },
        force: false,
    }
}

fn observed(label: &str) -> Observed {
    Observed {
        account: "123456789012".into(),
        environment: environment(Some(label), "Ready", "Green"),
        last_operation_failed: false,
        running: Content::of(label, None, SHA),
        instances: Instances::Known(vec![instance("i-1", label, "Deployed")]),
        versions: Vec::new(),
        bucket_name: "elasticbeanstalk-eu-central-1-123456789012".into(),
        bucket: Ok(Bucket::Fit),
    }
}

fn candidate(label: &str, status: &str, content: Content, object: bool) -> Candidate {
    let bundle = Some(("b".into(), format!("shop/{label}.zip")));
    Candidate {
        version: Version {
            label: label.into(),
            status: status.into(),
            bundle,
            ..Version::default()
        },
        content,
        object,
    }
}

/// The plan in lines, or the problems.
fn planned(desired: &Desired, observed: &Observed) -> String {
    match plan(desired, observed) {
        Ok(plan) if plan.is_empty() => "nothing to do".into(),
        Ok(plan) => {
            let line = |change: crate::plan::Change| {
                format!("{} {}: {}", change.verb.sign(), change.kind, change.name)
            };
            plan.changes()
                .into_iter()
                .map(line)
                .collect::<Vec<_>>()
                .join("\n")
        }
        Err(error) => format!("error: {error} [{}]", error.hints().join("; ")),
    }
}

#[test]
fn a_new_bundle_is_uploaded_made_a_version_and_deployed() {
    insta::assert_snapshot!(planned(&desired(), &observed("old")), @"
    + source bundle: s3://elasticbeanstalk-eu-central-1-123456789012/shop/1a2b3c4-0123456789ab.zip
    + application version: 1a2b3c4-0123456789ab
    ~ environment: shop-prod
    ");
}

#[test]
fn elastic_beanstalks_own_bucket_is_made_where_it_is_missing() {
    let observed = Observed {
        bucket: Ok(Bucket::Missing),
        ..observed("old")
    };
    insta::assert_snapshot!(planned(&desired(), &observed), @"
    + bucket: elasticbeanstalk-eu-central-1-123456789012
    + source bundle: s3://elasticbeanstalk-eu-central-1-123456789012/shop/1a2b3c4-0123456789ab.zip
    + application version: 1a2b3c4-0123456789ab
    ~ environment: shop-prod
    ");
}

#[test]
fn a_bucket_that_does_not_fit_matters_only_where_something_is_uploaded() {
    let wrong = || Err(Error::new(Kind::Check, "the bucket mine does not exist"));
    let fresh = Observed {
        bucket: wrong(),
        ..observed("old")
    };
    assert_eq!(
        planned(&desired(), &fresh),
        "error: the bucket mine does not exist []"
    );
    let same = Observed {
        bucket: wrong(),
        ..observed("7777777-0123456789ab")
    };
    assert_eq!(planned(&desired(), &same), "nothing to do");
}

#[test]
fn a_version_with_the_same_content_is_reused() {
    for (label, status, object, expected) in [
        (LABEL, "UNPROCESSED", true, "~ environment: shop-prod"),
        (
            "9f9f9f9-0123456789ab",
            "PROCESSED",
            true,
            "~ environment: shop-prod",
        ),
        (
            LABEL,
            "PROCESSED",
            false,
            "+ source bundle: s3://b/shop/1a2b3c4-0123456789ab.zip\n~ environment: shop-prod",
        ),
    ] {
        let versions = vec![candidate(label, status, Content::Same, object)];
        assert_eq!(
            planned(
                &desired(),
                &Observed {
                    versions,
                    ..observed("old")
                }
            ),
            expected
        );
    }
}

#[test]
fn a_label_used_up_by_a_failed_version_gets_a_number() {
    let versions = vec![candidate(LABEL, "FAILED", Content::Same, true)];
    insta::assert_snapshot!(planned(&desired(), &Observed { versions, ..observed("old") }), @"
    + source bundle: s3://elasticbeanstalk-eu-central-1-123456789012/shop/1a2b3c4-2-0123456789ab.zip
    + application version: 1a2b3c4-2-0123456789ab
    ~ environment: shop-prod
    ");
}

#[test]
fn a_given_label_with_other_content_is_refused() {
    let given = Desired {
        label: Label::Given("v1".into()),
        ..desired()
    };
    let with = |content, status| {
        let versions = vec![candidate("v1", status, content, true)];
        planned(
            &given,
            &Observed {
                versions,
                ..observed("old")
            },
        )
    };
    insta::assert_snapshot!(
        [
            with(Content::Other, "UNPROCESSED"),
            with(Content::Unknown, "UNPROCESSED"),
            with(Content::Same, "FAILED"),
            with(Content::Same, "UNPROCESSED"),
        ]
        .join("\n"),
        @"
    error: the version label v1 is taken in shop: it holds another bundle [give another: `--version-label LABEL`, or none to have one made]
    error: the version label v1 is taken in shop: nothing tells whether it holds this bundle [give another: `--version-label LABEL`, or none to have one made]
    error: the version label v1 is taken in shop: its processing failed [give another: `--version-label LABEL`, or none to have one made]
    ~ environment: shop-prod
    "
    );
}

#[test]
fn unchanged_means_same_content_everywhere_and_no_failed_operation() {
    let same = || observed("7777777-0123456789ab");
    assert_eq!(planned(&desired(), &same()), "nothing to do");
    let not_told = Observed {
        instances: Instances::NotTold("basic".into()),
        ..same()
    };
    assert_eq!(planned(&desired(), &not_told), "nothing to do");

    let redeploys = |desired: &Desired, observed: &Observed| {
        assert!(
            planned(desired, observed).contains("~ environment"),
            "{observed:?}"
        );
    };
    redeploys(
        &Desired {
            force: true,
            ..desired()
        },
        &same(),
    );
    redeploys(
        &desired(),
        &Observed {
            last_operation_failed: true,
            ..same()
        },
    );
    redeploys(
        &desired(),
        &Observed {
            running: Content::Unknown,
            ..same()
        },
    );
    let mixed = vec![
        instance("i-1", "7777777-0123456789ab", "Deployed"),
        instance("i-2", "old", "Deployed"),
    ];
    redeploys(
        &desired(),
        &Observed {
            instances: Instances::Known(mixed),
            ..same()
        },
    );
}

/// What a look is made of; the fields that most cases share have their usual value.
struct Case {
    environment: Environment,
    instances: Instances,
    events: Vec<Event>,
    previous: Option<&'static str>,
    seen_working: bool,
    seen_aborting: bool,
    ready_for: u64,
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
        }
    }

    fn with(mut self, severity: &str, message: &str, request_id: Option<&str>) -> Self {
        self.events.push(Event {
            time: Timestamp::UNIX_EPOCH,
            severity: severity.into(),
            message: message.into(),
            request_id: request_id.map(Into::into),
            version_label: None,
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
