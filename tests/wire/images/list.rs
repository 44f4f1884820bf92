//! `beanship images list`.

use super::project;
use super::registry::{Door, IDENTITY, Registry};
use crate::support::Project;

const COMPOSE: &str = "services:\n  web: { image: 'REGISTRY/shop/web:1', ports: ['80:80'] }\n  job: { image: 'REGISTRY/shop/job', build: . }\n  db: { image: 'REGISTRY/db:8' }\n";
const BOTH: [&str; 2] = ["linux/amd64", "linux/arm64"];

#[test]
fn every_image_is_listed_with_the_digest_of_its_index() {
    for door in [Door::Open, Door::Password, Door::Token] {
        let registry = Registry::start(door);
        let web = registry.push("shop/web", "1", &BOTH, "");
        let db = registry.push("db", "8", &["linux/amd64"], "");
        let project = project(&registry, COMPOSE, "").file("Dockerfile", "FROM scratch\n");
        let run = project.beanship(&["images", "list", "--output", "json"]);
        assert_eq!(run.code, Some(0), "{}", run.stderr);
        assert!(!format!("{}{}", run.stdout, run.stderr).contains("c4nary"));
        let rows = &run.json()["images"];
        assert_eq!(rows[0]["digest"], *web);
        assert_eq!(rows[0]["platforms"], serde_json::json!(BOTH));
        assert_eq!(rows[1]["digest"], serde_json::Value::Null);
        assert_eq!(rows[1]["build"], true);
        assert_eq!(rows[2]["digest"], *db);
        assert_eq!(rows[2]["platforms"], serde_json::json!(["linux/amd64"]));
    }
}

#[test]
fn people_read_a_table() {
    let registry = Registry::start(Door::Open);
    registry.push("shop/web", "1", &BOTH, "");
    registry.push("db", "8", &["linux/arm64"], "");
    let project = project(&registry, COMPOSE, "");
    let run = project.beanship(&["images", "list"]);
    let text = run.stdout.replace(&registry.name, "REGISTRY");
    let hex = regex::Regex::new("[0-9a-f]{64}").expect("a pattern");
    let text = hex.replace_all(&text, "DIGEST");
    let words = text
        .lines()
        .map(|line| line.split_whitespace().collect::<Vec<_>>().join(" "));
    insta::assert_snapshot!(words.collect::<Vec<_>>().join("\n"), @"
    SERVICE IMAGE DIGEST PLATFORMS
    web REGISTRY/shop/web:1 sha256:DIGEST linux/amd64, linux/arm64
    job REGISTRY/shop/job not pushed
    db REGISTRY/db:8 sha256:DIGEST linux/arm64
    ");
}

#[test]
fn what_a_registry_does_not_tell_is_said_with_a_way_out() {
    let registry = Registry::start(Door::Password);
    let project = project(&registry, COMPOSE, "");
    registry.push("shop/web", "1", &BOTH, "");
    project.write(".beanship/docker/config.json", "{}");
    let run = project.beanship(&["images", "list"]);
    assert_eq!(run.code, Some(2));
    insta::assert_snapshot!(run.stderr.replace(&registry.name, "REGISTRY"), @"
    error: REGISTRY does not show REGISTRY/shop/web:1: it is not there, or the login may not read it
    hint: log in with `docker login REGISTRY`, and correct the name in the compose file
    error: REGISTRY does not show REGISTRY/db:8: it is not there, or the login may not read it
    hint: log in with `docker login REGISTRY`, and correct the name in the compose file
    ");
}

#[test]
fn a_hiccup_is_waited_for_and_an_outage_is_told() {
    let compose = "services:\n  web: { image: 'REGISTRY/shop/web:1', ports: ['80:80'] }\n";
    let registry = Registry::start(Door::Open);
    let project = project(&registry, compose, "");
    registry.push("shop/web", "1", &BOTH, "");
    registry.fail(&[503, 502]);
    let run = project.beanship(&["images", "list"]);
    assert_eq!(run.code, Some(0), "{}", run.stderr);
    registry.fail(&[500, 500, 500]);
    let run = project.beanship(&["images", "list"]);
    assert_eq!(run.code, Some(3), "{}", run.stderr);
    let gone = compose.replace("REGISTRY", "127.0.0.1:9");
    project.write("docker-compose.yml", &gone);
    let run = project.beanship(&["images", "list", "--output", "json"]);
    assert_eq!(run.code, Some(3));
    let why = run.json()["images"][0]["error"].clone();
    let why = why.as_str().unwrap_or_default();
    assert!(
        why.starts_with("127.0.0.1:9 could not be reached for "),
        "{why}"
    );
}

#[test]
fn an_identity_token_is_exchanged_and_shown_to_nobody() {
    let registry = Registry::start(Door::Identity);
    let web = registry.push("shop/web", "1", &BOTH, "");
    let db = registry.push("db", "8", &["linux/amd64"], "");
    let project = project(&registry, COMPOSE, "").file("Dockerfile", "FROM scratch\n");
    let config = |token: &str| {
        format!(
            r#"{{"auths": {{"{}": {{"auth": "OjE=", "identitytoken": "{token}"}}}}}}"#,
            registry.name
        )
    };
    project.write(".beanship/docker/config.json", &config(IDENTITY));
    let run = project.beanship(&["images", "list", "--output", "json"]);
    assert_eq!(run.code, Some(0), "{}", run.stderr);
    let rows = &run.json()["images"];
    assert_eq!(
        (&rows[0]["digest"], &rows[2]["digest"]),
        (&web.into(), &db.into())
    );
    project.write(".beanship/docker/config.json", &config("old-c4nary"));
    let refused = project.beanship(&["images", "list"]);
    assert_eq!(refused.code, Some(2));
    let said = refused
        .stderr
        .lines()
        .take(2)
        .collect::<Vec<_>>()
        .join("\n");
    insta::assert_snapshot!(said.replace(&registry.name, "REGISTRY"), @"
    error: the identity token that Docker keeps for REGISTRY cannot be used: 127.0.0.1 answered with HTTP status 401
    hint: log in again: `docker login REGISTRY`
    ");
    let all = format!(
        "{}{}{}{}",
        run.stdout, run.stderr, refused.stdout, refused.stderr
    );
    assert!(!all.contains("c4nary"), "{all}");
}

#[cfg(unix)]
#[test]
fn a_helper_may_keep_an_identity_token() {
    let registry = Registry::start(Door::Identity);
    registry.push("shop/web", "1", &BOTH, "");
    registry.push("db", "8", &BOTH, "");
    let project = project(&registry, COMPOSE, "").file("Dockerfile", "FROM scratch\n");
    let helper =
        format!("#!/bin/sh\necho '{{\"Username\": \"<token>\", \"Secret\": \"{IDENTITY}\"}}'\n");
    let project = project
        .file(".beanship/docker/config.json", r#"{"credsStore": "kept"}"#)
        .file(".beanship/bin/docker-credential-kept", &helper);
    let program = project.path().join(".beanship/bin/docker-credential-kept");
    let mode = std::os::unix::fs::PermissionsExt::from_mode(0o755);
    std::fs::set_permissions(program, mode).expect("the right to run");
    let path = std::env::var("PATH").unwrap_or_default();
    let folder = project.path().join(".beanship/bin");
    let project = project.variable("PATH", &format!("{}:{path}", folder.display()));
    let run = project.beanship(&["images", "list"]);
    assert_eq!(run.code, Some(0), "{}", run.stderr);
}

#[test]
fn the_sandbox_asks_no_registry() {
    let registry = Registry::start(Door::Open);
    let project = project(&registry, COMPOSE, "");
    let run = project.sandbox(&["images", "list", "--output", "json"]);
    assert_eq!(run.code, Some(0), "{}", run.stderr);
    assert_eq!(run.json()["images"].as_array().map(Vec::len), Some(3));
    assert_eq!(registry.asked(), [""; 0]);
}

#[test]
fn a_compose_file_that_cannot_be_read_is_refused() {
    let project = Project::empty().file("docker-compose.yml", "a: [");
    let run = project.beanship(&["images", "list"]);
    assert_eq!(run.code, Some(2), "{}", run.stderr);
}
