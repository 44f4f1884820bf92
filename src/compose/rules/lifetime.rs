//! What happens after the start: restarts, and data that must outlive the instance.

use crate::compose::catalog::{BAD_RESTART, NO_RESTART, STATE};
use crate::compose::finding::Findings;
use crate::compose::model::{Project, Service, Sort, mounts};
use crate::compose::scalar::Kind;
use crate::compose::tree::At;
use crate::yaml::nearest;

const POLICIES: [&str; 4] = ["no", "always", "on-failure", "unless-stopped"];

/// Images of databases, by the last part of their names.
const DATABASES: [&str; 14] = [
    "mysql",
    "mariadb",
    "postgres",
    "postgresql",
    "postgis",
    "mongo",
    "mongodb",
    "cassandra",
    "couchdb",
    "elasticsearch",
    "opensearch",
    "influxdb",
    "neo4j",
    "timescaledb",
];

pub(super) fn check(project: &Project<'_>, findings: &mut Findings) {
    for service in &project.services {
        if findings.is_full() {
            return;
        }
        if let Some(at) = service.get("restart") {
            policy(at, findings);
        }
        if !project.is_replaced(service, "image") {
            state(service, findings);
        }
    }
    for service in project.own() {
        if findings.is_full() {
            return;
        }
        missing(project, service, findings);
    }
}

fn policy(at: At<'_>, findings: &mut Findings) {
    // Another type was told already.
    let text = at.text().filter(|_| at.kind() == Some(Kind::Text));
    let Some(text) = text.filter(|text| !text.contains('$')) else {
        return;
    };
    let name = text.split_once(':').map_or(text, |(name, _)| name);
    if POLICIES.contains(&name) {
        return;
    }
    let draft = findings.add(
        &BAD_RESTART,
        at.range().start,
        format!("`{text}` is no restart policy: {} are", POLICIES.join(", ")),
    );
    if let Some(near) = nearest(&text.replace([' ', '_'], "-"), POLICIES.into_iter()) {
        draft.fix(format!("write `{near}`"));
    }
}

fn missing(project: &Project<'_>, service: &Service<'_>, findings: &mut Findings) {
    let whole = project.world.whole(service);
    let swarm = ["deploy", "restart_policy"];
    let swarm = whole.parts.iter().any(|it| it.body.dig(&swarm).is_some());
    let given = whole.has("restart") || !whole.complete;
    let inherits = given || whole.has_profile() || !service.body.is_map();
    // What runs once and ends is waited for by others, not restarted.
    if swarm || inherits || service.body.is_reset() {
        return;
    }
    findings
        .add(
            &NO_RESTART,
            service.start(),
            format!(
                "service `{}` has no restart policy: it stays down after a crash or a reboot",
                service.name
            ),
        )
        .fix("add `restart: unless-stopped`, unless it is meant to end");
}

fn state(service: &Service<'_>, findings: &mut Findings) {
    let image = service.get("image").and_then(At::text).unwrap_or_default();
    let last = image.rsplit('/').next().unwrap_or_default();
    let name = last.split([':', '@']).next().unwrap_or_default();
    if !DATABASES.contains(&name) || service.has_profile() {
        return;
    }
    let volume = mounts(service).into_iter().find(|(_, mount)| {
        mount
            .as_ref()
            .is_ok_and(|mount| mount.sort != Sort::Other && mount.source.is_some())
    });
    let at = volume.map_or_else(|| service.start(), |(at, _)| at.range().start);
    findings
        .add(&STATE, at, format!("service `{}` keeps a database on the instance: its data is lost when the instance is replaced, and each instance has its own", service.name))
        .fix("use a database outside of the instance, such as RDS");
}
