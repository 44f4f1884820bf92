//! Deployments on new instances: immutable, traffic splitting, and the platform updates that work the same way. Whatever goes
//! wrong, the old instances and the old label stay.

use super::super::model::{Change, Instance};
use super::deploy::{Flow, Plan, Policy, command};
use super::{Ending, Script, ids, instance, new_id};

pub(super) fn run(script: &mut Script<'_>, plan: &Plan<'_>) -> Flow {
    let old = script.instances.clone();
    let group = format!(
        "{}-immutable-stack-AWSEBAutoScalingGroup",
        script.environment.id
    );
    announce(script, plan.policy);
    script.pass(400);
    script.info(format!(
        "Created temporary auto scaling group awseb-{group}."
    ));
    let new = launch(script, plan, 0..1);
    script.instances.extend(new);
    let first = old.len();
    if *plan.ending == Ending::AbortedHalfWay {
        command(script, plan, &[first], 1200);
        return leave(script, old, Flow::Stopped);
    }
    match command(script, plan, &[first], 1200) {
        Flow::Done => {}
        Flow::Stuck => return Flow::Stuck,
        flow => return leave(script, old, flow),
    }
    if !admit(script, plan, first) {
        return leave(script, old, Flow::Failed);
    }
    remaining(script, plan, old.len());
    take_over(script, &old, &group);
    Flow::Done
}

/// UNVERIFIED: the words for traffic splitting and for platform updates; those for immutable are AWS's.
fn announce(script: &mut Script<'_>, policy: Policy) {
    script.info(match policy {
        Policy::TrafficSplitting => {
            "Traffic splitting deployment policy enabled. Launching one instance with the new settings to verify health."
        }
        _ => "Immutable deployment policy enabled. Launching one instance with the new settings to verify health.",
    });
}

fn launch(
    script: &mut Script<'_>,
    plan: &Plan<'_>,
    indices: std::ops::Range<usize>,
) -> Vec<Instance> {
    let at = script.now();
    indices
        .map(|index| instance(new_id(script.environment, plan.attempt, index), at))
        .collect()
}

/// Shows the first new instance to the load balancer; an application that never becomes healthy fails here.
fn admit(script: &mut Script<'_>, plan: &Plan<'_>, first: usize) -> bool {
    let id = script.instances[first].id.clone();
    if !script.environment.is_single() {
        script.info(format!(
            "Adding new instance(s) ({id}) to the load balancer."
        ));
        script.info(format!(
            "Waiting for instance(s) ({id}) to pass health checks."
        ));
    }
    script.pass(800);
    if let Ending::Unhealthy(trouble) = plan.ending
        && trouble.health.status.color() == "Red"
    {
        script.journal(super::APP_LOG, trouble.app.clone());
        script.error(format!(
            "Instance id(s) '{id}' did not pass health check after command execution. Aborting the operation."
        ));
        return false;
    }
    script.info(format!("Added instance [{id}] to your environment."));
    true
}

fn remaining(script: &mut Script<'_>, plan: &Plan<'_>, wanted: usize) {
    if wanted > 1 {
        script.info("Test instance passed health checks. Launching remaining new instances.");
        script.pass(700);
        let new = launch(script, plan, 1..wanted);
        script.info(format!(
            "Added instances [{}] to your environment.",
            ids(&new)
        ));
        let from = script.instances.len();
        script.instances.extend(new);
        for index in from..script.instances.len() {
            script.mark(
                index,
                plan.label.as_ref(),
                plan.attempt,
                super::Rollout::Deployed,
            );
        }
        script.publish();
    }
    script.info("Successfully launched all instances.");
}

fn take_over(script: &mut Script<'_>, old: &[Instance], group: &str) {
    script.pass(400);
    script.info(format!(
        "Detached new instance(s) from temporary auto scaling group awseb-{group}."
    ));
    script.info(format!(
        "Attached new instance(s) to the permanent auto scaling group awseb-{}-stack-AWSEBAutoScalingGroup.",
        script.environment.id
    ));
    script.info("Starting post-deployment configuration on new instances.");
    script.pass(500);
    script.info("Instance deployment completed successfully.");
    script.info("Waiting for post-deployment configuration to complete.");
    script.pass(400);
    // From here on there is no way back.
    script.set(Change::Abortable(false));
    script
        .info("Deployment succeeded. Terminating old instances and temporary Auto Scaling group.");
    script.pass(700);
    for instance in old {
        script.info(format!(
            "Removed instance [{}] from your environment.",
            instance.id
        ));
    }
    script.instances.drain(..old.len());
    script.publish();
}

/// Terminates the new instances; the old ones never changed.
fn leave(script: &mut Script<'_>, old: Vec<Instance>, flow: Flow) -> Flow {
    for instance in script.instances.split_off(old.len()) {
        script.info(format!(
            "Removed instance [{}] from your environment.",
            instance.id
        ));
    }
    script.instances = old;
    script.publish();
    script.turn(script.environment.health.clone());
    flow
}
