//! What has to change of an environment's option settings. Pure: what is wanted and what is seen
//! in, the differences out.

use std::collections::BTreeMap;

use super::{PROPERTIES, SECRETS, Value, Wanted};
use crate::compose::is_secret_name;
use crate::deploy::configuration::Configuration;
use crate::plan::{Change, Verb};

/// Option settings that an update sets and removes. Only differences.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Options {
    /// What is set.
    pub set: Vec<SetOption>,
    /// Namespace and name of what is removed.
    pub remove: Vec<Removal>,
}

/// One option that is set.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SetOption {
    /// The namespace.
    pub namespace: String,
    /// The option's name.
    pub name: String,
    /// The value.
    pub value: Value,
    /// Whether it is new.
    pub verb: Verb,
    /// Where the value of a property comes from; of any other option, what it becomes.
    pub from: String,
}

/// One option that is removed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Removal {
    /// The namespace.
    pub namespace: String,
    /// The option's name.
    pub name: String,
    /// Whether the property of this name only changes its kind.
    pub moves: bool,
}

impl Options {
    /// Whether nothing changes.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.set.is_empty() && self.remove.is_empty()
    }

    /// The same, without references to secrets that were only just made.
    #[must_use]
    pub fn of_known(mut self) -> Self {
        self.set.retain(|option| option.value.bytes() > 0);
        self
    }

    /// The same, with the references to secrets that were only just made, by property.
    #[must_use]
    pub fn with_references(&self, stored: &BTreeMap<String, String>) -> Self {
        let mut options = self.clone();
        for option in &mut options.set {
            let arn = stored.get(&option.name);
            if let Some(arn) = arn.filter(|_| option.namespace == SECRETS) {
                option.value = Value::new(arn);
            }
        }
        options
    }

    /// What brings back the values from before these options were changed.
    #[must_use]
    pub fn undone(&self, before: &Configuration) -> Self {
        let set = self.set.iter().map(|it| (&it.namespace, &it.name));
        let removed = self.remove.iter().map(|it| (&it.namespace, &it.name));
        let mut undone = Self::default();
        for (namespace, name) in set.chain(removed) {
            match before.value(namespace, name) {
                Some(value) => undone.set.push(SetOption {
                    namespace: namespace.clone(),
                    name: name.clone(),
                    value: Value::new(value),
                    verb: Verb::Update,
                    from: "value before the deploy".to_owned(),
                }),
                None => undone.remove.push(Removal {
                    namespace: namespace.clone(),
                    name: name.clone(),
                    moves: false,
                }),
            }
        }
        undone
    }

    /// Those of them that are not in place.
    #[must_use]
    pub fn differing(&self, seen: &Configuration) -> Self {
        let mut options = self.clone();
        options
            .set
            .retain(|it| !seen.has(&it.namespace, &it.name, it.value.expose()));
        options
            .remove
            .retain(|removal| seen.value(&removal.namespace, &removal.name).is_some());
        options
    }

    /// The lines of the plan: a property's name, never its value; of other options both.
    #[must_use]
    pub fn changes(&self) -> Vec<Change> {
        let removed = self.remove.iter().filter(|removal| !removal.moves);
        let removed = removed.map(|removal| Change {
            verb: Verb::Delete,
            kind: kind(&removal.namespace),
            name: shown(&removal.namespace, &removal.name),
            detail: None,
        });
        self.set
            .iter()
            .map(SetOption::change)
            .chain(removed)
            .collect()
    }

    /// The names of what is not in place: not set to the wanted value, or not removed.
    #[must_use]
    pub fn missing(&self, seen: &Configuration) -> Vec<String> {
        let Self { set, remove } = self.differing(seen);
        let set = set.into_iter().map(|option| option.name);
        set.chain(remove.into_iter().map(|removal| removal.name))
            .collect()
    }
}

impl SetOption {
    /// An option that is no property: the plan tells what it was and what it becomes, unless that may be a secret.
    #[must_use]
    pub fn setting(namespace: &str, name: &str, value: Value, here: Option<&str>) -> Self {
        let here = here.filter(|value| !value.is_empty());
        let from = match here {
            _ if may_be_secret(namespace, name) => "hidden".to_owned(),
            Some(before) => format!("{before} -> {}", value.expose()),
            None => value.expose().to_owned(),
        };
        Self {
            namespace: namespace.to_owned(),
            name: name.to_owned(),
            value,
            verb: verb(here),
            from,
        }
    }

    fn change(&self) -> Change {
        let is_property = matches!(self.namespace.as_str(), PROPERTIES | SECRETS);
        let what = match (self.verb, self.from.as_str()) {
            (_, what) if !is_property => Some(what.to_owned()),
            (Verb::Create, "literal") => None,
            (Verb::Create, from) => Some(from.to_owned()),
            (_, "literal") => Some("changed".to_owned()),
            (_, from) => Some(format!("changed, {from}")),
        };
        Change {
            verb: self.verb,
            kind: kind(&self.namespace),
            name: shown(&self.namespace, &self.name),
            detail: what,
        }
    }
}

/// Whether the value of an option that is no property is not for everybody. Open are the namespaces of how instances
/// are made, reached and updated (facts 5.3), but for names like `DBPassword`.
fn may_be_secret(namespace: &str, name: &str) -> bool {
    const OPEN: [&str; 5] = [
        "aws:autoscaling:",
        "aws:ec2:",
        "aws:elasticbeanstalk:",
        "aws:elb:",
        "aws:elbv2:",
    ];
    // The app's own, and addresses that may hold a token.
    const CLOSED: [&str; 2] = [
        "aws:elasticbeanstalk:application",
        "aws:elasticbeanstalk:sns:",
    ];
    let begins = |with: &&str| namespace.starts_with(*with);
    let mut words = String::new();
    let mut before = None;
    for c in name.chars() {
        if c.is_ascii_uppercase() && before.is_some_and(|c: char| c.is_ascii_lowercase()) {
            words.push('_');
        }
        words.push(if c == ' ' { '_' } else { c });
        before = Some(c);
    }
    !OPEN.iter().any(begins) || CLOSED.iter().any(begins) || is_secret_name(&words)
}

fn shown(namespace: &str, name: &str) -> String {
    match namespace {
        PROPERTIES | SECRETS => name.to_owned(),
        _ => format!("{namespace} {name}"),
    }
}

fn kind(namespace: &str) -> &'static str {
    match namespace {
        PROPERTIES => "environment property",
        SECRETS => "environment property from a secret",
        _ => "option setting",
    }
}

/// What is different, and the names of properties at AWS that nobody asked for: they are kept, or
/// with `prune` removed.
#[must_use]
pub fn plan(wanted: &Wanted, seen: &Configuration, prune: bool) -> (Options, Vec<String>) {
    let mut options = Options::default();
    for property in &wanted.properties {
        let (namespace, other) = match property.is_reference {
            true => (SECRETS, PROPERTIES),
            false => (PROPERTIES, SECRETS),
        };
        let (here, there) = (
            seen.value(namespace, &property.name),
            seen.value(other, &property.name),
        );
        if here != Some(property.value.expose()) {
            options.set.push(SetOption {
                namespace: namespace.to_owned(),
                name: property.name.clone(),
                value: property.value.clone(),
                verb: verb(here.or(there)),
                from: property.from.clone(),
            });
        }
        if there.is_some() {
            options.remove.push(Removal {
                namespace: other.to_owned(),
                name: property.name.clone(),
                moves: true,
            });
        }
    }
    for setting in &wanted.settings {
        let here = seen.value(&setting.namespace, &setting.name);
        if !seen.has(&setting.namespace, &setting.name, setting.value.expose()) {
            let (namespace, name) = (&setting.namespace, &setting.name);
            let value = setting.value.clone();
            options
                .set
                .push(SetOption::setting(namespace, name, value, here));
        }
    }
    let kept = others(wanted, seen, prune, &mut options);
    (options, kept)
}

fn verb(here: Option<&str>) -> Verb {
    match here {
        Some(_) => Verb::Update,
        None => Verb::Create,
    }
}

/// The properties that are only at AWS, unless the project file says nothing about properties.
fn others(
    wanted: &Wanted,
    seen: &Configuration,
    prune: bool,
    options: &mut Options,
) -> Vec<String> {
    let mut kept = Vec::new();
    if !wanted.declared {
        return kept;
    }
    for namespace in [PROPERTIES, SECRETS] {
        for option in seen.namespace(namespace) {
            let name = &option.name;
            if wanted.properties.iter().any(|it| it.name == *name) {
                continue;
            }
            if prune {
                options.remove.push(Removal {
                    namespace: namespace.to_owned(),
                    name: name.clone(),
                    moves: false,
                });
            } else {
                kept.push(name.clone());
            }
        }
    }
    kept.sort();
    kept.dedup();
    kept
}

#[cfg(test)]
mod tests;
