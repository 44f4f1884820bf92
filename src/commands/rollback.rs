//! `beanship rollback`: look, choose among what ran before, plan, agree, apply, watch, report.

use serde::Serialize;

use crate::cli::{DeployArgs, FollowArgs, RollbackArgs, TargetArgs};
use crate::deploy::events;
use crate::deploy::history::{Because, Candidate};
use crate::deploy::report::{DeployReport, Undone};
use crate::deploy::rollback::{Past, Target as Goal, configure, plan};
use crate::deploy::touched::Touched;
use crate::deploy::{First, World};
use crate::error::{Exit, Result};
use crate::output::{Event, Report, table};
use crate::properties::Options;

use super::redeploy::{Course, Redeploy, Redeployed, place, reported};
use super::{Context, status};

/// Runs the command and reports, whatever happens.
///
/// # Errors
/// None: what goes wrong is in the report.
pub async fn run(cx: &Context, args: &RollbackArgs) -> Result<Exit> {
    let report = RollbackReport::default();
    let work = async |report: &mut RollbackReport| roll_back(cx, args, None, report).await;
    Ok(reported(cx, report, work).await)
}

/// After a failed deploy, without asking: back to the options from before, and to the last version
/// that ran well unless the deploy changed nothing but options.
pub(super) async fn after_failure(
    cx: &Context,
    args: &DeployArgs,
    failed: &DeployReport,
    undo: &Options,
) -> Undone {
    let target = TargetArgs {
        application: args.application.clone(),
        env: failed.environment.clone(),
    };
    let follow = FollowArgs {
        following: args.following.clone(),
        ..FollowArgs::default()
    };
    let args = RollbackArgs {
        target,
        to: None,
        follow,
    };
    let mut report = RollbackReport::default();
    let result = match failed.touched {
        Touched::Version => roll_back(cx, &args, Some(undo), &mut report).await,
        Touched::Settings | Touched::Restart => set_back(cx, &args, undo, &mut report.deploy).await,
    };
    let error = report.deploy.close(result);
    Undone::of(&report.deploy, error.as_ref(), failed.touched)
}

/// The options alone go back to their values before.
async fn set_back(
    cx: &Context,
    args: &RollbackArgs,
    undo: &Options,
    report: &mut DeployReport,
) -> Result<()> {
    let (course, world, first) = begin(cx, args, report).await?;
    let environment = &first.environment;
    let options = undo.differing(first.configuration.as_ref().map_err(Clone::clone)?);
    let redeploy = Redeploy {
        course: &course,
        world,
        environment,
        label: environment.version_label.as_deref().unwrap_or_default(),
        plan: configure(environment, options),
        asked: None,
    };
    redeploy.run(cx, &args.follow, report).await
}

/// The first look at the environment.
async fn begin(
    cx: &Context,
    args: &RollbackArgs,
    report: &mut DeployReport,
) -> Result<(Course, World, First)> {
    let target = cx.target(
        args.target.application.app.as_deref(),
        args.target.env.as_deref(),
    )?;
    report.call("rollback");
    report.application = Some(target.app.clone());
    report.environment = Some(target.environment.clone());
    let course = Course::begin(cx, &args.follow, &target)?;
    let (world, first) = course.look(cx, &target, !args.follow.plan, report).await?;
    let place = place(cx, &world.aws.region);
    let text = format!(
        "Rolling back {} of {} ({place})",
        target.environment, target.app
    );
    cx.out.event(&Event::Headline(&text));
    Ok((course, world, first))
}

/// The runbook. It asks, unless there are options to undo: then a failed deploy has asked for it.
async fn roll_back(
    cx: &Context,
    args: &RollbackArgs,
    undo: Option<&Options>,
    report: &mut RollbackReport,
) -> Result<()> {
    let (course, world, first) = begin(cx, args, &mut report.deploy).await?;
    let (app, name) = (&first.environment.application, &first.environment.name);
    let past = Past::read(&world.aws, app, &first, args.to.as_deref()).await?;
    report.candidates.clone_from(&past.candidates);
    let goal = past.choose(args.to.as_deref(), &first.environment)?;
    tell(cx, &past, &goal, &first, report);
    let seen = first.configuration.as_ref().ok();
    let options = match (undo, seen) {
        (Some(undo), Some(seen)) => undo.differing(seen),
        (Some(undo), None) => undo.clone(),
        (None, _) => Options::default(),
    };
    if undo.is_none() {
        cx.out.event(&Event::Note(
            "option settings and environment properties stay as they are now: Elastic Beanstalk keeps no earlier values",
        ));
    }
    let label = &goal.candidate.version_label;
    let (instances, ended_badly) = (&past.instances, past.history.ended_badly);
    let timeout = course.timeout(&world);
    let redeploy = Redeploy {
        course: &course,
        world,
        environment: &first.environment,
        label,
        plan: plan(
            label,
            &first.environment,
            instances,
            ended_badly,
            (options, timeout),
        ),
        asked: undo
            .is_none()
            .then(|| format!("{name} goes back to {label}")),
    };
    redeploy.run(cx, &args.follow, &mut report.deploy).await
}

/// Shows the candidates, why one is chosen, and what a rollback does not bring back.
fn tell(cx: &Context, past: &Past, goal: &Goal, first: &First, report: &mut RollbackReport) {
    let current = first.environment.version_label.as_deref();
    let lines = listed(&past.candidates, &goal.candidate, current);
    cx.out.event(&Event::Lines(&lines));
    let label = &goal.candidate.version_label;
    if let Some(why) = reason(goal, past) {
        cx.out.event(&Event::Note(&why));
    }
    if goal.candidate.was_red || goal.candidate.has_failed {
        let how = if goal.candidate.has_failed {
            "failed"
        } else {
            "came up red"
        };
        let text = format!("{label} {how} when it was last deployed here");
        cx.out.event(&Event::Warning(&text));
    }
    let updates = past.configuration_updates(&goal.candidate);
    if !updates.is_empty() {
        let text = format!(
            "the configuration was updated {} since {label} was deployed here; what changed is not known",
            times(updates.len())
        );
        cx.out.event(&Event::Warning(&text));
        cx.out.event(&Event::Lines(&status::lines(&updates)));
    } else if goal.candidate.last_deployed.is_none() {
        let text = format!(
            "whether they have changed since {label} ran here is not known: no event tells when it did"
        );
        cx.out.event(&Event::Note(&text));
    }
    report.configuration_updates = updates;
}

fn times(count: usize) -> String {
    match count {
        1 => "once".into(),
        count => format!("{count} times"),
    }
}

/// Why this version was chosen, where that needs a word.
fn reason(goal: &Goal, past: &Past) -> Option<String> {
    let label = &goal.candidate.version_label;
    match goal.because? {
        Because::InPlace if past.history.ended_badly => Some(format!(
            "{label} is deployed again: it ran well before the last update failed or was aborted"
        )),
        Because::InPlace => Some(format!(
            "{label} is deployed again: not every instance runs it"
        )),
        Because::CreatedBefore => Some(format!(
            "no event tells what ran before: {label} was created before the current version"
        )),
        Because::RanBefore => None,
    }
}

/// The candidates as a table; an arrow points to the one that is chosen.
fn listed(candidates: &[Candidate], chosen: &Candidate, current: Option<&str>) -> String {
    let row = |candidate: &Candidate| {
        let date = |time: Option<jiff::Timestamp>| time.map_or_else(|| "-".into(), status::when);
        let remark = match candidate {
            c if Some(c.version_label.as_str()) == current => "current",
            c if c.has_failed => "failed",
            c if c.was_red => "was red",
            _ => "",
        };
        [
            if candidate == chosen { "->" } else { "" }.to_owned(),
            candidate.version_label.clone(),
            date(candidate.last_deployed),
            date(candidate.created),
            remark.to_owned(),
            candidate.description.clone().unwrap_or_default(),
        ]
    };
    let rows: Vec<_> = candidates.iter().map(row).collect();
    table(
        [
            "",
            "VERSION",
            "DEPLOYED HERE",
            "CREATED",
            "STATE",
            "DESCRIPTION",
        ],
        &rows,
    )
}

/// A deploy's report, with what could have been chosen and what has changed since.
#[derive(Debug, Default, Serialize)]
struct RollbackReport {
    #[serde(flatten)]
    deploy: DeployReport,
    /// The versions that could be gone back to, best first.
    candidates: Vec<Candidate>,
    /// The configuration updates since the chosen version was deployed, newest first.
    configuration_updates: Vec<events::Event>,
}

impl Redeployed for RollbackReport {
    fn deploy(&mut self) -> &mut DeployReport {
        &mut self.deploy
    }
}

impl Report for RollbackReport {
    fn human(&self) -> String {
        self.deploy.human()
    }

    fn step_outputs(&self) -> Vec<(&'static str, String)> {
        self.deploy.step_outputs()
    }

    fn summary(&self) -> Option<String> {
        self.deploy.summary()
    }
}
