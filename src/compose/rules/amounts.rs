//! Sizes, durations and memory: what Docker can read, and what fits.

use crate::compose::catalog::{BAD_AMOUNT, LITTLE_MEMORY, NO_ROOM};
use crate::compose::finding::Findings;
use crate::compose::model::{Project, Service};
use crate::compose::scalar::Kind;
use crate::compose::tree::At;
use crate::compose::variables::with_defaults;
use crate::compose::world::World;

const MIB: f64 = 1024.0 * 1024.0;

/// Keys that hold a size.
const SIZES: [&[&str]; 7] = [
    &["mem_limit"],
    &["mem_reservation"],
    &["memswap_limit"],
    &["shm_size"],
    &["build", "shm_size"],
    &["deploy", "resources", "limits", "memory"],
    &["deploy", "resources", "reservations", "memory"],
];

/// Keys that hold a duration.
const DURATIONS: [&[&str]; 8] = [
    &["stop_grace_period"],
    &["healthcheck", "interval"],
    &["healthcheck", "timeout"],
    &["healthcheck", "start_period"],
    &["healthcheck", "start_interval"],
    &["deploy", "update_config", "delay"],
    &["deploy", "restart_policy", "delay"],
    &["deploy", "restart_policy", "window"],
];

pub(super) fn check(project: &Project<'_>, findings: &mut Findings) {
    for service in &project.services {
        for path in SIZES {
            if let Some(at) = service.body.dig(path) {
                a_size(service, at, path, findings);
            }
        }
        for path in DURATIONS {
            if let Some(at) = service.body.dig(path) {
                a_duration(at, path, findings);
            }
        }
    }
    room(project, findings);
}

/// The bytes of a size such as `128m`.
pub(super) fn size(text: &str) -> Option<f64> {
    let number = text
        .bytes()
        .take_while(|b| b.is_ascii_digit() || *b == b'.')
        .count();
    let value: f64 = text[..number].parse().ok()?;
    let unit = text[number..].trim_start_matches(' ').to_ascii_lowercase();
    let letters = unit.strip_suffix('b').unwrap_or(&unit);
    let letters = letters.strip_suffix('i').unwrap_or(letters);
    let power = match letters {
        "" => 0,
        "k" => 1,
        "m" => 2,
        "g" => 3,
        "t" => 4,
        "p" => 5,
        _ => return None,
    };
    Some(value * 1024_f64.powi(power))
}

fn value(at: At<'_>) -> Option<String> {
    with_defaults(at.filled()?)
}

fn a_size(service: &Service<'_>, at: At<'_>, path: &[&str], findings: &mut Findings) {
    let Some(text) = value(at) else { return };
    let (key, start) = (path[path.len() - 1], at.range().start);
    let Some(bytes) = size(&text) else {
        if !(key == "memswap_limit" && text == "-1") {
            findings
                .add(
                    &BAD_AMOUNT,
                    start,
                    format!("`{text}` is no size: `{key}` is a number with b, k, m or g"),
                )
                .fix("write it as in `128m` or `1g`");
        }
        return;
    };
    let limit = matches!(key, "mem_limit" | "memory") && !path.contains(&"reservations");
    if limit && bytes > 0.0 && bytes < 6.0 * MIB {
        let name = service.name;
        let draft = findings.add(
            &LITTLE_MEMORY,
            start,
            format!("`{key}: {text}` of service `{name}` is less than 6 MB, which Docker refuses"),
        );
        if text.bytes().all(|byte| byte.is_ascii_digit()) {
            draft.fix(format!("write `{text}m` if megabytes are meant"));
        }
    }
}

fn a_duration(at: At<'_>, path: &[&str], findings: &mut Findings) {
    let Some(text) = value(at).filter(|text| !is_duration(text)) else {
        return;
    };
    let key = path[path.len() - 1];
    let draft = findings.add(
        &BAD_AMOUNT,
        at.range().start,
        format!("`{text}` is no duration: `{key}` is a number with a unit"),
    );
    let plain_number = at.kind() == Some(Kind::Int);
    if plain_number {
        draft.fix(format!("write `{text}s` if seconds are meant"));
    } else {
        draft.fix("write it as in `30s` or `1m30s`");
    }
}

/// Numbers, each with a unit.
fn is_duration(text: &str) -> bool {
    let mut rest = text.strip_prefix('-').unwrap_or(text);
    if rest == "0" {
        return true;
    }
    while !rest.is_empty() {
        let number = rest
            .bytes()
            .take_while(|b| b.is_ascii_digit() || *b == b'.')
            .count();
        if number == 0 || rest[..number].parse::<f64>().is_err() {
            return false;
        }
        rest = &rest[number..];
        let units = ["ns", "us", "µs", "ms", "s", "m", "h", "d", "w"];
        let unit = units.into_iter().find(|unit| {
            rest.strip_prefix(unit)
                .is_some_and(|after| !after.starts_with(char::is_alphabetic))
        });
        let Some(unit) = unit else { return false };
        rest = &rest[unit.len()..];
    }
    !text.is_empty()
}

/// The memory of the sizes that an instance type ends in; bursting types and general purpose
/// ones have the same.
fn instance_memory(instance_type: &str) -> Option<f64> {
    let (family, size) = instance_type.split_once('.')?;
    let gib = if family.starts_with('t') {
        match size {
            "nano" => 0.5,
            "micro" => 1.0,
            "small" => 2.0,
            "medium" => 4.0,
            "large" => 8.0,
            "xlarge" => 16.0,
            "2xlarge" => 32.0,
            _ => return None,
        }
    } else if family.starts_with('m') && family != "m1" && family != "m2" && family != "m3" {
        match size {
            "medium" => 4.0,
            "large" => 8.0,
            "xlarge" => 16.0,
            "2xlarge" => 32.0,
            _ => return None,
        }
    } else {
        return None;
    };
    Some(gib * 1024.0 * MIB)
}

fn memory_limit<'a>(service: &Service<'a>) -> Option<(At<'a>, f64)> {
    let long = || {
        service
            .body
            .dig(&["deploy", "resources", "limits", "memory"])
    };
    let at = service.get("mem_limit").or_else(long)?;
    Some((at, size(&value(at)?)?))
}

/// The memory that a service may use, and the file that says so; nothing of what is not started.
fn limit<'a>(world: &World<'a>, service: &Service<'a>) -> Option<(usize, (At<'a>, f64))> {
    let whole = world.whole(service);
    let mut parts = whole.parts.iter().filter(|_| !whole.has_profile());
    parts.find_map(|part| Some((part.file, memory_limit(part)?)))
}

fn room(project: &Project<'_>, findings: &mut Findings) {
    let Some(instance_type) = project.around.instance_type else {
        return;
    };
    let Some(memory) = instance_memory(instance_type) else {
        return;
    };
    let world = project.world;
    let limits: Vec<_> = world.each().filter_map(|it| limit(world, it)).collect();
    let total: f64 = limits.iter().map(|(_, (_, bytes))| bytes).sum();
    if let Some((file, (at, _))) = limits.last()
        && total > memory
        && *file == project.file
    {
        let mib = |bytes: f64| format!("{:.0} MiB", bytes / MIB);
        findings
            .add(&NO_ROOM, at.range().start, format!("the memory limits add up to {}, and an instance of type {instance_type} has {}", mib(total), mib(memory)))
            .fix("lower the limits, or choose a larger `instance_type`");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_and_durations_are_those_that_docker_reads() {
        for (text, bytes) in [
            ("128m", Some(134_217_728.0)),
            ("1GiB", Some(1_073_741_824.0)),
            ("64 k", Some(65536.0)),
            ("5", Some(5.0)),
            ("12x", None),
            ("m", None),
        ] {
            assert_eq!(size(text), bytes, "{text}");
        }
        for text in ["10s", "1m30s", "1.5h", "0", "100ms", "2d"] {
            assert!(is_duration(text), "{text}");
        }
        for text in ["10", "s", "1 m", "10 seconds", "", "5min"] {
            assert!(!is_duration(text), "{text}");
        }
    }
}
