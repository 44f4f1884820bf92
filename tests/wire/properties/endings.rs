//! How updates of properties end that do not go well.

use serde_json::Value;

use super::{CONFIG, plan, project, property};
use crate::support::Project;

#[test]
fn a_configuration_that_fails_is_taken_back_by_the_service_alone() {
    let project = project();
    let _ = project.deploy(&["--env", "production"]);
    let project = project.trouble("speed: 100\ndeploy: fail");
    project.write("beanship.yml", &CONFIG.replace("info", "debug"));
    project.forget_calls();
    let arguments = ["--env", "production", "--on-failure", "rollback"];
    let (report, code) = project.deploy(&arguments);
    assert_eq!(
        (report["outcome"].as_str(), code),
        (Some("failed"), Some(1)),
        "{report}"
    );
    assert_eq!(report["rollback"]["outcome"], "unchanged", "{report}");
    assert_eq!(property(&project, "LOG_LEVEL"), "info");
    assert_eq!(brought_back(&project).2, 1);
}

/// The environment's `LOG_LEVEL` and `NEW`, and how often it was updated.
fn brought_back(project: &Project) -> (Value, Value, usize) {
    let is_update = |call: &String| call.starts_with("UpdateEnvironment");
    let updates = project.writes().iter().filter(|it| is_update(it)).count();
    let value = |name| property(project, name);
    (value("LOG_LEVEL"), value("NEW"), updates)
}

/// A good deploy, and one with other properties that comes up red and is rolled back.
fn gone_back(other_files: bool) -> (Project, Value, Value) {
    let project = project();
    let (good, _) = project.deploy(&["--env", "production"]);
    let project = project.trouble("speed: 100\ndeploy: { outcome: red, times: 1 }");
    let changed = CONFIG.replace("LOG_LEVEL: info", "LOG_LEVEL: debug\n  NEW: added");
    assert_ne!(changed, CONFIG);
    project.write("beanship.yml", &changed);
    if other_files {
        project.write("new.txt", "new");
    }
    project.forget_calls();
    let arguments = ["--env", "production", "--on-failure", "rollback"];
    let arguments = [&arguments[..], &["--health-timeout", "1s"]].concat();
    let (report, code) = project.deploy(&arguments);
    assert_eq!(
        (report["outcome"].as_str(), code),
        (Some("failed"), Some(1)),
        "{report}"
    );
    assert_eq!(report["rollback"]["outcome"], "succeeded", "{report}");
    (project, good, report)
}

#[test]
fn a_rollback_brings_back_every_option_that_the_deploy_changed() {
    let (project, good, report) = gone_back(true);
    assert_ne!(report["version_label"], good["version_label"]);
    assert_eq!(report["rollback"]["version_label"], good["version_label"]);
    let back = brought_back(&project);
    assert_eq!(back, ("info".into(), Value::Null, 2));
}

#[test]
fn where_only_options_were_changed_they_alone_go_back() {
    let (project, good, report) = gone_back(false);
    let told = report["error"]["message"].as_str().unwrap_or_default();
    assert!(
        told.ends_with("; its settings were set back: succeeded"),
        "{told}"
    );
    assert_eq!(report["version_label"], good["version_label"]);
    let back = brought_back(&project);
    assert_eq!(back, ("info".into(), Value::Null, 2));
}

#[test]
fn an_update_that_does_not_end_is_told_and_goes_on() {
    let project = Project::new().trouble("speed: 100\ndeploy: hang");
    let arguments = ["props", "set", "A=1", "--env", "production"];
    let run = project.sandbox(&[&arguments[..], &["--timeout", "2s"]].concat());
    assert_eq!(run.code, Some(4), "{}", run.stderr);
    let busy = project.sandbox(&[&arguments[..], &["--timeout", "2s"]].concat());
    assert_eq!(busy.code, Some(4), "{}", busy.stderr);
    assert!(
        busy.stderr.contains("shop-prod is Updating"),
        "{}",
        busy.stderr
    );
}

#[test]
fn a_caller_who_may_not_update_is_told_which_action() {
    let project = Project::new().trouble("speed: 100\ndeny: [elasticbeanstalk:UpdateEnvironment]");
    let run = project.sandbox(&["props", "set", "A=1", "--env", "production"]);
    assert_eq!(run.code, Some(3), "{}", run.stderr);
    let told = run.stderr.contains("elasticbeanstalk:UpdateEnvironment");
    assert!(told, "{}", run.stderr);
}

#[test]
fn a_secret_whose_answer_was_lost_is_stored_once() {
    let project = Project::new().trouble(
        "speed: 100\ncut: { every: 1, times: 1, when: after, operations: [CreateSecret] }",
    );
    let arguments = [
        "--sandbox",
        "props",
        "set",
        "A",
        "-",
        "--secret",
        "--env",
        "production",
    ];
    let run = project.with_stdin(&arguments, "c4nary");
    assert_eq!(run.code, Some(0), "{}", run.stderr);
}

#[test]
fn after_a_failure_the_same_command_goes_on_where_it_stopped() {
    let project = Project::new().trouble("speed: 100\ndeny: [elasticbeanstalk:UpdateEnvironment]");
    let arguments = [
        "--sandbox",
        "props",
        "set",
        "A",
        "-",
        "--secret",
        "--env",
        "production",
    ];
    let refused = project.with_stdin(&arguments, "c4nary");
    assert_eq!(refused.code, Some(3), "{}", refused.stderr);
    let project = project.trouble("speed: 100");
    project.forget_calls();
    let again = project.with_stdin(&[&arguments[..], &["--yes"]].concat(), "c4nary");
    assert_eq!(again.code, Some(0), "{}", again.stderr);
    assert_eq!(
        project.writes(),
        ["PutSecretValue 200", "UpdateEnvironment 200"]
    );
}

#[test]
fn each_of_several_environments_gets_its_own_properties() {
    let config = "app: shop\nregion: eu-central-1\nproperties: { A: all }\nenvironments:\n  production: { name: shop-prod, properties: { A: own } }\n  staging: { name: shop-staging }\n";
    let project = Project::new().file("beanship.yml", config);
    let run = project.sandbox(&["deploy", "--env", "production,staging", "--output", "json"]);
    assert_eq!(run.code, Some(0), "{}", run.stderr);
    assert_eq!(property(&project, "A"), "own");
    let told = run.stderr.lines().filter(|line| line.contains(": A"));
    insta::assert_snapshot!(told.collect::<Vec<_>>().join("\n"), @"
    + environment property  shop-prod: A
    + environment property  shop-staging: A
    ");
    let staging = &run.json()["deployments"][1];
    let added = "create environment property A".to_owned();
    assert!(plan(staging).contains(&added), "{staging}");
}
