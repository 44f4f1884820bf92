//! `beanship abort`: stop the update that runs, wait until the environment is Ready, say what
//! state that leaves.

use std::time::Instant;

use serde::Serialize;

use crate::cli::{AbortArgs, FollowingArgs};
use crate::deploy::environment::{self, Environment, Instances};
use crate::deploy::events;
use crate::deploy::outcome::Outcome;
use crate::deploy::{World, wait_until_ready};
use crate::error::{Error, Exit, Kind, Result};
use crate::output::{Event, Report};
use crate::plan::{Change, Moment, Plan, Step, Verb};
use crate::settings::Following;

use super::{Context, status};

/// Runs the command. Where nothing runs, there is nothing to do.
///
/// # Errors
/// [`Kind::Check`] for an environment that is not there or whose operation cannot be stopped;
/// [`Kind::Timeout`] when the deadline passes first; else what AWS says.
pub async fn run(cx: &Context, args: &AbortArgs) -> Result<Exit> {
    let target = cx.target(
        args.target.application.app.as_deref(),
        args.target.env.as_deref(),
    )?;
    let patience = FollowingArgs {
        timeout: args.timeout,
        ..FollowingArgs::default()
    };
    let patience = Following::resolve(&patience, &cx.settings, target.key.as_deref())?;
    let deadline = Instant::now() + patience.timeout(None);
    let world = World::new(cx.aws().await?, &cx.out, &target.app, deadline);
    let name = &target.environment;
    let look = environment::find(&world.aws, name);
    let found = world.aws.first_contact(look).await?;
    let environment = found.ok_or_else(|| status::missing(&target, &world.aws.region))?;
    let plan = plan(&environment)?;
    if plan.is_empty() && environment.is_ready() {
        return Ok(done(cx, &Aborted::of(&environment, Outcome::Unchanged)));
    }
    let before = events::read(&world.aws, name, None, 100).await;
    world.board.follow(name, &before.unwrap_or_default());
    if !plan.is_empty() {
        cx.out.event(&Event::Plan(&plan.changes()));
        let why = format!("the update of {name} is stopped where it is");
        if args.plan || !cx.agree(&plan.changes(), &why).await? {
            return Ok(done(cx, &Aborted::of(&environment, Outcome::Planned)));
        }
        plan.apply(&world, &mut (), |moment| tell(&world, &moment))
            .await?;
    }
    if args.no_wait {
        return Ok(done(cx, &Aborted::of(&environment, Outcome::Started)));
    }
    let report = follow(&world, &environment).await?;
    Ok(done(cx, &report))
}

fn done(cx: &Context, report: &Aborted) -> Exit {
    cx.out.result(report);
    Exit::Done
}

fn tell(world: &World, moment: &Moment<'_, Stop>) {
    if let Moment::Done(step, took) = moment {
        world.out.event(&Event::Done(&step.past(), *took));
    }
}

/// What there is to stop: nothing where nothing runs, or where it is being stopped already.
fn plan(environment: &Environment) -> Result<Plan<Stop>> {
    let name = &environment.name;
    if environment.abortable {
        return Ok(Plan::new(vec![Stop {
            environment: name.clone(),
        }]));
    }
    if environment.is_ready() || environment.status == "Aborting" {
        return Ok(Plan::new(Vec::new()));
    }
    Err(Error::new(
        Kind::Check,
        format!(
            "{name} is {}, and Elastic Beanstalk does not let this be stopped",
            environment.status
        ),
    )
    .hint(format!(
        "follow it with `beanship events --follow --env {name}`"
    )))
}

/// The abort of whatever updates an environment.
#[derive(Debug)]
struct Stop {
    environment: String,
}

impl Step for Stop {
    type World = World;
    type Made = ();

    fn change(&self) -> Change {
        Change {
            verb: Verb::Update,
            kind: "environment",
            name: self.environment.clone(),
            detail: Some("stop its update".into()),
        }
    }

    fn past(&self) -> String {
        format!("Asked to stop the update of {}", self.environment)
    }

    async fn apply(&self, world: &World, (): &mut ()) -> Result<()> {
        environment::abort(&world.aws, &self.environment).await
    }
}

/// Waits for Ready and looks at what runs then.
async fn follow(world: &World, before: &Environment) -> Result<Aborted> {
    let environment = wait_until_ready(world, &before.name).await?;
    let instances = environment::instances(&world.aws, &environment.name).await?;
    let label = environment.version_label.as_deref();
    let mixed = !instances.all_run(label);
    let outcome = match mixed {
        true => Outcome::SucceededWithWarnings,
        false => Outcome::Succeeded,
    };
    let mut report = Aborted::of(&environment, outcome);
    report.mixed = matches!(instances, Instances::Known(_)).then_some(mixed);
    report.ended_before = environment.version_label != before.version_label;
    if let Instances::Known(instances) = instances {
        report.instances = instances;
    }
    Ok(report)
}

/// The state that an abort leaves.
#[derive(Debug, Serialize)]
struct Aborted {
    outcome: Outcome,
    application: String,
    environment: String,
    /// The version that is in place.
    version_label: Option<String>,
    status: String,
    /// Whether instances run different versions; none where that is not told.
    mixed: Option<bool>,
    /// Whether the update had ended before it could be stopped.
    ended_before: bool,
    instances: Vec<environment::Instance>,
}

impl Aborted {
    fn of(environment: &Environment, outcome: Outcome) -> Self {
        Self {
            outcome,
            application: environment.application.clone(),
            environment: environment.name.clone(),
            version_label: environment.version_label.clone(),
            status: environment.status.clone(),
            mixed: None,
            ended_before: false,
            instances: Vec::new(),
        }
    }

    /// The state in words, with the cure where one is needed.
    fn state(&self) -> String {
        let (name, label) = (&self.environment, self.version_label.as_deref());
        let label = label.unwrap_or("no version");
        let cure = format!(
            "bring all of them to one version with `beanship rollback --env {name}`, or deploy again"
        );
        match self.mixed {
            _ if self.ended_before => {
                format!(
                    "the update of {name} had ended before it could be stopped: it runs {label}"
                )
            }
            Some(true) => {
                let count = self.instances.iter().filter(|i| !i.runs(label)).count();
                let all = self.instances.len();
                format!(
                    "the update of {name} was stopped: not on {label}: {count} of {all} instances\n{cure}"
                )
            }
            Some(false) => format!("the update of {name} was stopped: every instance runs {label}"),
            None => format!(
                "the update of {name} was stopped; its version is {label}, but instances may run different ones\n{cure}"
            ),
        }
    }
}

impl Report for Aborted {
    fn human(&self) -> String {
        let name = &self.environment;
        let text = match self.outcome {
            Outcome::Unchanged => format!("nothing to do: no update of {name} is running"),
            Outcome::Planned => {
                format!("the update of {name} would be stopped; nothing was changed")
            }
            Outcome::Started => format!(
                "the update of {name} is being stopped; follow it with `beanship events --follow --env {name}`"
            ),
            _ => self.state(),
        };
        format!("{}: {text}", self.outcome.word())
    }

    fn step_outputs(&self) -> Vec<(&'static str, String)> {
        let label = self.version_label.clone().unwrap_or_default();
        vec![
            ("outcome", self.outcome.word().to_owned()),
            ("version-label", label),
        ]
    }
}
