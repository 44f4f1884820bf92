//! What is read of a database before anything is planned. Nothing here writes.

use std::collections::BTreeSet;

use serde::Deserialize;

use super::super::names::{Place, Tags};
use super::{DATABASE, Seen, SeenSecret, id, join};
use crate::aws::error::Explain;
use crate::aws::{Aws, rds};
use crate::config::{DatabaseConfig, EnvironmentConfig};
use crate::error::{Error, Kind, Result};
use crate::properties::{Value, secret_name};

/// Looks at everything that counts for an environment's database.
///
/// # Errors
/// [`Kind::Check`] where a database that is named is not there; else what AWS says.
pub async fn look(aws: &Aws, place: &Place, declared: &EnvironmentConfig) -> Result<Seen> {
    let Some(database) = declared.database.as_ref() else {
        return Ok(Seen::default());
    };
    if database.instance.is_some() {
        return Ok(Seen {
            joined: join::look(aws, database).await?,
            ..Seen::default()
        });
    }
    let id = id(&place.target.environment);
    let name = secret_name(&place.target, DATABASE);
    let group = async {
        let Some(found) = rds::subnet_group(aws, &id).await? else {
            return Ok(None);
        };
        let tags = rds::tags(aws, &found.arn).await?;
        Ok::<_, Error>(Some((found, tags)))
    };
    let kept = async {
        match database.managed_password {
            true => Ok(None),
            false => secret(aws, &name).await,
        }
    };
    let (instance, group, secret, (zones, note)) =
        tokio::join!(rds::instance(aws, &id), group, kept, zones(aws, database),);
    let instance = instance?;
    let status = instance.as_ref().and_then(|it| it.secret_status());
    let impaired = (status == Some("impaired")).then(|| {
        format!("RDS can no longer change the password of {id}: see why with `aws rds describe-events --source-type db-instance --source-identifier {id}`")
    });
    Ok(Seen {
        joined: None,
        instance,
        subnet_group: group?,
        secret: secret?,
        zones,
        notes: note.into_iter().chain(impaired).collect(),
    })
}

/// The zones that offer the class. No answer, or none at all, means that nothing is known.
async fn zones(aws: &Aws, database: &DatabaseConfig) -> (Option<BTreeSet<String>>, Option<String>) {
    let Some(engine) = database.engine else {
        return (None, None);
    };
    let class = &database.class;
    match rds::zones_of(aws, engine.word(), class).await {
        Ok(zones) if zones.is_empty() => {
            let note = format!("RDS names no zone of {} that offers {class}", aws.region);
            (None, Some(note))
        }
        Ok(zones) => (Some(zones), None),
        Err(error) => {
            let note = format!("which zones offer {class} is not known: {error}");
            (None, Some(note))
        }
    }
}

/// The secret of this name, without its value.
pub(in super::super) async fn secret(aws: &Aws, name: &str) -> Result<Option<SeenSecret>> {
    let told = aws.secrets.describe_secret().secret_id(name).send().await;
    let told = match told.explain("secretsmanager", "DescribeSecret") {
        Err(error) if error.code() == Some("ResourceNotFoundException") => return Ok(None),
        other => other?,
    };
    let tags = told.tags().iter();
    let tag = |tag: &aws_sdk_secretsmanager::types::Tag| {
        Some((tag.key()?.to_owned(), tag.value()?.to_owned()))
    };
    Ok(Some(SeenSecret {
        arn: told.arn().unwrap_or(name).to_owned(),
        tags: tags.filter_map(tag).collect::<Tags>(),
        deleted: told.deleted_date().is_some(),
    }))
}

/// The password in a secret: read only to make an instance with it, or to give it to one.
///
/// # Errors
/// [`Kind::Check`] for a secret that holds none; else what AWS says.
pub async fn credentials(aws: &Aws, name: &str) -> Result<Value> {
    #[derive(Deserialize)]
    struct Held {
        password: String,
    }
    let told = aws.secrets.get_secret_value().secret_id(name).send().await;
    let told = told.explain("secretsmanager", "GetSecretValue")?;
    let held: Option<Held> = told
        .secret_string()
        .and_then(|text| serde_json::from_str(text).ok());
    held.map(|it| Value::new(it.password)).ok_or_else(|| {
        let what = format!("the secret {name} holds no password");
        Error::new(Kind::Check, what).hint(format!(
            "give it one: `aws secretsmanager put-secret-value --secret-id {name} --secret-string '{{\"password\":\"...\"}}'`"
        ))
    })
}
