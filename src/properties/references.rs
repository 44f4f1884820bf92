//! Secrets and parameters at AWS: whether they are there, their full ARNs, and, only where asked
//! for, what they hold.

use serde::Deserialize;
use serde_json::json;

use super::{Source, Value};
use crate::aws::Aws;
use crate::aws::error::Explain;
use crate::error::{Error, Kind, Result};

/// A secret or parameter that was looked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Found {
    /// The full ARN, as the service returns it.
    pub arn: String,
    /// Why it could not be looked at, where its ARN is known all the same.
    pub unseen: Option<String>,
}

/// Looks for what a property names, without reading its value.
///
/// # Errors
/// [`Kind::Check`] where it is not there; else what AWS says.
pub async fn look(aws: &Aws, account: &str, name: &str, source: &Source) -> Result<Found> {
    let id = id(source);
    if let Some(elsewhere) = elsewhere(aws, id) {
        return Ok(Found {
            arn: id.to_owned(),
            unseen: Some(format!("it is in {elsewhere}")),
        });
    }
    match source {
        Source::Parameter { .. } => parameter(aws, account, name, id).await,
        _ => secret(aws, name, id).await,
    }
}

/// Name or ARN of what a source names.
fn id(source: &Source) -> &str {
    match source {
        Source::Secret { id, .. } => id,
        Source::Parameter { name, .. } => name,
        _ => "",
    }
}

/// The region of an ARN, where that is another one.
fn elsewhere<'a>(aws: &Aws, id: &'a str) -> Option<&'a str> {
    let region = id.strip_prefix("arn:")?.split(':').nth(2)?;
    (region != aws.region).then_some(region)
}

async fn secret(aws: &Aws, name: &str, id: &str) -> Result<Found> {
    let told = aws
        .secrets
        .describe_secret()
        .secret_id(id)
        .send()
        .await
        .explain("secretsmanager", "DescribeSecret");
    match told {
        Ok(told) if told.deleted_date().is_some() => Err(Error::new(
            Kind::Check,
            format!("the property {name} has no value: the secret {id} is being deleted"),
        )
        .hint(format!(
            "take it back with `aws secretsmanager restore-secret --secret-id {id}`"
        ))),
        Ok(told) => Ok(Found {
            arn: told.arn().unwrap_or(id).to_owned(),
            unseen: None,
        }),
        Err(error) if error.code() == Some("ResourceNotFoundException") => {
            Err(missing(aws, name, &format!("secret {id}"))
                .hint("list the secrets with `aws secretsmanager list-secrets`"))
        }
        Err(error) if error.kind() == Kind::Denied && has_suffix(id) => Ok(Found {
            arn: id.to_owned(),
            unseen: Some("the caller may not call secretsmanager:DescribeSecret".into()),
        }),
        Err(error) if error.kind() == Kind::Denied => Err(error.hint(format!(
            "give the secret's full ARN in beanship.yml, then run `beanship deploy` again: without that right its name {id} does not lead to it"
        ))),
        Err(error) => Err(error),
    }
}

/// Whether an ARN ends as the service's do: a hyphen and six characters.
fn has_suffix(arn: &str) -> bool {
    let end = arn.rsplit_once('-').map(|(_, end)| end);
    arn.starts_with("arn:") && end.is_some_and(|end| end.len() == 6)
}

/// What DescribeParameters answers, of which we need this.
#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Parameters {
    #[serde(default)]
    parameters: Vec<Described>,
    next_token: Option<String>,
}

#[derive(Deserialize)]
struct Described {
    #[serde(rename = "ARN")]
    arn: Option<String>,
}

/// The parameter of this name. A page of the answer may be empty although another follows.
async fn described(aws: &Aws, plain: &str) -> Result<Option<Described>> {
    let mut input = json!({
        "ParameterFilters": [{"Key": "Name", "Option": "Equals", "Values": [plain]}]
    });
    loop {
        let told: Parameters = aws.ssm.json("DescribeParameters", &input).await?;
        let found = told.parameters.into_iter().next();
        match told.next_token {
            Some(token) if found.is_none() => input["NextToken"] = token.into(),
            _ => return Ok(found),
        }
    }
}

/// What GetParameter answers. The value is secret: no `Debug`.
#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct OneParameter {
    parameter: WithValue,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct WithValue {
    #[serde(default)]
    value: String,
}

async fn parameter(aws: &Aws, account: &str, name: &str, id: &str) -> Result<Found> {
    let plain = plain_name(id);
    match described(aws, plain).await {
        Ok(Some(found)) => Ok(Found {
            arn: found.arn.unwrap_or_else(|| made_arn(aws, account, plain)),
            unseen: None,
        }),
        Ok(None) => Err(missing(aws, name, &format!("parameter {plain}"))
            .hint("list the parameters with `aws ssm describe-parameters`")),
        Err(error) if error.kind() == Kind::Denied => {
            let arn = match id.starts_with("arn:") {
                true => id.to_owned(),
                false => made_arn(aws, account, plain),
            };
            Ok(Found {
                arn,
                unseen: Some("the caller may not call ssm:DescribeParameters".into()),
            })
        }
        Err(error) => Err(error),
    }
}

/// The name that the ARN of a parameter means. One in a hierarchy begins with a slash.
fn plain_name(id: &str) -> &str {
    let Some((_, name)) = id.split_once(":parameter/") else {
        return id;
    };
    match name.contains('/') {
        true => &id[id.len() - name.len() - 1..],
        false => name,
    }
}

fn made_arn(aws: &Aws, account: &str, name: &str) -> String {
    let partition = crate::aws::partition(&aws.region);
    let name = name.trim_start_matches('/');
    format!(
        "arn:{partition}:ssm:{}:{account}:parameter/{name}",
        aws.region
    )
}

fn missing(aws: &Aws, name: &str, what: &str) -> Error {
    Error::new(
        Kind::Check,
        format!(
            "the property {name} has no value: there is no {what} in {}",
            aws.region
        ),
    )
}

/// Reads the value. Only for `copy`, for platforms that know no references, and for
/// `--read-secrets`.
///
/// # Errors
/// [`Kind::Check`] where the value or its key is not there; else what AWS says.
pub async fn read(aws: &Aws, name: &str, source: &Source, arn: &str) -> Result<Value> {
    match source {
        Source::Parameter { .. } => {
            let input = json!({"Name": plain_name(arn), "WithDecryption": true});
            let told: OneParameter = aws.ssm.json("GetParameter", &input).await?;
            Ok(Value::new(&told.parameter.value))
        }
        _ => {
            let told = aws
                .secrets
                .get_secret_value()
                .secret_id(arn)
                .send()
                .await
                .explain("secretsmanager", "GetSecretValue")?;
            let Some(text) = told.secret_string() else {
                return Err(Error::new(
                    Kind::Check,
                    format!("the property {name} has no value: its secret holds bytes, not text"),
                )
                .hint(
                    "store it as text: `aws secretsmanager put-secret-value --secret-string ...`",
                ));
            };
            match source {
                Source::Secret { key: Some(key), .. } => at_key(name, id(source), text, key),
                _ => Ok(Value::new(text)),
            }
        }
    }
}

/// The value at a top-level key; what is no text becomes its JSON, as on the instances (facts 5.2).
fn at_key(name: &str, id: &str, text: &str, key: &str) -> Result<Value> {
    let wrong = |why: String| {
        Error::new(
            Kind::Check,
            format!("the property {name} has no value: the secret {id} {why}"),
        )
        .hint(format!(
            "look at its keys with `aws secretsmanager get-secret-value --secret-id {id} --query SecretString --output text | jq keys`"
        ))
    };
    let object: serde_json::Map<String, serde_json::Value> =
        serde_json::from_str(text).map_err(|_| wrong("is no JSON object".into()))?;
    match object.get(key) {
        Some(serde_json::Value::String(text)) => Ok(Value::new(text)),
        Some(other) => Ok(Value::new(other.to_string())),
        None => Err(wrong(format!("has no key {key}"))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_are_found_at_the_top_only() {
        let text = r#"{"a": "x", "n": 1, "o": {"a": [1, 2]}}"#;
        let at = |key| at_key("P", "prod/x", text, key).map(|value| value.expose().to_owned());
        assert_eq!(at("a").expect("a text"), "x");
        assert_eq!(at("n").expect("a number"), "1");
        assert_eq!(at("o").expect("an object"), r#"{"a":[1,2]}"#);
        assert_eq!(
            at("b").expect_err("no such key").message(),
            "the property P has no value: the secret prod/x has no key b"
        );
        assert!(at_key("P", "s", "plain", "a").is_err());
    }

    #[test]
    fn the_name_of_a_parameter_is_in_its_arn() {
        for (id, name) in [
            ("/demo/feature", "/demo/feature"),
            ("feature", "feature"),
            (
                "arn:aws:ssm:eu-central-1:1:parameter/demo/feature",
                "/demo/feature",
            ),
            ("arn:aws:ssm:eu-central-1:1:parameter/feature", "feature"),
        ] {
            assert_eq!(plain_name(id), name, "{id}");
        }
    }
}
