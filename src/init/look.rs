//! Reads what there is. The only part of `init` that opens the project's files.

use std::path::Path;

use super::propose::{Known, existing};
use super::{Ci, copilot, ebcli, git, jenkins, services, travis, workflow};
use crate::compose;
use crate::config::{Config, FILE_NAME};
use crate::error::Result;

/// Larger files are no configuration.
const LARGEST: u64 = 512 * 1024;

/// What is known of the project below `root`. `file` is the project file, which is the best
/// source there is unless it shall be replaced.
///
/// # Errors
/// [`crate::error::Kind::Config`] for a project file that is wrong.
pub fn look(root: &Path, file: &Path, replace: bool, compose: Option<&Path>) -> Result<Known> {
    let mut found = Vec::new();
    if !replace && file.is_file() {
        let shown = file.file_name().map_or(Path::new(FILE_NAME), Path::new);
        found.push(existing(&Config::read(file, shown)?));
    }
    let text = |path: &str| text(&root.join(path));
    found.extend(text(ebcli::FILE).map(|text| ebcli::read(&text)));
    found.extend(text(travis::FILE).and_then(|text| travis::read(&text)));
    for name in names(&root.join(workflow::FOLDER)) {
        let is_yaml = name.ends_with(".yml") || name.ends_with(".yaml");
        let path = format!("{}/{name}", workflow::FOLDER);
        let content = text(&path).filter(|_| is_yaml);
        found.extend(content.and_then(|content| workflow::read(&path, &content)));
    }
    found.extend(text(jenkins::FILE).and_then(|text| jenkins::read(&text)));
    if let Some(workspace) = text("copilot/.workspace") {
        let environments = names(&root.join("copilot/environments"));
        let manifest = |name: String| {
            let content = text(&format!("copilot/{name}/manifest.yml"))?;
            Some((name, content))
        };
        let services: Vec<_> = names(&root.join(copilot::FOLDER))
            .into_iter()
            .filter_map(manifest)
            .collect();
        found.push(copilot::read(&workspace, &environments, &services));
    }
    let compose = compose.unwrap_or_else(|| Path::new(compose::FILE_NAME));
    let content = self::text(&root.join(compose));
    let folder = root.file_name().unwrap_or_default();
    Ok(Known {
        found,
        folder: folder.to_string_lossy().into_owned(),
        repository: git::look(root),
        services: content.map_or_else(Default::default, |text| services::read(&text)),
        systems: systems(root),
    })
}

/// The CI systems that the project has files of.
fn systems(root: &Path) -> Vec<Ci> {
    let all = [
        (workflow::FOLDER, Ci::Github),
        (".gitlab-ci.yml", Ci::Gitlab),
        (jenkins::FILE, Ci::Jenkins),
        (travis::FILE, Ci::Travis),
    ];
    let there = all.iter().filter(|(path, _)| root.join(path).exists());
    there.map(|(_, ci)| *ci).collect()
}

fn text(path: &Path) -> Option<String> {
    let metadata = std::fs::metadata(path).ok()?;
    let small = metadata.is_file() && metadata.len() <= LARGEST;
    small.then(|| std::fs::read_to_string(path).ok()).flatten()
}

/// The names in a folder, sorted.
fn names(folder: &Path) -> Vec<String> {
    let entries = std::fs::read_dir(folder).into_iter().flatten().flatten();
    let mut names: Vec<String> = entries
        .filter_map(|entry| entry.file_name().into_string().ok())
        .collect();
    names.sort();
    names
}
