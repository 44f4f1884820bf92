//! Secrets and parameters as the instances fetch them while they are deployed to.

use super::super::query::Failure;
use super::super::{iam, secretsmanager, ssm};
use super::context::Context;
use super::model::{Environment, Settings};
use super::options::SECRETS;
use super::platforms;
use super::timeline::{self, Ending};

/// The sentence when a value cannot be had (seen on real instances).
const FAILED: &str = "Instance deployment failed to get one or more secrets";

/// The variables that the environment's secrets become.
pub(super) fn fetch(
    cx: &Context<'_>,
    environment: &Environment,
    settings: &Settings,
) -> Result<Result<Vec<(String, String)>, Ending>, Failure> {
    let mut fetched = Vec::new();
    // UNVERIFIED: that platforms from before the option ignore it.
    if platforms::released(&environment.platform) < platforms::SECRETS_SINCE {
        return Ok(Ok(fetched));
    }
    for (name, source) in settings.get(SECRETS).into_iter().flatten() {
        match value(cx, environment, source)? {
            Some(value) => fetched.push((name.clone(), value)),
            None => return Ok(Err(failure(name, source))),
        }
    }
    Ok(Ok(fetched))
}

fn value(
    cx: &Context<'_>,
    environment: &Environment,
    source: &str,
) -> Result<Option<String>, Failure> {
    let (arn, key) = split(source);
    if !cx.world.faults.lets_read(&iam::name_in(arn)) {
        return Ok(None);
    }
    let action = match arn.split(':').nth(2) {
        Some("ssm") => "ssm:GetParameter",
        _ => "secretsmanager:GetSecretValue",
    };
    let profile = environment.setting("aws:autoscaling:launchconfiguration", "IamInstanceProfile");
    if !iam::instances_may(cx.world, profile.unwrap_or_default(), action, arn)? {
        return Ok(None);
    }
    let text = match arn.split(':').nth(2) {
        Some("ssm") => ssm::text_of(cx.world, arn)?,
        _ => secretsmanager::text_of(cx.world, arn)?,
    };
    let Some((text, key)) = text.map(|text| (text, key)) else {
        return Ok(None);
    };
    let Some(key) = key else {
        return Ok(Some(text));
    };
    if platforms::released(&environment.platform) < platforms::KEYS_SINCE {
        return Ok(None);
    }
    let object: Option<serde_json::Value> = serde_json::from_str(&text).ok();
    let found = object.and_then(|object| object.get(key).cloned());
    Ok(found.map(|found| match found {
        serde_json::Value::String(text) => text,
        other => other.to_string(),
    }))
}

/// The ARN of a secret, and the key of its JSON; what stands behind a second colon does not count.
fn split(source: &str) -> (&str, Option<&str>) {
    let is_secret = source.split(':').nth(2) == Some("secretsmanager");
    let colons: Vec<usize> = source.match_indices(':').map(|(at, _)| at).collect();
    match colons.get(6) {
        Some(&at) if is_secret => {
            let key = source[at + 1..].split(':').next();
            (&source[..at], key.filter(|key| !key.is_empty()))
        }
        _ => (source, None),
    }
}

fn failure(name: &str, source: &str) -> Ending {
    Ending::Fails(timeline::Failure {
        explanation: Some(FAILED.to_owned()),
        // UNVERIFIED: what the engine writes.
        engine: format!("failed to get the value of environment variable {name} from {source}"),
        app: "",
    })
}
