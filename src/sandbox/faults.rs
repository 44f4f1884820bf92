//! Trouble on demand: decides for each request and each deployment whether it goes wrong.
//!
//! The rules come from `BEANSHIP_SANDBOX_TROUBLE` (read once) or from `trouble.yml` (read again whenever it changes). What
//! was counted is kept in the state directory, so `times: 1` means once, however many processes take part.

use std::collections::BTreeMap;
use std::io;
use std::path::PathBuf;
use std::sync::{Mutex, PoisonError};
use std::time::SystemTime;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

pub(super) use super::schedule::Fault;
use super::schedule::{Counter, decide, matches};
use super::state::{Store, TROUBLE_FILE};
use super::trouble::{HttpRule, Trouble};
pub(super) use super::trouble::{Outcome, When};

const VARIABLE: &str = "BEANSHIP_SANDBOX_TROUBLE";
const COUNTERS: &str = "trouble-counters";

pub(super) struct Faults {
    store: Store,
    /// The file to look at; `None` when the environment variable said everything.
    file: Option<PathBuf>,
    current: Mutex<Current>,
}

/// The rules in force, and which state of the file they come from.
#[derive(Default)]
struct Current {
    text: String,
    trouble: Trouble,
    stamp: Option<(SystemTime, u64)>,
    problem: Option<String>,
}

/// Counts a rule; all rules start again when the text of the trouble changes.
#[derive(Debug, Default, Serialize, Deserialize)]
struct Counters {
    text: String,
    rules: BTreeMap<String, Counter>,
}

impl Faults {
    /// Reads the rules; a mistake in them is an error here, and later keeps the rules that were in force.
    pub(super) fn open(store: &Store) -> io::Result<Self> {
        let variable = std::env::var(VARIABLE)
            .ok()
            .filter(|text| !text.trim().is_empty());
        let invalid = |source: &str, problem: String| {
            io::Error::new(io::ErrorKind::InvalidInput, format!("{source}: {problem}"))
        };
        if let Some(text) = variable {
            let trouble = Trouble::parse(&text).map_err(|problem| invalid(VARIABLE, problem))?;
            let current = Mutex::new(Current {
                text,
                trouble,
                ..Current::default()
            });
            return Ok(Self {
                store: store.clone(),
                file: None,
                current,
            });
        }
        let file = store.path(TROUBLE_FILE);
        let faults = Self {
            store: store.clone(),
            file: Some(file.clone()),
            current: Mutex::default(),
        };
        match faults.refresh() {
            Some(problem) => Err(invalid(&file.display().to_string(), problem)),
            None => {
                // Trouble that comes again begins anew.
                if !file.exists() {
                    faults.store.forget(COUNTERS);
                }
                Ok(faults)
            }
        }
    }

    /// How much faster than usual time goes for operations that begin now.
    pub(super) fn speed(&self) -> f64 {
        self.rules().1.speed.unwrap_or(1.0)
    }

    /// What is wrong with the trouble file as it stands, if anything is.
    pub(super) fn problem(&self) -> Option<String> {
        self.refresh()
    }

    /// Decides about one request.
    pub(super) fn request(
        &self,
        service: &str,
        operation: &str,
        action: &str,
        now: Timestamp,
    ) -> io::Result<Option<Fault>> {
        let (text, trouble) = self.rules();
        if trouble.deny.iter().any(|pattern| matches(pattern, action)) {
            return Ok(Some(Fault::Denied));
        }
        let refuses = !trouble.throttle.0.is_empty() || !trouble.errors.0.is_empty();
        if !refuses && trouble.cut.0.is_empty() && trouble.stall.0.is_empty() {
            return Ok(None);
        }
        self.count(text, |counters| {
            decide(&trouble, counters, service, operation, now)
        })
    }

    /// Whether nobody may do this.
    pub(super) fn denies(&self, action: &str) -> bool {
        let (_, trouble) = self.rules();
        trouble.deny.iter().any(|pattern| matches(pattern, action))
    }

    /// For how many seconds IAM does not know what is new.
    pub(super) fn settling(&self) -> f64 {
        self.rules().1.iam_settles.unwrap_or_default().max(0.0)
    }

    /// Whether the instances may read a secret or a parameter of this name.
    pub(super) fn lets_read(&self, name: &str) -> bool {
        let (_, trouble) = self.rules();
        !trouble
            .unreadable
            .iter()
            .any(|pattern| matches(pattern, name))
    }

    /// Decides how a deployment to `environment` ends; `None` leaves it to the bundle.
    pub(super) fn deployment(&self, environment: &str) -> io::Result<Option<Outcome>> {
        let (text, trouble) = self.rules();
        if trouble.deploy.0.is_empty() {
            return Ok(None);
        }
        self.count(text, |counters| {
            let rules = trouble.deploy.0.iter().enumerate();
            let mut named = rules.filter(|(_, rule)| {
                rule.environments.is_empty() || rule.environments.iter().any(|e| e == environment)
            });
            named.find_map(|(index, rule)| {
                let counter = counters.entry(format!("deploy.{index}")).or_default();
                counter.every(1, rule.times).then_some(rule.outcome)
            })
        })
    }

    /// Decides what `environment` answers to one HTTP request; `None` is its own page.
    pub(super) fn page(&self, environment: &str) -> io::Result<Option<HttpRule>> {
        let (text, trouble) = self.rules();
        if trouble.http.0.is_empty() {
            return Ok(None);
        }
        self.count(text, |counters| {
            let rules = trouble.http.0.iter().enumerate();
            let mut named = rules.filter(|(_, rule)| {
                rule.environments.is_empty() || rule.environments.iter().any(|e| e == environment)
            });
            named.find_map(|(index, rule)| {
                let counter = counters.entry(format!("http.{index}")).or_default();
                counter.every(1, rule.times).then(|| rule.clone())
            })
        })
    }

    fn count<R>(
        &self,
        text: String,
        decide: impl FnOnce(&mut BTreeMap<String, Counter>) -> R,
    ) -> io::Result<R> {
        self.store.update(COUNTERS, |counters: &mut Counters| {
            if counters.text != text {
                *counters = Counters {
                    text,
                    ..Counters::default()
                };
            }
            decide(&mut counters.rules)
        })
    }

    fn rules(&self) -> (String, Trouble) {
        self.refresh();
        let current = self.current.lock().unwrap_or_else(PoisonError::into_inner);
        (current.text.clone(), current.trouble.clone())
    }

    /// Reads the file again when it changed and says what is wrong with it.
    fn refresh(&self) -> Option<String> {
        let file = self.file.as_ref()?;
        let mut current = self.current.lock().unwrap_or_else(PoisonError::into_inner);
        let stamp = std::fs::metadata(file)
            .ok()
            .and_then(|meta| Some((meta.modified().ok()?, meta.len())));
        if stamp == current.stamp {
            return current.problem.clone();
        }
        let text = match stamp {
            Some(_) => std::fs::read_to_string(file).map_err(|error| error.to_string()),
            None => Ok(String::new()),
        };
        if stamp.is_none() {
            // Trouble that comes again begins anew.
            self.store.forget(COUNTERS);
        }
        match text.and_then(|text| Trouble::parse(&text).map(|trouble| (text, trouble))) {
            Ok((text, trouble)) => {
                *current = Current {
                    text,
                    trouble,
                    stamp,
                    problem: None,
                }
            }
            Err(problem) => {
                current.stamp = stamp;
                current.problem = Some(problem);
            }
        }
        current.problem.clone()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_hold_across_processes_and_a_changed_file_starts_again() {
        let directory = tempfile::tempdir().unwrap();
        let store = Store::open(directory.path()).unwrap();
        std::fs::write(
            store.path(TROUBLE_FILE),
            "deploy: { outcome: red, times: 1 }",
        )
        .unwrap();
        assert_eq!(
            Faults::open(&store).unwrap().deployment("a").unwrap(),
            Some(Outcome::Red)
        );
        let faults = Faults::open(&store).unwrap();
        assert_eq!(faults.deployment("a").unwrap(), None);
        std::fs::write(
            store.path(TROUBLE_FILE),
            "deploy: { outcome: yellow, times: 1 }",
        )
        .unwrap();
        assert_eq!(faults.deployment("a").unwrap(), Some(Outcome::Yellow));
        std::fs::write(store.path(TROUBLE_FILE), "deploy: oops").unwrap();
        assert!(faults.problem().unwrap().contains("oops"));
        assert_eq!(faults.deployment("a").unwrap(), None);
    }
}
