//! The machine's view: one document on stdout, whether it went well or not.

use serde::Serialize;
use serde_json::Value;

use crate::error::{Error, Fault, Kind};

/// An error inside a JSON document.
#[derive(Debug, Clone, Serialize)]
pub struct Problem {
    kind: Kind,
    message: String,
    hints: Vec<String>,
    #[serde(flatten)]
    fault: Fault,
}

impl Problem {
    /// What happened, and why.
    #[must_use]
    pub fn message(&self) -> &str {
        &self.message
    }

    /// What the reader can do.
    #[must_use]
    pub fn hints(&self) -> &[String] {
        &self.hints
    }
}

impl From<&Error> for Problem {
    fn from(error: &Error) -> Self {
        Self {
            kind: error.kind(),
            message: error.to_string(),
            hints: error
                .problems()
                .flat_map(|problem| problem.hints().to_vec())
                .collect(),
            fault: error
                .problems()
                .find_map(Error::aws)
                .cloned()
                .unwrap_or_default(),
        }
    }
}

/// A report as the one document.
pub(super) fn document(report: &impl Serialize) -> String {
    serde_json::to_string_pretty(report).unwrap_or_else(|why| failure_text(&why.to_string()))
}

/// The document of a command that failed before it had a report.
pub(super) fn failure(error: &Error) -> String {
    #[derive(Serialize)]
    struct Failure {
        outcome: &'static str,
        error: Problem,
    }
    document(&Failure {
        outcome: "failed",
        error: Problem::from(error),
    })
}

fn failure_text(why: &str) -> String {
    Value::String(why.to_owned()).to_string()
}
