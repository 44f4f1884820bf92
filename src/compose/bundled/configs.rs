//! `.ebextensions/*.config`: YAML or JSON with known keys at the top.

use crate::compose::catalog::{CONFIG_FILE, NO_CONFIG_FILE};
use crate::compose::files;
use crate::compose::finding::Findings;
use crate::compose::model::Surroundings;
use crate::compose::source::Source;
use crate::compose::tree::{At, Tree};
use crate::yaml::nearest;

const FOLDER: &str = ".ebextensions";

/// What may stand at the top of a file.
const KEYS: [&str; 13] = [
    "option_settings",
    "packages",
    "groups",
    "users",
    "sources",
    "files",
    "commands",
    "services",
    "container_commands",
    "Resources",
    "Outputs",
    "Mappings",
    "Conditions",
];

/// Allowed too, and never a misspelling of the others.
const MORE_KEYS: [&str; 3] = ["Parameters", "Metadata", "AWSTemplateFormatVersion"];

pub(super) fn check(around: &Surroundings<'_>, findings: &mut Findings) {
    for name in files::names(around.root, FOLDER) {
        let path = format!("{FOLDER}/{name}");
        let place = around.root.join(&path);
        if findings.is_full() || !(around.in_bundle)(&path) || !place.is_file() {
            continue;
        }
        let ends = [".yml", ".yaml", ".json", ".conf", ".CONFIG"];
        if ends.iter().any(|end| name.ends_with(end)) {
            findings
                .add_in(
                    &NO_CONFIG_FILE,
                    path,
                    super::START,
                    None,
                    "Elastic Beanstalk ignores this file: its name does not end in .config",
                )
                .fix("rename it");
        } else if name.ends_with(".config") {
            file(around, path, findings);
        }
    }
}

fn file(around: &Surroundings<'_>, path: String, findings: &mut Findings) {
    let Some(text) = files::read(&around.root.join(&path)) else {
        findings.add_in(
            &CONFIG_FILE,
            path,
            super::START,
            None,
            "the file cannot be read: it is not a small text file",
        );
        return;
    };
    let source = Source::new(path, text);
    let mut tell = |byte: usize, message: String, fix: &str| {
        let shown = source.excerpt(byte);
        findings
            .add_in(
                &CONFIG_FILE,
                &source.name,
                source.place(byte),
                Some(shown),
                message,
            )
            .fix(fix);
    };
    let tree = match Tree::read(&source.text) {
        Ok(tree) => tree,
        Err(why) => {
            return tell(
                why.at,
                format!("this is neither YAML nor JSON: {}", why.why),
                "correct it; YAML is indented with spaces",
            );
        }
    };
    for (range, key) in &tree.repeated {
        tell(
            range.start,
            format!("the key `{key}` stands here twice: Elastic Beanstalk drops one of them"),
            "join the two",
        );
    }
    if let Some(root) = tree.root() {
        top(root, &mut tell);
    }
}

/// The keys at the top of a file.
fn top(root: At<'_>, tell: &mut impl FnMut(usize, String, &str)) {
    if !root.is_map() {
        let what = "the file must be a map: `option_settings`, `commands`, ...".to_owned();
        return tell(root.range().start, what, "see the guide for .ebextensions");
    }
    for (key, value) in root.entries() {
        let name = key.text().unwrap_or_default();
        if !KEYS.contains(&name) && !MORE_KEYS.contains(&name) {
            let guess = nearest(name, KEYS.into_iter());
            let guess =
                guess.map_or_else(String::new, |guess| format!(": did you mean `{guess}`?"));
            let what = format!("unknown key `{name}`{guess}");
            tell(key.range().start, what, "correct or remove it");
        } else if name == "option_settings" && !is_settings(value) {
            let what = "`option_settings` must be a map of namespaces, or a list of namespace, option_name and value";
            let fix = "write it as in `aws:elasticbeanstalk:command: {Timeout: 600}`";
            tell(value.range().start, what.to_owned(), fix);
        }
    }
}

fn is_settings(value: At<'_>) -> bool {
    if value.is_map() {
        return value.entries().all(|(_, options)| !options.is_list());
    }
    let whole = |item: At<'_>| item.get("option_name").is_some() && item.get("value").is_some();
    value.is_list() && value.items().all(|item| item.is_map() && whole(item))
}
