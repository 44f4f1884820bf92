//! Subnet groups: where databases may be.

use std::collections::{BTreeMap, BTreeSet};

use super::super::ec2::Network;
use super::super::query::Failure;
use super::super::xml::Xml;
use super::model::SubnetGroup;
use super::{Context, invalid, required, tags, texts, views};

pub(super) fn create(cx: &mut Context<'_>, xml: &mut Xml) -> Result<(), Failure> {
    let parameters = cx.parameters();
    let name = required(parameters, "DBSubnetGroupName")?.to_lowercase();
    let fits = |c: char| c.is_ascii_alphanumeric() || "._- ".contains(c);
    if name.is_empty() || name.len() > 255 || name == "default" || !name.chars().all(fits) {
        return Err(invalid(
            "The parameter DBSubnetGroupName must contain no more than 255 letters, numbers, periods, underscores, spaces, or \
             hyphens, and must not be Default.",
        ));
    }
    if cx.region.groups.contains_key(&name) {
        let message = format!("The DB subnet group '{name}' already exists.");
        return Err(Failure::new("DBSubnetGroupAlreadyExists", message));
    }
    let (vpc, subnets) = covered(cx)?;
    let group = SubnetGroup {
        description: required(cx.parameters(), "DBSubnetGroupDescription")?.to_owned(),
        vpc,
        subnets,
        tags: tags::read(cx.parameters())?,
    };
    xml.group("DBSubnetGroup", |xml| {
        views::subnet_group(xml, cx, &name, &group);
    });
    cx.region.groups.insert(name, group);
    Ok(())
}

pub(super) fn describe(cx: &mut Context<'_>, xml: &mut Xml) -> Result<(), Failure> {
    let wanted = cx.parameters().text("DBSubnetGroupName");
    let wanted = wanted.map(str::to_lowercase);
    if let Some(name) = wanted
        .as_ref()
        .filter(|it| !cx.region.groups.contains_key(*it))
    {
        return Err(missing(name));
    }
    let all = cx.region.groups.iter();
    let named = all.filter(|(name, _)| wanted.as_ref().is_none_or(|wanted| wanted == *name));
    let (page, marker) = cx.page(named.collect())?;
    xml.set(
        "DBSubnetGroups",
        "DBSubnetGroup",
        page,
        |xml, (name, group)| {
            views::subnet_group(xml, cx, name, group);
        },
    );
    xml.maybe("Marker", marker);
    Ok(())
}

/// Other subnets, of the same network, for what is made in it from then on.
pub(super) fn modify(cx: &mut Context<'_>, xml: &mut Xml) -> Result<(), Failure> {
    let name = required(cx.parameters(), "DBSubnetGroupName")?.to_lowercase();
    let mut group = cx
        .region
        .groups
        .get(&name)
        .cloned()
        .ok_or_else(|| missing(&name))?;
    let (vpc, subnets) = covered(cx)?;
    if vpc != group.vpc {
        let message = "The new Subnets are not in the same Vpc as the existing subnet group";
        return Err(Failure::new("InvalidSubnet", message));
    }
    group.subnets = subnets;
    xml.group("DBSubnetGroup", |xml| {
        views::subnet_group(xml, cx, &name, &group);
    });
    cx.region.groups.insert(name, group);
    Ok(())
}

pub(super) fn delete(cx: &mut Context<'_>, _: &mut Xml) -> Result<(), Failure> {
    let name = required(cx.parameters(), "DBSubnetGroupName")?.to_lowercase();
    if !cx.region.groups.contains_key(&name) {
        return Err(missing(&name));
    }
    let mut all = cx.region.instances.iter();
    if let Some((id, _)) = all.find(|(_, it)| it.subnet_group == name) {
        let message = format!(
            "Cannot delete the subnet group '{name}' because at least one database instance: {id} is still using it."
        );
        return Err(Failure::new("InvalidDBSubnetGroupStateFault", message));
    }
    cx.region.groups.remove(&name);
    Ok(())
}

/// The subnets of a call with their zones, at least two, and their network.
fn covered(cx: &Context<'_>) -> Result<(String, BTreeMap<String, String>), Failure> {
    let network = Network::of(cx.world, &cx.call.region)?;
    let named = texts(cx.parameters(), "SubnetIds", "SubnetIdentifier");
    let mut vpcs = BTreeSet::new();
    let mut subnets = BTreeMap::new();
    for id in named {
        let Some((vpc, zone)) = network.subnet(id) else {
            let message = format!("Some input subnets in :[{id}] are invalid.");
            return Err(Failure::new("InvalidSubnet", message));
        };
        vpcs.insert(vpc.to_owned());
        subnets.insert(id.to_owned(), zone.to_owned());
    }
    let zones: BTreeSet<&String> = subnets.values().collect();
    if zones.len() < 2 {
        let message = "The DB subnet group doesn't meet Availability Zone (AZ) coverage requirement. Current AZ coverage: \
                       too few. Add subnets to cover at least 2 AZs.";
        return Err(Failure::new("DBSubnetGroupDoesNotCoverEnoughAZs", message));
    }
    if vpcs.len() > 1 {
        let message = "The subnets of a DB subnet group must be in the same VPC.";
        return Err(Failure::new("InvalidSubnet", message));
    }
    Ok((vpcs.into_iter().next().unwrap_or_default(), subnets))
}

pub(super) fn missing(name: &str) -> Failure {
    let message = format!("DB subnet group '{name}' does not exist.");
    Failure::with_status(404, "DBSubnetGroupNotFoundFault", message)
}
