//! What two files declare under the same name.

use std::collections::HashMap;

use crate::compose::catalog::CONFLICT;
use crate::compose::finding::Findings;
use crate::compose::model::Project;
use crate::compose::opened::Role;
use crate::compose::tree::At;

/// What Compose puts together from all files, and a word for one of it.
const KINDS: [(&str, &str); 5] = [
    ("services", "service"),
    ("networks", "network"),
    ("volumes", "volume"),
    ("secrets", "secret"),
    ("configs", "config"),
];

pub(super) fn check(project: &Project<'_>, findings: &mut Findings) {
    let world = project.world;
    if project.is_base || world.resets {
        return;
    }
    let group = world.files[project.file].group;
    for (kind, word) in KINDS {
        let mut earlier: HashMap<&str, (usize, At<'_>, At<'_>)> = HashMap::new();
        for (index, file) in world.files[..project.file].iter().enumerate() {
            let counts = !matches!(file.role, Role::Extended(_)) && file.group != group;
            let known = file.tree.root().filter(|_| counts);
            let entries = known.and_then(|root| root.get(kind)).into_iter();
            for (key, value) in entries.flat_map(At::entries) {
                let name = key.text().unwrap_or_default();
                earlier.entry(name).or_insert((index, key, value));
            }
        }
        for (key, value) in project.root.get(kind).into_iter().flat_map(At::entries) {
            let name = key.text().unwrap_or_default();
            let Some((index, first, other)) = earlier.get(name) else {
                continue;
            };
            if findings.is_full() || value.means(*other) {
                continue;
            }
            let source = &world.files[*index].source;
            let line = source.place(first.range().start).line;
            let what = format!(
                "the {word} `{name}` stands on line {line} of {} too, and differs: Compose refuses to join them",
                source.name
            );
            findings
                .add(&CONFLICT, key.range().start, what)
                .fix("give one of the two another name, or remove it; what one file adds to another stands in the same entry of `include`, under `path`");
        }
    }
}
