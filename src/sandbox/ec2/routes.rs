//! Internet gateways, and the route table of each VPC.

use super::super::query::Failure;
use super::super::xml::Xml;
use super::listing::{Filters, one};
use super::model::{Gateway, Table, block, id};
use super::{Context, dependency, done, not_found, required, write_tags};

pub(super) fn create_gateway(cx: &mut Context<'_>, xml: &mut Xml) -> Result<(), Failure> {
    let gateway = Gateway {
        vpc: None,
        tags: cx.tags("internet-gateway")?,
    };
    let id = id("igw");
    xml.group("internetGateway", |xml| {
        write_gateway(xml, cx, &id, &gateway);
    });
    cx.region.gateways.insert(id, gateway);
    Ok(())
}

pub(super) fn attach(cx: &mut Context<'_>, xml: &mut Xml) -> Result<(), Failure> {
    let vpc = required(cx.parameters(), "VpcId")?.to_owned();
    if !cx.region.vpcs.contains_key(&vpc) {
        return Err(not_found("vpc", &vpc));
    }
    let taken = |it: &Gateway| it.vpc.as_ref() == Some(&vpc);
    if cx.region.gateways.values().any(taken) {
        let message = format!("Network {vpc} already has an internet gateway attached");
        return Err(Failure::new("InvalidParameterValue", message));
    }
    let gateway = gateway(cx)?;
    if gateway.vpc.is_some() {
        let message = "resource is already attached to a network";
        return Err(Failure::new("Resource.AlreadyAssociated", message));
    }
    gateway.vpc = Some(vpc);
    done(xml);
    Ok(())
}

pub(super) fn detach(cx: &mut Context<'_>, xml: &mut Xml) -> Result<(), Failure> {
    let vpc = required(cx.parameters(), "VpcId")?.to_owned();
    let gateway = gateway(cx)?;
    if gateway.vpc.take() != Some(vpc) {
        let message = "resource is not attached to this network";
        return Err(Failure::new("Gateway.NotAttached", message));
    }
    done(xml);
    Ok(())
}

pub(super) fn delete_gateway(cx: &mut Context<'_>, xml: &mut Xml) -> Result<(), Failure> {
    let id = required(cx.parameters(), "InternetGatewayId")?.to_owned();
    if gateway(cx)?.vpc.is_some() {
        return Err(dependency("internetGateway", &id));
    }
    cx.region.gateways.remove(&id);
    done(xml);
    Ok(())
}

pub(super) fn gateways(cx: &mut Context<'_>, xml: &mut Xml) -> Result<(), Failure> {
    let all = &cx.region.gateways;
    cx.check("InternetGatewayId", "igw", |id| all.contains_key(id))?;
    let filters = Filters::read(cx.parameters())?;
    let mut found = Vec::new();
    let wanted = |id: &str| cx.wants("InternetGatewayId", id);
    for (id, gateway) in all.iter().filter(|(id, _)| wanted(id)) {
        let held = filters.hold(&gateway.tags, |name| match name {
            "internet-gateway-id" => one(id),
            "attachment.vpc-id" => Some(gateway.vpc.iter().cloned().collect()),
            _ => None,
        })?;
        found.extend(held.then_some((id, gateway)));
    }
    cx.page(xml, "internetGatewaySet", found, |xml, (id, gateway)| {
        write_gateway(xml, cx, id, gateway);
    })
}

/// Internet gateways are all that a route can lead to here.
pub(super) fn create_route(cx: &mut Context<'_>, xml: &mut Xml) -> Result<(), Failure> {
    let parameters = cx.parameters();
    let id = required(parameters, "RouteTableId")?.to_owned();
    let to = required(parameters, "DestinationCidrBlock")?.to_owned();
    let gateway = required(parameters, "GatewayId")?.to_owned();
    let vpc = cx.region.tables.get(&id).map(|it| it.vpc.clone());
    let vpc = vpc.ok_or_else(|| not_found("rtb", &id))?;
    if block(&to).is_none() {
        let message = format!(
            "Value ({to}) for parameter destinationCidrBlock is invalid. This is not a valid CIDR block."
        );
        return Err(Failure::new("InvalidParameterValue", message));
    }
    let through = cx.region.gateways.get(&gateway);
    let through = through.ok_or_else(|| not_found("igw", &gateway))?;
    if through.vpc.as_ref() != Some(&vpc) {
        let message =
            format!("route table {id} and network gateway {gateway} belong to different networks");
        return Err(Failure::new("InvalidParameterValue", message));
    }
    if let Some(table) = cx.region.tables.get_mut(&id)
        && table.routes.insert(to.clone(), gateway).is_some()
    {
        let message = format!("The route identified by {to} already exists.");
        return Err(Failure::new("RouteAlreadyExists", message));
    }
    done(xml);
    Ok(())
}

pub(super) fn tables(cx: &mut Context<'_>, xml: &mut Xml) -> Result<(), Failure> {
    let all = &cx.region.tables;
    cx.check("RouteTableId", "rtb", |id| all.contains_key(id))?;
    let filters = Filters::read(cx.parameters())?;
    let mut found = Vec::new();
    for (id, table) in all.iter().filter(|(id, _)| cx.wants("RouteTableId", id)) {
        let held = filters.hold(&table.tags, |name| match name {
            "route-table-id" | "association.route-table-id" => one(id),
            "vpc-id" => one(&table.vpc),
            "association.main" => one(&true),
            // Subnets are not associated by themselves: they have the main table.
            "association.subnet-id" => Some(Vec::new()),
            "route.gateway-id" => Some(table.routes.values().cloned().collect()),
            _ => None,
        })?;
        found.extend(held.then_some((id, table)));
    }
    cx.page(xml, "routeTableSet", found, |xml, (id, table)| {
        write_table(xml, cx, id, table);
    })
}

fn gateway<'a>(cx: &'a mut Context<'_>) -> Result<&'a mut Gateway, Failure> {
    let call = cx.call;
    let id = required(&call.parameters, "InternetGatewayId")?;
    let found = cx.region.gateways.get_mut(id);
    found.ok_or_else(|| not_found("igw", id))
}

fn write_gateway(xml: &mut Xml, cx: &Context<'_>, id: &str, gateway: &Gateway) {
    xml.set("attachmentSet", "item", &gateway.vpc, |xml, vpc| {
        xml.text("state", "available");
        xml.text("vpcId", vpc);
    });
    xml.text("internetGatewayId", id);
    xml.text("ownerId", cx.account());
    write_tags(xml, &gateway.tags);
}

fn write_table(xml: &mut Xml, cx: &Context<'_>, id: &str, table: &Table) {
    xml.set("associationSet", "item", [id], |xml, id| {
        xml.text("main", true);
        xml.text("routeTableAssociationId", id.replace("rtb-", "rtbassoc-"));
        xml.text("routeTableId", id);
        xml.group("associationState", |xml| xml.text("state", "associated"));
    });
    xml.text("routeTableId", id);
    let own = cx.region.vpcs.get(&table.vpc).map(|it| it.cidr.as_str());
    let own = own.map(|cidr| (cidr, "local", "CreateRouteTable"));
    let others = table.routes.iter();
    let others = others.map(|(to, gateway)| (to.as_str(), gateway.as_str(), "CreateRoute"));
    xml.set(
        "routeSet",
        "item",
        own.into_iter().chain(others),
        |xml, (to, gateway, origin)| {
            let is_v6 = block(to).is_some_and(|(_, _, is_v6)| is_v6);
            let member = if is_v6 {
                "destinationIpv6CidrBlock"
            } else {
                "destinationCidrBlock"
            };
            let leads = gateway == "local"
                || cx
                    .region
                    .gateways
                    .get(gateway)
                    .is_some_and(|it| it.vpc.as_ref() == Some(&table.vpc));
            xml.text(member, to);
            xml.text("gatewayId", gateway);
            xml.text("origin", origin);
            xml.text("state", if leads { "active" } else { "blackhole" });
        },
    );
    write_tags(xml, &table.tags);
    xml.text("vpcId", &table.vpc);
    xml.text("ownerId", cx.account());
}
