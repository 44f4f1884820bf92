//! The future of an environment, written down as dated steps. Everything here is pure: an environment and an operation go
//! in, steps come out. Event texts are AWS's own, word for word, because clients match on them.
//!
//! The durations are those of real operations divided by about twenty-five, so that an all-at-once deployment takes three
//! seconds; `speed` divides them further.

mod configure;
mod deploy;
mod ending;
mod immutable;
mod lifecycle;
mod rolling;
#[cfg(test)]
mod tests;

use jiff::{SignedDuration, Timestamp};
use sha2::{Digest, Sha256};

pub(super) use self::lifecycle::{
    Lifecycle, abort, create, launched, rebuild, report, restart, swap, tag, terminate,
};
use super::model::{
    Change, Environment, Health, HealthStatus, Instance, Operation, Rollout, Said, Settings,
    Severity, Status, Step,
};

/// The file the deployment engine of an instance writes to.
pub(super) const ENGINE_LOG: &str = "/var/log/eb-engine.log";
/// The output of the containers.
/// UNVERIFIED: where compose's output goes; a single container writes here.
pub(super) const APP_LOG: &str = "/var/log/eb-docker/containers/eb-current-app/eb-stdouterr.log";

/// The clock and the name of an operation that begins.
#[derive(Debug, Clone, Copy)]
pub(super) struct Start<'a> {
    pub(super) now: Timestamp,
    pub(super) speed: f64,
    pub(super) request_id: &'a str,
}

/// What an update changes.
#[derive(Debug, Clone, Default)]
pub(super) struct Update {
    /// The version to deploy.
    pub(super) label: Option<String>,
    /// The settings as they shall be, when any of them changes.
    pub(super) settings: Option<Settings>,
    /// Whether the changed settings run on the instances, and whether they need new ones.
    pub(super) reach: Reach,
    /// The ARN of another platform version.
    pub(super) platform: Option<String>,
    pub(super) description: Option<String>,
}

/// How far a change of settings goes.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Reach {
    /// Nothing on the instances.
    #[default]
    Nothing,
    /// A deployment of the new configuration on each instance.
    Instances,
    /// New instances.
    Replacement,
}

/// How the instances take an update.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Ending {
    Succeeds,
    /// The command fails; what the instances say about it comes before the usual events.
    Fails(Failure),
    /// Deployed, but then unhealthy.
    Unhealthy(Trouble),
    Hangs,
    /// The old version again, without an error.
    RollsBack,
    /// Stops half-way.
    AbortedHalfWay,
    TimesOut,
}

#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Failure {
    /// What stands in the events before `Instance deployment failed.`
    pub(super) explanation: Option<String>,
    /// What stands in the engine's log.
    pub(super) engine: String,
    /// What the application writes before it ends, line by line.
    pub(super) app: &'static str,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Trouble {
    pub(super) health: Health,
    /// What the application writes about it.
    pub(super) app: String,
}

/// Writes the future of an update.
pub(super) fn update(
    environment: &Environment,
    update: &Update,
    ending: &Ending,
    start: Start<'_>,
) -> Vec<Step> {
    deploy::steps(environment, update, ending, start)
}

/// Steps under construction. Time only moves by [`Script::pass`]; two events never share a millisecond, so that a client
/// that continues one millisecond after the last event it saw misses none.
struct Script<'a> {
    environment: &'a Environment,
    start: Start<'a>,
    /// Milliseconds since the start at speed 1.
    elapsed: f64,
    last: Timestamp,
    steps: Vec<Step>,
    instances: Vec<Instance>,
    health: Health,
    /// The version the events are about.
    label: Option<String>,
}

impl<'a> Script<'a> {
    fn new(environment: &'a Environment, start: Start<'a>) -> Self {
        Self {
            environment,
            start,
            elapsed: 0.0,
            last: start.now,
            steps: Vec::new(),
            instances: environment.instances.clone(),
            health: environment.health.clone(),
            label: None,
        }
    }

    fn pass(&mut self, millis: u32) {
        self.elapsed += f64::from(millis);
    }

    /// The time of the next step.
    fn now(&self) -> Timestamp {
        let passed = SignedDuration::try_from_secs_f64(self.elapsed / self.start.speed / 1000.0)
            .unwrap_or_default();
        let at = self
            .start
            .now
            .saturating_add(passed)
            .unwrap_or(Timestamp::MAX);
        Timestamp::from_millisecond(at.as_millisecond())
            .unwrap_or(at)
            .max(self.last)
    }

    fn set(&mut self, change: Change) {
        let at = self.now();
        self.steps.push(Step { at, change });
    }

    fn say(&mut self, severity: Severity, message: impl Into<String>) {
        let request_id = Some(self.start.request_id.to_owned());
        self.event(Said {
            severity,
            message: message.into(),
            request_id,
            label: self.label.clone(),
        });
    }

    fn info(&mut self, message: impl Into<String>) {
        self.say(Severity::Info, message);
    }

    fn error(&mut self, message: impl Into<String>) {
        self.say(Severity::Error, message);
    }

    fn event(&mut self, said: Said) {
        self.set(Change::Event(said));
        self.last = self
            .now()
            .saturating_add(SignedDuration::from_millis(1))
            .unwrap_or(Timestamp::MAX);
    }

    fn journal(&mut self, file: &str, text: impl Into<String>) {
        self.set(Change::Journal {
            file: file.to_owned(),
            text: text.into(),
        });
    }

    fn engine(&mut self, level: &str, text: &str) {
        let at = self.now().strftime("%Y/%m/%d %H:%M:%S%.6f").to_string();
        self.journal(ENGINE_LOG, format!("{at} [{level}] {text}"));
    }

    /// The first steps of an operation: it is under way from the moment the call is answered.
    fn begin(&mut self, status: Status, operation: Operation) {
        self.set(Change::Status(status));
        self.set(Change::Operation(Some(operation)));
    }

    fn ready(&mut self) {
        self.set(Change::Abortable(false));
        self.set(Change::Operation(None));
        self.set(Change::Status(Status::Ready));
    }

    /// Publishes the instances as they are in this script now.
    fn publish(&mut self) {
        self.set(Change::Instances(self.instances.clone()));
    }

    /// Lets the health change and says so, as enhanced health does; basic health only has colours.
    /// Such events belong to no request. UNVERIFIED: WARN for those that get worse than Info.
    fn turn(&mut self, health: Health) {
        if health.status == self.health.status {
            self.set(Change::Health(health.clone()));
            self.health = health;
            return;
        }
        let (from, to) = (self.health.status, health.status);
        let bad = matches!(
            to,
            HealthStatus::Warning | HealthStatus::Degraded | HealthStatus::Severe
        );
        let message = if self.environment.is_enhanced() {
            let causes: String = health
                .causes
                .iter()
                .map(|cause| format!(" {cause}"))
                .collect();
            Some(format!(
                "Environment health has transitioned from {} to {}.{causes}",
                from.name(),
                to.name()
            ))
        } else if from.color() == to.color() || to.color() == "Grey" {
            None
        } else {
            Some(format!(
                "Environment health has been set to {}",
                to.color().to_uppercase()
            ))
        };
        self.set(Change::Health(health.clone()));
        self.health = health;
        if let Some(message) = message {
            let severity = if bad { Severity::Warn } else { Severity::Info };
            self.event(Said {
                severity,
                message,
                request_id: None,
                label: None,
            });
        }
    }

    /// Health while something is done to the instances: `Info` with a cause, or grey without enhanced health.
    fn busy(&mut self, done: usize, of: usize) {
        let health = if self.environment.is_enhanced() {
            let seconds = (self.elapsed / self.start.speed / 1000.0).round();
            let cause = format!(
                "Application update in progress on {of} instance{}. {done} out of {of} instance{} completed (running for \
                 {seconds} second{}).",
                plural(of),
                plural(of),
                if (seconds - 1.0).abs() < 0.5 { "" } else { "s" },
            );
            Health::because(HealthStatus::Info, cause)
        } else {
            Health::of(HealthStatus::Unknown)
        };
        self.turn(health);
    }

    /// Sets what instance `index` runs.
    fn mark(&mut self, index: usize, label: Option<&String>, deployment: u64, outcome: Rollout) {
        let at = self.now();
        if let Some(instance) = self.instances.get_mut(index) {
            instance.label = label.cloned();
            instance.deployment = deployment;
            instance.outcome = outcome;
            instance.deployed = at;
        }
    }

    fn heal(&mut self, health: &Health) {
        for instance in &mut self.instances {
            instance.health = health.clone();
        }
    }

    fn into_steps(self) -> Vec<Step> {
        self.steps
    }
}

/// A new instance, not yet deployed to.
pub(super) fn instance(id: String, at: Timestamp) -> Instance {
    Instance {
        id,
        label: None,
        deployment: 0,
        outcome: Rollout::InProgress,
        deployed: at,
        launched: at,
        health: Health::of(HealthStatus::Pending),
    }
}

/// The EC2 id of instance `index` of a deployment: always the same one, so that a plan is a function of its input.
fn new_id(environment: &Environment, attempt: u64, index: usize) -> String {
    let digest = Sha256::digest(format!("{}/{attempt}/{index}", environment.id));
    let hex: String = digest.iter().map(|byte| format!("{byte:02x}")).collect();
    format!("i-{}", &hex[..17])
}

fn plural(count: usize) -> &'static str {
    if count == 1 { "" } else { "s" }
}

/// `i-1, i-2`, as in the brackets of events.
fn ids(instances: &[Instance]) -> String {
    instances
        .iter()
        .map(|instance| instance.id.as_str())
        .collect::<Vec<_>>()
        .join(", ")
}
