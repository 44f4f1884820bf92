//! The result of `beanship init`.

use serde::Serialize;

use crate::init::propose::{Known, Stage, Wanted};
use crate::init::write::{Fate, Standing};
use crate::init::{Ci, Found};
use crate::output::Report;

/// How it ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Outcome {
    /// Files were written.
    Succeeded,
    /// Everything is there.
    Unchanged,
    /// Nothing was written, as was asked for.
    Planned,
}

/// What was found, what it came to, and what became of the files.
#[derive(Debug, Serialize)]
pub(super) struct Initialised {
    outcome: Outcome,
    found: Vec<Found>,
    app: String,
    region: String,
    environments: Vec<Stage>,
    ci: Ci,
    files: Vec<Standing>,
    next: Vec<String>,
}

impl Initialised {
    pub(super) fn new(
        outcome: Outcome,
        known: Known,
        wanted: &Wanted,
        files: Vec<Standing>,
        next: Vec<String>,
    ) -> Self {
        Self {
            outcome,
            found: known.found,
            app: wanted.app.clone(),
            region: wanted.region.clone(),
            environments: wanted.environments.clone(),
            ci: wanted.ci,
            files,
            next,
        }
    }
}

impl Report for Initialised {
    fn human(&self) -> String {
        let of = |fate: Fate| {
            let files = self.files.iter().filter(move |file| file.fate == fate);
            files.map(|file| file.path.display().to_string())
        };
        let written: Vec<String> = of(Fate::Create).chain(of(Fate::Replace)).collect();
        let mut lines = vec![match self.outcome {
            Outcome::Succeeded => format!("written: {}", written.join(", ")),
            Outcome::Planned => format!("not written: {}", written.join(", ")),
            Outcome::Unchanged => "nothing to write".to_owned(),
        }];
        for path in of(Fate::Keep) {
            lines.push(format!(
                "kept: {path} is there already (`beanship init --force --plan` shows what would change)"
            ));
        }
        if self.outcome != Outcome::Planned {
            lines.push("next:".to_owned());
            lines.extend(self.next.iter().map(|step| format!("  {step}")));
        }
        lines.join("\n")
    }
}
