//! What a look at an environment means: still working, or settled, and how. Pure: state and
//! events in, verdict out. The evidence and its traps are in facts 2.7.

use std::time::Duration;

use clap::ValueEnum;
use serde::{Deserialize, Serialize};

use super::environment::{Environment, Instances};
use super::events::Event;

/// How a command ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Outcome {
    /// The wanted version serves, on every instance.
    Succeeded,
    /// It serves, and something deserves a look.
    SucceededWithWarnings,
    /// The environment already ran this bundle.
    Unchanged,
    /// The plan was shown, nothing else done.
    Planned,
    /// The update was started and not waited for.
    Started,
    /// No environment belongs to this branch.
    Skipped,
    /// It ran and failed, or could not run.
    Failed,
    /// Elastic Beanstalk went back to the version before.
    RolledBack,
    /// Somebody else's deploy took over.
    Superseded,
    /// The update was aborted.
    Aborted,
    /// The deadline passed while Elastic Beanstalk was still working.
    TimedOut,
    /// A signal ended the command.
    Interrupted,
}

impl Outcome {
    /// Whether Elastic Beanstalk carried the update out and it did not go well.
    #[must_use]
    pub fn is_failure(self) -> bool {
        matches!(self, Self::Failed | Self::RolledBack | Self::Aborted)
    }

    /// How bad it is, among several: the larger, the worse, in the order of the exit codes.
    #[must_use]
    pub fn severity(self) -> u8 {
        match self {
            Self::Skipped => 0,
            Self::Unchanged => 1,
            Self::Planned => 2,
            Self::Started => 3,
            Self::Succeeded => 4,
            Self::SucceededWithWarnings => 5,
            Self::TimedOut => 6,
            Self::Superseded => 7,
            Self::Aborted => 8,
            Self::RolledBack => 9,
            Self::Failed => 10,
            Self::Interrupted => 11,
        }
    }

    /// The word, as in JSON.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Succeeded => "succeeded",
            Self::SucceededWithWarnings => "succeeded_with_warnings",
            Self::Unchanged => "unchanged",
            Self::Planned => "planned",
            Self::Started => "started",
            Self::Skipped => "skipped",
            Self::Failed => "failed",
            Self::RolledBack => "rolled_back",
            Self::Superseded => "superseded",
            Self::Aborted => "aborted",
            Self::TimedOut => "timed_out",
            Self::Interrupted => "interrupted",
        }
    }
}

/// What health counts as good when everything else is.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, ValueEnum)]
#[serde(rename_all = "lowercase")]
pub enum HealthPolicy {
    /// Green only.
    Ok,
    /// Green, and Yellow with a warning.
    #[default]
    Warning,
    /// Every colour; what is not Green is a warning.
    Any,
}

/// What becomes of a deploy that failed.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, ValueEnum)]
#[serde(rename_all = "lowercase")]
pub enum OnFailure {
    /// The environment stays as the deploy left it.
    #[default]
    Keep,
    /// The last version that ran well is deployed again.
    Rollback,
}

/// How long a label that differs without any sign of failure is looked at again (facts 2.7).
const SECOND_LOOK: Duration = Duration::from_secs(30);

/// How long an environment without any instance is looked at again before its grey health is
/// taken for final.
const NO_INSTANCES: Duration = Duration::from_secs(10);

/// One look at an environment while a deploy is followed.
#[derive(Debug, Clone)]
pub struct Look<'a> {
    /// The environment now.
    pub environment: &'a Environment,
    /// Its instances, once it is Ready.
    pub instances: &'a Instances,
    /// All events since the update was asked for, oldest first.
    pub events: &'a [Event],
    /// The update's request id; unknown when its answer was lost.
    pub request_id: Option<&'a str>,
    /// The label that is wanted.
    pub wanted: &'a str,
    /// The label that was in place before.
    pub previous: Option<&'a str>,
    /// Whether the environment was ever seen at work since the update was asked for.
    pub seen_working: bool,
    /// Whether the update was seen being aborted.
    pub seen_aborting: bool,
    /// For how long the environment has been Ready.
    pub ready_for: Duration,
    /// What health counts as good.
    pub health: HealthPolicy,
    /// How long health may take after Ready.
    pub health_timeout: Duration,
}

/// What a look means.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Verdict {
    /// Elastic Beanstalk works; what can be said meanwhile.
    Working(String),
    /// Ready, but not what was wanted yet; why it is looked at again.
    Unsettled(String),
    /// It is over.
    Settled(Outcome, String),
}

impl Look<'_> {
    /// Judges what is seen.
    #[must_use]
    pub fn judge(&self) -> Verdict {
        let environment = self.environment;
        if environment.is_gone() {
            let why = "the environment is being terminated";
            return match self.failure() {
                Some(error) => failed(&format!("{why}, after an error: {}", error.message)),
                None => failed(why),
            };
        }
        if !environment.is_ready() {
            return Verdict::Working(self.at_work());
        }
        if let Some(failure) = self.failure() {
            let outcome = if self.aborted() {
                Outcome::Aborted
            } else {
                Outcome::Failed
            };
            return Verdict::Settled(outcome, failure.message.clone());
        }
        if self.aborted() && !self.is_followed() {
            // Whatever the label says: instances may run different versions (facts 2.4).
            return Verdict::Settled(Outcome::Aborted, "the update was aborted".into());
        }
        if environment.version_label.as_deref() != Some(self.wanted) {
            return self.other_label();
        }
        if !self.has_happened() && self.ready_for < SECOND_LOOK {
            return Verdict::Unsettled("the update has not begun yet".into());
        }
        if let Some(verdict) = self.stragglers() {
            return verdict;
        }
        self.health()
    }

    /// The event that decides that this operation failed, if any: an error of our request, or
    /// known words of ours or of nobody's. The first error is the cause of the others.
    fn failure(&self) -> Option<&Event> {
        let decides = |event: &&Event| event.tells_failure() || self.is_own(event);
        let errors = || self.not_of_others().filter(|event| event.is_error());
        let known = || self.not_of_others().find(|event| event.tells_failure());
        errors().find(decides).or_else(known)
    }

    /// The events of our request and of none; all of them where ours is not known.
    fn not_of_others(&self) -> impl Iterator<Item = &Event> {
        let others = |event: &&Event| self.request_id.is_some() && self.is_foreign(event);
        self.events.iter().filter(move |event| !others(event))
    }

    /// Whether an event is certainly of our request.
    fn is_own(&self, event: &Event) -> bool {
        self.request_id.is_some() && event.request_id.as_deref() == self.request_id
    }

    /// Whether an event is of a request that is not known to be ours.
    fn is_foreign(&self, event: &Event) -> bool {
        event.request_id.is_some() && event.request_id.as_deref() != self.request_id
    }

    /// Whether our operation is known to have run to its good end.
    fn completed(&self) -> bool {
        self.not_of_others().any(Event::tells_success)
    }

    /// Whether the operation that was started last is known not to be ours.
    fn is_followed(&self) -> bool {
        let started = self.events.iter().rev().find(|event| event.starts_update());
        self.request_id.is_some() && started.is_some_and(|event| self.is_foreign(event))
    }

    /// Whether somebody aborted the update: seen in its status, or told by an event.
    fn aborted(&self) -> bool {
        self.seen_aborting || self.events.iter().any(Event::tells_abort)
    }

    /// Whether the update left any trace: work seen, or an event of its request.
    fn has_happened(&self) -> bool {
        self.seen_working
            || self.previous != Some(self.wanted)
            || self.events.iter().any(|event| self.is_own(event))
    }

    /// Whether another label is certainly somebody else's deploy. The previous one may as well
    /// be where Elastic Beanstalk went back to, so there both must be known: that ours came to
    /// its end, and that another operation followed.
    fn is_replaced(&self, label: &str) -> bool {
        match Some(label) == self.previous {
            true => self.completed() && self.is_followed(),
            false => self.completed() || self.is_followed(),
        }
    }

    fn other_label(&self) -> Verdict {
        let label = self.environment.version_label.as_deref();
        let superseded = |label: &str| {
            let why = format!("the environment now runs {label}, from another deploy");
            Verdict::Settled(Outcome::Superseded, why)
        };
        if let Some(label) = label.filter(|label| self.is_replaced(label)) {
            return superseded(label);
        }
        let begun = self.seen_working || self.events.iter().any(|event| self.is_own(event));
        let error = self.not_of_others().find(|event| event.is_error());
        if let Some(error) = error.filter(|_| begun) {
            // Of no request, and in words that are not known; but the label bears it out.
            return failed(&error.message);
        }
        if self.ready_for < SECOND_LOOK {
            return Verdict::Unsettled(format!(
                "the environment is Ready with {}, not {}",
                label.unwrap_or("no version"),
                self.wanted
            ));
        }
        match label {
            None => failed("the environment is Ready without any version"),
            label if label == self.previous => Verdict::Settled(
                Outcome::RolledBack,
                format!("the environment is back on {}", label.unwrap_or_default()),
            ),
            Some(label) => superseded(label),
        }
    }

    /// Instances that do not run the wanted version.
    fn stragglers(&self) -> Option<Verdict> {
        let Instances::Known(instances) = self.instances else {
            return None;
        };
        let late: Vec<String> = instances
            .iter()
            .filter(|instance| !instance.runs(self.wanted))
            .map(|instance| {
                let label = instance.version_label.as_deref().unwrap_or("no version");
                let status = instance.deployment.as_deref().unwrap_or("unknown");
                format!("{} ({label}, {status})", instance.id)
            })
            .collect();
        if late.is_empty() {
            return None;
        }
        let (count, all) = (late.len(), instances.len());
        let why = format!(
            "{count} of {all} instances not on {}: {}",
            self.wanted,
            late.join(", ")
        );
        Some(if self.ready_for < self.health_timeout {
            Verdict::Unsettled(why)
        } else {
            failed(&why)
        })
    }

    fn health(&self) -> Verdict {
        let environment = self.environment;
        let patient = self.ready_for < self.health_timeout;
        let word = environment.health_status.as_deref();
        let seen = match word {
            Some(word) => format!("health is {} ({word})", environment.health),
            None => format!("health is {}", environment.health),
        };
        match environment.health.as_str() {
            "Green" if self.health_moves() => {
                Verdict::Unsettled(format!("{seen}, and has not come to rest"))
            }
            "Green" => Verdict::Settled(Outcome::Succeeded, seen),
            _ if self.health == HealthPolicy::Any => {
                Verdict::Settled(Outcome::SucceededWithWarnings, seen)
            }
            "Yellow" if self.health == HealthPolicy::Warning => {
                Verdict::Settled(Outcome::SucceededWithWarnings, seen)
            }
            "Grey" if self.has_no_instances() && self.ready_for >= NO_INSTANCES => {
                let why = format!("{seen}: there are no instances, so there is no data");
                Verdict::Settled(Outcome::SucceededWithWarnings, why)
            }
            _ if patient => Verdict::Unsettled(seen),
            "Grey" if matches!(word, None | Some("NoData" | "Suspended")) => {
                let why = format!("{seen}: Elastic Beanstalk has no data");
                Verdict::Settled(Outcome::SucceededWithWarnings, why)
            }
            _ => failed(&format!("{seen} after the update")),
        }
    }

    /// Whether enhanced health still is at the update, or an event tells another health than the
    /// environment shows: one of them is older (facts 2.6).
    fn health_moves(&self) -> bool {
        let word = self.environment.health_status.as_deref();
        let told = self.events.iter().rev().find_map(Event::health);
        let moves = |(told, why): (&str, &str)| {
            word != Some(told) || why.starts_with("Application update in progress")
        };
        self.ready_for < SECOND_LOOK && word.is_some() && told.is_some_and(moves)
    }

    fn has_no_instances(&self) -> bool {
        matches!(self.instances, Instances::Known(instances) if instances.is_empty())
    }

    fn at_work(&self) -> String {
        let health = &self.environment.health;
        match self.events.iter().rev().find(|event| event.is_error()) {
            Some(error) => format!(
                "{}, after an error: {}",
                self.environment.status, error.message
            ),
            None => format!("{}, health {health}", self.environment.status),
        }
    }
}

fn failed(why: &str) -> Verdict {
    Verdict::Settled(Outcome::Failed, why.to_owned())
}
