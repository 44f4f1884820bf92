//! Where the check belongs: deploys, what undoes and moves them, and running them again.

use super::{asked, checked, ended, message};
use crate::support::Project;

#[test]
fn a_failed_check_is_rolled_back_where_that_is_asked_for() {
    let project = checked("{ retries: 0 }", "");
    let v1 = ["--env", "production", "--version-label", "v1"];
    assert_eq!(project.deploy(&v1).1, Some(0));
    let project = project.trouble("speed: 100\nhttp: { status: 500, times: 1 }");
    project.write("new.txt", "new");
    let v2 = [
        "--env",
        "production",
        "--version-label",
        "v2",
        "--on-failure",
        "rollback",
    ];
    let (report, code) = project.deploy(&v2);
    assert_eq!(
        (ended(&report), code),
        (("failed", "failed"), Some(1)),
        "{report}"
    );
    assert_eq!(report["rollback"]["outcome"], "succeeded", "{report}");
    assert!(
        message(&report).ends_with("; rolled back to v1: succeeded"),
        "{report}"
    );
    assert_eq!(asked(&project), ["GET / 200", "GET / 500", "GET / 200"]);
}

#[test]
fn a_rollback_a_promotion_and_a_watch_are_checked_too() {
    let project = checked("{ retries: 0 }", "");
    for label in ["v1", "v2"] {
        project.write("version.txt", label);
        let arguments = ["--env", "production", "--version-label", label];
        assert_eq!(project.deploy(&arguments).1, Some(0));
    }
    let project = project.trouble("speed: 100\nhttp: 500");
    let json = |arguments: &[&str]| {
        let run = project.sandbox(&[arguments, &["--output", "json", "--yes"]].concat());
        let report = run.json();
        assert_eq!(
            (ended(&report), run.code),
            (("failed", "failed"), Some(1)),
            "{report}"
        );
        message(&report)
            .split(':')
            .next()
            .unwrap_or_default()
            .to_owned()
    };
    assert_eq!(
        json(&["rollback", "--env", "production"]),
        "the rollback failed"
    );
    let (report, _) = project.deploy(&["--env", "staging"]);
    assert_eq!(report["outcome"], "succeeded", "{report}");
    assert!(report["smoke"].is_null(), "{report}");
    let promote = ["promote", "--from", "staging", "--to", "production"];
    assert_eq!(json(&promote), "the promotion failed");
    assert_eq!(json(&["watch", "--env", "production"]), "the deploy failed");
    let run = project.sandbox(&["watch", "--env", "production", "--no-smoke"]);
    assert_eq!(run.code, Some(0), "{}", run.stderr);
}

#[test]
fn a_failed_check_is_no_success_when_run_again() {
    let project = checked("{ retries: 0 }", "http: { status: 500, times: 2 }");
    let arguments = ["--env", "production", "--on-failure", "rollback"];
    let (report, code) = project.deploy(&["--env", "production"]);
    assert_eq!(
        (ended(&report), code),
        (("failed", "failed"), Some(1)),
        "{report}"
    );
    project.forget_calls();
    let (report, code) = project.deploy(&arguments);
    assert_eq!(
        (ended(&report), code),
        (("failed", "failed"), Some(1)),
        "{report}"
    );
    assert_eq!(
        project.writes(),
        ["GET / 500"],
        "nothing was deployed, so nothing is undone"
    );
    let (report, code) = project.deploy(&arguments);
    assert_eq!(
        (ended(&report), code),
        (("unchanged", "succeeded"), Some(0)),
        "{report}"
    );
}

#[test]
fn the_flag_leaves_the_check_out() {
    let project = checked("{}", "http: 500");
    let (report, code) = project.deploy(&["--env", "production", "--no-smoke"]);
    assert_eq!(
        (ended(&report), code),
        (("succeeded", "skipped"), Some(0)),
        "{report}"
    );
    assert_eq!(asked(&project), [""; 0]);
}

#[test]
fn of_several_environments_each_has_its_check() {
    let config = "app: shop\nregion: eu-central-1\nsmoke: { retries: 0 }\nenvironments:\n  production: { name: shop-prod }\n  staging: { name: shop-staging }\n  canary: { name: shop-canary, smoke: false }\n";
    let project = Project::new().file("beanship.yml", config);
    let project =
        project.trouble("speed: 100\nhttp: { status: 500, environments: [shop-staging] }");
    let (report, code) = project.deploy(&["--env", "production,staging,canary"]);
    let ends: Vec<_> = report["deployments"]
        .as_array()
        .expect("deployments")
        .iter()
        .map(ended)
        .collect();
    let expected = [
        ("succeeded", "succeeded"),
        ("failed", "failed"),
        ("succeeded", "?"),
    ];
    assert_eq!(
        (ends.as_slice(), code),
        (&expected[..], Some(1)),
        "{report}"
    );
}
