//! `beanship watch`: picks up the operation that runs on an environment and ends as if it had
//! never been left.

use std::time::Instant;

use crate::cli::WatchArgs;
use crate::deploy::events::{Event, Operation};
use crate::deploy::outcome::Outcome;
use crate::deploy::report::DeployReport;
use crate::deploy::smoke;
use crate::deploy::watch::{Seen, Watch};
use crate::deploy::{World, configuration, environment, events};
use crate::error::{Error, Exit, Kind, Result};
use crate::output::Event as Told;
use crate::settings::{Following, Target};

use super::{Context, signal, status};

/// How many of the latest events are searched for the operation.
const LATEST: usize = 300;

/// Runs the command and reports, whatever happens.
///
/// # Errors
/// None: what goes wrong is in the report.
pub async fn run(cx: &Context, args: &WatchArgs) -> Result<Exit> {
    let mut report = DeployReport::default();
    let result = tokio::select! {
        result = follow(cx, args, &mut report) => result,
        () = signal() => Err(Error::new(Kind::Interrupted, "interrupted: Elastic Beanstalk goes on")
            .hint("go on watching with `beanship watch`")),
    };
    Ok(super::deploy::end(cx, report, result))
}

/// The runbook.
async fn follow(cx: &Context, args: &WatchArgs, report: &mut DeployReport) -> Result<()> {
    let app = args.target.application.app.as_deref();
    let target = cx.target(app, args.target.env.as_deref())?;
    report.about(&target);
    let following = Following::resolve(&args.following, &cx.settings, target.key.as_deref())?;
    let begun = Instant::now();
    let aws = cx.aws().await?;
    let mut world = World::new(aws, &cx.out, &target.app, begun + following.timeout(None));
    let Some((operation, before)) = latest(&world, &target, report).await? else {
        let why = format!(
            "nothing runs on {} and nothing is known of an earlier update",
            target.environment
        );
        report.settle(Outcome::Unchanged, Some(why));
        return Ok(());
    };
    let (app, name) = (&target.app, &target.environment);
    let configuration = configuration::read(&world.aws, app, name).await.ok();
    world.deadline = begun + following.timeout(configuration.as_ref());
    let text = format!("Watching {} on {}", operation.words(), target.environment);
    cx.out.event(&Told::Headline(&text));
    resume(&world, &target, operation, &before, &following, report).await?;
    let label = report.version_label.clone().unwrap_or_default();
    super::deploy::explain(cx, &world, &label, report).await;
    Ok(())
}

/// The latest operation of the environment and the events before it, newest first.
async fn latest(
    world: &World,
    target: &Target,
    report: &mut DeployReport,
) -> Result<Option<(Operation, Vec<Event>)>> {
    let looks = async {
        let (found, events) = tokio::join!(
            environment::find(&world.aws, &target.environment),
            events::read(&world.aws, &target.environment, None, LATEST),
        );
        let found = found?.ok_or_else(|| status::missing(target, &world.aws.region))?;
        Ok((found, events?))
    };
    let (environment, events) = world.aws.first_contact(looks).await?;
    report.describe(&environment);
    let operation = Operation::latest(&events);
    if operation.is_none() && !environment.is_ready() {
        // An operation without a known beginning: whatever is in place in the end is wanted.
        let all = Operation {
            request_id: None,
            label: None,
            events: Vec::new(),
        };
        return Ok(Some((all, events)));
    }
    Ok(operation.map(|operation| {
        let own = operation.events.len();
        (operation, events.into_iter().skip(own).collect())
    }))
}

/// Follows an operation that somebody has started to its end.
pub(super) async fn resume(
    world: &World,
    target: &Target,
    operation: Operation,
    before: &[Event],
    following: &Following,
    report: &mut DeployReport,
) -> Result<()> {
    let all: Vec<_> = operation
        .events
        .iter()
        .rev()
        .chain(before)
        .cloned()
        .collect();
    world.board.follow(&target.environment, &all);
    for event in &operation.events {
        world.out.event(&event.told());
    }
    let previous = before.iter().find_map(|event| event.version_label.clone());
    report.version_label.clone_from(&operation.label);
    report.previous_version_label.clone_from(&previous);
    let watch = Watch {
        world,
        name: &target.environment,
        wanted: operation.label.as_deref(),
        previous: previous.as_deref(),
        request_id: operation.request_id,
        health: following.health,
        health_timeout: following.health_timeout,
    };
    watch
        .to_the_end(Seen::with(operation.events), report)
        .await?;
    if report.version_label.is_none() {
        let environment = report.seen.environment.as_ref();
        report.version_label = environment.and_then(|seen| seen.version_label.clone());
    }
    smoke::check(world, following.smoke.as_ref(), report).await;
    Ok(())
}
