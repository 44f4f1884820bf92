//! What a smoke check came to, for people and machines.

use std::time::Duration;

use serde::Serialize;

use super::super::outcome::Outcome;

/// How the smoke check went. What it did not come to is none.
#[derive(Debug, Serialize)]
pub struct SmokeReport {
    /// Succeeded, failed, skipped, or interrupted.
    pub outcome: Outcome,
    /// How often it was asked over HTTP.
    pub attempts: u32,
    /// The address.
    pub url: Option<String>,
    /// The status of the last answer.
    pub status: Option<u16>,
    /// The command.
    pub command: Option<String>,
    /// What the command exited with; none where it was killed.
    pub exit_code: Option<i32>,
    /// The last lines that a failing command wrote.
    pub output: Vec<String>,
    /// Why it failed.
    pub reason: Option<String>,
    /// How long it took.
    pub duration_seconds: f64,
    /// What to do about a failure.
    #[serde(skip)]
    pub hint: Option<String>,
}

impl Default for SmokeReport {
    /// A check that has not come to its end.
    fn default() -> Self {
        Self {
            outcome: Outcome::Interrupted,
            attempts: 0,
            url: None,
            status: None,
            command: None,
            exit_code: None,
            output: Vec::new(),
            reason: None,
            duration_seconds: 0.0,
            hint: None,
        }
    }
}

impl SmokeReport {
    /// A check that the flag forbade.
    #[must_use]
    pub fn skipped() -> Self {
        Self {
            outcome: Outcome::Skipped,
            ..Self::default()
        }
    }

    /// Notes its end.
    pub(super) fn end(&mut self, result: &Result<(), String>, took: Duration) {
        self.outcome = match result {
            Ok(()) => Outcome::Succeeded,
            Err(_) => Outcome::Failed,
        };
        if self.outcome == Outcome::Succeeded {
            self.hint = None;
        }
        self.reason = result.as_ref().err().cloned();
        self.duration_seconds = (took.as_secs_f64() * 1000.0).round() / 1000.0;
    }

    /// What went well, in words.
    pub(super) fn words(&self) -> String {
        let asked = self.url.as_ref().zip(self.status);
        let asked = asked.map(|(url, status)| format!("GET {url} answered {status}"));
        let ran = self
            .command
            .as_ref()
            .map(|line| format!("`{line}` exited with 0"));
        asked.into_iter().chain(ran).collect::<Vec<_>>().join(", ")
    }

    /// The output of a command that failed.
    pub(super) fn output_shown(&self) -> String {
        if self.output.is_empty() {
            return String::new();
        }
        let lines: Vec<_> = self
            .output
            .iter()
            .map(|line| format!("  | {line}"))
            .collect();
        format!("Smoke check\n{}", lines.join("\n"))
    }
}
