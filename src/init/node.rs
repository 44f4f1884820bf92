//! YAML files of other tools, whose keys nobody here defines: read as they are, looked into by name.

use std::path::Path;

use serde_json::Value;

use crate::error::Kind;
use crate::yaml;

/// The file's content; the error is a remark.
pub(super) fn read(source: &str, text: &str) -> Result<Value, String> {
    yaml::parse(text, Path::new(source), Kind::Config)
        .map_err(|why| format!("it cannot be read: {}", why.message()))
}

/// A scalar as text.
pub(super) fn text(value: &Value) -> Option<String> {
    match value {
        Value::String(text) => Some(text.clone()),
        Value::Number(number) => Some(number.to_string()),
        Value::Bool(flag) => Some(flag.to_string()),
        _ => None,
    }
}

/// A scalar, or a list of them.
pub(super) fn texts(value: &Value) -> Vec<String> {
    match value {
        Value::Array(values) => values.iter().filter_map(text).collect(),
        value => text(value).into_iter().collect(),
    }
}

/// A map, or a list of maps.
pub(super) fn each(value: &Value) -> Vec<&Value> {
    match value {
        Value::Array(values) => values.iter().collect(),
        Value::Null => Vec::new(),
        value => vec![value],
    }
}

/// Whether a value says yes.
pub(super) fn is_true(value: &Value) -> bool {
    text(value).is_some_and(|text| matches!(text.as_str(), "true" | "yes" | "on"))
}
