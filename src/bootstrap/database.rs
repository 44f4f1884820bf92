//! The database of an environment: an RDS instance in subnets of two zones, behind a security
//! group that lets in the application's alone, and the secret with its password. [`wanted`] and
//! [`plan`] are pure; reading is in `look`.
//!
//! The secret is written before the instance is made, so that a run that ends in between knows the
//! password; and it is not changed behind the application's back, which reads secrets only when
//! instances start or are deployed to (facts 5.2). Only where the project file says so, RDS keeps
//! the password itself: see `password`.

mod drift;
mod join;
mod look;
mod password;
pub mod steps;
#[cfg(test)]
mod tests;

use std::collections::BTreeSet;

use super::names::{Place, Tags};
use super::network::group::{self, Group, GroupRef, Rule};
use super::network::subnets::{self, Site};
use super::network::{self, Ground};
use super::steps::BootstrapStep;
use crate::aws::rds::{Instance, NewInstance, SubnetGroup};
use crate::config::{DatabaseConfig, Engine, EnvironmentConfig};
use crate::error::{Error, Kind, Result};
use crate::properties::secret_name;

pub use join::{Joined, plan as join};
pub(super) use look::secret;
pub use look::{credentials, look};
pub use steps::DatabaseStep;

/// How the group of the database is called, its subnet group and it itself.
pub const DATABASE: &str = "database";
/// The tag of a secret whose password is not the database's yet.
pub const ROTATING: &str = "beanship:rotating";

/// The database that shall be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Wanted {
    /// What it is.
    pub engine: Engine,
    /// The instance.
    pub instance: NewInstance,
    /// Its subnets.
    pub subnets: Vec<Site>,
    /// Its security group.
    pub group: Group,
    /// The group's only rule.
    pub rule: Rule,
    /// The name of its secret; none where RDS keeps the password in one of its own.
    pub secret: Option<String>,
    /// Whether the password shall change.
    pub rotate: bool,
}

/// What there is of it.
#[derive(Debug, Clone, Default)]
pub struct Seen {
    /// The database that is not ours and shall let the environment in.
    pub joined: Option<Joined>,
    /// The instance.
    pub instance: Option<Instance>,
    /// The subnet group, and its tags.
    pub subnet_group: Option<(SubnetGroup, Tags)>,
    /// The secret.
    pub secret: Option<SeenSecret>,
    /// The zones that offer the class; none where that is not known.
    pub zones: Option<BTreeSet<String>>,
    /// What could not be looked at, in words.
    pub notes: Vec<String>,
}

/// The secret that is there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SeenSecret {
    /// Its ARN.
    pub arn: String,
    /// Its tags.
    pub tags: Tags,
    /// Whether it is being deleted.
    pub deleted: bool,
}

/// The name of an environment's database: 63 letters, digits and hyphens at most, a letter first,
/// no two hyphens side by side (facts 7).
#[must_use]
pub fn id(environment: &str) -> String {
    let mut id = environment.to_ascii_lowercase();
    while id.contains("--") {
        id = id.replace("--", "-");
    }
    if !id.starts_with(|c: char| c.is_ascii_alphabetic()) {
        id.insert_str(0, "db-");
    }
    format!("{id}-{DATABASE}")
}

/// Puts together what shall be; none where the project file asks for no new database.
///
/// # Errors
/// [`Kind::Check`] where there are no subnets in two zones that offer the class.
pub fn wanted(
    place: &Place,
    declared: &EnvironmentConfig,
    ground: &Ground,
    seen: &Seen,
    rotate: bool,
) -> Result<Option<Wanted>> {
    let database = declared.database.as_ref();
    let Some((database, engine)) = database.and_then(|it| Some((it, it.engine?))) else {
        return Ok(None);
    };
    let id = id(&place.target.environment);
    let group = Group {
        name: place.group(DATABASE),
        purpose: "for the database".into(),
        vpc: ground.vpc.id.clone(),
        tags: place.all_tags(),
    };
    Ok(Some(Wanted {
        engine,
        subnets: sites(place, database, ground, seen)?,
        instance: NewInstance {
            engine: engine.word(),
            version: database.engine_version.clone(),
            class: database.class.clone(),
            storage: database.storage_gb,
            database: database.name.clone(),
            username: database.username.clone(),
            multi_az: database.multi_az,
            backup_days: database.backup_days,
            subnet_group: id.clone(),
            tags: place.all_tags(),
            id,
        },
        rule: Rule {
            service: engine.word().into(),
            port: engine.port(),
            from: application(place, ground),
        },
        group,
        secret: (!database.managed_password).then(|| secret_name(&place.target, DATABASE)),
        rotate,
    }))
}

/// The application's group, which is made by an earlier step where it is not there.
fn application(place: &Place, ground: &Ground) -> GroupRef {
    let group = Group {
        name: place.group(network::APP),
        purpose: String::new(),
        vpc: ground.vpc.id.clone(),
        tags: Tags::new(),
    };
    group.reference(group::find(&group, &ground.groups))
}

/// Subnets of all zones that offer the class, those that the Internet does not reach before
/// others. A group that is there keeps its subnets, as long as they are in two zones.
fn sites(
    place: &Place,
    database: &DatabaseConfig,
    ground: &Ground,
    seen: &Seen,
) -> Result<Vec<Site>> {
    let offered = subnets::offered(&ground.sites, seen.zones.as_ref());
    if let Some((there, _)) = &seen.subnet_group {
        let has: BTreeSet<&str> = there.subnets().collect();
        let kept = ground
            .sites
            .iter()
            .filter(|it| has.contains(it.id.as_str()));
        let kept: Vec<Site> = kept.cloned().collect();
        if zones(&kept) > 1 {
            return Ok(kept);
        }
    }
    let inner = offered.iter().filter(|it| it.way != subnets::Way::Public);
    let inner: Vec<Site> = inner.cloned().collect();
    let chosen = if zones(&inner) > 1 { inner } else { offered };
    if zones(&chosen) > 1 {
        return Ok(chosen);
    }
    let class = &database.class;
    let what = format!(
        "a database needs subnets in two zones that offer {class}: {} has {}",
        ground.vpc.id,
        match chosen.first() {
            Some(site) => format!("only {} ({})", site.id, site.zone),
            None => "none".to_owned(),
        }
    );
    let key = place.target.key.as_deref();
    Err(Error::new(Kind::Check, what).hint(format!(
        "choose another `class` or `network.vpc` under `environments.{}` in beanship.yml; see the subnets with `aws ec2 describe-subnets --filters Name=vpc-id,Values={}`",
        key.unwrap_or(&place.target.environment),
        ground.vpc.id
    )))
}

fn zones(sites: &[Site]) -> usize {
    let zones: BTreeSet<&str> = sites.iter().map(|it| it.zone.as_str()).collect();
    zones.len()
}

/// The steps to the database: group and rule, subnets, the secret, the instance.
///
/// # Errors
/// [`Kind::Check`] for what has one of our names and is not ours, and for an instance that cannot
/// become the one that shall be.
pub fn plan(
    place: &Place,
    wanted: &Wanted,
    seen: &Seen,
    ground: &Ground,
) -> Result<Vec<BootstrapStep>> {
    let there = group::find(&wanted.group, &ground.groups);
    let mut steps = group::plan(place, &wanted.group, there)?;
    let own = wanted.group.reference(there);
    let rules = std::slice::from_ref(&wanted.rule);
    steps.extend(group::rules(&own, true, rules, there));
    let mut more = subnet_group(place, wanted, seen)?;
    more.extend(kept(place, wanted, seen)?);
    match &seen.instance {
        None => {
            more.push(DatabaseStep::Create {
                wanted: Box::new(wanted.instance.clone()),
                group: own,
                secret: wanted.secret.clone(),
                words: steps::words(wanted),
            });
            more.push(wait(wanted, false));
        }
        Some(instance) => more.extend(changes(place, wanted, seen, instance, &own)?),
    }
    steps.extend(more.into_iter().map(BootstrapStep::Database));
    Ok(steps)
}

/// The steps from an instance that is there.
fn changes(
    place: &Place,
    wanted: &Wanted,
    seen: &Seen,
    instance: &Instance,
    group: &GroupRef,
) -> Result<Vec<DatabaseStep>> {
    let id = &wanted.instance.id;
    place.own(DATABASE, id, &instance.tags())?;
    if instance.status == "deleting" {
        let what = format!("the database {id} is being deleted");
        return Err(Error::new(Kind::Check, what).hint(format!(
            "wait until it is gone: `aws rds wait db-instance-deleted --db-instance-identifier {id}`, and run `beanship bootstrap` again"
        )));
    }
    let mut steps = Vec::new();
    let mut tags = wanted.instance.tags.clone();
    let has = instance.tags();
    tags.retain(|key, value| has.get(key) != Some(value));
    if !tags.is_empty() {
        steps.push(DatabaseStep::Tag {
            what: DATABASE,
            name: id.clone(),
            arn: instance.arn.clone(),
            tags,
        });
    }
    let drift = drift::find(wanted, instance, group)?;
    if !drift.is_empty() {
        steps.push(DatabaseStep::Change {
            id: id.clone(),
            drift,
        });
    }
    steps.extend(password::plan(wanted, seen, instance));
    if !steps.is_empty() || !instance.is_settled() {
        steps.push(wait(wanted, steps.is_empty()));
    }
    Ok(steps)
}

fn wait(wanted: &Wanted, shown: bool) -> DatabaseStep {
    DatabaseStep::Await {
        id: wanted.instance.id.clone(),
        shown,
    }
}

fn subnet_group(place: &Place, wanted: &Wanted, seen: &Seen) -> Result<Vec<DatabaseStep>> {
    let name = &wanted.instance.subnet_group;
    let ids: Vec<String> = wanted.subnets.iter().map(|it| it.id.clone()).collect();
    let Some((there, has)) = &seen.subnet_group else {
        let zones: BTreeSet<&str> = wanted.subnets.iter().map(|it| it.zone.as_str()).collect();
        let zones: Vec<&str> = zones.into_iter().collect();
        return Ok(vec![DatabaseStep::CreateSubnets {
            name: name.clone(),
            subnets: ids,
            tags: wanted.instance.tags.clone(),
            words: format!("in {}", zones.join(", ")),
        }]);
    };
    place.own("subnet group", name, has)?;
    if there.vpc != wanted.group.vpc {
        let what = format!(
            "the subnet group {name} is in {}, and the environment in {}",
            there.vpc, wanted.group.vpc
        );
        return Err(Error::new(Kind::Check, what).hint(
            "write that VPC as `network.vpc` in beanship.yml, or delete the database first: see `beanship bootstrap --help`",
        ));
    }
    let mut steps = Vec::new();
    let mut tags = wanted.instance.tags.clone();
    tags.retain(|key, value| has.get(key) != Some(value));
    if !tags.is_empty() {
        steps.push(DatabaseStep::Tag {
            what: "subnet group",
            name: name.clone(),
            arn: there.arn.clone(),
            tags,
        });
    }
    let (has, needs): (BTreeSet<&str>, BTreeSet<&str>) = (
        there.subnets().collect(),
        ids.iter().map(String::as_str).collect(),
    );
    if !needs.is_subset(&has) {
        steps.push(DatabaseStep::ChangeSubnets {
            name: name.clone(),
            subnets: ids,
        });
    }
    Ok(steps)
}

fn kept(place: &Place, wanted: &Wanted, seen: &Seen) -> Result<Option<DatabaseStep>> {
    let Some(name) = &wanted.secret else {
        return Ok(None);
    };
    let Some(there) = &seen.secret else {
        return Ok(Some(DatabaseStep::Keep {
            name: name.clone(),
            tags: wanted.instance.tags.clone(),
            username: wanted.instance.username.clone(),
            database: wanted.instance.database.clone(),
        }));
    };
    if there.deleted {
        let what = format!("the secret {name} is being deleted");
        return Err(Error::new(Kind::Check, what).hint(format!(
            "take it back with `aws secretsmanager restore-secret --secret-id {name}`, and run `beanship bootstrap` again"
        )));
    }
    place.own("secret", name, &there.tags)?;
    Ok(None)
}
