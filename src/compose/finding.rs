//! What a check says: the rule, the words, the place, and how it can be put right.

use std::ops::Range;
use std::path::PathBuf;

use serde::{Serialize, Serializer};

use super::source::{Place, Source};

/// How bad it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Severity {
    /// The deploy fails, or what it brings does not work.
    Error,
    /// It may not do what was meant.
    Warning,
    /// Good to know.
    Info,
}

impl Severity {
    /// Its name.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Error => "error",
            Self::Warning => "warning",
            Self::Info => "info",
        }
    }
}

/// One rule; its id never changes its meaning.
#[derive(Debug, PartialEq, Eq)]
pub struct Rule {
    /// `EB101`.
    pub id: &'static str,
    /// How bad it is to break it.
    pub severity: Severity,
    /// What it asks for, in a line.
    pub title: &'static str,
    /// Why.
    pub why: &'static str,
}

/// What was found.
#[derive(Debug, Clone, Serialize)]
pub struct Finding {
    /// The rule.
    #[serde(rename = "id", serialize_with = "id_of")]
    pub rule: &'static Rule,
    /// How bad it is.
    pub severity: Severity,
    /// `what: why`.
    pub message: String,
    /// The file, with `/` between names.
    pub file: String,
    /// The line, from 1.
    pub line: usize,
    /// The character in the line, from 1.
    pub column: usize,
    /// What to do about it, in words.
    pub fix: Option<String>,
    /// Whether `--fix` does it.
    pub fixable: bool,
    /// The line with a caret under the place.
    #[serde(skip)]
    pub shown: Option<String>,
    /// What `--fix` does.
    #[serde(skip)]
    pub repair: Option<Repair>,
}

fn id_of<S: Serializer>(rule: &&'static Rule, to: S) -> Result<S::Ok, S::Error> {
    to.serialize_str(rule.id)
}

/// A change that puts one finding right and nothing else.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Repair {
    /// Other text at places of the finding's file.
    Edit(Vec<(Range<usize>, String)>),
    /// Line ends as Linux wants them, in a file below the root.
    UnixLines(PathBuf),
    /// The right to run a file below the root.
    Runnable(PathBuf),
}

/// A finding whose place is not counted yet.
#[derive(Debug)]
pub struct Draft {
    rule: &'static Rule,
    message: String,
    spot: Spot,
    fix: Option<String>,
    repair: Option<Repair>,
}

#[derive(Debug)]
enum Spot {
    Here(usize),
    In(String, Place, Option<String>),
}

impl Draft {
    /// Says what to do.
    pub fn fix(&mut self, words: impl Into<String>) -> &mut Self {
        self.fix = Some(words.into());
        self
    }

    /// Says what `--fix` does.
    pub fn edit(&mut self, range: Range<usize>, text: impl Into<String>) -> &mut Self {
        let edit = (range, text.into());
        match &mut self.repair {
            Some(Repair::Edit(edits)) => edits.push(edit),
            other => *other = Some(Repair::Edit(vec![edit])),
        }
        self
    }

    /// Says what `--fix` does to another file.
    pub fn repair(&mut self, repair: Repair) -> &mut Self {
        self.repair = Some(repair);
        self
    }
}

/// How many findings are kept; a text with more is not the text that was meant.
pub(super) const MOST: usize = 200;

/// What was found so far.
#[derive(Debug, Default)]
pub struct Findings {
    drafts: Vec<Draft>,
    /// Where the newest goes once there are enough.
    spare: Option<Draft>,
    /// What no excerpt may show.
    pub hidden: Vec<Range<usize>>,
}

impl Findings {
    /// Adds one at a byte of the file that is judged.
    pub fn add(
        &mut self,
        rule: &'static Rule,
        at: usize,
        message: impl Into<String>,
    ) -> &mut Draft {
        self.push(rule, Spot::Here(at), message.into())
    }

    /// Adds one in another file.
    pub fn add_in(
        &mut self,
        rule: &'static Rule,
        file: impl Into<String>,
        place: Place,
        shown: Option<String>,
        message: impl Into<String>,
    ) -> &mut Draft {
        self.push(rule, Spot::In(file.into(), place, shown), message.into())
    }

    fn push(&mut self, rule: &'static Rule, spot: Spot, message: String) -> &mut Draft {
        let draft = Draft {
            rule,
            message,
            spot,
            fix: None,
            repair: None,
        };
        if self.is_full() {
            return self.spare.insert(draft);
        }
        self.drafts.push(draft);
        let last = self.drafts.len() - 1;
        &mut self.drafts[last]
    }

    /// Keeps a text of the file out of every excerpt.
    pub fn hide(&mut self, range: Range<usize>) {
        if !self.is_full() {
            self.hidden.push(range);
        }
    }

    /// Whether looking for more is of no use.
    #[must_use]
    pub fn is_full(&self) -> bool {
        self.drafts.len() >= MOST
    }

    /// How many there are.
    #[must_use]
    pub fn count(&self) -> usize {
        self.drafts.len()
    }

    /// Whether a rule was broken.
    #[must_use]
    pub fn has(&self, rule: &'static Rule) -> bool {
        self.drafts.iter().any(|draft| draft.rule == rule)
    }

    /// The findings in the order of the text, each once.
    #[must_use]
    pub fn finish(self, source: &Source) -> Vec<Finding> {
        let mut findings: Vec<Finding> = self
            .drafts
            .into_iter()
            .map(|draft| draft.placed(source))
            .collect();
        let own = &source.name;
        findings.sort_by(|a, b| a.order(own).cmp(&b.order(own)));
        findings.dedup_by(|a, b| {
            a.rule == b.rule
                && a.message == b.message
                && a.order(own).1 == b.order(own).1
                && a.file == b.file
        });
        findings
    }
}

impl Draft {
    fn placed(self, source: &Source) -> Finding {
        let (file, place, shown) = match self.spot {
            Spot::Here(byte) => {
                let shown = (!source.text.is_empty()).then(|| source.excerpt(byte));
                (source.name.clone(), source.place(byte), shown)
            }
            Spot::In(file, place, shown) => (file, place, shown),
        };
        Finding {
            rule: self.rule,
            severity: self.rule.severity,
            message: self.message,
            file,
            line: place.line,
            column: place.column,
            fix: self.fix,
            fixable: self.repair.is_some(),
            shown,
            repair: self.repair,
        }
    }
}

impl Finding {
    /// The compose file's findings come first, each file's by place.
    pub(super) fn order(&self, own: &str) -> ((bool, &str), (usize, usize), &str) {
        (
            (self.file != own, &self.file),
            (self.line, self.column),
            self.rule.id,
        )
    }
}
