//! VPCs and subnets.

use super::super::query::Failure;
use super::super::xml::Xml;
use super::listing::{Filters, one};
use super::model::{Subnet, Vpc, block, id, zones};
use super::{Context, dependency, done, not_found, required, write_tags};

pub(super) fn create_vpc(cx: &mut Context<'_>, xml: &mut Xml) -> Result<(), Failure> {
    let cidr = required(cx.parameters(), "CidrBlock")?.to_owned();
    block(&cidr)
        .filter(|(_, _, is_v6)| !is_v6)
        .ok_or_else(|| malformed(&cidr))?;
    let tags = cx.tags("vpc")?;
    let id = cx.region.add_vpc(&cidr, false, tags);
    xml.group("vpc", |xml| write_vpc(xml, cx, &id, &cx.region.vpcs[&id]));
    Ok(())
}

pub(super) fn vpcs(cx: &mut Context<'_>, xml: &mut Xml) -> Result<(), Failure> {
    let all = &cx.region.vpcs;
    cx.check("VpcId", "vpc", |id| all.contains_key(id))?;
    let filters = Filters::read(cx.parameters())?;
    let mut found = Vec::new();
    for (id, vpc) in all.iter().filter(|(id, _)| cx.wants("VpcId", id)) {
        let held = filters.hold(&vpc.tags, |name| match name {
            "vpc-id" => one(id),
            "is-default" | "isDefault" => one(&vpc.is_default),
            "cidr" => one(&vpc.cidr),
            "owner-id" => one(cx.account()),
            "state" => one("available"),
            _ => None,
        })?;
        found.extend(held.then_some((id, vpc)));
    }
    cx.page(xml, "vpcSet", found, |xml, (id, vpc)| {
        write_vpc(xml, cx, id, vpc);
    })
}

/// Only an empty one can go; its route table and its own group go with it.
pub(super) fn delete_vpc(cx: &mut Context<'_>, xml: &mut Xml) -> Result<(), Failure> {
    let id = required(cx.parameters(), "VpcId")?.to_owned();
    let region = &mut *cx.region;
    if !region.vpcs.contains_key(&id) {
        return Err(not_found("vpc", &id));
    }
    let own = |vpc: &String| *vpc == id;
    let used = region.subnets.values().any(|it| own(&it.vpc))
        || region
            .gateways
            .values()
            .any(|it| it.vpc.as_ref() == Some(&id))
        || region
            .groups
            .values()
            .any(|it| own(&it.vpc) && it.name != "default");
    if used {
        return Err(dependency("vpc", &id));
    }
    region.vpcs.remove(&id);
    region.tables.retain(|_, it| !own(&it.vpc));
    region.groups.retain(|_, it| !own(&it.vpc));
    done(xml);
    Ok(())
}

pub(super) fn create_subnet(cx: &mut Context<'_>, xml: &mut Xml) -> Result<(), Failure> {
    let parameters = cx.parameters();
    let vpc = required(parameters, "VpcId")?.to_owned();
    let cidr = required(parameters, "CidrBlock")?.to_owned();
    let names = zones(&cx.call.region);
    let zone = parameters.text("AvailabilityZone").unwrap_or(&names[0]);
    if !names.iter().any(|name| name == zone) {
        let message = format!(
            "Value ({zone}) for parameter availabilityZone is invalid. Subnets can currently only be created in the following \
             availability zones: {}.",
            names.join(", ")
        );
        return Err(Failure::new("InvalidParameterValue", message));
    }
    let outer = cx
        .region
        .vpcs
        .get(&vpc)
        .ok_or_else(|| not_found("vpc", &vpc))?;
    let (first, last, _) = block(&cidr).ok_or_else(|| malformed(&cidr))?;
    let within = block(&outer.cidr).is_some_and(|(from, to, _)| from <= first && last <= to);
    if !within {
        let message = format!("The CIDR '{cidr}' is invalid.");
        return Err(Failure::new("InvalidSubnet.Range", message));
    }
    let overlaps = |subnet: &Subnet| {
        let other = block(&subnet.cidr);
        subnet.vpc == vpc && other.is_some_and(|(from, to, _)| from <= last && first <= to)
    };
    if cx.region.subnets.values().any(overlaps) {
        let message = format!("The CIDR '{cidr}' conflicts with another subnet");
        return Err(Failure::new("InvalidSubnet.Conflict", message));
    }
    let subnet = Subnet {
        vpc,
        zone: zone.to_owned(),
        cidr,
        is_default: false,
        tags: cx.tags("subnet")?,
    };
    let id = id("subnet");
    xml.group("subnet", |xml| write_subnet(xml, cx, &id, &subnet));
    cx.region.subnets.insert(id, subnet);
    Ok(())
}

pub(super) fn subnets(cx: &mut Context<'_>, xml: &mut Xml) -> Result<(), Failure> {
    let all = &cx.region.subnets;
    cx.check("SubnetId", "subnet", |id| all.contains_key(id))?;
    let filters = Filters::read(cx.parameters())?;
    let mut found = Vec::new();
    for (id, subnet) in all.iter().filter(|(id, _)| cx.wants("SubnetId", id)) {
        let held = filters.hold(&subnet.tags, |name| match name {
            "subnet-id" => one(id),
            "vpc-id" => one(&subnet.vpc),
            "availability-zone" | "availabilityZone" => one(&subnet.zone),
            "cidr-block" | "cidr" => one(&subnet.cidr),
            "default-for-az" | "defaultForAz" | "map-public-ip-on-launch" => {
                one(&subnet.is_default)
            }
            "state" => one("available"),
            _ => None,
        })?;
        found.extend(held.then_some((id, subnet)));
    }
    cx.page(xml, "subnetSet", found, |xml, (id, subnet)| {
        write_subnet(xml, cx, id, subnet);
    })
}

/// What databases or environments have in it is not looked for.
pub(super) fn delete_subnet(cx: &mut Context<'_>, xml: &mut Xml) -> Result<(), Failure> {
    let id = required(cx.parameters(), "SubnetId")?.to_owned();
    let gone = cx.region.subnets.remove(&id);
    gone.ok_or_else(|| not_found("subnet", &id))?;
    done(xml);
    Ok(())
}

fn malformed(cidr: &str) -> Failure {
    let message = format!(
        "Value ({cidr}) for parameter cidrBlock is invalid. This is not a valid CIDR block."
    );
    Failure::new("InvalidParameterValue", message)
}

fn write_vpc(xml: &mut Xml, cx: &Context<'_>, id: &str, vpc: &Vpc) {
    xml.text("ownerId", cx.account());
    xml.text("instanceTenancy", "default");
    xml.text("isDefault", vpc.is_default);
    write_tags(xml, &vpc.tags);
    xml.text("vpcId", id);
    xml.text("state", "available");
    xml.text("cidrBlock", &vpc.cidr);
    xml.text("dhcpOptionsId", "dopt-0123456789abcdef0");
}

fn write_subnet(xml: &mut Xml, cx: &Context<'_>, id: &str, subnet: &Subnet) {
    let addresses = block(&subnet.cidr).map_or(0, |(first, last, _)| last - first + 1);
    xml.text("ownerId", cx.account());
    write_tags(xml, &subnet.tags);
    xml.text("subnetArn", cx.arn(id));
    xml.text("subnetId", id);
    xml.text("state", "available");
    xml.text("vpcId", &subnet.vpc);
    xml.text("cidrBlock", &subnet.cidr);
    // AWS keeps five of them for itself.
    xml.text("availableIpAddressCount", addresses.saturating_sub(5));
    xml.text("availabilityZone", &subnet.zone);
    xml.text("defaultForAz", subnet.is_default);
    xml.text("mapPublicIpOnLaunch", subnet.is_default);
}
