//! The database that was made: it goes last, only when it is named, and leaves a snapshot.

use jiff::Timestamp;

use super::Removal;
use crate::aws::Aws;
use crate::aws::rds::{self, Instance};
use crate::bootstrap::apply;
use crate::bootstrap::database::{DATABASE, id};
use crate::bootstrap::names::{Place, Tags};
use crate::config::EnvironmentConfig;
use crate::deploy::World;
use crate::error::{Error, Kind, Result};

/// What stands of the database.
#[derive(Debug, Clone, Default)]
pub struct Standing {
    /// The instance of our name.
    pub instance: Option<Instance>,
    /// The tags of the subnet group of our name.
    pub subnet_group: Option<Tags>,
    /// Why nothing could be seen, in words.
    pub unseen: Option<String>,
}

/// Looks at what stands. Who may not look and never asked for a database is told so.
///
/// # Errors
/// What AWS says.
pub(super) async fn look(
    aws: &Aws,
    place: &Place,
    declared: &EnvironmentConfig,
) -> Result<Standing> {
    let id = id(&place.target.environment);
    let instance = match rds::instance(aws, &id).await {
        Err(error) if error.kind() == Kind::Denied && declared.database.is_none() => {
            let unseen = format!("whether a database was made cannot be seen: {error}");
            return Ok(Standing {
                unseen: Some(unseen),
                ..Standing::default()
            });
        }
        other => other?,
    };
    let group = rds::subnet_group(aws, &id).await?;
    let subnet_group = match group {
        Some(found) => Some(rds::tags(aws, &found.arn).await?),
        None => None,
    };
    Ok(Standing {
        instance,
        subnet_group,
        unseen: None,
    })
}

impl Standing {
    /// Whether the instance is there, was made here, and shall not go.
    #[must_use]
    pub fn stays(&self, place: &Place, named: Option<&str>) -> bool {
        named.is_none() && self.instance.as_ref().is_some_and(|it| ours(place, it))
    }
}

/// Refuses another name than the database's.
///
/// # Errors
/// [`Kind::Usage`].
pub fn check(place: &Place, named: Option<&str>) -> Result<()> {
    let name = &place.target.environment;
    let id = id(name);
    match named.filter(|it| *it != id) {
        Some(other) => Err(Error::new(
            Kind::Usage,
            format!("the database that was made for {name} is called {id}, not {other}"),
        )
        .hint(format!(
            "name it: `beanship bootstrap --destroy --env {} --delete-database {id}`",
            place.target.key.as_deref().unwrap_or(name)
        ))),
        None => Ok(()),
    }
}

fn ours(place: &Place, instance: &Instance) -> bool {
    place.own(DATABASE, &instance.id, &instance.tags()).is_ok()
}

/// What is taken away, and what stays, in words.
pub(super) fn plan(
    place: &Place,
    standing: &Standing,
    named: Option<&str>,
) -> (Vec<Removal>, Option<String>) {
    let id = id(&place.target.environment);
    let mut steps = Vec::new();
    match &standing.instance {
        Some(_) if standing.stays(place, named) => {
            let text = format!(
                "the database {id} stays, with its security group and its subnets: `--delete-database {id}` takes it away, after a last snapshot"
            );
            return (steps, Some(text));
        }
        Some(there) if ours(place, there) => steps.push(Removal::Database {
            id: id.clone(),
            protected: there.protected,
            begun: there.status == "deleting",
            snapshot: format!("{id}-final-{}", Timestamp::now().strftime("%Y%m%d-%H%M%S")),
        }),
        Some(_) => {
            let text = format!("the database {id} was not made here and stays");
            return (steps, Some(text));
        }
        None => {}
    }
    let tags = standing.subnet_group.as_ref();
    if tags.is_some_and(|it| place.own("subnet group", &id, it).is_ok()) {
        steps.push(Removal::Subnets { name: id });
    }
    (steps, standing.unseen.clone())
}

/// Takes the protection away, then the instance, and waits until it is gone.
pub(super) async fn delete(world: &World, id: &str, protected: bool, snapshot: &str) -> Result<()> {
    apply::wait(world, id).await?;
    if protected {
        let lifted = [("DeletionProtection".to_owned(), "false".to_owned())];
        rds::modify(&world.aws, id, &lifted).await?;
        apply::wait(world, id).await?;
    }
    rds::delete(&world.aws, id, snapshot).await?;
    apply::until_gone(world, id).await
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::bootstrap::names::sample;
    use crate::plan::Step;

    /// What goes and what stays of a database with this status, ours or not.
    fn planned(status: Option<&str>, ours: bool, named: Option<&str>) -> String {
        let place = sample();
        let tags = match ours {
            true => place.all_tags(),
            false => Tags::new(),
        };
        let listed = tags.iter();
        let listed =
            listed.map(|(key, it)| format!("<Tag><Key>{key}</Key><Value>{it}</Value></Tag>"));
        let listed = listed.collect::<String>();
        let instance = |status: &str| {
            let xml = format!(
                "<DBInstance><DBInstanceIdentifier>shop-prod-database</DBInstanceIdentifier><DBInstanceStatus>{status}</DBInstanceStatus><TagList>{listed}</TagList></DBInstance>"
            );
            quick_xml::de::from_str(&xml).expect("an instance")
        };
        let standing = Standing {
            instance: status.map(instance),
            subnet_group: Some(tags.clone()),
            unseen: None,
        };
        if let Err(error) = check(&place, named) {
            return error.message().to_owned();
        }
        let (steps, stays) = plan(&place, &standing, named);
        let lines = steps.iter().map(|step| {
            let change = step.change();
            let detail = change.detail.unwrap_or_default();
            let (detail, _) = detail.split_once("-final-").unwrap_or((&detail, ""));
            format!("- {} {} ({detail})", change.kind, change.name)
        });
        lines.chain(stays).collect::<Vec<_>>().join("\n")
    }

    #[test]
    fn a_database_goes_only_when_it_is_named() {
        let name = Some("shop-prod-database");
        let cases = [
            planned(Some("available"), true, None),
            planned(Some("available"), true, name),
            planned(Some("deleting"), true, name),
            planned(None, true, None),
            planned(Some("available"), false, name),
            planned(Some("available"), true, Some("shop")),
        ];
        insta::assert_snapshot!(cases.join("\n---\n"), @"
        the database shop-prod-database stays, with its security group and its subnets: `--delete-database shop-prod-database` takes it away, after a last snapshot
        ---
        - database shop-prod-database (with its backups; the snapshot shop-prod-database)
        - subnet group shop-prod-database ()
        ---
        - database shop-prod-database (is being deleted)
        - subnet group shop-prod-database ()
        ---
        - subnet group shop-prod-database ()
        ---
        the database shop-prod-database was not made here and stays
        ---
        the database that was made for shop-prod is called shop-prod-database, not shop
        ");
    }
}
