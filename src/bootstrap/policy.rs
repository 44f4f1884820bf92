//! Policy documents: filled in from `templates/iam/`, compared by what they say rather than how
//! they are written, and told in words. Pure.

use std::collections::BTreeMap;
use std::collections::BTreeSet;

use serde_json::{Map, Value};

use crate::error::{Error, Kind, Result};

/// A policy of `templates/iam/`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Template {
    /// EC2 may take the instances' role.
    TrustInstances,
    /// Elastic Beanstalk may take the service role.
    TrustService,
    /// Elastic Beanstalk may take the operations role.
    TrustOperations,
    /// Workflows of a GitHub repository may take the deployer's role.
    TrustGithub,
    /// What the properties refer to may be read.
    References,
    /// Images may be pulled from ECR.
    Images,
    /// Images may be pushed to ECR.
    PushImages,
    /// Bundles in a bucket that is not Elastic Beanstalk's own may be read.
    Bundles,
    /// The login at a private registry may be read.
    RegistryLogin,
    /// The environment's roles may be passed on.
    PassRoles,
    /// What a deployer needs.
    Deployer,
}

impl Template {
    fn text(self) -> &'static str {
        match self {
            Self::TrustInstances => include_str!("../../templates/iam/trust-instances.json"),
            Self::TrustService => include_str!("../../templates/iam/trust-service.json"),
            Self::TrustOperations => include_str!("../../templates/iam/trust-operations.json"),
            Self::TrustGithub => include_str!("../../templates/iam/trust-github.json"),
            Self::References => include_str!("../../templates/iam/references.json"),
            Self::Images => include_str!("../../templates/iam/images.json"),
            Self::PushImages => include_str!("../../templates/iam/push-images.json"),
            Self::Bundles => include_str!("../../templates/iam/bundles.json"),
            Self::RegistryLogin => include_str!("../../templates/iam/registry-login.json"),
            Self::PassRoles => include_str!("../../templates/iam/pass-roles.json"),
            Self::Deployer => include_str!("../../templates/iam/deployer.json"),
        }
    }

    /// The document with `${name}` replaced by the values of that name. A statement that is left
    /// without any resource is left out.
    ///
    /// # Errors
    /// [`Kind::Config`] where a template is broken; a test holds that none is.
    pub fn fill(self, values: &[(&str, Vec<String>)]) -> Result<Value> {
        let values: BTreeMap<&str, &Vec<String>> = values
            .iter()
            .map(|(name, values)| (*name, values))
            .collect();
        let document: Value = serde_json::from_str(self.text())
            .map_err(|why| Error::new(Kind::Config, format!("the template {self:?}: {why}")))?;
        let mut document = replaced(document, &values);
        if let Some(statements) = document["Statement"].as_array_mut() {
            let empty = |it: &Value| it["Resource"].as_array().is_some_and(Vec::is_empty);
            statements.retain(|statement| !empty(statement));
        }
        Ok(document)
    }
}

/// Whether a document says nothing at all.
#[must_use]
pub fn is_empty(document: &Value) -> bool {
    document["Statement"].as_array().is_some_and(Vec::is_empty)
}

fn replaced(value: Value, values: &BTreeMap<&str, &Vec<String>>) -> Value {
    match value {
        Value::String(text) => {
            let name = text.strip_prefix("${").and_then(|it| it.strip_suffix('}'));
            match name.and_then(|name| values.get(name)) {
                Some(many) => match many.as_slice() {
                    [one] => Value::String(one.clone()),
                    many => many.iter().cloned().map(Value::String).collect(),
                },
                None => Value::String(text),
            }
        }
        Value::Array(items) => items.into_iter().map(|it| replaced(it, values)).collect(),
        Value::Object(members) => Value::Object(
            members
                .into_iter()
                .map(|(key, it)| (key, replaced(it, values)))
                .collect::<Map<_, _>>(),
        ),
        other => other,
    }
}

/// What a document says, one thing a line: who may (or may not) do what with what, and when.
#[must_use]
pub fn sayings(document: &Value) -> BTreeSet<String> {
    let mut said = BTreeSet::new();
    for statement in list(&document["Statement"]) {
        let allows = statement["Effect"].as_str() == Some("Allow");
        let verb = if allows { "may" } else { "may not" };
        let condition = conditions(&statement["Condition"]);
        for who in principals(&statement["Principal"]) {
            for (member, not) in [("Action", ""), ("NotAction", "anything but ")] {
                for action in texts(&statement[member]) {
                    let resources = texts(&statement["Resource"]);
                    let others = texts(&statement["NotResource"]);
                    let others = others.map(|it| format!(" on anything but {it}"));
                    let mut on: Vec<String> = resources
                        .map(|it| format!(" on {it}"))
                        .chain(others)
                        .collect();
                    if on.is_empty() {
                        on.push(String::new());
                    }
                    for on in on {
                        said.insert(format!("{who}{verb} {not}{action}{on}{condition}"));
                    }
                }
            }
        }
    }
    said
}

/// How one document differs from another, in words; none where they say the same.
#[must_use]
pub fn difference(seen: &Value, wanted: &Value) -> Option<String> {
    const SHOWN: usize = 4;
    let (seen, wanted) = (sayings(seen), sayings(wanted));
    let gone = seen
        .difference(&wanted)
        .map(|it| format!("no longer: {it}"));
    let new = wanted.difference(&seen).map(|it| format!("now: {it}"));
    let all: Vec<String> = gone.chain(new).collect();
    let more = all.len().saturating_sub(SHOWN);
    let mut text = all[..all.len().min(SHOWN)].join("; ");
    if more > 0 {
        text.push_str(&format!("; and {more} more"));
    }
    (!all.is_empty()).then_some(text)
}

fn principals(principal: &Value) -> Vec<String> {
    match principal {
        Value::Null => vec![String::new()],
        Value::Object(kinds) => kinds
            .values()
            .flat_map(|names| texts(names).map(|name| format!("{name} ")))
            .collect(),
        other => texts(other).map(|name| format!("{name} ")).collect(),
    }
}

fn conditions(condition: &Value) -> String {
    let operators = condition.as_object().into_iter().flatten();
    let mut all: Vec<String> = operators
        .flat_map(|(operator, keys)| {
            let keys = keys.as_object().into_iter().flatten();
            keys.map(move |(key, values)| {
                let mut values: Vec<&str> = texts(values).collect();
                values.sort_unstable();
                format!("{key} {operator} {}", values.join(" or "))
            })
        })
        .collect();
    all.sort();
    match all.is_empty() {
        true => String::new(),
        false => format!(" if {}", all.join(" and ")),
    }
}

fn list(value: &Value) -> &[Value] {
    match value {
        Value::Array(many) => many,
        Value::Null => &[],
        one => std::slice::from_ref(one),
    }
}

fn texts(value: &Value) -> impl Iterator<Item = &str> {
    list(value).iter().filter_map(Value::as_str)
}

/// A document as IAM gives it out: percent-encoded, or as it is.
#[must_use]
pub fn decoded(text: &str) -> Value {
    let plain = text.trim_start().starts_with('{');
    let decoded = || {
        let form = format!("d={text}");
        let pair = url::form_urlencoded::parse(form.as_bytes()).next();
        pair.map_or_else(String::new, |(_, text)| text.into_owned())
    };
    let json = if plain { text.to_owned() } else { decoded() };
    serde_json::from_str(&json).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn placeholders_become_values_and_empty_statements_vanish() {
        let one = |text: &str| vec![text.to_owned()];
        let filled = Template::References
            .fill(&[
                ("secrets", vec!["s1".into(), "s2".into()]),
                ("parameters", vec![]),
                ("keys", one("k")),
                ("rds_secrets", one("r")),
                ("rds_instance", one("i")),
            ])
            .expect("a template");
        insta::assert_snapshot!(sayings(&filled).into_iter().collect::<Vec<_>>().join("\n"), @"
        may kms:Decrypt on k
        may secretsmanager:GetSecretValue on r if aws:ResourceTag/aws:rds:primaryDBInstanceArn StringEquals i
        may secretsmanager:GetSecretValue on s1
        may secretsmanager:GetSecretValue on s2
        ");
        assert!(!is_empty(&filled));
        let none = [
            ("secrets", vec![]),
            ("parameters", vec![]),
            ("keys", vec![]),
            ("rds_secrets", vec![]),
            ("rds_instance", vec![]),
        ];
        assert!(is_empty(
            &Template::References.fill(&none).expect("a template")
        ));
    }

    #[test]
    fn documents_are_compared_by_what_they_say() {
        let a = json!({"Statement": {"Effect": "Allow", "Action": "s3:GetObject", "Resource": ["b", "a"]}});
        let b = json!({"Version": "2012-10-17", "Statement": [
            {"Sid": "X", "Effect": "Allow", "Action": ["s3:GetObject"], "Resource": "a"},
            {"Effect": "Allow", "Action": "s3:GetObject", "Resource": "b"},
        ]});
        assert_eq!(difference(&a, &b), None);
        let c = json!({"Statement": [{"Effect": "Allow", "Action": "s3:*", "Resource": "a",
            "Condition": {"StringEquals": {"k": ["y", "x"]}}}]});
        insta::assert_snapshot!(difference(&a, &c).expect("a difference"), @"no longer: may s3:GetObject on a; no longer: may s3:GetObject on b; now: may s3:* on a if k StringEquals x or y");
    }

    #[test]
    fn what_iam_encodes_is_read() {
        let policy = json!({"Statement": [{"Action": "a b+c%"}]});
        let encoded = "%7B%22Statement%22%3A%5B%7B%22Action%22%3A%22a%20b%2Bc%25%22%7D%5D%7D";
        assert_eq!(decoded(encoded), policy);
        assert_eq!(decoded(&policy.to_string()), policy);
    }
}
