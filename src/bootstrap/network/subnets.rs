//! Which subnets an environment gets. Pure.

use std::collections::BTreeSet;

use crate::aws::ec2::{RouteTable, Subnet};
use crate::error::{Error, Kind, Result};

/// A subnet, and how what is in it reaches out.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Site {
    /// `subnet-...`
    pub id: String,
    /// Its availability zone.
    pub zone: String,
    /// Whether it is its zone's default one.
    pub is_default: bool,
    /// How it reaches out.
    pub way: Way,
}

/// How what is in a subnet reaches the Internet.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Way {
    /// Through an internet gateway, with an address of its own.
    Public,
    /// Through a NAT gateway or the like.
    Nat,
    /// Not at all, as its route table says.
    None,
}

/// What the subnets are chosen for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Need {
    /// The VPC.
    pub vpc: String,
    /// The ids that the project file names.
    pub named: Vec<String>,
    /// The zones that offer the instance types; none where that is not known.
    pub zones: Option<BTreeSet<String>>,
    /// The instance types, as they are written.
    pub types: String,
    /// Where requests come in.
    pub entrance: Entrance,
}

/// Where an environment's requests come in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Entrance {
    /// At the one instance.
    Instance,
    /// At a load balancer that all may reach.
    Balancer,
    /// At a load balancer inside the VPC.
    InnerBalancer,
    /// None do.
    Nowhere,
}

/// The subnets of an environment.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Chosen {
    /// Those of the instances.
    pub instances: Vec<Site>,
    /// Those of the load balancer, one a zone; empty without one.
    pub balancer: Vec<Site>,
}

/// Subnets with their routes: a subnet without a route table of its own has the VPC's main one.
#[must_use]
pub fn sites(subnets: &[Subnet], tables: &[RouteTable]) -> Vec<Site> {
    let way = |subnet: &Subnet| {
        let own = tables.iter().find(|it| it.is_of(&subnet.id));
        let table = own.or_else(|| tables.iter().find(|it| it.is_main()));
        let out = table
            .into_iter()
            .flat_map(RouteTable::routes)
            .find(|it| it.destination_cidr_block == "0.0.0.0/0" && it.state != "blackhole");
        match out {
            Some(route) if route.gateway_id.starts_with("igw-") => Way::Public,
            Some(_) => Way::Nat,
            None => Way::None,
        }
    };
    let mut sites: Vec<Site> = subnets
        .iter()
        .map(|subnet| Site {
            id: subnet.id.clone(),
            zone: subnet.zone.clone(),
            is_default: subnet.is_default,
            way: way(subnet),
        })
        .collect();
    sites.sort_by(|a, b| (&a.zone, &a.id).cmp(&(&b.zone, &b.id)));
    sites
}

/// Chooses the subnets: those that are named, else the VPC's default ones, else all; of these the
/// ones in zones that offer the instance types, and public ones before those behind a NAT gateway.
///
/// # Errors
/// [`Kind::Check`] for a named subnet that is not there or whose zone does not offer the instance
/// types, and where nothing is left to choose.
pub fn choose(need: &Need, sites: &[Site]) -> Result<Chosen> {
    let instances = match need.named.is_empty() {
        true => found(need, sites)?,
        false => named(need, sites)?,
    };
    let balancer = match need.entrance {
        Entrance::Balancer => balancer(need, &public(&instances, sites))?,
        Entrance::InnerBalancer => balancer(need, &instances)?,
        Entrance::Instance | Entrance::Nowhere => Vec::new(),
    };
    Ok(Chosen {
        instances,
        balancer,
    })
}

/// Those in zones that offer something; all where that is not known.
#[must_use]
pub fn offered(sites: &[Site], zones: Option<&BTreeSet<String>>) -> Vec<Site> {
    let fits = |site: &&Site| zones.is_none_or(|it| it.contains(&site.zone));
    sites.iter().filter(fits).cloned().collect()
}

fn named(need: &Need, sites: &[Site]) -> Result<Vec<Site>> {
    let (mut chosen, mut problems) = (Vec::new(), Vec::new());
    for id in &need.named {
        match sites.iter().find(|it| it.id == *id) {
            Some(site) if need.zones.as_ref().is_none_or(|it| it.contains(&site.zone)) => {
                chosen.push(site.clone());
            }
            Some(site) => {
                let what = format!(
                    "the subnet {id} is in {}, where {} is not offered",
                    site.zone, need.types
                );
                problems.push(Error::new(Kind::Check, what).hint(offers_hint(need)));
            }
            None => {
                let what = format!(
                    "there is no subnet {id} in {}: it has {}",
                    need.vpc,
                    listed(sites)
                );
                problems.push(Error::new(Kind::Check, what).hint(
                    "correct `network.subnets` in beanship.yml, and run `beanship bootstrap` again",
                ));
            }
        }
    }
    match Error::all(problems) {
        Some(error) => Err(error),
        None => Ok(chosen),
    }
}

fn found(need: &Need, sites: &[Site]) -> Result<Vec<Site>> {
    let defaults: Vec<Site> = sites.iter().filter(|it| it.is_default).cloned().collect();
    let base = if defaults.is_empty() {
        sites
    } else {
        &defaults
    };
    if base.is_empty() {
        let what = format!("the VPC {} has no subnets", need.vpc);
        return Err(Error::new(Kind::Check, what).hint(format!(
            "choose another `network.vpc` in beanship.yml, or make some with `aws ec2 create-subnet --vpc-id {}`",
            need.vpc
        )));
    }
    let fitting = offered(base, need.zones.as_ref());
    if fitting.is_empty() {
        let what = format!(
            "no subnet of {} is in a zone that offers {}: it has {}",
            need.vpc,
            need.types,
            listed(base)
        );
        return Err(Error::new(Kind::Check, what).hint(offers_hint(need)));
    }
    let of = |way: Way| fitting.iter().filter(move |it| it.way == way).cloned();
    let best = [Way::Public, Way::Nat, Way::None].map(|way| of(way).collect::<Vec<_>>());
    Ok(best
        .into_iter()
        .find(|it| !it.is_empty())
        .unwrap_or_default())
}

/// Where a load balancer can be reached: public subnets, the instances' own first, then others of
/// their zones, and of other zones where those are too few; the instances' own without any.
fn public(instances: &[Site], sites: &[Site]) -> Vec<Site> {
    let zones =
        |sites: &[Site]| -> BTreeSet<String> { sites.iter().map(|it| it.zone.clone()).collect() };
    let here = zones(instances);
    let mut open: Vec<Site> = of(sites, |it| it.way == Way::Public);
    if open.is_empty() {
        return instances.to_vec();
    }
    open.sort_by_key(|it| (!instances.contains(it), !here.contains(&it.zone)));
    let near = of(&open, |it| here.contains(&it.zone));
    match zones(&near).len() {
        0 | 1 => open,
        _ => near,
    }
}

/// One subnet a zone, as load balancers want them.
fn balancer(need: &Need, sites: &[Site]) -> Result<Vec<Site>> {
    let mut zones = BTreeSet::new();
    let mut chosen = sites.to_vec();
    chosen.retain(|site| zones.insert(site.zone.clone()));
    if chosen.len() > 1 {
        return Ok(chosen);
    }
    let what = format!(
        "a load balancer needs subnets in two zones, and there is only {}",
        listed(&chosen)
    );
    Err(Error::new(Kind::Check, what).hint(format!(
        "name more in `network.subnets`, or write `type: single`; see what there is with `aws ec2 describe-subnets --filters Name=vpc-id,Values={}`",
        need.vpc
    )))
}

/// What will not work in the chosen subnets, in words.
#[must_use]
pub fn warnings(chosen: &Chosen, entrance: Entrance) -> Vec<String> {
    let mut told = Vec::new();
    let shut: Vec<Site> = of(&chosen.instances, |it| it.way == Way::None);
    if !shut.is_empty() {
        told.push(format!(
            "no route leads out of {}: instances there reach neither Elastic Beanstalk nor a registry",
            listed(&shut)
        ));
    }
    let inner = match entrance {
        Entrance::Instance => of(&chosen.instances, |it| it.way == Way::Nat),
        Entrance::Balancer => of(&chosen.balancer, |it| it.way != Way::Public),
        Entrance::InnerBalancer | Entrance::Nowhere => Vec::new(),
    };
    if !inner.is_empty() {
        told.push(format!(
            "no internet gateway leads into {}: the environment cannot be reached there",
            listed(&inner)
        ));
    }
    let covered: BTreeSet<&str> = chosen.balancer.iter().map(|it| it.zone.as_str()).collect();
    let apart = of(&chosen.instances, |it| !covered.contains(it.zone.as_str()));
    if !covered.is_empty() && !apart.is_empty() {
        told.push(format!(
            "the load balancer has no subnet in the zone of {}: instances there get no requests",
            listed(&apart)
        ));
    }
    told
}

fn of(sites: &[Site], which: impl Fn(&Site) -> bool) -> Vec<Site> {
    sites.iter().filter(|it| which(it)).cloned().collect()
}

fn listed(sites: &[Site]) -> String {
    let shown: Vec<String> = sites
        .iter()
        .map(|it| format!("{} ({})", it.id, it.zone))
        .collect();
    match shown.is_empty() {
        true => "none".into(),
        false => shown.join(", "),
    }
}

fn offers_hint(need: &Need) -> String {
    format!(
        "choose other subnets or another `instance_type` in beanship.yml; where it is offered says `aws ec2 describe-instance-type-offerings --location-type availability-zone --filters Name=instance-type,Values={}`",
        need.types
    )
}
