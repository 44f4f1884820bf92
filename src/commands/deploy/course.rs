//! One environment's deploy: its update, followed to the end, explained and undone where that
//! is asked for.

use std::time::Instant;

use crate::cli::DeployArgs;
use crate::commands::Context;
use crate::commands::logs::folder;
use crate::commands::{rollback, watch::resume};
use crate::deploy::environment::Environment;
use crate::deploy::explain::{self, Case};
use crate::deploy::outcome::{OnFailure, Outcome};
use crate::deploy::report::DeployReport;
use crate::deploy::smoke;
use crate::deploy::watch::{Seen, Watch};
use crate::deploy::{DeployStep, Desired, Made, World};
use crate::error::Result;
use crate::output::Event;
use crate::plan::{Moment, Plan, Step};
use crate::properties::Options;
use crate::properties::confirm::confirm;
use crate::settings::DeploySettings;

use super::decide::Way;
use super::{GRACE, finish, unanswered};

/// What an environment's deploy needs.
#[derive(Debug)]
pub(super) struct Course<'a> {
    pub(super) cx: &'a Context,
    pub(super) args: &'a DeployArgs,
    /// When the command began.
    pub(super) begun: Instant,
    pub(super) desired: &'a Desired,
    pub(super) settings: &'a DeploySettings,
    pub(super) world: World,
}

impl Course<'_> {
    /// Goes the way to its end and closes the report.
    pub(super) async fn run(mut self, way: Way, report: &mut DeployReport) {
        // Who had to wait for a turn has the whole time from there on.
        let from = match self.args.max_parallel {
            Some(_) => Instant::now(),
            None => self.begun,
        };
        self.world.deadline = from + self.desired.timeout;
        let end = (self.world.deadline + GRACE).into();
        let undo = match &way {
            Way::Update { undo, .. } => undo.clone(),
            Way::Done | Way::Resume { .. } => Options::default(),
        };
        let result = match tokio::time::timeout_at(end, self.go(way, report)).await {
            Ok(result) => result,
            Err(_) if report.is_settled() => Ok(()),
            Err(_) => Err(unanswered(report)),
        };
        self.world.board.leave(&self.desired.target.environment);
        if result.is_ok() && report.is_settled() && report.outcome.is_failure() {
            self.undo(&undo, report).await;
        }
        finish(&self.world.out, report, result);
    }

    async fn go(&self, way: Way, report: &mut DeployReport) -> Result<()> {
        match way {
            Way::Done => {
                self.unchanged(report).await;
                Ok(())
            }
            Way::Resume { operation, before } => {
                let (target, following) = (&self.desired.target, &self.settings.following);
                resume(&self.world, target, operation, &before, following, report).await
            }
            Way::Update {
                plan, environment, ..
            } => self.update(&plan, &environment, report).await,
        }
    }

    /// Updates the environment, follows that and explains a failure.
    async fn update(
        &self,
        plan: &Plan<DeployStep>,
        before: &Environment,
        report: &mut DeployReport,
    ) -> Result<()> {
        let mut made = Made::default();
        report.story.phase("update");
        apply(&self.world, plan, &mut made, |moment| {
            report.applying(moment);
        })
        .await?;
        if self.args.no_wait {
            report.settle(Outcome::Started, None);
            return Ok(());
        }
        let label = report.version_label.clone().unwrap_or_default();
        let following = &self.settings.following;
        let watch = Watch {
            world: &self.world,
            name: &before.name,
            wanted: Some(&label),
            previous: before.version_label.as_deref(),
            request_id: made.request_id,
            health: following.health,
            health_timeout: following.health_timeout,
        };
        watch.to_the_end(Seen::default(), report).await?;
        report.story.phase("check");
        confirm(&self.world, plan, report).await?;
        smoke::check(&self.world, following.smoke.as_ref(), report).await;
        explain(self.cx, &self.world, &label, report).await;
        Ok(())
    }

    /// Where nothing had to change, what must hold is checked all the same, so that a deploy that
    /// has failed its check does not pass when it is run again.
    async fn unchanged(&self, report: &mut DeployReport) {
        if !self.args.plan {
            let smoke = self.settings.following.smoke.as_ref();
            smoke::check(&self.world, smoke, report).await;
        }
    }

    /// Goes back after a failure, where that was asked for. The outcome stays the deploy's.
    async fn undo(&self, options: &Options, report: &mut DeployReport) {
        if self.settings.on_failure != OnFailure::Rollback {
            return;
        }
        if report.plan.as_ref().is_some_and(Vec::is_empty) {
            // A smoke check that fails although nothing was deployed is no reason to go back.
            return;
        }
        let cx = self.cx.telling(self.world.out.clone());
        let undone = rollback::after_failure(&cx, self.args, report, options).await;
        report.rollback = Some(undone);
    }
}

/// Tells why a deploy failed.
pub(in crate::commands) async fn explain(
    cx: &Context,
    world: &World,
    label: &str,
    report: &mut DeployReport,
) {
    let (Some(environment), true) = (&report.environment, explain::is_called_for(report.outcome))
    else {
        return;
    };
    if !world.board.is_shared() {
        world.out.event(&Event::Section("Logs"));
    }
    let _unhurried = world.board.unhurried().await;
    let waiting = format!("{environment} failed: fetching the instances' logs");
    world.out.event(&Event::Waiting(&waiting));
    let case = Case {
        aws: &world.aws,
        environment,
        events: &report.seen.events,
        wanted: label,
        folder: &folder(cx),
        out: &world.out,
        deadline: world.deadline,
    };
    let explanation = explain::explain(&case).await;
    let text = explanation.human();
    if !text.is_empty() {
        world.out.event(&Event::Explanation(&text));
    }
    report.explanation = Some(explanation);
}

/// Carries a plan out and tells of each step.
pub(in crate::commands) async fn apply(
    world: &World,
    plan: &Plan<DeployStep>,
    made: &mut Made,
    mut note: impl FnMut(&Moment<'_, DeployStep>),
) -> Result<()> {
    let tell = |moment: Moment<'_, DeployStep>| {
        note(&moment);
        if let Moment::Done(step, took) = moment {
            world.out.event(&Event::Done(&step.past(), took));
        }
    };
    plan.apply(world, made, tell).await
}
