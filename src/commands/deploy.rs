//! `beanship deploy`: bundle, look, plan, agree, apply, watch, report.

use std::time::{Duration, Instant};

use crate::cli::DeployArgs;
use crate::deploy::events::Follower;
use crate::deploy::outcome::Outcome;
use crate::deploy::report::DeployReport;
use crate::deploy::source::Source;
use crate::deploy::version::Label;
use crate::deploy::watch::{Seen, Watch};
use crate::deploy::{
    self, DeployStep, Desired, First, Made, World, first_look, second_look, wait_until_ready,
};
use crate::error::{Error, Exit, Kind, Result};
use crate::output::{Event, Out};
use crate::plan::{Moment, Plan, Step};
use crate::settings::{Choice, Chosen, DeploySettings, SandboxMode, Target};

use super::bundle::{Bundled, Job, stopped};
use super::{Context, signal};

/// How long beyond the deadline a last look may take.
const GRACE: Duration = Duration::from_secs(2);

/// How long a deploy whose bundle is wrong waits for what the checks at AWS say as well.
const ALSO_AT_AWS: Duration = Duration::from_secs(3);

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
    let result = result.unwrap_or_else(|| Err(interrupted(&report)));
    let error = report.close(result);
    if let Some(error) = &error {
        cx.out.problem(error);
    }
    cx.out.result(&report);
    Ok(report.exit())
}

/// The runbook up to where time begins to count.
async fn ship(cx: &Context, args: &DeployArgs, report: &mut DeployReport) -> Result<()> {
    let source = Source::discover(&cx.settings.root);
    let Some(target) = choose(cx, args, &source, report)? else {
        return Ok(());
    };
    let settings = DeploySettings::resolve(args, &cx.settings, &target.app)?;
    let deadline = Instant::now() + settings.timeout;
    let course = carry_out(cx, args, &source, target, (&settings, deadline), report);
    match tokio::time::timeout_at((deadline + GRACE).into(), course).await {
        Ok(result) => result,
        Err(_) => Err(unanswered(report)),
    }
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
    let desired = Desired {
        label: Label::of(settings.label.as_deref(), source, &bundled.file.sha256),
        description: source.description(settings.message.as_deref()),
        bundle: bundled.file.clone(),
        bucket: settings.bucket.clone(),
        force: args.force,
        target,
    };
    let mut follower = Follower::behind(&first.events);
    let first = if args.plan {
        first
    } else {
        ready(&world, first, &mut follower).await?
    };
    let observed = second_look(&world.aws, &desired, first).await?;
    let plan = deploy::plan(&desired, &observed)?;
    report.planned(&plan, &desired, &observed);
    if plan.is_empty() {
        report.settle(Outcome::Unchanged, None);
        return Ok(());
    }
    cx.out.event(&Event::Plan(&plan.changes()));
    if args.plan || !agreed(cx, &plan, &desired)? {
        report.settle(Outcome::Planned, None);
        return Ok(());
    }
    let made = apply(&world, &plan, follower, report).await?;
    if args.no_wait {
        report.settle(Outcome::Started, None);
        return Ok(());
    }
    let label = report.version_label.clone().unwrap_or_default();
    let watch = Watch {
        world: &world,
        name: &observed.environment.name,
        wanted: &label,
        previous: observed.environment.version_label.as_deref(),
        request_id: made.request_id,
        health_timeout: settings.health_timeout,
    };
    report.seen = Seen::behind(made.follower);
    let (outcome, why) = watch.until_settled(&mut report.seen).await?;
    report.settle(outcome, Some(why));
    Ok(())
}

/// The environment; none where no environment belongs to the branch and CI runs this.
fn choose(
    cx: &Context,
    args: &DeployArgs,
    source: &Source,
    report: &mut DeployReport,
) -> Result<Option<Target>> {
    if let Some(trouble) = &source.trouble {
        let text = format!("git does not tell about this tree: {trouble}");
        cx.out.event(&Event::Warning(&text));
    }
    let app = cx.settings.app(args.target.application.app.as_deref())?;
    report.application = Some(app.clone());
    let branch = cx.settings.branch(source.branch.as_deref());
    let choice = Choice {
        config: &cx.settings.config,
        app: &app,
        wanted: cx.settings.wanted(args.target.env.as_deref()),
        branch: branch.as_deref(),
        any_branch: args.any_branch,
    };
    match choice.choose()? {
        Chosen::Target(target) => {
            report.environment = Some(target.environment.clone());
            Ok(Some(target))
        }
        Chosen::NoneForBranch if cx.settings.environ.is_ci() => {
            let why = choice.none_for_branch().message().to_owned();
            report.settle(Outcome::Skipped, Some(why));
            Ok(None)
        }
        Chosen::NoneForBranch => Err(choice.none_for_branch()),
    }
}

/// Makes the bundle while the environment is looked at. A bundle that cannot be made ends the
/// deploy before AWS matters; what our checks have found there by then is told as well.
async fn prepare(
    cx: &Context,
    target: &Target,
    settings: &DeploySettings,
    deadline: Instant,
) -> Result<(Bundled, World, First)> {
    let (job, out) = (Job::new(cx, target.key.as_deref(), None), cx.out.clone());
    let mut bundling = tokio::task::spawn_blocking(move || job.make(&out));
    let looking = async {
        let aws = cx.aws().await?;
        headline(cx, target, &aws.region);
        let first = first_look(&aws, target, &settings.bucket).await?;
        Ok((
            World {
                aws,
                out: cx.out.clone(),
                deadline,
            },
            first,
        ))
    };
    tokio::pin!(looking);
    let (bundled, looked) = tokio::select! {
        bundled = &mut bundling => (bundled, None),
        looked = &mut looking => ((&mut bundling).await, Some(looked)),
    };
    let mut problems = Vec::new();
    problems.extend(
        settings
            .label
            .as_deref()
            .and_then(|label| Label::check(label).err()),
    );
    match bundled.map_err(|why| stopped(&why))? {
        Ok(bundled) if problems.is_empty() => {
            let (world, first) = match looked {
                Some(looked) => looked?,
                None => looking.await?,
            };
            for note in &first.notes {
                cx.out.event(&Event::Note(note));
            }
            Ok((bundled, world, first))
        }
        bundled => {
            problems.extend(bundled.err());
            let looked = match looked {
                Some(looked) => Some(looked),
                None => tokio::time::timeout(ALSO_AT_AWS, looking).await.ok(),
            };
            let at_aws = looked.and_then(Result::err);
            problems.extend(at_aws.filter(|error| error.kind() == Kind::Check));
            Err(Error::all(problems).expect("at least one problem"))
        }
    }
}

fn headline(cx: &Context, target: &Target, region: &str) {
    let place = match cx.settings.sandbox {
        SandboxMode::Off => region.to_owned(),
        _ => format!("{region}, in the sandbox"),
    };
    let text = format!(
        "Deploying {} to {} ({place})",
        target.app, target.environment
    );
    cx.out.event(&Event::Headline(&text));
    for key in cx.settings.config.without_effect() {
        let text = format!("`{key}` in beanship.yml has no effect yet");
        cx.out.event(&Event::Warning(&text));
    }
}

/// Waits for a busy environment, before anything is used up, and looks again.
pub(super) async fn ready(world: &World, first: First, follower: &mut Follower) -> Result<First> {
    if first.environment.is_ready() {
        return Ok(first);
    }
    let name = first.environment.name.clone();
    let text = format!(
        "{name} is {}: waiting until it is Ready",
        first.environment.status
    );
    world.out.event(&Event::Note(&text));
    let environment = wait_until_ready(world, &name, follower).await?;
    let events = deploy::events::read(&world.aws, &name, None, 100)
        .await
        .unwrap_or_default();
    Ok(First {
        environment,
        events,
        ..first
    })
}

/// Whether the deploy may go ahead. Only a protected environment is asked about.
fn agreed(cx: &Context, plan: &Plan<DeployStep>, desired: &Desired) -> Result<bool> {
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
    let tell = |moment: Moment<'_, DeployStep>| match moment {
        Moment::Begins(step) => report.applying(step),
        Moment::Done(step, took) => world.out.event(&Event::Done(&step.past(), took)),
    };
    plan.apply(world, &mut made, tell).await?;
    Ok(made)
}

/// The error of a deploy whose time ran out while AWS left a call unanswered.
pub(super) fn unanswered(report: &DeployReport) -> Error {
    let environment = report.environment.as_deref().unwrap_or("NAME");
    if report.is_updating() {
        Error::new(
            Kind::Timeout,
            format!("timed out: AWS has not told in time how the update of {environment} goes on"),
        )
        .hint(format!(
            "see how it went with `beanship status --env {environment}`"
        ))
    } else {
        Error::new(
            Kind::Unreachable,
            "timed out before the update: AWS has not answered in time",
        )
        .hint("see the calls with `-v`, or give it more time: `--timeout 40m`")
    }
}

/// The error of a deploy that a signal ended: what goes on without us, and how to come back.
pub(super) fn interrupted(report: &DeployReport) -> Error {
    let environment = report.environment.as_deref().unwrap_or("NAME");
    if report.is_updating() {
        Error::new(
            Kind::Interrupted,
            format!("interrupted: Elastic Beanstalk goes on with the update of {environment}"),
        )
        .hint(format!(
            "follow it with `beanship events --follow --env {environment}`"
        ))
    } else {
        Error::new(
            Kind::Interrupted,
            "interrupted: the environment was not touched",
        )
        .hint("run the same command again; it goes on where it stopped")
    }
}
