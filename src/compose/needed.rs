//! Which variables the compose file cannot do without.

use std::collections::BTreeSet;
use std::path::Path;

use super::tree::{At, Tree};
use super::variables::scan;
use super::{files, text_of};

/// The names of variables that the compose file uses without a default. A file that cannot be
/// read has none: that is told elsewhere.
#[must_use]
pub fn needed_variables(root: &Path, file: &Path) -> Vec<String> {
    let text = files::bytes(&root.join(file)).ok();
    let text = text.and_then(|bytes| text_of(bytes).ok());
    let tree = text.and_then(|text| Tree::read(&text).ok());
    let mut names = BTreeSet::new();
    if let Some(root) = tree.as_ref().and_then(Tree::root) {
        collect(root, &mut names);
    }
    names.into_iter().collect()
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
}
