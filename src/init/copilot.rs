//! AWS Copilot's workspace: its application, its environments, its services.

use super::node::{self, text};
use super::{Found, Place};

/// Where it stands.
pub const FOLDER: &str = "copilot";

/// Reads the workspace file, the names of the environments' folders, and the services' manifests.
#[must_use]
pub fn read(workspace: &str, environments: &[String], manifests: &[(String, String)]) -> Found {
    let mut found = Found::of(FOLDER);
    if let Ok(file) = node::read("copilot/.workspace", workspace) {
        found.app = text(&file["application"]);
    }
    let names = environments.iter().filter(|name| *name != "addons");
    found.environments.extend(names.map(|name| Place {
        key: Some(name.clone()),
        ..Place::default()
    }));
    for (service, manifest) in manifests {
        let port = node::read(service, manifest)
            .ok()
            .and_then(|file| text(&file["image"]["port"]));
        let port = port.map_or_else(String::new, |port| {
            format!(", which listens on port {port}")
        });
        found.remarks.push(format!(
            "Copilot's service {service}{port} has to be a service of the compose file"
        ));
    }
    let remark = "Copilot deploys to ECS: its environments are not Elastic Beanstalk's, and stay as they are";
    found.remarks.push(remark.into());
    found
}
