//! Health checks, and who waits for them.

use crate::compose::catalog::{HEALTH_TEST, NEVER_HEALTHY};
use crate::compose::finding::Findings;
use crate::compose::model::{Project, Service};
use crate::compose::tree::At;

pub(super) fn check(project: &Project<'_>, findings: &mut Findings) {
    for service in &project.services {
        test(service, findings);
        waits(project, service, findings);
    }
}

fn test(service: &Service<'_>, findings: &mut Findings) {
    let Some(first) = service
        .body
        .dig(&["healthcheck", "test"])
        .and_then(|test| test.items().next())
    else {
        return;
    };
    let Some(text) = first.text() else { return };
    if !matches!(text, "CMD" | "CMD-SHELL" | "NONE") && !text.contains('$') {
        let draft = findings.add(
            &HEALTH_TEST,
            first.range().start,
            format!(
                "the health check of service `{}` must begin with CMD, CMD-SHELL or NONE",
                service.name
            ),
        );
        draft.fix("put \"CMD\" before the program, or write the test as one text");
        if first.is_plain() {
            draft.edit(first.range(), format!("CMD, {text}"));
        }
    }
}

fn waits(project: &Project<'_>, service: &Service<'_>, findings: &mut Findings) {
    for (key, value) in service.get("depends_on").into_iter().flat_map(At::entries) {
        let healthy = value
            .get("condition")
            .filter(|at| at.text() == Some("service_healthy"));
        let (Some(at), Some(name)) = (healthy, key.text()) else {
            continue;
        };
        let Some(other) = project.service(name) else {
            continue;
        };
        let disabled = |check: At<'_>| {
            let none = check
                .get("test")
                .and_then(|test| test.items().next().or(Some(test)));
            check.get("disable").is_some_and(At::is_true) || none.and_then(At::text) == Some("NONE")
        };
        let whole = project.world.whole(other);
        let check = whole.get("healthcheck");
        if check.is_some_and(disabled) || (check.is_none() && whole.complete) {
            findings
                .add(&NEVER_HEALTHY, at.range().start, format!("`{name}` has no health check here: unless its image brings one, service `{}` never starts", service.name))
                .fix(format!("add a `healthcheck` to service `{name}`"));
        }
    }
}
