//! The reports of one run of `deploy`: of one environment, or of several.

use serde::{Serialize, Serializer};

use super::outcome::Outcome;
use super::report::{DeployReport, summary};
use crate::error::Exit;
use crate::output::Report;
use crate::settings::Target;

/// What became of the deploys of one run; at least one.
#[derive(Debug)]
pub struct Deployments {
    /// One report an environment, in the order they were asked for.
    pub reports: Vec<DeployReport>,
    several: bool,
}

impl Deployments {
    /// One report, until it is known what it is about; whether several environments were asked for decides its shape.
    #[must_use]
    pub fn asked(several: bool) -> Self {
        Self {
            reports: vec![DeployReport::default()],
            several,
        }
    }

    /// Notes what it is about: one report a target.
    pub fn about(&mut self, targets: &[Target]) {
        self.several = targets.len() > 1;
        self.reports = targets
            .iter()
            .map(|target| {
                let mut report = DeployReport::default();
                report.about(target);
                report
            })
            .collect();
    }

    /// The width of the longest name, where more than one environment was asked for.
    #[must_use]
    pub fn width(&self) -> Option<usize> {
        let names = self.reports.iter().filter_map(|it| it.environment.as_ref());
        names.map(String::len).max().filter(|_| self.several)
    }

    /// The outcome of the environment that it went worst for.
    #[must_use]
    pub fn outcome(&self) -> Outcome {
        let worst = self.reports.iter().max_by_key(|it| it.outcome.severity());
        worst.map_or(Outcome::Failed, |report| report.outcome)
    }

    /// The exit code of the environment that it went worst for.
    #[must_use]
    pub fn exit(&self) -> Exit {
        let exits = self.reports.iter().map(DeployReport::exit);
        exits.fold(Exit::Done, Exit::worst)
    }
}

/// A single deploy's report as it is; several with the worst outcome first.
impl Serialize for Deployments {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        #[derive(Serialize)]
        struct Several<'a> {
            outcome: Outcome,
            deployments: &'a [DeployReport],
        }
        match self.reports.as_slice() {
            [only] if !self.several => only.serialize(to),
            deployments => Several {
                outcome: self.outcome(),
                deployments,
            }
            .serialize(to),
        }
    }
}

impl Report for Deployments {
    fn human(&self) -> String {
        let one = |report: &DeployReport| match (report.human(), &report.environment) {
            (text, _) if !text.is_empty() => Some(text),
            (_, Some(name)) if self.several && report.exit() != Exit::Refused => {
                Some(format!("{}: {name}", report.outcome.word()))
            }
            _ => None,
        };
        let texts: Vec<_> = self.reports.iter().filter_map(one).collect();
        texts.join("\n")
    }

    fn step_outputs(&self) -> Vec<(&'static str, String)> {
        let mut outputs = self
            .reports
            .first()
            .map_or_else(Vec::new, Report::step_outputs);
        for (name, value) in &mut outputs {
            match *name {
                "outcome" => self.outcome().word().clone_into(value),
                // There is one of each environment.
                "environment-url" | "environment-id" | "environment-health" if self.several => {
                    value.clear();
                }
                _ => {}
            }
        }
        outputs
    }

    fn summary(&self) -> Option<String> {
        let reports: Vec<&DeployReport> = self.reports.iter().collect();
        Some(summary::of(&reports, self.outcome()))
    }
}
