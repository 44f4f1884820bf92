//! The changes that a bootstrap makes, as the plan shows them. How each is made is in
//! `apply`.

mod words;

use std::collections::BTreeMap;

use serde_json::Value;

use super::access_key::KeyOut;
use super::application::NewEnvironment;
use super::apply;
use super::database::DatabaseStep;
use super::grants::Holder;
use super::iam::{Profile, Role, User};
use super::names::Tags;
use super::network::group::{Group, GroupRef, Rule};
use super::registry::LoginStep;
use crate::aws::ec2::Permission;
use crate::deploy::World;
use crate::deploy::configuration::Configuration;
use crate::error::Result;
use crate::plan::{Change, Step, Verb};
use crate::properties::Options;

/// One change.
#[derive(Debug, Clone)]
pub enum BootstrapStep {
    /// A role is made, with boundary and tags.
    CreateRole(Role),
    /// Others may take a role.
    SetTrust {
        /// The role.
        role: String,
        /// Who may take it.
        trust: Value,
        /// The difference, in words.
        words: String,
    },
    /// A boundary is set, or taken away.
    Bound {
        /// Whose.
        holder: Holder,
        /// The policy's ARN.
        boundary: Option<String>,
        /// The one before.
        before: Option<String>,
    },
    /// Tags are set.
    Tag {
        /// Whose.
        holder: Holder,
        /// Those that differ.
        tags: Tags,
    },
    /// A managed policy is attached.
    Attach {
        /// To whom.
        holder: Holder,
        /// The policy's ARN.
        arn: String,
    },
    /// A managed policy is taken away.
    Detach {
        /// From whom.
        holder: Holder,
        /// The policy's ARN.
        arn: String,
    },
    /// A policy of the holder's own is written.
    PutPolicy {
        /// Whose.
        holder: Holder,
        /// Its name.
        name: String,
        /// The document.
        document: Value,
        /// The holder's tags.
        tags: Tags,
        /// Whether it is new.
        verb: Verb,
        /// Whether it was inline, and is a managed one from now on.
        moves: bool,
        /// What it allows, or how it differs.
        words: String,
    },
    /// A policy of the holder's own is deleted.
    DeletePolicy {
        /// Whose.
        holder: Holder,
        /// Its name.
        name: String,
    },
    /// An instance profile is made.
    CreateProfile(Profile),
    /// The role of its name goes into an instance profile.
    FillProfile {
        /// The name of both.
        name: String,
    },
    /// GitHub's tokens are accepted in the account.
    CreateProvider,
    /// GitHub's tokens that are meant for AWS are accepted.
    AddAudience {
        /// The provider's ARN.
        arn: String,
    },
    /// A user is made, with boundary and tags.
    CreateUser(User),
    /// An access key is deleted.
    DeleteKey {
        /// Whose.
        user: String,
        /// Its id.
        id: String,
        /// Why.
        why: &'static str,
    },
    /// An access key can no longer be used.
    DeactivateKey {
        /// Whose.
        user: String,
        /// Its id.
        id: String,
    },
    /// An access key is made and handed over.
    CreateKey {
        /// Whose.
        user: String,
        /// Where it goes.
        to: KeyOut,
    },
    /// A security group is made, with its tags.
    CreateGroup(Group),
    /// Tags of a security group are set.
    TagGroup {
        /// Which group.
        group: GroupRef,
        /// Those that differ.
        tags: Tags,
    },
    /// A security group lets another one in.
    Allow {
        /// Which group.
        group: GroupRef,
        /// At which port, and whom.
        rule: Rule,
    },
    /// A security group lets something in no longer.
    Revoke {
        /// Which group.
        group: GroupRef,
        /// What.
        permission: Permission,
    },
    /// Something of the database changes.
    Database(DatabaseStep),
    /// A database of others gets a security group of ours, beside those that it has.
    Admit {
        /// The name of the instance.
        instance: String,
        /// The ids of its security groups.
        attached: Vec<String>,
        /// Ours.
        group: GroupRef,
    },
    /// A bucket is made.
    CreateBucket {
        /// Its name.
        name: String,
    },
    /// Nothing in a bucket can become public.
    ClosePublic {
        /// Its name.
        name: String,
        /// Whether it was there already.
        adopted: bool,
    },
    /// The parts of uploads that never ended are deleted.
    TidyUploads {
        /// The bucket.
        name: String,
    },
    /// The login at a private registry is written.
    Login(LoginStep),
    /// An application is made.
    CreateApplication {
        /// Its name.
        name: String,
        /// The role that deletes old versions.
        service_role: String,
        /// Its tags.
        tags: Tags,
    },
    /// An environment is made.
    CreateEnvironment(NewEnvironment),
    /// An environment's downstream calls get a role of their own.
    AssociateRole {
        /// The environment.
        environment: String,
        /// The role's ARN.
        role: String,
    },
    /// An environment's settings change.
    Configure {
        /// The environment.
        environment: String,
        /// What changes.
        options: Options,
        /// As it was.
        before: Configuration,
        /// Whether that is meant to bring an environment to life that was never launched well.
        repairs: bool,
    },
}

/// What the steps leave behind.
#[derive(Debug, Default)]
pub struct Made {
    /// What was done, in words.
    pub done: Vec<String>,
    /// The id of the request that made or updated the environment.
    pub request_id: Option<String>,
    /// Whether the environment is at work because of us.
    pub at_work: bool,
    /// The id of the access key that was handed over.
    pub access_key_id: Option<String>,
    /// The ids of the security groups that were made, by name.
    pub groups: BTreeMap<String, String>,
}

impl Step for BootstrapStep {
    type World = World;
    type Made = Made;

    fn change(&self) -> Change {
        self.line()
    }

    fn changes(&self) -> Vec<Change> {
        match self {
            Self::Configure {
                options,
                before,
                repairs: false,
                ..
            } => words::settings(options, before),
            Self::Database(step) => step.changes(),
            _ => vec![self.change()],
        }
    }

    fn past(&self) -> String {
        self.done()
    }

    async fn apply(&self, world: &World, made: &mut Made) -> Result<()> {
        apply::step(self, world, made).await?;
        made.done.push(self.past());
        Ok(())
    }
}
