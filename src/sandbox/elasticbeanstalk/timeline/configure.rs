//! Updates that only change settings.

use super::super::model::{Environment, Instance, Settings, setting};
use super::deploy::{Flow, Plan, command};
use super::{Ending, Reach, Script, instance, new_id};

const ASG: &str = "aws:autoscaling:asg";

pub(super) fn run(script: &mut Script<'_>, plan: &Plan<'_>) -> Flow {
    match plan.update.reach {
        Reach::Nothing => Flow::Done,
        Reach::Instances => {
            let everyone: Vec<usize> = (0..script.instances.len()).collect();
            let half = if *plan.ending == Ending::AbortedHalfWay {
                everyone.len().div_ceil(2)
            } else {
                everyone.len()
            };
            command(script, plan, &everyone[..half], 1500)
        }
        Reach::Replacement => replace(script, plan),
    }
}

/// New instances take the place of the old ones; a single instance is away meanwhile.
fn replace(script: &mut Script<'_>, plan: &Plan<'_>) -> Flow {
    let old = script.instances.clone();
    let count = wanted_count(plan.settings(script));
    let at = script.now();
    let new = replaced_instances(script.environment, plan.attempt, count, at);
    script.instances.extend(new);
    let group: Vec<usize> = (old.len()..old.len() + count).collect();
    let flow = command(script, plan, &group, 1800);
    match flow {
        Flow::Done => {
            for index in group {
                let id = script.instances[index].id.clone();
                script.info(format!("Added instance [{id}] to your environment."));
            }
            for instance in &old {
                script.info(format!(
                    "Removed instance [{}] from your environment.",
                    instance.id
                ));
            }
            script.instances.drain(..old.len());
        }
        Flow::Stuck => return Flow::Stuck,
        _ => script.instances = old,
    }
    script.publish();
    flow
}

/// How many instances an environment with these settings has: one, or the minimum of its Auto Scaling group.
pub(super) fn wanted_count(settings: &Settings) -> usize {
    if setting(
        settings,
        "aws:elasticbeanstalk:environment",
        "EnvironmentType",
    ) == Some("SingleInstance")
    {
        return 1;
    }
    setting(settings, ASG, "MinSize")
        .and_then(|size| size.parse().ok())
        .unwrap_or(1)
}

/// How many instances an environment with these settings may have.
pub(super) fn most_instances(settings: &Settings) -> usize {
    let least = wanted_count(settings);
    if setting(
        settings,
        "aws:elasticbeanstalk:environment",
        "EnvironmentType",
    ) == Some("SingleInstance")
    {
        return least;
    }
    let most = setting(settings, ASG, "MaxSize")
        .and_then(|size| size.parse().ok())
        .unwrap_or(4);
    least.max(most)
}

/// Instances that replace those of an environment.
pub(super) fn replaced_instances(
    environment: &Environment,
    attempt: u64,
    count: usize,
    at: jiff::Timestamp,
) -> Vec<Instance> {
    (0..count)
        .map(|index| instance(new_id(environment, attempt, index), at))
        .collect()
}
