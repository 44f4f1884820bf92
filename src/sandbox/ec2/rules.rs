//! Rules of security groups: who may reach their members.

use std::collections::BTreeMap;

use super::super::query::{Failure, Parameters};
use super::super::xml::Xml;
use super::listing::{Filters, one};
use super::model::{Group, Peer, Rule, Tags, Traffic, block, id};
use super::{Context, done, not_found, required};

/// How many rules of a direction a group may have.
const RULES: usize = 60;

pub(super) fn authorize(cx: &mut Context<'_>, xml: &mut Xml) -> Result<(), Failure> {
    let id = cx.named_group()?;
    let wanted = cx.wanted(&id)?;
    let group = cx
        .region
        .groups
        .get_mut(&id)
        .ok_or_else(|| not_found("sg", &id))?;
    for rule in &wanted {
        if group.rules.iter().any(|it| same(it, rule)) {
            let message = format!("the specified rule \"{}\" already exists", words(rule));
            return Err(Failure::new("InvalidPermission.Duplicate", message));
        }
        group.rules.push(rule.clone());
    }
    if group.rules.iter().filter(|rule| !rule.egress).count() > RULES {
        let message = "The maximum number of rules per security group has been reached.";
        return Err(Failure::new("RulesPerSecurityGroupLimitExceeded", message));
    }
    done(xml);
    xml.set("securityGroupRuleSet", "item", &wanted, |xml, rule| {
        write_rule(xml, cx, &id, rule);
    });
    Ok(())
}

pub(super) fn revoke(cx: &mut Context<'_>, xml: &mut Xml) -> Result<(), Failure> {
    let id = cx.named_group()?;
    let named = cx.parameters().flat_texts("SecurityGroupRuleId");
    let named: Vec<String> = named.into_iter().map(str::to_owned).collect();
    let wanted = match named.is_empty() {
        true => cx.wanted(&id)?,
        false => Vec::new(),
    };
    let group = cx
        .region
        .groups
        .get_mut(&id)
        .ok_or_else(|| not_found("sg", &id))?;
    let mut gone = Vec::new();
    let mut take = |fits: &dyn Fn(&Rule) -> bool| {
        let at = group.rules.iter().position(|it| !it.egress && fits(it))?;
        gone.push(group.rules.remove(at));
        Some(())
    };
    for rule_id in &named {
        take(&|rule| rule.id == *rule_id).ok_or_else(|| {
            let message = format!("The security group rule ID '{rule_id}' does not exist");
            Failure::new("InvalidSecurityGroupRuleId.NotFound", message)
        })?;
    }
    for rule in &wanted {
        take(&|it| same(it, rule)).ok_or_else(|| {
            let message = "The specified rule does not exist in this security group.";
            Failure::new("InvalidPermission.NotFound", message)
        })?;
    }
    done(xml);
    xml.set("revokedSecurityGroupRuleSet", "item", &gone, |xml, rule| {
        xml.text("securityGroupRuleId", &rule.id);
        xml.text("groupId", &id);
        xml.text("isEgress", rule.egress);
        write_traffic(xml, &rule.traffic);
        write_peer(xml, rule);
        if let Peer::Group(peer) = &rule.peer {
            xml.text("referencedGroupId", peer);
        }
        xml.maybe("description", rule.description.as_ref());
    });
    Ok(())
}

pub(super) fn describe(cx: &mut Context<'_>, xml: &mut Xml) -> Result<(), Failure> {
    let filters = Filters::read(cx.parameters())?;
    let all = cx.region.groups.iter();
    let all = all.flat_map(|(id, group)| group.rules.iter().map(move |rule| (id, rule)));
    let mut found = Vec::new();
    for (id, rule) in all.filter(|(_, rule)| cx.wants("SecurityGroupRuleId", &rule.id)) {
        let held = filters.hold(&Tags::new(), |name| match name {
            "group-id" => one(id),
            "security-group-rule-id" => one(&rule.id),
            _ => None,
        })?;
        found.extend(held.then_some((id, rule)));
    }
    cx.page(xml, "securityGroupRuleSet", found, |xml, (id, rule)| {
        write_rule(xml, cx, id, rule);
    })
}

impl Context<'_> {
    /// The rules that the call wants of a group, one for each peer.
    fn wanted(&self, group: &str) -> Result<Vec<Rule>, Failure> {
        let mut rules = Vec::new();
        for permission in self.parameters().flat_items("IpPermissions") {
            let traffic = traffic(&permission)?;
            let before = rules.len();
            for peer in permission.flat_items("Groups") {
                rules.push(rule(&traffic, self.peer_group(group, &peer)?, &peer));
            }
            for (list, member) in [("IpRanges", "CidrIp"), ("Ipv6Ranges", "CidrIpv6")] {
                for peer in permission.flat_items(list) {
                    let cidr = required(&peer, member)?;
                    let is_v6 = block(cidr).map(|(_, _, is_v6)| is_v6);
                    if is_v6 != Some(member == "CidrIpv6") {
                        let message = format!("CIDR block {cidr} is malformed");
                        return Err(Failure::new("InvalidParameterValue", message));
                    }
                    rules.push(rule(&traffic, Peer::Addresses(cidr.to_owned()), &peer));
                }
            }
            for peer in permission.flat_items("PrefixListIds") {
                let id = required(&peer, "PrefixListId")?.to_owned();
                rules.push(rule(&traffic, Peer::Prefixes(id), &peer));
            }
            if rules.len() == before {
                let message = "Source group or CIDR block must be specified";
                return Err(Failure::new("InvalidParameterValue", message));
            }
        }
        match rules.is_empty() {
            true => Err(required(self.parameters(), "ipPermissions")
                .err()
                .unwrap_or_else(|| not_found("sg", group))),
            false => Ok(rules),
        }
    }

    /// A group that is let in must be of the same network.
    fn peer_group(&self, group: &str, peer: &Parameters) -> Result<Peer, Failure> {
        let id = required(peer, "GroupId")?;
        let groups = &self.region.groups;
        let found = groups.get(id).ok_or_else(|| not_found("sg", id))?;
        if groups.get(group).is_some_and(|own| own.vpc != found.vpc) {
            let message = "You have specified two resources that belong to different networks.";
            return Err(Failure::new("InvalidGroup.NotFound", message));
        }
        Ok(Peer::Group(id.to_owned()))
    }
}

fn traffic(permission: &Parameters) -> Result<Traffic, Failure> {
    let protocol = match required(permission, "IpProtocol")? {
        "6" => "tcp",
        "17" => "udp",
        "1" => "icmp",
        "all" => "-1",
        other => other,
    };
    let port = |name: &str| permission.text(name).and_then(|port| port.parse().ok());
    let ports = port("FromPort").zip(port("ToPort"));
    let fits =
        |&(from, to): &(i32, i32)| (0..=65535).contains(&from) && (from..=65535).contains(&to);
    match protocol {
        "-1" => {}
        "tcp" | "udp" if ports.as_ref().is_some_and(fits) => {}
        "tcp" | "udp" => {
            let message =
                "Invalid value 'Must specify both from and to ports with TCP/UDP.' for portRange.";
            return Err(Failure::new("InvalidParameterValue", message));
        }
        "icmp" | "icmpv6" => {}
        other => {
            let message = format!("Invalid value '{other}' for IP protocol. Unknown protocol.");
            return Err(Failure::new("InvalidParameterValue", message));
        }
    }
    Ok(Traffic {
        protocol: protocol.to_owned(),
        ports: ports.filter(|_| protocol != "-1"),
    })
}

fn rule(traffic: &Traffic, peer: Peer, said: &Parameters) -> Rule {
    Rule {
        id: id("sgr"),
        egress: false,
        traffic: traffic.clone(),
        peer,
        description: said.text("Description").map(str::to_owned),
    }
}

/// Whether two rules let in the same; descriptions do not count.
fn same(one: &Rule, other: &Rule) -> bool {
    one.egress == other.egress && one.traffic == other.traffic && one.peer == other.peer
}

fn words(rule: &Rule) -> String {
    let (Peer::Group(peer) | Peer::Addresses(peer) | Peer::Prefixes(peer)) = &rule.peer;
    let protocol = match rule.traffic.protocol.as_str() {
        "-1" => "ALL".to_owned(),
        other => other.to_uppercase(),
    };
    let ports = rule.traffic.ports.map_or_else(String::new, |(from, to)| {
        format!(", from port: {from}, to port: {to}")
    });
    format!("peer: {peer}, {protocol}{ports}, ALLOW")
}

/// Whether a rule stands in a list.
type Belongs = fn(&Rule) -> bool;

/// The rules of one direction, put together by what they let through.
pub(super) fn write_permissions(
    xml: &mut Xml,
    cx: &Context<'_>,
    name: &str,
    group: &Group,
    egress: bool,
) {
    let mut permissions: BTreeMap<&Traffic, Vec<&Rule>> = BTreeMap::new();
    for rule in group.rules.iter().filter(|rule| rule.egress == egress) {
        permissions.entry(&rule.traffic).or_default().push(rule);
    }
    xml.set(name, "item", permissions, |xml, (traffic, rules)| {
        xml.text("ipProtocol", &traffic.protocol);
        if let Some((from, to)) = traffic.ports {
            xml.text("fromPort", from);
            xml.text("toPort", to);
        }
        let lists: [(&str, Belongs); 4] = [
            ("groups", |rule| matches!(rule.peer, Peer::Group(_))),
            (
                "ipRanges",
                |rule| matches!(&rule.peer, Peer::Addresses(it) if !it.contains(':')),
            ),
            (
                "ipv6Ranges",
                |rule| matches!(&rule.peer, Peer::Addresses(it) if it.contains(':')),
            ),
            ("prefixListIds", |rule| {
                matches!(rule.peer, Peer::Prefixes(_))
            }),
        ];
        for (list, belongs) in lists {
            let rules = rules.iter().filter(|rule| belongs(rule));
            xml.set(list, "item", rules, |xml, rule| {
                xml.maybe("description", rule.description.as_ref());
                match &rule.peer {
                    Peer::Group(id) => {
                        xml.text("userId", cx.account());
                        xml.text("groupId", id);
                    }
                    Peer::Addresses(cidr) if cidr.contains(':') => xml.text("cidrIpv6", cidr),
                    Peer::Addresses(cidr) => xml.text("cidrIp", cidr),
                    Peer::Prefixes(id) => xml.text("prefixListId", id),
                }
            });
        }
    });
}

fn write_rule(xml: &mut Xml, cx: &Context<'_>, group: &str, rule: &Rule) {
    xml.text("securityGroupRuleId", &rule.id);
    xml.text("groupId", group);
    xml.text("groupOwnerId", cx.account());
    xml.text("isEgress", rule.egress);
    write_traffic(xml, &rule.traffic);
    write_peer(xml, rule);
    if let Peer::Group(peer) = &rule.peer {
        xml.group("referencedGroupInfo", |xml| {
            xml.text("groupId", peer);
            xml.text("userId", cx.account());
        });
    }
    xml.maybe("description", rule.description.as_ref());
}

fn write_traffic(xml: &mut Xml, traffic: &Traffic) {
    let (from, to) = traffic.ports.unwrap_or((-1, -1));
    xml.text("ipProtocol", &traffic.protocol);
    xml.text("fromPort", from);
    xml.text("toPort", to);
}

/// Addresses and prefix lists; groups have an element that differs from answer to answer.
fn write_peer(xml: &mut Xml, rule: &Rule) {
    match &rule.peer {
        Peer::Group(_) => {}
        Peer::Addresses(cidr) if cidr.contains(':') => xml.text("cidrIpv6", cidr),
        Peer::Addresses(cidr) => xml.text("cidrIpv4", cidr),
        Peer::Prefixes(id) => xml.text("prefixListId", id),
    }
}
