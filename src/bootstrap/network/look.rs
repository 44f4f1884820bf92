//! What is read of the network before anything is planned. Nothing here writes.

use std::collections::BTreeSet;

use super::super::application::{LAUNCH, SeenEnvironment};
use super::super::names::Place;
use super::{APP, Ground, further, instance_types, list, subnets, value, vpc};
use crate::aws::Aws;
use crate::aws::ec2::{self, SecurityGroup};
use crate::config::EnvironmentConfig;
use crate::deploy::configuration::SECURITY_GROUPS;
use crate::error::Result;

/// Looks at everything that counts for an environment's network.
///
/// # Errors
/// As [`vpc`]; else what AWS says.
pub async fn look(
    aws: &Aws,
    place: &Place,
    declared: &EnvironmentConfig,
    there: Option<&SeenEnvironment>,
) -> Result<Ground> {
    let vpcs = ec2::vpcs(aws).await?;
    let vpc = vpc(place, declared, there, &vpcs)?.clone();
    let (subnets, tables, offered, groups) = tokio::join!(
        ec2::subnets(aws, &vpc.id),
        ec2::route_tables(aws, &vpc.id),
        zones(aws, declared),
        groups(aws, place, declared, there, &vpc.id),
    );
    let mut notes = Vec::new();
    let tables = tables.unwrap_or_else(|error| {
        notes.push(format!("which routes lead out is not known: {error}"));
        Vec::new()
    });
    let (zones, note) = offered;
    notes.extend(note);
    Ok(Ground {
        sites: subnets::sites(&subnets?, &tables),
        vpc,
        zones,
        groups: groups?,
        notes,
    })
}

/// The zones that offer the instance types. No answer, or none at all, means that nothing is
/// known.
async fn zones(
    aws: &Aws,
    declared: &EnvironmentConfig,
) -> (Option<BTreeSet<String>>, Option<String>) {
    let types = instance_types(declared);
    if types.is_empty() {
        return (None, None);
    }
    let named = types.join(", ");
    match ec2::zones_of(aws, &types).await {
        Ok(zones) if zones.is_empty() => {
            let note = format!("EC2 names no zone of {} that offers {named}", aws.region);
            (None, Some(note))
        }
        Ok(zones) => (Some(zones.into_iter().collect()), None),
        Err(error) => {
            let note = format!("which zones offer {named} is not known: {error}");
            (None, Some(note))
        }
    }
}

/// The groups of our names, those that are named, and those that the environment has.
async fn groups(
    aws: &Aws,
    place: &Place,
    declared: &EnvironmentConfig,
    there: Option<&SeenEnvironment>,
    vpc: &str,
) -> Result<Vec<SecurityGroup>> {
    let further = further(declared);
    let attached = there.and_then(|it| value(it, LAUNCH, SECURITY_GROUPS));
    let all = list(attached.unwrap_or_default()).chain(further.iter().map(String::as_str));
    let (ids, names): (BTreeSet<&str>, BTreeSet<&str>) = all.partition(|it| it.starts_with("sg-"));
    let own = [place.group(APP), place.group("database")];
    let names: Vec<&str> = names
        .into_iter()
        .chain(own.iter().map(String::as_str))
        .collect();
    let ids: Vec<&str> = ids.into_iter().collect();
    let by_name = async {
        let by: [(&str, &[&str]); 2] = [("vpc-id", &[vpc]), ("group-name", &names)];
        ec2::security_groups(aws, &by).await
    };
    let by_id = async {
        match ids.is_empty() {
            true => Ok(Vec::new()),
            false => ec2::security_groups(aws, &[("group-id", &ids)]).await,
        }
    };
    let (by_name, by_id) = tokio::join!(by_name, by_id);
    let (mut groups, more) = (by_name?, by_id?);
    let more = more
        .into_iter()
        .filter(|it| !groups.iter().any(|known| known.id == it.id))
        .collect::<Vec<_>>();
    groups.extend(more);
    Ok(groups)
}
