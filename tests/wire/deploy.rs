//! A deploy that goes well: what is shown, what is called, what is found again.

use crate::support::{CONFIG, Project};

#[test]
fn a_first_deploy_shows_plan_events_and_url() {
    let project = Project::new().git("main");
    let run = project.sandbox(&["deploy", "--env", "production"]);
    insta::assert_snapshot!(run.shown(&project), @"
    succeeded: shop-prod runs COMMIT-DIGEST (before: Sample Application), health is Green (Ok), after N s
    http://shop-prod.eba-ID.eu-central-1.elasticbeanstalk.com
    ------- stderr -------
    Deploying shop to shop-prod (eu-central-1, in the sandbox)
    Plan
      + source bundle        s3://elasticbeanstalk-eu-central-1-DIGEST/shop/COMMIT-DIGEST.zip  (N B)
      + application version  COMMIT-DIGEST  (the first commit)
      ~ environment          shop-prod  (Sample Application -> COMMIT-DIGEST, within 20 m)
    Uploaded N B (N s)
    Created the version COMMIT-DIGEST (N s)
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
}

#[test]
fn a_second_deploy_has_nothing_to_do_and_uploads_nothing() {
    let project = Project::new();
    assert_eq!(project.deploy(&["--env", "production"]).1, Some(0));
    project.forget_calls();
    let (report, code) = project.deploy(&["--env", "production"]);
    assert_eq!(
        (report["outcome"].as_str(), code),
        (Some("unchanged"), Some(0))
    );
    assert_eq!(report["bundle"]["reused"], true);
    assert_eq!(project.writes(), [""; 0]);
    let plan = project.deploy(&["--env", "production", "--plan"]).0;
    assert_eq!(plan["outcome"], "unchanged");
}

#[test]
fn the_document_has_every_field() {
    let project = Project::new().git("main");
    let (mut report, code) = project.deploy(&["--env", "production", "--message", "by hand"]);
    assert_eq!(code, Some(0));
    assert!(
        report["duration_seconds"]
            .as_f64()
            .is_some_and(|seconds| seconds > 0.0)
    );
    let events = report["events"].as_array().expect("events");
    assert!(events.len() >= 4);
    assert_eq!(events[0]["message"], "Environment update is starting.");
    let label = report["version_label"]
        .as_str()
        .expect("a label")
        .to_owned();
    let sha256 = report["bundle"]["sha256"]
        .as_str()
        .expect("a digest")
        .to_owned();
    assert!(label.ends_with(&sha256[..12]), "{label} {sha256}");
    for field in [
        "duration_seconds",
        "finished",
        "events",
        "plan",
        "environment_id",
        "url",
    ] {
        report[field] = "...".into();
    }
    report["version_label"] = "LABEL".into();
    report["bundle"]["sha256"] = "SHA256".into();
    report["bundle"]["bytes"] = 0.into();
    insta::assert_snapshot!(serde_json::to_string_pretty(&report).expect("JSON"), @r#"
    {
      "application": "shop",
      "bundle": {
        "bytes": 0,
        "files": 2,
        "reused": false,
        "sha256": "SHA256"
      },
      "duration_seconds": "...",
      "environment": "shop-prod",
      "environment_id": "...",
      "error": null,
      "events": "...",
      "explanation": null,
      "finished": "...",
      "health": "Green",
      "outcome": "succeeded",
      "plan": "...",
      "previous_version_label": "Sample Application",
      "rollback": null,
      "smoke": null,
      "url": "...",
      "version_label": "LABEL"
    }
    "#);
}

#[test]
fn content_decides_and_not_the_commit() {
    let project = Project::new().file(
        "beanship.yml",
        &format!("{CONFIG}bundle: {{ exclude: [docs/] }}\n"),
    );
    let project = project.git("main");
    assert_eq!(
        project.deploy(&["--env", "production"]).0["outcome"],
        "succeeded"
    );
    project.write("docs/a.md", "words");
    project.commit("only words");
    assert_eq!(
        project.deploy(&["--env", "production"]).0["outcome"],
        "unchanged"
    );

    project.forget_calls();
    let (report, _) = project.deploy(&["--env", "production", "--force"]);
    assert_eq!(
        (&report["outcome"], &report["bundle"]["reused"]),
        (&"succeeded".into(), &true.into())
    );
    assert_eq!(project.writes(), ["UpdateEnvironment 200"]);

    project.forget_calls();
    let (report, _) = project.deploy(&["--env", "staging"]);
    assert_eq!(
        (&report["outcome"], &report["bundle"]["reused"]),
        (&"succeeded".into(), &true.into())
    );
    assert_eq!(project.writes(), ["UpdateEnvironment 200"]);
}

#[test]
fn a_dirty_tree_is_named_in_the_label() {
    let project = Project::new().git("main");
    project.write("new.txt", "new");
    let (report, _) = project.deploy(&["--env", "production"]);
    assert!(
        report["version_label"]
            .as_str()
            .is_some_and(|label| label.contains("-dirty-")),
        "{report}"
    );
}

#[test]
fn a_plan_changes_nothing() {
    let project = Project::new();
    let run = project.sandbox(&["deploy", "--env", "production", "--plan"]);
    insta::assert_snapshot!(run.shown(&project), @"
    planned: shop-prod would run DIGEST (before: Sample Application); nothing was changed
    ------- stderr -------
    Deploying shop to shop-prod (eu-central-1, in the sandbox)
    Plan
      + source bundle        s3://elasticbeanstalk-eu-central-1-DIGEST/shop/DIGEST.zip  (N B)
      + application version  DIGEST
      ~ environment          shop-prod  (Sample Application -> DIGEST, within 20 m)
    [exit 0]
    ");
    assert_eq!(project.writes(), [""; 0]);
}

#[test]
fn without_waiting_the_update_is_only_started() {
    let project = Project::new().trouble("speed: 1");
    let (report, code) = project.deploy(&["--env", "production", "--no-wait"]);
    assert_eq!(
        (report["outcome"].as_str(), code),
        (Some("started"), Some(0))
    );
    // The next deploy finds the environment busy and waits before it uses up a label.
    project.write("new.txt", "new");
    project.forget_calls();
    let (report, code) = project.deploy(&["--env", "production"]);
    assert_eq!(
        (report["outcome"].as_str(), code),
        (Some("succeeded"), Some(0))
    );
    let calls = project.calls();
    let created = calls
        .iter()
        .position(|call| call.starts_with("CreateApplicationVersion"));
    let looks = calls
        .iter()
        .take(created.expect("a version"))
        .filter(|call| call.starts_with("DescribeEnvironments"));
    assert!(looks.count() >= 2, "{calls:?}");
}

#[test]
fn bucket_and_label_can_be_given() {
    let project = Project::new();
    let arguments = [
        "--env",
        "production",
        "--bucket-path",
        "/bundles/",
        "--version-label",
        "v1 final",
    ];
    let (report, code) = project.deploy(&arguments);
    assert_eq!(
        (report["outcome"].as_str(), code),
        (Some("succeeded"), Some(0))
    );
    assert_eq!(report["version_label"], "v1 final");
    let bundle = report["plan"][0]["name"].as_str().expect("a name");
    assert!(bundle.ends_with("/bundles/v1 final.zip"), "{bundle}");
    assert_eq!(project.deploy(&arguments).0["outcome"], "unchanged");

    project.write("new.txt", "new");
    project.forget_calls();
    let (report, code) = project.deploy(&arguments);
    assert_eq!(code, Some(2), "{report}");
    insta::assert_snapshot!(report["error"]["message"].as_str().expect("a message"), @"the version label v1 final is taken in shop: it holds another bundle");
    assert_eq!(project.writes(), [""; 0]);
}

#[test]
fn an_empty_account_gets_its_bucket_on_the_way() {
    let project = Project::new();
    let run = project.beanship(&["--sandbox-empty", "deploy", "--env", "production"]);
    assert_eq!(run.code, Some(2));
    assert!(
        run.stderr.contains("the application shop has none there"),
        "{}",
        run.stderr
    );
}

#[test]
fn github_gets_commands_and_outputs() {
    let project = Project::new().variable("GITHUB_ACTIONS", "true");
    let outputs = project.path().join("outputs");
    let project = project.variable("GITHUB_OUTPUT", &outputs.display().to_string());
    let run = project.sandbox(&["deploy", "--env", "production"]);
    assert_eq!(run.code, Some(0), "{}", run.stderr);
    let written = std::fs::read_to_string(&outputs).expect("outputs");
    let names: Vec<_> = written
        .lines()
        .filter_map(|line| line.split_once('='))
        .collect();
    assert_eq!(names[0], ("outcome", "succeeded"));
    assert_eq!(
        (names[1].0, names[2].0),
        ("version-label", "environment-url")
    );
    assert!(names[2].1.starts_with("http://shop-prod."), "{written}");
}
