//! Going back, stopping, and moving a version on.

use serde_json::Value;

use crate::support::{COMPOSE, Project};

/// A project whose production has run `v1` and `v2`.
fn deployed_twice() -> Project {
    let project = Project::new();
    ship(&project, "production", "v1", "the first");
    ship(&project, "production", "v2", "the second");
    project.forget_calls();
    project
}

/// Deploys the tree as a version of its own.
fn ship(project: &Project, env: &str, label: &str, message: &str) {
    project.write("version.txt", label);
    let arguments = ["--env", env, "--version-label", label, "--message", message];
    let (report, code) = project.deploy(&arguments);
    assert_eq!(code, Some(0), "{report}");
}

fn outcome(document: &Value) -> &str {
    document["outcome"].as_str().unwrap_or("?")
}

fn label(project: &Project, env: &str) -> Value {
    let run = project.sandbox(&["status", "--env", env, "--output", "json"]);
    run.json()["version_label"].clone()
}

#[test]
fn a_rollback_goes_to_the_version_before_and_uploads_nothing() {
    let project = deployed_twice();
    let run = project.sandbox(&["rollback", "--env", "production", "--yes"]);
    insta::assert_snapshot!(run.shown(&project), @"");
    assert_eq!(project.writes(), ["UpdateEnvironment 200"]);
}

#[test]
fn a_rollback_has_a_deploys_report_and_more() {
    let project = deployed_twice();
    let deploy = project.deploy(&["--env", "production"]).0;
    let arguments = [
        "rollback",
        "--env",
        "production",
        "--to",
        "v1",
        "--yes",
        "--output",
        "json",
    ];
    let run = project.sandbox(&arguments);
    let report = run.json();
    assert_eq!(
        (outcome(&report), run.code),
        ("succeeded", Some(0)),
        "{report}"
    );
    assert_eq!(
        (&report["version_label"], &report["previous_version_label"]),
        (&"v1".into(), &"v2".into())
    );
    for field in deploy.as_object().expect("an object").keys() {
        assert!(report.get(field).is_some(), "{field}");
    }
    assert_eq!(report["candidates"][0]["version_label"], "v2");
    assert_eq!(report["candidates"][1]["description"], "the first");
}

#[test]
fn a_rollback_wants_a_yes_where_nobody_can_be_asked() {
    let project = deployed_twice();
    let run = project.sandbox(&["rollback", "--env", "production"]);
    assert_eq!(run.code, Some(2), "{}", run.stderr);
    let told = run
        .stderr
        .lines()
        .filter(|line| line.contains(": "))
        .collect::<Vec<_>>();
    insta::assert_snapshot!(told.join("\n"), @"");
    let plan = project.sandbox(&["rollback", "--env", "production", "--plan"]);
    insta::assert_snapshot!(plan.stdout, @"");
    assert_eq!((plan.code, project.writes()), (Some(0), vec![]));
}

#[test]
fn a_version_that_runs_everywhere_is_nothing_to_do() {
    let project = deployed_twice();
    let arguments = [
        "rollback",
        "--env",
        "production",
        "--to",
        "v2",
        "--output",
        "json",
    ];
    let run = project.sandbox(&arguments);
    assert_eq!(
        (outcome(&run.json()), run.code),
        ("unchanged", Some(0)),
        "{}",
        run.stderr
    );
    assert_eq!(project.writes(), [""; 0]);
}

#[test]
fn after_a_failed_deploy_the_old_version_is_deployed_again() {
    let project = deployed_twice().trouble("speed: 100\ndeploy: { outcome: fail, times: 1 }");
    project.write("version.txt", "v3");
    assert_eq!(
        project
            .deploy(&["--env", "production", "--version-label", "v3"])
            .1,
        Some(1)
    );
    assert_eq!(
        label(&project, "production"),
        "v2",
        "the label looks as if nothing was wrong"
    );
    project.forget_calls();
    let run = project.sandbox(&["rollback", "--env", "production", "--yes"]);
    assert_eq!(run.code, Some(0), "{}", run.stderr);
    assert!(
        run.stderr.contains("v2 is deployed again"),
        "{}",
        run.stderr
    );
    assert_eq!(project.writes(), ["UpdateEnvironment 200"]);
    let status = project
        .sandbox(&["status", "--env", "production", "--output", "json"])
        .json();
    assert_eq!(
        (&status["health"], &status["instances"][0]["version_label"]),
        (&"Green".into(), &"v2".into())
    );
}

#[test]
fn what_cannot_be_gone_back_to_is_refused() {
    let project = Project::new();
    let refused = |arguments: &[&str]| {
        let run =
            project.sandbox(&[&["rollback", "--env", "production", "--yes"], arguments].concat());
        let told = run
            .stderr
            .lines()
            .filter(|line| line.starts_with("error") || line.starts_with("hint"));
        format!(
            "{}\n[exit {:?}]",
            told.collect::<Vec<_>>().join("\n"),
            run.code
        )
    };
    let mut cases = vec![
        refused(&[]),
        refused(&["--to", "Sample Application"]),
        refused(&["--to", "v0"]),
    ];
    ship(&project, "production", "v1", "the first");
    cases.push(refused(&[]));
    let bucket = project.path().join(".beanship/sandbox");
    let lost = project
        .files()
        .into_iter()
        .filter(|path| path.starts_with(&bucket) && path.to_string_lossy().contains("v1.zip"));
    for path in lost {
        std::fs::remove_file(path).expect("a file");
    }
    cases.push(refused(&["--to", "v1"]));
    cases.push(refused(&["--timeout", "soon"]));
    insta::assert_snapshot!(cases.join("\n\n"), @"");
}

#[test]
fn a_failing_rollback_fails_and_a_hanging_one_times_out() {
    let project = deployed_twice().trouble("speed: 100\ndeploy: { outcome: fail, times: 1 }");
    let back = [
        "rollback",
        "--env",
        "production",
        "--to",
        "v1",
        "--yes",
        "--output",
        "json",
    ];
    let run = project.sandbox(&back);
    assert_eq!(
        (outcome(&run.json()), run.code),
        ("failed", Some(1)),
        "{}",
        run.stderr
    );
    let project = project.trouble("speed: 100\ndeploy: hang");
    let run = project.sandbox(&[&back, ["--timeout", "2s"].as_slice()].concat());
    assert_eq!(
        (outcome(&run.json()), run.code),
        ("timed_out", Some(4)),
        "{}",
        run.stderr
    );
}

#[test]
fn a_denied_or_throttled_rollback_says_so_or_comes_through() {
    let project =
        deployed_twice().trouble("speed: 100\ndeny: [elasticbeanstalk:UpdateEnvironment]");
    let back = [
        "rollback",
        "--env",
        "production",
        "--yes",
        "--output",
        "json",
    ];
    let run = project.sandbox(&back);
    assert_eq!(
        (outcome(&run.json()), run.code),
        ("failed", Some(3)),
        "{}",
        run.stderr
    );
    assert_eq!(run.json()["error"]["kind"], "denied");
    let project = project
        .trouble("speed: 100\nthrottle: { every: 3 }\ndeny: [elasticbeanstalk:DescribeEvents]");
    let run = project.sandbox(&back);
    let report = run.json();
    assert_eq!(
        (outcome(&report), run.code),
        ("succeeded", Some(0)),
        "{}",
        run.stderr
    );
    assert_eq!(report["version_label"], "v1");
    assert!(
        run.stderr.contains("no event tells what ran before"),
        "{}",
        run.stderr
    );
}

#[test]
fn a_rollback_without_credentials_has_its_document() {
    let project = Project::new();
    let run = project.beanship(&["rollback", "--env", "production", "--output", "json"]);
    assert_eq!((outcome(&run.json()), run.code), ("failed", Some(3)));
    assert!(run.json().get("previous_version_label").is_some());
}

#[test]
fn nothing_to_abort_is_nothing_to_do() {
    let project = Project::new();
    let run = project.sandbox(&["abort", "--env", "production"]);
    insta::assert_snapshot!(run.shown(&project), @"");
    let missing = project.sandbox(&["abort", "--env", "production", "--region", "us-west-2"]);
    assert_eq!(missing.code, Some(2), "{}", missing.stderr);
}

#[test]
fn an_abort_stops_the_update_and_says_what_that_leaves() {
    let project = deployed_twice().trouble("speed: 100\ndeploy: { outcome: hang, times: 1 }");
    project.write("version.txt", "v3");
    assert_eq!(
        project.deploy(&["--env", "production", "--no-wait"]).1,
        Some(0)
    );
    let asks = project.sandbox(&["abort", "--env", "production"]);
    assert_eq!(asks.code, Some(2), "{}", asks.stderr);
    let plan = project.sandbox(&["abort", "--env", "production", "--plan"]);
    assert_eq!(plan.code, Some(0), "{}", plan.stderr);
    let run = project.sandbox(&["abort", "--env", "production", "--yes"]);
    insta::assert_snapshot!(run.shown(&project), @"");
    let back = project.sandbox(&["rollback", "--env", "production", "--yes"]);
    assert_eq!(back.code, Some(0), "{}", back.stderr);
    assert_eq!(label(&project, "production"), "v2");
}

#[test]
fn an_abort_that_leaves_mixed_instances_names_the_cure() {
    let config = "app: shop\nregion: eu-central-1\nenvironments: { production: { name: shop-prod, type: load-balanced } }\n";
    let project = Project::new().file("beanship.yml", config);
    ship(&project, "production", "v1", "the first");
    let project = project.trouble("speed: 100\ndeploy: { outcome: abort-partial, times: 1 }");
    project.write("version.txt", "v2");
    assert_eq!(
        project
            .deploy(&[
                "--env",
                "production",
                "--version-label",
                "v2",
                "--health-timeout",
                "1s"
            ])
            .1,
        Some(1)
    );
    let run = project.sandbox(&[
        "rollback",
        "--env",
        "production",
        "--yes",
        "--output",
        "json",
    ]);
    assert_eq!(
        (outcome(&run.json()), run.code),
        ("succeeded", Some(0)),
        "{}",
        run.stderr
    );
    assert_eq!(run.json()["version_label"], "v1");
}

#[test]
fn a_denied_abort_names_the_action() {
    let project = Project::new()
        .trouble("speed: 100\ndeploy: hang\ndeny: [elasticbeanstalk:AbortEnvironmentUpdate]");
    assert_eq!(
        project.deploy(&["--env", "production", "--no-wait"]).1,
        Some(0)
    );
    let run = project.sandbox(&["abort", "--env", "production", "--yes", "--output", "json"]);
    assert_eq!(
        (outcome(&run.json()), run.code),
        ("failed", Some(3)),
        "{}",
        run.stderr
    );
    assert!(
        run.stderr
            .contains("`elasticbeanstalk:AbortEnvironmentUpdate`"),
        "{}",
        run.stderr
    );
}

#[test]
fn a_promotion_brings_the_same_version_without_a_build() {
    let project = Project::new();
    ship(&project, "staging", "v1", "the first");
    project.forget_calls();
    let move_on = ["promote", "--from", "staging", "--to", "production"];
    let run = project.sandbox(&move_on);
    insta::assert_snapshot!(run.shown(&project), @"");
    assert_eq!(project.writes(), ["UpdateEnvironment 200"]);
    let again = project.sandbox(&[&move_on, ["--output", "json"].as_slice()].concat());
    assert_eq!(
        (outcome(&again.json()), again.code),
        ("unchanged", Some(0)),
        "{}",
        again.stderr
    );
}

#[test]
fn a_doubtful_version_is_promoted_only_with_a_yes() {
    let project = Project::new().trouble("speed: 100\ndeploy: { outcome: red, times: 1 }");
    let red = [
        "--env",
        "staging",
        "--version-label",
        "v1",
        "--health-timeout",
        "1s",
    ];
    assert_eq!(project.deploy(&red).1, Some(1));
    let move_on = ["promote", "--from", "staging", "--to", "production"];
    let run = project.sandbox(&move_on);
    insta::assert_snapshot!(run.shown(&project), @"");
    let run = project.sandbox(&[&move_on, ["--yes"].as_slice()].concat());
    assert_eq!(run.code, Some(0), "{}", run.stderr);
}

#[test]
fn what_cannot_be_promoted_is_refused() {
    let config = "app: shop\nregion: eu-central-1\nenvironments: { staging: { name: shop-staging, branches: [x] }, production: { name: shop-prod, protected: true, branches: [y] } }\n";
    let project = Project::new()
        .file("beanship.yml", config)
        .file("docker-compose.yml", COMPOSE);
    let refused = |from: &str, to: &str| {
        let run = project.sandbox(&["promote", "--from", from, "--to", to]);
        let told = run
            .stderr
            .lines()
            .filter(|line| line.starts_with("error") || line.starts_with("hint"));
        format!(
            "{}\n[exit {:?}]",
            told.collect::<Vec<_>>().join("\n"),
            run.code
        )
    };
    let mut cases = vec![
        refused("staging", "production"),
        refused("staging", "shop-staging"),
        refused("nowhere", "production"),
    ];
    ship(&project, "staging", "v1", "the first");
    cases.push(refused("staging", "production"));
    insta::assert_snapshot!(cases.join("\n\n"), @"");
    let run = project.sandbox(&[
        "promote",
        "--from",
        "staging",
        "--to",
        "production",
        "--yes",
    ]);
    assert_eq!(
        run.code,
        Some(0),
        "branches do not matter here: {}",
        run.stderr
    );
}

#[test]
fn the_address_is_printed_where_nothing_can_open_it() {
    let project = Project::new();
    let run = project.sandbox(&["open", "--env", "production"]);
    insta::assert_snapshot!(run.shown(&project), @"");
    let run = project.sandbox(&["open", "--env", "production", "--print", "--output", "json"]);
    assert_eq!((&run.json()["opened"], run.code), (&false.into(), Some(0)));
    let missing = project.sandbox(&["open", "--env", "production", "--region", "us-west-2"]);
    assert_eq!(missing.code, Some(2), "{}", missing.stderr);
}
