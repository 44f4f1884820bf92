//! What is found out about properties before anything is written.

use super::{CANARY, CONFIG, project, project_of, property};
use crate::support::{COMPOSE, Project};

#[test]
fn what_is_missing_is_named_and_nothing_is_written() {
    let project = Project::new().file(
        "beanship.yml",
        &CONFIG.replace("{ from_env: API_KEY }", "{ from_env: NOT_SET }"),
    );
    let local = project.sandbox(&["deploy", "--env", "production"]);
    insta::assert_snapshot!(local.shown(&project), @"
    ------- stderr -------
    error: the property API_KEY has no value: the variable NOT_SET is not set
    hint: set it in the CI job, or here with `export NOT_SET=...`
    [exit 2]
    ");
    let project = Project::new()
        .file("beanship.yml", CONFIG)
        .variable("API_KEY", CANARY);
    let remote = project.sandbox(&["deploy", "--env", "production"]);
    insta::assert_snapshot!(remote.shown(&project), @"
    ------- stderr -------
    Deploying shop to shop-prod (eu-central-1, in the sandbox)
    error: the property DB_PASS has no value: there is no secret prod/db in eu-central-1
    hint: list the secrets with `aws secretsmanager list-secrets`
    error: the property FEATURE has no value: there is no parameter /demo/feature in eu-central-1
    hint: list the parameters with `aws ssm describe-parameters`
    [exit 2]
    ");
    assert_eq!(project.writes(), Vec::<String>::new());
}

#[test]
fn too_many_bytes_are_refused_with_their_sizes() {
    let large = "x".repeat(3000);
    let config = format!(
        "app: shop\nregion: eu-central-1\nproperties:\n  CERTIFICATE: {large}\n  KEY: {}\nenvironments:\n  production: {{ name: shop-prod }}\n",
        &large[..1200]
    );
    let project = Project::new().file("beanship.yml", &config);
    let run = project.sandbox(&["deploy", "--env", "production"]);
    assert_eq!((run.code, project.writes()), (Some(2), vec![]));
    insta::assert_snapshot!(run.stderr, @"
    Deploying shop to shop-prod (eu-central-1, in the sandbox)
    error: the environment properties are too large: 4216 B together, 4096 B are allowed
      CERTIFICATE   3012 B
      KEY           1204 B
    hint: move the largest to a secret, which does not count: `beanship --sandbox properties set CERTIFICATE - --secret`
    ");
}

#[test]
fn settings_are_validated_before_anything_is_written() {
    let project = project_of(&CONFIG.replace("Timeout: 300", "Timeout: 99999, Tiemout: 1"));
    let run = project.sandbox(&["deploy", "--env", "production"]);
    assert_eq!(
        (run.code, project.writes()),
        (Some(2), vec![]),
        "{}",
        run.stderr
    );
    let told: Vec<_> = run
        .stderr
        .lines()
        .filter(|line| line.starts_with("error"))
        .collect();
    insta::assert_snapshot!(told.join("\n"), @"
    error: aws:elasticbeanstalk:command Tiemout cannot be set: Invalid option specification (Namespace: 'aws:elasticbeanstalk:command', OptionName: 'Tiemout'): Unknown configuration setting.
    error: aws:elasticbeanstalk:command Timeout cannot be set: Invalid option value: '99999' (Namespace: 'aws:elasticbeanstalk:command', OptionName: 'Timeout'): Value must be a number between 1 and 3600.
    ");
}

#[test]
fn a_caller_without_rights_to_look_gets_information_not_a_refusal() {
    let project = project().trouble("speed: 100\ndeny: ['iam:*', 'ssm:DescribeParameters']");
    let run = project.sandbox(&["deploy", "--env", "production"]);
    assert_eq!(run.code, Some(0), "{}", run.stderr);
    let told: Vec<_> = run
        .stderr
        .lines()
        .filter(|line| line.contains("cannot be"))
        .collect();
    insta::assert_snapshot!(told.join("\n"), @"
    note: parameter /demo/feature for FEATURE cannot be checked: the caller may not call ssm:DescribeParameters
    note: whether the instances may read the secrets cannot be checked: the caller may not call iam:GetInstanceProfile
    ");
}

#[test]
fn what_the_compose_file_needs_and_nobody_sets_is_a_warning() {
    let project = Project::new().file("docker-compose.yml", &COMPOSE.replace("1.27", "${TAG}"));
    let run = project.sandbox(&["deploy", "--env", "production", "--plan"]);
    let told: Vec<_> = run
        .stderr
        .lines()
        .filter(|line| line.contains("TAG"))
        .collect();
    insta::assert_snapshot!(told.join("\n"), @"warning: the compose file uses ${TAG}, and nobody sets it: add it under `properties`");
}

#[test]
fn a_platform_without_references_gets_the_value() {
    let config = CONFIG.replace(
        "    name: shop-prod\n",
        "    name: shop-prod\n    platform: 64bit Amazon Linux 2023 v4.1.0 running Docker\n",
    );
    let project = project_of(&config);
    let run = project.sandbox(&["deploy", "--env", "production"]);
    assert_eq!(run.code, Some(0), "{}", run.stderr);
    assert_eq!(property(&project, "DB_PASS"), "c4nary-in-the-secret");
    assert_eq!(property(&project, "FEATURE"), "c4nary-in-the-parameter");
    let told: Vec<_> = run
        .stderr
        .lines()
        .filter(|line| line.contains("too old"))
        .collect();
    insta::assert_snapshot!(told.join("\n"), @"
    + environment property  DB_PASS  (value of the secret prod/db, key password: the platform is too old for a reference)
    + environment property  FEATURE  (value of the parameter /demo/feature: the platform is too old for a reference)
    ");
}

#[test]
fn only_reading_a_secret_tells_whether_a_key_is_there() {
    let project = project_of(&CONFIG.replace("prod/db#password", "prod/db#pasword"));
    let plan = ["deploy", "--env", "production", "--plan"];
    let unread = project.sandbox(&plan);
    assert_eq!(unread.code, Some(0), "{}", unread.stderr);
    let is_read = |call: &&String| call.starts_with("GetSecretValue");
    let reads = || project.calls().iter().filter(is_read).count();
    assert_eq!(reads(), 0);
    let read = project.sandbox(&[&plan[..], &["--read-secrets"]].concat());
    insta::assert_snapshot!(read.shown(&project), @"
    ------- stderr -------
    Deploying shop to shop-prod (eu-central-1, in the sandbox)
    error: the property DB_PASS has no value: the secret prod/db has no key pasword
    hint: look at its keys with `aws secretsmanager get-secret-value --secret-id prod/db --query SecretString --output text | jq keys`
    [exit 2]
    ");
    assert_eq!(reads(), 1);
}
