//! Security groups and their rules, as they shall be and as they are. Pure; whoever needs a group
//! (the application, a database) plans it with these pieces.

use crate::aws::ec2::{Peer, Permission, SecurityGroup};
use crate::error::Result;

use super::super::names::{Place, Tags};
use super::super::steps::BootstrapStep;

/// A security group that shall be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Group {
    /// Its name, of which there is one in a VPC.
    pub name: String,
    /// What it is for, in words: `for the instances`.
    pub purpose: String,
    /// The id of its VPC.
    pub vpc: String,
    /// Its tags.
    pub tags: Tags,
}

/// A security group that is, or is made by an earlier step.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GroupRef {
    /// Its name.
    pub name: String,
    /// Its id; none where it is not made yet.
    pub id: Option<String>,
}

/// A rule that shall be: a security group is let in at one TCP port.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rule {
    /// What answers there, in a word: `mysql`.
    pub service: String,
    /// The port.
    pub port: u16,
    /// Who is let in.
    pub from: GroupRef,
}

impl Group {
    /// The group, by its id where there is one.
    #[must_use]
    pub fn reference(&self, seen: Option<&SecurityGroup>) -> GroupRef {
        GroupRef {
            name: self.name.clone(),
            id: seen.map(|it| it.id.clone()),
        }
    }
}

impl GroupRef {
    /// The id, or the name of a group that has none yet: what stands in lists until it is made.
    #[must_use]
    pub fn id_or_name(&self) -> &str {
        self.id.as_deref().unwrap_or(&self.name)
    }
}

impl From<&SecurityGroup> for GroupRef {
    fn from(seen: &SecurityGroup) -> Self {
        Self {
            name: seen.name.clone(),
            id: Some(seen.id.clone()),
        }
    }
}

impl Rule {
    /// The rule as EC2 has it, with the id of who is let in.
    #[must_use]
    pub fn permission(&self, from: &str) -> Permission {
        Permission {
            protocol: "tcp".into(),
            from: Some(self.port.into()),
            to: Some(self.port.into()),
            peer: Peer::Group(from.to_owned()),
            description: Some(format!("beanship: {}", self.from.name)),
        }
    }

    /// `mysql (3306) from shop-prod-app`
    #[must_use]
    pub fn words(&self) -> String {
        format!("{} ({}) from {}", self.service, self.port, self.from.name)
    }
}

/// The group of this name in its VPC.
#[must_use]
pub fn find<'a>(wanted: &Group, seen: &'a [SecurityGroup]) -> Option<&'a SecurityGroup> {
    seen.iter()
        .find(|it| it.name == wanted.name && it.vpc == wanted.vpc)
}

/// The steps to a group.
///
/// # Errors
/// [`crate::error::Kind::Check`] for a group of this name that is not ours.
pub fn plan(
    place: &Place,
    wanted: &Group,
    seen: Option<&SecurityGroup>,
) -> Result<Vec<BootstrapStep>> {
    let Some(seen) = seen else {
        return Ok(vec![BootstrapStep::CreateGroup(wanted.clone())]);
    };
    let has = seen.tags();
    place.own("security group", &wanted.name, &has)?;
    let mut missing = wanted.tags.clone();
    missing.retain(|key, value| has.get(key) != Some(value));
    if missing.is_empty() {
        return Ok(Vec::new());
    }
    Ok(vec![BootstrapStep::TagGroup {
        group: seen.into(),
        tags: missing,
    }])
}

/// The steps to a group's rules. What else a group of ours lets in is taken away; a group of
/// others only gets what it lacks.
#[must_use]
pub fn rules(
    group: &GroupRef,
    ours: bool,
    wanted: &[Rule],
    seen: Option<&SecurityGroup>,
) -> Vec<BootstrapStep> {
    let there = seen.map(SecurityGroup::permissions).unwrap_or_default();
    let permissions: Vec<Option<Permission>> = wanted
        .iter()
        .map(|rule| Some(rule.permission(rule.from.id.as_deref()?)))
        .collect();
    let missing = wanted
        .iter()
        .zip(&permissions)
        .filter(|(_, permission)| !permission.as_ref().is_some_and(|it| there.contains(it)));
    let mut steps: Vec<BootstrapStep> = missing
        .map(|(rule, _)| BootstrapStep::Allow {
            group: group.clone(),
            rule: rule.clone(),
        })
        .collect();
    if ours {
        let others = there
            .iter()
            .filter(|it| !permissions.iter().flatten().any(|wanted| wanted == *it));
        steps.extend(others.map(|permission| BootstrapStep::Revoke {
            group: group.clone(),
            permission: permission.clone(),
        }));
    }
    steps
}

/// What a permission lets in, in words: `ssh (22) from 0.0.0.0/0`.
#[must_use]
pub fn words(permission: &Permission) -> String {
    let what = match (permission.protocol.as_str(), permission.from, permission.to) {
        ("-1", ..) => "everything".to_owned(),
        ("tcp", Some(from), Some(to)) if from == to => match service(from) {
            Some(service) => format!("{service} ({from})"),
            None => format!("port {from}"),
        },
        ("tcp", Some(from), Some(to)) => format!("ports {from} to {to}"),
        (protocol, Some(-1), _) => format!("all {protocol}"),
        (protocol, Some(from), Some(to)) if from == to => format!("{protocol} {from}"),
        (protocol, Some(from), Some(to)) => format!("{protocol} {from} to {to}"),
        (protocol, ..) => format!("all {protocol}"),
    };
    let peer = match &permission.peer {
        Peer::V4(all) if all == "0.0.0.0/0" => "everywhere (0.0.0.0/0)",
        Peer::V6(all) if all == "::/0" => "everywhere (::/0)",
        Peer::Group(peer) | Peer::V4(peer) | Peer::V6(peer) | Peer::Prefixes(peer) => peer,
    };
    format!("{what} from {peer}")
}

/// What usually answers at a port.
fn service(port: i32) -> Option<&'static str> {
    Some(match port {
        22 => "ssh",
        80 => "http",
        443 => "https",
        3306 => "mysql",
        5432 => "postgres",
        6379 => "redis",
        _ => return None,
    })
}
