//! The text of a tail, split into the files it is made of. Each file begins with its path
//! between two lines of dashes; how many dashes, and how many empty lines around them, differs
//! between platforms.

use serde::Serialize;

/// The fewest dashes that count as a rule.
const DASHES: usize = 8;

/// One file of an instance's logs.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Section {
    /// Its path on the instance; empty for what stands before the first heading.
    pub path: String,
    /// Its last lines.
    pub lines: Vec<String>,
}

impl Section {
    /// The file's name without its folders.
    #[must_use]
    pub fn name(&self) -> &str {
        self.path.rsplit('/').next().unwrap_or(&self.path)
    }
}

/// Splits a tail. Empty lines at the ends of a file are left out, and so are files that are
/// nothing but a heading at the very beginning without a path.
#[must_use]
pub fn split(text: &str) -> Vec<Section> {
    let lines: Vec<&str> = text.lines().map(str::trim_end).collect();
    let mut sections = vec![Section {
        path: String::new(),
        lines: Vec::new(),
    }];
    let mut at = 0;
    while at < lines.len() {
        if let Some((path, used)) = heading(&lines[at..]) {
            sections.push(Section {
                path: path.to_owned(),
                lines: Vec::new(),
            });
            at += used;
            continue;
        }
        if let Some(section) = sections.last_mut() {
            section.lines.push(lines[at].to_owned());
        }
        at += 1;
    }
    for section in &mut sections {
        let filled = |line: &String| !line.is_empty();
        let end = section
            .lines
            .iter()
            .rposition(filled)
            .map_or(0, |last| last + 1);
        section.lines.truncate(end);
        let start = section.lines.iter().position(filled).unwrap_or(end);
        section.lines.drain(..start);
    }
    sections.retain(|section| !section.path.is_empty() || !section.lines.is_empty());
    sections
}

/// A heading at the beginning of these lines: its path, and how many lines it takes.
fn heading<'a>(lines: &[&'a str]) -> Option<(&'a str, usize)> {
    let path = lines.get(1)?.trim();
    let odd = |char: char| char.is_whitespace() || char.is_control();
    let is_path = path.starts_with('/') && !path.contains(odd);
    if !is_rule(lines[0]) || !is_path {
        return None;
    }
    match lines.get(2) {
        Some(line) if is_rule(line) => Some((path, 3)),
        // A heading without its second rule, as long as it can be nothing else.
        _ if path.starts_with("/var/log/") => Some((path, 2)),
        _ => None,
    }
}

fn is_rule(line: &str) -> bool {
    let line = line.trim();
    line.len() >= DASHES && line.bytes().all(|byte| byte == b'-')
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(text: &str) -> Vec<(String, usize)> {
        split(text)
            .into_iter()
            .map(|section| (section.path, section.lines.len()))
            .collect()
    }

    #[test]
    fn headings_of_any_width_begin_a_file() {
        let rule = "-".repeat(40);
        let wide = "-".repeat(61);
        let text = format!(
            "\n\n{rule}\n/var/log/eb-engine.log\n{rule}\n2026/01/02 [INFO] a\n2026/01/02 [INFO] b\n\n\n\n{wide}\r\n/var/log/eb-hooks.log\r\n{wide}\r\nc\r\n\n{rule}\n/var/log/empty.log\n{rule}\n"
        );
        assert_eq!(
            shown(&text),
            [
                ("/var/log/eb-engine.log".to_owned(), 2),
                ("/var/log/eb-hooks.log".to_owned(), 1),
                ("/var/log/empty.log".to_owned(), 0),
            ]
        );
    }

    #[test]
    fn dashes_within_a_log_are_lines_of_it() {
        let rule = "-".repeat(40);
        let text = format!(
            "before\n{rule}\n/var/log/app.log\n{rule}\n{rule}\nGET /health 200\n{rule}\n/a b\n{rule}\n--\n/x\n--"
        );
        assert_eq!(
            shown(&text),
            [(String::new(), 1), ("/var/log/app.log".to_owned(), 8)]
        );
        let half = format!("{rule}\n/var/log/web.stdout.log\nhello");
        assert_eq!(shown(&half), [("/var/log/web.stdout.log".to_owned(), 1)]);
    }

    #[test]
    fn nothing_is_nothing() {
        assert!(split("").is_empty());
        assert!(split("\n\n").is_empty());
    }
}
