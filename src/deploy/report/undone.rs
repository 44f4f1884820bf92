//! The way back from a failed deploy, as the deploy's report tells it.

use serde::Serialize;

use super::DeployReport;
use crate::deploy::outcome::Outcome;
use crate::deploy::touched::Touched;
use crate::error::Error;
use crate::output::Problem;

/// How the way back from a failed deploy ended.
#[derive(Debug, Serialize)]
pub struct Undone {
    /// How it ended.
    pub outcome: Outcome,
    /// The version that was gone back to.
    pub version_label: Option<String>,
    /// Why that failed.
    pub error: Option<Problem>,
    #[serde(skip)]
    pub(super) words: String,
}

impl Undone {
    /// From the report of the rollback of what a deploy had touched.
    #[must_use]
    pub fn of(report: &DeployReport, error: Option<&Error>, touched: Touched) -> Self {
        let label = report.version_label.as_deref().unwrap_or("no version");
        let words = match error {
            Some(error) => {
                let why = error.message();
                let why = why.strip_prefix("the rollback failed: ").unwrap_or(why);
                format!("the rollback failed too: {why}")
            }
            None => match (touched, report.outcome) {
                (Touched::Version, outcome) => {
                    format!("rolled back to {label}: {}", outcome.word())
                }
                (_, Outcome::Unchanged) => "its settings are those from before".to_owned(),
                (_, outcome) => format!("its settings were set back: {}", outcome.word()),
            },
        };
        Self {
            outcome: report.outcome,
            version_label: report.version_label.clone(),
            error: error.map(Problem::from),
            words,
        }
    }
}
