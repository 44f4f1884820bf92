//! What IAM keeps: roles, instance profiles, users with their keys, and identity providers. One account, no region.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::super::account::{UPPER, random};
use super::managed::Managed;

/// Tags by key.
pub(super) type Tags = BTreeMap<String, String>;

/// Everything, by name; providers by ARN.
#[derive(Debug, Default, Serialize, Deserialize)]
pub(super) struct Books {
    pub(super) roles: BTreeMap<String, Role>,
    pub(super) profiles: BTreeMap<String, Profile>,
    pub(super) users: BTreeMap<String, User>,
    pub(super) providers: BTreeMap<String, Provider>,
    /// Managed policies of the account's own.
    #[serde(default)]
    pub(super) policies: BTreeMap<String, Managed>,
}

/// What roles and users have in common.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct Identity {
    pub(super) path: String,
    pub(super) id: String,
    pub(super) created: Timestamp,
    pub(super) boundary: Option<String>,
    /// Policies that belong to it alone, by name, as they were given.
    pub(super) inline: BTreeMap<String, String>,
    /// ARNs of managed policies.
    pub(super) attached: BTreeSet<String>,
    pub(super) tags: Tags,
}

impl Identity {
    /// A new one; `kind` begins its id.
    pub(super) fn new(kind: &str, path: &str, now: Timestamp) -> Self {
        Self {
            path: path.to_owned(),
            id: format!("{kind}{}", random(UPPER, 17)),
            created: now,
            boundary: None,
            inline: BTreeMap::new(),
            attached: BTreeSet::new(),
            tags: Tags::new(),
        }
    }
}

#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct Role {
    pub(super) identity: Identity,
    /// The trust policy, as it was given.
    pub(super) trust: String,
    pub(super) description: Option<String>,
}

#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct Profile {
    pub(super) path: String,
    pub(super) id: String,
    pub(super) created: Timestamp,
    pub(super) role: Option<String>,
    pub(super) tags: Tags,
}

#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct User {
    pub(super) identity: Identity,
    /// By id.
    pub(super) keys: BTreeMap<String, AccessKey>,
}

#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct AccessKey {
    pub(super) secret: String,
    pub(super) active: bool,
    pub(super) created: Timestamp,
}

#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct Provider {
    pub(super) url: String,
    pub(super) clients: BTreeSet<String>,
    pub(super) thumbprints: Vec<String>,
    pub(super) created: Timestamp,
    pub(super) tags: Tags,
}
