//! Networks, volumes, secrets and configs: what is used is declared, what is declared can be made.

use crate::compose::catalog::{NO_RESOURCE, NO_SECRET_SOURCE, NOT_ON_INSTANCE};
use crate::compose::finding::Findings;
use crate::compose::model::{Project, Service, Sort, mounts, texts};
use crate::compose::tree::At;
use crate::yaml::nearest;

pub(super) fn check(project: &Project<'_>, findings: &mut Findings) {
    for service in &project.services {
        for (at, name, kind) in uses(service) {
            // What an extending service takes back is not used.
            let counts = project.world.complete && !(project.is_base && project.world.resets);
            if !findings.is_full() && counts {
                declared(project, service, at, &name, kind, findings);
            }
        }
    }
    if !project.is_base {
        external(project, findings);
        sources(project, findings);
    }
}

/// What a service uses: where, the name, and the top-level key that must hold it.
fn uses<'a>(service: &Service<'a>) -> Vec<(At<'a>, String, &'static str)> {
    let mut found = Vec::new();
    let networks = service.get("networks");
    let named = networks
        .into_iter()
        .flat_map(At::entries)
        .map(|(key, _)| key);
    let listed = networks.into_iter().flat_map(At::items);
    for at in named.chain(listed) {
        let name = at.text().unwrap_or_default();
        if name != "default" {
            found.push((at, name.to_owned(), "networks"));
        }
    }
    for (at, mount) in mounts(service) {
        if let Ok(mount) = mount
            && mount.sort == Sort::Volume
            && let Some(name) = mount.source
        {
            found.push((at, name, "volumes"));
        }
    }
    let build = service.get("build").and_then(|build| build.get("secrets"));
    for (list, kind) in [
        (service.get("secrets"), "secrets"),
        (service.get("configs"), "configs"),
        (build, "secrets"),
    ] {
        for item in list.into_iter().flat_map(At::items) {
            let at = item.get("source").unwrap_or(item);
            found.push((at, at.text().unwrap_or_default().to_owned(), kind));
        }
    }
    let models = service.get("models");
    let named = models.into_iter().flat_map(At::entries).map(|(key, _)| key);
    let listed = models.into_iter().flat_map(At::items);
    for at in named.chain(listed) {
        found.push((at, at.text().unwrap_or_default().to_owned(), "models"));
    }
    found.retain(|(_, name, _)| !name.is_empty() && !name.contains('$'));
    found
}

fn declared(
    project: &Project<'_>,
    service: &Service<'_>,
    at: At<'_>,
    name: &str,
    kind: &'static str,
    findings: &mut Findings,
) {
    if project.world.declares(kind, name) {
        return;
    }
    let one = &kind[..kind.len() - 1];
    let what = format!(
        "service `{}` uses the {one} `{name}`, which is not declared under `{kind}`",
        service.name
    );
    let mut names: Vec<&str> = project.world.declared(kind).take(500).collect();
    names.sort_unstable();
    let near = nearest(name, names.into_iter());
    let start = at.range().start;
    if let Some(near) = near {
        findings
            .add(
                &NO_RESOURCE,
                start,
                format!("{what}: did you mean `{near}`?"),
            )
            .fix(format!("write `{near}`"));
    } else if kind == "volumes" && name.contains(['/', '.']) {
        findings
            .add(
                &NO_RESOURCE,
                start,
                format!("{what}: a path must begin with `./` or `/`"),
            )
            .fix(format!(
                "write `./{name}` if a folder beside the compose file is meant"
            ));
    } else {
        findings
            .add(&NO_RESOURCE, start, what)
            .fix(format!("add `{name}` under the top-level key `{kind}`"));
    }
}

fn is_external(value: At<'_>) -> bool {
    value
        .get("external")
        .is_some_and(|external| external.is_true() || external.is_map())
}

/// A hook or a command of .ebextensions may make what is external before Compose starts.
fn may_be_made_before(project: &Project<'_>) -> bool {
    [".platform/hooks", ".ebextensions"]
        .into_iter()
        .any(|path| project.in_bundle(path) && project.around.root.join(path).exists())
}

fn external(project: &Project<'_>, findings: &mut Findings) {
    if may_be_made_before(project) {
        return;
    }
    for kind in ["networks", "volumes"] {
        for (key, value) in project.root.get(kind).into_iter().flat_map(At::entries) {
            if is_external(value) {
                let (one, name) = (&kind[..kind.len() - 1], key.text().unwrap_or_default());
                findings
                    .add(&NOT_ON_INSTANCE, key.range().start, format!("the {one} `{name}` is external: a new instance does not have it, and Compose does not make it"))
                    .fix("remove `external`, or make it in .platform/hooks/predeploy and .platform/confighooks/predeploy");
            }
        }
    }
}

fn sources(project: &Project<'_>, findings: &mut Findings) {
    for (kind, wanted) in [
        ("secrets", &["file", "environment", "driver"][..]),
        (
            "configs",
            &[
                "file",
                "environment",
                "content",
                "driver",
                "template_driver",
            ][..],
        ),
    ] {
        for (key, value) in project.root.get(kind).into_iter().flat_map(At::entries) {
            let given = wanted.iter().any(|key| value.get(key).is_some());
            if given || is_external(value) || value.is_reset() || project.world.files.len() > 1 {
                continue;
            }
            let (one, name) = (&kind[..kind.len() - 1], key.text().unwrap_or_default());
            findings
                .add(
                    &NO_SECRET_SOURCE,
                    key.range().start,
                    format!("the {one} `{name}` does not say where its content comes from"),
                )
                .fix("add `file: PATH` or `environment: NAME`");
        }
    }
}

/// The folders and files of `env_file`, in both syntaxes: the place, the path, whether it must
/// be there.
pub fn env_files<'a>(service: &Service<'a>) -> Vec<(At<'a>, &'a str, bool)> {
    let list = service.get("env_file");
    let long = list.into_iter().flat_map(At::items).filter_map(|item| {
        let path = item.get("path")?;
        let required = item.get("required").and_then(At::text) != Some("false");
        Some((path, path.text()?, required))
    });
    let short = list.map(texts).unwrap_or_default().into_iter();
    short
        .filter_map(|at| Some((at, at.text()?, true)))
        .chain(long)
        .collect()
}
