//! What is planned: every way to a version, and what stands in the way.

use super::{environment, instance};
use crate::deploy::bucket::{Bucket, BucketWish};
use crate::deploy::environment::Instances;
use crate::deploy::version::{Content, Label, Version};
use crate::deploy::zip::Zip;
use crate::deploy::{BundleFile, Candidate, Desired, Observed, plan};
use crate::error::{Error, Kind};
use crate::properties::Options;
use crate::settings::Target;

const SHA: &str = "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef";
const LABEL: &str = "1a2b3c4-0123456789ab";

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
            zip: Zip::later(|| unreachable!("a plan reads no bytes"), None),
            sha256: SHA.into(),
            bytes: 2048,
            files: 3,
        },
        bucket: BucketWish {
            name: None,
            path: "shop".into(),
            owner: None,
            encryption: None,
        },
        options: Options::default(),
        undo: Options::default(),
        force: false,
        moving: Vec::new(),
        timeout: std::time::Duration::from_secs(1200),
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
        objects: Vec::new(),
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
