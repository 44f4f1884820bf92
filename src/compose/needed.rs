//! Which variables the compose file cannot do without.

use std::collections::BTreeSet;
use std::path::Path;

use super::opened::{Disk, Files, Opened, Role};
use super::source::Source;
use super::tree::At;
use super::variables::scan;
use super::{files, text_of};

/// The names of variables that the compose file, and those it takes in, use without a default. A
/// file that cannot be read has none: that is told elsewhere.
#[must_use]
pub fn needed_variables(root: &Path, file: &Path) -> Vec<String> {
    let text = files::bytes(&root.join(file)).ok();
    let Some(text) = text.and_then(|bytes| text_of(bytes).ok()) else {
        return Vec::new();
    };
    let on_disk = |path: &str| root.join(path).exists();
    let disk = Disk {
        root,
        in_bundle: &on_disk,
    };
    let name = file.to_string_lossy();
    let files = Files::open(Source::new(name, text), disk);
    let mut names = BTreeSet::new();
    for file in &files.list {
        let mut own = BTreeSet::new();
        if let Some(root) = file.tree.root() {
            collect(root, &mut own);
        }
        let given = own_values(root, file);
        names.extend(own.into_iter().filter(|name| !given.contains(name)));
    }
    names.into_iter().collect()
}

/// The variables that files with values give to an included file: those that are named, or `.env`
/// beside it.
fn own_values(root: &Path, file: &Opened) -> BTreeSet<String> {
    let mut paths = file.env_files.clone();
    if paths.is_empty() && !file.base.is_empty() && matches!(file.role, Role::Included) {
        paths.push(format!("{}/.env", file.base));
    }
    let texts = paths
        .iter()
        .filter_map(|path| files::read(&root.join(path)));
    let mut names = BTreeSet::new();
    for text in texts {
        let names_of = |line: &str| {
            let line = line.trim_start();
            let line = line.strip_prefix("export ").unwrap_or(line);
            let (name, _) = line.split_once('=')?;
            (!name.starts_with('#')).then(|| name.trim().to_owned())
        };
        names.extend(text.lines().filter_map(names_of));
    }
    names
}

fn collect(at: At<'_>, names: &mut BTreeSet<String>) {
    if let Some(text) = at.text() {
        let (variables, _) = scan(text);
        let needed = variables.iter().filter(|variable| {
            // `${NAME:+text}` and `${NAME+text}` are made for variables that are not set.
            let written = &text[variable.range.clone()];
            variable.default.is_none() && !written.contains('+')
        });
        names.extend(needed.map(|variable| variable.name.to_owned()));
    }
    at.items().for_each(|item| collect(item, names));
    at.entries().for_each(|(_, value)| collect(value, names));
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn variables_without_a_default_are_needed() {
        let root = tempfile::tempdir().expect("a directory");
        let text = "services:\n  web:\n    # $NOT_THIS\n    image: 'app:${TAG:-1}'\n    environment:\n      A: $A\n      B: '${B}'\n      C: '${C:?give it}'\n      D: '${D:+set}'\n      E: 'cost: $$5'\n    ports: ['${PORT}:80']\n";
        std::fs::write(root.path().join("c.yml"), text).expect("a file");
        let names = needed_variables(root.path(), Path::new("c.yml"));
        assert_eq!(names, ["A", "B", "C", "PORT"]);
        assert!(needed_variables(root.path(), Path::new("none.yml")).is_empty());
    }

    #[test]
    fn included_files_need_theirs_unless_a_file_gives_them() {
        let root = tempfile::tempdir().expect("a directory");
        for (name, text) in [
            (
                "c.yml",
                "include:\n  - a/a.yml\n  - { path: b.yml, env_file: b.env }\nservices: { web: { image: 'w:${WEB}', extends: { file: base.yml, service: x } } }\n",
            ),
            (
                "a/a.yml",
                "services: { a: { image: 'a:${A}', command: '${BOTH}' } }\n",
            ),
            ("a/.env", "# A=0\nexport A=1\n"),
            ("b.yml", "services: { b: { image: 'b:${B}' } }\n"),
            ("b.env", "B=1\n"),
            ("base.yml", "services: { x: { command: '${BASE}' } }\n"),
        ] {
            let path = root.path().join(name);
            std::fs::create_dir_all(path.parent().expect("a folder")).expect("a folder");
            std::fs::write(path, text).expect("a file");
        }
        let names = needed_variables(root.path(), Path::new("c.yml"));
        assert_eq!(names, ["BASE", "BOTH", "WEB"]);
    }
}
