//! Stopping the update that runs.

use crate::support::Project;
use crate::undo::{deployed_twice, label, outcome, ship};

#[test]
fn nothing_to_abort_is_nothing_to_do() {
    let project = Project::new();
    let run = project.sandbox(&["abort", "--env", "production"]);
    insta::assert_snapshot!(run.shown(&project), @"
    unchanged: nothing to do: no update of shop-prod is running
    ------- stderr -------
    [exit 0]
    ");
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
    insta::assert_snapshot!(run.shown(&project), @r#"
    succeeded_with_warnings: the update of shop-prod was stopped: not on v2: 1 of 1 instances
    bring all of them to one version with `beanship --sandbox rollback --env shop-prod`, or deploy again
    ------- stderr -------
    Plan
      ~ environment  shop-prod  (stop its update)
    Asked to stop the update of shop-prod (N s)
    TIME  INFO   Aborting environment update.
    TIME  INFO   During an aborted deployment, some instances may have deployed the new application version. To ensure all instances are running the same version, re-deploy the appropriate application version.
    TIME  INFO   Environment update aborted.
    TIME  WARN   Environment health has transitioned from Info to Degraded. Incorrect application version found on all instances. Expected version "v2" (deployment 3).
    [exit 0]
    "#);
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
