//! STS: who the caller is, and temporary keys.

use jiff::{SignedDuration, Timestamp};

use super::World;
use super::account::{self, Key};
use super::gateway::Call;
use super::query::Failure;
use super::xml::Xml;

pub(super) const NAMESPACE: &str = "https://sts.amazonaws.com/doc/2011-06-15/";

/// Operations that nobody signs: the token in them is the proof.
pub(super) const UNSIGNED: [&str; 1] = ["AssumeRoleWithWebIdentity"];

/// Carries out one call.
pub(super) fn answer(world: &World, call: &Call) -> Result<Xml, Failure> {
    let mut xml = Xml::new();
    match (call.operation.as_str(), &call.key) {
        ("GetCallerIdentity", Some(key)) => {
            xml.text("Arn", &key.arn);
            xml.text("UserId", &key.user_id);
            xml.text("Account", &world.account.id);
        }
        ("GetSessionToken", Some(key)) => {
            let session = session(world, call, &key.arn, &key.user_id, 43_200)?;
            credentials(&mut xml, &session);
        }
        ("AssumeRole", Some(_)) => assume(world, call, &mut xml)?,
        ("AssumeRoleWithWebIdentity", _) => {
            web_identity(call)?;
            assume(world, call, &mut xml)?;
        }
        _ => return Err(call.unknown()),
    }
    Ok(xml)
}

/// A session of a role. The sandbox has no IAM, so every role of the account can be assumed.
fn assume(world: &World, call: &Call, xml: &mut Xml) -> Result<(), Failure> {
    let role = call.parameters.required("RoleArn")?;
    let name = call.parameters.required("RoleSessionName")?;
    let prefix = format!("arn:aws:iam::{}:role/", world.account.id);
    let path = role.strip_prefix(&prefix).ok_or_else(|| {
        let who = call.key.as_ref().map_or("anonymous", |key| &key.arn);
        let message = format!(
            "User: {who} is not authorized to perform: sts:{} on resource: {role}",
            call.operation
        );
        Failure::with_status(403, "AccessDenied", message)
    })?;
    let role_name = path.rsplit('/').next().unwrap_or(path);
    let arn = format!(
        "arn:aws:sts::{}:assumed-role/{role_name}/{name}",
        world.account.id
    );
    let user_id = format!("AROA{}:{name}", account::random(account::UPPER, 17));
    let session = session(world, call, &arn, &user_id, 3_600)?;
    credentials(xml, &session);
    xml.group("AssumedRoleUser", |xml| {
        xml.text("AssumedRoleId", &user_id);
        xml.text("Arn", &arn);
    });
    Ok(())
}

/// The token must at least look like one: three parts, as every JSON web token has.
fn web_identity(call: &Call) -> Result<(), Failure> {
    let token = call.parameters.required("WebIdentityToken")?;
    let parts: Vec<&str> = token.split('.').collect();
    if parts.len() == 3 && parts.iter().all(|part| !part.is_empty()) {
        return Ok(());
    }
    Err(Failure::new(
        "InvalidIdentityToken",
        "The ID Token provided is not a valid JWT. (You may see this error if you sent an Access Token)",
    ))
}

fn session(
    world: &World,
    call: &Call,
    arn: &str,
    user_id: &str,
    default: usize,
) -> Result<(String, Key), Failure> {
    let seconds = call
        .parameters
        .number("DurationSeconds", 900, 129_600)?
        .unwrap_or(default);
    let lifetime = SignedDuration::from_secs(i64::try_from(seconds).unwrap_or(i64::MAX));
    let expires: Timestamp = call.now.saturating_add(lifetime).unwrap_or(Timestamp::MAX);
    Ok(account::open_session(
        &world.store,
        arn,
        user_id,
        call.now,
        expires,
    )?)
}

fn credentials(xml: &mut Xml, (access_key_id, key): &(String, Key)) {
    xml.group("Credentials", |xml| {
        xml.text("AccessKeyId", access_key_id);
        xml.text("SecretAccessKey", &key.secret);
        xml.maybe("SessionToken", key.token.as_ref());
        if let Some(expires) = key.expires {
            xml.time("Expiration", expires);
        }
    });
}
