//! `registry` in the project file: the login for a private registry that is not ECR, and the way
//! it gets to the instances (facts 3.4). The password itself is in neither the file nor the bundle.

use serde::{Deserialize, Serialize};

use super::Config;
use crate::properties::{Properties, Source};

/// The property that brings the password to the instances.
pub const PASSWORD: &str = "BEANSHIP_REGISTRY_PASSWORD";

/// Docker Hub.
const HUB: &str = "docker.io";

/// The value of `registry`.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RegistryConfig {
    /// Its host, as in `ghcr.io`; by default Docker Hub.
    pub server: Option<String>,
    /// Who logs in.
    pub username: Option<String>,
    /// Where the password is.
    pub password: Option<Source>,
    /// An object of S3 that is Docker's own file with logins, `s3://BUCKET/KEY`: yours, or, with
    /// name and password, written by `beanship bootstrap`.
    pub credentials: Option<String>,
}

/// How the instances log in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Way<'a> {
    /// By hooks, with the password in an environment property.
    Hooks {
        /// Who logs in.
        username: &'a str,
        /// Where the password is.
        password: &'a Source,
    },
    /// By an object of S3 that Dockerrun.aws.json names.
    Object {
        /// The bucket.
        bucket: &'a str,
        /// The key.
        key: &'a str,
        /// Who logs in and where the password is, where the object is made of that.
        login: Option<(&'a str, &'a Source)>,
    },
}

/// A registry without its login, for people.
#[derive(Debug, Clone, Serialize)]
pub struct RegistryWords {
    server: String,
    login: String,
}

impl RegistryConfig {
    /// Its host.
    #[must_use]
    pub fn server(&self) -> &str {
        self.server.as_deref().unwrap_or(HUB)
    }

    /// How the instances log in; none of what is contradictory.
    #[must_use]
    pub fn way(&self) -> Option<Way<'_>> {
        match (&self.username, &self.password, &self.credentials) {
            (Some(username), Some(password), None) => Some(Way::Hooks { username, password }),
            (username, password, Some(object)) => {
                let login = match (username, password) {
                    (None, None) => None,
                    (Some(username), Some(password)) => Some((username.as_str(), password)),
                    _ => return None,
                };
                let (bucket, key) = object.strip_prefix("s3://")?.split_once('/')?;
                let filled = !bucket.is_empty() && !key.is_empty();
                filled.then_some(Way::Object { bucket, key, login })
            }
            _ => None,
        }
    }

    /// Who logs in, and where the password is.
    #[must_use]
    pub fn login(&self) -> Option<(&str, &Source)> {
        match self.way()? {
            Way::Hooks { username, password } => Some((username, password)),
            Way::Object { login, .. } => login,
        }
    }

    /// It in words.
    #[must_use]
    pub fn words(&self) -> RegistryWords {
        let login = match self.way() {
            Some(Way::Hooks { username, password }) => {
                format!("{username}, {}", password.words())
            }
            Some(Way::Object { bucket, key, login }) => {
                let object = format!("s3://{bucket}/{key}");
                match login {
                    Some((username, password)) => {
                        format!("{username}, {}, in {object}", password.words())
                    }
                    None => object,
                }
            }
            None => "none".to_owned(),
        };
        RegistryWords {
            server: self.server().to_owned(),
            login,
        }
    }

    /// What cannot be meant.
    pub(super) fn problem(&self) -> Option<&'static str> {
        if let Some(Source::Literal(_)) = self.password {
            return Some(
                "`registry.password` names where the password is, as in `{ secret: NAME }`: it does not stand in the file",
            );
        }
        if let Some(Source::Rds(_) | Source::Dotenv { key: None, .. }) = self.password {
            return Some(
                "`registry.password` is `secret`, `parameter`, `from_env`, or `dotenv` with a `key`",
            );
        }
        let named = |name: &String| name.is_empty() || name.contains(['\n', '\r', '\0']);
        if self.username.as_ref().is_some_and(named) || self.server.as_ref().is_some_and(named) {
            return Some("`registry.server` and `registry.username` are one line each");
        }
        match self.way() {
            Some(_) => None,
            None => Some(
                "`registry` needs `username` and `password`, `credentials: s3://BUCKET/KEY`, or all three",
            ),
        }
    }
}

impl Config {
    /// The environment properties that the file declares for an environment (by key), with the
    /// one that the login of a private registry needs; an environment's own beat those for all.
    #[must_use]
    pub fn property_sources(&self, key: Option<&str>) -> Properties {
        let own = key.and_then(|key| self.environments.get(key)?.properties.clone());
        let mut sources = self.properties.clone().unwrap_or_default();
        sources.extend(own.unwrap_or_default());
        if let Some(Way::Hooks { password, .. }) =
            self.registry.as_ref().and_then(RegistryConfig::way)
        {
            sources.insert(PASSWORD.to_owned(), password.clone());
        }
        sources
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;

    #[test]
    fn the_login_is_complete_and_the_password_elsewhere() {
        let told = |registry: &str| {
            let text = format!("registry: {registry}\n");
            match Config::parse(&text, Path::new("beanship.yml")) {
                Ok(config) => {
                    let words = config.registry.as_ref().map(RegistryConfig::words);
                    let words = words.expect("a registry");
                    let names: Vec<_> = config.property_sources(None).into_keys().collect();
                    format!("{}: {} {names:?}", words.server, words.login)
                }
                Err(error) => error.to_string(),
            }
        };
        let all = [
            "{ server: ghcr.io, username: shop, password: { secret: 'prod/registry#token' } }",
            "{ username: shop, password: { from_env: TOKEN } }",
            "{ credentials: s3://my-bucket/logins/config.json }",
            "{ username: shop, password: hunter2 }",
            "{ username: shop }",
            "{ credentials: my-bucket/x }",
            "{ username: shop, password: { secret: x }, credentials: s3://a/b }",
            "{ username: shop, credentials: s3://a/b }",
            "{ username: shop, password: { rds: password } }",
        ];
        insta::assert_snapshot!(all.map(told).join("\n"), @r#"
        ghcr.io: shop, secret prod/registry, key token ["BEANSHIP_REGISTRY_PASSWORD"]
        docker.io: shop, variable TOKEN ["BEANSHIP_REGISTRY_PASSWORD"]
        docker.io: s3://my-bucket/logins/config.json []
        beanship.yml: `registry.password` names where the password is, as in `{ secret: NAME }`: it does not stand in the file
        beanship.yml: `registry` needs `username` and `password`, `credentials: s3://BUCKET/KEY`, or all three
        beanship.yml: `registry` needs `username` and `password`, `credentials: s3://BUCKET/KEY`, or all three
        docker.io: shop, secret x, in s3://a/b []
        beanship.yml: `registry` needs `username` and `password`, `credentials: s3://BUCKET/KEY`, or all three
        beanship.yml: `registry.password` is `secret`, `parameter`, `from_env`, or `dotenv` with a `key`
        "#);
    }
}
