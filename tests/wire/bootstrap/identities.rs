//! Roles, users and keys.

use std::path::Path;

use serde_json::{Value, json};

use super::{CONFIG, bootstrap, document, iam, policy, project};
use crate::support::Project;

const INSTANCES: &str = "shop-prod-eu-central-1-ec2";
const DEPLOYER: &str = "shop-prod-eu-central-1-deployer";

/// A project file whose production is deployed by a user.
fn with_user() -> String {
    CONFIG.replace("github: acme/shop", "user: ci")
}

fn key_in(project: &Project, file: &str) -> Value {
    let text = std::fs::read_to_string(project.path().join(file)).expect("the key's file");
    serde_json::from_str(&text).expect("JSON")
}

/// The ids of the user's keys, and the one that somebody has received.
fn keys(project: &Project) -> (Vec<String>, String) {
    let books = iam(project);
    let user = &books["users"]["ci"];
    let keys = user["keys"].as_object().expect("keys");
    let active = keys.iter().filter(|(_, key)| key["active"] == true);
    let receipt = user["identity"]["tags"]["beanship:access-key"].as_str();
    let ids = active.map(|(id, _)| id.clone()).collect();
    (ids, receipt.unwrap_or_default().to_owned())
}

#[test]
fn github_deploys_from_its_branches_and_nowhere_else() {
    let project = project(CONFIG);
    assert_eq!(bootstrap(&project, &["--only", "iam"]).code, Some(0));
    let books = iam(&project);
    let trust: Value =
        serde_json::from_str(books["roles"][DEPLOYER]["trust"].as_str().expect("a trust"))
            .expect("JSON");
    assert_eq!(
        trust["Statement"][0]["Condition"],
        json!({ "StringEquals": {
            "token.actions.githubusercontent.com:aud": "sts.amazonaws.com",
            "token.actions.githubusercontent.com:sub": "repo:acme/shop:ref:refs/heads/main",
        }})
    );
    let tags = &books["roles"][DEPLOYER]["identity"]["tags"];
    assert_eq!(
        tags,
        &json!({ "beanship:app": "shop", "beanship:environment": "shop-prod", "team": "shop" })
    );
    // In a workflow of this repository its numbers are known, and stay known afterwards.
    let numbers = [
        ("GITHUB_REPOSITORY", "acme/shop"),
        ("GITHUB_REPOSITORY_OWNER_ID", "12"),
        ("GITHUB_REPOSITORY_ID", "345"),
    ];
    let project = numbers
        .iter()
        .fold(project, |it, (name, value)| it.variable(name, value));
    let run = bootstrap(&project, &["--only", "iam", "--yes"]);
    let changed = run.stderr.lines().filter(|line| line.contains(" ~ "));
    insta::assert_snapshot!(changed.collect::<Vec<_>>().join("\n"), @"  ~ IAM role  shop-prod-eu-central-1-deployer  (who may take it; no longer: arn:aws:iam::123456789012:oidc-provider/token.actions.githubusercontent.com may sts:AssumeRoleWithWebIdentity if token.actions.githubusercontent.com:aud StringEquals sts.amazonaws.com and token.actions.githubusercontent.com:sub StringEquals repo:acme/shop:ref:refs/heads/main; now: arn:aws:iam::123456789012:oidc-provider/token.actions.githubusercontent.com may sts:AssumeRoleWithWebIdentity if token.actions.githubusercontent.com:aud StringEquals sts.amazonaws.com and token.actions.githubusercontent.com:sub StringEquals repo:acme/shop:ref:refs/heads/main or repo:acme@12/shop@345:ref:refs/heads/main)");
    let project = project.variable("GITHUB_REPOSITORY", "acme/other");
    let (report, _) = document(&project, &["--only", "iam"]);
    assert_eq!(report["outcome"], "unchanged", "{report}");
}

#[test]
fn instances_may_read_what_the_properties_refer_to() {
    let project = project(CONFIG);
    assert_eq!(bootstrap(&project, &["--only", "iam"]).code, Some(0));
    let resources = &policy(&project, INSTANCES, "references")["Statement"][0]["Resource"];
    assert_eq!(
        resources,
        &json!([
            "arn:aws:secretsmanager:eu-central-1:123456789012:secret:prod/mysql-??????",
            "arn:aws:secretsmanager:eu-central-1:123456789012:secret:shop/shop-prod/*",
        ])
    );
    let own = r#"{"Version":"2012-10-17","Statement":{"Effect":"Allow","Action":"sqs:SendMessage","Resource":"arn:aws:sqs:eu-central-1:123456789012:jobs"}}"#;
    project.write("jobs.json", own);
    let compose = "services:\n  web:\n    build: .\n    image: 123456789012.dkr.ecr.eu-central-1.amazonaws.com/shop/web:1\n    ports: ['80:80']\n";
    project.write("docker-compose.yml", compose);
    project.write(
        "beanship.yml",
        &format!("{CONFIG}    instance_role: {{ policies: [jobs.json, 'arn:aws:iam::aws:policy/AmazonSSMManagedInstanceCore'] }}\n"),
    );
    let run = bootstrap(&project, &["--only", "iam"]);
    let changed = run.stderr.lines().filter(|line| line.contains(" + "));
    insta::assert_snapshot!(changed.collect::<Vec<_>>().join("\n"), @"
    + permission  shop-prod-eu-central-1-ec2  (AWS's policy AmazonSSMManagedInstanceCore)
    + permission  shop-prod-eu-central-1-ec2  (may pull images of shop/web)
    + permission  shop-prod-eu-central-1-ec2  (what jobs.json allows)
    + permission  shop-prod-eu-central-1-deployer  (may push images to shop/web)
    ");
    assert_eq!(
        policy(&project, INSTANCES, "jobs")["Statement"]["Action"],
        "sqs:SendMessage"
    );
    // What the file no longer names goes, and that is asked about.
    project.write("beanship.yml", CONFIG);
    let run = bootstrap(&project, &["--only", "iam", "--plan"]);
    let changed = run.stderr.lines().filter(|line| line.contains(" - "));
    insta::assert_snapshot!(changed.collect::<Vec<_>>().join("\n"), @"
    - permission  shop-prod-eu-central-1-ec2  (the policy jobs, which beanship.yml does not name)
    - permission  shop-prod-eu-central-1-ec2  (the policy AmazonSSMManagedInstanceCore, which beanship.yml does not name)
    ");
    assert_eq!(bootstrap(&project, &["--only", "iam"]).code, Some(2));
}

#[test]
fn a_policy_that_was_edited_by_hand_is_shown_and_put_right() {
    let project = project(CONFIG);
    assert_eq!(bootstrap(&project, &["--only", "iam"]).code, Some(0));
    let file = project.path().join(".beanship/sandbox/iam.json");
    let books = std::fs::read_to_string(&file).expect("the books");
    let edited = books.replace("iam:PassRole", "iam:*");
    std::fs::write(&file, edited).expect("the books");
    let run = bootstrap(&project, &["--only", "iam"]);
    insta::assert_snapshot!(run.shown(&project), @"
    ------- stderr -------
    Bootstrapping shop-prod of shop (account DIGEST, eu-central-1, in the sandbox)
    note: there is no secret prod/mysql yet: make it before you deploy
    Plan
      ~ permission  shop-prod-eu-central-1-ops  (no longer: may iam:* on arn:aws:iam::DIGEST:role/shop-prod-eu-central-1-ec2 if iam:PassedToService StringEquals autoscaling.amazonaws.com or cloudformation.amazonaws.com or ec2.amazonaws.com or elasticbeanstalk.amazonaws.com or elasticloadbalancing.amazonaws.com; no longer: may iam:* on arn:aws:iam::DIGEST:role/shop-prod-eu-central-1-service if iam:PassedToService StringEquals autoscaling.amazonaws.com or cloudformation.amazonaws.com or ec2.amazonaws.com or elasticbeanstalk.amazonaws.com or elasticloadbalancing.amazonaws.com; now: may iam:PassRole on arn:aws:iam::DIGEST:role/shop-prod-eu-central-1-ec2 if iam:PassedToService StringEquals autoscaling.amazonaws.com or cloudformation.amazonaws.com or ec2.amazonaws.com or elasticbeanstalk.amazonaws.com or elasticloadbalancing.amazonaws.com; now: may iam:PassRole on arn:aws:iam::DIGEST:role/shop-prod-eu-central-1-service if iam:PassedToService StringEquals autoscaling.amazonaws.com or cloudformation.amazonaws.com or ec2.amazonaws.com or elasticbeanstalk.amazonaws.com or elasticloadbalancing.amazonaws.com)
    error: not done: this changes or removes one thing in account DIGEST, and nobody can be asked: there is no terminal
    hint: agree beforehand with `--yes`, or look first with `--plan`
    [exit 2]
    ");
    project.forget_calls();
    assert_eq!(
        bootstrap(&project, &["--only", "iam", "--yes"]).code,
        Some(0)
    );
    assert_eq!(project.writes(), ["PutRolePolicy 200"]);
}

#[test]
fn a_role_of_somebody_elses_is_not_touched() {
    let project = project(CONFIG);
    assert_eq!(bootstrap(&project, &["--only", "iam"]).code, Some(0));
    let file = project.path().join(".beanship/sandbox/iam.json");
    let books = std::fs::read_to_string(&file).expect("the books");
    let edited = books.replace("\"beanship:app\": \"shop\"", "\"beanship:app\": \"other\"");
    std::fs::write(&file, edited).expect("the books");
    project.forget_calls();
    let run = bootstrap(&project, &["--yes"]);
    assert_eq!(run.code, Some(2), "{}", run.stderr);
    let errors = run.stderr.lines().filter(|line| line.starts_with("error"));
    insta::assert_snapshot!(errors.collect::<Vec<_>>().join("\n"), @"
    error: the role shop-prod-eu-central-1-ec2 is there already and was not made for shop-prod
    error: the instance profile shop-prod-eu-central-1-ec2 is there already and was not made for shop-prod
    error: the role shop-prod-eu-central-1-service is there already and was not made for shop-prod
    error: the role shop-prod-eu-central-1-ops is there already and was not made for shop-prod
    error: the role shop-prod-eu-central-1-deployer is there already and was not made for shop-prod
    ");
    assert_eq!(project.writes(), [""; 0]);
}

#[test]
fn what_iam_does_not_know_yet_is_asked_for_again() {
    let project = project(&with_user()).trouble("speed: 100\niam_settles: 0.6");
    let (report, code) = document(&project, &["--access-key-out", "key.json"]);
    assert_eq!(code, Some(0), "{report}");
    assert!(project.calls().iter().any(|call| call.ends_with(" 404")));
    let (report, _) = document(&project, &[]);
    assert_eq!(report["outcome"], "unchanged", "{report}");
}

#[test]
fn a_key_is_handed_over_once() {
    let project = project(&with_user());
    let run = bootstrap(&project, &["--only", "iam"]);
    insta::assert_snapshot!(run.shown(&project), @"
    ------- stderr -------
    Bootstrapping shop-prod of shop (account DIGEST, eu-central-1, in the sandbox)
    note: there is no secret prod/mysql yet: make it before you deploy
    error: the user ci needs an access key, and nobody said where it goes
    hint: name a file for it: `beanship --sandbox bootstrap --access-key-out deployer.json`, or `-` for stdout
    [exit 2]
    ");
    assert_eq!(project.writes(), [""; 0]);
    let run = bootstrap(&project, &["--access-key-out", "key.json"]);
    assert_eq!(run.code, Some(0), "{}", run.stderr);
    let key = key_in(&project, "key.json");
    let id = key["AccessKeyId"].as_str().expect("an id").to_owned();
    assert_eq!(keys(&project), (vec![id.clone()], id.clone()));
    let secret = key["SecretAccessKey"].as_str().expect("a secret");
    assert!(!run.stderr.contains(secret) && !run.stdout.contains(secret));
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        let file = project.path().join("key.json");
        let mode = std::fs::metadata(file)
            .expect("the file")
            .permissions()
            .mode();
        assert_eq!(mode & 0o777, 0o600);
    }
    project.forget_calls();
    assert_eq!(document(&project, &[]).0["outcome"], "unchanged");
    assert_eq!(project.writes(), [""; 0]);
    let rotated = bootstrap(
        &project,
        &[
            "--only",
            "iam",
            "--rotate-key",
            "--access-key-out",
            "-",
            "--yes",
        ],
    );
    let new: Value = serde_json::from_str(&rotated.stdout).expect("the key on stdout");
    let new = new["AccessKeyId"].as_str().expect("an id").to_owned();
    assert_ne!(new, id);
    assert_eq!(keys(&project), (vec![new.clone()], new));
}

#[test]
fn a_key_that_nobody_received_is_replaced() {
    let cut = "speed: 100\ncut: { every: 1, when: after, operations: [CreateAccessKey], times: 1 }";
    let project = project(&with_user()).trouble(cut);
    let arguments = ["--only", "iam", "--access-key-out", "key.json"];
    let run = bootstrap(&project, &arguments);
    assert_eq!(run.code, Some(3), "{}", run.stderr);
    let (lost, receipt) = keys(&project);
    assert_eq!((lost.len(), receipt.as_str()), (1, ""));
    assert!(!Path::new(&project.path().join("key.json")).exists());
    let run = bootstrap(&project, &[&arguments[..], &["--yes"]].concat());
    assert_eq!(run.code, Some(0), "{}", run.stderr);
    let (now, receipt) = keys(&project);
    assert_eq!(now, [receipt]);
    assert_ne!(now, lost);
    let nowhere = [
        "--only",
        "iam",
        "--rotate-key",
        "--access-key-out",
        "no/key.json",
        "--yes",
    ];
    project.forget_calls();
    let run = bootstrap(&project, &nowhere);
    assert_eq!(run.code, Some(2), "{}", run.stderr);
    assert!(!project.calls().contains(&"CreateAccessKey 200".into()));
}

#[test]
fn a_secret_that_is_stored_can_be_read_by_the_instances() {
    let project = project(&CONFIG.replace("properties:", "# "));
    assert_eq!(bootstrap(&project, &[]).code, Some(0));
    let set = [
        "--sandbox-empty",
        "properties",
        "set",
        "API_KEY",
        "-",
        "--secret",
        "--env",
        "production",
        "--yes",
    ];
    let run = project.with_stdin(&set, "hunter2hunter2\n");
    assert_eq!(run.code, Some(0), "{}", run.stderr);
    assert_eq!(document(&project, &[]).0["outcome"], "unchanged");
    // A role that may not read it: the deployment fails, as it would at AWS.
    let file = project.path().join(".beanship/sandbox/iam.json");
    let books = std::fs::read_to_string(&file).expect("the books");
    std::fs::write(
        &file,
        books.replace("secret:shop/shop-prod/*", "secret:other/*"),
    )
    .expect("the books");
    let run = project.with_stdin(&set, "hunter3hunter3\n");
    assert_eq!(run.code, Some(1), "{}", run.stderr);
}
