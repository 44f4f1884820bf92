//! The last word on an update that changes option settings: whether they are in place. Elastic
//! Beanstalk may end an update well and have gone back to the settings before.

use std::time::{Duration, Instant};

use super::Options;
use crate::deploy::board::sleep;
use crate::deploy::configuration;
use crate::deploy::outcome::Outcome;
use crate::deploy::report::DeployReport;
use crate::deploy::{DeployStep, World};
use crate::error::{Kind, Result};
use crate::output::Event;
use crate::plan::Plan;

/// For how long settings may take to be shown.
const PATIENCE: Duration = Duration::from_secs(20);

/// The time between two looks.
const ROUND: Duration = Duration::from_millis(1500);

/// Looks at the settings after an update that seemed to go well, and corrects the outcome.
///
/// # Errors
/// What AWS says, but for a caller who may not look.
pub async fn confirm(
    world: &World,
    plan: &Plan<DeployStep>,
    report: &mut DeployReport,
) -> Result<()> {
    let options = changed(plan);
    let well = matches!(
        report.outcome,
        Outcome::Succeeded | Outcome::SucceededWithWarnings
    );
    let (Some(app), Some(environment)) = (report.application.clone(), report.environment.clone())
    else {
        return Ok(());
    };
    if options.is_empty() || !well {
        return Ok(());
    }
    let end = world.deadline.min(Instant::now() + PATIENCE);
    loop {
        let seen = match configuration::read(&world.aws, &app, &environment).await {
            Err(error) if error.kind() == Kind::Denied => {
                let text = "whether the settings are in place cannot be seen: the caller may not call elasticbeanstalk:DescribeConfigurationSettings";
                world.out.event(&Event::Note(text));
                return Ok(());
            }
            seen => seen?,
        };
        let missing = options.missing(&seen);
        if missing.is_empty() {
            return Ok(());
        }
        if Instant::now() >= end {
            let why = format!(
                "{environment} is back on its settings before: {} not in place",
                missing.join(", ")
            );
            report.settle(Outcome::RolledBack, Some(why));
            return Ok(());
        }
        sleep(ROUND, end).await;
    }
}

/// The options that the plan changes, but for references that were only made with it.
fn changed(plan: &Plan<DeployStep>) -> Options {
    let of = |step: &DeployStep| match step {
        DeployStep::Update { options, .. } | DeployStep::Configure { options, .. } => {
            Some(options.clone().of_known())
        }
        _ => None,
    };
    plan.steps().iter().find_map(of).unwrap_or_default()
}
