//! The report as people, the steps of a job and the readers of its summary get it.

use super::DeployReport;
use super::summary;
use crate::deploy::outcome::Outcome;
use crate::output::Report;

impl Report for DeployReport {
    fn human(&self) -> String {
        let headline = self.headline();
        if headline.is_empty() {
            return headline;
        }
        let text = format!("{}: {headline}", self.outcome.word());
        match (&self.url, self.outcome) {
            (
                Some(url),
                Outcome::Succeeded
                | Outcome::SucceededWithWarnings
                | Outcome::Unchanged
                | Outcome::Started,
            ) => {
                format!("{text}\n{url}")
            }
            _ => text,
        }
    }

    fn step_outputs(&self) -> Vec<(&'static str, String)> {
        let text = |value: &Option<String>| value.clone().unwrap_or_default();
        let bundle = self.bundle.as_ref();
        let reused = bundle.and_then(|bundle| bundle.reused);
        vec![
            ("outcome", self.outcome.word().to_owned()),
            ("version-label", text(&self.version_label)),
            ("environment-url", text(&self.url)),
            ("previous-version-label", text(&self.previous_version_label)),
            ("environment-id", text(&self.environment_id)),
            ("environment-health", text(&self.health)),
            (
                "bundle-sha256",
                bundle.map_or_else(String::new, |bundle| bundle.sha256.clone()),
            ),
            (
                "bundle-reused",
                reused.map_or_else(String::new, |reused| reused.to_string()),
            ),
        ]
    }

    fn summary(&self) -> Option<String> {
        Some(summary::of(&[self], self.outcome))
    }
}
