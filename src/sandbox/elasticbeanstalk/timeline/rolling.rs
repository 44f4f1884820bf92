//! Rolling deployments: batch after batch, each out of the load balancer while it changes. A batch that fails ends the
//! operation; those before it keep the new version.

use super::super::model::setting;
use super::deploy::{Flow, Plan, command};
use super::{APP_LOG, Ending, Script, ids, instance, new_id};

const COMMAND: &str = "aws:elasticbeanstalk:command";

pub(super) fn run(script: &mut Script<'_>, plan: &Plan<'_>, additional: bool) -> Flow {
    let existing = script.instances.len();
    let size = batch_size(script, plan, existing);
    if additional {
        launch(script, plan, size);
    }
    let flow = batches(script, plan, size, additional);
    if additional && flow != Flow::Stuck {
        // The surplus goes: the oldest ones when all went well, otherwise the new ones.
        let surplus = script.instances.len() - existing;
        if flow == Flow::Done {
            script.instances.drain(..surplus);
        } else {
            script.instances.truncate(existing);
        }
        script.publish();
    }
    flow
}

/// `BatchSize` as a share of the instances or as a number, at least one.
fn batch_size(script: &Script<'_>, plan: &Plan<'_>, instances: usize) -> usize {
    let settings = plan.settings(script);
    let size: usize = setting(settings, COMMAND, "BatchSize")
        .and_then(|size| size.parse().ok())
        .unwrap_or(100);
    let size = match setting(settings, COMMAND, "BatchSizeType") {
        Some("Fixed") => size,
        _ => (instances * size).div_ceil(100),
    };
    size.clamp(1, instances.max(1))
}

fn launch(script: &mut Script<'_>, plan: &Plan<'_>, size: usize) {
    script.info(format!(
        "Rolling with Additional Batch deployment policy enabled. Launching  a new batch of {size} additional instance(s)."
    ));
    script.pass(600);
    let at = script.now();
    for index in 0..size {
        let id = new_id(script.environment, plan.attempt, index);
        script.instances.push(instance(id, at));
    }
    script.publish();
}

fn batches(script: &mut Script<'_>, plan: &Plan<'_>, size: usize, additional: bool) -> Flow {
    let mut order: Vec<usize> = (0..script.instances.len()).collect();
    if additional {
        order.rotate_right(size);
    }
    let groups: Vec<&[usize]> = order.chunks(size).collect();
    let mut done = 0;
    for (index, group) in groups.iter().enumerate() {
        let launched = additional && index == 0;
        let flow = batch(script, plan, index + 1, group, launched);
        if flow != Flow::Done {
            return flow;
        }
        done += group.len();
        script.info(format!(
            "Command execution completed on {done} of {} instances in environment.",
            order.len()
        ));
        if !register(script, plan, index + 1, group) {
            return Flow::Failed;
        }
        script.busy(done, order.len());
        if *plan.ending == Ending::AbortedHalfWay {
            return Flow::Stopped;
        }
    }
    Flow::Done
}

fn batch(
    script: &mut Script<'_>,
    plan: &Plan<'_>,
    number: usize,
    group: &[usize],
    launched: bool,
) -> Flow {
    let members: Vec<_> = group
        .iter()
        .filter_map(|&index| script.instances.get(index).cloned())
        .collect();
    let names = ids(&members);
    if launched {
        let label = plan.label.as_deref().unwrap_or_default();
        script.info(format!(
            "Batch {number}: {} EC2 instance(s) [{names}] launched. Deploying application version '{label}'.",
            members.len()
        ));
    } else {
        script.info(format!(
            "Batch {number}: Starting application deployment on instance(s) [{names}]."
        ));
        script.info(format!(
            "Batch {number}: De-registering instance(s) from the load balancer and waiting for them to go out of service."
        ));
        script.pass(300);
    }
    script.info(format!(
        "Batch {number}: Starting application deployment command execution."
    ));
    let flow = match command(script, plan, group, 600) {
        // The flow of one batch; the caller decides what an abort half-way means for the others.
        Flow::Stopped => Flow::Done,
        flow => flow,
    };
    if flow == Flow::Done {
        script.info(format!(
            "Batch {number}: Completed application deployment command execution."
        ));
    }
    flow
}

/// Puts a batch back behind the load balancer, which an application that never becomes healthy does not survive unless
/// health is to be ignored.
fn register(script: &mut Script<'_>, plan: &Plan<'_>, number: usize, group: &[usize]) -> bool {
    script.info(format!(
        "Batch {number}: Registering instance(s) with the load balancer and waiting for them to be healthy."
    ));
    script.pass(300);
    let ignored = setting(plan.settings(script), COMMAND, "IgnoreHealthCheck") == Some("true");
    if let Ending::Unhealthy(trouble) = plan.ending
        && trouble.health.status.color() == "Red"
        && !ignored
    {
        let members: Vec<_> = group
            .iter()
            .filter_map(|&index| script.instances.get(index).cloned())
            .collect();
        script.journal(APP_LOG, trouble.app.clone());
        script.error(format!(
            "Instance id(s) '{}' did not pass health check after command execution. Aborting the operation.",
            ids(&members)
        ));
        return false;
    }
    script.info(format!("Batch {number}: Completed application deployment."));
    true
}
