//! The changes of a database. A call that finds its work done already has succeeded.

use std::time::Instant;

use rand::RngExt;
use serde_json::json;

use super::super::database::steps::{Drift, GROUPS};
use super::super::database::{DatabaseStep, ROTATING, credentials};
use super::super::names::Tags;
use super::super::pace;
use super::super::steps::Made;
use super::settled;
use crate::aws::Aws;
use crate::aws::error::Explain;
use crate::aws::rds::{self, Instance};
use crate::deploy::{World, environment};
use crate::error::{Error, Kind, Result};
use crate::output::Event;
use crate::properties::Value;

/// States that no instance leaves by itself (RDS User Guide, "Viewing DB instance status").
const STUCK: [&str; 9] = [
    "failed",
    "inaccessible-encryption-credentials",
    "incompatible-create",
    "incompatible-network",
    "incompatible-option-group",
    "incompatible-parameters",
    "incompatible-restore",
    "stopped",
    "storage-full",
];
/// Letters and digits: every engine takes them (facts 7), and every file format.
const SIGNS: &[u8] = b"ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz23456789";
/// How long a password is: MySQL takes no more than 41 (facts 7).
const LENGTH: usize = 32;

pub(super) async fn step(world: &World, step: &DatabaseStep, made: &mut Made) -> Result<()> {
    let aws = &world.aws;
    match step {
        DatabaseStep::CreateSubnets {
            name,
            subnets,
            tags,
            ..
        } => rds::create_subnet_group(aws, name, "beanship: for the database", subnets, tags).await,
        DatabaseStep::ChangeSubnets { name, subnets } => {
            rds::change_subnets(aws, name, subnets).await
        }
        DatabaseStep::Tag { arn, tags, .. } => rds::tag(aws, arn, tags).await,
        DatabaseStep::Keep {
            name,
            tags,
            username,
            database,
        } => keep(world, name, tags, &document(world, username, database)).await,
        DatabaseStep::Create {
            wanted,
            group,
            secret,
            ..
        } => {
            let password = match secret {
                Some(secret) => Some(credentials(aws, secret).await?),
                None => None,
            };
            let password = password.as_ref();
            if let Some(password) = password {
                world.out.hide(password.expose());
            }
            let group = made.group(group);
            match settled(aws, || rds::create(aws, wanted, group, password)).await {
                // The same call again, because its answer was lost.
                Err(error) if error.code() == Some("DBInstanceAlreadyExists") => Ok(()),
                other => other,
            }
        }
        DatabaseStep::Change { id, drift } => {
            let changes: Vec<_> = drift.iter().flat_map(|it| parameters(it, made)).collect();
            change(world, id, &changes).await
        }
        DatabaseStep::HandOver { id } => {
            change(world, id, &[(rds::MANAGED.into(), "true".into())]).await
        }
        DatabaseStep::Renew { id } => {
            let anew = ("RotateMasterUserPassword".into(), "true".into());
            change(world, id, &[anew]).await?;
            // Whoever is restarted next shall read the new one.
            wait(world, id).await
        }
        DatabaseStep::Password { .. } => password(world, step).await,
        DatabaseStep::Await { id, .. } => wait(world, id).await,
        DatabaseStep::Refresh { environment } => {
            made.request_id = environment::restart(aws, environment).await?;
            made.at_work = true;
            Ok(())
        }
    }
}

/// Changes an instance that is at work, until that shows.
async fn change(world: &World, id: &str, changes: &[(String, String)]) -> Result<()> {
    wait(world, id).await?;
    rds::modify(&world.aws, id, changes).await?;
    begun(&world.aws, id).await
}

/// The parameters of a change; a group that an earlier step has made goes by its id.
fn parameters(drift: &Drift, made: &Made) -> Vec<(String, String)> {
    if drift.parameter != GROUPS {
        return vec![(drift.parameter.to_owned(), drift.value.clone())];
    }
    let groups = made.with_groups(&drift.value);
    let name = |at: usize| format!("{GROUPS}.VpcSecurityGroupId.{}", at + 1);
    let groups = groups.split(',').enumerate();
    groups.map(|(at, id)| (name(at), id.to_owned())).collect()
}

/// What the secret holds: a new password, and whose it is.
fn document(world: &World, username: &str, database: &str) -> Value {
    let mut random = rand::rng();
    let sign = |_| char::from(SIGNS[random.random_range(..SIGNS.len())]);
    let password: String = (0..LENGTH).map(sign).collect();
    world.out.hide(&password);
    let held = json!({ "username": username, "password": password, "dbname": database });
    Value::new(held.to_string())
}

async fn keep(world: &World, name: &str, tags: &Tags, held: &Value) -> Result<()> {
    let tag = |(key, value): (&String, &String)| {
        aws_sdk_secretsmanager::types::Tag::builder()
            .key(key)
            .value(value)
            .build()
    };
    let made = world
        .aws
        .secrets
        .create_secret()
        .name(name)
        .description("The password of the environment's database, made by beanship")
        .secret_string(held.expose())
        .set_tags(Some(tags.iter().map(tag).collect()))
        .send()
        .await
        .explain("secretsmanager", "CreateSecret");
    match made {
        // The same call again, because its answer was lost: what is there counts.
        Err(error) if error.code() == Some("ResourceExistsException") => Ok(()),
        other => other.map(drop),
    }
}

/// Brings database and secret together. The secret comes first, and is marked until the database
/// has what it holds: a run that ends in between is finished by the next one.
async fn password(world: &World, step: &DatabaseStep) -> Result<()> {
    let DatabaseStep::Password {
        id,
        secret,
        fresh,
        by_rds,
        username,
        database,
    } = step
    else {
        return Ok(());
    };
    let aws = &world.aws;
    wait(world, id).await?;
    if *fresh {
        mark(aws, secret, "yes").await?;
        let held = document(world, username, database);
        let put = aws.secrets.put_secret_value().secret_id(secret);
        let put = put.secret_string(held.expose()).send().await;
        put.explain("secretsmanager", "PutSecretValue")?;
    }
    let password = credentials(aws, secret).await?;
    world.out.hide(password.expose());
    let password = password.expose().to_owned();
    let mut changes = vec![("MasterUserPassword".to_owned(), password)];
    if *by_rds {
        changes.push((rds::MANAGED.into(), "false".into()));
    }
    change(world, id, &changes).await?;
    wait(world, id).await?;
    mark(aws, secret, "no").await
}

async fn mark(aws: &Aws, secret: &str, value: &str) -> Result<()> {
    let tag = aws_sdk_secretsmanager::types::Tag::builder()
        .key(ROTATING)
        .value(value)
        .build();
    let call = aws.secrets.tag_resource().secret_id(secret).tags(tag);
    let done = call.send().await;
    done.explain("secretsmanager", "TagResource").map(drop)
}

/// Waits until a change that was just asked for shows, or for some seconds: it may be made already.
async fn begun(aws: &Aws, id: &str) -> Result<()> {
    let end = Instant::now() + pace::shows(aws);
    loop {
        let seen = rds::instance(aws, id).await?;
        if seen.is_none_or(|it| !it.is_settled()) || Instant::now() >= end {
            return Ok(());
        }
        tokio::time::sleep(pace::soon(aws)).await;
    }
}

/// Waits until an instance is at work, with a sign of life every now and then.
pub(in super::super) async fn wait(world: &World, id: &str) -> Result<()> {
    loop {
        let seen = look(world, id).await?;
        let Some(seen) = seen else {
            let what = format!("the database {id} is gone");
            return Err(Error::new(Kind::Aws, what)
                .hint("run `beanship bootstrap` again: it makes what is missing"));
        };
        if seen.is_settled() {
            return Ok(());
        }
        if STUCK.contains(&seen.status.as_str()) {
            let what = format!("the database {id} is {}", seen.status);
            return Err(Error::new(Kind::Aws, what).hint(format!(
                "read why with `aws rds describe-events --source-type db-instance --source-identifier {id}`"
            )));
        }
        pause(world, id, &seen.status, "").await?;
    }
}

/// Waits until an instance is gone.
pub(in super::super) async fn until_gone(world: &World, id: &str) -> Result<()> {
    while let Some(seen) = look(world, id).await? {
        pause(world, id, &seen.status, " --destroy").await?;
    }
    Ok(())
}

/// The instance; trouble on the way that passes is none.
async fn look(world: &World, id: &str) -> Result<Option<Instance>> {
    loop {
        match rds::instance(&world.aws, id).await {
            Err(error)
                if crate::aws::error::is_passing(&error) && Instant::now() < world.deadline =>
            {
                tokio::time::sleep(pace::slow(&world.aws)).await;
            }
            other => return other,
        }
    }
}

/// A pause, or the end of all patience.
async fn pause(world: &World, id: &str, status: &str, destroy: &str) -> Result<()> {
    if Instant::now() >= world.deadline {
        let what = format!("timed out: the database {id} is still {status}");
        return Err(Error::new(Kind::Timeout, what).hint(format!(
            "run `beanship bootstrap{destroy}` again: it goes on where it stopped; a longer time gives `--timeout 1h`"
        )));
    }
    let text = format!("the database {id} is {status}");
    world.out.event(&Event::Waiting(&text));
    tokio::time::sleep(pace::slow(&world.aws)).await;
    Ok(())
}
