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
    values(project.root, true, project, findings);
}

/// Looks at every value; what stands under `x-` keys is nobody's business.
fn values(at: At<'_>, top: bool, project: &Project<'_>, findings: &mut Findings) {
    for (key, value) in at.entries() {
        let own = top && key.text().is_some_and(|key| key.starts_with("x-"));
        if findings.is_full() {
            return;
        }
        if !own {
            one(value, project, findings);
        }
    }
    for value in at.items() {
        if findings.is_full() {
            return;
        }
        one(value, project, findings);
    }
}

fn one(value: At<'_>, project: &Project<'_>, findings: &mut Findings) {
    let Some(text) = value.text() else {
        return values(value, false, project, findings);
    };
    let range = value.range();
    if value.is_plain()
        && let Some(reading) = older_reading(text)
    {
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
