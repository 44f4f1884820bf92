//! Updates: what every one of them begins and ends with, and the all-at-once deployment.

use super::super::model::{
    Change, Draft, Environment, Operation, Rollout, Settings, Severity, Status, Step, setting,
};
use super::ending::close;
use super::{
    APP_LOG, Ending, Failure, Reach, Script, Start, Update, configure, ids, immutable, rolling,
};

/// The way of `aws:elasticbeanstalk:command DeploymentPolicy`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Policy {
    AllAtOnce,
    Rolling { additional: bool },
    Immutable,
    TrafficSplitting,
}

impl Policy {
    /// A single instance has no load balancer to take it out of, so only immutable means something there.
    fn of(environment: &Environment, update: &Update) -> Self {
        let settings = update.settings.as_ref().unwrap_or(&environment.settings);
        let policy = setting(settings, "aws:elasticbeanstalk:command", "DeploymentPolicy");
        match policy {
            Some("Immutable") => Self::Immutable,
            Some("TrafficSplitting") if !environment.is_single() => Self::TrafficSplitting,
            Some("Rolling") if !environment.is_single() => Self::Rolling { additional: false },
            Some("RollingWithAdditionalBatch") if !environment.is_single() => {
                Self::Rolling { additional: true }
            }
            _ => Self::AllAtOnce,
        }
    }

    fn replaces(self) -> bool {
        matches!(self, Self::Immutable | Self::TrafficSplitting)
    }
}

/// One update as the flows of the policies see it.
pub(super) struct Plan<'a> {
    pub(super) update: &'a Update,
    pub(super) ending: &'a Ending,
    /// The version the instances shall run.
    pub(super) label: Option<String>,
    /// The number of this deployment.
    pub(super) attempt: u64,
    pub(super) policy: Policy,
}

impl<'a> Plan<'a> {
    /// The settings this update runs with.
    pub(super) fn settings(&self, script: &Script<'a>) -> &'a Settings {
        self.update
            .settings
            .as_ref()
            .unwrap_or(&script.environment.settings)
    }
}

/// How far a flow came.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Flow {
    /// Every instance runs what it shall.
    Done,
    /// Failed and said why; the usual last events are still to come.
    Failed,
    /// Instances did not answer in time; nothing is said as an error.
    TimedOut,
    /// Nothing more will happen.
    Stuck,
    /// Stopped half-way, as by an abort.
    Stopped,
    /// Returned to the old version.
    Returned,
}

pub(super) fn steps(
    environment: &Environment,
    update: &Update,
    ending: &Ending,
    start: Start<'_>,
) -> Vec<Step> {
    let touches =
        update.label.is_some() || update.platform.is_some() || update.reach > Reach::Nothing;
    let attempt = environment.attempt + u64::from(touches);
    let label = update.label.clone().or_else(|| environment.label.clone());
    let policy = Policy::of(environment, update);
    let plan = Plan {
        update,
        ending,
        label,
        attempt,
        policy,
    };
    let mut script = Script::new(environment, start);
    script.label.clone_from(&update.label);
    open(&mut script, &plan, touches);
    let flow = if !touches {
        Flow::Done
    } else if update.label.is_none() && update.platform.is_none() {
        configure::run(&mut script, &plan)
    } else if update.platform.is_some() || policy.replaces() {
        immutable::run(&mut script, &plan)
    } else if let Policy::Rolling { additional } = policy {
        rolling::run(&mut script, &plan, additional)
    } else {
        all_at_once(&mut script, &plan)
    };
    close(&mut script, &plan, flow, touches);
    script.into_steps()
}

fn open(script: &mut Script<'_>, plan: &Plan<'_>, touches: bool) {
    // An abort stops a deployment where it is, but takes back everything else.
    let taken_back = plan.policy.replaces() || plan.update.label.is_none();
    let operation = Operation {
        request_id: script.start.request_id.to_owned(),
        label: plan.update.label.clone(),
        untouched: (taken_back && touches).then(|| script.instances.clone()),
        reconfigures: plan.update.settings.is_some(),
    };
    script.begin(Status::Updating, operation);
    script.set(Change::Abortable(touches));
    if touches {
        script.set(Change::Attempt(plan.attempt));
    }
    if let Some(settings) = &plan.update.settings {
        let draft = Draft {
            settings: settings.clone(),
            failed: false,
            created: script.start.now,
        };
        script.set(Change::Draft(Some(draft)));
    }
    script.info("Environment update is starting.");
    script.pass(300);
    if touches {
        script.busy(0, script.instances.len());
    }
    script.pass(300);
    if plan.update.settings.is_some() {
        let message = format!(
            "Updating environment {}'s configuration settings.",
            script.environment.name
        );
        script.info(message);
    }
}

fn all_at_once(script: &mut Script<'_>, plan: &Plan<'_>) -> Flow {
    script.info("Deploying new version to instance(s).");
    let everyone: Vec<usize> = (0..script.instances.len()).collect();
    let half = match plan.ending {
        Ending::AbortedHalfWay => everyone.len().div_ceil(2),
        _ => everyone.len(),
    };
    let flow = command(script, plan, &everyone[..half], 1800);
    if flow == Flow::Done {
        script.pass(200);
    }
    flow
}

/// What the engine writes on its way to the containers.
/// UNVERIFIED: the names of the instructions in compose mode.
const DEPLOYING: [&str; 8] = [
    "Engine received EB command cfn-hup-exec",
    "Running command: app-deploy",
    "Executing instruction: StageApplication",
    "Executing instruction: RunAppDeployPreBuildHooks",
    "Executing instruction: Docker Specific Build Application",
    "Running command /bin/sh -c docker compose build",
    "Executing instruction: Run Docker Container",
    "Running command /bin/sh -c docker compose up -d",
];

/// What it writes after an error.
const GIVING_UP: [&str; 3] = [
    "Executing cleanup logic",
    r#"CommandService Response: {"status":"FAILURE","api_version":"1.0","results":[{"status":"FAILURE","msg":"Engine execution has encountered an error.","returncode":1}]}"#,
    "Platform Engine finished execution on command: app-deploy",
];

/// Runs the deployment on some instances and says how it went.
pub(super) fn command(
    script: &mut Script<'_>,
    plan: &Plan<'_>,
    group: &[usize],
    millis: u32,
) -> Flow {
    for &index in group {
        script.mark(
            index,
            plan.label.as_ref(),
            plan.attempt,
            Rollout::InProgress,
        );
    }
    script.publish();
    for doing in DEPLOYING {
        script.engine("INFO", doing);
    }
    script.pass(millis);
    match plan.ending {
        Ending::Hangs => Flow::Stuck,
        Ending::Fails(failure) => {
            finish(script, plan, group, Rollout::Failed);
            explain(script, failure);
            refused(script, group);
            Flow::Failed
        }
        Ending::TimesOut => {
            finish(script, plan, group, Rollout::Failed);
            timed_out(script, group);
            Flow::TimedOut
        }
        Ending::RollsBack => {
            script.instances.clone_from(&script.environment.instances);
            script.publish();
            Flow::Returned
        }
        Ending::Succeeds | Ending::Unhealthy(_) | Ending::AbortedHalfWay => {
            finish(script, plan, group, Rollout::Deployed);
            script.engine("INFO", "Instance deployment completed successfully.");
            script.journal(APP_LOG, "web-1  | listening");
            for _ in group {
                script.info("Instance deployment completed successfully.");
                script.pass(60);
            }
            if *plan.ending == Ending::AbortedHalfWay {
                Flow::Stopped
            } else {
                Flow::Done
            }
        }
    }
}

fn finish(script: &mut Script<'_>, plan: &Plan<'_>, group: &[usize], outcome: Rollout) {
    for &index in group {
        script.mark(index, plan.label.as_ref(), plan.attempt, outcome);
    }
    script.publish();
}

fn explain(script: &mut Script<'_>, failure: &Failure) {
    for line in failure.app.lines() {
        script.journal(APP_LOG, line);
    }
    let engine = &failure.engine;
    script.engine(
        "ERROR",
        &format!(
            "An error occurred during execution of command [app-deploy] - [Run Docker Container]. Stop running the command. \
             Error: {engine}"
        ),
    );
    for doing in GIVING_UP {
        script.engine("INFO", doing);
    }
    if let Some(explanation) = &failure.explanation {
        script.error(explanation.clone());
    }
}

fn refused(script: &mut Script<'_>, group: &[usize]) {
    script.error("Instance deployment failed. For details, see 'eb-engine.log'.");
    script.pass(100);
    let failed: Vec<_> = group
        .iter()
        .filter_map(|&index| script.instances.get(index).cloned())
        .collect();
    for instance in &failed {
        script.error(format!(
            "[Instance: {}] Command failed on instance. Return code: 1 Output: Engine execution has encountered an error..",
            instance.id
        ));
    }
    script.info(format!(
        "Command execution completed on all instances. Summary: [Successful: 0, Failed: {}].",
        failed.len()
    ));
    script.error(format!(
        "Unsuccessful command execution on instance id(s) '{}'. Aborting the operation.",
        ids(&failed)
    ));
}

/// UNVERIFIED: the severity of the last sentence, and that the label stays.
fn timed_out(script: &mut Script<'_>, group: &[usize]) {
    script.info(format!(
        "Command execution completed on all instances. Summary: [Successful: 0, TimedOut: {}].",
        group.len()
    ));
    script.say(
        Severity::Warn,
        "Update environment operation is complete, but with command timeouts. Try increasing the timeout period.",
    );
}
