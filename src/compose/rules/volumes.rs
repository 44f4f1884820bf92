//! What is mounted, built and taken in is where the instance can find it.

use crate::compose::catalog::{
    BAD_VOLUME, MOUNT_LEFT_OUT, NO_CONTEXT, NO_ENV_FILE, NO_FILE, NO_MOUNT_SOURCE, NO_PROPERTIES,
    OWN_MACHINE,
};
use crate::compose::files::{self, Below};
use crate::compose::finding::Findings;
use crate::compose::model::{Project, Service, Sort, mounts, pairs, texts};
use crate::compose::tree::At;
use crate::compose::variables::{scan, with_defaults};

use super::resources::env_files;

pub(super) fn check(project: &Project<'_>, findings: &mut Findings) {
    for service in &project.services {
        if findings.is_full() {
            return;
        }
        mounted(project, service, findings);
        built(project, service, findings);
        environment(project, service, findings);
        taken_in(project, service, findings);
    }
    if !project.is_base {
        top_level(project, findings);
    }
    if project.is_main() {
        properties(project, findings);
    }
}

fn mounted(project: &Project<'_>, service: &Service<'_>, findings: &mut Findings) {
    for (at, mount) in mounts(service) {
        if findings.is_full() {
            return;
        }
        let start = at.range().start;
        let mount = match mount {
            Ok(mount) => mount,
            Err(why) => {
                findings
                    .add(
                        &BAD_VOLUME,
                        start,
                        format!("`{}` is no mount: {why}", at.text().unwrap_or_default()),
                    )
                    .fix("write it as in `./data:/var/lib/data`");
                continue;
            }
        };
        if !mount.target.starts_with('/') && !mount.target.contains(['$', '\\']) {
            findings
                .add(
                    &BAD_VOLUME,
                    start,
                    format!(
                        "`{}` is no place in a container: it must begin with `/`",
                        mount.target
                    ),
                )
                .fix("write the whole path, as in `/app/data`");
        }
        let Some(source) = mount.source.filter(|_| mount.sort == Sort::Bind) else {
            continue;
        };
        match project.below(&source) {
            Below::Inside(path) => inside(project, service, at, &source, &path, findings),
            Below::Above => {
                findings.add(&NO_MOUNT_SOURCE, start, format!("service `{}` mounts {source}, which is outside of the bundle: Docker makes an empty folder instead", service.name)).fix("move it below the compose file, or copy it into the image");
            }
            Below::Elsewhere if files::is_personal(&source) => {
                findings
                    .add(
                        &OWN_MACHINE,
                        start,
                        format!(
                            "service `{}` mounts {source}, which an instance does not have",
                            service.name
                        ),
                    )
                    .fix("copy it into the image, or mount a path below the compose file");
            }
            Below::Elsewhere => {}
        }
    }
}

fn inside(
    project: &Project<'_>,
    service: &Service<'_>,
    at: At<'_>,
    source: &str,
    path: &str,
    findings: &mut Findings,
) {
    if path.is_empty() || path == ".env" || project.in_bundle(path) {
        return;
    }
    let (start, name, lies) = (at.range().start, service.name, project.whereabouts(path));
    let text = format!("service `{name}` mounts {source}, which {lies}");
    if project.left_out(path).is_some() {
        let text = format!("{text}; on an instance Docker makes an empty folder instead");
        findings.add(&MOUNT_LEFT_OUT, start, text).fix(format!(
            "{}; or mount a volume if it may begin empty",
            keep(path)
        ));
        return;
    }
    let text =
        format!("{text}: Docker makes an empty folder, which hides what the image has there");
    findings
        .add(&NO_MOUNT_SOURCE, start, text)
        .fix("remove the mount, as the image holds the app; or add the files");
}

/// How a path gets into the bundle that a rule leaves out.
fn keep(path: &str) -> String {
    format!("add `{path}` to `bundle.include` in beanship.yml, or change the rule")
}

fn built(project: &Project<'_>, service: &Service<'_>, findings: &mut Findings) {
    let Some(build) = service.get("build") else {
        return;
    };
    let named = service.get("image").is_some();
    if (named && project.around.builds) || project.is_replaced(service, "build") {
        return;
    }
    let context = build
        .get("context")
        .or(Some(build).filter(|build| build.text().is_some()));
    let text = match context.map(|at| at.filled().and_then(with_defaults)) {
        Some(Some(text)) => text,
        Some(None) => return,
        None => ".".to_owned(),
    };
    let at = context.unwrap_or(build).range().start;
    if files::is_remote(&text) {
        return;
    }
    let folder = match project.below(&text) {
        Below::Inside(path) => path,
        Below::Above | Below::Elsewhere => {
            findings.add(&NO_CONTEXT, at, format!("service `{}` is built from {text}, which is outside of the bundle", service.name)).fix("move the folder below the compose file, or build the image elsewhere and name it under `image`");
            return;
        }
    };
    if !folder.is_empty() && !project.in_bundle(&folder) {
        let draft = findings.add(
            &NO_CONTEXT,
            at,
            format!(
                "service `{}` is built from {text}, which {}",
                service.name,
                project.whereabouts(&folder)
            ),
        );
        match files::other_case(project.around.root, &folder) {
            _ if project.left_out(&folder).is_some() && named => draft.fix(format!(
                "push the image as part of the deploy: `beanship deploy --build`; or {}",
                keep(&folder)
            )),
            _ if project.left_out(&folder).is_some() => draft.fix(keep(&folder)),
            Some(other) => draft.fix(format!(
                "write `{other}`: upper and lower case differ on an instance"
            )),
            None => draft.fix("add the folder, or name an image that was built elsewhere"),
        };
        return;
    }
    dockerfile(project, service, build, &folder, findings);
}

fn dockerfile(
    project: &Project<'_>,
    service: &Service<'_>,
    build: At<'_>,
    folder: &str,
    findings: &mut Findings,
) {
    if build.get("dockerfile_inline").is_some() {
        return;
    }
    let named = build.get("dockerfile");
    let name = match named.map(|at| at.filled().and_then(with_defaults)) {
        Some(Some(name)) => name,
        Some(None) => return,
        None => "Dockerfile".to_owned(),
    };
    let path = format!("{folder}/{name}");
    let Below::Inside(path) = files::below(&format!("./{}", path.trim_start_matches('/'))) else {
        return;
    };
    if !project.in_bundle(&path) {
        let at = named.unwrap_or(build).range().start;
        let draft = findings.add(
            &NO_CONTEXT,
            at,
            format!(
                "service `{}` is built with {path}, which {}",
                service.name,
                project.whereabouts(&path)
            ),
        );
        match files::other_case(project.around.root, &path) {
            _ if project.left_out(&path).is_some() => draft.fix(keep(&path)),
            Some(other) => draft.fix(format!(
                "rename {other}: upper and lower case differ on an instance"
            )),
            None => draft.fix("add the Dockerfile, or name the right one under `build.dockerfile`"),
        };
    }
}

fn environment(project: &Project<'_>, service: &Service<'_>, findings: &mut Findings) {
    for (at, path, required) in env_files(service) {
        let Some(text) = with_defaults(path).filter(|_| required) else {
            continue;
        };
        must_be_there(
            project,
            at,
            &text,
            &NO_ENV_FILE,
            &format!("service `{}` reads", service.name),
            findings,
        );
    }
}

/// A file that Compose refuses to start without.
fn must_be_there(
    project: &Project<'_>,
    at: At<'_>,
    text: &str,
    rule: &'static crate::compose::finding::Rule,
    who: &str,
    findings: &mut Findings,
) {
    let path = match project.below(text) {
        Below::Inside(path) if path == ".env" || project.in_bundle(&path) => return,
        Below::Inside(path) => Some(path),
        Below::Above => None,
        Below::Elsewhere if files::is_personal(text) => None,
        Below::Elsewhere => return,
    };
    let (text, fix) = match &path {
        Some(path) if project.left_out(path).is_some() => (
            format!(
                "{who} {text}, which {}; Compose does not start without it",
                project.whereabouts(path)
            ),
            keep(path),
        ),
        _ => (
            format!("{who} {text}, which is not in the bundle: Compose does not start"),
            "add the file, and see what is in the bundle with `beanship bundle --list`".to_owned(),
        ),
    };
    findings.add(rule, at.range().start, text).fix(fix);
}

fn taken_in(project: &Project<'_>, service: &Service<'_>, findings: &mut Findings) {
    let file = service
        .get("extends")
        .and_then(|extends| extends.get("file"));
    for at in file.into_iter().chain(service.texts("label_file")) {
        if let Some(text) = at
            .filled()
            .and_then(with_defaults)
            .filter(|text| !files::is_remote(text))
        {
            must_be_there(
                project,
                at,
                &text,
                &NO_FILE,
                &format!("service `{}` takes in", service.name),
                findings,
            );
        }
    }
}

fn top_level(project: &Project<'_>, findings: &mut Findings) {
    let mut wanted: Vec<(At<'_>, &str)> = Vec::new();
    for item in project.root.get("include").into_iter().flat_map(At::items) {
        let path = item.get("path").unwrap_or(item);
        let paths = texts(path).into_iter();
        wanted.extend(paths.map(|at| (at, "the compose file includes")));
        let env_files = item.get("env_file").map(texts).unwrap_or_default();
        let env_files = env_files.into_iter();
        wanted.extend(env_files.map(|at| (at, "for what it includes the compose file reads")));
    }
    for (kind, who) in [
        ("secrets", "a secret is read from"),
        ("configs", "a config is read from"),
    ] {
        let entries = project.root.get(kind).into_iter().flat_map(At::entries);
        wanted.extend(entries.filter_map(|(_, value)| Some((value.get("file")?, who))));
    }
    for (at, who) in wanted {
        if let Some(text) = at
            .filled()
            .and_then(with_defaults)
            .filter(|text| !files::is_remote(text))
        {
            must_be_there(project, at, &text, &NO_FILE, who, findings);
        }
    }
}

/// Whether any container can see what the environment's properties say.
fn properties(project: &Project<'_>, findings: &mut Findings) {
    let world = project.world;
    let bare = |service: &Service<'_>| {
        let pairs = service.get("environment").map(pairs).unwrap_or_default();
        pairs.iter().any(|pair| pair.value.is_none())
    };
    let reaches = |file: &crate::compose::opened::Opened, service: &Service<'_>| {
        let is_env = |path: &str| {
            let path = files::below(&files::join(&file.base, path));
            path == Below::Inside(".env".to_owned())
        };
        env_files(service).iter().any(|(_, path, _)| is_env(path)) || bare(service)
    };
    let any = world.each().any(|service| {
        let whole = world.whole(service);
        let mut parts = whole.parts.iter();
        !whole.complete || parts.any(|it| reaches(&world.files[it.file], it))
    });
    let mut texts = world.files.iter().map(|file| &file.source.text);
    if world.services.is_empty()
        || !world.complete
        || any
        || texts.any(|text| !scan(text).0.is_empty())
    {
        return;
    }
    if let Some((key, _)) = project.root.entry("services") {
        findings
            .add(&NO_PROPERTIES, key.range().start, "no container sees the environment's properties: no service has `env_file: .env`")
            .fix("add `env_file: .env` to the services that need them; Elastic Beanstalk writes the file");
    }
}
