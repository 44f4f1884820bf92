//! `beanship deploy`: bundle, look, plan, agree, apply, watch, report; for one environment or
//! for several, which get the same version.

mod course;
mod decide;
mod ending;
mod prepare;
pub(super) mod properties;

use std::future::Future;
use std::time::{Duration, Instant};

use futures_util::future::join_all;
use futures_util::{StreamExt, stream};

use crate::cli::{DeployArgs, Format};
use crate::deploy::World;
use crate::deploy::deployments::Deployments;
use crate::deploy::report::DeployReport;
use crate::deploy::{source, version};
use crate::error::{Error, Exit, Result};
use crate::output::{Event, Out};
use crate::settings::{DeploySettings, Target};

use course::Course;
pub(super) use course::{apply, explain};
use decide::decide;
use ending::abort;
pub(super) use ending::{interrupted, unanswered};
pub(super) use prepare::ready;
use prepare::{choose, prepare};

use super::{Context, signal};

/// How long beyond the deadline a last look may take.
const GRACE: Duration = Duration::from_secs(2);

/// Reports a deploy that could not even begin, of one environment or of several.
pub fn refuse(error: &Error, several: bool, out: &Out) -> Exit {
    let mut all = Deployments::asked(several);
    for report in &mut all.reports {
        finish(out, report, Err(error.clone()));
    }
    out.result(&all);
    all.exit()
}

/// Runs the command and reports, whatever happens.
///
/// # Errors
/// None: what goes wrong is in the report.
pub async fn run(cx: &Context, args: &DeployArgs) -> Result<Exit> {
    let mut all = Deployments::asked(cx.settings.environ.all_wanted(&args.env).len() > 1);
    let result = tokio::select! {
        result = ship(cx, args, &mut all) => Some(result),
        () = signal() => None,
    };
    match result {
        Some(result) => close(cx, &mut all, &result.map_err(|why| cx.hint_at_sandbox(why))),
        None => leave(cx, args, &mut all).await,
    }
    cx.out.result(&all);
    Ok(all.exit())
}

/// Closes the reports that are still open. What went wrong for all of them is told once.
fn close(cx: &Context, all: &mut Deployments, result: &Result<()>) {
    let mut told = false;
    for report in all.reports.iter_mut().filter(|report| !report.is_closed()) {
        if let Some(error) = report.close(result.clone())
            && !std::mem::replace(&mut told, true)
        {
            cx.out.problem(&error);
        }
    }
}

/// After a signal: ends each deploy that has no end yet.
async fn leave(cx: &Context, args: &DeployArgs, all: &mut Deployments) {
    let width = all.width();
    let open = all.reports.iter_mut().filter(|report| !report.is_closed());
    let endings = open.map(async |report| {
        let out = out_of(cx, width, report);
        let result = if report.is_settled() {
            Ok(())
        } else if args.abort_on_interrupt && report.update().is_open() {
            Err(abort(cx, report).await)
        } else {
            Err(interrupted(report))
        };
        finish(&out, report, result);
    });
    join_all(endings).await;
}

/// The writer for an environment: of several, it says of which in a column of this width.
fn out_of(cx: &Context, width: Option<usize>, report: &DeployReport) -> Out {
    match (&report.environment, width) {
        (Some(name), Some(width)) => cx.out.about(name, width),
        _ => cx.out.clone(),
    }
}

/// Closes a report and tells what went wrong.
fn finish(out: &Out, report: &mut DeployReport, result: Result<()>) {
    if let Some(error) = report.close(result) {
        out.problem(&error);
    }
}

/// Tells how it ended, once, and the exit code.
pub(super) fn end(cx: &Context, mut report: DeployReport, result: Result<()>) -> Exit {
    finish(&cx.out, &mut report, result);
    cx.out.result(&report);
    report.exit()
}

/// The runbook: bundle and look, plan and agree, make the version; then each environment by
/// itself.
async fn ship(cx: &Context, args: &DeployArgs, all: &mut Deployments) -> Result<()> {
    let begun = Instant::now();
    let source = cx.source().await;
    let targets = choose(cx, args, &source, all)?;
    let Some(settings) = settings(cx, args, &targets)? else {
        return Ok(());
    };
    let gathered = properties::gather(cx, &targets, &args.properties)?;
    cx.out.event(&Event::Section("Bundle"));
    let bundled = prepare::job(cx, args, &source, &targets, &settings).await?;
    // Building has its own time.
    let begun = if args.images.build {
        Instant::now()
    } else {
        begun
    };
    let usual = begun + settings[0].following.timeout(None);
    let ground = in_time(usual, prepare(cx, &targets, &settings, bundled, begun)).await?;
    for (report, first) in all.reports.iter_mut().zip(&ground.firsts) {
        report.bundled(&ground.bundled.file);
        report.describe(&first.environment);
    }
    let desired = ground.desired(args, &source, &targets, &settings);
    let world = ground.world.clone();
    let deciding = decide(cx, args, (&desired, &gathered), &ground, &mut all.reports);
    let ways = in_time(world.deadline, deciding).await?;
    if cx.out.format() == Format::Github {
        name_commits(cx, &mut all.reports);
    }
    let width = all.width();
    let parts = desired.iter().zip(&settings).zip(ways);
    let jobs = all.reports.iter_mut().zip(parts);
    let jobs = jobs.map(|(report, ((desired, settings), way))| {
        let course = Course {
            cx,
            args,
            begun,
            desired,
            settings,
            world: World {
                out: out_of(cx, width, report),
                ..world.clone()
            },
        };
        course.run(way, report)
    });
    let at_once = args.max_parallel.map(usize::from);
    stream::iter(jobs)
        .for_each_concurrent(at_once, |job| job)
        .await;
    Ok(())
}

/// Notes which commits are new to each environment, where git and the labels tell.
fn name_commits(cx: &Context, reports: &mut [DeployReport]) {
    for report in reports {
        let labels = (&report.previous_version_label, &report.version_label);
        if let (Some(before), Some(label)) = labels
            && before != label
            && let Some(commit) = version::commit_in(before)
        {
            report.story.commits = source::since(&cx.settings.root, commit);
        }
    }
}

/// What each environment's deploy is told besides; none where there is no environment.
fn settings(
    cx: &Context,
    args: &DeployArgs,
    targets: &[Target],
) -> Result<Option<Vec<DeploySettings>>> {
    let of = |target| DeploySettings::resolve(args, &cx.settings, target);
    let settings = targets.iter().map(of).collect::<Result<Vec<_>>>()?;
    Ok((!settings.is_empty()).then_some(settings))
}

/// Ends the work a little after the deadline at the latest.
async fn in_time<T>(deadline: Instant, work: impl Future<Output = Result<T>>) -> Result<T> {
    let end = (deadline + GRACE).into();
    match tokio::time::timeout_at(end, work).await {
        Ok(result) => result,
        Err(_) => Err(unanswered(&DeployReport::default())),
    }
}
