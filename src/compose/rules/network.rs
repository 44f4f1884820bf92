//! Published ports: who is reached from outside, and who is in whose way.

use crate::compose::catalog::{BAD_PORT, CLOSED_PORT, PORT_80, REPLICAS, SAME_PORT, TAKEN_PORT};
use crate::compose::finding::Findings;
use crate::compose::model::{Port, Project, Service, ports};
use crate::compose::ports::count as length;
use crate::compose::tree::At;

use super::consistency::replicas;

/// A port of the host that a service takes.
struct Taken<'a> {
    /// The service, and the file that says it.
    service: Service<'a>,
    at: At<'a>,
    port: Port,
    /// How often the service runs, and where that is said.
    replicas: Option<(usize, At<'a>, i64)>,
}

pub(super) fn check(project: &Project<'_>, findings: &mut Findings) {
    for service in &project.services {
        for (at, port) in ports(service) {
            if let Err(why) = port {
                unreadable(at, &why, findings);
            }
        }
    }
    let world = project.world;
    let mut taken = Vec::new();
    // Where a port cannot be read, nothing is said about what is missing.
    let mut unclear = !world.complete;
    for service in world.each() {
        let whole = world.whole(service);
        unclear |= !whole.complete || whole.has("network_mode");
        let replicas = whole.parts.iter().find_map(|part| {
            let (at, count) = replicas(part)?;
            Some((part.file, at, count))
        });
        for part in whole.adding("ports") {
            let list = part.get("ports");
            let found = ports(part);
            unclear |=
                list.is_some_and(|list| list.items().count() != found.len() || !list.is_list());
            for (at, port) in found {
                let Ok(port) = port else {
                    unclear = true;
                    continue;
                };
                if port.host.is_some() && !whole.has_profile() {
                    taken.push(Taken {
                        service: *part,
                        at,
                        port,
                        replicas,
                    });
                }
            }
        }
    }
    collisions(project, &mut taken, findings);
    for taken in &taken {
        if taken.service.file == project.file && !findings.is_full() {
            reachable(project, taken, findings);
        }
    }
    if !unclear && project.around.serves {
        port_80(project, &taken, findings);
    }
}

fn unreadable(at: At<'_>, why: &str, findings: &mut Findings) {
    let text = at.text().unwrap_or("this");
    findings
        .add(
            &BAD_PORT,
            at.range().start,
            format!("`{text}` is no port to publish: {why}"),
        )
        .fix("write it as in `80:8080`: first the host's port, then the container's");
}

fn first(taken: &Taken<'_>) -> u16 {
    taken.port.host.as_ref().map_or(0, |range| *range.start())
}

fn last(taken: &Taken<'_>) -> u16 {
    taken.port.host.as_ref().map_or(0, |range| *range.end())
}

/// How many pairs of ports are compared.
const MOST_PAIRS: usize = 100_000;

/// Sorted by their first port, only neighbours can overlap.
fn collisions(project: &Project<'_>, taken: &mut [Taken<'_>], findings: &mut Findings) {
    taken.sort_by_key(first);
    let mut pairs = 0;
    for (index, one) in taken.iter().enumerate() {
        for other in &taken[index + 1..] {
            pairs += 1;
            if first(other) > last(one) || findings.is_full() || pairs > MOST_PAIRS {
                break;
            }
            if collide(one, other) {
                tell_collision(project, one, other, findings);
            }
        }
    }
}

fn collide(one: &Taken<'_>, other: &Taken<'_>) -> bool {
    let apart = match (&one.port.address, &other.port.address) {
        (Some(one), Some(other)) => one != other,
        _ => false,
    };
    let same = one.service.file == other.service.file && one.service.name == other.service.name;
    let shared = one.at.range() == other.at.range() && same;
    // Parts of one service that publish the same add up to one.
    let joined = one.service.name == other.service.name
        && one.service.file != other.service.file
        && one.port == other.port;
    one.port.protocol == other.port.protocol
        && !apart
        && !shared
        && !joined
        && !leaves_choice(one)
        && !leaves_choice(other)
}

/// A range of host ports for one port of the container: Docker takes a free one.
fn leaves_choice(taken: &Taken<'_>) -> bool {
    taken.port.host.as_ref().map(length) != Some(length(&taken.port.container))
}

fn tell_collision(
    project: &Project<'_>,
    one: &Taken<'_>,
    other: &Taken<'_>,
    findings: &mut Findings,
) {
    let place = |it: &Taken<'_>| (it.service.file, it.at.range().start);
    let (early, late) = if place(one) <= place(other) {
        (one, other)
    } else {
        (other, one)
    };
    if late.service.file != project.file {
        return;
    }
    let (port, name) = (first(other), late.service.name);
    let what = if early.service.name == name {
        format!("service `{name}` publishes port {port} of the host twice")
    } else {
        format!(
            "port {port} of the host is taken by service `{}` already: `{name}` cannot start",
            early.service.name
        )
    };
    findings
        .add(&SAME_PORT, late.at.range().start, what)
        .fix("publish another port, or none: services reach each other without");
}

fn reachable(project: &Project<'_>, taken: &Taken<'_>, findings: &mut Findings) {
    let (name, start) = (taken.service.name, taken.at.range().start);
    let Some(host) = &taken.port.host else { return };
    if host.contains(&22)
        && taken.port.protocol == "tcp"
        && taken.port.address.as_deref() != Some("127.0.0.1")
    {
        findings
            .add(&TAKEN_PORT, start, format!("service `{name}` publishes port 22, which the instance's SSH server has: the container cannot start"))
            .fix("publish another port");
    } else if !host.contains(&80) && taken.port.address.is_none() && project.around.serves {
        let port = host.start();
        findings
            .add(&CLOSED_PORT, start, format!("port {port} of service `{name}` is not reached from outside: the security group opens port 80 only"))
            .fix("remove it if only other services use it, or open it in the security group");
    }
    if let Some((file, at, count)) = taken.replicas
        && count > 1
        && length(host) < usize::try_from(count).unwrap_or_default()
    {
        let start = if file == project.file {
            at.range().start
        } else {
            start
        };
        findings
            .add(&REPLICAS, start, format!("service `{name}` runs {count} times with one host port: all but the first cannot start"))
            .fix("publish the port of a proxy before it, or run it once; Elastic Beanstalk adds instances, not replicas");
    }
}

fn port_80(project: &Project<'_>, taken: &[Taken<'_>], findings: &mut Findings) {
    let serves = |taken: &Taken<'_>| {
        let outside = taken
            .port
            .address
            .as_deref()
            .is_none_or(|address| !address.starts_with("127."));
        taken
            .port
            .host
            .as_ref()
            .is_some_and(|host| host.contains(&80))
            && outside
            && taken.port.protocol == "tcp"
    };
    let nothing = project.world.services.is_empty();
    if taken.iter().any(serves) || nothing || process_port(project) {
        return;
    }
    let services = project.root.entry("services").map(|(key, _)| key);
    let (file, at, service) = match taken.first() {
        Some(taken) => (taken.service.file, taken.at, Some(taken)),
        None => (0, services.unwrap_or(project.root), None),
    };
    if file != project.file {
        return;
    }
    let draft = findings.add(
        &PORT_80,
        at.range().start,
        "no service publishes port 80 of the host: Elastic Beanstalk's traffic and health checks reach nothing",
    );
    match service {
        Some(taken) => draft.fix(format!("write `80:{}` here", taken.port.container.start())),
        None => draft.fix("add `ports: [\"80:PORT\"]` to the service that answers HTTP, with the port it listens on"),
    };
}

/// Whether the bundle's configuration sends the traffic to another port.
fn process_port(project: &Project<'_>) -> bool {
    let folder = project.around.root.join(".ebextensions");
    let files = std::fs::read_dir(folder)
        .into_iter()
        .flatten()
        .flatten()
        .take(100);
    files
        .filter(|file| file.path().extension().is_some_and(|end| end == "config"))
        .any(|file| {
            crate::compose::files::read(&file.path())
                .is_some_and(|text| text.contains("elasticbeanstalk:environment:process"))
        })
}
