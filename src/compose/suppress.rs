//! Findings that were looked at and are meant to be so: `# beanship: ignore EB308` behind the
//! line or alone above it, and ids in the project file.

use super::finding::Finding;
use super::source::Source;

const MARK: &str = "beanship: ignore";

/// The findings that nobody switched off.
#[must_use]
pub fn remaining(mut findings: Vec<Finding>, source: &Source, ignored: &[String]) -> Vec<Finding> {
    let lines: Vec<&str> = source.text.lines().collect();
    findings.retain(|finding| {
        let id = finding.rule.id;
        let everywhere = ignored
            .iter()
            .any(|other| other.trim().eq_ignore_ascii_case(id));
        let here = finding.file == source.name && is_marked(&lines, finding.line, id);
        !(everywhere || here)
    });
    findings
}

/// Whether the line (counted from 1), or a comment alone on the line above, names the id.
fn is_marked(lines: &[&str], line: usize, id: &str) -> bool {
    let Some(index) = line.checked_sub(1) else {
        return false;
    };
    let names = |line: &&str| marked_ids(line).any(|marked| marked.eq_ignore_ascii_case(id));
    let above = index.checked_sub(1).and_then(|above| lines.get(above));
    lines.get(index).is_some_and(names)
        || above
            .filter(|line| line.trim_start().starts_with('#'))
            .is_some_and(names)
}

fn marked_ids(line: &str) -> impl Iterator<Item = &str> {
    let comment = line
        .match_indices('#')
        .filter(|(at, _)| *at == 0 || line[..*at].ends_with([' ', '\t']))
        .find_map(|(at, _)| line[at + 1..].trim_start().strip_prefix(MARK));
    comment
        .into_iter()
        .flat_map(|rest| rest.split([' ', ',', '\t']))
        .filter(|word| !word.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_comment_names_ids_for_its_line_or_the_next() {
        let lines = [
            "a: 1 # beanship: ignore EB308, EB403",
            "# beanship: ignore eb307",
            "b: \"# beanship: ignore\"",
            "c: 1",
        ];
        assert!(is_marked(&lines, 1, "EB308") && is_marked(&lines, 1, "EB403"));
        assert!(!is_marked(&lines, 1, "EB307") && !is_marked(&lines, 2, "EB308"));
        assert!(is_marked(&lines, 3, "EB307") && !is_marked(&lines, 4, "EB307"));
        assert!(!is_marked(&lines, 0, "EB307"));
    }
}
