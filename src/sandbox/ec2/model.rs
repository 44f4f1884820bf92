//! What EC2 keeps: networks, their routes, and security groups. A region has a default network from the start.

use std::collections::BTreeMap;
use std::net::IpAddr;

use serde::{Deserialize, Serialize};

use super::super::account::{HEX, random};

/// Tags by key.
pub(super) type Tags = BTreeMap<String, String>;

/// Everything, by region.
pub(super) type Books = BTreeMap<String, Region>;

/// Everything of a region, by id.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub(super) struct Region {
    pub(super) vpcs: BTreeMap<String, Vpc>,
    pub(super) subnets: BTreeMap<String, Subnet>,
    pub(super) gateways: BTreeMap<String, Gateway>,
    pub(super) tables: BTreeMap<String, Table>,
    pub(super) groups: BTreeMap<String, Group>,
}

#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct Vpc {
    pub(super) cidr: String,
    pub(super) is_default: bool,
    pub(super) tags: Tags,
}

#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct Subnet {
    pub(super) vpc: String,
    pub(super) zone: String,
    pub(super) cidr: String,
    /// Is its zone's default, and gives its instances public addresses.
    pub(super) is_default: bool,
    pub(super) tags: Tags,
}

/// An internet gateway.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct Gateway {
    /// The network it is attached to.
    pub(super) vpc: Option<String>,
    pub(super) tags: Tags,
}

/// The main route table of a network; there are no others here.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct Table {
    pub(super) vpc: String,
    /// Destination and gateway; the network's own addresses are always routed.
    pub(super) routes: BTreeMap<String, String>,
    pub(super) tags: Tags,
}

#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct Group {
    pub(super) name: String,
    pub(super) description: String,
    pub(super) vpc: String,
    /// Oldest first.
    pub(super) rules: Vec<Rule>,
    pub(super) tags: Tags,
}

/// Who may reach, or be reached by, the members of a group.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Rule {
    pub(super) id: String,
    pub(super) egress: bool,
    pub(super) traffic: Traffic,
    pub(super) peer: Peer,
    pub(super) description: Option<String>,
}

/// `tcp`, `udp`, `icmp` or `-1` for all, and the ports.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub(super) struct Traffic {
    pub(super) protocol: String,
    pub(super) ports: Option<(i32, i32)>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) enum Peer {
    Group(String),
    Addresses(String),
    Prefixes(String),
}

/// A new id, `vpc-0123…`.
pub(super) fn id(kind: &str) -> String {
    format!("{kind}-{}", random(HEX, 17))
}

/// The zones of a region: three, always.
pub(in super::super) fn zones(region: &str) -> [String; 3] {
    ["a", "b", "c"].map(|letter| format!("{region}{letter}"))
}

impl Region {
    /// A region as AWS hands it over.
    pub(super) fn usual(name: &str) -> Self {
        let mut region = Self::default();
        let vpc = region.add_vpc("172.31.0.0/16", true, Tags::new());
        for (index, zone) in zones(name).into_iter().enumerate() {
            let subnet = Subnet {
                vpc: vpc.clone(),
                zone,
                cidr: format!("172.31.{}.0/20", index * 16),
                is_default: true,
                tags: Tags::new(),
            };
            region.subnets.insert(id("subnet"), subnet);
        }
        let gateway = id("igw");
        for table in region.tables.values_mut() {
            table.routes.insert("0.0.0.0/0".to_owned(), gateway.clone());
        }
        let attached = Gateway {
            vpc: Some(vpc),
            tags: Tags::new(),
        };
        region.gateways.insert(gateway, attached);
        region
    }

    /// A network comes with its route table and a group that lets its own members in.
    pub(super) fn add_vpc(&mut self, cidr: &str, is_default: bool, tags: Tags) -> String {
        let vpc = id("vpc");
        let made = Vpc {
            cidr: cidr.to_owned(),
            is_default,
            tags,
        };
        self.vpcs.insert(vpc.clone(), made);
        let table = Table {
            vpc: vpc.clone(),
            routes: BTreeMap::new(),
            tags: Tags::new(),
        };
        self.tables.insert(id("rtb"), table);
        let own = id("sg");
        let mut group = Group::new("default", "default VPC security group", &vpc);
        group.rules.push(Rule {
            id: id("sgr"),
            egress: false,
            traffic: Traffic::all(),
            peer: Peer::Group(own.clone()),
            description: None,
        });
        self.groups.insert(own, group);
        vpc
    }

    pub(super) fn default_vpc(&self) -> Option<&String> {
        let mut vpcs = self.vpcs.iter();
        vpcs.find(|(_, vpc)| vpc.is_default).map(|(id, _)| id)
    }

    /// The tags of whatever has this id.
    pub(super) fn tags_of(&mut self, id: &str) -> Option<&mut Tags> {
        let kind = id.split('-').next().unwrap_or_default();
        match kind {
            "vpc" => self.vpcs.get_mut(id).map(|it| &mut it.tags),
            "subnet" => self.subnets.get_mut(id).map(|it| &mut it.tags),
            "igw" => self.gateways.get_mut(id).map(|it| &mut it.tags),
            "rtb" => self.tables.get_mut(id).map(|it| &mut it.tags),
            "sg" => self.groups.get_mut(id).map(|it| &mut it.tags),
            _ => None,
        }
    }
}

impl Group {
    /// A new one, whose members may reach everything.
    pub(super) fn new(name: &str, description: &str, vpc: &str) -> Self {
        let out = Rule {
            id: id("sgr"),
            egress: true,
            traffic: Traffic::all(),
            peer: Peer::Addresses("0.0.0.0/0".to_owned()),
            description: None,
        };
        Self {
            name: name.to_owned(),
            description: description.to_owned(),
            vpc: vpc.to_owned(),
            rules: vec![out],
            tags: Tags::new(),
        }
    }

    /// Whether a rule of it names another group.
    pub(super) fn names(&self, other: &str) -> bool {
        let named = |rule: &Rule| matches!(&rule.peer, Peer::Group(id) if id == other);
        self.rules.iter().any(named)
    }
}

impl Traffic {
    fn all() -> Self {
        Self {
            protocol: "-1".to_owned(),
            ports: None,
        }
    }
}

/// The first and the last address of `10.0.0.0/16`, as numbers; `None` when it is no block of addresses of one version.
pub(super) fn block(cidr: &str) -> Option<(u128, u128, bool)> {
    let (address, length) = cidr.split_once('/')?;
    let length: u32 = length.parse().ok()?;
    let (first, bits, is_v6) = match address.parse().ok()? {
        IpAddr::V4(address) => (u128::from(u32::from(address)), 32, false),
        IpAddr::V6(address) => (u128::from(address), 128, true),
    };
    let free = bits - Some(length).filter(|&it| it <= bits)?;
    let mask = 1_u128.checked_shl(free).map_or(u128::MAX, |it| it - 1);
    Some((first & !mask, first | mask, is_v6))
}
