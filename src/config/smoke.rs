//! `smoke` in the project file: what must hold once an update is done.

use std::fmt;
use std::time::Duration;

use serde::de::value::{MapAccessDeserializer, SeqAccessDeserializer};
use serde::de::{Error, MapAccess, SeqAccess, Unexpected, Visitor};
use serde::{Deserialize, Deserializer};

use super::{Config, Tier};
use crate::settings::duration;

/// The value of `smoke`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SmokeSetting {
    /// `false`: nothing is checked, whatever stands at the top of the file.
    Off,
    /// This is checked.
    Check(SmokeConfig),
}

/// A check over HTTP, a command, or both. What is not given has the default of
/// [`crate::deploy::smoke`].
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct SmokeConfig {
    /// Where to ask instead of the environment's own address.
    pub url: Option<String>,
    /// The path, with its query.
    pub path: Option<String>,
    /// The statuses that are good.
    pub status: Option<Statuses>,
    /// What the body must contain.
    pub contains: Option<String>,
    /// How often to ask again.
    pub retries: Option<u32>,
    /// How long to wait before asking again.
    #[serde(deserialize_with = "time")]
    pub interval: Option<Duration>,
    /// How long one request may take.
    #[serde(deserialize_with = "time")]
    pub timeout: Option<Duration>,
    /// A line for the shell.
    pub command: Option<String>,
    /// How long the command may take.
    #[serde(deserialize_with = "time")]
    pub command_timeout: Option<Duration>,
}

/// One HTTP status or several.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Statuses(pub Vec<u16>);

impl SmokeConfig {
    /// Whether something is asked over HTTP: where anything is said about that, and where no
    /// command is given.
    #[must_use]
    pub fn asks(&self) -> bool {
        let said = self.url.is_some()
            || self.path.is_some()
            || self.status.is_some()
            || self.contains.is_some()
            || self.retries.is_some()
            || self.interval.is_some()
            || self.timeout.is_some();
        said || self.command.is_none()
    }

    /// What cannot be meant; `at` is the place in the file.
    #[must_use]
    pub fn problems(&self, at: &str) -> Vec<String> {
        let mut problems = Vec::new();
        if self.url.as_deref().is_some_and(|url| !is_address(url)) {
            problems.push(format!(
                "`{at}.url` must be an address like https://shop.example.org, without user and query"
            ));
        }
        if self.path.as_deref().is_some_and(|path| !is_path(path)) {
            problems.push(format!("`{at}.path` must begin with a slash, like /health"));
        }
        let statuses = self.status.iter().flat_map(|statuses| &statuses.0);
        let mut wrong = statuses.filter(|status| !(200..=599).contains(*status));
        if self.status.as_ref().is_some_and(|it| it.0.is_empty()) || wrong.next().is_some() {
            problems.push(format!(
                "`{at}.status` must be an HTTP status from 200 to 599, or a list of them"
            ));
        }
        for (key, text) in [("contains", &self.contains), ("command", &self.command)] {
            if text.as_deref().is_some_and(|text| text.trim().is_empty()) {
                problems.push(format!("`{at}.{key}` must not be empty"));
            }
        }
        for (key, time) in [
            ("timeout", self.timeout),
            ("command_timeout", self.command_timeout),
        ] {
            if time.is_some_and(|time| time.is_zero()) {
                problems.push(format!("`{at}.{key}` must be longer than nothing"));
            }
        }
        if self.command_timeout.is_some() && self.command.is_none() {
            problems.push(format!(
                "`{at}.command_timeout` has no command: give `{at}.command`"
            ));
        }
        problems
    }
}

impl Config {
    /// What must hold after an update of the environment with this key: its own `smoke`, else
    /// the file's, which is for environments that serve HTTP.
    #[must_use]
    pub fn smoke(&self, key: Option<&str>) -> Option<&SmokeConfig> {
        let environment = key.and_then(|key| self.environments.get(key));
        let own = environment.and_then(|environment| environment.smoke.as_ref());
        let is_web = environment.is_none_or(|environment| environment.tier == Tier::Web);
        match own.or(self.smoke.as_ref().filter(|_| is_web))? {
            SmokeSetting::Off => None,
            SmokeSetting::Check(check) => Some(check),
        }
    }

    /// What cannot be meant by the file's checks.
    pub(super) fn smoke_problems(&self) -> Vec<String> {
        let mut problems = Vec::new();
        if let Some(SmokeSetting::Check(check)) = &self.smoke {
            problems.extend(check.problems("smoke"));
        }
        for (key, environment) in &self.environments {
            let Some(SmokeSetting::Check(check)) = &environment.smoke else {
                continue;
            };
            let at = format!("environments.{key}.smoke");
            problems.extend(check.problems(&at));
            if environment.tier == Tier::Worker && check.asks() && check.url.is_none() {
                problems.push(format!(
                    "`{at}` asks over HTTP, but `{key}` is a worker and has no address: give a \
                     `command` and nothing else, or a `url`"
                ));
            }
        }
        problems
    }
}

/// A place that can be asked, without anything that a path is appended to badly.
fn is_address(text: &str) -> bool {
    url::Url::parse(text).is_ok_and(|url| {
        matches!(url.scheme(), "http" | "https")
            && url.has_host()
            && url.username().is_empty()
            && url.password().is_none()
            && url.query().is_none()
            && url.fragment().is_none()
    })
}

fn is_path(text: &str) -> bool {
    text.starts_with('/') && !text.contains(|c: char| c.is_whitespace() || c.is_control())
}

fn time<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Duration>, D::Error> {
    let text = String::deserialize(deserializer)?;
    duration::parse(&text).map(Some).map_err(D::Error::custom)
}

impl<'de> Deserialize<'de> for SmokeSetting {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(SettingVisitor)
    }
}

struct SettingVisitor;

impl<'de> Visitor<'de> for SettingVisitor {
    type Value = SmokeSetting;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a map like { path: /health }, or false")
    }

    fn visit_bool<E: Error>(self, on: bool) -> Result<Self::Value, E> {
        match on {
            false => Ok(SmokeSetting::Off),
            true => Err(E::invalid_value(Unexpected::Bool(on), &self)),
        }
    }

    fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<Self::Value, A::Error> {
        SmokeConfig::deserialize(MapAccessDeserializer::new(map)).map(SmokeSetting::Check)
    }
}

impl<'de> Deserialize<'de> for Statuses {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(StatusesVisitor)
    }
}

struct StatusesVisitor;

impl<'de> Visitor<'de> for StatusesVisitor {
    type Value = Statuses;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an HTTP status, or a list of them")
    }

    fn visit_u64<E: Error>(self, status: u64) -> Result<Self::Value, E> {
        // What is no u16 is no status either; that is said with the place in the file.
        Ok(Statuses(vec![u16::try_from(status).unwrap_or_default()]))
    }

    fn visit_i64<E: Error>(self, status: i64) -> Result<Self::Value, E> {
        self.visit_u64(u64::try_from(status).unwrap_or_default())
    }

    fn visit_seq<A: SeqAccess<'de>>(self, list: A) -> Result<Self::Value, A::Error> {
        Vec::deserialize(SeqAccessDeserializer::new(list)).map(Statuses)
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;

    fn parse(text: &str) -> crate::error::Result<Config> {
        Config::parse(text, Path::new("beanship.yml"))
    }

    #[test]
    fn smoke_is_the_environments_own_or_the_files() {
        let config = parse(
            "smoke: { path: /health, status: [200, 204], interval: 1s }\n\
             environments:\n  own: { smoke: { command: ./smoke.sh } }\n  off: { smoke: false }\n  \
             usual: {}\n  worker: { tier: worker }\n",
        )
        .expect("a configuration");
        let paths = [
            None,
            Some("own"),
            Some("off"),
            Some("usual"),
            Some("worker"),
        ]
        .map(|key| config.smoke(key).map(|check| check.path.as_deref()));
        let usual = Some(Some("/health"));
        assert_eq!(paths, [usual, Some(None), None, usual, None]);
    }

    #[test]
    fn smoke_is_checked_with_the_file() {
        let text = "smoke: { url: shop.example.org, path: health, status: 42, contains: '' }\n\
                    environments:\n  jobs: { tier: worker, smoke: { path: /x, timeout: 0s } }\n";
        let error = parse(text).expect_err("problems");
        let messages: Vec<_> = error.problems().map(|p| p.message().to_owned()).collect();
        insta::assert_snapshot!(messages.join("\n"), @"
        beanship.yml: `smoke.url` must be an address like https://shop.example.org, without user and query
        beanship.yml: `smoke.path` must begin with a slash, like /health
        beanship.yml: `smoke.status` must be an HTTP status from 200 to 599, or a list of them
        beanship.yml: `smoke.contains` must not be empty
        beanship.yml: `environments.jobs.smoke.timeout` must be longer than nothing
        beanship.yml: `environments.jobs.smoke` asks over HTTP, but `jobs` is a worker and has no address: give a `command` and nothing else, or a `url`
        ");
        for (text, part) in [
            ("smoke: true", "or false"),
            ("smoke: { pth: /x }", "did you mean `path`?"),
            ("smoke: { interval: 5 }", "`5` is not a time"),
            (
                "smoke: { status: fine }",
                "an HTTP status, or a list of them",
            ),
        ] {
            let error = parse(text).expect_err(text);
            assert!(error.message().contains(part), "{text}: {error}");
        }
    }
}
