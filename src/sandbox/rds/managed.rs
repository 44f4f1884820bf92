//! Passwords that RDS makes and keeps itself, each in a secret that only it changes.

use std::collections::BTreeMap;

use super::super::account::{UPPER, random};
use super::super::query::Failure;
use super::super::secretsmanager;
use super::Context;
use super::model::Instance;

/// How long such a password is.
const LENGTH: usize = 28;

/// Begins to keep a password: makes one, and the secret with it.
pub(super) fn begin(cx: &Context<'_>, id: &str, instance: &mut Instance) -> Result<(), Failure> {
    let text = make(instance);
    let tag = ("aws:rds:primaryDBInstanceArn".to_owned(), cx.arn("db", id));
    let tags: BTreeMap<_, _> = instance.tags.clone().into_iter().chain([tag]).collect();
    let (region, now) = (&cx.call.region, cx.call.now);
    let arn = secretsmanager::manage(cx.world, region, now, &text, tags)?;
    instance.managed = Some(arn);
    Ok(())
}

/// Makes another password, where one is kept.
pub(super) fn renew(cx: &Context<'_>, instance: &mut Instance) -> Result<(), Failure> {
    let text = make(instance);
    if let Some(arn) = &instance.managed {
        let (region, now) = (&cx.call.region, cx.call.now);
        secretsmanager::renew(cx.world, region, now, arn, &text)?;
    }
    Ok(())
}

/// Keeps none any more.
pub(super) fn end(cx: &Context<'_>, instance: &mut Instance) -> Result<(), Failure> {
    if let Some(arn) = instance.managed.take() {
        secretsmanager::unmanage(cx.world, &cx.call.region, &arn)?;
    }
    Ok(())
}

/// How its secret is.
pub(super) fn status(instance: &Instance) -> &'static str {
    match instance.status.as_str() {
        "creating" => "creating",
        "resetting-master-credentials" => "rotating",
        _ => "active",
    }
}

/// A new password of an instance, as its secret holds it.
fn make(instance: &mut Instance) -> String {
    instance.password = random(UPPER, LENGTH);
    let (username, password) = (&instance.username, &instance.password);
    serde_json::json!({ "username": username, "password": password }).to_string()
}
