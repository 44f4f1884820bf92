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

/// A policy that allows too much.
const WIDE: &str =
    r#"{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"*","Resource":"*"}]}"#;

/// Changes what the sandbox has written down about IAM.
fn rewrite(project: &Project, change: impl Fn(&mut Value)) {
    let path = project.path().join(".beanship/sandbox/iam.json");
    let mut books = iam(project);
    change(&mut books);
    std::fs::write(path, books.to_string()).expect("the books");
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
    rewrite(&project, |books| {
        books["users"]["ci"]["identity"]["attached"] = serde_json::json!([]);
    });
    assert_eq!(outcome(&project), "succeeded");
    assert_eq!(policy(&project)["default"], 1);
    assert_eq!(outcome(&project), "unchanged");
}

#[test]
fn a_policy_of_somebody_else_is_not_touched() {
    let project = with_user();
    rewrite(&project, |books| {
        books["policies"]["ci-deploy"]["tags"] = serde_json::json!({});
    });
    project.forget_calls();
    let run = bootstrap(&project, &ONLY);
    let errors = run.stderr.lines().filter(|it| it.contains(": "));
    insta::assert_snapshot!(errors.collect::<Vec<_>>().join("\n"), @"
    error: the policy ci-deploy is there already and was not made for shop-prod
    hint: if it may be used, give it the tags beanship:app=shop and beanship:environment=shop-prod; else delete it, and run `beanship --sandbox bootstrap` again
    ");
    assert_eq!(run.code, Some(2), "{}", run.stderr);
    assert_eq!(project.writes(), [""; 0]);
    // As one that was inline under the same name, it goes without the other.
    rewrite(&project, |books| {
        let identity = &mut books["users"]["ci"]["identity"];
        identity["attached"] = serde_json::json!([]);
        identity["inline"]["deploy"] = WIDE.into();
    });
    let (report, code) = document(&project, &["--destroy", "--yes"]);
    assert_eq!(code, Some(0), "{report}");
    assert_eq!(policy(&project)["default"], 1);
    assert_eq!(iam(&project)["users"], serde_json::json!({}));
}

#[test]
fn a_policy_of_somebody_else_is_found_before_the_user_is_made() {
    let project = with_user();
    rewrite(&project, |books| {
        books["policies"]["ci-deploy"]["tags"] = serde_json::json!({});
        books["users"] = serde_json::json!({});
    });
    project.forget_calls();
    let run = bootstrap(
        &project,
        &[&ONLY[..], &["--access-key-out", "other.json"]].concat(),
    );
    assert!(run.stderr.contains("the policy ci-deploy is there already"));
    assert_eq!(run.code, Some(2), "{}", run.stderr);
    assert_eq!(project.writes(), [""; 0]);
}

#[test]
fn an_inline_policy_of_the_same_name_goes() {
    let project = with_user();
    rewrite(&project, |books| {
        books["users"]["ci"]["identity"]["inline"]["deploy"] = WIDE.into();
    });
    let run = bootstrap(&project, &ONLY);
    assert_eq!(run.code, Some(0), "{}", run.stderr);
    let lines = run.stderr.lines().filter(|it| it.starts_with("  ~"));
    insta::assert_snapshot!(lines.collect::<Vec<_>>().join("\n"), @"  ~ permission  ci  (deploy becomes a policy beside the user)");
    let user = iam(&project)["users"]["ci"]["identity"].clone();
    assert_eq!(user["inline"], serde_json::json!({}));
    assert_eq!(policy(&project)["default"], 1);
    assert_eq!(outcome(&project), "unchanged");
}
