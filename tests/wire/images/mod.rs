//! Images: their digests, the login at their registries, and what a bundle makes of them.

#[cfg(unix)]
mod build;
mod list;
mod pin;
mod registry;

use std::io::Read;

use crate::support::{CONFIG, Project};

/// A project of this compose file, in which a registry is called REGISTRY.
pub fn project(registry: &registry::Registry, compose: &str, config: &str) -> Project {
    let login = format!(
        r#"{{"auths": {{"{}": {{"auth": "{}"}}}}}}"#,
        registry.name,
        registry::LOGIN
    );
    let project = Project::empty()
        .file("beanship.yml", &format!("{CONFIG}{config}"))
        .file(
            "docker-compose.yml",
            &compose.replace("REGISTRY", &registry.name),
        )
        .file(".beanship/docker/config.json", &login)
        .trouble("speed: 100");
    let docker = project.path().join(".beanship/docker");
    project.variable("DOCKER_CONFIG", &docker.to_string_lossy())
}

/// The compose file of the bundle.
pub fn bundled(project: &Project, arguments: &[&str]) -> String {
    let run = project.beanship(&[&["bundle", "-o", ".beanship/out.zip"], arguments].concat());
    assert_eq!(run.code, Some(0), "{}", run.stderr);
    let file = std::fs::File::open(project.path().join(".beanship/out.zip")).expect("a zip");
    let mut zip = zip::ZipArchive::new(file).expect("a zip");
    let mut text = String::new();
    let mut member = zip.by_name("docker-compose.yml").expect("a compose file");
    member.read_to_string(&mut text).expect("text");
    text
}
