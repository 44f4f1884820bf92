//! The changes of the network.

use super::super::names::Tags;
use super::super::network::group::{Group, GroupRef};
use super::super::steps::{BootstrapStep, Made};
use super::settled;
use crate::aws::{Aws, ec2, rds};
use crate::error::{Error, Fault, Kind, Result};

pub(super) async fn step(aws: &Aws, step: &BootstrapStep, made: &mut Made) -> Result<()> {
    match step {
        BootstrapStep::CreateGroup(group) => {
            let id = create(aws, group).await?;
            made.groups.insert(group.name.clone(), id);
            Ok(())
        }
        BootstrapStep::TagGroup { group, tags } => ec2::tag(aws, made.group(group), tags).await,
        BootstrapStep::Allow { group, rule } => {
            let permission = rule.permission(made.group(&rule.from));
            let group = made.group(group);
            settled(aws, || ec2::authorize(aws, group, &permission)).await
        }
        BootstrapStep::Revoke { group, permission } => {
            ec2::revoke(aws, made.group(group), permission).await
        }
        BootstrapStep::Admit {
            instance,
            attached,
            group,
        } => {
            let mut all = attached.clone();
            all.push(made.group(group).to_owned());
            regroup(aws, instance, &all).await
        }
        _ => Ok(()),
    }
}

/// Gives a database of others exactly these security groups.
pub(in super::super) async fn regroup(aws: &Aws, id: &str, groups: &[String]) -> Result<()> {
    let groups = groups.iter().enumerate().map(|(at, group)| {
        let name = format!("VpcSecurityGroupIds.VpcSecurityGroupId.{}", at + 1);
        (name, group.clone())
    });
    let groups: Vec<_> = groups.collect();
    rds::modify(aws, id, &groups).await.map_err(|error| match error.code() {
        Some("InvalidDBInstanceState") => error.hint(format!(
            "wait until it is available with `aws rds wait db-instance-available --db-instance-identifier {id}`"
        )),
        _ => error,
    })
}

/// Makes a group, and waits until it is seen: whoever is told its id must find it.
async fn create(aws: &Aws, group: &Group) -> Result<String> {
    let Group {
        name,
        purpose,
        vpc,
        tags,
    } = group;
    let description = format!("beanship: {purpose}");
    let id = match ec2::create_security_group(aws, vpc, name, &description, tags).await {
        // The same call again, because its answer was lost.
        Err(error) if error.code() == Some("InvalidGroup.Duplicate") => {
            same(aws, vpc, name, tags).await?.ok_or(error)?
        }
        made => made?,
    };
    settled(aws, || async {
        let found = ec2::security_groups(aws, &[("group-id", &[id.as_str()])]).await?;
        match found.is_empty() {
            false => Ok(()),
            true => Err(Error::new(
                Kind::Aws,
                format!("the security group {name} ({id}) was made and is not there yet"),
            )
            .hint("wait a minute, and run `beanship bootstrap` again: it goes on where it stopped")
            .fault(Fault {
                code: Some(ec2::NO_GROUP.into()),
                ..Fault::default()
            })),
        }
    })
    .await?;
    Ok(id)
}

/// The id of the group of this name that has our tags.
async fn same(aws: &Aws, vpc: &str, name: &str, tags: &Tags) -> Result<Option<String>> {
    let found = ec2::security_groups(aws, &[("vpc-id", &[vpc]), ("group-name", &[name])]).await?;
    let ours = |it: &&ec2::SecurityGroup| {
        let has = it.tags();
        tags.iter().all(|(key, value)| has.get(key) == Some(value))
    };
    Ok(found.iter().find(ours).map(|it| it.id.clone()))
}

impl Made {
    /// The id of a group, which an earlier step may have made.
    pub(super) fn group<'a>(&'a self, group: &'a GroupRef) -> &'a str {
        let made = || self.groups.get(&group.name).map(String::as_str);
        group.id.as_deref().or_else(made).unwrap_or(&group.name)
    }

    /// A list of security groups with the ids of those that an earlier step has made.
    pub(super) fn with_groups(&self, list: &str) -> String {
        let id = |it: &str| {
            self.groups
                .get(it)
                .map_or_else(|| it.to_owned(), Clone::clone)
        };
        let all: Vec<String> = list.split(',').map(|it| id(it.trim())).collect();
        all.join(",")
    }
}
