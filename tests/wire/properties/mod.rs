//! Environment properties and option settings: with a deploy, and by their own commands.

mod canary;
mod checks;
mod commands;
mod endings;

use serde_json::{Value, json};

use crate::support::{COMPOSE, Project};

/// A project whose file names every kind of source.
const CONFIG: &str = r#"
app: shop
region: eu-central-1
properties:
  LOG_LEVEL: info
environments:
  production:
    name: shop-prod
    properties:
      API_KEY: { from_env: API_KEY }
      PORT: 8080
      DB_PASS: { secret: "prod/db#password" }
      FEATURE: { parameter: /demo/feature }
    settings:
      aws:elasticbeanstalk:command: { Timeout: 300 }
"#;

const CANARY: &str = "c4nary-from-the-environment";
const SECRET: &str = "arn:aws:secretsmanager:eu-central-1:123456789012:secret:prod/db-AbCdEf";

fn project() -> Project {
    project_of(CONFIG)
}

fn project_of(config: &str) -> Project {
    let project = Project::empty()
        .file("beanship.yml", config)
        .file("docker-compose.yml", COMPOSE)
        .trouble("speed: 100")
        .variable("API_KEY", CANARY);
    store(
        &project,
        r#"{"password": "c4nary-in-the-secret", "user": "shop"}"#,
    );
    project
}

/// Puts a secret and a parameter into the sandbox.
fn store(project: &Project, secret: &str) {
    let at = "2026-11-21T10:00:00Z";
    let secrets = json!({ "eu-central-1": { "prod/db": {
        "arn": SECRET, "description": null, "created": at, "changed": at, "deleted": null, "tags": {},
        "current": ["v1", secret],
    } } });
    let parameters = json!({ "eu-central-1": { "/demo/feature": {
        "arn": "arn:aws:ssm:eu-central-1:123456789012:parameter/demo/feature",
        "kind": "SecureString", "value": "c4nary-in-the-parameter", "version": 1, "changed": at,
    } } });
    for (name, document) in [("secretsmanager", secrets), ("ssm", parameters)] {
        project.write(
            &format!(".beanship/sandbox/{name}.json"),
            &document.to_string(),
        );
    }
}

/// An option of production, as the sandbox keeps it.
fn option(project: &Project, namespace: &str, name: &str) -> Value {
    let path = project
        .path()
        .join(".beanship/sandbox/elasticbeanstalk.json");
    let text = std::fs::read_to_string(path).expect("the books");
    let books: Value = serde_json::from_str(&text).expect("JSON");
    let environments = books["eu-central-1"]["environments"].as_array();
    let environment = environments
        .into_iter()
        .flatten()
        .find(|environment| environment["name"] == "shop-prod");
    environment.expect("production")["settings"][namespace][name].clone()
}

fn property(project: &Project, name: &str) -> Value {
    option(
        project,
        "aws:elasticbeanstalk:application:environment",
        name,
    )
}

fn reference(project: &Project, name: &str) -> Value {
    option(
        project,
        "aws:elasticbeanstalk:application:environmentsecrets",
        name,
    )
}

/// The lines of the plan.
fn plan(document: &Value) -> Vec<String> {
    let changes = document["plan"].as_array().into_iter().flatten();
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    changes
        .map(|change| {
            let parts = ["verb", "kind", "name", "detail"].map(|key| text(&change[key]));
            parts.join(" ").trim_end().to_owned()
        })
        .collect()
}

#[test]
fn a_deploy_brings_version_properties_and_settings_in_one_update() {
    let project = project();
    let run = project.sandbox(&["deploy", "--env", "production"]);
    assert_eq!(run.code, Some(0), "{}", run.stderr);
    let told: Vec<_> = run
        .stderr
        .lines()
        .take_while(|line| !line.starts_with("Uploaded"))
        .collect();
    insta::assert_snapshot!(told.join("\n"), @"
    Deploying shop to shop-prod (eu-central-1, in the sandbox)
    note: API_KEY will stand in clear in Elastic Beanstalk's settings; for a secret use `beanship --sandbox properties set API_KEY - --secret`
    Plan
      + source bundle                       s3://elasticbeanstalk-eu-central-1-123456789012/shop/2f97adfce836.zip  (205 B)
      + application version                 2f97adfce836
      ~ environment                         shop-prod  (Sample Application -> 2f97adfce836, within 20 m)
      + environment property                API_KEY  (variable API_KEY)
      + environment property from a secret  DB_PASS  (secret prod/db, key password)
      + environment property from a secret  FEATURE  (parameter /demo/feature)
      + environment property                LOG_LEVEL
      + environment property                PORT
      ~ option setting                      aws:elasticbeanstalk:command Timeout  (600 -> 300)
    ");
    let updates = project
        .calls()
        .iter()
        .filter(|call| call.starts_with("Update"))
        .count();
    assert_eq!(updates, 1, "{:?}", project.calls());
    assert_eq!(property(&project, "API_KEY"), CANARY);
    assert_eq!(property(&project, "LOG_LEVEL"), "info");
    assert_eq!(property(&project, "PORT"), "8080");
    assert_eq!(reference(&project, "DB_PASS"), format!("{SECRET}:password"));
    assert_eq!(
        reference(&project, "FEATURE"),
        "arn:aws:ssm:eu-central-1:123456789012:parameter/demo/feature"
    );
    assert_eq!(
        option(&project, "aws:elasticbeanstalk:command", "Timeout"),
        "300"
    );
    assert!(
        !project
            .calls()
            .iter()
            .any(|call| call.starts_with("GetSecretValue"))
    );
    let (again, code) = project.deploy(&["--env", "production"]);
    assert_eq!(
        (again["outcome"].as_str(), code),
        (Some("unchanged"), Some(0)),
        "{again}"
    );
}

#[test]
fn only_changed_properties_are_a_configuration_update() {
    let project = project();
    let (first, _) = project.deploy(&["--env", "production"]);
    project.write(
        "beanship.yml",
        &CONFIG
            .replace("info", "debug")
            .replace("      PORT: 8080\n", ""),
    );
    project.forget_calls();
    let (report, code) = project.deploy(&["--env", "production"]);
    assert_eq!(
        (report["outcome"].as_str(), code),
        (Some("succeeded"), Some(0)),
        "{report}"
    );
    assert_eq!(
        plan(&report),
        ["update environment property LOG_LEVEL changed"]
    );
    assert_eq!(report["version_label"], first["version_label"]);
    assert_eq!(project.writes(), ["UpdateEnvironment 200"]);
    assert_eq!(
        (property(&project, "LOG_LEVEL"), property(&project, "PORT")),
        ("debug".into(), "8080".into())
    );
    let plan_only = project.sandbox(&["deploy", "--env", "production", "--plan"]);
    assert!(
        plan_only
            .stderr
            .contains("kept, though not in beanship.yml: PORT"),
        "{}",
        plan_only.stderr
    );
    let (pruned, _) = project.deploy(&["--env", "production", "--prune-properties"]);
    assert_eq!(plan(&pruned), ["delete environment property PORT"]);
    assert_eq!(property(&project, "PORT"), Value::Null);
}

#[test]
fn a_secret_that_no_instance_may_read_fails_the_deploy_in_the_services_words() {
    let project = project().trouble("speed: 100\nunreadable: ['prod/*']");
    let run = project.sandbox(&["deploy", "--env", "production"]);
    assert_eq!(run.code, Some(1), "{}", run.stderr);
    assert!(
        run.stderr
            .contains("Instance deployment failed to get one or more secrets"),
        "{}",
        run.stderr
    );
    let warned: Vec<_> = run
        .stderr
        .lines()
        .filter(|line| line.starts_with("warning"))
        .collect();
    insta::assert_snapshot!(warned.join("\n"), @"warning: the role aws-elasticbeanstalk-ec2-role of the instances is not allowed to read arn:aws:secretsmanager:eu-central-1:123456789012:secret:prod/db-AbCdEf: the deployment fails unless the policy of the secret itself allows it");
    assert_eq!(property(&project, "LOG_LEVEL"), Value::Null, "reverted");
}

#[test]
fn a_configuration_that_was_silently_taken_back_is_no_success() {
    let project = project();
    let _ = project.deploy(&["--env", "production"]);
    let project = project.trouble("speed: 100\ndeploy: rollback");
    project.write("beanship.yml", &CONFIG.replace("info", "debug"));
    let (report, code) = project.deploy(&["--env", "production", "--timeout", "4s"]);
    assert_eq!(
        (report["outcome"].as_str(), code),
        (Some("rolled_back"), Some(1)),
        "{report}"
    );
    assert_eq!(property(&project, "LOG_LEVEL"), "info");
}

#[test]
fn a_lost_answer_does_not_set_properties_twice() {
    let project = project();
    let _ = project.deploy(&["--env", "production"]);
    let project = project.trouble(
        "speed: 100\ncut: { every: 1, times: 1, when: after, operations: [UpdateEnvironment] }",
    );
    project.write("beanship.yml", &CONFIG.replace("info", "debug"));
    project.forget_calls();
    let (report, code) = project.deploy(&["--env", "production"]);
    assert_eq!(
        (report["outcome"].as_str(), code),
        (Some("succeeded"), Some(0)),
        "{report}"
    );
    assert_eq!(property(&project, "LOG_LEVEL"), "debug");
}

#[test]
fn a_file_of_properties_is_read_and_stays_out_of_the_bundle() {
    let config = "app: shop\nregion: eu-central-1\nproperties:\n  '*': { dotenv: prod.env }\n  B: from the file\nenvironments:\n  production: { name: shop-prod }\n";
    let project = Project::new()
        .file("beanship.yml", config)
        .file("prod.env", "A=c4nary\nB=c4nary\n");
    let bundled = project.beanship(&["bundle", "--list"]);
    insta::assert_snapshot!(bundled.stdout, @"
    GOES IN             SIZE
    docker-compose.yml  79 B

    STAYS OUT     WHY
    .beanship     never goes into a bundle
    beanship.yml  it is the tool's own file
    prod.env      it is the tool's own file

    1 file, 79 B before compression
    ");
    let (report, code) = project.deploy(&["--env", "production"]);
    assert_eq!(code, Some(0), "{report}");
    let values = ["A", "B"].map(|name| property(&project, name));
    assert_eq!(values, ["c4nary", "from the file"]);
}

#[test]
fn an_environment_is_adopted_in_one_step() {
    let project = project();
    let _ = project.deploy(&["--env", "production"]);
    let run = project.sandbox(&["config", "--env", "production", "--from-aws"]);
    insta::assert_snapshot!(run.shown(&project), @r#"
    app: shop
    region: eu-central-1
    environments:
      production:
        name: shop-prod
        platform: Docker running on 64bit Amazon Linux 2023
        type: single
        tier: web
        properties:
          DB_PASS:
            secret: arn:aws:secretsmanager:eu-central-1:DIGEST:secret:prod/db-AbCdEf
            key: password
          FEATURE:
            parameter: arn:aws:ssm:eu-central-1:DIGEST:parameter/demo/feature
        settings:
          "aws:autoscaling:launchconfiguration":
            IamInstanceProfile: aws-elasticbeanstalk-ec2-role
          "aws:elasticbeanstalk:command":
            Timeout: "300"
          "aws:elasticbeanstalk:environment":
            ServiceRole: aws-elasticbeanstalk-service-role
          "aws:elasticbeanstalk:healthreporting:system":
            SystemType: enhanced
        # Set at Elastic Beanstalk, and kept. To have them here, name value or source under `properties`:
        #   API_KEY: { from_env: API_KEY }
        #   LOG_LEVEL: { from_env: LOG_LEVEL }
        #   PORT: { from_env: PORT }
    ------- stderr -------
    note: the values of properties are not shown: a deploy keeps them as they are until the file names them
    [exit 0]
    "#);
    project.write("beanship.yml", &run.stdout);
    let (report, code) = project.deploy(&["--env", "production", "--plan"]);
    assert_eq!(
        (report["outcome"].as_str(), code),
        (Some("unchanged"), Some(0)),
        "{report}"
    );
}
