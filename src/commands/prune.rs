//! `beanship versions prune`: look, plan, agree, delete, report.

use std::time::{Duration, Instant};

use serde::Serialize;

use crate::cli::PruneArgs;
use crate::deploy::World;
use crate::deploy::outcome::Outcome;
use crate::deploy::prune::{Deletion, Pruned, needed, plan};
use crate::error::{Exit, Result};
use crate::output::{Event, Report};
use crate::plan::{Change, Moment, Plan, Step};

use super::Context;
use super::versions::Books;

/// How long it may take at most; each call has its own, much shorter time.
const LONGEST: Duration = Duration::from_secs(3600);

/// Runs the command.
///
/// # Errors
/// [`crate::error::Kind::Usage`] where nobody can be asked; else what AWS says.
pub async fn run(cx: &Context, args: &PruneArgs) -> Result<Exit> {
    let app = cx.settings.app(args.application.app.as_deref())?;
    let deadline = Instant::now() + LONGEST;
    let world = World::new(cx.aws().await?, &cx.out, &app, deadline);
    let books = world
        .aws
        .first_contact(Books::read(&world.aws, &app))
        .await?;
    let mut targets = Vec::new();
    for environment in &books.environments {
        targets.extend(books.past_of(&world.aws, environment).await?.target);
    }
    let needed = needed(&books.environments, targets.iter().map(String::as_str));
    let plan = plan(&app, &books.versions, args.keep, &needed);
    let mut report = PruneReport {
        outcome: Outcome::Unchanged,
        application: app,
        versions: books.versions.len(),
        plan: plan.changes(),
        deleted: Vec::new(),
        in_use: Vec::new(),
        left_bundles: Vec::new(),
    };
    if !plan.is_empty() {
        cx.out.event(&Event::Plan(&report.plan));
        let why = format!(
            "{} of {} versions are deleted",
            report.plan.len(),
            report.versions
        );
        report.outcome = Outcome::Planned;
        if !args.plan && cx.agree(&report.plan, &why).await? {
            report.done(delete(&world, &plan).await?);
        }
    }
    cx.out.result(&report);
    Ok(Exit::Done)
}

/// Carries the plan out; one warning for all bundles that could not be deleted.
async fn delete(world: &World, plan: &Plan<Deletion>) -> Result<Pruned> {
    let mut pruned = Pruned::default();
    let tell = |moment: Moment<'_, Deletion>| {
        if let Moment::Done(step, took) = moment {
            world.out.event(&Event::Done(&step.past(), took));
        }
    };
    plan.apply(world, &mut pruned, tell).await?;
    if !pruned.left_bundles.is_empty() {
        let left = pruned.left_bundles.join(", ");
        let text =
            format!("these bundles could not be deleted, though their versions were: {left}");
        world.out.event(&Event::Warning(&text));
    }
    Ok(pruned)
}

/// What was pruned.
#[derive(Debug, Serialize)]
struct PruneReport {
    outcome: Outcome,
    application: String,
    /// How many versions there were.
    versions: usize,
    plan: Vec<Change>,
    deleted: Vec<String>,
    /// Versions that stay because an environment has begun to use them.
    in_use: Vec<String>,
    /// Bundles that stay although their versions are gone.
    left_bundles: Vec<String>,
}

impl PruneReport {
    fn done(&mut self, pruned: Pruned) {
        let clean = pruned.left_bundles.is_empty() && pruned.in_use.is_empty();
        self.outcome = match clean {
            true => Outcome::Succeeded,
            false => Outcome::SucceededWithWarnings,
        };
        self.deleted = pruned.deleted;
        self.in_use = pruned.in_use;
        self.left_bundles = pruned.left_bundles;
    }
}

impl Report for PruneReport {
    fn human(&self) -> String {
        let (all, planned) = (self.versions, self.plan.len());
        let text = match self.outcome {
            Outcome::Unchanged if all == 0 => "nothing to do: there is no version".to_owned(),
            Outcome::Unchanged if all == 1 => "nothing to do: the only version stays".to_owned(),
            Outcome::Unchanged => format!("nothing to do: all {all} versions stay"),
            Outcome::Planned => {
                format!("{planned} of {all} versions would be deleted; nothing was changed")
            }
            _ => {
                let deleted = self.deleted.len();
                format!(
                    "{deleted} of {all} versions of {} deleted",
                    self.application
                )
            }
        };
        format!("{}: {text}", self.outcome.word())
    }
}
