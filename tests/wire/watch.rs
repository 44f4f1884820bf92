//! Picking up an update that somebody has started, and leaving one.

use crate::support::Project;

/// A project whose production is being updated, at this speed and to this end.
fn busy(trouble: &str) -> Project {
    let project = Project::new().trouble(trouble);
    let (report, code) = project.deploy(&["--env", "production", "--no-wait"]);
    assert_eq!(
        (report["outcome"].as_str(), code),
        (Some("started"), Some(0)),
        "{report}"
    );
    project
}

#[test]
fn a_running_update_is_watched_to_its_end() {
    let project = busy("speed: 1");
    let run = project.sandbox(&["watch", "--env", "production"]);
    assert_eq!(run.code, Some(0), "{}", run.stderr);
    assert!(
        run.stdout.starts_with("succeeded: shop-prod runs "),
        "{}",
        run.stdout
    );
    assert!(
        run.stderr.starts_with("Watching the update to "),
        "{}",
        run.stderr
    );
    let last = "INFO   Environment update completed successfully.";
    assert!(run.stderr.contains(last), "{}", run.stderr);
}

#[test]
fn a_finished_update_ends_as_it_ended() {
    let project = busy("speed: 100");
    let watch = |project: &Project| {
        let arguments = [
            "watch",
            "--env",
            "production",
            "--output",
            "json",
            "--health-timeout",
            "1s",
        ];
        let run = project.sandbox(&arguments);
        (run.json(), run.code)
    };
    let (report, code) = watch(&project);
    assert_eq!(
        (report["outcome"].as_str(), code),
        (Some("succeeded"), Some(0)),
        "{report}"
    );
    let failing = busy("speed: 100\ndeploy: fail");
    let (report, code) = watch(&failing);
    assert_eq!(
        (report["outcome"].as_str(), code),
        (Some("failed"), Some(1)),
        "{report}"
    );
}

#[test]
fn a_hanging_update_is_watched_until_the_deadline() {
    let project = busy("speed: 100\ndeploy: hang");
    let run = project.sandbox(&["watch", "--env", "production", "--timeout", "2s"]);
    assert_eq!(run.code, Some(4), "{}", run.stderr);
    assert!(
        run.stderr
            .contains("beanship --sandbox watch --env shop-prod"),
        "{}",
        run.stderr
    );
}

#[test]
fn nothing_to_watch_is_said() {
    let project = Project::new();
    let run = project.sandbox(&["watch", "--env", "production", "--output", "json"]);
    assert_eq!(run.code, Some(0), "{}", run.stderr);
    let missing = project.sandbox(&["watch", "--env", "production", "--region", "us-west-2"]);
    assert_eq!(missing.code, Some(2), "{}", missing.stderr);
    let denied = Project::new().trouble("deny: [elasticbeanstalk:DescribeEnvironments]");
    assert_eq!(
        denied.sandbox(&["watch", "--env", "production"]).code,
        Some(3)
    );
}

#[test]
fn resume_follows_an_update_to_the_same_bundle() {
    let project = busy("speed: 1");
    project.forget_calls();
    let (report, code) = project.deploy(&["--env", "production", "--resume"]);
    assert_eq!(
        (report["outcome"].as_str(), code),
        (Some("succeeded"), Some(0)),
        "{report}"
    );
    assert_eq!(project.writes(), [""; 0]);
}

#[test]
fn resume_deploys_where_another_bundle_is_under_way() {
    let project = busy("speed: 1");
    project.write("new.txt", "new");
    project.forget_calls();
    let (report, code) = project.deploy(&["--env", "production", "--resume"]);
    assert_eq!(
        (report["outcome"].as_str(), code),
        (Some("succeeded"), Some(0)),
        "{report}"
    );
    assert!(
        project
            .writes()
            .contains(&"UpdateEnvironment 200".to_owned())
    );
}
