//! The commands of environment properties.

use serde_json::Value;

use super::{CONFIG, project, project_of, property, reference, store};
use crate::support::Project;

#[test]
fn properties_are_set_and_taken_away_and_followed_to_the_end() {
    let project = Project::new();
    let set = project.sandbox(&[
        "properties",
        "set",
        "--env",
        "production",
        "A=1",
        "B=two words",
    ]);
    insta::assert_snapshot!(set.shown(&project), @"
    succeeded: shop-prod has its new settings, health is Green (Ok), after N s
    http://shop-prod.eba-ID.eu-central-1.elasticbeanstalk.com
    ------- stderr -------
    Changing the properties of shop-prod (eu-central-1, in the sandbox)
    Plan
      + environment property  A
      + environment property  B
    Started the update of shop-prod (N s)
    TIME  INFO   Environment update is starting.
    TIME  INFO   Environment health has transitioned from Ok to Info. Application update in progress on 1 instance. 0 out of 1 instance completed (running for N seconds).
    TIME  INFO   Updating environment shop-prod's configuration settings.
    TIME  INFO   Instance deployment completed successfully.
    TIME  INFO   Successfully deployed new configuration to environment.
    TIME  INFO   Environment update completed successfully.
    TIME  INFO   Environment health has transitioned from Info to Ok.
    [exit 0]
    ");
    assert_eq!(
        (property(&project, "A"), property(&project, "B")),
        ("1".into(), "two words".into())
    );
    let again = project.sandbox(&["props", "set", "--env", "production", "A=1"]);
    let first = again.stdout.lines().next();
    assert_eq!(
        first,
        Some("unchanged: nothing to do: shop-prod has it so already")
    );
    let change = project.sandbox(&["props", "set", "--env", "production", "A=2"]);
    assert_eq!(
        change.code,
        Some(2),
        "a change is asked about: {}",
        change.stderr
    );
    let unset = project.sandbox(&["props", "unset", "--env", "production", "--yes", "A", "C"]);
    assert_eq!(
        (unset.code, property(&project, "A")),
        (Some(0), Value::Null),
        "{}",
        unset.stderr
    );
    assert!(
        unset.stderr.contains("note: C is not set"),
        "{}",
        unset.stderr
    );
}

#[test]
fn a_list_shows_fingerprints_and_no_values() {
    let project = Project::new();
    let _ = project.sandbox(&["properties", "set", "--env", "production", "B=two words"]);
    let arguments = ["properties", "list", "--env", "production"];
    let list = project.sandbox(&[&arguments[..], &["--output", "json"]].concat());
    let rows = &list.json()["properties"];
    assert_eq!(
        (&rows[0]["name"], rows.as_array().map(Vec::len)),
        (&"B".into(), Some(1))
    );
    assert_eq!(rows[0]["fingerprint"].as_str().map(str::len), Some(8));
    assert!(!list.stdout.contains("two words"));
    let reveal = project.sandbox(&[&arguments[..], &["--reveal"]].concat());
    assert_eq!(reveal.code, Some(2), "{}", reveal.stdout);
}

#[test]
fn a_file_is_imported_and_exported() {
    let project = Project::new().file("prod.env", "A=1\n# comment\nB=\"x y\"\n");
    let import = project.sandbox(&["properties", "import", "prod.env", "--env", "production"]);
    assert_eq!(import.code, Some(0), "{}", import.stderr);
    let export = project.sandbox(&[
        "properties",
        "export",
        "-o",
        "out.env",
        "--env",
        "production",
    ]);
    insta::assert_snapshot!(export.stdout, @"out.env: 2 properties of shop-prod");
    let written = std::fs::read_to_string(project.path().join("out.env")).expect("the file");
    assert_eq!(written, "A=1\nB=\"x y\"\n");
    let again = project.sandbox(&[
        "properties",
        "export",
        "-o",
        "out.env",
        "--env",
        "production",
    ]);
    assert_eq!(again.code, Some(2), "{}", again.stderr);
}

#[test]
fn a_secret_from_stdin_is_stored_and_referred_to() {
    let project = Project::new();
    let arguments = [
        "--sandbox",
        "props",
        "set",
        "TOKEN",
        "-",
        "--secret",
        "--env",
        "production",
        "--yes",
    ];
    let first = project.with_stdin(&arguments, "c4nary-one\n");
    insta::assert_snapshot!(first.shown(&project), @"
    succeeded: shop-prod has its new settings, health is Green (Ok), after N s
    http://shop-prod.eba-ID.eu-central-1.elasticbeanstalk.com
    ------- stderr -------
    Changing the properties of shop-prod (eu-central-1, in the sandbox)
    Plan
      + secret                              shop/shop-prod/TOKEN
      + environment property from a secret  TOKEN  (secret shop/shop-prod/TOKEN)
    Stored the secret shop/shop-prod/TOKEN (N s)
    Started the update of shop-prod (N s)
    TIME  INFO   Environment update is starting.
    TIME  INFO   Environment health has transitioned from Ok to Info. Application update in progress on 1 instance. 0 out of 1 instance completed (running for N seconds).
    TIME  INFO   Updating environment shop-prod's configuration settings.
    TIME  INFO   Instance deployment completed successfully.
    TIME  INFO   Successfully deployed new configuration to environment.
    TIME  INFO   Environment update completed successfully.
    TIME  INFO   Environment health has transitioned from Info to Ok.
    [exit 0]
    ");
    assert!(
        reference(&project, "TOKEN")
            .as_str()
            .is_some_and(|arn| arn.contains(":secret:shop/shop-prod/TOKEN-"))
    );
    project.forget_calls();
    let second = project.with_stdin(&arguments, "c4nary-two");
    assert_eq!(second.code, Some(0), "{}", second.stderr);
    assert_eq!(
        project.writes(),
        ["PutSecretValue 200", "RestartAppServer 200"]
    );
    let secrets = project.path().join(".beanship/sandbox/secretsmanager.json");
    let secrets = std::fs::read_to_string(secrets).expect("the secrets");
    assert!(secrets.contains("\"c4nary-two\""), "{secrets}");
}

#[test]
fn refreshing_restarts_only_where_there_are_secrets() {
    let plain = Project::new();
    let none = plain.sandbox(&["properties", "refresh", "--env", "production", "--yes"]);
    assert_eq!(
        (none.code, plain.writes()),
        (Some(0), vec![]),
        "{}",
        none.stderr
    );
    let project = project();
    let _ = project.deploy(&["--env", "production"]);
    project.forget_calls();
    let run = project.sandbox(&["properties", "refresh", "--env", "production", "--yes"]);
    assert_eq!(
        (run.code, project.writes()),
        (Some(0), vec!["RestartAppServer 200".to_owned()]),
        "{}",
        run.stderr
    );
    let project = project.trouble("speed: 100\nunreadable: ['*']");
    let failed = project.sandbox(&["properties", "refresh", "--env", "production", "--yes"]);
    assert_eq!(failed.code, Some(1), "{}", failed.stderr);
}

#[test]
fn refreshing_reads_copies_again_and_brings_what_has_changed() {
    let copied = r#"DB_PASS: { secret: "prod/db#password", copy: true }"#;
    let project = project_of(&CONFIG.replace(r#"DB_PASS: { secret: "prod/db#password" }"#, copied));
    let (report, code) = project.deploy(&["--env", "production"]);
    assert_eq!(code, Some(0), "{report}");
    assert_eq!(property(&project, "DB_PASS"), "c4nary-in-the-secret");
    let refresh = ["properties", "refresh", "--env", "production", "--yes"];
    project.forget_calls();
    let run = project.sandbox(&refresh);
    assert_eq!(
        (run.code, project.writes()),
        (Some(0), vec!["RestartAppServer 200".to_owned()]),
        "a parameter is referred to: {}",
        run.stderr
    );
    store(&project, r#"{"password": "c4nary-anew", "user": "shop"}"#);
    project.forget_calls();
    let run = project.sandbox(&refresh);
    assert_eq!(
        (run.code, project.writes()),
        (Some(0), vec!["UpdateEnvironment 200".to_owned()]),
        "{}",
        run.stderr
    );
    assert_eq!(property(&project, "DB_PASS"), "c4nary-anew");
    assert!(!run.stderr.contains("c4nary"), "{}", run.stderr);
}
