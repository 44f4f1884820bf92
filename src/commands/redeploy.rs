//! What `rollback` and `promote` share: a version that exists goes to an environment, by the
//! same look, apply, watch and report as a deploy's.

use std::future::Future;
use std::time::{Duration, Instant};

use serde::Serialize;

use crate::cli::{DeployArgs, FollowArgs};
use crate::deploy::environment::Environment;
use crate::deploy::outcome::Outcome;
use crate::deploy::report::DeployReport;
use crate::deploy::smoke;
use crate::deploy::touched::Touched;
use crate::deploy::watch::{Seen, Watch};
use crate::deploy::{DeployStep, First, Made, World, first_look};
use crate::error::{Exit, Result};
use crate::output::{Event, Report};
use crate::plan::Plan;
use crate::properties::confirm::confirm;
use crate::settings::{DeploySettings, SandboxMode, Target};

use super::deploy::{apply, explain, interrupted, ready, unanswered};
use super::{Context, signal};

/// How long beyond the deadline a last look may take.
const GRACE: Duration = Duration::from_secs(2);

/// A report that a deploy's report is part of.
pub(super) trait Redeployed: Report {
    /// The part.
    fn deploy(&mut self) -> &mut DeployReport;
}

/// Runs the work until it ends or a signal does, and reports.
pub(super) async fn reported<R: Redeployed>(
    cx: &Context,
    mut report: R,
    work: impl AsyncFnOnce(&mut R) -> Result<()>,
) -> Exit {
    let result = tokio::select! {
        result = work(&mut report) => Some(result),
        () = signal() => None,
    };
    let result = result.unwrap_or_else(|| Err(interrupted(report.deploy())));
    if let Some(error) = report.deploy().close(result) {
        cx.out.problem(&error);
    }
    cx.out.result(&report);
    report.deploy().exit()
}

/// The time and the ways of a redeploy.
#[derive(Debug)]
pub(super) struct Course {
    /// What a deploy would be told.
    pub(super) settings: DeploySettings,
    begun: Instant,
}

impl Course {
    /// Begins to count.
    ///
    /// # Errors
    /// As [`DeploySettings::resolve`].
    pub(super) fn begin(cx: &Context, args: &FollowArgs, target: &Target) -> Result<Self> {
        let args = DeployArgs {
            following: args.following.clone(),
            ..DeployArgs::default()
        };
        Ok(Self {
            settings: DeploySettings::resolve(&args, &cx.settings, target)?,
            begun: Instant::now(),
        })
    }

    /// The clients, and the first look at the environment; waits where it is busy, unless only
    /// the plan is wanted.
    ///
    /// # Errors
    /// As [`first_look`]; [`Unreachable`](crate::error::Kind::Unreachable) where AWS does not answer in time.
    pub(super) async fn look(
        &self,
        cx: &Context,
        target: &Target,
        wait: bool,
        report: &mut DeployReport,
    ) -> Result<(World, First)> {
        let aws = cx.aws().await?;
        let following = &self.settings.following;
        let targets = std::slice::from_ref(target);
        let looking = first_look(&aws, targets, &self.settings.bucket);
        let usual = self.begun + following.timeout(None);
        let mut firsts = in_time(usual, looking, report).await?;
        let first = firsts.swap_remove(0);
        report.describe(&first.environment);
        let timeout = following.timeout(first.configuration.as_ref().ok());
        let world = World::new(aws, &cx.out, &target.app, self.begun + timeout);
        world.board.follow(&target.environment, &first.events);
        let first = match wait {
            true => in_time(world.deadline, ready(&world, first), report).await?,
            false => first,
        };
        Ok((world, first))
    }

    /// How long everything may take in all.
    pub(super) fn timeout(&self, world: &World) -> Duration {
        world.deadline.saturating_duration_since(self.begun)
    }
}

/// A plan for an environment, and what it takes to carry it out.
#[derive(Debug)]
pub(super) struct Redeploy<'a> {
    /// The time.
    pub(super) course: &'a Course,
    /// Clients and writer.
    pub(super) world: World,
    /// The environment as it was seen.
    pub(super) environment: &'a Environment,
    /// The version.
    pub(super) label: &'a str,
    /// What changes.
    pub(super) plan: Plan<DeployStep>,
    /// Why it is asked about, if it is.
    pub(super) asked: Option<String>,
}

impl Redeploy<'_> {
    /// Shows the plan, asks, applies and follows it.
    ///
    /// # Errors
    /// What AWS says, and as [`Watch::until_settled`].
    pub(super) async fn run(
        self,
        cx: &Context,
        args: &FollowArgs,
        report: &mut DeployReport,
    ) -> Result<()> {
        let following = &self.course.settings.following;
        let changes = self.plan.changes();
        report.version_label = Some(self.label.to_owned());
        report
            .previous_version_label
            .clone_from(&self.environment.version_label);
        report.plan = Some(changes.clone());
        report.touched = Touched::by(&self.plan);
        if self.plan.is_empty() {
            report.settle(Outcome::Unchanged, None);
            if !args.plan {
                smoke::check(&self.world, following.smoke.as_ref(), report).await;
            }
            return Ok(());
        }
        cx.out.event(&Event::Plan(&changes));
        let agreed = match &self.asked {
            Some(why) if !args.plan => cx.agree(&changes, why).await?,
            _ => true,
        };
        if args.plan || !agreed {
            report.settle(Outcome::Planned, None);
            return Ok(());
        }
        let deadline = self.world.deadline;
        match tokio::time::timeout_at((deadline + GRACE).into(), self.carry_out(cx, args, report))
            .await
        {
            Ok(result) => result,
            Err(_) if report.is_settled() => Ok(()),
            Err(_) => Err(unanswered(report)),
        }
    }

    /// Applies the plan and follows it.
    async fn carry_out(
        &self,
        cx: &Context,
        args: &FollowArgs,
        report: &mut DeployReport,
    ) -> Result<()> {
        let mut made = Made::default();
        apply(&self.world, &self.plan, &mut made, |moment| {
            report.applying(moment);
        })
        .await?;
        if args.no_wait {
            report.settle(Outcome::Started, None);
            return Ok(());
        }
        let following = &self.course.settings.following;
        let watch = Watch {
            world: &self.world,
            name: &self.environment.name,
            wanted: Some(self.label),
            previous: self.environment.version_label.as_deref(),
            request_id: made.request_id,
            health: following.health,
            health_timeout: following.health_timeout,
        };
        watch.to_the_end(Seen::default(), report).await?;
        confirm(&self.world, &self.plan, report).await?;
        smoke::check(&self.world, following.smoke.as_ref(), report).await;
        explain(cx, &self.world, self.label, report).await;
        Ok(())
    }
}

/// Where all this happens, in words.
pub(super) fn place(cx: &Context, region: &str) -> String {
    match cx.settings.sandbox {
        SandboxMode::Off => region.to_owned(),
        _ => format!("{region}, in the sandbox"),
    }
}

/// Ends the work a little after the deadline at the latest.
async fn in_time<T>(
    deadline: Instant,
    work: impl Future<Output = Result<T>>,
    report: &DeployReport,
) -> Result<T> {
    let ended = tokio::time::timeout_at((deadline + GRACE).into(), work).await;
    ended.unwrap_or_else(|_| Err(unanswered(report)))
}

/// Whether an environment asks before it changes.
pub(super) fn is_protected(cx: &Context, target: &Target) -> bool {
    let declared = target
        .key
        .as_ref()
        .and_then(|key| cx.settings.config.environments.get(key));
    declared.is_some_and(|environment| environment.protected)
}

/// A report that is nothing but a deploy's.
#[derive(Debug, Default, Serialize)]
#[serde(transparent)]
pub(super) struct Plain(pub(super) DeployReport);

impl Redeployed for Plain {
    fn deploy(&mut self) -> &mut DeployReport {
        &mut self.0
    }
}

impl Report for Plain {
    fn human(&self) -> String {
        self.0.human()
    }

    fn step_outputs(&self) -> Vec<(&'static str, String)> {
        self.0.step_outputs()
    }

    fn summary(&self) -> Option<String> {
        self.0.summary()
    }
}
