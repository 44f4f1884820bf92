//! What gives a container the whole instance.

use crate::compose::catalog::{HOST_NETWORK, PRIVILEGED};
use crate::compose::finding::Findings;
use crate::compose::model::{Project, Service, mounts};
use crate::compose::tree::At;

pub(super) fn check(project: &Project<'_>, findings: &mut Findings) {
    for service in &project.services {
        if findings.is_full() {
            return;
        }
        privileged(service, findings);
        host_network(service, findings);
    }
}

fn privileged(service: &Service<'_>, findings: &mut Findings) {
    let mut tell = |at: At<'_>, what: &str| {
        findings
            .add(
                &PRIVILEGED,
                at.range().start,
                format!(
                    "service `{}` {what}: whoever breaks into it has the whole instance",
                    service.name
                ),
            )
            .fix("remove it unless the service cannot work without");
    };
    if let Some((key, value)) = service.body.entry("privileged")
        && value.is_true()
    {
        tell(key, "is privileged");
    }
    for (key, what) in [
        ("pid", "sees the host's processes"),
        ("ipc", "shares memory with the host"),
        ("userns_mode", "shares users with the host"),
    ] {
        if let Some(at) = service.get(key).filter(|at| at.text() == Some("host")) {
            tell(at, what);
        }
    }
    for (at, mount) in mounts(service) {
        let socket = mount.ok().and_then(|mount| mount.source);
        if socket.is_some_and(|source| source.ends_with("/docker.sock")) {
            tell(at, "can use Docker itself");
        }
    }
}

fn host_network(service: &Service<'_>, findings: &mut Findings) {
    let host = service
        .get("network_mode")
        .is_some_and(|mode| mode.text() == Some("host"));
    if host && let Some((key, _)) = service.body.entry("ports") {
        findings
            .add(
                &HOST_NETWORK,
                key.range().start,
                format!(
                    "`ports` of service `{}` has no effect: it uses the host's network",
                    service.name
                ),
            )
            .fix("remove `ports`, and make the app listen on port 80; or remove `network_mode`");
    }
}
