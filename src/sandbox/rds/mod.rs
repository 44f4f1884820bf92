//! RDS: database instances that take their time, subnet groups, final snapshots. As with environments, an operation writes
//! the future of an instance, and every call first lets happen what is due. Nothing listens on the port.

mod catalog;
mod checks;
mod instances;
mod managed;
mod model;
mod modify;
mod snapshots;
mod subnets;
mod tags;
#[cfg(test)]
mod tests;
mod views;

use std::io;

use jiff::{SignedDuration, Timestamp};

use self::model::{Books, Change, Moment, Region, Tags};
use super::World;
use super::gateway::Call;
use super::query::{Failure, Parameters};
use super::xml::Xml;

pub(super) const NAMESPACE: &str = "http://rds.amazonaws.com/doc/2014-10-31/";
const BOOKS: &str = "rds";

/// What an operation works with.
struct Context<'a> {
    world: &'a World,
    call: &'a Call,
    region: &'a mut Region,
}

type Operation = fn(&mut Context<'_>, &mut Xml) -> Result<(), Failure>;

/// Carries out one call.
pub(super) fn answer(world: &World, call: &Call) -> Result<Xml, Failure> {
    let operation = operation(&call.operation).ok_or_else(|| call.unknown())?;
    let answered = world.store.update(BOOKS, |books: &mut Books| {
        let region = books.entry(call.region.clone()).or_default();
        region.advance(call.now);
        let mut xml = Xml::new();
        let mut cx = Context {
            world,
            call,
            region,
        };
        operation(&mut cx, &mut xml).map(|()| xml)
    });
    answered?
}

fn operation(name: &str) -> Option<Operation> {
    Some(match name {
        "CreateDBInstance" => instances::create,
        "DescribeDBInstances" => instances::describe,
        "ModifyDBInstance" => modify::modify,
        "DeleteDBInstance" => instances::delete,
        "CreateDBSubnetGroup" => subnets::create,
        "DescribeDBSubnetGroups" => subnets::describe,
        "ModifyDBSubnetGroup" => subnets::modify,
        "DeleteDBSubnetGroup" => subnets::delete,
        "DescribeDBSnapshots" => snapshots::describe,
        "DeleteDBSnapshot" => snapshots::delete,
        "AddTagsToResource" => tags::add,
        "ListTagsForResource" => tags::list,
        "RemoveTagsFromResource" => tags::remove,
        "DescribeOrderableDBInstanceOptions" => catalog::orderable,
        "DescribeDBEngineVersions" => catalog::versions,
        _ => return None,
    })
}

/// The ARN that IAM judges a call by.
pub(super) fn resource(account: &str, call: &Call) -> String {
    let parameters = &call.parameters;
    let named = |kind: &str, member: &str| {
        let name = parameters.text(member)?.to_lowercase();
        Some(format!(
            "arn:aws:rds:{}:{account}:{kind}:{name}",
            call.region
        ))
    };
    let given = parameters.text("ResourceName").map(str::to_owned);
    given
        .or_else(|| named("snapshot", "DBSnapshotIdentifier"))
        .or_else(|| named("db", "DBInstanceIdentifier"))
        .or_else(|| named("subgrp", "DBSubnetGroupName"))
        .unwrap_or_else(|| "*".to_owned())
}

/// Whether a database has a security group.
pub(super) fn uses_group(
    world: &World,
    region: &str,
    group: &str,
    now: Timestamp,
) -> io::Result<bool> {
    let mut books: Books = world.store.read(BOOKS)?;
    let mut region = books.remove(region).unwrap_or_default();
    region.advance(now);
    let mut all = region.instances.values();
    Ok(all.any(|instance| instance.groups.iter().any(|it| it == group)))
}

impl Context<'_> {
    fn parameters(&self) -> &Parameters {
        &self.call.parameters
    }

    fn arn(&self, kind: &str, name: &str) -> String {
        let (region, account) = (&self.call.region, &self.world.account.id);
        format!("arn:aws:rds:{region}:{account}:{kind}:{name}")
    }

    /// A change, so many seconds from now at the usual speed.
    fn after(&self, seconds: f64, change: Change) -> Moment {
        let seconds = seconds / self.world.faults.speed();
        let passed = SignedDuration::try_from_secs_f64(seconds).unwrap_or_default();
        Moment {
            at: self
                .call
                .now
                .saturating_add(passed)
                .unwrap_or(self.call.now),
            change,
        }
    }

    /// The page that was asked for: `MaxRecords` of 20 to 100, from `Marker` on; and the next marker.
    fn page<T>(&self, items: Vec<T>) -> Result<(Vec<T>, Option<String>), Failure> {
        let parameters = self.parameters();
        let most = match parameters.text("MaxRecords").map(str::parse) {
            None => 100,
            Some(Ok(most @ 20..=100)) => most,
            Some(_) => {
                let message = "MaxRecords must be between 20 and 100 inclusive";
                return Err(Failure::new("InvalidParameterValue", message));
            }
        };
        let from: usize = match parameters.text("Marker").filter(|it| !it.is_empty()) {
            None => 0,
            Some(marker) => marker.parse().map_err(|_| {
                let message = format!("The marker '{marker}' is invalid.");
                Failure::new("InvalidParameterValue", message)
            })?,
        };
        let more = items.len() > from.saturating_add(most);
        let items = items.into_iter().skip(from).take(most).collect();
        Ok((items, more.then(|| (from + most).to_string())))
    }
}

/// The items of a list, which are numbered behind their own name or behind `member`.
fn texts<'p>(parameters: &'p Parameters, name: &str, item: &str) -> Vec<&'p str> {
    let own = parameters.flat_texts(&format!("{name}.{item}"));
    match own.is_empty() {
        true => parameters.texts(name).unwrap_or_default(),
        false => own,
    }
}

fn required<'p>(parameters: &'p Parameters, name: &str) -> Result<&'p str, Failure> {
    let missing = || {
        let message = format!("The request must contain the parameter {name}");
        Failure::new("MissingParameter", message)
    };
    parameters.text(name).ok_or_else(missing)
}

fn invalid(message: impl Into<String>) -> Failure {
    Failure::new("InvalidParameterValue", message)
}

fn combination(message: impl Into<String>) -> Failure {
    Failure::new("InvalidParameterCombination", message)
}

fn write_tags(xml: &mut Xml, tags: &Tags) {
    xml.set("TagList", "Tag", tags, |xml, (key, value)| {
        xml.text("Key", key);
        xml.text("Value", value);
    });
}
