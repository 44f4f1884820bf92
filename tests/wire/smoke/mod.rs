//! What is checked once an update is done.

#[cfg(unix)]
mod command;
mod follow;
mod http;

use serde_json::Value;

use crate::support::{COMPOSE, Project};

/// A project whose production is checked like this.
pub fn checked(smoke: &str, trouble: &str) -> Project {
    let config = format!(
        "app: shop\nregion: eu-central-1\nenvironments:\n  production: {{ name: shop-prod, smoke: {smoke} }}\n  staging: {{ name: shop-staging }}\n"
    );
    Project::empty()
        .file("beanship.yml", &config)
        .file("docker-compose.yml", COMPOSE)
        .trouble(&format!("speed: 100\n{trouble}"))
}

pub fn ended(report: &Value) -> (&str, &str) {
    let outcome = |value: &Value| value["outcome"].as_str().unwrap_or("?").to_owned();
    let (deploy, smoke) = (outcome(report), outcome(&report["smoke"]));
    (deploy.leak(), smoke.leak())
}

pub fn message(report: &Value) -> &str {
    report["error"]["message"].as_str().unwrap_or_default()
}

/// How often the environment was asked.
pub fn asked(project: &Project) -> Vec<String> {
    let mut calls = project.calls();
    calls.retain(|call| call.starts_with("GET "));
    calls
}
