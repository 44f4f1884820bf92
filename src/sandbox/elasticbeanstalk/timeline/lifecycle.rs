//! Everything that is not an update: create, terminate, rebuild, restart, swap, tags, logs, and the abort of an update.

use super::super::model::{
    Change, Environment, Health, HealthStatus, Instance, Operation, Report, Rollout, SAMPLE,
    Status, Step,
};
use super::configure::{replaced_instances, wanted_count};
use super::deploy::{Flow, Plan, Policy, command};
use super::ending::aftermath;
use super::{Ending, Failure, Script, Start, Trouble, Update, ids};

/// What an environment that is being made needs to know of its surroundings.
#[derive(Debug, Clone)]
pub(in super::super) struct Lifecycle<'a> {
    pub(in super::super) region: &'a str,
    pub(in super::super) bucket: &'a str,
}

fn operation(start: Start<'_>) -> Operation {
    Operation {
        request_id: start.request_id.to_owned(),
        label: None,
        untouched: None,
        reconfigures: false,
    }
}

/// An environment as it is after it was launched, without the time that takes.
pub(in super::super) fn launched(environment: &mut Environment, label: &str) {
    environment.attempt = 1;
    environment.deployment = 1;
    environment.label = Some(label.to_owned());
    environment.status = Status::Ready;
    environment.health = Health::ok();
    let count = wanted_count(&environment.settings);
    environment.instances = replaced_instances(environment, 1, count, environment.created);
    for instance in &mut environment.instances {
        instance.label = Some(label.to_owned());
        instance.deployment = 1;
        instance.outcome = Rollout::Deployed;
        instance.health = Health::ok();
    }
}

/// Launches a new environment with a version.
pub(in super::super) fn create(
    environment: &Environment,
    label: &str,
    ending: &Ending,
    around: &Lifecycle<'_>,
    start: Start<'_>,
) -> Vec<Step> {
    let mut script = Script::new(environment, start);
    script.label = Some(label.to_owned());
    script.begin(Status::Launching, operation(start));
    script.info("createEnvironment is starting.");
    script.info(format!(
        "Using {} as Amazon S3 storage bucket for environment data.",
        around.bucket
    ));
    script.pass(500);
    // UNVERIFIED: that a launch without instance profile ends like this; newer accounts are known to refuse it.
    if environment
        .setting("aws:autoscaling:launchconfiguration", "IamInstanceProfile")
        .is_none()
    {
        script.error("Environment must have instance profile associated with it.");
        script.pass(300);
        script.error("Failed to launch environment.");
        script.set(Change::Status(Status::Terminated));
        script.set(Change::Operation(None));
        return script.into_steps();
    }
    resources(&mut script);
    launch(&mut script, label, ending, around);
    script.into_steps()
}

fn resources(script: &mut Script<'_>) {
    let stack = format!("awseb-{}-stack", script.environment.id);
    script.info(format!(
        "Created security group named: {stack}-AWSEBSecurityGroup"
    ));
    script.pass(200);
    if script.environment.is_single() {
        script.info("Created EIP: 192.0.2.10");
    } else if !script.environment.worker {
        script.info(format!(
            "Created target group named: {}",
            load_balancer(script.environment)
        ));
        script.info(format!(
            "Created load balancer named: {}",
            load_balancer(script.environment)
        ));
    }
    script.info(format!(
        "Created Auto Scaling group named: {stack}-AWSEBAutoScalingGroup"
    ));
    script.pass(300);
    script.info("Waiting for EC2 instances to launch. This may take a few minutes.");
}

fn load_balancer(environment: &Environment) -> String {
    format!("awseb-{}", environment.id)
}

fn launch(script: &mut Script<'_>, label: &str, ending: &Ending, around: &Lifecycle<'_>) {
    let count = wanted_count(&script.environment.settings);
    let attempt = script.environment.attempt + 1;
    script.instances = replaced_instances(script.environment, attempt, count, script.now());
    script.set(Change::Attempt(attempt));
    script.set(Change::Health(Health::of(HealthStatus::Pending)));
    script.health = Health::of(HealthStatus::Pending);
    let update = Update::default();
    let plan = Plan {
        update: &update,
        ending,
        label: Some(label.to_owned()),
        attempt,
        policy: Policy::AllAtOnce,
    };
    let everyone: Vec<usize> = (0..count).collect();
    let flow = command(script, &plan, &everyone, 1800);
    let name = script.environment.name.clone();
    match flow {
        Flow::Stuck => return,
        Flow::Done => {
            script.set(Change::Label(Some(label.to_owned())));
            script.set(Change::Deployment(attempt));
            script.info(format!(
                "Application available at {}.",
                script.environment.cname(around.region)
            ));
            script.info(format!("Successfully launched environment: {name}"));
        }
        Flow::Failed | Flow::TimedOut | Flow::Stopped | Flow::Returned => {
            script.error(
                "Create environment operation is complete, but with errors. For more information, see troubleshooting \
                 documentation.",
            );
        }
    }
    script.ready();
    script.pass(400);
    let health = match (flow, ending) {
        (Flow::Done, Ending::Unhealthy(Trouble { health, app })) => {
            script.journal(super::APP_LOG, app.clone());
            health.clone()
        }
        (Flow::Done, _) => Health::ok(),
        _ => aftermath(script, &plan),
    };
    if flow == Flow::Done {
        script.heal(&health);
    }
    script.publish();
    script.turn(health);
}

/// Replaces everything an environment consists of.
pub(in super::super) fn rebuild(
    environment: &Environment,
    ending: &Ending,
    around: &Lifecycle<'_>,
    start: Start<'_>,
) -> Vec<Step> {
    let mut script = Script::new(environment, start);
    script.begin(Status::Updating, operation(start));
    script.info("rebuildEnvironment is starting.");
    script.pass(500);
    for instance in script.instances.clone() {
        script.info(format!(
            "Removed instance [{}] from your environment.",
            instance.id
        ));
    }
    resources(&mut script);
    let label = environment
        .label
        .clone()
        .unwrap_or_else(|| SAMPLE.to_owned());
    launch(&mut script, &label, ending, around);
    script.into_steps()
}

/// Starts the containers again; environment secrets are fetched anew on the way.
/// Containers are started anew, with secrets as they are now; `failure` is why they could not be.
/// UNVERIFIED: the last words of a restart that fails.
pub(in super::super) fn restart(
    environment: &Environment,
    failure: Option<&Failure>,
    start: Start<'_>,
) -> Vec<Step> {
    let mut script = Script::new(environment, start);
    script.begin(Status::Updating, operation(start));
    script.info("restartAppServer is starting.");
    script.pass(300);
    script.info("Restarting application server(s).");
    script.pass(1200);
    if let Some(failure) = failure {
        script.engine("ERROR", &failure.engine);
        if let Some(explanation) = &failure.explanation {
            script.error(explanation.clone());
        }
        let ids = ids(&script.instances);
        script.error(format!(
            "Unsuccessful command execution on instance id(s) '{ids}'. Aborting the operation."
        ));
        script.error("Failed to restart app server.");
    } else {
        script.journal(super::APP_LOG, "web-1  | listening");
        script.info("restartAppServer completed successfully.");
    }
    script.ready();
    script.into_steps()
}

pub(in super::super) fn terminate(environment: &Environment, start: Start<'_>) -> Vec<Step> {
    let mut script = Script::new(environment, start);
    let stack = format!("awseb-{}-stack", environment.id);
    script.begin(Status::Terminating, operation(start));
    script.set(Change::Abortable(false));
    script.info("terminateEnvironment is starting.");
    script.pass(800);
    script.set(Change::Health(Health::of(HealthStatus::Unknown)));
    script.instances.clear();
    script.publish();
    script.info(format!(
        "Deleted Auto Scaling group named: {stack}-AWSEBAutoScalingGroup"
    ));
    if !environment.is_single() && !environment.worker {
        script.info(format!(
            "Deleted load balancer named: {}",
            load_balancer(environment)
        ));
    }
    script.pass(700);
    script.info(format!(
        "Deleted security group named: {stack}-AWSEBSecurityGroup"
    ));
    script.info(format!(
        "Deleting SNS topic for environment {}.",
        environment.name
    ));
    script.pass(500);
    script.info("terminateEnvironment completed successfully.");
    script.set(Change::Operation(None));
    script.set(Change::Status(Status::Terminated));
    script.into_steps()
}

/// Ends an update that is under way. Work on instances that serve simply stops; new instances go away.
/// UNVERIFIED: the words of the events.
pub(in super::super) fn abort(environment: &Environment, start: Start<'_>) -> Vec<Step> {
    let mut script = Script::new(environment, start);
    let aborted = environment
        .operation
        .clone()
        .unwrap_or_else(|| operation(start));
    script.set(Change::Status(Status::Aborting));
    script.set(Change::Abortable(false));
    script.info("Aborting environment update.");
    script.pass(1000);
    if let Some(untouched) = aborted.untouched {
        script.instances = untouched;
    }
    settle_instances(&mut script.instances);
    let changed = script
        .instances
        .iter()
        .any(|instance| instance.deployment != environment.deployment);
    if aborted.reconfigures {
        script.set(Change::Draft(None));
        script.info("The environment was reverted to the previous configuration setting.");
    }
    if changed {
        script.info(
            "During an aborted deployment, some instances may have deployed the new application version. To ensure all \
             instances are running the same version, re-deploy the appropriate application version.",
        );
    }
    script.info("Environment update aborted.");
    script.ready();
    script.pass(400);
    let update = Update {
        label: aborted.label.clone(),
        ..Update::default()
    };
    let plan = Plan {
        update: &update,
        ending: &Ending::AbortedHalfWay,
        label: aborted.label,
        attempt: environment.attempt,
        policy: Policy::AllAtOnce,
    };
    let health = if changed {
        aftermath(&mut script, &plan)
    } else {
        Health::ok()
    };
    script.publish();
    script.turn(health);
    script.into_steps()
}

/// What was being deployed when the abort came did not get ready.
fn settle_instances(instances: &mut [Instance]) {
    for instance in instances {
        if instance.outcome == Rollout::InProgress {
            instance.outcome = Rollout::Failed;
        }
    }
}

/// Swaps the host names of two environments; the second one's steps are silent.
pub(in super::super) fn swap(
    one: &Environment,
    other: &Environment,
    region: &str,
    start: Start<'_>,
) -> [Vec<Step>; 2] {
    let mut script = Script::new(one, start);
    let names = format!("'{}' and '{}'", one.name, other.name);
    script.begin(Status::Updating, operation(start));
    script.info("swapEnvironmentCNAMEs is starting.");
    script.info(format!("Swapping CNAMEs for environments {names}."));
    script.pass(600);
    script.info(format!(
        "'{}' now points to '{}'.",
        one.cname(region),
        other.name
    ));
    script.info(format!(
        "'{}' now points to '{}'.",
        other.cname(region),
        one.name
    ));
    script.set(Change::Prefix(other.prefix.clone()));
    script.info(format!(
        "Completed swapping CNAMEs for environments {names}."
    ));
    script.ready();
    let mut silent = Script::new(other, start);
    silent.begin(Status::Updating, operation(start));
    silent.pass(600);
    silent.set(Change::Prefix(one.prefix.clone()));
    silent.ready();
    [script.into_steps(), silent.into_steps()]
}

pub(in super::super) fn tag(environment: &Environment, start: Start<'_>) -> Vec<Step> {
    let mut script = Script::new(environment, start);
    script.begin(Status::Updating, operation(start));
    script.info("Environment tag update is starting.");
    script.pass(700);
    script.info("Environment tag update completed successfully.");
    script.ready();
    script.into_steps()
}

/// Pulls logs; the environment stays Ready meanwhile.
pub(in super::super) fn report(
    environment: &Environment,
    reports: &[Report],
    start: Start<'_>,
) -> Vec<Step> {
    let mut script = Script::new(environment, start);
    script.info("requestEnvironmentInfo is starting.");
    script.pass(300);
    for report in reports {
        let verb = if report.kind == "bundle" {
            "bundling"
        } else {
            "tailing"
        };
        script.info(format!(
            "[Instance: {}] Successfully finished {verb} 2 log(s)",
            report.instance
        ));
    }
    script.set(Change::Reports(reports.to_vec()));
    script.info("Pulled logs for environment instances.");
    script.into_steps()
}
