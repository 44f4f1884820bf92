//! The steps in words: the plan's lines, and what is said once they are done.

use std::fmt::Write;

use super::super::access_key::KeyOut;
use super::super::application;
use super::super::grants::Holder;
use super::super::iam::GITHUB;
use super::super::names::Tags;
use super::super::network::group;
use super::BootstrapStep;
use crate::deploy::configuration::Configuration;
use crate::plan::{Change, Verb};
use crate::properties::Options;

impl BootstrapStep {
    /// The line of the plan.
    pub(super) fn line(&self) -> Change {
        let line = self.identity().or_else(|| self.holding());
        let line = line.or_else(|| self.key()).or_else(|| self.network());
        let line = line.or_else(|| self.place());
        // Every step is in one of the five.
        line.unwrap_or_else(|| change(Verb::Update, "account", "", None))
    }

    /// Roles, the instance profile, the provider, the user.
    fn identity(&self) -> Option<Change> {
        use Verb::{Create, Update};
        Some(match self {
            Self::CreateRole(role) => {
                change(Create, "IAM role", &role.name, Some(role.purpose.clone()))
            }
            Self::SetTrust { role, words, .. } => change(
                Update,
                "IAM role",
                role,
                Some(format!("who may take it; {words}")),
            ),
            Self::CreateProfile(profile) => change(Create, "instance profile", &profile.name, None),
            Self::FillProfile { name } => change(
                Create,
                "instance profile",
                name,
                Some("holds the role of its name".into()),
            ),
            Self::CreateProvider => {
                let detail = "for all repositories; what each may is in the roles".to_owned();
                change(Create, "OIDC provider", GITHUB, Some(detail))
            }
            Self::AddAudience { .. } => {
                let detail = "tokens meant for sts.amazonaws.com as well".to_owned();
                change(Update, "OIDC provider", GITHUB, Some(detail))
            }
            Self::CreateUser(user) => {
                change(Create, "IAM user", &user.name, Some("deploys".into()))
            }
            _ => return None,
        })
    }

    /// What a role or a user holds.
    fn holding(&self) -> Option<Change> {
        use Verb::{Create, Delete, Update};
        Some(match self {
            Self::Bound {
                holder,
                boundary,
                before,
            } => {
                let none = "none".to_owned();
                let from = before.as_ref().unwrap_or(&none);
                let to = boundary.as_ref().unwrap_or(&none);
                let detail = format!("permissions boundary {from} -> {to}");
                change(Update, holder.kind(), holder.name(), Some(detail))
            }
            Self::Tag { holder, tags } => {
                change(Update, holder.kind(), holder.name(), Some(told(tags)))
            }
            Self::Attach { holder, arn } => permission(
                Create,
                holder,
                format!("AWS's policy {}", application::last(arn)),
            ),
            Self::Detach { holder, arn } => {
                let detail = format!(
                    "the policy {}, which beanship.yml does not name",
                    application::last(arn)
                );
                permission(Delete, holder, detail)
            }
            Self::PutPolicy {
                holder,
                verb,
                words,
                ..
            } => permission(*verb, holder, words.clone()),
            Self::DeletePolicy { holder, name } => permission(
                Delete,
                holder,
                format!("the policy {name}, which beanship.yml does not name"),
            ),
            _ => return None,
        })
    }

    /// Access keys.
    fn key(&self) -> Option<Change> {
        use Verb::{Create, Delete, Update};
        Some(match self {
            Self::DeleteKey { id, why, .. } => {
                change(Delete, "access key", id, Some((*why).to_owned()))
            }
            Self::DeactivateKey { id, .. } => change(
                Update,
                "access key",
                id,
                Some("can no longer be used".into()),
            ),
            Self::CreateKey { user, to } => {
                let detail = match to {
                    KeyOut::File(path) => format!("into {}", path.display()),
                    KeyOut::Stdout => "to stdout".to_owned(),
                };
                change(Create, "access key", &format!("of {user}"), Some(detail))
            }
            _ => return None,
        })
    }

    /// Security groups and their rules.
    fn network(&self) -> Option<Change> {
        use Verb::{Create, Delete, Update};
        const GROUP: &str = "security group";
        Some(match self {
            Self::CreateGroup(group) => {
                let detail = format!("{}, in {}", group.purpose, group.vpc);
                change(Create, GROUP, &group.name, Some(detail))
            }
            Self::TagGroup { group, tags } => change(Update, GROUP, &group.name, Some(told(tags))),
            Self::Allow { group, rule } => {
                let detail = format!("allows {}", rule.words());
                change(Create, "rule", &group.name, Some(detail))
            }
            Self::Revoke { group, permission } => {
                let detail = format!(
                    "allows {}, which beanship.yml does not name",
                    group::words(permission)
                );
                change(Delete, "rule", &group.name, Some(detail))
            }
            Self::Admit {
                instance, group, ..
            } => {
                let detail = format!("gets the security group {} beside its own", group.name);
                change(Update, "database", instance, Some(detail))
            }
            _ => return None,
        })
    }

    /// Bucket, application and environment.
    fn place(&self) -> Option<Change> {
        use Verb::{Create, Update};
        Some(match self {
            Self::CreateBucket { name } => change(Create, "bucket", name, None),
            Self::ClosePublic { name, adopted } => {
                let verb = if *adopted { Update } else { Create };
                change(
                    verb,
                    "bucket",
                    name,
                    Some("nothing in it can become public".into()),
                )
            }
            Self::TidyUploads { name } => change(
                Create,
                "bucket",
                name,
                Some("uploads that never ended go after 7 days".into()),
            ),
            Self::Login(step) => step.change(),
            Self::CreateApplication { name, .. } => {
                let detail = format!(
                    "keeps {} versions, and what is deployed",
                    application::VERSIONS
                );
                change(Create, "application", name, Some(detail))
            }
            Self::CreateEnvironment(wanted) => change(
                Create,
                "environment",
                &wanted.target.environment,
                Some(wanted.words.clone()),
            ),
            Self::AssociateRole { environment, role } => {
                let detail = format!(
                    "Elastic Beanstalk updates it with the role {}",
                    application::last(role)
                );
                change(Update, "environment", environment, Some(detail))
            }
            Self::Configure {
                environment,
                repairs,
                ..
            } => {
                let what = if *repairs {
                    "launched once more"
                } else {
                    "settings"
                };
                change(Update, "environment", environment, Some(what.into()))
            }
            _ => return None,
        })
    }

    /// What was done.
    pub(super) fn done(&self) -> String {
        match self {
            Self::CreateRole(role) => format!("Created the role {}", role.name),
            Self::SetTrust { role, .. } => format!("Changed who may take the role {role}"),
            Self::Bound { holder, .. } => format!("Changed the boundary of {}", holder.name()),
            Self::Tag { holder, .. } => format!("Tagged {}", holder.name()),
            Self::Attach { holder, arn } => {
                format!("Attached {} to {}", application::last(arn), holder.name())
            }
            Self::Detach { holder, arn } => {
                format!("Took {} from {}", application::last(arn), holder.name())
            }
            Self::PutPolicy { holder, name, .. } => {
                format!("Wrote the policy {name} of {}", holder.name())
            }
            Self::DeletePolicy { holder, name } => {
                format!("Deleted the policy {name} of {}", holder.name())
            }
            Self::CreateProfile(profile) => {
                format!("Created the instance profile {}", profile.name)
            }
            Self::FillProfile { name } => format!("Put the role into the instance profile {name}"),
            Self::CreateProvider => format!("Created the OIDC provider {GITHUB}"),
            Self::AddAudience { .. } => format!("Changed the OIDC provider {GITHUB}"),
            Self::CreateUser(user) => format!("Created the user {}", user.name),
            Self::DeleteKey { id, .. } => format!("Deleted the access key {id}"),
            Self::DeactivateKey { id, .. } => format!("Deactivated the access key {id}"),
            Self::CreateKey { user, .. } => format!("Handed over an access key of {user}"),
            Self::CreateGroup(group) => format!("Created the security group {}", group.name),
            Self::TagGroup { group, .. } => format!("Tagged {}", group.name),
            Self::Allow { group, rule } => format!("Let {} into {}", rule.words(), group.name),
            Self::Revoke { group, permission } => {
                format!("Took {} out of {}", group::words(permission), group.name)
            }
            Self::Admit {
                instance, group, ..
            } => format!("Gave {instance} the security group {}", group.name),
            Self::Database(step) => step.done(),
            Self::CreateBucket { name } => format!("Created the bucket {name}"),
            Self::ClosePublic { name, .. } => format!("Closed the bucket {name} to the public"),
            Self::TidyUploads { name } => format!("Set the rule for uploads to {name}"),
            Self::Login(step) => step.done(),
            Self::CreateApplication { name, .. } => format!("Created the application {name}"),
            Self::CreateEnvironment(wanted) => {
                format!("Started the launch of {}", wanted.target.environment)
            }
            Self::AssociateRole { environment, .. } => {
                format!("Gave {environment} its operations role")
            }
            Self::Configure { environment, .. } => format!("Started the update of {environment}"),
        }
    }
}

fn change(verb: Verb, kind: &'static str, name: &str, detail: Option<String>) -> Change {
    Change {
        verb,
        kind,
        name: name.to_owned(),
        detail,
    }
}

/// Tags, in words.
fn told(tags: &Tags) -> String {
    let tags: Vec<String> = tags
        .iter()
        .map(|(key, value)| format!("{key}={value}"))
        .collect();
    format!("tags {}", tags.join(", "))
}

/// A permission's line.
fn permission(verb: Verb, holder: &Holder, detail: String) -> Change {
    change(verb, "permission", holder.name(), Some(detail))
}

/// The lines of changed settings, with old and new values: none of them is a secret, properties
/// are not among them.
pub(super) fn settings(options: &Options, before: &Configuration) -> Vec<Change> {
    let line = |option: &crate::properties::SetOption| {
        let (namespace, name) = (&option.namespace, &option.name);
        let old = before.value(namespace, name).filter(|it| !it.is_empty());
        let mut detail = format!("{} -> {}", old.unwrap_or("not set"), option.value.expose());
        if application::replaces(namespace, name) {
            let _ = write!(detail, "; replaces the instances");
        }
        let verb = if application::replaces(namespace, name) {
            Verb::Update
        } else {
            option.verb
        };
        change(
            verb,
            "option setting",
            &format!("{namespace} {name}"),
            Some(detail),
        )
    };
    options.set.iter().map(line).collect()
}
