//! The types of `properties` and `settings` in the project file: for each property a literal, or
//! the name of where its value is.

use std::collections::BTreeMap;
use std::fmt;
use std::path::PathBuf;

use serde::de::value::MapAccessDeserializer;
use serde::de::{Error, MapAccess, Visitor};
use serde::{Deserialize, Deserializer};

/// Stands for all names of a file: `"*": { dotenv: .env.production }`.
pub const ALL: &str = "*";

/// `properties:` of the project file, by name.
pub type Properties = BTreeMap<String, Source>;

/// `settings:` of an environment: namespace, option, value.
pub type SettingsConfig = BTreeMap<String, BTreeMap<String, Scalar>>;

/// Where a property's value comes from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Source {
    /// It stands in the file.
    Literal(String),
    /// A variable of the environment that the tool runs in.
    FromEnv(String),
    /// A file of `NAME=value` lines; the key is the property's name unless another is given.
    Dotenv {
        /// Relative to the project file.
        file: PathBuf,
        /// The name in the file.
        key: Option<String>,
    },
    /// A secret of Secrets Manager, by name or ARN.
    Secret {
        /// Name or ARN.
        id: String,
        /// A top-level key of its JSON.
        key: Option<String>,
        /// Whether the value is read and set instead of a reference to it.
        copy: bool,
    },
    /// A parameter of Systems Manager.
    Parameter {
        /// Name or ARN.
        name: String,
        /// Whether the value is read and set instead of a reference to it.
        copy: bool,
    },
    /// A part of the environment's declared database.
    Rds(RdsPart),
}

/// What a database tells.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum RdsPart {
    /// The address.
    Host,
    /// The port.
    Port,
    /// The name of the database.
    Database,
    /// The user's name.
    Username,
    /// The password.
    Password,
    /// What Secrets Manager calls the secret with the password, for an app that reads it itself.
    Secret,
}

impl Source {
    /// The source in words, without any value.
    #[must_use]
    pub fn words(&self) -> String {
        match self {
            Self::Literal(_) => "literal".into(),
            Self::FromEnv(name) => format!("variable {name}"),
            Self::Dotenv { file, .. } => format!("file {}", file.display()),
            Self::Secret { id, key: None, .. } => format!("secret {id}"),
            Self::Secret {
                id, key: Some(key), ..
            } => format!("secret {id}, key {key}"),
            Self::Parameter { name, .. } => format!("parameter {name}"),
            Self::Rds(_) => "database".into(),
        }
    }
}

/// A scalar of the file as the text that is meant.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Scalar(pub String);

/// The keys of a source.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Keys {
    from_env: Option<String>,
    dotenv: Option<PathBuf>,
    secret: Option<String>,
    parameter: Option<String>,
    rds: Option<RdsPart>,
    key: Option<String>,
    copy: Option<bool>,
}

impl Keys {
    /// The one source that the keys name.
    fn source(self) -> Result<Source, &'static str> {
        let Self { key, copy, .. } = self;
        let named = (
            self.from_env,
            self.dotenv,
            self.secret,
            self.parameter,
            self.rds,
        );
        let source = match named {
            (Some(name), None, None, None, None) => Source::FromEnv(name),
            (None, Some(file), None, None, None) => {
                let key = key.clone();
                Source::Dotenv { file, key }
            }
            (None, None, Some(id), None, None) => secret(&id, key.clone(), copy)?,
            (None, None, None, Some(name), None) => Source::Parameter {
                name,
                copy: copy.unwrap_or_default(),
            },
            (None, None, None, None, Some(part)) => Source::Rds(part),
            _ => {
                return Err("name exactly one source: from_env, dotenv, secret, parameter or rds");
            }
        };
        let (takes_key, takes_copy) = match source {
            Source::Dotenv { .. } => (true, false),
            Source::Secret { .. } => (true, true),
            Source::Parameter { .. } => (false, true),
            _ => (false, false),
        };
        match () {
            () if key.is_some() && !takes_key => Err("`key` belongs to `dotenv` or `secret`"),
            () if copy.is_some() && !takes_copy => Err("`copy` belongs to `secret` or `parameter`"),
            () => Ok(source),
        }
    }
}

/// `name`, `name#key`, or the key beside it. A key cannot hold a colon: what follows one is
/// ignored by the instances (facts 5.2).
fn secret(id: &str, key: Option<String>, copy: Option<bool>) -> Result<Source, &'static str> {
    let (id, behind) = match id.split_once('#') {
        Some((id, key)) => (id, Some(key.to_owned())),
        None => (id, None),
    };
    if key.is_some() && behind.is_some() {
        return Err("the secret's key stands here twice: after `#` and as `key`");
    }
    let key = key.or(behind);
    if id.is_empty() || key.as_deref().is_some_and(str::is_empty) {
        return Err("the name of the secret or its key is empty");
    }
    if key.as_deref().is_some_and(|key| key.contains(':')) {
        return Err("a secret's key cannot hold a colon");
    }
    Ok(Source::Secret {
        id: id.to_owned(),
        key,
        copy: copy.unwrap_or_default(),
    })
}

impl<'de> Deserialize<'de> for Source {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(SourceVisitor)
    }
}

impl<'de> Deserialize<'de> for Scalar {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(ScalarVisitor)
    }
}

struct SourceVisitor;

impl<'de> Visitor<'de> for SourceVisitor {
    type Value = Source;

    fn expecting(&self, to: &mut fmt::Formatter<'_>) -> fmt::Result {
        to.write_str("a text, or where the value comes from")
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<Source, E> {
        ScalarVisitor.visit_str(text).map(literal)
    }

    fn visit_bool<E: Error>(self, flag: bool) -> Result<Source, E> {
        ScalarVisitor.visit_bool(flag).map(literal)
    }

    fn visit_i64<E: Error>(self, number: i64) -> Result<Source, E> {
        ScalarVisitor.visit_i64(number).map(literal)
    }

    fn visit_u64<E: Error>(self, number: u64) -> Result<Source, E> {
        ScalarVisitor.visit_u64(number).map(literal)
    }

    fn visit_f64<E: Error>(self, number: f64) -> Result<Source, E> {
        ScalarVisitor.visit_f64(number).map(literal)
    }

    fn visit_unit<E: Error>(self) -> Result<Source, E> {
        Err(E::custom(
            "there is no value: write one, or leave the property out",
        ))
    }

    fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<Source, A::Error> {
        let keys = Keys::deserialize(MapAccessDeserializer::new(map))?;
        keys.source().map_err(A::Error::custom)
    }
}

fn literal(scalar: Scalar) -> Source {
    Source::Literal(scalar.0)
}

struct ScalarVisitor;

impl Visitor<'_> for ScalarVisitor {
    type Value = Scalar;

    fn expecting(&self, to: &mut fmt::Formatter<'_>) -> fmt::Result {
        to.write_str("a text, a number, or true or false")
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<Scalar, E> {
        Ok(Scalar(text.to_owned()))
    }

    fn visit_bool<E: Error>(self, flag: bool) -> Result<Scalar, E> {
        Ok(Scalar(flag.to_string()))
    }

    fn visit_i64<E: Error>(self, number: i64) -> Result<Scalar, E> {
        Ok(Scalar(number.to_string()))
    }

    fn visit_u64<E: Error>(self, number: u64) -> Result<Scalar, E> {
        Ok(Scalar(number.to_string()))
    }

    /// YAML does not keep how a fraction was written: `1.10` would become `1.1`.
    fn visit_f64<E: Error>(self, _: f64) -> Result<Scalar, E> {
        Err(E::custom(
            "a number with a fraction may not mean what it says: put it in quotes",
        ))
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;
    use crate::error::Kind;

    fn read(text: &str) -> String {
        let read: Result<Properties, _> =
            crate::yaml::parse(text, Path::new("beanship.yml"), Kind::Config);
        match read {
            Ok(properties) => properties
                .iter()
                .map(|(name, source)| format!("{name}: {source:?}"))
                .collect::<Vec<_>>()
                .join("\n"),
            Err(error) => error.message().to_owned(),
        }
    }

    #[test]
    fn every_source_is_read() {
        insta::assert_snapshot!(read("
A: info
B: 8080
C: true
D: '1.10'
E: { from_env: TOKEN }
F: { dotenv: .env.production, key: X }
'*': { dotenv: .env.production }
G: { secret: 'prod/mysql#password' }
H: { secret: prod/mysql, key: password, copy: true }
I: { secret: 'arn:aws:secretsmanager:eu-central-1:1:secret:x-AbCdEf' }
J: { parameter: /demo/feature }
K: { rds: host }
L: -7
"), @r#"
        *: Dotenv { file: ".env.production", key: None }
        A: Literal("info")
        B: Literal("8080")
        C: Literal("true")
        D: Literal("1.10")
        E: FromEnv("TOKEN")
        F: Dotenv { file: ".env.production", key: Some("X") }
        G: Secret { id: "prod/mysql", key: Some("password"), copy: false }
        H: Secret { id: "prod/mysql", key: Some("password"), copy: true }
        I: Secret { id: "arn:aws:secretsmanager:eu-central-1:1:secret:x-AbCdEf", key: None, copy: false }
        J: Parameter { name: "/demo/feature", copy: false }
        K: Rds(Host)
        L: Literal("-7")
        "#);
    }

    #[test]
    fn what_cannot_be_meant_is_said_with_its_place() {
        let wrong = [
            "A: { from_evn: X }",
            "A: { from_env: X, secret: y }",
            "A: {}",
            "A: { from_env: X, copy: true }",
            "A: { parameter: /x, key: y }",
            "A: { secret: 'x#y', key: z }",
            "A: { secret: 'x#' }",
            "A: { secret: x, key: 'a:b' }",
            "A: { rds: hots }",
            "A: 1.10",
            "A: 0123",
            "A: 0x1F",
            "A: [x]",
            "A:",
        ];
        let told: Vec<_> = wrong.iter().map(|text| read(text)).collect();
        insta::assert_snapshot!(told.join("\n"), @r#"
        beanship.yml:1:6: unknown key `from_evn`: did you mean `from_env`?
        beanship.yml:1:4: name exactly one source: from_env, dotenv, secret, parameter or rds
        beanship.yml:1:4: name exactly one source: from_env, dotenv, secret, parameter or rds
        beanship.yml:1:4: `copy` belongs to `secret` or `parameter`
        beanship.yml:1:4: `key` belongs to `dotenv` or `secret`
        beanship.yml:1:4: the secret's key stands here twice: after `#` and as `key`
        beanship.yml:1:4: the name of the secret or its key is empty
        beanship.yml:1:4: a secret's key cannot hold a colon
        beanship.yml:1:11: unknown value `hots`: known here are host, port, database, username, password, secret
        beanship.yml:1:4: a number with a fraction may not mean what it says: put it in quotes
        beanship.yml:1:4: a number with a fraction may not mean what it says: put it in quotes
        A: Literal("31")
        beanship.yml:1:1: invalid type: list, expected a text, or where the value comes from
        beanship.yml:1:2: there is no value: write one, or leave the property out
        "#);
    }
}
