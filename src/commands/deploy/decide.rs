//! What is to be done for each environment: look again, plan, agree, make the version.

use futures_util::future::try_join_all;

use crate::cli::DeployArgs;
use crate::commands::Context;
use crate::deploy::environment::Environment;
use crate::deploy::events::{Event as Past, Operation};
use crate::deploy::outcome::Outcome;
use crate::deploy::report::DeployReport;
use crate::deploy::version::{Content, Label};
use crate::deploy::{
    DeployStep, Desired, First, Joint, Made, Observed, World, plan_all, runs_already, second_look,
};
use crate::error::Result;
use crate::output::Event;
use crate::plan::{Change, Plan};
use crate::properties::{Gathered, Options};

use super::course::apply;
use super::prepare::{Ground, ready};
use super::properties;

/// What is to be done for an environment.
#[derive(Debug)]
pub(super) enum Way {
    /// Nothing more: the report says why.
    Done,
    /// It is busy with this very bundle: follow that.
    Resume {
        /// What runs.
        operation: Operation,
        /// The events before it, newest first.
        before: Vec<Past>,
    },
    /// Update it and follow that.
    Update {
        /// The update.
        plan: Plan<DeployStep>,
        /// The environment before.
        environment: Box<Environment>,
        /// What brings its options back.
        undo: Options,
    },
}

/// Decides for each environment, and makes the version that they get.
pub(super) async fn decide(
    cx: &Context,
    args: &DeployArgs,
    (desired, gathered): (&[Desired], &[Gathered]),
    ground: &Ground,
    reports: &mut [DeployReport],
) -> Result<Vec<Way>> {
    let world = &ground.world;
    let mut ways = Vec::new();
    let mut open = Vec::new();
    for (at, (desired, first)) in desired.iter().zip(&ground.firsts).enumerate() {
        world.board.follow(&first.environment.name, &first.events);
        ways.push(resumed(args, desired, first));
        if matches!(ways[at], Way::Done) {
            open.push((at, first.clone()));
        }
    }
    let (places, firsts) = all_ready(args, world, open).await?;
    let seen: Vec<_> = firsts.iter().map(|it| it.configuration.clone()).collect();
    let observed = second_look(&world.aws, &desired[0], firsts).await?;
    let wishes = places.iter().map(|at| (&desired[*at], &gathered[*at]));
    let seen = observed.iter().map(|it| it.account.as_str()).zip(seen);
    let desired = properties::wished(cx, args, world, wishes.zip(seen)).await?;
    let wanted = || desired.iter();
    let Joint { version, updates } = plan_all(wanted().zip(&observed))?;
    let parts = updates.iter().zip(&observed).zip(&desired);
    for (at, ((plan, observed), desired)) in places.iter().zip(parts) {
        reports[*at].planned(&version, plan, desired, observed);
        tell_moving(cx, desired, observed);
        if plan.is_empty() {
            warn_of_health(cx, &observed.environment);
            reports[*at].settle(Outcome::Unchanged, None);
        }
    }
    if updates.iter().all(Plan::is_empty) {
        return Ok(ways);
    }
    let changes = changes(&version, &updates, &observed);
    cx.out.event(&Event::Section("Plan"));
    cx.out.event(&Event::Plan(&changes));
    let agreed = agreed(cx, args, &changes, wanted().zip(&updates)).await?;
    if agreed {
        cx.out.event(&Event::Section("Update"));
        reports.iter_mut().for_each(|it| it.story.phase("upload"));
        apply(world, &version, &mut Made::default(), |_| {}).await?;
    }
    let parts = observed.into_iter().zip(desired);
    for ((at, plan), (observed, desired)) in places.into_iter().zip(updates).zip(parts) {
        if plan.is_empty() {
            continue;
        }
        if agreed {
            let environment = Box::new(observed.environment);
            ways[at] = Way::Update {
                plan,
                environment,
                undo: desired.undo,
            };
        } else {
            tell_busy(cx, &observed.environment);
            reports[at].settle(Outcome::Planned, None);
        }
    }
    Ok(ways)
}

/// Says of a plan that is only shown what a deploy would have to wait for.
fn tell_busy(cx: &Context, environment: &Environment) {
    if !environment.is_ready() {
        let (name, status) = (&environment.name, &environment.status);
        let text = format!("{name} is busy ({status}): a deploy would wait until it is Ready");
        cx.out.event(&Event::Note(&text));
    }
}

/// The environments once they take an update; as they are where only the plan is wanted.
async fn all_ready(
    args: &DeployArgs,
    world: &World,
    mut open: Vec<(usize, First)>,
) -> Result<(Vec<usize>, Vec<First>)> {
    if !args.plan {
        let waits = open.into_iter();
        let waits = waits.map(async |(at, first)| Ok((at, ready(world, first).await?)));
        open = try_join_all(waits).await?;
    }
    Ok(open.into_iter().unzip())
}

/// Whether the plan is to be carried out.
async fn agreed<'a>(
    cx: &Context,
    args: &DeployArgs,
    changes: &[Change],
    each: impl Iterator<Item = (&'a Desired, &'a Plan<DeployStep>)>,
) -> Result<bool> {
    match protected(cx, each) {
        _ if args.plan => Ok(false),
        Some(why) => cx.agree(changes, &why).await,
        None => Ok(true),
    }
}

/// The lines of all plans. Of several environments, a property says whose it is.
fn changes(
    version: &Plan<DeployStep>,
    updates: &[Plan<DeployStep>],
    observed: &[Observed],
) -> Vec<Change> {
    let of = |(plan, observed): (&Plan<DeployStep>, &Observed)| {
        let mut changes = plan.changes();
        if updates.len() > 1 {
            let inside = changes.iter_mut().filter(|it| it.kind != "environment");
            inside.for_each(|it| it.name = format!("{}: {}", observed.environment.name, it.name));
        }
        changes
    };
    let updates = updates.iter().zip(observed).flat_map(of);
    version.changes().into_iter().chain(updates).collect()
}

/// With `--resume`: the operation that keeps the environment busy, if it leads to this very
/// bundle.
fn resumed(args: &DeployArgs, desired: &Desired, first: &First) -> Way {
    if !args.resume || args.plan || first.environment.is_ready() {
        return Way::Done;
    }
    let Some(operation) = Operation::latest(&first.events) else {
        return Way::Done;
    };
    let heading = first.environment.version_label.as_ref();
    let same = operation
        .label
        .as_ref()
        .or(heading)
        .is_some_and(|label| match &desired.label {
            Label::Given(given) => given == label,
            Label::Derived(_) => Content::of(label, None, &desired.bundle.sha256) == Content::Same,
        });
    if !same {
        return Way::Done;
    }
    let before = first.events[operation.events.len()..].to_vec();
    Way::Resume { operation, before }
}

/// Says why a bundle that runs already is deployed again, where images may have moved.
fn tell_moving(cx: &Context, desired: &Desired, observed: &Observed) {
    if desired.moving.is_empty() || !runs_already(observed) {
        return;
    }
    let text = format!(
        "{} runs this bundle already, but what these names stand for may have changed: {}; `bundle.pin_images: always` in beanship.yml settles that",
        observed.environment.name,
        desired.moving.join(", ")
    );
    cx.out.event(&Event::Note(&text));
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

/// Why the changes are asked about: only protected environments are.
fn protected<'a>(
    cx: &Context,
    updates: impl Iterator<Item = (&'a Desired, &'a Plan<DeployStep>)>,
) -> Option<String> {
    let asks = |(desired, plan): &(&Desired, &Plan<DeployStep>)| {
        !plan.is_empty() && super::super::redeploy::is_protected(cx, &desired.target)
    };
    let names: Vec<&str> = updates
        .filter(asks)
        .map(|(desired, _)| desired.target.environment.as_str())
        .collect();
    match names.as_slice() {
        [] => None,
        [name] => Some(format!("{name} is protected")),
        names => Some(format!("{} are protected", names.join(", "))),
    }
}
