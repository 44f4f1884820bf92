//! The result of a bootstrap.

use serde::Serialize;

use super::application::last;
use super::names::Place;
use super::{Desired, Made, Observed};
use crate::deploy::outcome::Outcome;
use crate::deploy::report::DeployReport;
use crate::error::{Error, Exit};
use crate::output::{Problem, Report, counted};
use crate::plan::Change;

/// What became of a bootstrap. What is not known (yet) is none.
#[derive(Debug, Serialize)]
pub struct BootstrapReport {
    /// How it ended.
    pub outcome: Outcome,
    /// The application.
    pub application: Option<String>,
    /// The environment's name.
    pub environment: Option<String>,
    /// The account.
    pub account: Option<String>,
    /// The region.
    pub region: Option<String>,
    /// What was planned.
    pub plan: Vec<Change>,
    /// What was done of it, in words.
    pub done: Vec<String>,
    /// The ARN of the role that GitHub's workflows take.
    pub deployer_role: Option<String>,
    /// The id of the access key that was handed over.
    pub access_key_id: Option<String>,
    /// Where the environment answers.
    pub url: Option<String>,
    /// How long it took.
    pub duration_seconds: f64,
    /// What went wrong.
    pub error: Option<Problem>,
    #[serde(skip)]
    exit: Exit,
    #[serde(skip)]
    key: Option<String>,
    /// Whether the environment is there.
    #[serde(skip)]
    pub ready: bool,
    /// Whether all this is about taking away.
    #[serde(skip)]
    destroyed: bool,
    /// What is left then.
    #[serde(skip)]
    left: Option<String>,
}

impl Default for BootstrapReport {
    fn default() -> Self {
        Self {
            outcome: Outcome::Failed,
            application: None,
            environment: None,
            account: None,
            region: None,
            plan: Vec::new(),
            done: Vec::new(),
            deployer_role: None,
            access_key_id: None,
            url: None,
            duration_seconds: 0.0,
            error: None,
            exit: Exit::Done,
            key: None,
            ready: false,
            destroyed: false,
            left: None,
        }
    }
}

impl BootstrapReport {
    /// Notes where it is about.
    pub fn about(&mut self, place: &Place) {
        self.application = Some(place.target.app.clone());
        self.environment = Some(place.target.environment.clone());
        self.account = Some(place.account.clone());
        self.region = Some(place.region.clone());
        self.key.clone_from(&place.target.key);
    }

    /// Notes what shall be. A deployer's role counts where it is there or among what is made.
    pub fn wants(&mut self, desired: &Desired, observed: &Observed, made: bool, plan: Vec<Change>) {
        let is_there = |arn: &String| observed.iam.roles.contains_key(last(arn));
        let role = desired.deployer_role.as_ref();
        self.deployer_role = role.filter(|arn| made || is_there(arn)).cloned();
        self.plan = plan;
    }

    /// Notes what shall go, and what is left, in words.
    pub fn destroys(&mut self, plan: Vec<Change>, left: Option<String>) {
        self.destroyed = true;
        self.left = left;
        self.plan = plan;
    }

    /// Notes what was made.
    pub fn made(&mut self, made: &Made) {
        self.done.extend(made.done.iter().cloned());
        self.access_key_id.clone_from(&made.access_key_id);
    }

    /// Notes how the environment came out, and gives its error, if that is one.
    pub fn followed(
        &mut self,
        mut report: DeployReport,
        result: Result<(), Error>,
    ) -> Option<Error> {
        let error = report.close(result);
        self.outcome = report.outcome;
        self.url = report.url;
        error
    }

    /// Closes it: what was done stays done, and a later run goes on from there.
    pub fn close(&mut self, error: Option<Error>) -> Option<Error> {
        let error = error.map(|error| match self.done.is_empty() {
            true => error,
            false => {
                let destroy = if self.destroyed { " --destroy" } else { "" };
                error.hint(format!(
                    "what was done stays done ({} of {} changes); run `beanship bootstrap{destroy}` again and it goes on from there",
                    self.done.len(),
                    self.plan.len().max(self.done.len())
                ))
            }
        });
        if let Some(error) = &error {
            self.exit = error.exit();
            self.error = Some(Problem::from(error));
            if !self.outcome.is_failure() {
                self.outcome = match self.exit {
                    Exit::Interrupted => Outcome::Interrupted,
                    Exit::TimedOut => Outcome::TimedOut,
                    _ => Outcome::Failed,
                };
            }
        }
        error
    }

    /// The exit code.
    #[must_use]
    pub fn exit(&self) -> Exit {
        self.exit
    }
}

impl Report for BootstrapReport {
    fn human(&self) -> String {
        let name = self.environment.as_deref().unwrap_or("the environment");
        let env = self.key.as_deref().unwrap_or(name);
        let text = match self.outcome {
            Outcome::Unchanged if self.destroyed => match &self.left {
                Some(left) => format!("nothing to do: of {name} only {left} is left"),
                None => format!("nothing to do: nothing of {name} is there that was made here"),
            },
            Outcome::Succeeded if self.destroyed => {
                let left = self.left.as_ref();
                let left = left.map(|it| format!(", but for {it}"));
                format!(
                    "what was made for {name} is gone{}",
                    left.unwrap_or_default()
                )
            }
            Outcome::Unchanged => format!("nothing to do: everything for {name} is there"),
            Outcome::Planned => format!(
                "{} for {name}; nothing was changed",
                counted(self.plan.len(), "change")
            ),
            Outcome::Succeeded | Outcome::SucceededWithWarnings => {
                let changes = match self.done.len() {
                    1 => "one change made".to_owned(),
                    count => format!("{count} changes made"),
                };
                match self.ready {
                    true => format!("{changes}, {name} is ready for `beanship deploy --env {env}`"),
                    false => format!("{changes}; {name} itself was left out"),
                }
            }
            _ => return String::new(),
        };
        let mut lines = vec![format!("{}: {text}", self.outcome.word())];
        if self.outcome != Outcome::Planned {
            let role = self.deployer_role.as_ref();
            lines.extend(role.map(|arn| format!("GitHub deploys with the role {arn}")));
            lines.extend(self.url.clone());
        }
        lines.join("\n")
    }

    fn step_outputs(&self) -> Vec<(&'static str, String)> {
        let text = |value: &Option<String>| value.clone().unwrap_or_default();
        vec![
            ("outcome", self.outcome.word().to_owned()),
            ("environment-url", text(&self.url)),
            ("deployer-role", text(&self.deployer_role)),
        ]
    }
}
