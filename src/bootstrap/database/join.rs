//! A database that was there before: it stays as it is, but for the rule that lets the environment
//! in. [`plan`] is pure.

use super::super::names::Place;
use super::super::network::Ground;
use super::super::network::group::{self, Group, GroupRef, Rule};
use super::super::steps::BootstrapStep;
use super::{DATABASE, application};
use crate::aws::Aws;
use crate::aws::ec2::{self, SecurityGroup};
use crate::aws::rds::{self, Instance};
use crate::config::DatabaseConfig;
use crate::error::{Error, Kind, Result};

/// The instance, and what lets others in to it.
#[derive(Debug, Clone)]
pub struct Joined {
    /// The instance.
    pub instance: Instance,
    /// Its security groups.
    pub groups: Vec<SecurityGroup>,
    /// The id of the one that shall let the environment in, where the project file names it.
    pub named: Option<String>,
}

/// Which group lets the environment in.
#[derive(Debug)]
enum Door<'a> {
    /// One that the instance has.
    Theirs(&'a SecurityGroup),
    /// One that is made for it.
    Ours(Group),
}

/// Looks at the database that the project file names.
///
/// # Errors
/// [`Kind::Check`] where it is not there; else what AWS says.
pub(super) async fn look(aws: &Aws, declared: &DatabaseConfig) -> Result<Option<Joined>> {
    let Some(id) = declared.instance.as_ref().map(|it| it.to_lowercase()) else {
        return Ok(None);
    };
    let instance = rds::instance(aws, &id).await?.ok_or_else(|| {
        let what = format!("there is no database {id} in {}", aws.region);
        Error::new(Kind::Check, what).hint(
            "correct `database.instance` in beanship.yml; list them with `aws rds describe-db-instances`",
        )
    })?;
    let ids: Vec<&str> = instance.groups().collect();
    let groups = match ids.is_empty() {
        true => Vec::new(),
        false => ec2::security_groups(aws, &[("group-id", &ids)]).await?,
    };
    Ok(Some(Joined {
        groups,
        named: declared.security_group.clone(),
        instance,
    }))
}

/// The steps until the environment is let in; `networked` says whether its own group is among
/// what is made.
///
/// # Errors
/// [`Kind::Check`] for an instance in another VPC, for one of a cluster without a group to use, for
/// a group that the instance does not have, and as [`group::plan`]; [`Kind::Usage`] without the
/// environment's group.
pub fn plan(
    place: &Place,
    seen: &Joined,
    ground: &Ground,
    networked: bool,
) -> Result<Vec<BootstrapStep>> {
    let instance = &seen.instance;
    same_vpc(place, instance, &ground.vpc.id)?;
    let rule = Rule {
        service: service(&instance.engine).into(),
        port: port(instance)?,
        from: application(place, ground),
    };
    if rule.from.id.is_none() && !networked {
        return Err(super::super::without(DATABASE, &rule.from.name, place));
    }
    let rules = std::slice::from_ref(&rule);
    let own = match door(place, ground, seen, &rule)? {
        Door::Theirs(theirs) => {
            return Ok(group::rules(&theirs.into(), false, rules, Some(theirs)));
        }
        Door::Ours(own) => own,
    };
    let there = group::find(&own, &ground.groups);
    let group: GroupRef = own.reference(there);
    let mut steps = group::plan(place, &own, there)?;
    steps.extend(group::rules(&group, true, rules, there));
    let attached: Vec<String> = instance.groups().map(str::to_owned).collect();
    if !group.id.as_ref().is_some_and(|id| attached.contains(id)) {
        steps.push(BootstrapStep::Admit {
            instance: instance.id.clone(),
            attached,
            group,
        });
    }
    Ok(steps)
}

fn same_vpc(place: &Place, instance: &Instance, vpc: &str) -> Result<()> {
    if instance.vpc() == Some(vpc) {
        return Ok(());
    }
    let what = format!(
        "the database {} is in {}, and {} in {vpc}: it cannot be reached from there",
        instance.id,
        instance.vpc().unwrap_or("no VPC"),
        place.target.environment
    );
    Err(Error::new(Kind::Check, what).hint(
        "name the database's VPC as `network.vpc` of a new environment, and run `beanship bootstrap` for it",
    ))
}

/// The group that is named, else one that lets the environment in already, else one of ours.
fn door<'a>(place: &Place, ground: &Ground, seen: &'a Joined, rule: &Rule) -> Result<Door<'a>> {
    let instance = &seen.instance.id;
    if let Some(id) = &seen.named {
        let found = seen.groups.iter().find(|it| it.id == *id);
        return found.map(Door::Theirs).ok_or_else(|| {
            let shown = |it: &SecurityGroup| format!("{} ({})", it.id, it.name);
            let all: Vec<String> = seen.groups.iter().map(shown).collect();
            let what = format!(
                "the database {instance} does not have the security group {id}: it has {}",
                all.join(", ")
            );
            Error::new(Kind::Check, what).hint(
                "choose one of these as `database.security_group` in beanship.yml, or leave it out, and run `beanship bootstrap` again",
            )
        });
    }
    let own = Group {
        name: place.group(DATABASE),
        purpose: "for the database".into(),
        vpc: ground.vpc.id.clone(),
        tags: place.all_tags(),
    };
    let wanted = rule.from.id.as_deref().map(|id| rule.permission(id));
    let lets_in = |it: &&SecurityGroup| {
        let permissions = it.permissions();
        it.name != own.name && wanted.as_ref().is_some_and(|it| permissions.contains(it))
    };
    if let Some(found) = seen.groups.iter().find(lets_in) {
        return Ok(Door::Theirs(found));
    }
    if seen.instance.engine.starts_with("aurora") {
        let what = format!(
            "the database {instance} is part of a cluster, which keeps its security groups"
        );
        return Err(Error::new(Kind::Check, what).hint(
            "name one of them as `database.security_group` in beanship.yml; see them with `aws rds describe-db-clusters`",
        ));
    }
    Ok(Door::Ours(own))
}

/// What an engine speaks: Aurora's editions speak as what they stand for.
fn service(engine: &str) -> &str {
    let engine = engine.strip_prefix("aurora-").unwrap_or(engine);
    engine
        .strip_prefix("postgresql")
        .map_or(engine, |_| "postgres")
}

/// The port: as the instance tells, else the one that is usual for its engine (facts 7).
fn port(instance: &Instance) -> Result<u16> {
    if let Some(endpoint) = instance.endpoint.as_ref().filter(|it| it.port > 0) {
        return Ok(endpoint.port);
    }
    let engine = service(&instance.engine);
    let usual = [
        ("mysql", 3306),
        ("mariadb", 3306),
        ("postgres", 5432),
        ("sqlserver", 1433),
        ("oracle", 1521),
        ("db2", 50000),
    ];
    let found = usual.iter().find(|(name, _)| engine.starts_with(name));
    found.map(|(_, port)| *port).ok_or_else(|| {
        let what = format!(
            "the port of the database {} is not known yet: it is {}",
            instance.id, instance.status
        );
        Error::new(Kind::Check, what).hint(format!(
            "wait for it with `aws rds wait db-instance-available --db-instance-identifier {}`",
            instance.id
        ))
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::bootstrap::names::sample;
    use crate::plan::Plan;

    fn security_group(id: &str, name: &str, peer: Option<&str>) -> SecurityGroup {
        let tags = sample().all_tags().into_iter();
        let tags = tags
            .map(|(key, value)| format!("<item><key>{key}</key><value>{value}</value></item>"))
            .collect::<String>();
        let rule = peer.map(|it| format!("<item><ipProtocol>tcp</ipProtocol><fromPort>3306</fromPort><toPort>3306</toPort><groups><item><groupId>{it}</groupId></item></groups></item>"));
        let xml = format!(
            "<item><groupId>{id}</groupId><groupName>{name}</groupName><vpcId>vpc-1</vpcId><ipPermissions>{}</ipPermissions><tagSet>{tags}</tagSet></item>",
            rule.unwrap_or_default()
        );
        quick_xml::de::from_str(&xml).expect("a group")
    }

    fn instance(engine: &str, vpc: &str, groups: &[&str]) -> Instance {
        let groups = groups.iter().map(|it| format!("<VpcSecurityGroupMembership><VpcSecurityGroupId>{it}</VpcSecurityGroupId></VpcSecurityGroupMembership>"));
        let groups = groups.collect::<String>();
        let xml = format!(
            "<DBInstance><DBInstanceIdentifier>theirs</DBInstanceIdentifier><DBInstanceStatus>creating</DBInstanceStatus><Engine>{engine}</Engine><VpcSecurityGroups>{groups}</VpcSecurityGroups><DBSubnetGroup><VpcId>{vpc}</VpcId></DBSubnetGroup></DBInstance>"
        );
        quick_xml::de::from_str(&xml).expect("an instance")
    }

    /// The plan for an instance with these groups; the application's own is `sg-app`.
    fn planned(engine: &str, vpc: &str, groups: &[SecurityGroup], named: Option<&str>) -> String {
        let app = security_group("sg-app", "shop-prod-app", None);
        let ids: Vec<&str> = groups.iter().map(|it| it.id.as_str()).collect();
        let joined = Joined {
            instance: instance(engine, vpc, &ids),
            groups: groups.to_vec(),
            named: named.map(str::to_owned),
        };
        let vpc = "<item><vpcId>vpc-1</vpcId></item>";
        let ground = Ground {
            vpc: quick_xml::de::from_str(vpc).expect("a VPC"),
            sites: Vec::new(),
            zones: None,
            groups: groups.iter().cloned().chain([app]).collect(),
            notes: Vec::new(),
        };
        match plan(&sample(), &joined, &ground, false) {
            Ok(steps) => {
                let lines = Plan::new(steps).changes().into_iter().map(|it| {
                    let detail = it.detail.unwrap_or_default();
                    format!("{} {} {} ({detail})", it.verb.sign(), it.kind, it.name)
                });
                lines.collect::<Vec<_>>().join("\n")
            }
            Err(error) => error.message().to_owned(),
        }
    }

    #[test]
    fn the_environment_is_let_in_by_one_group_and_nothing_else_changes() {
        let theirs = |peer| security_group("sg-db", "theirs", peer);
        let ours = |peer| security_group("sg-own", "shop-prod-database", peer);
        let app = Some("sg-app");
        let cases = [
            planned("mysql", "vpc-1", &[theirs(None)], Some("sg-db")),
            planned("mysql", "vpc-1", &[theirs(app)], Some("sg-db")),
            planned("mysql", "vpc-1", &[theirs(app)], None),
            planned("aurora-mysql", "vpc-1", &[theirs(None)], Some("sg-db")),
            planned("mysql", "vpc-1", &[theirs(None), ours(app)], None),
            planned("mysql", "vpc-1", &[theirs(None), ours(Some("sg-x"))], None),
            planned("postgres", "vpc-1", &[theirs(app)], None),
        ];
        insta::assert_snapshot!(cases.join("\n---\n"), @"
        + rule theirs (allows mysql (3306) from shop-prod-app)
        ---

        ---

        ---
        + rule theirs (allows mysql (3306) from shop-prod-app)
        ---

        ---
        + rule shop-prod-database (allows mysql (3306) from shop-prod-app)
        - rule shop-prod-database (allows mysql (3306) from sg-x, which beanship.yml does not name)
        ---
        + security group shop-prod-database (for the database, in vpc-1)
        + rule shop-prod-database (allows postgres (5432) from shop-prod-app)
        ~ database theirs (gets the security group shop-prod-database beside its own)
        ");
    }

    #[test]
    fn what_cannot_be_reached_or_opened_is_refused() {
        let theirs = || security_group("sg-db", "theirs", None);
        let cases = [
            planned("mysql", "vpc-2", &[theirs()], None),
            planned("mysql", "vpc-1", &[theirs()], Some("sg-x")),
            planned("aurora-postgresql", "vpc-1", &[theirs()], None),
            planned("neptune", "vpc-1", &[theirs()], None),
        ];
        insta::assert_snapshot!(cases.join("\n"), @"
        the database theirs is in vpc-2, and shop-prod in vpc-1: it cannot be reached from there
        the database theirs does not have the security group sg-x: it has sg-db (theirs)
        the database theirs is part of a cluster, which keeps its security groups
        the port of the database theirs is not known yet: it is creating
        ");
    }
}
