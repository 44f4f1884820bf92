//! Where an environment runs, and who reaches it: its VPC, its subnets, and a security group of
//! its own, which databases let in. [`wanted`] and [`plan`] are pure; reading is in `look`.
//!
//! No rule ever names the group that Elastic Beanstalk makes for the instances: it could then not
//! be deleted with the environment (facts 7).

pub mod group;
mod look;
pub mod subnets;
#[cfg(test)]
mod tests;

use std::collections::BTreeSet;

use super::Part;
use super::application::{ENVIRONMENT, LAUNCH, SeenEnvironment, Setting};
use super::names::Place;
use super::steps::BootstrapStep;
use crate::aws::ec2::{SecurityGroup, Vpc};
use crate::config::{DEFAULT_VPC, EnvironmentConfig, EnvironmentKind, Tier};
use crate::deploy::configuration::{SECURITY_GROUPS, is_generated};
use crate::error::{Error, Kind, Result};

use group::{Group, GroupRef};
pub use look::look;
use subnets::{Chosen, Entrance, Need, Site};

/// The namespace of the options that say where an environment runs.
const VPC: &str = "aws:ec2:vpc";
/// How the application's group is called.
pub(super) const APP: &str = "app";

/// What is there.
#[derive(Debug, Clone)]
pub struct Ground {
    /// The VPC.
    pub vpc: Vpc,
    /// Its subnets.
    pub sites: Vec<Site>,
    /// The zones that offer the environment's instance types; none where that is not known.
    pub zones: Option<BTreeSet<String>>,
    /// The security groups of our names in the VPC, those that the project file names, and those
    /// that the environment has.
    pub groups: Vec<SecurityGroup>,
    /// What could not be looked at, in words.
    pub notes: Vec<String>,
}

/// What shall be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Wanted {
    /// The application's group.
    pub group: Group,
    /// The environment's option settings.
    pub settings: Vec<Setting>,
    /// Where a new environment comes to be, in words.
    pub words: String,
    /// What will not work there, in words.
    pub warnings: Vec<String>,
}

/// Whether the project file says anything of it; a database lets its group in.
#[must_use]
pub fn is_declared(declared: &EnvironmentConfig) -> bool {
    let attached = !declared.security_groups.is_empty();
    declared.network.is_some() || attached || declared.database.is_some()
}

/// The VPC: the one that is named, else the environment's, else the default one.
///
/// # Errors
/// [`Kind::Check`] where there is no such VPC, with those that there are, and where the
/// environment is in another one.
pub fn vpc<'a>(
    place: &Place,
    declared: &EnvironmentConfig,
    there: Option<&SeenEnvironment>,
    vpcs: &'a [Vpc],
) -> Result<&'a Vpc> {
    let default = vpcs.iter().find(|it| it.is_default);
    let by_id = |id: &str| vpcs.iter().find(|it| it.id == id);
    let current = there.map(|it| match value(it, VPC, "VPCId") {
        Some(id) => (by_id(id), id.to_owned()),
        None => (
            default,
            default.map_or_else(String::new, |it| it.id.clone()),
        ),
    });
    let named = match &declared.network {
        Some(network) => Some(network.vpc.as_str()),
        None => of_settings(declared, VPC, "VPCId"),
    };
    let found = match (named, &current) {
        (Some(DEFAULT_VPC), _) | (None, None) => default,
        (Some(id), _) => by_id(id),
        (None, Some((current, _))) => *current,
    };
    let Some(found) = found else {
        return Err(no_vpc(place, named.filter(|it| *it != DEFAULT_VPC), vpcs));
    };
    match current {
        Some((_, id)) if !id.is_empty() && id != found.id => {
            let name = &place.target.environment;
            let what = format!(
                "{name} is in {id}, and beanship.yml says {}: beanship moves no environment",
                found.id
            );
            Err(Error::new(Kind::Check, what).hint(format!(
                "write `network: {{ vpc: {id} }}`, or make it anew: `beanship bootstrap --destroy --env {}`",
                key(place)
            )))
        }
        _ => Ok(found),
    }
}

fn no_vpc(place: &Place, named: Option<&str>, vpcs: &[Vpc]) -> Error {
    let region = &place.region;
    let what = match named {
        Some(id) => format!("there is no VPC {id} in {region}"),
        None => format!("there is no default VPC in {region}"),
    };
    let shown = |vpc: &Vpc| {
        let name = vpc.name().map(|name| format!("{name}, "));
        format!(
            "{} ({}{})",
            vpc.id,
            name.unwrap_or_default(),
            vpc.cidr_block
        )
    };
    let all: Vec<String> = vpcs.iter().map(shown).collect();
    let Some(first) = vpcs.first() else {
        return Error::new(Kind::Check, format!("{what}, nor any other"))
            .hint("make one with `aws ec2 create-default-vpc`");
    };
    let key = key(place);
    Error::new(Kind::Check, format!("{what}: there is {}", all.join(", "))).hint(format!(
        "choose one: write `network: {{ vpc: {} }}` under `environments.{key}` in beanship.yml, and run `beanship bootstrap --env {key}` again",
        first.id
    ))
}

fn key(place: &Place) -> &str {
    let target = &place.target;
    target.key.as_deref().unwrap_or(&target.environment)
}

/// Puts together what shall be.
///
/// # Errors
/// As [`subnets::choose`]; [`Kind::Check`] for a security group that is not there or elsewhere.
pub fn wanted(
    place: &Place,
    declared: &EnvironmentConfig,
    ground: &Ground,
    there: Option<&SeenEnvironment>,
) -> Result<Wanted> {
    let group = Group {
        name: place.group(APP),
        purpose: "for the instances".into(),
        vpc: ground.vpc.id.clone(),
        tags: place.all_tags(),
    };
    let own = group.reference(group::find(&group, &ground.groups));
    let further = further(declared);
    let problems = further.iter().filter_map(|id| strange(id, place, ground));
    if let Some(error) = Error::all(problems.collect()) {
        return Err(error);
    }
    let need = Need {
        vpc: ground.vpc.id.clone(),
        named: named_subnets(declared),
        zones: ground.zones.clone(),
        types: instance_types(declared).join(","),
        entrance: entrance(declared),
    };
    let chosen = match there {
        Some(there) if need.named.is_empty() => current(there, &ground.sites),
        _ => subnets::choose(&need, &ground.sites)?,
    };
    let mut settings = Vec::new();
    if there.is_none() || !need.named.is_empty() {
        settings = whereabouts(&need, &chosen, there);
    }
    settings.retain(|it| of_settings(declared, &it.namespace, &it.name).is_none());
    settings.extend(attached(&own, &further, ground, there));
    let sites: Vec<&str> = chosen.instances.iter().map(|it| it.id.as_str()).collect();
    Ok(Wanted {
        words: format!("in {} ({})", group.vpc, sites.join(", ")),
        group,
        settings,
        warnings: subnets::warnings(&chosen, need.entrance),
    })
}

/// The steps to the application's group. Nothing is let into it: the environment's own group does
/// that.
///
/// # Errors
/// As [`group::plan`].
pub fn plan(place: &Place, wanted: &Wanted, ground: &Ground) -> Result<Vec<BootstrapStep>> {
    let seen = group::find(&wanted.group, &ground.groups);
    let mut steps = group::plan(place, &wanted.group, seen)?;
    steps.extend(group::rules(&wanted.group.reference(seen), true, &[], seen));
    Ok(steps)
}

/// Groups of others that the instances shall have.
fn further(declared: &EnvironmentConfig) -> Vec<String> {
    let own = of_settings(declared, LAUNCH, SECURITY_GROUPS).unwrap_or_default();
    let own = list(own).map(str::to_owned);
    own.chain(declared.security_groups.iter().cloned())
        .collect()
}

fn strange(id: &str, place: &Place, ground: &Ground) -> Option<Error> {
    let vpc = &ground.vpc.id;
    let what = match ground.groups.iter().find(|it| it.id == id) {
        None if !id.starts_with("sg-") => return None,
        None => format!("there is no security group {id} in {}", place.region),
        Some(found) if found.vpc != *vpc => format!(
            "the security group {id} is in {}, and {} in {vpc}",
            found.vpc, place.target.environment
        ),
        Some(_) => return None,
    };
    Some(Error::new(Kind::Check, what).hint(format!(
        "correct `security_groups` in beanship.yml; see those of the VPC with `aws ec2 describe-security-groups --filters Name=vpc-id,Values={vpc}`"
    )))
}

/// The list of the instances' security groups: what is there stays, ours comes last; none where
/// nothing is missing. Elastic Beanstalk's own groups are not told to it.
fn attached(
    own: &GroupRef,
    further: &[String],
    ground: &Ground,
    there: Option<&SeenEnvironment>,
) -> Option<Setting> {
    let seen = there.and_then(|it| value(it, LAUNCH, SECURITY_GROUPS));
    let name_of = |id: &str| {
        ground
            .groups
            .iter()
            .find(|it| it.id == id)
            .map(|it| &it.name)
    };
    let generated = |it: &&str| is_generated(it) || name_of(it).is_some_and(|it| is_generated(it));
    let mut all: Vec<&str> = list(seen.unwrap_or_default())
        .filter(|it| !generated(it))
        .collect();
    // It may be there by its name as well.
    let has = |all: &[&str], id: &str| {
        all.contains(&id) || name_of(id).is_some_and(|name| all.contains(&name.as_str()))
    };
    let before = all.len();
    for id in further.iter().map(String::as_str).chain([own.id_or_name()]) {
        if !has(&all, id) {
            all.push(id);
        }
    }
    (all.len() > before).then(|| setting(LAUNCH, SECURITY_GROUPS, all.join(",")))
}

/// The options that say where the environment runs.
fn whereabouts(need: &Need, chosen: &Chosen, there: Option<&SeenEnvironment>) -> Vec<Setting> {
    let ids = |sites: &[Site]| {
        let ids: Vec<&str> = sites.iter().map(|it| it.id.as_str()).collect();
        ids.join(",")
    };
    let public = chosen
        .instances
        .iter()
        .any(|it| it.way == subnets::Way::Public);
    let mut settings = Vec::new();
    if there.is_none_or(|it| value(it, VPC, "VPCId").is_none()) {
        settings.push(setting(VPC, "VPCId", need.vpc.clone()));
    }
    settings.push(setting(VPC, "Subnets", ids(&chosen.instances)));
    if !chosen.balancer.is_empty() {
        settings.push(setting(VPC, "ELBSubnets", ids(&chosen.balancer)));
    }
    settings.push(setting(VPC, "AssociatePublicIpAddress", public.to_string()));
    settings
}

/// The subnets that an environment has; without any it is in the VPC's default ones.
fn current(there: &SeenEnvironment, sites: &[Site]) -> Chosen {
    let of = |name: &str| {
        let ids: Vec<&str> = list(value(there, VPC, name).unwrap_or_default()).collect();
        let sites = sites.iter();
        sites
            .filter(|it| ids.contains(&it.id.as_str()) || (ids.is_empty() && it.is_default))
            .cloned()
            .collect()
    };
    Chosen {
        instances: of("Subnets"),
        balancer: match value(there, ENVIRONMENT, "EnvironmentType") {
            Some("LoadBalanced") => of("ELBSubnets"),
            _ => Vec::new(),
        },
    }
}

fn named_subnets(declared: &EnvironmentConfig) -> Vec<String> {
    let network = declared.network.as_ref();
    network.map(|it| it.subnets.clone()).unwrap_or_default()
}

/// The instance types that the project file asks for.
fn instance_types(declared: &EnvironmentConfig) -> Vec<&str> {
    let named = declared.instance_type.as_deref();
    let named = of_settings(declared, "aws:ec2:instances", "InstanceTypes").or(named);
    let named = named.or_else(|| of_settings(declared, LAUNCH, "InstanceType"));
    list(named.unwrap_or_default()).collect()
}

fn entrance(declared: &EnvironmentConfig) -> Entrance {
    match (declared.tier, declared.kind) {
        (Tier::Worker, _) => Entrance::Nowhere,
        (Tier::Web, EnvironmentKind::Single) => Entrance::Instance,
        (Tier::Web, EnvironmentKind::LoadBalanced) => {
            match of_settings(declared, VPC, "ELBScheme") {
                Some("internal") => Entrance::InnerBalancer,
                _ => Entrance::Balancer,
            }
        }
    }
}

fn setting(namespace: &str, name: &str, value: String) -> Setting {
    Setting {
        namespace: namespace.into(),
        name: name.into(),
        value,
        asked: true,
        part: Part::Network,
    }
}

fn value<'a>(there: &'a SeenEnvironment, namespace: &str, name: &str) -> Option<&'a str> {
    let value = there.configuration.value(namespace, name);
    value.filter(|it| !it.is_empty())
}

fn of_settings<'a>(
    declared: &'a EnvironmentConfig,
    namespace: &str,
    name: &str,
) -> Option<&'a str> {
    let value = declared.settings.as_ref()?.get(namespace)?.get(name)?;
    Some(value.0.as_str()).filter(|it| !it.is_empty())
}

/// What stands in a list of an option.
pub(super) fn list(value: &str) -> impl Iterator<Item = &str> {
    value.split(',').map(str::trim).filter(|it| !it.is_empty())
}
