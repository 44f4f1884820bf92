//! Secrets Manager: secrets with one current value each.

use std::collections::BTreeMap;

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::World;
use super::account::{self, request_id};
use super::json::{Call, time};
use super::query::Failure;

const BOOKS: &str = "secretsmanager";

/// Letters and digits of the end that AWS adds to a secret's name in its ARN.
const SUFFIX: &[u8] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";

/// The tag with the name of the service that a secret belongs to.
const OWNER: &str = "aws:secretsmanager:owningService";

/// The secrets by region and name.
type Books = BTreeMap<String, BTreeMap<String, Secret>>;

#[derive(Debug, Serialize, Deserialize)]
struct Secret {
    arn: String,
    description: Option<String>,
    created: Timestamp,
    changed: Timestamp,
    /// When it will be gone, once it is deleted.
    deleted: Option<Timestamp>,
    tags: BTreeMap<String, String>,
    /// Id and text of the current version.
    current: Option<(String, String)>,
}

/// Carries out one call.
pub(super) fn answer(world: &World, call: &Call) -> Result<Value, Failure> {
    let answered = world.store.update(BOOKS, |books: &mut Books| {
        let secrets = books.entry(call.region.clone()).or_default();
        secrets.retain(|_, secret| secret.deleted.is_none_or(|gone| gone > call.now));
        match call.operation.as_str() {
            "CreateSecret" => create(world, call, secrets),
            "ListSecrets" => Ok(list(secrets)),
            "DescribeSecret" => read(call, secrets, describe),
            "GetSecretValue" => read(call, secrets, value),
            "PutSecretValue" | "UpdateSecret" => change(call, secrets, put),
            "DeleteSecret" => change(call, secrets, delete),
            "RestoreSecret" => change(call, secrets, restore),
            "TagResource" => change(call, secrets, tag),
            _ => Err(call.unknown()),
        }
    });
    answered?
}

/// The text behind an ARN, as an instance reads it.
pub(super) fn text_of(world: &World, arn: &str) -> std::io::Result<Option<String>> {
    let region = arn.split(':').nth(3).unwrap_or_default();
    let mut books: Books = world.store.read(BOOKS)?;
    let secrets = books.remove(region).unwrap_or_default();
    let found = secrets
        .into_values()
        .find(|secret| secret.arn == arn && secret.deleted.is_none());
    Ok(found
        .and_then(|secret| secret.current)
        .map(|(_, text)| text))
}

/// The tags of the secret that an ARN means, as conditions ask about them.
pub(super) fn tags_of(world: &World, arn: &str) -> std::io::Result<BTreeMap<String, String>> {
    let region = arn.split(':').nth(3).unwrap_or_default();
    let mut books: Books = world.store.read(BOOKS)?;
    let secrets = books.remove(region).unwrap_or_default();
    let mut all = secrets.into_values();
    Ok(all
        .find(|it| it.arn == arn)
        .map(|it| it.tags)
        .unwrap_or_default())
}

/// Keeps a secret for RDS, whose names hold a sign that no other's may; its ARN.
pub(super) fn manage(
    world: &World,
    region: &str,
    now: Timestamp,
    text: &str,
    mut tags: BTreeMap<String, String>,
) -> std::io::Result<String> {
    let name = format!("rds!db-{}", request_id());
    let end = account::random(SUFFIX, 6);
    let account = &world.account.id;
    let arn = format!("arn:aws:secretsmanager:{region}:{account}:secret:{name}-{end}");
    let secret = Secret {
        arn: arn.clone(),
        description: Some("The secret of a database instance".to_owned()),
        created: now,
        changed: now,
        deleted: None,
        tags: {
            tags.insert(OWNER.to_owned(), "rds".to_owned());
            tags
        },
        current: Some((request_id(), text.to_owned())),
    };
    world.store.update(BOOKS, |books: &mut Books| {
        books
            .entry(region.to_owned())
            .or_default()
            .insert(name, secret);
    })?;
    Ok(arn)
}

/// Changes what one of those holds.
pub(super) fn renew(
    world: &World,
    region: &str,
    now: Timestamp,
    arn: &str,
    text: &str,
) -> std::io::Result<()> {
    world.store.update(BOOKS, |books: &mut Books| {
        let secrets = books.entry(region.to_owned()).or_default().values_mut();
        for secret in secrets.filter(|it| it.arn == arn) {
            secret.current = Some((request_id(), text.to_owned()));
            secret.changed = now;
        }
    })
}

/// Forgets one of those at once.
pub(super) fn unmanage(world: &World, region: &str, arn: &str) -> std::io::Result<()> {
    world.store.update(BOOKS, |books: &mut Books| {
        let secrets = books.entry(region.to_owned()).or_default();
        secrets.retain(|_, secret| secret.arn != arn);
    })
}

fn create(
    world: &World,
    call: &Call,
    secrets: &mut BTreeMap<String, Secret>,
) -> Result<Value, Failure> {
    let name = call.required("Name")?.to_owned();
    let fits = |c: char| c.is_ascii_alphanumeric() || "/_+=.@-".contains(c);
    if name.is_empty() || !name.chars().all(fits) {
        let message = "Invalid name. Must be a valid name containing alphanumeric characters, or any of the following: -/_+=.@!";
        return Err(Failure::new("ValidationException", message));
    }
    let version = version(call);
    if let Some(secret) = secrets.get(&name) {
        if secret.deleted.is_some() {
            let message = "You can't create this secret because a secret with this name is already scheduled for deletion.";
            return Err(Failure::new("InvalidRequestException", message));
        }
        // The same request again, because its answer was lost.
        if secret.current.as_ref().map(|(id, _)| id) == Some(&version) {
            return Ok(json!({ "ARN": secret.arn, "Name": name, "VersionId": version }));
        }
        let message = format!("The operation failed because the secret {name} already exists.");
        return Err(Failure::new("ResourceExistsException", message));
    }
    let arn = format!(
        "arn:aws:secretsmanager:{}:{}:secret:{name}-{}",
        call.region,
        world.account.id,
        account::random(SUFFIX, 6)
    );
    let text = call.text("SecretString").map(str::to_owned);
    let secret = Secret {
        arn: arn.clone(),
        description: call.text("Description").map(str::to_owned),
        created: call.now,
        changed: call.now,
        deleted: None,
        tags: call.tags().collect(),
        current: text.map(|text| (version.clone(), text)),
    };
    let has_value = secret.current.is_some();
    secrets.insert(name.clone(), secret);
    let mut output = json!({ "ARN": arn, "Name": name });
    if has_value {
        output["VersionId"] = version.into();
    }
    Ok(output)
}

/// The id of the version that a call makes.
fn version(call: &Call) -> String {
    call.text("ClientRequestToken")
        .map_or_else(request_id, str::to_owned)
}

/// A secret by its name, its ARN, or its ARN without the end that AWS added.
fn find<'a>(
    call: &Call,
    secrets: &'a mut BTreeMap<String, Secret>,
) -> Result<(&'a String, &'a mut Secret), Failure> {
    let id = call.required("SecretId")?;
    let partial = |secret: &Secret| {
        secret
            .arn
            .rsplit_once('-')
            .is_some_and(|(arn, _)| arn == id)
    };
    secrets
        .iter_mut()
        .find(|(name, secret)| *name == id || secret.arn == id || partial(secret))
        .ok_or_else(|| {
            let message = "Secrets Manager can't find the specified secret.";
            Failure::new("ResourceNotFoundException", message)
        })
}

fn read(
    call: &Call,
    secrets: &mut BTreeMap<String, Secret>,
    answer: fn(&str, &Secret) -> Result<Value, Failure>,
) -> Result<Value, Failure> {
    let (name, secret) = find(call, secrets)?;
    answer(name, secret)
}

fn change(
    call: &Call,
    secrets: &mut BTreeMap<String, Secret>,
    change: fn(&Call, &mut Secret) -> Result<Value, Failure>,
) -> Result<Value, Failure> {
    let (name, secret) = find(call, secrets)?;
    if secret.deleted.is_some()
        && !matches!(call.operation.as_str(), "RestoreSecret" | "DeleteSecret")
    {
        return Err(marked());
    }
    let mut output = change(call, secret)?;
    if call.operation != "TagResource" {
        output["ARN"] = secret.arn.clone().into();
        output["Name"] = name.clone().into();
    }
    Ok(output)
}

fn marked() -> Failure {
    let message =
        "You can't perform this operation on the secret because it was marked for deletion.";
    Failure::new("InvalidRequestException", message)
}

fn describe(name: &str, secret: &Secret) -> Result<Value, Failure> {
    let tags = secret.tags.iter();
    let tags: Vec<Value> = tags
        .map(|(key, value)| json!({ "Key": key, "Value": value }))
        .collect();
    let mut output = json!({
        "ARN": secret.arn,
        "Name": name,
        "CreatedDate": time(secret.created),
        "LastChangedDate": time(secret.changed),
        "Tags": tags,
    });
    if let Some(description) = &secret.description {
        output["Description"] = description.clone().into();
    }
    if let Some(owner) = secret.tags.get(OWNER) {
        output["OwningService"] = owner.clone().into();
        output["RotationEnabled"] = true.into();
        output["RotationRules"] = json!({ "AutomaticallyAfterDays": 7 });
    }
    if let Some(deleted) = secret.deleted {
        output["DeletedDate"] = time(deleted).into();
    }
    if let Some((id, _)) = &secret.current {
        output["VersionIdsToStages"] = json!({ id: ["AWSCURRENT"] });
    }
    Ok(output)
}

fn value(name: &str, secret: &Secret) -> Result<Value, Failure> {
    if secret.deleted.is_some() {
        return Err(marked());
    }
    let (id, text) = secret.current.as_ref().ok_or_else(|| {
        let message =
            "Secrets Manager can't find the specified secret value for staging label: AWSCURRENT";
        Failure::new("ResourceNotFoundException", message)
    })?;
    Ok(json!({
        "ARN": secret.arn,
        "Name": name,
        "VersionId": id,
        "SecretString": text,
        "VersionStages": ["AWSCURRENT"],
        "CreatedDate": time(secret.changed),
    }))
}

fn list(secrets: &BTreeMap<String, Secret>) -> Value {
    let live = secrets
        .iter()
        .filter(|(_, secret)| secret.deleted.is_none());
    let entries: Vec<Value> = live
        .filter_map(|(name, secret)| describe(name, secret).ok())
        .collect();
    json!({ "SecretList": entries })
}

fn put(call: &Call, secret: &mut Secret) -> Result<Value, Failure> {
    let mut output = json!({});
    if let Some(text) = call.text("SecretString") {
        let version = version(call);
        secret.current = Some((version.clone(), text.to_owned()));
        output = json!({ "VersionId": version, "VersionStages": ["AWSCURRENT"] });
    } else if call.operation == "PutSecretValue" {
        let message = "You must provide either SecretString or SecretBinary.";
        return Err(Failure::new("InvalidRequestException", message));
    }
    if let Some(description) = call.text("Description") {
        secret.description = Some(description.to_owned());
    }
    secret.changed = call.now;
    Ok(output)
}

fn delete(call: &Call, secret: &mut Secret) -> Result<Value, Failure> {
    let days = match call.flag("ForceDeleteWithoutRecovery") {
        true => 0,
        false => call.input["RecoveryWindowInDays"].as_i64().unwrap_or(30),
    };
    let gone = call
        .now
        .saturating_add(SignedDuration::from_hours(24 * days));
    let gone = gone.unwrap_or(Timestamp::MAX);
    secret.deleted = Some(gone);
    Ok(json!({ "DeletionDate": time(gone) }))
}

fn restore(_: &Call, secret: &mut Secret) -> Result<Value, Failure> {
    secret.deleted = None;
    Ok(json!({}))
}

fn tag(call: &Call, secret: &mut Secret) -> Result<Value, Failure> {
    secret.tags.extend(call.tags());
    Ok(json!({}))
}
