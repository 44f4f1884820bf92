//! The Compose Specification's JSON schema, and a walk over a compose file beside it. The walk
//! knows the words that this schema uses; a test makes sure that there are no others.

use std::collections::HashSet;
use std::sync::LazyLock;

use serde_json::{Map, Value};

use super::scalar::Kind;
use super::tree::At;

/// The schema as data (Apache-2.0, see NOTICE).
static SCHEMA: LazyLock<Value> = LazyLock::new(|| {
    serde_json::from_str(include_str!("compose-spec.json")).unwrap_or(Value::Bool(true))
});

/// How many faults are looked for.
const MOST: usize = 200;

/// How a file differs from the schema.
#[derive(Debug)]
pub struct Fault<'a> {
    /// The key or value that is wrong.
    pub at: At<'a>,
    /// The names of the maps around it, from the top.
    pub path: Vec<&'a str>,
    /// What is wrong with it.
    pub wrong: Wrong,
}

/// What can be wrong.
#[derive(Debug)]
pub enum Wrong {
    /// A key that is not known here; these are.
    Unknown(Vec<&'static str>),
    /// A name with other characters than are allowed.
    Name,
    /// Another type than these.
    Type(Vec<&'static str>),
    /// Not one of these values.
    Choice(Vec<String>),
    /// This key is missing.
    Missing(&'static str),
    /// A number below or above what is allowed.
    Bounds(i64, i64),
    /// The same item twice.
    Repeated,
    /// A text that does not have the right form.
    Form,
}

/// Compares a file with the schema.
#[must_use]
pub fn compare(root: At<'_>) -> Vec<Fault<'_>> {
    let mut walk = Walk::default();
    walk.value(root, &SCHEMA);
    walk.faults
}

/// The keys of a service.
pub fn service_keys() -> impl Iterator<Item = &'static str> {
    keys(&SCHEMA["definitions"]["service"])
}

fn keys(schema: &'static Value) -> impl Iterator<Item = &'static str> {
    let properties = schema["properties"].as_object();
    properties
        .into_iter()
        .flat_map(Map::keys)
        .map(String::as_str)
}

#[derive(Default)]
struct Walk<'a> {
    path: Vec<&'a str>,
    faults: Vec<Fault<'a>>,
}

impl<'a> Walk<'a> {
    fn fault(&mut self, at: At<'a>, wrong: Wrong) {
        if self.faults.len() > MOST {
            return;
        }
        let path = self.path.clone();
        self.faults.push(Fault { at, path, wrong });
    }

    fn value(&mut self, at: At<'a>, schema: &'static Value) {
        if at.is_reset() || self.faults.len() > MOST {
            return;
        }
        let schema = resolve(schema);
        if let Some(choices) = schema["oneOf"].as_array() {
            return self.one_of(at, choices);
        }
        if !admits(schema, at) {
            return self.fault(at, Wrong::Type(types(schema)));
        }
        if at.is_map() {
            self.map(at, schema);
        } else if at.is_list() {
            self.list(at, schema);
        } else {
            self.scalar(at, schema);
        }
    }

    /// The branches that take this type are tried; the one that fits best tells what is wrong.
    fn one_of(&mut self, at: At<'a>, choices: &'static [Value]) {
        let fitting: Vec<&'static Value> = choices
            .iter()
            .map(resolve)
            .filter(|choice| choice["oneOf"].is_array() || admits(choice, at))
            .collect();
        if fitting.is_empty() {
            let mut expected: Vec<&str> = choices.iter().flat_map(|c| types(resolve(c))).collect();
            expected.dedup();
            return self.fault(at, Wrong::Type(expected));
        }
        let mut best: Option<Vec<Fault<'a>>> = None;
        for choice in fitting {
            let before = std::mem::take(&mut self.faults);
            self.value(at, choice);
            let found = std::mem::replace(&mut self.faults, before);
            if best.as_ref().is_none_or(|best| found.len() < best.len()) {
                best = Some(found);
            }
        }
        self.faults.extend(best.unwrap_or_default());
    }

    fn map(&mut self, at: At<'a>, schema: &'static Value) {
        for required in schema["required"].as_array().into_iter().flatten() {
            if let Some(name) = required.as_str()
                && at.get(name).is_none()
            {
                self.fault(at, Wrong::Missing(name));
            }
        }
        for (key, value) in at.entries() {
            let Some(name) = key.text() else {
                self.fault(key, Wrong::Type(vec!["string"]));
                continue;
            };
            match below(schema, name) {
                Below::Any => {}
                Below::Schema(schema) => {
                    self.path.push(name);
                    self.value(value, schema);
                    self.path.pop();
                }
                Below::Name => self.fault(key, Wrong::Name),
                Below::Unknown => self.fault(key, Wrong::Unknown(keys(schema).collect())),
            }
        }
    }

    fn list(&mut self, at: At<'a>, schema: &'static Value) {
        let mut seen = HashSet::new();
        let unique = schema["uniqueItems"] == Value::Bool(true);
        for item in at.items() {
            if unique
                && let Some(text) = item.text()
                && !seen.insert((text, item.kind() == Some(Kind::Text)))
            {
                self.fault(item, Wrong::Repeated);
            }
            if schema["items"].is_object() {
                self.value(item, &schema["items"]);
            }
        }
    }

    fn scalar(&mut self, at: At<'a>, schema: &'static Value) {
        let text = at.text().unwrap_or_default();
        if is_variable(at) {
            return;
        }
        if let Some(choices) = schema["enum"].as_array() {
            let choices: Vec<String> = choices
                .iter()
                .map(|choice| {
                    choice
                        .as_str()
                        .map_or_else(|| choice.to_string(), str::to_owned)
                })
                .collect();
            if !choices.iter().any(|choice| choice == text) {
                return self.fault(at, Wrong::Choice(choices));
            }
        }
        let (low, high) = (schema["minimum"].as_i64(), schema["maximum"].as_i64());
        if let Ok(number) = text.parse::<f64>()
            && at.kind() != Some(Kind::Text)
        {
            let (low, high) = (low.unwrap_or(i64::MIN), high.unwrap_or(i64::MAX));
            #[allow(clippy::cast_precision_loss)] // the schema's bounds are small
            if number < low as f64 || number > high as f64 {
                return self.fault(at, Wrong::Bounds(low, high));
            }
        }
        if let Some(pattern) = schema["pattern"].as_str()
            && at.kind() == Some(Kind::Text)
            && !fits(pattern, text)
        {
            self.fault(at, Wrong::Form);
        }
    }
}

/// Whether Compose fills a variable in before it looks at the type.
fn is_variable(at: At<'_>) -> bool {
    at.text().is_some_and(|text| text.contains('$'))
}

fn resolve(schema: &'static Value) -> &'static Value {
    match schema["$ref"].as_str().and_then(|r| r.strip_prefix('#')) {
        Some(pointer) => SCHEMA.pointer(pointer).unwrap_or(schema),
        None => schema,
    }
}

/// What stands under a key.
enum Below {
    Any,
    Schema(&'static Value),
    Name,
    Unknown,
}

fn below(schema: &'static Value, name: &str) -> Below {
    if let Some(schema) = schema["properties"].get(name) {
        return Below::Schema(schema);
    }
    let patterns = schema["patternProperties"].as_object();
    let mut named = false;
    for (pattern, schema) in patterns.into_iter().flatten() {
        if fits(pattern, name) {
            return Below::Schema(schema);
        }
        named |= pattern == NAME;
    }
    match &schema["additionalProperties"] {
        Value::Bool(false) if named => Below::Name,
        Value::Bool(false) => Below::Unknown,
        schema @ Value::Object(_) => Below::Schema(schema),
        _ => Below::Any,
    }
}

const NAME: &str = "^[a-zA-Z0-9._-]+$";
const CONTAINER_NAME: &str = "[a-zA-Z0-9][a-zA-Z0-9_.-]+";
const PULL_POLICY: &str =
    "always|never|build|if_not_present|missing|refresh|daily|weekly|every_([0-9]+[wdhms])+";

/// Whether a text has the form of one of the schema's patterns. None is anchored that does not
/// say so.
fn fits(pattern: &str, text: &str) -> bool {
    let in_name = |c: char| c.is_ascii_alphanumeric() || "._-".contains(c);
    match pattern {
        "^x-" => text.starts_with("x-"),
        NAME => !text.is_empty() && text.chars().all(in_name),
        "^.+$" | ".+" => text.chars().any(|c| c != '\n'),
        "^[a-z]+$" => !text.is_empty() && text.bytes().all(|b| b.is_ascii_lowercase()),
        CONTAINER_NAME => {
            let starts = |pair: &[char]| pair[0].is_ascii_alphanumeric() && in_name(pair[1]);
            text.chars().collect::<Vec<_>>().windows(2).any(starts)
        }
        PULL_POLICY => {
            let words = pattern.split('|').filter(|word| !word.contains('('));
            words.into_iter().any(|word| text.contains(word)) || every(text)
        }
        _ => true,
    }
}

/// `every_12h` somewhere in the text.
fn every(text: &str) -> bool {
    text.split("every_").skip(1).any(|rest| {
        let digits = rest.bytes().take_while(u8::is_ascii_digit).count();
        digits > 0 && rest[digits..].starts_with(['w', 'd', 'h', 'm', 's'])
    })
}

/// The types a schema takes.
fn types(schema: &'static Value) -> Vec<&'static str> {
    match &schema["type"] {
        Value::String(one) => vec![one],
        Value::Array(several) => several.iter().filter_map(Value::as_str).collect(),
        _ => Vec::new(),
    }
}

fn admits(schema: &'static Value, at: At<'_>) -> bool {
    let types = types(schema);
    if types.is_empty() {
        return true;
    }
    let has = |name: &str| types.contains(&name);
    if at.is_map() {
        return has("object");
    }
    if at.is_list() {
        return has("array");
    }
    let number = has("number") || has("integer");
    match at.kind() {
        Some(Kind::Text) if is_variable(at) => has("string") || has("boolean") || number,
        Some(Kind::Text) => has("string"),
        Some(Kind::Int) => number,
        Some(Kind::Float) => has("number"),
        Some(Kind::Bool) => has("boolean"),
        Some(Kind::Null) | None => has("null"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn words(schema: &Value, found: &mut HashSet<String>) {
        let Value::Object(map) = schema else { return };
        for (word, value) in map {
            match (word.as_str(), value) {
                ("properties" | "patternProperties" | "definitions", Value::Object(inner)) => {
                    if word == "patternProperties" {
                        found.extend(inner.keys().map(|pattern| format!("pattern {pattern}")));
                    }
                    inner.values().for_each(|schema| words(schema, found));
                }
                ("oneOf", Value::Array(inner)) => inner.iter().for_each(|s| words(s, found)),
                ("pattern", pattern) => {
                    found.insert(format!("pattern {}", pattern.as_str().unwrap_or_default()));
                }
                _ => words(value, found),
            }
            found.insert(word.clone());
        }
    }

    #[test]
    fn the_walk_knows_every_word_of_the_schema() {
        let mut found = HashSet::new();
        words(&SCHEMA, &mut found);
        let known = [
            "$id",
            "$ref",
            "$schema",
            "additionalProperties",
            "default",
            "definitions",
            "deprecated",
            "description",
            "enum",
            "items",
            "maximum",
            "minimum",
            "oneOf",
            "pattern",
            "patternProperties",
            "properties",
            "required",
            "title",
            "type",
            "uniqueItems",
            "pattern ^x-",
            "pattern ^.+$",
            "pattern .+",
            "pattern ^[a-z]+$",
        ];
        let mut known: HashSet<String> = known.iter().map(|word| (*word).to_owned()).collect();
        for pattern in [NAME, CONTAINER_NAME, PULL_POLICY] {
            known.insert(format!("pattern {pattern}"));
        }
        assert_eq!(
            found.difference(&known).collect::<Vec<_>>(),
            Vec::<&String>::new()
        );
    }

    #[test]
    fn patterns_are_matched_as_written() {
        assert!(fits(PULL_POLICY, "every_12h") && !fits(PULL_POLICY, "every_h"));
        assert!(fits(PULL_POLICY, "missing") && !fits(PULL_POLICY, "sometimes"));
        assert!(fits(CONTAINER_NAME, "app_1") && !fits(CONTAINER_NAME, "_"));
        assert!(fits(NAME, "a.b-c_1") && !fits(NAME, "a b"));
        assert!(service_keys().count() > 80);
    }
}
