//! Going back to a version that ran before.

use serde_json::Value;

use crate::support::Project;

/// A project whose production has run `v1` and `v2`.
pub fn deployed_twice() -> Project {
    let project = Project::new();
    ship(&project, "production", "v1", "the first");
    ship(&project, "production", "v2", "the second");
    project.forget_calls();
    project
}

/// Deploys the tree as a version of its own.
pub fn ship(project: &Project, env: &str, label: &str, message: &str) {
    project.write("version.txt", label);
    let arguments = ["--env", env, "--version-label", label, "--message", message];
    let (report, code) = project.deploy(&arguments);
    assert_eq!(code, Some(0), "{report}");
}

pub fn outcome(document: &Value) -> &str {
    document["outcome"].as_str().unwrap_or("?")
}

pub fn label(project: &Project, env: &str) -> Value {
    let run = project.sandbox(&["status", "--env", env, "--output", "json"]);
    run.json()["version_label"].clone()
}

#[test]
fn a_rollback_goes_to_the_version_before_and_uploads_nothing() {
    let project = deployed_twice();
    let run = project.sandbox(&["rollback", "--env", "production", "--yes"]);
    insta::assert_snapshot!(run.shown(&project), @"
    succeeded: shop-prod runs v1 (before: v2), health is Green (Ok), after N s
    http://shop-prod.eba-ID.eu-central-1.elasticbeanstalk.com
    ------- stderr -------
    Rolling back shop-prod of shop (eu-central-1, in the sandbox)
        VERSION  DEPLOYED HERE        CREATED              STATE    DESCRIPTION
        v2       DATE  DATE  current  the second
    ->  v1       DATE  DATE           the first
    note: option settings and environment properties stay as they are now: Elastic Beanstalk keeps no earlier values
    Plan
      ~ environment  shop-prod  (v2 -> v1, within 20 m)
    Started the update of shop-prod (N s)
    TIME  INFO   Environment update is starting.
    TIME  INFO   Environment health has transitioned from Ok to Info. Application update in progress on 1 instance. 0 out of 1 instance completed (running for N seconds).
    TIME  INFO   Deploying new version to instance(s).
    TIME  INFO   Instance deployment completed successfully.
    TIME  INFO   New application version was deployed to running EC2 instances.
    TIME  INFO   Environment update completed successfully.
    TIME  INFO   Environment health has transitioned from Info to Ok.
    [exit 0]
    ");
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
    insta::assert_snapshot!(told.join("\n"), @"
    note: option settings and environment properties stay as they are now: Elastic Beanstalk keeps no earlier values
    error: not done: shop-prod goes back to v1, and nobody can be asked: there is no terminal
    hint: agree beforehand with `--yes`, or look first with `--plan`
    ");
    let plan = project.sandbox(&["rollback", "--env", "production", "--plan"]);
    insta::assert_snapshot!(plan.stdout, @"planned: shop-prod would run v1 (before: v2); nothing was changed");
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
    project.lose_bundle("shop/v1.zip");
    cases.push(refused(&["--to", "v1"]));
    cases.push(refused(&["--timeout", "soon"]));
    insta::assert_snapshot!(cases.join("\n\n"), @"
    error: no version to go back to: shop-prod runs Sample Application, and none that ran well before it can be deployed
    hint: choose one yourself with `beanship --sandbox rollback --to LABEL`; `beanship --sandbox versions` lists them
    [exit Some(2)]

    error: the version Sample Application cannot be deployed: it is AWS's sample, not a version of yours
    hint: choose another: `beanship --sandbox versions`
    [exit Some(2)]

    error: no version v0 in shop
    hint: list the versions with `beanship --sandbox versions`
    [exit Some(2)]

    error: no version to go back to: shop-prod runs v1, and none that ran well before it can be deployed
    hint: choose one yourself with `beanship --sandbox rollback --to LABEL`; `beanship --sandbox versions` lists them
    [exit Some(2)]

    error: the version v1 cannot be deployed: its source bundle is gone
    hint: choose another: `beanship --sandbox versions`
    [exit Some(2)]

    error: invalid value 'soon' for '--timeout <TIME>': `soon` is not a time: write it like 90s, 20m or 1h
    [exit Some(2)]
    ");
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
fn a_failed_deploy_goes_back_where_that_was_asked_for() {
    let project = Project::new();
    let (good, code) = project.deploy(&["--env", "production"]);
    assert_eq!(code, Some(0), "{good}");
    let project = project.trouble("speed: 100\ndeploy: { outcome: fail, times: 1 }");
    project.write("new.txt", "new");
    let arguments = ["--env", "production", "--on-failure", "rollback"];
    let (report, code) = project.deploy(&arguments);
    assert_eq!(
        (report["outcome"].as_str(), code),
        (Some("failed"), Some(1)),
        "{report}"
    );
    assert_eq!(report["rollback"]["outcome"], "succeeded");
    assert_eq!(report["rollback"]["version_label"], good["version_label"]);
    let told = report["error"]["message"].as_str().expect("a message");
    assert!(told.contains("; rolled back to "), "{told}");
    let status = project
        .sandbox(&["status", "--env", "production", "--output", "json"])
        .json();
    assert_eq!(
        status["instances"][0]["version_label"],
        good["version_label"]
    );
}

#[test]
fn a_way_back_that_fails_too_is_told() {
    let project = Project::new().trouble("speed: 100\ndeploy: fail");
    let (report, code) = project.deploy(&["--env", "production", "--on-failure", "rollback"]);
    assert_eq!(
        (report["outcome"].as_str(), code),
        (Some("failed"), Some(1)),
        "{report}"
    );
    let told = report["error"]["message"].as_str().expect("a message");
    assert!(
        told.contains("the rollback failed too: no version to go back to"),
        "{told}"
    );
}
