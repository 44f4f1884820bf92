//! Policies of a user that deploys: managed ones, because inline they would be too long for IAM.

use serde_json::Value;

use super::{CONFIG, bootstrap, document, iam, project};
use crate::support::Project;

const ONLY: [&str; 3] = ["--only", "iam", "--yes"];

/// A project whose production is deployed by a user who has got a key.
fn with_user() -> Project {
    let config = CONFIG.replace("github: acme/shop", "user: ci");
    let project = project(&config.replace("properties:", "# "));
    let made = bootstrap(
        &project,
        &[&ONLY[..], &["--access-key-out", "key.json"]].concat(),
    );
    assert_eq!(made.code, Some(0), "{}", made.stderr);
    project
}

fn policy(project: &Project) -> Value {
    iam(project)["policies"]["ci-deploy"].clone()
}

fn outcome(project: &Project) -> String {
    let (report, code) = document(project, &ONLY);
    assert_eq!(code, Some(0), "{report}");
    report["outcome"].as_str().unwrap_or_default().to_owned()
}

#[test]
fn a_users_policy_grows_and_goes_with_the_user() {
    let project = with_user();
    let user = iam(&project)["users"]["ci"]["identity"].clone();
    assert_eq!(user["inline"], serde_json::json!({}));
    assert_eq!(
        user["attached"],
        serde_json::json!(["arn:aws:iam::123456789012:policy/ci-deploy"])
    );
    assert_eq!(
        policy(&project)["tags"]["beanship:environment"],
        "shop-prod"
    );
    assert_eq!(outcome(&project), "unchanged");
    let text = std::fs::read_to_string(project.path().join("beanship.yml")).expect("the file");
    // More versions than IAM keeps.
    for number in 0..6 {
        let secret = format!("properties: {{ A: {{ secret: other-{number} }} }}\n");
        project.write("beanship.yml", &format!("{secret}{text}"));
        assert_eq!(outcome(&project), "succeeded");
    }
    let policy = policy(&project);
    let versions = policy["versions"].as_object().expect("versions");
    assert_eq!((versions.len(), policy["default"].as_u64()), (5, Some(7)));
    assert!(
        versions["7"][0]
            .to_string()
            .contains("secret:other-5-??????")
    );
    assert_eq!(outcome(&project), "unchanged");
    let (report, code) = document(&project, &["--destroy", "--yes"]);
    assert_eq!(code, Some(0), "{report}");
    assert_eq!(iam(&project)["policies"], serde_json::json!({}));
}

#[test]
fn a_policy_that_was_made_and_not_attached_is_attached_by_the_next_run() {
    let project = with_user();
    let path = project.path().join(".beanship/sandbox/iam.json");
    let mut books = iam(&project);
    books["users"]["ci"]["identity"]["attached"] = serde_json::json!([]);
    std::fs::write(&path, books.to_string()).expect("the books");
    assert_eq!(outcome(&project), "succeeded");
    assert_eq!(policy(&project)["default"], 1);
    assert_eq!(outcome(&project), "unchanged");
}

#[test]
fn a_policy_of_somebody_else_is_not_touched() {
    let project = with_user();
    let path = project.path().join(".beanship/sandbox/iam.json");
    let mut books = iam(&project);
    books["policies"]["ci-deploy"]["tags"] = serde_json::json!({});
    std::fs::write(&path, books.to_string()).expect("the books");
    let run = bootstrap(&project, &ONLY);
    let errors = run
        .stderr
        .lines()
        .filter(|it| it.contains("policy/ci-deploy"));
    insta::assert_snapshot!(errors.collect::<Vec<_>>().join("\n"), @"
    error: the policy arn:aws:iam::123456789012:policy/ci-deploy is there already and is not the user's
    hint: delete it with `aws iam delete-policy --policy-arn arn:aws:iam::123456789012:policy/ci-deploy`, and run `beanship --sandbox bootstrap` again
    ");
    assert_eq!(run.code, Some(2), "{}", run.stderr);
}
