//! RDS: the calls that databases need. Names of parameters are those of its own protocol
//! (facts 7).

mod answers;

use std::collections::{BTreeMap, BTreeSet};

use serde::Deserialize;

use super::Aws;
use crate::error::{Error, Result};
use crate::properties::Value;

use answers::{Described, Groups, Options};
pub use answers::{Endpoint, Instance, Pending, SubnetGroup};

/// The code of an answer about an instance that is not there (facts 7).
const NO_INSTANCE: &str = "DBInstanceNotFound";
/// The codes of an answer about a subnet group that is not there.
const NO_GROUP: [&str; 2] = ["DBSubnetGroupNotFoundFault", "DBSubnetGroupNotFound"];

/// Whether RDS makes the password and keeps it in a secret of its own.
pub const MANAGED: &str = "ManageMasterUserPassword";

/// A database instance that shall be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewInstance {
    /// Its name, in lower case.
    pub id: String,
    /// `mysql`, `mariadb` or `postgres`.
    pub engine: &'static str,
    /// The version, or its beginning; RDS's default where there is none.
    pub version: Option<String>,
    /// `db.t4g.micro`
    pub class: String,
    /// In GiB.
    pub storage: u32,
    /// The name of the database in it.
    pub database: String,
    /// The name of its first user.
    pub username: String,
    /// Whether a second one stands by in another zone.
    pub multi_az: bool,
    /// For how many days backups are kept; 0 makes none.
    pub backup_days: u32,
    /// The subnet group.
    pub subnet_group: String,
    /// Tags.
    pub tags: BTreeMap<String, String>,
}

/// The instance of this name, if there is one.
///
/// # Errors
/// What AWS says.
pub async fn instance(aws: &Aws, id: &str) -> Result<Option<Instance>> {
    let input = pairs(&[("DBInstanceIdentifier", id)]);
    let told = aws.rds.query::<Described>("DescribeDBInstances", &input);
    let told = known(told.await, &[NO_INSTANCE])?;
    Ok(told.and_then(|it| it.result.instances.items.into_iter().next()))
}

/// All instances of the region.
///
/// # Errors
/// What AWS says.
pub async fn instances(aws: &Aws) -> Result<Vec<Instance>> {
    let mut all = Vec::new();
    let mut marker = String::new();
    loop {
        let input = match marker.as_str() {
            "" => Vec::new(),
            marker => pairs(&[("Marker", marker)]),
        };
        let told = aws.rds.query::<Described>("DescribeDBInstances", &input);
        let told = told.await?;
        all.extend(told.result.instances.items);
        marker = told.result.marker;
        if marker.is_empty() {
            return Ok(all);
        }
    }
}

/// Begins to make an instance: encrypted, not public, protected from being deleted. Without a
/// password RDS makes one, and keeps it in a secret.
///
/// # Errors
/// What AWS says; `DBInstanceAlreadyExists` where there is one of this name.
pub async fn create(
    aws: &Aws,
    wanted: &NewInstance,
    group: &str,
    password: Option<&Value>,
) -> Result<()> {
    let mut input = pairs(&[
        ("DBInstanceIdentifier", &wanted.id),
        ("Engine", wanted.engine),
        ("DBInstanceClass", &wanted.class),
        ("AllocatedStorage", &wanted.storage.to_string()),
        ("StorageType", "gp3"),
        ("StorageEncrypted", "true"),
        ("DBName", &wanted.database),
        ("MasterUsername", &wanted.username),
        match password {
            Some(password) => ("MasterUserPassword", password.expose()),
            None => (MANAGED, "true"),
        },
        ("MultiAZ", &wanted.multi_az.to_string()),
        ("BackupRetentionPeriod", &wanted.backup_days.to_string()),
        ("CopyTagsToSnapshot", "true"),
        ("PubliclyAccessible", "false"),
        ("DeletionProtection", "true"),
        ("DBSubnetGroupName", &wanted.subnet_group),
        ("VpcSecurityGroupIds.VpcSecurityGroupId.1", group),
    ]);
    if let Some(version) = &wanted.version {
        input.push(("EngineVersion".into(), version.clone()));
    }
    input.extend(tagged(&wanted.tags));
    call(aws, "CreateDBInstance", &input).await
}

/// Changes an instance; these are names and values of its parameters.
///
/// # Errors
/// What AWS says; `InvalidDBInstanceState` where it is busy.
pub async fn modify(aws: &Aws, id: &str, changes: &[(String, String)]) -> Result<()> {
    let mut input = pairs(&[("DBInstanceIdentifier", id), ("ApplyImmediately", "true")]);
    input.extend_from_slice(changes);
    call(aws, "ModifyDBInstance", &input).await
}

/// Begins to delete an instance, with a last snapshot of this name. One that is gone is no error.
///
/// # Errors
/// What AWS says.
pub async fn delete(aws: &Aws, id: &str, snapshot: &str) -> Result<()> {
    let input = pairs(&[
        ("DBInstanceIdentifier", id),
        ("FinalDBSnapshotIdentifier", snapshot),
    ]);
    let gone = call(aws, "DeleteDBInstance", &input).await;
    known(gone, &[NO_INSTANCE]).map(drop)
}

/// The subnet group of this name, if there is one.
///
/// # Errors
/// What AWS says.
pub async fn subnet_group(aws: &Aws, name: &str) -> Result<Option<SubnetGroup>> {
    let input = pairs(&[("DBSubnetGroupName", name)]);
    let told = aws.rds.query::<Groups>("DescribeDBSubnetGroups", &input);
    let told = known(told.await, &NO_GROUP)?;
    Ok(told.and_then(|it| it.result.groups.items.into_iter().next()))
}

/// Makes a subnet group. One of this name that is there already is no error.
///
/// # Errors
/// What AWS says.
pub async fn create_subnet_group(
    aws: &Aws,
    name: &str,
    description: &str,
    subnets: &[String],
    tags: &BTreeMap<String, String>,
) -> Result<()> {
    let mut input = pairs(&[
        ("DBSubnetGroupName", name),
        ("DBSubnetGroupDescription", description),
    ]);
    input.extend(listed(subnets));
    input.extend(tagged(tags));
    let made = call(aws, "CreateDBSubnetGroup", &input).await;
    known(made, &["DBSubnetGroupAlreadyExists"]).map(drop)
}

/// Gives a subnet group other subnets.
///
/// # Errors
/// What AWS says.
pub async fn change_subnets(aws: &Aws, name: &str, subnets: &[String]) -> Result<()> {
    let mut input = pairs(&[("DBSubnetGroupName", name)]);
    input.extend(listed(subnets));
    call(aws, "ModifyDBSubnetGroup", &input).await
}

/// Deletes a subnet group. One that is gone is no error.
///
/// # Errors
/// What AWS says.
pub async fn delete_subnet_group(aws: &Aws, name: &str) -> Result<()> {
    let input = pairs(&[("DBSubnetGroupName", name)]);
    let gone = call(aws, "DeleteDBSubnetGroup", &input).await;
    known(gone, &NO_GROUP).map(drop)
}

/// Sets tags of what has this ARN.
///
/// # Errors
/// What AWS says.
pub async fn tag(aws: &Aws, arn: &str, tags: &BTreeMap<String, String>) -> Result<()> {
    let mut input = pairs(&[("ResourceName", arn)]);
    input.extend(tagged(tags));
    call(aws, "AddTagsToResource", &input).await
}

/// The tags of what has this ARN.
///
/// # Errors
/// What AWS says.
pub async fn tags(aws: &Aws, arn: &str) -> Result<BTreeMap<String, String>> {
    let input = pairs(&[("ResourceName", arn)]);
    let told = aws
        .rds
        .query::<answers::Tagged>("ListTagsForResource", &input);
    Ok(told.await?.result.tags())
}

/// The availability zones that offer an engine on a class.
///
/// # Errors
/// What AWS says.
pub async fn zones_of(aws: &Aws, engine: &str, class: &str) -> Result<BTreeSet<String>> {
    let mut zones = BTreeSet::new();
    let mut marker = String::new();
    loop {
        let mut input = pairs(&[("Engine", engine), ("DBInstanceClass", class)]);
        input.push(("Vpc".into(), "true".into()));
        if !marker.is_empty() {
            input.push(("Marker".into(), marker));
        }
        let told = aws
            .rds
            .query::<Options>("DescribeOrderableDBInstanceOptions", &input)
            .await?;
        zones.extend(told.result.zones());
        marker = told.result.marker;
        if marker.is_empty() {
            return Ok(zones);
        }
    }
}

/// A call whose answer says nothing that counts.
async fn call(aws: &Aws, operation: &'static str, input: &[(String, String)]) -> Result<()> {
    #[derive(Deserialize)]
    struct Nothing {}
    aws.rds.query::<Nothing>(operation, input).await.map(drop)
}

/// The answer, or none where it has one of these codes.
fn known<T>(answer: Result<T>, codes: &[&str]) -> Result<Option<T>> {
    let is = |error: &Error| error.code().is_some_and(|code| codes.contains(&code));
    match answer {
        Err(error) if is(&error) => Ok(None),
        other => other.map(Some),
    }
}

fn pairs(pairs: &[(&str, &str)]) -> Vec<(String, String)> {
    let own = |(name, value): &(&str, &str)| ((*name).to_owned(), (*value).to_owned());
    pairs.iter().map(own).collect()
}

fn listed(subnets: &[String]) -> Vec<(String, String)> {
    let name = |at: usize| format!("SubnetIds.SubnetIdentifier.{}", at + 1);
    let subnets = subnets.iter().enumerate();
    subnets.map(|(at, id)| (name(at), id.clone())).collect()
}

fn tagged(tags: &BTreeMap<String, String>) -> Vec<(String, String)> {
    let each = tags.iter().enumerate().flat_map(|(at, (key, value))| {
        let tag = format!("Tags.Tag.{}", at + 1);
        [
            (format!("{tag}.Key"), key.clone()),
            (format!("{tag}.Value"), value.clone()),
        ]
    });
    each.collect()
}
