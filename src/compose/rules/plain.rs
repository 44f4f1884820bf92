//! EB0xx: what YAML itself makes of the text, before anything in it has a meaning.

use crate::compose::catalog::{BAD_VARIABLE, NO_MERGE, OLDER_READING, SECOND_DOCUMENT, TWICE};
use crate::compose::finding::Findings;
use crate::compose::model::Project;
use crate::compose::scalar::older_reading;
use crate::compose::tree::{At, Tree};
use crate::compose::variables::scan;

pub(super) fn check(tree: &Tree, project: &Project<'_>, findings: &mut Findings) {
    for (range, key) in &tree.repeated {
        findings
            .add(
                &TWICE,
                range.start,
                format!("the key `{key}` stands here twice: only one can count"),
            )
            .fix("remove one of the two, or join them");
    }
    for range in &tree.unmergeable {
        findings
            .add(
                &NO_MERGE,
                range.start,
                "`<<` cannot merge this: it is no map",
            )
            .fix("name the anchor of a map, as in `<<: *defaults`");
    }
    if let Some(at) = tree.second {
        findings
            .add(
                &SECOND_DOCUMENT,
                at,
                "a second document begins here: only the first one is checked",
            )
            .fix("put the second document into a file of its own");
    }
    values(project.root, None, project, findings);
}

/// Keys whose value is true or false, and never text.
const SWITCHES: [&str; 20] = [
    "attach",
    "attachable",
    "create_host_path",
    "disable",
    "enable_ipv4",
    "enable_ipv6",
    "external",
    "init",
    "initial_sync",
    "internal",
    "no_cache",
    "nocopy",
    "oom_kill_disable",
    "privileged",
    "pull",
    "read_only",
    "required",
    "stdin_open",
    "tty",
    "use_api_socket",
];

/// Keys whose names are anybody's.
const FREE: [&str; 7] = [
    "environment",
    "args",
    "labels",
    "annotations",
    "options",
    "driver_opts",
    "sysctls",
];

/// Looks at every value; what stands under `x-` keys is nobody's business.
fn values(at: At<'_>, above: Option<&str>, project: &Project<'_>, findings: &mut Findings) {
    let free = above.is_some_and(|above| FREE.contains(&above));
    for (key, value) in at.entries() {
        let name = key.text().unwrap_or_default();
        if findings.is_full() {
            return;
        }
        if above.is_some() || !name.starts_with("x-") {
            let is_switch = !free && SWITCHES.contains(&name);
            one(value, name, is_switch, project, findings);
        }
    }
    for value in at.items() {
        if findings.is_full() {
            return;
        }
        one(value, "", false, project, findings);
    }
}

fn one(value: At<'_>, name: &str, is_switch: bool, project: &Project<'_>, findings: &mut Findings) {
    let Some(text) = value.text() else {
        return values(value, Some(name), project, findings);
    };
    let range = value.range();
    if value.is_plain()
        && let Some(reading) = older_reading(text)
    {
        let word = reading.as_str();
        if is_switch && matches!(word, "true" | "false") {
            let what =
                format!("`{text}` is text that only some versions of Compose read as {word}");
            findings
                .add(&OLDER_READING, range.start, what)
                .fix(format!("write `{word}`"))
                .edit(range.clone(), word);
            return;
        }
        findings
            .add(
                &OLDER_READING,
                range.start,
                format!("`{text}` may not stay text: older versions of Compose read {reading}"),
            )
            .fix(format!("write \"{text}\" with quotes"))
            .edit(range.clone(), format!("\"{text}\""));
    }
    variables(value, text, project, findings);
}

fn variables(value: At<'_>, text: &str, project: &Project<'_>, findings: &mut Findings) {
    if !text.contains('$') {
        return;
    }
    let range = value.range();
    let written = project.source.text.get(range.clone()).unwrap_or_default();
    // What is escaped or folded stands elsewhere than in the text that it means.
    let offset = written.find(text).map(|skip| range.start + skip);
    for mistake in scan(text).1 {
        let at = offset.map_or(range.start, |offset| offset + mistake.at);
        let (what, fix) = match mistake.dash {
            Some(_) => ("a default needs `:-`", "write `${NAME:-default}`"),
            None => (
                "a dollar sign begins a variable, and this is none",
                "write `$$` for a dollar sign, `${NAME}` for a variable",
            ),
        };
        let draft = findings.add(
            &BAD_VARIABLE,
            at,
            format!("Compose cannot read this value: {what}"),
        );
        draft.fix(fix);
        if let (Some(dash), Some(offset)) = (mistake.dash, offset) {
            draft.edit(offset + dash..offset + dash, "-");
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::Value;

    use super::*;

    /// The names in the schema whose value may be true or false, and no number.
    fn switches(schema: &Value, found: &mut Vec<String>) {
        let Value::Object(map) = schema else {
            if let Value::Array(several) = schema {
                several.iter().for_each(|one| switches(one, found));
            }
            return;
        };
        for (name, below) in map
            .get("properties")
            .and_then(Value::as_object)
            .into_iter()
            .flatten()
        {
            let types = below["type"].as_array().cloned().unwrap_or_default();
            let types = [types, vec![below["type"].clone()]].concat();
            if types.contains(&"boolean".into()) && !types.contains(&"number".into()) {
                found.push(name.clone());
            }
        }
        map.values().for_each(|below| switches(below, found));
    }

    #[test]
    fn switches_are_those_of_the_schema() {
        let schema: Value = serde_json::from_str(include_str!("../compose-spec.json")).expect("it");
        let mut found = Vec::new();
        switches(&schema, &mut found);
        found.sort();
        found.dedup();
        // Of `restart` there are two, the other one is text; these two take words as well.
        found.retain(|name| !["restart", "provenance", "sbom"].contains(&name.as_str()));
        assert_eq!(found, SWITCHES);
    }
}
