//! `beanship deploy`: bundle, look, plan, agree, apply, watch, report.

use std::time::{Duration, Instant};

use crate::cli::DeployArgs;
use crate::deploy::environment::{self, Environment};
use crate::deploy::events::{Follower, Operation};
use crate::deploy::explain::{self, Case};
use crate::deploy::outcome::Outcome;
use crate::deploy::report::{DeployReport, Update};
use crate::deploy::source::Source;
use crate::deploy::version::{Content, Label};
use crate::deploy::watch::{Seen, Watch};
use crate::deploy::{
    self, DeployStep, Desired, First, Made, World, first_look, second_look, wait_until_ready,
};
use crate::error::{Error, Exit, Kind, Result};
use crate::output::{Event, Out};
use crate::plan::{Moment, Plan, Step};
use crate::settings::{Choice, Chosen, DeploySettings, SandboxMode, Target};

use super::bundle::{Bundled, Job, stopped};
use super::logs::folder;
use super::watch::resume;
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
    let result = match result {
        Some(result) => result.map_err(|error| cx.hint_at_sandbox(error)),
        None if report.is_settled() => Ok(()),
        None if args.abort_on_interrupt && report.update() != Update::NotAsked => {
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
    match tokio::time::timeout_at((deadline + GRACE).into(), course).await {
        Ok(result) => result,
        Err(_) if report.is_settled() => Ok(()),
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
        report.settle(Outcome::Unchanged, None);
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
            report.about(&target);
            cx.about(&target);
            Ok(Some(target))
        }
        Chosen::NoneForBranch if cx.settings.knows_branch(branch.as_deref()) => {
            let why = choice.none_for_branch().message().to_owned();
            cx.out
                .event(&Event::Note(&format!("nothing is deployed: {why}")));
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
            let at_aws = looked.and_then(|looked| match looked {
                Ok((_, first)) => first.bucket.err(),
                Err(error) => Some(error),
            });
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

/// Waits for a busy environment, before anything is used up, and looks again.
async fn ready(world: &World, first: First, follower: &mut Follower) -> Result<First> {
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
async fn apply(
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

/// The error of a deploy whose time ran out while AWS left a call unanswered.
fn unanswered(report: &DeployReport) -> Error {
    let environment = report.environment.as_deref().unwrap_or("NAME");
    if report.update() != Update::NotAsked {
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
fn interrupted(report: &DeployReport) -> Error {
    let environment = report.environment.as_deref().unwrap_or("NAME");
    let what = match report.update() {
        Update::NotAsked => {
            return Error::new(
                Kind::Interrupted,
                "interrupted: the environment was not touched",
            )
            .hint("run the same command again; it goes on where it stopped");
        }
        Update::Asked => format!("the update of {environment} may have been started"),
        Update::Started => format!("Elastic Beanstalk goes on with the update of {environment}"),
    };
    Error::new(Kind::Interrupted, format!("interrupted: {what}")).hint(format!(
        "go on watching with `beanship watch --env {environment}`"
    ))
}

/// Aborts the update after an interruption; a second signal leaves at once.
async fn abort(cx: &Context, report: &DeployReport) -> Error {
    let environment = report.environment.as_deref().unwrap_or_default();
    let asked = async {
        let aws = cx.aws().await?;
        environment::abort(&aws, environment).await
    };
    let asked = tokio::select! {
        asked = asked => asked,
        () = signal() => return interrupted(report),
    };
    match asked {
        Ok(()) => Error::new(
            Kind::Interrupted,
            format!("interrupted: the update of {environment} is being aborted, instances may run different versions"),
        )
        .hint(format!("see what they run with `beanship status --env {environment}`")),
        Err(error) => {
            let text = format!("the update of {environment} cannot be aborted: {error}");
            cx.out.event(&Event::Warning(&text));
            interrupted(report)
        }
    }
}
