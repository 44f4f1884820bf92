//! One deploy to several environments: one bundle, one version, each environment its outcome.

use std::io::{BufRead, BufReader};
use std::process::Command;

use serde_json::Value;

use crate::support::{Project, Run};

const ALL: [&str; 4] = ["--env", "production", "--env", "staging"];

/// The outcomes in order, and the exit code.
fn outcomes(project: &Project, arguments: &[&str]) -> (Vec<String>, Option<i32>) {
    let (report, code) = project.deploy(&[&ALL, arguments].concat());
    (words(&report), code)
}

/// The worst outcome, and each environment's.
fn words(report: &Value) -> Vec<String> {
    let all = report["deployments"].as_array().expect("deployments");
    let each = all.iter().map(|one| &one["outcome"]);
    let words = [&report["outcome"]].into_iter().chain(each);
    words
        .map(|word| word.as_str().expect("a word").to_owned())
        .collect()
}

fn count(project: &Project, operation: &str) -> usize {
    let calls = project.calls();
    calls.iter().filter(|it| it.starts_with(operation)).count()
}

#[test]
fn refused_before_it_begins_it_is_still_a_list() {
    let asked = [
        Project::new().deploy(&["--env", "a,b"]),
        Project::new().variable("BEANSHIP_ENV", "a,b").deploy(&[]),
        Project::new()
            .file("beanship.yml", "ap: shop\n")
            .variable("BEANSHIP_ENV", "a,b")
            .deploy(&[]),
    ];
    for (report, code) in asked {
        assert_eq!(words(&report), ["failed", "failed"], "{report}");
        let error = &report["deployments"][0]["error"]["message"];
        assert!(error.is_string(), "{report}");
        assert_eq!(code, Some(2), "{report}");
    }
}

#[test]
fn one_version_goes_to_all_of_them() {
    let project = Project::new();
    let run = project.sandbox(&[&["deploy"], &ALL[..]].concat());
    // What is said of one environment does not wait for what is said of the other.
    let of = |line: &&str| line.starts_with("shop-");
    let shown = run.shown(&project);
    let rest: Vec<&str> = shown.lines().filter(|line| !of(line)).collect();
    insta::assert_snapshot!(rest.join("\n"), @"
    succeeded: shop-prod runs DIGEST (before: Sample Application), health is Green (Ok), after N s
    http://shop-prod.eba-ID.eu-central-1.elasticbeanstalk.com
    succeeded: shop-staging runs DIGEST (before: Sample Application), health is Green (Ok), after N s
    http://shop-staging.eba-ID.eu-central-1.elasticbeanstalk.com
    ------- stderr -------
    Deploying shop to shop-prod, shop-staging (eu-central-1, in the sandbox)
    Plan
      + source bundle        s3://elasticbeanstalk-eu-central-1-DIGEST/shop/DIGEST.zip  (N B)
      + application version  DIGEST
      ~ environment          shop-prod  (Sample Application -> DIGEST, within 20 m)
      ~ environment          shop-staging  (Sample Application -> DIGEST, within 20 m)
    Uploaded N B (N s)
    Created the version DIGEST (N s)
    [exit 0]
    ");
    for line in [
        "shop-prod     Started the update of shop-prod",
        "shop-staging  Started the update of shop-staging",
        "INFO   Environment update completed successfully.",
    ] {
        assert!(shown.contains(line), "{shown}");
    }
    for (operation, times) in [
        ("PutObject", 1),
        ("CreateApplicationVersion", 1),
        ("UpdateEnvironment", 2),
        ("DescribeInstancesHealth", 2),
    ] {
        assert_eq!(count(&project, operation), times, "{operation}");
    }
}

#[test]
fn the_document_holds_the_worst_outcome_and_every_report() {
    let project = Project::new()
        .trouble("speed: 100\ndeploy: { outcome: fail, times: 1, environments: [shop-staging] }");
    let (report, code) = project.deploy(&ALL);
    assert_eq!(
        words(&report),
        ["failed", "succeeded", "failed"],
        "{report}"
    );
    assert_eq!(code, Some(1));
    assert_eq!(report["deployments"][1]["environment"], "shop-staging");
    assert!(
        report["deployments"][1]["explanation"].is_object(),
        "{report}"
    );
    assert!(report["deployments"][0]["error"].is_null(), "{report}");
    // The one that failed is deployed again, the other one runs the bundle already.
    assert_eq!(
        outcomes(&project, &[]),
        (
            vec!["succeeded".into(), "unchanged".into(), "succeeded".into()],
            Some(0)
        )
    );
}

#[test]
fn nothing_is_done_twice() {
    let project = Project::new();
    assert_eq!(outcomes(&project, &[]).1, Some(0));
    project.forget_calls();
    let unchanged = vec!["unchanged".to_owned(); 3];
    assert_eq!(outcomes(&project, &[]), (unchanged, Some(0)));
    assert_eq!(project.writes(), [""; 0]);
    let named_twice = ["--env", "shop-prod", "--plan"];
    let (_, code) = project.deploy(&[&["--env", "production"], &named_twice[..]].concat());
    assert_eq!(code, Some(0));
}

#[test]
fn one_that_cannot_be_deployed_to_stops_all_before_anything_is_written() {
    let project = Project::new();
    assert_eq!(project.sandbox(&["list"]).code, Some(0));
    project.write(
        "beanship.yml",
        "app: shop\nregion: eu-central-1\nenvironments:\n  production: { name: shop-prod }\n  staging: { name: shop-gone }\n",
    );
    project.forget_calls();
    let (report, code) = project.deploy(&ALL);
    assert_eq!(words(&report), ["failed"; 3], "{report}");
    assert_eq!(code, Some(2));
    assert_eq!(project.writes(), [""; 0]);
    let run = project.sandbox(&[&["deploy"], &ALL[..]].concat());
    insta::assert_snapshot!(run.shown(&project), @"
    ------- stderr -------
    Deploying shop to shop-prod, shop-gone (eu-central-1, in the sandbox)
    error: no environment shop-gone in eu-central-1: shop has shop-prod, shop-staging
    hint: correct its `name` in beanship.yml, or see `beanship --sandbox list`
    hint: make it with `beanship --sandbox bootstrap --env staging`
    hint: let the sandbox begin anew from beanship.yml: `beanship --sandbox sandbox --reset`
    [exit 2]
    ");
}

#[test]
fn different_compose_files_do_not_go_together() {
    let project = Project::new().file(
        "beanship.yml",
        "app: shop\nregion: eu-central-1\nenvironments:\n  production: { name: shop-prod }\n  staging: { name: shop-staging, compose: other.yml }\n",
    );
    let run = project.sandbox(&[&["deploy"], &ALL[..]].concat());
    insta::assert_snapshot!(run.shown(&project), @"
    ------- stderr -------
    error: shop-prod and shop-staging cannot be deployed together: their compose files differ (docker-compose.yml and other.yml)
    hint: deploy them one after the other: `beanship --sandbox deploy --env production`
    [exit 2]
    ");
}

#[test]
fn with_max_parallel_one_comes_after_the_other() {
    let project = Project::new();
    let arguments = ["--max-parallel", "1"];
    assert_eq!(outcomes(&project, &arguments).1, Some(0));
    let order: Vec<String> = project
        .calls()
        .into_iter()
        .filter(|call| call.starts_with("UpdateEnv") || call.starts_with("DescribeInstances"))
        .collect();
    let once = ["UpdateEnvironment 200", "DescribeInstancesHealth 200"];
    assert_eq!(order, [once, once].concat());
}

#[test]
fn the_worst_exit_code_counts() {
    let project = Project::new().trouble(
        "speed: 100\ndeploy:\n  - { outcome: hang, environments: [shop-prod] }\n  - { outcome: fail, environments: [shop-staging] }",
    );
    let (words, code) = outcomes(&project, &["--timeout", "6s"]);
    assert_eq!(words, ["failed", "timed_out", "failed"]);
    assert_eq!(code, Some(1));
}

#[test]
fn the_environment_variable_names_several() {
    let project = Project::new().variable("BEANSHIP_ENV", "production,staging");
    let (report, code) = project.deploy(&["--plan"]);
    assert_eq!(words(&report), ["planned"; 3], "{report}");
    assert_eq!(code, Some(0));
}

#[cfg(unix)]
#[test]
fn a_signal_ends_all_of_them() {
    let project = Project::new().trouble("speed: 100\ndeploy: hang");
    let arguments = [
        "--sandbox",
        "deploy",
        "--output",
        "json",
        "--env",
        "production,staging",
    ];
    let mut child = project.start(&arguments);
    let mut told = BufReader::new(child.stderr.take().expect("stderr")).lines();
    let started = |line: &String| line.contains("Started the update of");
    let begun = told.by_ref().map_while(Result::ok).filter(started).take(2);
    assert_eq!(begun.count(), 2);
    let pid = child.id().to_string();
    let sent = Command::new("kill").args(["-INT", &pid]).status();
    assert!(sent.expect("kill runs").success());
    // Read on, so that the pipe never fills.
    told.map_while(Result::ok).for_each(drop);
    let run = Run::of(&child.wait_with_output().expect("it ends"));
    assert_eq!(words(&run.json()), ["interrupted"; 3], "{}", run.stderr);
    assert_eq!(run.code, Some(130));
}

#[test]
fn a_rollback_after_a_failure_is_the_failed_ones_own() {
    let project = Project::new();
    assert_eq!(outcomes(&project, &[]).1, Some(0));
    project.write("new.txt", "new");
    let project = project
        .trouble("speed: 100\ndeploy: { outcome: fail, times: 1, environments: [shop-staging] }");
    let (report, code) = project.deploy(&[&ALL[..], &["--on-failure", "rollback"]].concat());
    assert_eq!(
        words(&report),
        ["failed", "succeeded", "failed"],
        "{report}"
    );
    assert_eq!(code, Some(1));
    assert_eq!(report["deployments"][1]["rollback"]["outcome"], "succeeded");
    assert!(report["deployments"][0]["rollback"].is_null(), "{report}");
}
