//! The commands that only look.

use crate::support::Project;

#[test]
fn status_shows_environment_instances_and_events() {
    let project = Project::new();
    assert_eq!(
        project.sandbox(&["deploy", "--env", "production"]).code,
        Some(0)
    );
    let run = project.sandbox(&["status", "--env", "production"]);
    insta::assert_snapshot!(run.shown(&project), @"
    Environment  shop-prod (e-ID)
    Application  shop
    Status       Ready
    Health       Green (Ok)
    Version      DIGEST
    Platform     64bit Amazon Linux 2023 v4.13.1 running Docker
    Updated      DATE
    URL          http://shop-prod.eba-ID.eu-central-1.elasticbeanstalk.com

    INSTANCE             VERSION       DEPLOYMENT  HEALTH  CAUSES
    i-ID  DIGEST  Deployed    Ok

    DATE  INFO   Deploying new version to instance(s).
    DATE  INFO   Instance deployment completed successfully.
    DATE  INFO   New application version was deployed to running EC2 instances.
    DATE  INFO   Environment update completed successfully.
    DATE  INFO   Environment health has transitioned from Info to Ok.
    ------- stderr -------
    [exit 0]
    ");
    let status = project
        .sandbox(&["status", "--env", "shop-prod", "--output", "json"])
        .json();
    assert_eq!(status["status"], "Ready");
    assert_eq!(status["instances"].as_array().map(Vec::len), Some(1));
}

#[test]
fn list_shows_declared_environments_first() {
    let project = Project::new();
    let run = project.sandbox(&["list"]);
    insta::assert_snapshot!(run.shown(&project), @"
    KEY         NAME          STATUS  HEALTH  VERSION             URL
    production  shop-prod     Ready   Green   Sample Application  http://shop-prod.eba-ID.eu-central-1.elasticbeanstalk.com
    staging     shop-staging  Ready   Green   Sample Application  http://shop-staging.eba-ID.eu-central-1.elasticbeanstalk.com
    ------- stderr -------
    [exit 0]
    ");
    let project = project.file(
        "beanship.yml",
        "app: shop\nregion: eu-central-1\nenvironments: { new: { name: shop-new } }\n",
    );
    let listed = project.sandbox(&["list", "--output", "json"]).json();
    let names: Vec<_> = listed["environments"]
        .as_array()
        .expect("a list")
        .iter()
        .map(|e| e["name"].clone())
        .collect();
    assert_eq!(names, ["shop-new", "shop-prod", "shop-staging"]);
    assert!(listed["environments"][0]["environment"].is_null());
}

#[test]
fn events_are_shown_oldest_first_and_followed() {
    let project = Project::new();
    assert_eq!(
        project.sandbox(&["deploy", "--env", "production"]).code,
        Some(0)
    );
    let run = project.sandbox(&["events", "--env", "production", "-n", "3"]);
    assert_eq!(
        (run.code, run.stdout.lines().count()),
        (Some(0), 3),
        "{}",
        run.stdout
    );
    let events = project
        .sandbox(&["events", "--env", "production", "--output", "json"])
        .json();
    assert!(
        events["events"]
            .as_array()
            .is_some_and(|events| events.len() > 3)
    );
}

#[test]
fn looking_fails_as_truly_as_deploying() {
    let project = Project::new();
    for command in ["status", "events"] {
        let run = project.sandbox(&[command, "--env", "production", "--region", "us-west-2"]);
        assert_eq!(run.code, Some(2), "{command}: {}", run.stderr);
        assert!(run.stderr.contains("hint: "), "{}", run.stderr);
        let run = project.beanship(&[command, "--env", "production", "--output", "json"]);
        assert_eq!(run.code, Some(3), "{command}: {}", run.stderr);
        assert_eq!(run.json()["error"]["kind"], "credentials");
    }
}

#[test]
fn config_shows_what_is_meant() {
    let project = Project::new().variable("BEANSHIP_REGION", "us-east-2");
    let run = project.beanship(&["config", "--env", "production"]);
    insta::assert_snapshot!(run.shown(&project), @"
    directory: DIR
    config_file: DIR/beanship.yml
    app: shop
    region: us-east-2
    profile: null
    bucket_name: null
    bucket_path: shop
    bucket_owner: null
    bucket_sse: null
    bucket_kms_key_id: null
    bundle:
      include: []
      exclude: []
      only: []
      symlinks: keep
      pin_images: built
    registry: null
    environments:
    - key: production
      name: shop-prod
      branches: []
      platform: null
      type: single
      tier: web
      protected: false
      compose: docker-compose.yml
      properties: {}
      settings: {}
      smoke: null
    ------- stderr -------
    [exit 0]
    ");
    let config = project
        .beanship(&["config", "--region", "us-west-1", "--output", "json"])
        .json();
    assert_eq!(config["region"], "us-west-1");
}

#[test]
fn another_region_in_the_environment_is_one_note() {
    let project = Project::new().variable("AWS_REGION", "us-east-1");
    let run = project.sandbox(&["list"]);
    assert_eq!(run.code, Some(0));
    assert_eq!(
        run.stderr,
        "note: the region is eu-central-1, from beanship.yml; AWS_REGION says us-east-1 and does not count\n"
    );
}

#[test]
fn completions_exist_for_every_shell() {
    let project = Project::empty();
    for shell in ["bash", "zsh", "fish", "elvish", "powershell"] {
        let run = project.beanship(&["completions", shell]);
        assert_eq!(run.code, Some(0));
        assert!(run.stdout.contains("beanship"), "{shell}");
        let json = project
            .beanship(&["completions", shell, "--output", "json"])
            .json();
        assert_eq!(json["script"], run.stdout);
    }
}

#[test]
fn a_reset_sandbox_begins_anew() {
    let project = Project::new();
    assert_eq!(
        project.sandbox(&["deploy", "--env", "production"]).code,
        Some(0)
    );
    assert_eq!(project.beanship(&["sandbox", "--reset"]).code, Some(0));
    let status = project
        .sandbox(&["status", "--env", "production", "--output", "json"])
        .json();
    assert_eq!(status["version_label"], "Sample Application");
}

#[test]
fn the_help_names_every_verb_and_exit_code() {
    let project = Project::empty();
    let run = project.beanship(&["--help"]);
    assert_eq!(run.code, Some(0));
    for word in [
        "deploy",
        "rollback",
        "promote",
        "abort",
        "versions",
        "diff",
        "open",
        "bundle",
        "status",
        "list",
        "events",
        "config",
        "sandbox",
        "completions",
        "130  interrupted",
    ] {
        assert!(run.stdout.contains(word), "{word}");
    }
}
