//! Services exist, run something, and do not wait for each other in a circle.

use std::collections::HashMap;

use crate::compose::catalog::{
    CYCLE, MISSPELT_SERVICE, NEVER_STARTED, NO_IMAGE, NO_SERVICE, OBSOLETE_VERSION, PROFILED,
};
use crate::compose::finding::Findings;
use crate::compose::model::{Mount, Project, Service, mounts};
use crate::compose::scalar::Kind;
use crate::compose::tree::At;
use crate::compose::world::World;

pub(super) fn check(project: &Project<'_>, findings: &mut Findings) {
    version(project, findings);
    for service in project.own() {
        runs_something(project, service, findings);
        started(service, findings);
    }
    references(project, findings);
    circles(project, findings);
}

fn version(project: &Project<'_>, findings: &mut Findings) {
    if let Some((key, value)) = project.root.entry("version")
        && value.kind() == Some(Kind::Text)
    {
        let start = key.range().start;
        let draft = findings.add(
            &OBSOLETE_VERSION,
            start,
            "`version` has no meaning any more: Compose ignores it",
        );
        draft.fix("remove the line");
        let line = project.source.whole_line(start);
        if line.start == start && !project.root.is_flow() && value.range().end <= line.end {
            draft.edit(line, "");
        }
    }
}

fn runs_something(project: &Project<'_>, service: &Service<'_>, findings: &mut Findings) {
    let whole = project.world.whole(service);
    let runs = ["image", "build", "provider"]
        .into_iter()
        .any(|key| whole.has(key));
    if service.body.is_map() && !service.body.is_reset() && whole.complete && !runs {
        findings
            .add(
                &NO_IMAGE,
                service.start(),
                format!(
                    "service `{}` has neither `image` nor `build`: there is nothing to run",
                    service.name
                ),
            )
            .fix(
                "add the image's name under `image`, or the folder of its Dockerfile under `build`",
            );
    }
    if let Some(circle) = &whole.circle
        && let Some((key, _)) = service.body.entry("extends")
    {
        let what = format!("services extend each other: {}", circle.join(" -> "));
        findings
            .add(&CYCLE, key.range().start, what)
            .fix("remove one of these `extends`");
    }
}

fn started(service: &Service<'_>, findings: &mut Findings) {
    if service.has_profile() {
        findings.add(
            &NEVER_STARTED,
            service.start(),
            format!(
                "service `{}` has a profile: Elastic Beanstalk does not start it",
                service.name
            ),
        );
    }
    if let Some((key, _)) = service.body.entry("develop") {
        findings.add(
            &NEVER_STARTED,
            key.range().start,
            "`develop` has no effect: it is for `docker compose watch` on a laptop",
        );
    }
}

/// A service that another names, and where.
struct Reference<'a> {
    from: Service<'a>,
    to: &'a str,
    at: At<'a>,
    how: &'static str,
    /// Whether Compose starts the other one first.
    waits: bool,
    required: bool,
    /// The number of the only file that may hold it, for one that is extended.
    within: Option<usize>,
}

/// What a service refers to, with what it has from others.
fn references_of<'a>(world: &World<'a>, service: &Service<'a>) -> Vec<Reference<'a>> {
    let whole = world.whole(service);
    // What a part takes back of the others' is not followed.
    let count = if world.resets { 1 } else { whole.parts.len() };
    let parts = whole.parts.iter().take(count);
    parts.flat_map(|part| references_by(world, part)).collect()
}

fn references_by<'a>(world: &World<'a>, service: &Service<'a>) -> Vec<Reference<'a>> {
    let mut found = Vec::new();
    let mut add = |to: &'a str, at: At<'a>, how: &'static str, required: bool| {
        found.push(Reference {
            from: *service,
            to,
            at,
            how,
            waits: true,
            required,
            within: None,
        });
    };
    let depends = service.get("depends_on");
    for item in depends.into_iter().flat_map(At::items) {
        add(item.text().unwrap_or_default(), item, "depends on", true);
    }
    for (key, value) in depends.into_iter().flat_map(At::entries) {
        let required = value.get("required").and_then(At::text) != Some("false");
        add(key.text().unwrap_or_default(), key, "depends on", required);
    }
    for item in service.texts("links") {
        let name = item.text().unwrap_or_default();
        add(
            name.split(':').next().unwrap_or_default(),
            item,
            "links to",
            true,
        );
    }
    for item in service.texts("volumes_from") {
        let name = item.text().unwrap_or_default();
        if !name.starts_with("container:") {
            add(
                name.split(':').next().unwrap_or_default(),
                item,
                "takes the volumes of",
                true,
            );
        }
    }
    for key in ["network_mode", "ipc", "pid"] {
        if let Some(value) = service.get(key)
            && let Some(name) = value.text().and_then(|text| text.strip_prefix("service:"))
        {
            add(name, value, "shares a name space with", true);
        }
    }
    found.extend(extended(world, service));
    found.retain(|reference| !reference.to.is_empty() && !reference.to.contains('$'));
    found
}

/// The service whose keys this one takes over, in a file that is open.
fn extended<'a>(world: &World<'a>, service: &Service<'a>) -> Option<Reference<'a>> {
    let known = world.files[service.file].extends.get(service.own_name())?;
    let extends = service.get("extends")?;
    let value = extends.get("service").unwrap_or(extends);
    Some(Reference {
        from: *service,
        to: value.text()?,
        at: value,
        how: "extends",
        waits: false,
        required: true,
        within: Some(known.target?),
    })
}

fn references(project: &Project<'_>, findings: &mut Findings) {
    let world = project.world;
    let all: Vec<_> = world
        .each()
        .flat_map(|it| references_of(world, it))
        .collect();
    let mut suspects: HashMap<&str, &str> = HashMap::new();
    for reference in &all {
        if findings.is_full() {
            return;
        }
        let target = match reference.within {
            Some(file) => world.service_in(file, reference.to),
            None => world.service(reference.to),
        };
        if let Some(target) = target {
            profiled(project, reference, target, findings);
        } else if let Some(near) = missing(project, reference, findings) {
            suspects.insert(near, reference.to);
        }
    }
    for (name, meant) in suspects {
        if !all.iter().any(|reference| reference.to == name) {
            misspelt(project, name, meant, findings);
        }
    }
}

fn profiled<'a>(
    project: &Project<'a>,
    reference: &Reference<'a>,
    target: &Service<'a>,
    findings: &mut Findings,
) {
    let Reference {
        from, to, at, how, ..
    } = reference;
    let has_profile = |it: &Service<'a>| project.world.whole(it).has_profile();
    let waits = reference.required && reference.waits && from.file == project.file;
    if waits && has_profile(target) && !has_profile(from) {
        findings
            .add(&PROFILED, at.range().start, format!("service `{}` {how} `{to}`, which has a profile: Elastic Beanstalk does not start `{to}`, and Compose refuses to start `{}`", from.name, from.name))
            .fix(format!("take `profiles` out of `{to}`, or give `{}` the same", from.name));
    }
}

/// Tells of a service that is not there, if that is said in this file; returns the one that is
/// nearly called so.
fn missing<'a>(
    project: &Project<'a>,
    reference: &Reference<'a>,
    findings: &mut Findings,
) -> Option<&'a str> {
    let Reference {
        from, to, at, how, ..
    } = reference;
    let world = project.world;
    let (near, place) = match reference.within {
        Some(file) => {
            let opened = &world.files[file];
            let services = opened.tree.root()?.get("services");
            let names = services.into_iter().flat_map(At::entries).take(500);
            let near = crate::yaml::nearest(to, names.filter_map(|(key, _)| key.text()));
            let place = match file == from.file {
                true => String::new(),
                false => format!(" in {}", opened.source.name),
            };
            (near.and_then(|near| world.service_in(file, near)), place)
        }
        None if !world.complete => return None,
        None => (project.nearest_service(to), String::new()),
    };
    let near = near.copied();
    if from.file == project.file {
        let what = format!(
            "service `{}` {how} `{to}`, and there is no such service{place}",
            from.name
        );
        let start = at.range().start;
        match near {
            Some(near) => {
                let (name, line) = (near.name, world.place(&near, project.file));
                findings
                    .add(
                        &NO_SERVICE,
                        start,
                        format!("{what}: did you mean `{name}` ({line})?"),
                    )
                    .fix(format!("call both the same, `{to}` or `{name}`"));
            }
            None => {
                findings
                    .add(&NO_SERVICE, start, what)
                    .fix(format!("add a service `{to}`, or remove the reference"));
            }
        }
    }
    near.map(|near| near.name)
}

/// A service that nobody names, while others name one that is nearly called so.
fn misspelt(project: &Project<'_>, name: &str, meant: &str, findings: &mut Findings) {
    let Some(service) = project.service(name).filter(|it| it.file == project.file) else {
        return;
    };
    let draft = findings.add(
        &MISSPELT_SERVICE,
        service.start(),
        format!("service `{name}` may be misspelt: others refer to `{meant}`"),
    );
    draft.fix(format!("call it `{meant}`"));
    // Renaming is safe only if what the service runs confirms the other name.
    let image = service.get("image").and_then(At::text).unwrap_or_default();
    let build = service
        .get("build")
        .map(|at| at.get("context").unwrap_or(at));
    let build = build.and_then(At::text).unwrap_or_default();
    let mounted = mounts(service)
        .into_iter()
        .filter_map(|(_, mount)| mount.ok())
        .any(|Mount { source, .. }| source.is_some_and(|source| source.contains(meant)));
    if (image.contains(meant) || build.contains(meant) || mounted) && service.key.is_plain() {
        draft.edit(service.key.range(), meant);
    }
}

/// Follows what each service waits for, through all files; each circle is told once, where it closes.
fn circles(project: &Project<'_>, findings: &mut Findings) {
    let world = project.world;
    let mut state: HashMap<&str, bool> = HashMap::new();
    for start in world.each() {
        if state.contains_key(start.name) {
            continue;
        }
        let mut trail: Vec<(&str, Vec<Reference<'_>>)> = Vec::new();
        trail.push((start.name, references_of(world, start)));
        state.insert(start.name, false);
        while let Some((_, rest)) = trail.last_mut() {
            let Some(next) = rest.pop() else {
                if let Some((done, _)) = trail.pop() {
                    state.insert(done, true);
                }
                continue;
            };
            let Some(service) = world.service(next.to).filter(|_| next.waits) else {
                continue;
            };
            match state.get(next.to) {
                Some(true) => {}
                Some(false) if next.from.file == project.file => {
                    tell_circle(&trail, &next, findings);
                }
                Some(false) => {}
                None => {
                    state.insert(service.name, false);
                    trail.push((service.name, references_of(world, service)));
                }
            }
        }
    }
}

fn tell_circle(
    trail: &[(&str, Vec<Reference<'_>>)],
    last: &Reference<'_>,
    findings: &mut Findings,
) {
    let names = trail.iter().map(|(name, _)| *name);
    let mut circle: Vec<&str> = names.skip_while(|name| *name != last.to).collect();
    circle.push(last.to);
    if circle.len() > 10 {
        circle.splice(4..circle.len() - 4, ["..."]);
    }
    findings
        .add(
            &CYCLE,
            last.at.range().start,
            format!("services wait for each other: {}", circle.join(" -> ")),
        )
        .fix("remove one of these dependencies");
}
