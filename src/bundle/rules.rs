//! Patterns in gitignore syntax, wherever they come from (a file or a list in the project file), and
//! the rule, with its line, that decided about a path.
//!
//! Matching is the `ignore` crate's. This file adds what it does not tell: the line of a match, and
//! which directories a list of wanted paths can still reach into.

use std::ffi::OsString;
use std::fmt;
use std::fs;
use std::io;
use std::path::{Component, Path, PathBuf};

use ignore::Match;
use ignore::gitignore::{Gitignore, GitignoreBuilder};

/// One pattern and where it stands.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, serde::Serialize)]
pub struct Rule {
    /// A file, relative to the bundle's root where it lies below it, or a key of the project file.
    pub source: String,
    /// The line in that file; `None` for a key of the project file.
    pub line: Option<usize>,
    /// The pattern as written.
    pub pattern: String,
}

impl fmt::Display for Rule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.line {
            Some(line) => write!(f, "`{}` in {} line {line}", self.pattern, self.source),
            None => write!(f, "`{}` in {}", self.pattern, self.source),
        }
    }
}

/// What a set of rules says about a path.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Verdict {
    /// A pattern matches.
    Match(Rule),
    /// A pattern that starts with `!` matches.
    Negated(Rule),
}

/// Which paths a set's patterns are relative to.
#[derive(Debug, Clone)]
pub(super) enum Base {
    /// A directory at or below the bundle's root, as a path from it.
    Within(PathBuf),
    /// A directory above the bundle's root; holds the way from there down to the root.
    Above(PathBuf),
}

impl Base {
    /// The bundle's root itself.
    pub(super) fn root() -> Self {
        Self::Within(PathBuf::new())
    }
}

/// A pattern that the matcher cannot read, and why.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct BadPattern {
    pub(super) rule: Rule,
    pub(super) why: String,
}

struct Line {
    number: Option<usize>,
    given: String,
    matched_as: String,
}

/// All patterns of one source.
pub(super) struct RuleSet {
    source: String,
    base: Base,
    lines: Vec<Line>,
    matcher: Gitignore,
}

impl RuleSet {
    /// Reads a file of patterns; `source` is how messages call it.
    pub(super) fn read(
        path: &Path,
        source: String,
        base: Base,
    ) -> io::Result<(Self, Vec<BadPattern>)> {
        let bytes = fs::read(path)?;
        let text = String::from_utf8_lossy(&bytes);
        let text = text.strip_prefix('\u{feff}').unwrap_or(&text);
        let numbered = text
            .lines()
            .enumerate()
            .map(|(index, line)| (Some(index + 1), line));
        Ok(Self::parse(numbered, source, base))
    }

    /// Takes the patterns of a list in the project file; `source` is its key.
    pub(super) fn list(patterns: &[String], source: &str) -> (Self, Vec<BadPattern>) {
        let lines = patterns.iter().map(|pattern| (None, pattern.as_str()));
        Self::parse(lines, source.to_owned(), Base::root())
    }

    fn parse<'a>(
        given: impl Iterator<Item = (Option<usize>, &'a str)>,
        source: String,
        base: Base,
    ) -> (Self, Vec<BadPattern>) {
        let mut builder = GitignoreBuilder::new("");
        let mut lines = Vec::new();
        let mut bad = Vec::new();
        for (number, pattern) in given {
            let matched_as = literal_braces(pattern);
            let given = pattern.trim_end().to_owned();
            match builder.add_line(None, &matched_as) {
                Ok(_) if given.is_empty() || given.starts_with('#') => {}
                Ok(_) => lines.push(Line {
                    number,
                    given,
                    matched_as,
                }),
                Err(error) => bad.push(BadPattern {
                    rule: Rule {
                        source: source.clone(),
                        line: number,
                        pattern: given,
                    },
                    why: plain(&error),
                }),
            }
        }
        let matcher = builder.build().unwrap_or_else(|_| Gitignore::empty());
        (
            Self {
                source,
                base,
                lines,
                matcher,
            },
            bad,
        )
    }

    /// Whether there is no pattern at all.
    pub(super) fn is_empty(&self) -> bool {
        self.matcher.is_empty()
    }

    /// What the set says about a path below the bundle's root; the last matching pattern counts.
    pub(super) fn judge(&self, path: &Path, directory: bool) -> Option<Verdict> {
        if self.matcher.is_empty() {
            return None;
        }
        let found = match &self.base {
            Base::Within(base) => self
                .matcher
                .matched(path.strip_prefix(base).ok()?, directory),
            Base::Above(way) => self.matcher.matched(way.join(path), directory),
        };
        match found {
            Match::None => None,
            Match::Ignore(glob) => Some(Verdict::Match(self.rule(glob.original()))),
            Match::Whitelist(glob) => Some(Verdict::Negated(self.rule(glob.original()))),
        }
    }

    /// Whether a path below this directory may match although the directory itself does not.
    pub(super) fn reaches_into(&self, directory: &Path) -> bool {
        self.lines
            .iter()
            .filter(|line| !line.given.starts_with('!'))
            .any(|line| {
                literal_start(&line.given).is_none_or(|start| {
                    directory.starts_with(&start) || start.starts_with(directory)
                })
            })
    }

    fn rule(&self, matched_as: &str) -> Rule {
        let line = self
            .lines
            .iter()
            .rfind(|line| line.matched_as.trim_end() == matched_as.trim_end());
        Rule {
            source: self.source.clone(),
            line: line.and_then(|line| line.number),
            pattern: line.map_or_else(|| matched_as.to_owned(), |line| line.given.clone()),
        }
    }
}

/// The directories that lead to the first wildcard of an anchored pattern; `None` if the pattern
/// matches at any depth.
fn literal_start(pattern: &str) -> Option<PathBuf> {
    let body = pattern.trim_end_matches('/');
    if !body.contains('/') {
        return None;
    }
    let literal: Vec<OsString> = Path::new(body)
        .components()
        .filter(|component| !matches!(component, Component::RootDir | Component::CurDir))
        .map(|component| component.as_os_str().to_owned())
        .take_while(|name| !name.to_string_lossy().contains(['*', '?', '[', '\\']))
        .collect();
    Some(literal.iter().collect())
}

/// gitignore has no alternatives: a brace stands for itself, which the matcher has to be told.
fn literal_braces(pattern: &str) -> String {
    if !pattern.contains(['{', '}']) {
        return pattern.to_owned();
    }
    let mut escaped = String::with_capacity(pattern.len() + 4);
    let mut after_backslash = false;
    for character in pattern.chars() {
        if matches!(character, '{' | '}') && !after_backslash {
            escaped.push('\\');
        }
        after_backslash = character == '\\' && !after_backslash;
        escaped.push(character);
    }
    escaped
}

fn plain(error: &ignore::Error) -> String {
    match error {
        ignore::Error::Glob { err, .. } => err.clone(),
        other => other.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn set(patterns: &[&str]) -> RuleSet {
        let patterns: Vec<String> = patterns.iter().map(ToString::to_string).collect();
        RuleSet::list(&patterns, "bundle.include").0
    }

    #[test]
    fn a_rule_names_the_last_line_that_matches() {
        let lines = ["*.log", "# comment", "", "!keep.log", "*.log  "];
        let numbered = lines
            .iter()
            .enumerate()
            .map(|(index, line)| (Some(index + 1), *line));
        let (set, bad) = RuleSet::parse(numbered, ".gitignore".into(), Base::root());
        assert!(bad.is_empty());
        let Some(Verdict::Match(rule)) = set.judge(Path::new("a/keep.log"), false) else {
            panic!("the last pattern leaves it out");
        };
        assert_eq!(rule.to_string(), "`*.log` in .gitignore line 5");
    }

    #[test]
    fn braces_are_ordinary_characters() {
        let set = set(&["*.{a,b}"]);
        assert!(set.judge(Path::new("x.{a,b}"), false).is_some());
        assert!(set.judge(Path::new("x.a"), false).is_none());
    }

    #[test]
    fn a_pattern_above_the_root_counts_for_paths_below_it() {
        let (set, _) = RuleSet::parse(
            [(Some(1), "/app/dist")].into_iter(),
            "../.gitignore".into(),
            Base::Above("app".into()),
        );
        assert!(set.judge(Path::new("dist"), true).is_some());
        assert!(set.judge(Path::new("other/dist"), true).is_none());
    }

    #[test]
    fn wanted_paths_reach_only_where_they_can_match() {
        let table: &[(&str, &str, bool)] = &[
            ("*.pem", "node_modules/deep", true),
            ("dist/", "node_modules", true),
            ("/dist/app.js", "dist", true),
            ("/dist/app.js", "node_modules", false),
            ("dist/js/*.map", "dist/js", true),
            ("dist/js/*.map", "dist/css", false),
            ("**/keep/x", "node_modules/deep", true),
            ("!dist/x", "dist", false),
        ];
        for (pattern, directory, reaches) in table {
            assert_eq!(
                set(&[pattern]).reaches_into(Path::new(directory)),
                *reaches,
                "{pattern} {directory}"
            );
        }
    }
}
