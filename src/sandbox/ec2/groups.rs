//! Security groups.

use super::super::query::Failure;
use super::super::xml::Xml;
use super::super::{elasticbeanstalk, rds};
use super::listing::{Filters, one};
use super::model::{Group, Peer, id};
use super::rules::write_permissions;
use super::{Context, done, not_found, required, write_tags};

/// What a description may hold besides letters and digits (facts 7).
const SIGNS: &str = " ._-:/()#,@[]+=&;{}!$*";

pub(super) fn create(cx: &mut Context<'_>, xml: &mut Xml) -> Result<(), Failure> {
    let parameters = cx.parameters();
    let name = required(parameters, "GroupName")?.to_owned();
    let description = required(parameters, "GroupDescription")?.to_owned();
    let invalid = |message: String| Err(Failure::new("InvalidParameterValue", message));
    let fits = |c: char| c.is_ascii_alphanumeric() || SIGNS.contains(c);
    for (member, text) in [("groupName", &name), ("groupDescription", &description)] {
        if text.is_empty() || text.len() > 255 || !text.chars().all(fits) {
            return invalid(format!(
                "Invalid security group {member}. Valid descriptions are strings less than 256 characters from the following \
                 set: a-zA-Z0-9. _-:/()#,@[]+=&;{{}}!$*"
            ));
        }
    }
    if name.starts_with("sg-") {
        return invalid(
            "Invalid value 'sg-' for groupName. Group names may not be in the format sg-*."
                .to_owned(),
        );
    }
    let vpc = match (parameters.text("VpcId"), cx.region.default_vpc()) {
        (Some(id), _) => id.to_owned(),
        (None, Some(id)) => id.clone(),
        (None, None) => {
            let message = "No default VPC for this user";
            return Err(Failure::new("VPCIdNotSpecified", message));
        }
    };
    if !cx.region.vpcs.contains_key(&vpc) {
        return Err(not_found("vpc", &vpc));
    }
    let taken = |group: &Group| group.vpc == vpc && group.name == name;
    if cx.region.groups.values().any(taken) {
        let message = format!("The security group '{name}' already exists for VPC '{vpc}'");
        return Err(Failure::new("InvalidGroup.Duplicate", message));
    }
    let mut group = Group::new(&name, &description, &vpc);
    group.tags = cx.tags("security-group")?;
    let id = id("sg");
    xml.text("groupId", &id);
    write_tags(xml, &group.tags);
    xml.text("securityGroupArn", cx.arn(&id));
    cx.region.groups.insert(id, group);
    Ok(())
}

pub(super) fn describe(cx: &mut Context<'_>, xml: &mut Xml) -> Result<(), Failure> {
    let all = &cx.region.groups;
    for id in cx.parameters().flat_texts("GroupId") {
        well_formed(id)?;
    }
    cx.check("GroupId", "sg", |id| all.contains_key(id))?;
    let is_name = |name: &str| all.values().any(|group| group.name == name);
    cx.check("GroupName", "sg", is_name)?;
    let filters = Filters::read(cx.parameters())?;
    let wanted =
        |id: &str, group: &Group| cx.wants("GroupId", id) && cx.wants("GroupName", &group.name);
    let mut found = Vec::new();
    for (id, group) in all.iter().filter(|(id, group)| wanted(id, group)) {
        let peers = |groups: bool| {
            let named = group.rules.iter().filter(|rule| !rule.egress);
            named.filter_map(move |rule| match &rule.peer {
                Peer::Group(id) if groups => Some(id.clone()),
                Peer::Addresses(cidr) if !groups => Some(cidr.clone()),
                _ => None,
            })
        };
        let held = filters.hold(&group.tags, |name| match name {
            "group-id" => one(id),
            "group-name" => one(&group.name),
            "description" => one(&group.description),
            "vpc-id" => one(&group.vpc),
            "owner-id" => one(cx.account()),
            "ip-permission.group-id" => Some(peers(true).collect()),
            "ip-permission.cidr" => Some(peers(false).collect()),
            _ => None,
        })?;
        found.extend(held.then_some((id, group)));
    }
    cx.page(xml, "securityGroupInfo", found, |xml, (id, group)| {
        xml.text("groupId", id);
        write_permissions(xml, cx, "ipPermissionsEgress", group, true);
        write_tags(xml, &group.tags);
        xml.text("vpcId", &group.vpc);
        xml.text("securityGroupArn", cx.arn(id));
        xml.text("ownerId", cx.account());
        xml.text("groupName", &group.name);
        xml.text("groupDescription", &group.description);
        write_permissions(xml, cx, "ipPermissions", group, false);
    })
}

/// One that others refer to stays: in a rule, on the instances of an environment, on a database.
pub(super) fn delete(cx: &mut Context<'_>, xml: &mut Xml) -> Result<(), Failure> {
    let id = cx.named_group()?;
    let group = &cx.region.groups[&id];
    if group.name == "default" {
        let message =
            format!("the specified group: \"{id}\" name: \"default\" cannot be deleted by a user");
        return Err(Failure::new("CannotDelete", message));
    }
    let mut others = cx.region.groups.iter().filter(|(other, _)| **other != id);
    let (region, now) = (&cx.call.region, cx.call.now);
    let used = others.any(|(_, other)| other.names(&id))
        || elasticbeanstalk::uses_group(cx.world, region, &id, now)?
        || rds::uses_group(cx.world, region, &id, now)?;
    if used {
        let message = format!("resource {id} has a dependent object");
        return Err(Failure::new("DependencyViolation", message));
    }
    cx.region.groups.remove(&id);
    done(xml);
    xml.text("groupId", &id);
    Ok(())
}

impl Context<'_> {
    /// The id of the group that the call names by id, or by name in the default VPC.
    pub(super) fn named_group(&self) -> Result<String, Failure> {
        let parameters = self.parameters();
        if let Some(id) = parameters.text("GroupId") {
            well_formed(id)?;
            let known = self.region.groups.contains_key(id);
            return known
                .then(|| id.to_owned())
                .ok_or_else(|| not_found("sg", id));
        }
        let Some(name) = parameters.text("GroupName") else {
            return Err(required(parameters, "GroupId")
                .err()
                .unwrap_or_else(|| not_found("sg", "")));
        };
        let default = self.region.default_vpc();
        let named = |group: &Group| group.name == name && Some(&group.vpc) == default;
        let mut groups = self.region.groups.iter();
        let found = groups.find(|(_, group)| named(group));
        found.map(|(id, _)| id.clone()).ok_or_else(|| {
            let message = format!("The security group '{name}' does not exist in default VPC");
            Failure::new("InvalidGroup.NotFound", message)
        })
    }
}

fn well_formed(id: &str) -> Result<(), Failure> {
    if id.starts_with("sg-") {
        return Ok(());
    }
    let message = format!("Invalid id: \"{id}\" (expecting \"sg-...\")");
    Err(Failure::new("InvalidGroupId.Malformed", message))
}
