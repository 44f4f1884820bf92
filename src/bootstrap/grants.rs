//! What a role or a user holds: policies, boundary and tags. Wanted against seen, in steps. Pure.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use super::names::Tags;
use super::policy;
use super::steps::BootstrapStep;
use crate::plan::Verb;

/// Whose it is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Holder {
    /// A role's, by name.
    Role(String),
    /// A user's, by name.
    User(String),
}

impl Holder {
    /// Its name.
    #[must_use]
    pub fn name(&self) -> &str {
        match self {
            Self::Role(name) | Self::User(name) => name,
        }
    }

    /// What it is, in words.
    #[must_use]
    pub fn kind(&self) -> &'static str {
        match self {
            Self::Role(_) => "IAM role",
            Self::User(_) => "IAM user",
        }
    }
}

/// A policy of a holder's own.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Inline {
    /// The document.
    pub document: Value,
    /// What it allows, in words.
    pub words: String,
}

/// What a holder shall have.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Grants {
    /// The ARN of the policy that bounds it.
    pub boundary: Option<String>,
    /// ARNs of managed policies.
    pub managed: BTreeSet<String>,
    /// Policies of its own, by name.
    pub inline: BTreeMap<String, Inline>,
    /// Its tags.
    pub tags: Tags,
}

/// What a holder has.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct SeenGrants {
    /// The ARN of the policy that bounds it.
    pub boundary: Option<String>,
    /// ARNs of managed policies.
    pub managed: BTreeSet<String>,
    /// Policies of its own, by name.
    pub inline: BTreeMap<String, Value>,
    /// Those of a user's that are inline, where managed ones belong.
    pub misplaced: BTreeSet<String>,
    /// Its tags.
    pub tags: Tags,
}

impl SeenGrants {
    /// What a holder has that was only just made: it comes with boundary and tags.
    #[must_use]
    pub fn of_new(wanted: &Grants) -> Self {
        Self {
            boundary: wanted.boundary.clone(),
            tags: wanted.tags.clone(),
            ..Self::default()
        }
    }
}

/// The steps from what a holder has to what it shall have. What it has besides goes: the project
/// file is where more would be asked for. Tags of others stay.
#[must_use]
pub fn plan(holder: &Holder, wanted: &Grants, seen: &SeenGrants) -> Vec<BootstrapStep> {
    let mut steps = Vec::new();
    let holder = || holder.clone();
    if wanted.boundary != seen.boundary {
        steps.push(BootstrapStep::Bound {
            holder: holder(),
            boundary: wanted.boundary.clone(),
            before: seen.boundary.clone(),
        });
    }
    let mut tags = wanted.tags.clone();
    tags.retain(|key, value| seen.tags.get(key) != Some(value));
    if !tags.is_empty() {
        steps.push(BootstrapStep::Tag {
            holder: holder(),
            tags,
        });
    }
    for arn in wanted.managed.difference(&seen.managed) {
        steps.push(BootstrapStep::Attach {
            holder: holder(),
            arn: arn.clone(),
        });
    }
    for (name, inline) in &wanted.inline {
        let moves = seen.misplaced.contains(name);
        let change = match seen.inline.get(name) {
            None => Some((Verb::Create, inline.words.clone())),
            Some(seen) => {
                let words = policy::difference(seen, &inline.document);
                let moved = || format!("{name} becomes a policy beside the user");
                let words = words.or_else(|| moves.then(moved));
                words.map(|words| (Verb::Update, words))
            }
        };
        if let Some((verb, words)) = change {
            steps.push(BootstrapStep::PutPolicy {
                holder: holder(),
                name: name.clone(),
                document: inline.document.clone(),
                tags: wanted.tags.clone(),
                verb,
                moves,
                words,
            });
        }
    }
    let gone = seen
        .inline
        .keys()
        .filter(|name| !wanted.inline.contains_key(*name));
    steps.extend(gone.map(|name| BootstrapStep::DeletePolicy {
        holder: holder(),
        name: name.clone(),
    }));
    let gone = seen.managed.difference(&wanted.managed);
    steps.extend(gone.map(|arn| BootstrapStep::Detach {
        holder: holder(),
        arn: arn.clone(),
    }));
    steps
}
