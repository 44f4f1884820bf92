//! Systems Manager, as far as Parameter Store goes.

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::World;
use super::json::{Call, time};
use super::query::Failure;

const BOOKS: &str = "ssm";

/// The parameters by region and name.
type Books = BTreeMap<String, BTreeMap<String, Parameter>>;

#[derive(Debug, Serialize, Deserialize)]
struct Parameter {
    arn: String,
    /// `String`, `StringList` or `SecureString`.
    kind: String,
    value: String,
    version: u64,
    changed: Timestamp,
}

/// Carries out one call.
pub(super) fn answer(world: &World, call: &Call) -> Result<Value, Failure> {
    let answered = world.store.update(BOOKS, |books: &mut Books| {
        let parameters = books.entry(call.region.clone()).or_default();
        match call.operation.as_str() {
            "PutParameter" => put(world, call, parameters),
            "GetParameter" => get(call, parameters),
            "GetParameters" => Ok(get_all(call, parameters)),
            "DescribeParameters" => describe(call, parameters),
            "DeleteParameter" => {
                let name = call.required("Name")?;
                parameters.remove(name).ok_or_else(not_found)?;
                Ok(json!({}))
            }
            _ => Err(call.unknown()),
        }
    });
    answered?
}

/// The value behind an ARN, as an instance reads it.
pub(super) fn text_of(world: &World, arn: &str) -> std::io::Result<Option<String>> {
    let region = arn.split(':').nth(3).unwrap_or_default();
    let mut books: Books = world.store.read(BOOKS)?;
    let parameters = books.remove(region).unwrap_or_default();
    let found = parameters.into_values().find(|it| it.arn == arn);
    Ok(found.map(|parameter| parameter.value))
}

fn not_found() -> Failure {
    Failure::new("ParameterNotFound", "")
}

fn put(
    world: &World,
    call: &Call,
    parameters: &mut BTreeMap<String, Parameter>,
) -> Result<Value, Failure> {
    let (name, value) = (call.required("Name")?, call.required("Value")?);
    let version = match parameters.get(name) {
        Some(_) if !call.flag("Overwrite") => {
            let message = "The parameter already exists. To overwrite this value, set the overwrite option in the request to true.";
            return Err(Failure::new("ParameterAlreadyExists", message));
        }
        Some(parameter) => parameter.version + 1,
        None => 1,
    };
    let arn = format!(
        "arn:aws:ssm:{}:{}:parameter/{}",
        call.region,
        world.account.id,
        name.trim_start_matches('/')
    );
    let kind = call.text("Type");
    let kind = kind.or_else(|| parameters.get(name).map(|it| it.kind.as_str()));
    let parameter = Parameter {
        arn,
        kind: kind.unwrap_or("String").to_owned(),
        value: value.to_owned(),
        version,
        changed: call.now,
    };
    parameters.insert(name.to_owned(), parameter);
    Ok(json!({ "Version": version, "Tier": "Standard" }))
}

fn get(call: &Call, parameters: &BTreeMap<String, Parameter>) -> Result<Value, Failure> {
    let name = call.required("Name")?;
    let found = shown(name, parameters, call.flag("WithDecryption")).ok_or_else(not_found)?;
    Ok(json!({ "Parameter": found }))
}

fn get_all(call: &Call, parameters: &BTreeMap<String, Parameter>) -> Value {
    let names = call.input["Names"].as_array().into_iter().flatten();
    let (mut found, mut invalid) = (Vec::new(), Vec::new());
    for name in names.filter_map(Value::as_str) {
        match shown(name, parameters, call.flag("WithDecryption")) {
            Some(parameter) => found.push(parameter),
            None => invalid.push(name),
        }
    }
    json!({ "Parameters": found, "InvalidParameters": invalid })
}

/// A parameter by name or ARN; one that is encrypted stays so unless asked for in clear.
fn shown(id: &str, parameters: &BTreeMap<String, Parameter>, clear: bool) -> Option<Value> {
    let (name, parameter) = parameters
        .iter()
        .find(|(name, parameter)| *name == id || parameter.arn == id)?;
    let value = match parameter.kind.as_str() {
        "SecureString" if !clear => "AQICAHi-encrypted",
        _ => &parameter.value,
    };
    let mut shown = metadata(name, parameter);
    shown["Value"] = value.into();
    Some(shown)
}

fn metadata(name: &str, parameter: &Parameter) -> Value {
    json!({
        "Name": name,
        "ARN": parameter.arn,
        "Type": parameter.kind,
        "Version": parameter.version,
        "LastModifiedDate": time(parameter.changed),
        "DataType": "text",
    })
}

/// Only the filter for exact names is known.
fn describe(call: &Call, parameters: &BTreeMap<String, Parameter>) -> Result<Value, Failure> {
    let filters = call.input["ParameterFilters"].as_array();
    let mut wanted: Option<Vec<&str>> = None;
    for filter in filters.into_iter().flatten() {
        let option = filter["Option"].as_str().unwrap_or("Equals");
        if filter["Key"] != "Name" || option != "Equals" {
            let message = "The following filter key is not valid in the sandbox.";
            return Err(Failure::new("InvalidFilterKey", message));
        }
        let values = filter["Values"].as_array().into_iter().flatten();
        wanted = Some(values.filter_map(Value::as_str).collect());
    }
    let found: Vec<Value> = parameters
        .iter()
        .filter(|(name, _)| {
            wanted
                .as_ref()
                .is_none_or(|wanted| wanted.contains(&name.as_str()))
        })
        .map(|(name, parameter)| metadata(name, parameter))
        .collect();
    Ok(json!({ "Parameters": found }))
}
