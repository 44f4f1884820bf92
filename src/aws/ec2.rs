//! EC2: the calls that a network needs. Names of parameters are those of EC2's own protocol
//! (facts 7).

mod answers;

use std::collections::BTreeMap;

use serde::Deserialize;

use super::Aws;
use crate::error::{Error, Result};

use answers::{Offerings, Page, RouteTables, SecurityGroups, Subnets, Vpcs};
pub use answers::{Peer, Permission, Route, RouteTable, SecurityGroup, Subnet, Vpc};

/// The name of the service, as in IAM's actions.
pub const SERVICE: &str = "ec2";
/// The code of an answer about a security group that is not there (facts 7).
pub const NO_GROUP: &str = "InvalidGroup.NotFound";

/// All VPCs of the region.
///
/// # Errors
/// What AWS says.
pub async fn vpcs(aws: &Aws) -> Result<Vec<Vpc>> {
    all::<Vpcs>(aws, "DescribeVpcs", &[]).await
}

/// The subnets of a VPC.
///
/// # Errors
/// What AWS says.
pub async fn subnets(aws: &Aws, vpc: &str) -> Result<Vec<Subnet>> {
    let of = filters(&[("vpc-id", &[vpc])]);
    all::<Subnets>(aws, "DescribeSubnets", &of).await
}

/// The route tables of a VPC.
///
/// # Errors
/// What AWS says.
pub async fn route_tables(aws: &Aws, vpc: &str) -> Result<Vec<RouteTable>> {
    let of = filters(&[("vpc-id", &[vpc])]);
    all::<RouteTables>(aws, "DescribeRouteTables", &of).await
}

/// The availability zones that offer one of these instance types.
///
/// # Errors
/// What AWS says.
pub async fn zones_of(aws: &Aws, types: &[&str]) -> Result<Vec<String>> {
    let mut input = filters(&[("instance-type", types)]);
    input.push(("LocationType".into(), "availability-zone".into()));
    let found = all::<Offerings>(aws, "DescribeInstanceTypeOfferings", &input).await?;
    let mut zones: Vec<String> = found.into_iter().map(|it| it.location).collect();
    zones.sort();
    zones.dedup();
    Ok(zones)
}

/// The security groups that all of these filters fit: names and values.
///
/// # Errors
/// What AWS says.
pub async fn security_groups(aws: &Aws, by: &[(&str, &[&str])]) -> Result<Vec<SecurityGroup>> {
    all::<SecurityGroups>(aws, "DescribeSecurityGroups", &filters(by)).await
}

/// Makes a security group with its tags, and tells its id.
///
/// # Errors
/// What AWS says; `InvalidGroup.Duplicate` where the VPC has one of this name.
pub async fn create_security_group(
    aws: &Aws,
    vpc: &str,
    name: &str,
    description: &str,
    tags: &BTreeMap<String, String>,
) -> Result<String> {
    #[derive(Deserialize)]
    struct Created {
        #[serde(rename = "groupId")]
        id: String,
    }
    let mut input = pairs(&[
        ("VpcId", vpc),
        ("GroupName", name),
        ("GroupDescription", description),
        ("TagSpecification.1.ResourceType", "security-group"),
    ]);
    input.extend(tagged("TagSpecification.1.", tags));
    let made: Created = aws.ec2.query("CreateSecurityGroup", &input).await?;
    Ok(made.id)
}

/// Deletes a security group. One that is gone already is no error.
///
/// # Errors
/// What AWS says; `DependencyViolation` where something uses it.
pub async fn delete_security_group(aws: &Aws, id: &str) -> Result<()> {
    let gone = call(aws, "DeleteSecurityGroup", &pairs(&[("GroupId", id)])).await;
    unless(gone, NO_GROUP)
}

/// Sets tags.
///
/// # Errors
/// What AWS says.
pub async fn tag(aws: &Aws, id: &str, tags: &BTreeMap<String, String>) -> Result<()> {
    let mut input = pairs(&[("ResourceId.1", id)]);
    input.extend(tagged("", tags));
    call(aws, "CreateTags", &input).await
}

/// Lets something into a security group. What is let in already is no error.
///
/// # Errors
/// What AWS says.
pub async fn authorize(aws: &Aws, group: &str, permission: &Permission) -> Result<()> {
    let input = permitted(group, permission);
    let done = call(aws, "AuthorizeSecurityGroupIngress", &input).await;
    unless(done, "InvalidPermission.Duplicate")
}

/// Lets something into a security group no longer. What was not let in is no error.
///
/// # Errors
/// What AWS says.
pub async fn revoke(aws: &Aws, group: &str, permission: &Permission) -> Result<()> {
    let input = permitted(group, permission);
    let done = call(aws, "RevokeSecurityGroupIngress", &input).await;
    unless(unless(done, "InvalidPermission.NotFound"), NO_GROUP)
}

fn unless(answer: Result<()>, code: &str) -> Result<()> {
    answer.or_else(|error: Error| match error.code() {
        Some(told) if told == code => Ok(()),
        _ => Err(error),
    })
}

/// A call whose answer says nothing.
async fn call(aws: &Aws, operation: &'static str, input: &[(String, String)]) -> Result<()> {
    #[derive(Deserialize)]
    struct Nothing {}
    aws.ec2.query::<Nothing>(operation, input).await.map(drop)
}

/// All pages of a list.
async fn all<P: Page>(
    aws: &Aws,
    operation: &'static str,
    input: &[(String, String)],
) -> Result<Vec<P::Item>> {
    let (mut found, mut input) = (Vec::new(), input.to_vec());
    loop {
        let (items, next) = aws.ec2.query::<P>(operation, &input).await?.read();
        found.extend(items);
        let Some(next) = next else {
            return Ok(found);
        };
        input.retain(|(name, _)| name != "NextToken");
        input.push(("NextToken".into(), next));
    }
}

fn pairs(all: &[(&str, &str)]) -> Vec<(String, String)> {
    let own = |(name, value): &(&str, &str)| ((*name).to_owned(), (*value).to_owned());
    all.iter().map(own).collect()
}

fn filters(by: &[(&str, &[&str])]) -> Vec<(String, String)> {
    let mut input = Vec::new();
    for (number, (name, values)) in by.iter().enumerate() {
        let filter = format!("Filter.{}", number + 1);
        input.push((format!("{filter}.Name"), (*name).to_owned()));
        let values = values.iter().enumerate();
        input.extend(
            values.map(|(at, value)| (format!("{filter}.Value.{}", at + 1), (*value).to_owned())),
        );
    }
    input
}

fn tagged(before: &str, tags: &BTreeMap<String, String>) -> Vec<(String, String)> {
    let each = tags.iter().enumerate().flat_map(|(at, (key, value))| {
        let tag = format!("{before}Tag.{}", at + 1);
        [
            (format!("{tag}.Key"), key.clone()),
            (format!("{tag}.Value"), value.clone()),
        ]
    });
    each.collect()
}

fn permitted(group: &str, permission: &Permission) -> Vec<(String, String)> {
    const PERMISSION: &str = "IpPermissions.1";
    let mut input = pairs(&[("GroupId", group)]);
    input.push((
        format!("{PERMISSION}.IpProtocol"),
        permission.protocol.clone(),
    ));
    for (name, port) in [("FromPort", permission.from), ("ToPort", permission.to)] {
        input.extend(port.map(|port| (format!("{PERMISSION}.{name}"), port.to_string())));
    }
    let (list, member, value) = match &permission.peer {
        Peer::Group(id) => ("Groups", "GroupId", id),
        Peer::V4(cidr) => ("IpRanges", "CidrIp", cidr),
        Peer::V6(cidr) => ("Ipv6Ranges", "CidrIpv6", cidr),
        Peer::Prefixes(id) => ("PrefixListIds", "PrefixListId", id),
    };
    input.push((format!("{PERMISSION}.{list}.1.{member}"), value.clone()));
    let written = permission.description.iter();
    input.extend(written.map(|it| {
        let name = format!("{PERMISSION}.{list}.1.Description");
        (name, it.clone())
    }));
    input
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rules_are_written() {
        let permission = Permission {
            protocol: "tcp".into(),
            from: Some(3306),
            to: Some(3306),
            peer: Peer::Group("sg-2".into()),
            description: Some("for shop".into()),
        };
        let input = permitted("sg-1", &permission);
        let lines: Vec<_> = input
            .iter()
            .map(|(name, value)| format!("{name}={value}"))
            .collect();
        insta::assert_snapshot!(lines.join("\n"), @"
        GroupId=sg-1
        IpPermissions.1.IpProtocol=tcp
        IpPermissions.1.FromPort=3306
        IpPermissions.1.ToPort=3306
        IpPermissions.1.Groups.1.GroupId=sg-2
        IpPermissions.1.Groups.1.Description=for shop
        ");
        let tags = BTreeMap::from([("a".to_owned(), "b".to_owned())]);
        assert_eq!(
            tagged("TagSpecification.1.", &tags)[0].0,
            "TagSpecification.1.Tag.1.Key"
        );
        assert_eq!(filters(&[("vpc-id", &["v", "w"])])[2].0, "Filter.1.Value.2");
    }
}
