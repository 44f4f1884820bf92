//! `beanship deploy`: bundle, look, plan, agree, apply, watch, report.

mod ending;
mod prepare;

use std::time::{Duration, Instant};

use crate::cli::DeployArgs;
use crate::deploy::environment::Environment;
use crate::deploy::events::{Follower, Operation};
use crate::deploy::explain::{self, Case};
use crate::deploy::outcome::{OnFailure, Outcome};
use crate::deploy::report::DeployReport;
use crate::deploy::smoke;
use crate::deploy::source::Source;
use crate::deploy::version::{Content, Label};
use crate::deploy::watch::{Seen, Watch};
use crate::deploy::{self, DeployStep, Desired, First, Made, World, second_look};
use crate::error::{Error, Exit, Result};
use crate::output::{Event, Out};
use crate::plan::{Moment, Plan, Step};
use crate::settings::{DeploySettings, Target};

use super::bundle::Bundled;
use ending::abort;
pub(super) use ending::{interrupted, unanswered};
pub(super) use prepare::ready;
use prepare::{choose, prepare};

use super::logs::folder;
use super::watch::resume;
use super::{Context, signal};

/// How long beyond the deadline a last look may take.
const GRACE: Duration = Duration::from_secs(2);

/// Reports a deploy that could not even begin.
pub fn refuse(error: Error, out: &Out) -> Exit {
    let mut report = DeployReport::default();
    if let Some(error) = report.close(Err(error)) {
        out.problem(&error);
    }
    out.result(&report);
    report.exit()
}

/// Runs the command and reports, whatever happens.
///
/// # Errors
/// None: what goes wrong is in the report.
pub async fn run(cx: &Context, args: &DeployArgs) -> Result<Exit> {
    let mut report = DeployReport::default();
    let result = tokio::select! {
        result = ship(cx, args, &mut report) => Some(result),
        () = signal() => None,
    };
    let result = match result {
        Some(result) => result.map_err(|error| cx.hint_at_sandbox(error)),
        None if report.is_settled() => Ok(()),
        None if args.abort_on_interrupt && report.update().is_open() => {
            Err(abort(cx, &report).await)
        }
        None => Err(interrupted(&report)),
    };
    Ok(end(cx, report, result))
}

/// Tells how it ended, once, and the exit code.
pub(super) fn end(cx: &Context, mut report: DeployReport, result: Result<()>) -> Exit {
    if let Some(error) = report.close(result) {
        cx.out.problem(&error);
    }
    cx.out.result(&report);
    report.exit()
}

/// The runbook up to where time begins to count.
async fn ship(cx: &Context, args: &DeployArgs, report: &mut DeployReport) -> Result<()> {
    let source = cx.source().await;
    let Some(target) = choose(cx, args, &source, report)? else {
        return Ok(());
    };
    let settings = DeploySettings::resolve(args, &cx.settings, &target)?;
    let deadline = Instant::now() + settings.following.timeout;
    let course = carry_out(cx, args, &source, target, (&settings, deadline), report);
    let result = match tokio::time::timeout_at((deadline + GRACE).into(), course).await {
        Ok(result) => result,
        Err(_) if report.is_settled() => Ok(()),
        Err(_) => Err(unanswered(report)),
    };
    if result.is_ok() && report.is_settled() && report.outcome.is_failure() {
        undo(cx, args, settings.on_failure, report).await;
    }
    result
}

/// Goes back after a failure, where that was asked for. The outcome stays the deploy's.
async fn undo(cx: &Context, args: &DeployArgs, wanted: OnFailure, report: &mut DeployReport) {
    let (OnFailure::Rollback, Some(environment)) = (wanted, report.environment.clone()) else {
        return;
    };
    if report.plan.as_ref().is_some_and(Vec::is_empty) {
        // A smoke check that fails although nothing was deployed is no reason to go back.
        return;
    }
    report.rollback = Some(super::rollback::after_failure(cx, args, &environment).await);
}

/// The runbook: bundle and look, wait, look again, plan, agree, apply, watch.
async fn carry_out(
    cx: &Context,
    args: &DeployArgs,
    source: &Source,
    target: Target,
    (settings, deadline): (&DeploySettings, Instant),
    report: &mut DeployReport,
) -> Result<()> {
    let (bundled, world, first) = prepare(cx, &target, settings, deadline).await?;
    report.bundled(&bundled.file);
    report.describe(&first.environment);
    let desired = wish(args, source, target, settings, &bundled);
    let mut follower = Follower::behind(&first.events);
    if let Some(operation) = own_operation(args, &desired, &first) {
        let before = &first.events[operation.events.len()..];
        return resume(
            &world,
            &desired.target,
            operation,
            before,
            &settings.following,
            report,
        )
        .await;
    }
    let first = if args.plan {
        first
    } else {
        ready(&world, first, &mut follower).await?
    };
    let observed = second_look(&world.aws, &desired, first).await?;
    let plan = deploy::plan(&desired, &observed)?;
    report.planned(&plan, &desired, &observed);
    if plan.is_empty() {
        warn_of_health(cx, &observed.environment);
        unchanged(&world, args, settings, report).await;
        return Ok(());
    }
    cx.out.event(&Event::Plan(&plan.changes()));
    if args.plan || !agreed(cx, &plan, &desired).await? {
        report.settle(Outcome::Planned, None);
        return Ok(());
    }
    let made = apply(&world, &plan, follower, report).await?;
    if args.no_wait {
        report.settle(Outcome::Started, None);
        return Ok(());
    }
    let label = report.version_label.clone().unwrap_or_default();
    let following = &settings.following;
    let watch = Watch {
        world: &world,
        name: &observed.environment.name,
        wanted: Some(&label),
        previous: observed.environment.version_label.as_deref(),
        request_id: made.request_id,
        health: following.health,
        health_timeout: following.health_timeout,
    };
    watch
        .to_the_end(Seen::behind(made.follower), report)
        .await?;
    smoke::check(&world, following.smoke.as_ref(), report).await;
    explain(cx, &world, &label, report).await;
    Ok(())
}

/// What is wanted, now that the bundle is there.
fn wish(
    args: &DeployArgs,
    source: &Source,
    target: Target,
    settings: &DeploySettings,
    bundled: &Bundled,
) -> Desired {
    Desired {
        label: Label::of(settings.label.as_deref(), source, &bundled.file.sha256),
        description: source.description(settings.message.as_deref()),
        bundle: bundled.file.clone(),
        bucket: settings.bucket.clone(),
        force: args.force,
        target,
    }
}

/// Tells why a deploy failed.
pub(super) async fn explain(cx: &Context, world: &World, label: &str, report: &mut DeployReport) {
    let (Some(environment), true) = (&report.environment, explain::is_called_for(report.outcome))
    else {
        return;
    };
    let waiting = format!("{environment} failed: fetching the instances' logs");
    world.out.event(&Event::Waiting(&waiting));
    let case = Case {
        aws: &world.aws,
        environment,
        events: &report.seen.events,
        wanted: label,
        folder: &folder(cx),
        deadline: world.deadline,
    };
    let explanation = explain::explain(&case).await;
    let text = explanation.human();
    if !text.is_empty() {
        world.out.event(&Event::Explanation(&text));
    }
    report.explanation = Some(explanation);
}

/// With `--resume`: the operation that keeps the environment busy, if it leads to this very
/// bundle.
fn own_operation(args: &DeployArgs, desired: &Desired, first: &First) -> Option<Operation> {
    if !args.resume || args.plan || first.environment.is_ready() {
        return None;
    }
    let operation = Operation::latest(&first.events)?;
    let heading = first.environment.version_label.as_ref();
    let label = operation.label.as_ref().or(heading)?;
    let same = match &desired.label {
        Label::Given(given) => given == label,
        Label::Derived(_) => Content::of(label, None, &desired.bundle.sha256) == Content::Same,
    };
    same.then_some(operation)
}

/// Nothing has to change; what must hold then is checked all the same, so that a deploy that has
/// failed its check does not pass when it is run again.
async fn unchanged(
    world: &World,
    args: &DeployArgs,
    settings: &DeploySettings,
    report: &mut DeployReport,
) {
    report.settle(Outcome::Unchanged, None);
    if !args.plan {
        smoke::check(world, settings.following.smoke.as_ref(), report).await;
    }
}

/// The environment runs what it should; that it is not well deserves a word all the same.
fn warn_of_health(cx: &Context, environment: &Environment) {
    if environment.health == "Red" {
        let text = format!(
            "{} is Red although nothing has to change: see `beanship status --env {}`",
            environment.name, environment.name
        );
        cx.out.event(&Event::Warning(&text));
    }
}

/// Whether the deploy may go ahead. Only a protected environment is asked about.
async fn agreed(cx: &Context, plan: &Plan<DeployStep>, desired: &Desired) -> Result<bool> {
    let declared = desired
        .target
        .key
        .as_ref()
        .and_then(|key| cx.settings.config.environments.get(key));
    if !declared.is_some_and(|environment| environment.protected) {
        return Ok(true);
    }
    cx.agree(
        &plan.changes(),
        &format!("{} is protected", desired.target.environment),
    )
    .await
}

/// Carries the plan out.
pub(super) async fn apply(
    world: &World,
    plan: &Plan<DeployStep>,
    follower: Follower,
    report: &mut DeployReport,
) -> Result<Made> {
    let mut made = Made {
        follower,
        ..Made::default()
    };
    let tell = |moment: Moment<'_, DeployStep>| {
        report.applying(&moment);
        if let Moment::Done(step, took) = moment {
            world.out.event(&Event::Done(&step.past(), took));
        }
    };
    plan.apply(world, &mut made, tell).await?;
    Ok(made)
}
