//! `beanship bootstrap --destroy`: look, plan, agree, take away.

use super::look::declared;
use crate::bootstrap::BootstrapReport;
use crate::bootstrap::destroy::{self, Removal};
use crate::bootstrap::names::Place;
use crate::bootstrap::registry::Object;
use crate::cli::BootstrapArgs;
use crate::commands::Context;
use crate::deploy::World;
use crate::deploy::outcome::Outcome;
use crate::error::{Kind, Result};
use crate::output::Event;
use crate::plan::{Moment, Step};

/// Takes away what was made.
pub(super) async fn run(
    cx: &Context,
    args: &BootstrapArgs,
    place: &Place,
    world: &World,
    report: &mut BootstrapReport,
) -> Result<()> {
    let declared = declared(cx, &place.target);
    let database = args.delete_database.as_deref();
    destroy::check(place, database)?;
    let mut standing = destroy::look(&world.aws, place, &declared).await?;
    if let Some((login, true)) = Object::of(cx.settings.config.registry.as_ref(), place) {
        match login.stands(&world.aws).await {
            // S3 says so of a missing key as well, to who may not list the bucket.
            Err(error) if error.kind() == Kind::Denied => {
                let unseen = format!("{} stays if it is there: {error}", login.name());
                standing.unseen_login = Some(unseen);
            }
            stands => standing.login = stands?.then_some(login),
        }
    }
    let (plan, stays) = destroy::plan(place, &standing, database);
    let left = standing.database.stays(place, database);
    report.destroys(plan.changes(), left.then(|| "its database".to_owned()));
    for text in &stays {
        cx.out.event(&Event::Note(text));
    }
    if plan.is_empty() {
        report.outcome = Outcome::Unchanged;
        return Ok(());
    }
    cx.out.event(&Event::Plan(&report.plan));
    report.outcome = Outcome::Planned;
    let why = format!("this removes {} for good", place.target.environment);
    if args.plan || !cx.agree(&report.plan, &why).await? {
        return Ok(());
    }
    report.outcome = Outcome::Failed;
    let tell = |moment: Moment<'_, Removal>| {
        if let Moment::Done(step, took) = moment {
            cx.out.event(&Event::Done(&step.past(), took));
        }
    };
    let applied = plan.apply(world, &mut report.done, tell).await;
    applied?;
    report.outcome = Outcome::Succeeded;
    Ok(())
}
