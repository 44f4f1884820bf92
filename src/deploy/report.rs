//! The result of a deploy, for people, machines and GitHub Actions.

mod story;
pub mod summary;
mod told;
mod undone;

use std::time::{Duration, Instant};

use jiff::{Timestamp, Unit};
use serde::Serialize;

use super::environment::Environment;
use super::events::Event;
use super::explain::Explanation;
use super::outcome::Outcome;
use super::smoke::SmokeReport;
use super::touched::Touched;
use super::watch::Seen;
use super::{BundleFile, DeployStep, Desired, Observed};
use crate::error::{Error, Exit, Kind};
use crate::output::Problem;
use crate::plan::{Change, Moment, Plan, Step};
use crate::settings::{Target, duration};

pub use story::Story;
pub use undone::Undone;

/// What became of a deploy. What is not known (yet) is none.
#[derive(Debug, Serialize)]
pub struct DeployReport {
    /// How it ended.
    pub outcome: Outcome,
    /// The application.
    pub application: Option<String>,
    /// The environment's name.
    pub environment: Option<String>,
    /// The environment's id.
    pub environment_id: Option<String>,
    /// The version that was wanted.
    pub version_label: Option<String>,
    /// The version before.
    pub previous_version_label: Option<String>,
    /// The source bundle.
    pub bundle: Option<BundleReport>,
    /// Where the environment answers.
    pub url: Option<String>,
    /// Its health: Green, Yellow, Red, Grey.
    pub health: Option<String>,
    /// What was planned.
    pub plan: Option<Vec<Change>>,
    /// How long it took.
    pub duration_seconds: f64,
    /// When the outcome was known, by this machine's clock.
    pub finished: Option<Timestamp>,
    /// The environment's events since the update.
    pub events: Vec<Event>,
    /// The smoke check; none where there is none, or where it did not come to it.
    pub smoke: Option<SmokeReport>,
    /// Why it failed, out of the instances' logs.
    pub explanation: Option<Explanation>,
    /// What was done about a failure, where that was asked for.
    pub rollback: Option<Undone>,
    /// What went wrong.
    pub error: Option<Problem>,
    #[serde(skip)]
    called: &'static str,
    #[serde(skip)]
    begun: Instant,
    #[serde(skip)]
    why: Option<String>,
    #[serde(skip)]
    exit: Exit,
    #[serde(skip)]
    closed: bool,
    #[serde(skip)]
    update: Update,
    /// Its phases and commits, for the summary.
    #[serde(skip)]
    pub story: Story,
    /// What the plan touches.
    #[serde(skip)]
    pub touched: Touched,
    /// What the watch has seen; told when the report is closed.
    #[serde(skip)]
    pub seen: Seen,
}

/// How far a deploy has come with the environment's update.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Update {
    /// The environment was not touched.
    NotAsked,
    /// The call is under way: nobody knows whether it was served.
    Asked,
    /// Elastic Beanstalk works on it.
    Started,
    /// It is done, and checked.
    Done,
}

impl Update {
    /// Whether Elastic Beanstalk works on it, or may do so.
    #[must_use]
    pub fn is_open(self) -> bool {
        matches!(self, Self::Asked | Self::Started)
    }
}

/// The source bundle of a deploy.
#[derive(Debug, Serialize)]
pub struct BundleReport {
    /// The sha256 of the zip.
    pub sha256: String,
    /// Its size.
    pub bytes: u64,
    /// How many files are in it.
    pub files: usize,
    /// Whether a version that holds it was there already.
    pub reused: Option<bool>,
}

impl Default for DeployReport {
    fn default() -> Self {
        Self {
            outcome: Outcome::Failed,
            application: None,
            environment: None,
            environment_id: None,
            version_label: None,
            previous_version_label: None,
            bundle: None,
            url: None,
            health: None,
            plan: None,
            duration_seconds: 0.0,
            finished: None,
            events: Vec::new(),
            smoke: None,
            explanation: None,
            rollback: None,
            error: None,
            called: "deploy",
            begun: Instant::now(),
            why: None,
            exit: Exit::Done,
            closed: false,
            update: Update::NotAsked,
            story: Story::default(),
            touched: Touched::default(),
            seen: Seen::default(),
        }
    }
}

impl DeployReport {
    /// Notes what it is about.
    pub fn about(&mut self, target: &Target) {
        self.application = Some(target.app.clone());
        self.environment = Some(target.environment.clone());
    }

    /// Says what this is, where it is no deploy: a rollback, a promotion.
    pub fn call(&mut self, what: &'static str) {
        self.called = what;
    }

    /// Notes the bundle.
    pub fn bundled(&mut self, bundle: &BundleFile) {
        self.bundle = Some(BundleReport {
            sha256: bundle.sha256.clone(),
            bytes: bundle.bytes,
            files: bundle.files,
            reused: None,
        });
    }

    /// Notes the environment as it is now.
    pub fn describe(&mut self, environment: &Environment) {
        self.environment_id = Some(environment.id.clone());
        self.url.clone_from(&environment.url);
        self.health = Some(environment.health.clone());
    }

    /// Notes what is planned: the steps to the version, and the environment's own.
    pub fn planned(
        &mut self,
        version: &Plan<DeployStep>,
        plan: &Plan<DeployStep>,
        desired: &Desired,
        observed: &Observed,
    ) {
        self.previous_version_label
            .clone_from(&observed.environment.version_label);
        let version = version.steps().iter().filter(|_| !plan.is_empty());
        let steps = || version.clone().chain(plan.steps());
        self.touched = Touched::by(plan);
        self.plan = Some(steps().flat_map(Step::changes).collect());
        let creates = |step: &DeployStep| matches!(step, DeployStep::CreateVersion(_));
        if let Some(bundle) = &mut self.bundle {
            bundle.reused = Some(!steps().any(creates));
        }
        let label = plan.steps().iter().find_map(|step| match step {
            DeployStep::Update { label, .. } => Some(label.clone()),
            _ => None,
        });
        let running = || observed.environment.version_label.clone();
        self.version_label = label
            .or_else(running)
            .or_else(|| Some(desired.label.text().to_owned()));
    }

    /// Notes a moment of the plan's execution.
    pub fn applying(&mut self, moment: &Moment<'_, DeployStep>) {
        let is_update = |step: &DeployStep| {
            use DeployStep::{Configure, Restart, Update};
            matches!(step, Update { .. } | Configure { .. } | Restart { .. })
        };
        match moment {
            Moment::Begins(step) if is_update(step) => self.update = Update::Asked,
            Moment::Done(step, _) if is_update(step) => self.update = Update::Started,
            _ => {}
        }
    }

    /// How far the environment's update has come.
    #[must_use]
    pub fn update(&self) -> Update {
        self.update
    }

    /// Whether its end is known, so that nothing that follows changes it.
    #[must_use]
    pub fn is_settled(&self) -> bool {
        self.why.is_some()
    }

    /// Takes back that its end is known: the update is done, but it is checked. Gives out why
    /// it had ended as it had.
    pub fn unsettle(&mut self) -> Option<String> {
        self.finished = None;
        if self.update.is_open() {
            self.update = Update::Done;
        }
        self.why.take()
    }

    /// Whether nothing is added any more.
    #[must_use]
    pub fn is_closed(&self) -> bool {
        self.closed
    }

    /// Notes how it ended, and why.
    pub fn settle(&mut self, outcome: Outcome, why: Option<String>) {
        self.outcome = outcome;
        self.why = why;
        self.finish();
    }

    fn finish(&mut self) {
        let now = || Timestamp::now().round(Unit::Millisecond).ok();
        self.finished = self.finished.or_else(now);
    }

    /// Closes the report. An outcome that is a failure becomes an error, if none is given: with
    /// Elastic Beanstalk's own words.
    pub fn close(&mut self, result: Result<(), Error>) -> Option<Error> {
        self.closed = true;
        self.story.end();
        self.finish();
        self.duration_seconds = (self.begun.elapsed().as_secs_f64() * 1000.0).round() / 1000.0;
        let seen = std::mem::take(&mut self.seen);
        if let Some(environment) = &seen.environment {
            self.describe(environment);
        }
        self.events = seen.events;
        let error = result.err().or_else(|| self.failure());
        if let Some(error) = &error {
            self.exit = error.exit();
            self.error = Some(Problem::from(error));
            self.outcome = match error.kind() {
                Kind::Timeout => Outcome::TimedOut,
                Kind::Interrupted => Outcome::Interrupted,
                Kind::Deploy => self.outcome,
                _ => Outcome::Failed,
            };
        }
        error
    }

    /// The exit code.
    #[must_use]
    pub fn exit(&self) -> Exit {
        self.exit
    }

    /// The error that an unhappy outcome amounts to.
    fn failure(&self) -> Option<Error> {
        let called = self.touched.noun().unwrap_or(self.called);
        let what = match self.outcome {
            Outcome::Failed => format!("the {called} failed"),
            Outcome::RolledBack => format!("Elastic Beanstalk rolled the {called} back"),
            Outcome::Superseded => format!("the {called} was superseded"),
            Outcome::Aborted => format!("the {called} was aborted"),
            _ => return None,
        };
        let environment = self.environment.as_deref().unwrap_or_default();
        let why = self.why.as_deref().unwrap_or("no reason is known");
        let mut errors = self.events.iter().filter(|event| event.is_error());
        let mut message = format!("{what}: {why}");
        // What was told while it ran is not told again, where it says why already.
        if let Some(first) = errors.next()
            && first.message != why
            && !errors.any(|event| event.message == why)
        {
            message.push_str(&format!(" (Elastic Beanstalk says: {})", first.message));
        }
        if let Some(undone) = &self.rollback {
            message.push_str(&format!("; {}", undone.words));
        }
        let causes = self.explanation.iter().flat_map(|it| &it.causes);
        let error = Error::new(Kind::Deploy, message);
        let error = causes.fold(error, |error, cause| error.hint(&cause.hint));
        let smoke = self.smoke.as_ref().and_then(|smoke| smoke.hint.as_ref());
        let error = smoke.into_iter().fold(error, Error::hint);
        let error = error
            .hint(format!(
                "see the instances with `beanship health --env {environment}`"
            ))
            .hint(format!(
                "read the instances' logs with `beanship logs --env {environment}`"
            ));
        Some(match self.can_go_back() {
            true => error.hint(format!(
                "go back to what ran before with `beanship rollback --env {environment}`"
            )),
            false => error,
        })
    }

    /// Whether a version that failed took the place of another, which nothing has brought back.
    fn can_go_back(&self) -> bool {
        self.outcome == Outcome::Failed
            && self.rollback.is_none()
            && self.called == "deploy"
            && self.has_moved()
    }

    /// Whether another version ran before.
    fn has_moved(&self) -> bool {
        self.previous_version_label.is_some() && self.previous_version_label != self.version_label
    }

    /// The result in one line.
    fn headline(&self) -> String {
        let environment = self.environment.as_deref().unwrap_or("the environment");
        let label = self.version_label.as_deref().unwrap_or("a version");
        let took = duration::words(Duration::from_secs_f64(self.duration_seconds));
        let before = self
            .previous_version_label
            .as_deref()
            .filter(|previous| *previous != label)
            .map_or_else(String::new, |previous| format!(" (before: {previous})"));
        let version = format!("{label}{before}");
        let why = self.why.as_deref().unwrap_or_default();
        match self.outcome {
            Outcome::Succeeded => {
                let done = self.touched.done(environment, &version);
                format!("{done}, {why}, after {took}")
            }
            Outcome::SucceededWithWarnings => {
                let done = self.touched.done(environment, &version);
                format!("{done}, but {why}, after {took}")
            }
            Outcome::Unchanged if !why.is_empty() => format!("nothing to do: {why}"),
            Outcome::Unchanged => {
                format!("nothing to do: {environment} already runs this bundle as {label}")
            }
            Outcome::Planned => {
                let planned = self.touched.planned(environment, &version);
                format!("{planned}; nothing was changed")
            }
            Outcome::Started => self.touched.begun(environment, &version),
            Outcome::Skipped => why.to_owned(),
            _ => String::new(),
        }
    }
}
