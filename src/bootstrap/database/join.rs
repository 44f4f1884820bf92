//! A database that is there already: it stays as it is, and only lets the application's security
//! group in.

use super::super::names::Place;
use super::super::network::Ground;
use super::super::network::group::{self, Rule};
use super::super::steps::BootstrapStep;
use super::application;
use crate::aws::Aws;
use crate::aws::ec2::{self, SecurityGroup};
use crate::aws::rds::{self, Instance};
use crate::config::DatabaseConfig;
use crate::error::{Error, Kind, Result};

/// The group of a database that is there, and whom it shall let in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Joined {
    /// The group.
    pub group: SecurityGroup,
    /// The rule.
    pub rule: Rule,
}

impl Joined {
    /// The step to the rule, where it is missing. What else the group lets in stays.
    #[must_use]
    pub fn plan(&self) -> Vec<BootstrapStep> {
        let rules = std::slice::from_ref(&self.rule);
        group::rules(&(&self.group).into(), false, rules, Some(&self.group))
    }
}

/// Looks at the database that the project file names.
///
/// # Errors
/// [`Kind::Check`] where it is not there, in another VPC, or does not have the security group that
/// is named; else what AWS says.
pub(super) async fn look(
    aws: &Aws,
    place: &Place,
    declared: &DatabaseConfig,
    ground: &Ground,
) -> Result<Option<Joined>> {
    let Some(id) = declared.instance.as_ref().map(|it| it.to_lowercase()) else {
        return Ok(None);
    };
    let seen = rds::instance(aws, &id).await?.ok_or_else(|| {
        let what = format!("there is no database {id} in {}", place.region);
        Error::new(Kind::Check, what).hint(
            "correct `database.instance` in beanship.yml; list them with `aws rds describe-db-instances`",
        )
    })?;
    let group = check(&seen, declared.security_group.as_deref(), ground)?;
    let found = ec2::security_groups(aws, &[("group-id", &[group.as_str()])]).await?;
    let group = found.into_iter().next().ok_or_else(|| {
        let what = format!("there is no security group {group} in {}", place.region);
        Error::new(Kind::Check, what).hint(
            "correct `database.security_group` in beanship.yml, and run `beanship bootstrap` again",
        )
    })?;
    Ok(Some(Joined {
        rule: Rule {
            service: seen.engine.clone(),
            port: port(&seen),
            from: application(place, ground),
        },
        group,
    }))
}

/// The group that is meant. Pure.
fn check(seen: &Instance, named: Option<&str>, ground: &Ground) -> Result<String> {
    let id = &seen.id;
    let vpc = &ground.vpc.id;
    if let Some(other) = seen.vpc().filter(|it| it != vpc) {
        let what = format!("the database {id} is in {other}, and the environment in {vpc}");
        return Err(Error::new(Kind::Check, what).hint(format!(
            "write `network: {{ vpc: {other} }}` in beanship.yml, and run `beanship bootstrap` again"
        )));
    }
    let all: Vec<&str> = seen.groups().collect();
    match named {
        Some(named) if all.contains(&named) => Ok(named.to_owned()),
        Some(named) => {
            let what = format!(
                "the database {id} does not have the security group {named}: it has {}",
                all.join(", ")
            );
            Err(Error::new(Kind::Check, what)
                .hint("name one of those as `database.security_group` in beanship.yml"))
        }
        None => {
            let what = format!(
                "which security group of the database {id} shall let the environment in? It has {}",
                all.join(", ")
            );
            Err(Error::new(Kind::Check, what).hint(format!(
                "choose one that nothing else has: write `security_group: {}` beside `instance` in beanship.yml",
                all.first().unwrap_or(&"sg-...")
            )))
        }
    }
}

/// Where it answers; the engine's own port before that is known (facts 7).
fn port(seen: &Instance) -> u16 {
    let usual = match seen.engine.as_str() {
        engine if engine.contains("postgres") => 5432,
        engine if engine.starts_with("sqlserver") => 1433,
        engine if engine.starts_with("oracle") => 1521,
        _ => 3306,
    };
    seen.endpoint.as_ref().map_or(usual, |it| it.port)
}
