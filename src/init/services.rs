//! What a workflow has to know of the compose file: which images it builds, and where they go.

use serde_json::Value;

use super::node::{self, text};

/// The images of a compose file.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Services {
    /// The services that are built here and pulled by the instances.
    pub built: Vec<String>,
    /// The registry that their images go to; none: Docker Hub.
    pub registry: Option<String>,
}

/// Reads a compose file; one that cannot be read has no services, `beanship check` tells why.
#[must_use]
pub fn read(content: &str) -> Services {
    let mut services = Services::default();
    let Ok(file) = node::read("docker-compose.yml", content) else {
        return services;
    };
    let all = file["services"].as_object();
    for (name, service) in all.into_iter().flatten() {
        let image = text(&service["image"]);
        if let (Some(image), false) = (image, service["build"] == Value::Null) {
            services.built.push(name.clone());
            services.registry = services.registry.take().or_else(|| registry(&image));
        }
    }
    services
}

/// The registry's host in an image's name.
#[must_use]
pub fn registry(image: &str) -> Option<String> {
    let (host, _) = image.split_once('/')?;
    let is_host = host.contains(['.', ':']) || host == "localhost";
    (is_host && !host.contains('$')).then(|| host.to_owned())
}
