//! The books of Elastic Beanstalk: applications, versions, environments with their past and their planned future.

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

pub(super) use super::words::{HealthStatus, Rollout, Severity, Status};

/// The label of the version that AWS runs when there is none of the customer's.
pub(super) const SAMPLE: &str = "Sample Application";

/// Everything, by region.
pub(super) type Books = BTreeMap<String, Region>;

#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub(super) struct Region {
    pub(super) applications: BTreeMap<String, Application>,
    pub(super) environments: Vec<Environment>,
    /// In the order in which they happened.
    pub(super) events: Vec<Event>,
}

#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct Application {
    pub(super) description: Option<String>,
    pub(super) created: Timestamp,
    pub(super) updated: Timestamp,
    pub(super) tags: Tags,
    #[serde(default)]
    pub(super) lifecycle: Option<VersionRule>,
    /// Oldest first.
    pub(super) versions: Vec<Version>,
}

/// How many versions are kept, and the role that deletes the others.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct VersionRule {
    pub(super) service_role: String,
    pub(super) max_count: usize,
}

pub(super) type Tags = BTreeMap<String, String>;

#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct Version {
    pub(super) label: String,
    pub(super) description: Option<String>,
    /// Bucket and key; `None` runs AWS's sample.
    pub(super) bundle: Option<(String, String)>,
    pub(super) created: Timestamp,
    pub(super) updated: Timestamp,
    pub(super) tags: Tags,
    pub(super) processing: Processing,
}

/// Whether the configuration files of a bundle were looked at, which only happens on request.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(super) enum Processing {
    Unasked,
    /// Is `PROCESSING` until then, and afterwards `PROCESSED`.
    Until(Timestamp),
}

#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct Environment {
    pub(super) name: String,
    pub(super) id: String,
    pub(super) application: String,
    pub(super) description: Option<String>,
    pub(super) label: Option<String>,
    /// The ARN of the platform version.
    pub(super) platform: String,
    pub(super) worker: bool,
    /// The host name in front of `.REGION.elasticbeanstalk.com`.
    pub(super) prefix: String,
    pub(super) created: Timestamp,
    pub(super) updated: Timestamp,
    pub(super) status: Status,
    pub(super) health: Health,
    pub(super) abortable: bool,
    /// What was set explicitly; everything else is the platform's default.
    pub(super) settings: Settings,
    /// A configuration that is being applied or could not be.
    pub(super) draft: Option<Draft>,
    pub(super) instances: Vec<Instance>,
    /// The number of the last attempt to deploy, and of the last that succeeded.
    pub(super) attempt: u64,
    pub(super) deployment: u64,
    pub(super) tags: Tags,
    pub(super) operations_role: Option<String>,
    /// The operation under way, as far as an abort must know it.
    pub(super) operation: Option<Operation>,
    /// The future, soonest first.
    pub(super) steps: Vec<Step>,
    /// What the instances wrote to their logs, oldest first.
    pub(super) journal: Vec<Line>,
    pub(super) reports: Vec<Report>,
}

/// Option settings by namespace and name.
pub(super) type Settings = BTreeMap<String, BTreeMap<String, String>>;

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Draft {
    pub(super) settings: Settings,
    pub(super) failed: bool,
    pub(super) created: Timestamp,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Instance {
    pub(super) id: String,
    pub(super) label: Option<String>,
    pub(super) deployment: u64,
    pub(super) outcome: Rollout,
    pub(super) deployed: Timestamp,
    pub(super) launched: Timestamp,
    pub(super) health: Health,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Health {
    pub(super) status: HealthStatus,
    pub(super) causes: Vec<String>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Operation {
    pub(super) request_id: String,
    /// The version that is being deployed.
    pub(super) label: Option<String>,
    /// The instances an abort returns to; `None` when it leaves them as they are.
    pub(super) untouched: Option<Vec<Instance>>,
    pub(super) reconfigures: bool,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(super) struct Step {
    pub(super) at: Timestamp,
    pub(super) change: Change,
}

/// What a step does to its environment.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(super) enum Change {
    Status(Status),
    Health(Health),
    Abortable(bool),
    Label(Option<String>),
    Instances(Vec<Instance>),
    Attempt(u64),
    Deployment(u64),
    Settings(Settings),
    Draft(Option<Draft>),
    Platform(String),
    Description(String),
    Prefix(String),
    Operation(Option<Operation>),
    Event(Said),
    Journal { file: String, text: String },
    Reports(Vec<Report>),
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Said {
    pub(super) severity: Severity,
    pub(super) message: String,
    pub(super) request_id: Option<String>,
    pub(super) label: Option<String>,
}

#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct Event {
    pub(super) at: Timestamp,
    pub(super) severity: Severity,
    pub(super) message: String,
    pub(super) application: String,
    pub(super) environment: Option<(String, String)>,
    pub(super) label: Option<String>,
    pub(super) request_id: Option<String>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Line {
    pub(super) at: Timestamp,
    pub(super) file: String,
    pub(super) text: String,
}

/// Logs of one instance, ready to be fetched.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Report {
    pub(super) kind: String,
    pub(super) instance: String,
    pub(super) at: Timestamp,
    pub(super) key: String,
}

/// More lines than a tail shows are not worth their bytes.
const JOURNAL: usize = 300;
/// The books do not grow for ever; AWS keeps six weeks.
const EVENTS: usize = 2_000;

impl Region {
    /// Lets everything happen that is due.
    pub(super) fn advance(&mut self, now: Timestamp) {
        let mut happened = Vec::new();
        for environment in &mut self.environments {
            environment.advance(now, &mut happened);
        }
        happened.sort_by_key(|event| event.at);
        self.events.append(&mut happened);
        let surplus = self.events.len().saturating_sub(EVENTS);
        self.events.drain(..surplus);
    }

    /// The environment of this name that is not terminated.
    pub(super) fn live(&self, name: &str) -> Option<&Environment> {
        self.environments
            .iter()
            .find(|environment| environment.name == name && environment.is_live())
    }
}

impl Environment {
    pub(super) fn is_live(&self) -> bool {
        self.status != Status::Terminated
    }

    fn advance(&mut self, now: Timestamp, happened: &mut Vec<Event>) {
        let due = self.steps.iter().take_while(|step| step.at <= now).count();
        let steps: Vec<Step> = self.steps.drain(..due).collect();
        for step in steps {
            self.apply(step, happened);
        }
    }

    fn apply(&mut self, Step { at, change }: Step, happened: &mut Vec<Event>) {
        match change {
            Change::Status(status) => self.status = status,
            Change::Health(health) => self.health = health,
            Change::Abortable(abortable) => self.abortable = abortable,
            Change::Label(label) => self.label = label,
            Change::Instances(instances) => self.instances = instances,
            Change::Attempt(number) => self.attempt = number,
            Change::Deployment(number) => self.deployment = number,
            Change::Settings(settings) => self.settings = settings,
            Change::Draft(draft) => self.draft = draft,
            Change::Platform(platform) => self.platform = platform,
            Change::Description(description) => self.description = Some(description),
            Change::Prefix(prefix) => self.prefix = prefix,
            Change::Operation(operation) => self.operation = operation,
            Change::Reports(reports) => self.reports = reports,
            Change::Journal { file, text } => {
                self.journal.push(Line { at, file, text });
                let surplus = self.journal.len().saturating_sub(JOURNAL);
                self.journal.drain(..surplus);
            }
            Change::Event(said) => happened.push(Event {
                at,
                severity: said.severity,
                message: said.message,
                application: self.application.clone(),
                environment: Some((self.name.clone(), self.id.clone())),
                label: said.label,
                request_id: said.request_id,
            }),
        }
        self.updated = at;
    }

    /// The value of an option where it was set.
    pub(super) fn setting(&self, namespace: &str, name: &str) -> Option<&str> {
        setting(&self.settings, namespace, name)
    }

    pub(super) fn is_single(&self) -> bool {
        self.setting("aws:elasticbeanstalk:environment", "EnvironmentType")
            == Some("SingleInstance")
    }

    /// Whether instances report their health themselves.
    pub(super) fn is_enhanced(&self) -> bool {
        self.setting("aws:elasticbeanstalk:healthreporting:system", "SystemType")
            == Some("enhanced")
    }

    pub(super) fn cname(&self, region: &str) -> String {
        format!("{}.{region}.elasticbeanstalk.com", self.prefix)
    }
}

pub(super) fn setting<'a>(settings: &'a Settings, namespace: &str, name: &str) -> Option<&'a str> {
    settings.get(namespace)?.get(name).map(String::as_str)
}

impl Health {
    pub(super) fn ok() -> Self {
        Self::of(HealthStatus::Ok)
    }

    pub(super) fn of(status: HealthStatus) -> Self {
        Self {
            status,
            causes: Vec::new(),
        }
    }

    pub(super) fn because(status: HealthStatus, cause: impl Into<String>) -> Self {
        Self {
            status,
            causes: vec![cause.into()],
        }
    }
}

impl Version {
    pub(super) fn status(&self, now: Timestamp) -> &'static str {
        match self.processing {
            Processing::Unasked => "UNPROCESSED",
            Processing::Until(at) if now < at => "PROCESSING",
            Processing::Until(_) => "PROCESSED",
        }
    }
}
