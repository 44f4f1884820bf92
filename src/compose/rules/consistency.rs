//! Keys of a service that contradict each other.

use std::collections::HashMap;

use crate::compose::catalog::{BUILD_PLATFORM, EXCLUSIVE, ONE_NAME, SAME_TARGET, TWO_LIMITS};
use crate::compose::finding::Findings;
use crate::compose::model::{Project, Service, mounts};
use crate::compose::tree::At;

use super::amounts::size;

pub(super) fn check(project: &Project<'_>, findings: &mut Findings) {
    for service in &project.services {
        if findings.is_full() {
            return;
        }
        exclusive(service, findings);
        limits(service, findings);
        one_name(service, findings);
        targets(service, findings);
        platforms(service, findings);
    }
}

fn exclusive(service: &Service<'_>, findings: &mut Findings) {
    if let Some((key, _)) = service.body.entry("network_mode")
        && service.get("networks").is_some()
    {
        findings
            .add(
                &EXCLUSIVE,
                key.range().start,
                format!(
                    "service `{}` has both `network_mode` and `networks`: only one can count",
                    service.name
                ),
            )
            .fix("remove one of the two");
    }
    if let Some(build) = service.get("build")
        && let Some((key, _)) = build.entry("dockerfile_inline")
        && build.get("dockerfile").is_some()
    {
        findings
            .add(&EXCLUSIVE, key.range().start, format!("the build of service `{}` has both `dockerfile` and `dockerfile_inline`: only one can count", service.name))
            .fix("remove one of the two");
    }
}

/// How often a service runs, and where that is said.
pub(super) fn replicas<'a>(service: &Service<'a>) -> Option<(At<'a>, i64)> {
    let at = service
        .get("scale")
        .or_else(|| service.body.dig(&["deploy", "replicas"]))?;
    Some((at, at.text()?.parse().ok()?))
}

fn limits(service: &Service<'_>, findings: &mut Findings) {
    type Read = fn(&str) -> Option<f64>;
    let number: Read = |text| text.parse().ok();
    let bytes: Read = size;
    let resources = |kind: &str| service.body.dig(&["deploy", "resources", kind]);
    for (short, kind, long, read) in [
        ("mem_limit", "limits", "memory", bytes),
        ("cpus", "limits", "cpus", number),
        ("pids_limit", "limits", "pids", number),
        ("mem_reservation", "reservations", "memory", bytes),
    ] {
        let (Some((key, value)), Some(other)) = (service.body.entry(short), resources(kind)) else {
            continue;
        };
        let set = other.get(long);
        let known = |at: At<'_>| at.text().and_then(read);
        let (one, two) = (known(value), set.map_or(Some(0.0), known));
        if let (Some(one), Some(two)) = (one, two)
            && (one - two).abs() > f64::EPSILON
        {
            let why = match set {
                Some(_) => "have different values".to_owned(),
                None => "differ, as a missing one counts as 0 there".to_owned(),
            };
            findings
                .add(
                    &TWO_LIMITS,
                    key.range().start,
                    format!(
                        "`{short}` and `deploy.resources.{kind}.{long}` of service `{}` {why}",
                        service.name
                    ),
                )
                .fix(format!(
                    "move `{short}` to `deploy.resources.{kind}.{long}`"
                ));
        }
    }
    if let (Some((key, one)), Some(two)) = (
        service.body.entry("scale"),
        service.body.dig(&["deploy", "replicas"]),
    ) && let (Some(one), Some(two)) = (one.text().and_then(number), two.text().and_then(number))
        && (one - two).abs() > f64::EPSILON
    {
        findings
            .add(
                &TWO_LIMITS,
                key.range().start,
                format!(
                    "`scale` and `deploy.replicas` of service `{}` have different values",
                    service.name
                ),
            )
            .fix("remove one of the two");
    }
}

fn one_name(service: &Service<'_>, findings: &mut Findings) {
    let Some((at, count)) = replicas(service) else {
        return;
    };
    if count > 1
        && let Some((key, _)) = service.body.entry("container_name")
    {
        findings
            .add(&ONE_NAME, key.range().start, format!("service `{}` has `container_name` and runs {count} times: container names are unique", service.name))
            .fix("remove `container_name`");
    }
    if count < 0 {
        findings.add(
            &ONE_NAME,
            at.range().start,
            format!("service `{}` cannot run {count} times", service.name),
        );
    }
}

fn targets(service: &Service<'_>, findings: &mut Findings) {
    let mut seen: HashMap<String, At<'_>> = HashMap::new();
    for (at, mount) in mounts(service) {
        let Ok(mount) = mount else { continue };
        let target = match mount.target.trim_end_matches('/') {
            "" => "/".to_owned(),
            target => target.to_owned(),
        };
        if let Some(first) = seen.get(&target) {
            if first.range() != at.range() {
                findings
                    .add(
                        &SAME_TARGET,
                        at.range().start,
                        format!("service `{}` mounts at {target} twice", service.name),
                    )
                    .fix("remove one of the two mounts");
            }
        } else {
            seen.insert(target, at);
        }
    }
}

fn platforms(service: &Service<'_>, findings: &mut Findings) {
    let built = service.body.dig(&["build", "platforms"]);
    if let (Some(built), Some(platform)) = (built, service.get("platform"))
        && let Some(wanted) = platform.filled().filter(|text| !text.contains('$'))
    {
        let mut items = built.items().filter_map(At::text).peekable();
        if items.peek().is_some() && !items.any(|item| item == wanted || item.contains('$')) {
            findings
                .add(
                    &BUILD_PLATFORM,
                    platform.range().start,
                    format!(
                        "service `{}` runs on {wanted}, and is not built for it",
                        service.name
                    ),
                )
                .fix(format!("add {wanted} to `build.platforms`"));
        }
    }
}
