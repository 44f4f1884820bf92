//! What `trouble.yml` may say.
//!
//! ```yaml
//! speed: 2                                # everything twice as fast; 1 is the default, 1000 suits tests
//! throttle: { every: 2 }                  # every second request; or { rate: 2, burst: 10 } requests a second
//! errors: { every: 5, status: 503 }       # 500 unless said
//! cut: { every: 4, when: before }         # the connection closes unanswered; `after`: the work was done all the same
//! stall: { every: 1, times: 1 }           # no answer for as long as the caller waits, nor is its request read
//! deny: [elasticbeanstalk:UpdateEnvironment, "s3:Put*"]
//! unreadable: ["prod/*"]                  # secrets and parameters that no instance may read, by name
//! iam_settles: 2                          # seconds for which IAM does not know what was just made
//! deploy: fail                            # or { outcome: fail, times: 1, environments: [shop-production] }
//! http: 500                               # what environments answer; or { status: 500, body: oops, times: 1, environments: [..] }
//! ```
//!
//! `throttle`, `errors`, `cut`, `stall`, `deploy` and `http` take one rule or a list of rules, each with `times: N` (no
//! limit, when absent). The first four take `operations: [UpdateEnvironment, "s3:*"]` (all, when absent).

use std::fmt;

use serde::de::value::{MapAccessDeserializer, SeqAccessDeserializer, StrDeserializer};
use serde::de::{Error, MapAccess, SeqAccess, Visitor};
use serde::{Deserialize, Deserializer};

#[derive(Debug, Clone, Default, PartialEq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(super) struct Trouble {
    pub(super) speed: Option<f64>,
    pub(super) throttle: Rules<Throttle>,
    pub(super) errors: Rules<Errors>,
    pub(super) cut: Rules<Cut>,
    pub(super) stall: Rules<Stall>,
    /// IAM actions, with `*` for any text.
    pub(super) deny: Vec<String>,
    /// Names of secrets and parameters, with `*` for any text.
    pub(super) unreadable: Vec<String>,
    pub(super) iam_settles: Option<f64>,
    pub(super) deploy: Rules<DeployRule>,
    pub(super) http: Rules<HttpRule>,
}

/// Slow down the caller: each `every`th request, or what goes beyond `rate` a second.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Throttle {
    pub(super) every: Option<u64>,
    pub(super) rate: Option<f64>,
    pub(super) burst: Option<f64>,
    #[serde(default)]
    pub(super) operations: Vec<String>,
    pub(super) times: Option<u64>,
}

/// Scattered server errors.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Errors {
    pub(super) every: u64,
    #[serde(default = "server_error")]
    pub(super) status: u16,
    #[serde(default)]
    pub(super) operations: Vec<String>,
    pub(super) times: Option<u64>,
}

/// Connections that end without an answer.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Cut {
    pub(super) every: u64,
    #[serde(default)]
    pub(super) when: When,
    #[serde(default)]
    pub(super) operations: Vec<String>,
    pub(super) times: Option<u64>,
}

/// Connections that stay open without an answer.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Stall {
    pub(super) every: u64,
    #[serde(default)]
    pub(super) operations: Vec<String>,
    pub(super) times: Option<u64>,
}

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(super) enum When {
    /// Nothing was done.
    #[default]
    Before,
    /// The operation was carried out and only the answer is lost.
    After,
}

/// How deployments end.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct DeployRule {
    pub(super) outcome: Outcome,
    #[serde(default)]
    pub(super) environments: Vec<String>,
    pub(super) times: Option<u64>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(super) enum Outcome {
    /// The command fails on the instances: ERROR events, the old label, Red.
    Fail,
    /// Deployed, but the application never becomes healthy.
    Red,
    /// Deployed, with a warning.
    Yellow,
    /// Stays Updating until it is aborted.
    Hang,
    /// Ready and Green with the old label and no error event.
    Rollback,
    /// Stops half-way: some instances run the new version.
    AbortPartial,
    /// Instances do not answer within the command timeout.
    TimeoutEvent,
}

/// What environments answer to HTTP instead of their page.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct HttpRule {
    #[serde(default = "ok")]
    pub(super) status: u16,
    pub(super) body: Option<String>,
    #[serde(default)]
    pub(super) environments: Vec<String>,
    pub(super) times: Option<u64>,
}

fn ok() -> u16 {
    200
}

fn server_error() -> u16 {
    500
}

impl Trouble {
    /// Reads and checks the text of a trouble file; an empty one asks for nothing.
    pub(super) fn parse(text: &str) -> Result<Self, String> {
        let trouble: Option<Self> = serde_saphyr::from_str(text).map_err(|error| {
            let text = error.to_string();
            let first = text.lines().next().unwrap_or_default();
            first.trim_start_matches("error: ").to_owned()
        })?;
        let trouble = trouble.unwrap_or_default();
        trouble.check()?;
        Ok(trouble)
    }

    fn check(&self) -> Result<(), String> {
        if self
            .speed
            .is_some_and(|speed| !speed.is_finite() || speed <= 0.0)
        {
            return Err("speed: must be greater than 0".to_owned());
        }
        for rule in &self.throttle.0 {
            if rule.every.is_some() == rule.rate.is_some() {
                return Err("throttle: give either `every` or `rate`".to_owned());
            }
            if rule.every.is_some() && rule.burst.is_some() {
                return Err("throttle: `burst` belongs to `rate`".to_owned());
            }
            let positive = |number: Option<f64>| {
                number.is_none_or(|number| number.is_finite() && number > 0.0)
            };
            if !positive(rule.rate) || !positive(rule.burst) {
                return Err("throttle: `rate` and `burst` must be greater than 0".to_owned());
            }
        }
        if self
            .errors
            .0
            .iter()
            .any(|rule| !(500..=599).contains(&rule.status))
        {
            return Err("errors: `status` must be a server error, 500 to 599".to_owned());
        }
        let statuses = self.http.0.iter().map(|rule| rule.status);
        if statuses
            .clone()
            .any(|status| !(200..=599).contains(&status))
        {
            return Err("http: `status` must be 200 to 599".to_owned());
        }
        let counts = self.throttle.0.iter().filter_map(|rule| rule.every);
        let counts = counts.chain(self.errors.0.iter().map(|rule| rule.every));
        if counts
            .chain(self.cut.0.iter().map(|rule| rule.every))
            .chain(self.stall.0.iter().map(|rule| rule.every))
            .any(|every| every == 0)
        {
            return Err("`every` must be at least 1".to_owned());
        }
        Ok(())
    }
}

/// One rule or a list of them; a bare word is a rule where the rule allows it.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Rules<T>(pub(super) Vec<T>);

impl<T> Default for Rules<T> {
    fn default() -> Self {
        Self(Vec::new())
    }
}

impl<'de, T: FromWordOrMap> Deserialize<'de> for Rules<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(RulesVisitor(std::marker::PhantomData))
    }
}

struct RulesVisitor<T>(std::marker::PhantomData<T>);

impl<'de, T: FromWordOrMap> Visitor<'de> for RulesVisitor<T> {
    type Value = Rules<T>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a rule or a list of rules")
    }

    fn visit_str<E: Error>(self, word: &str) -> Result<Self::Value, E> {
        T::from_word(word).map(|rule| Rules(vec![rule]))
    }

    fn visit_u64<E: Error>(self, number: u64) -> Result<Self::Value, E> {
        T::from_number(number).map(|rule| Rules(vec![rule]))
    }

    fn visit_i64<E: Error>(self, number: i64) -> Result<Self::Value, E> {
        self.visit_u64(u64::try_from(number).unwrap_or_default())
    }

    fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<Self::Value, A::Error> {
        T::deserialize(MapAccessDeserializer::new(map)).map(|rule| Rules(vec![rule]))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, list: A) -> Result<Self::Value, A::Error> {
        Vec::deserialize(SeqAccessDeserializer::new(list)).map(Rules)
    }
}

trait FromWordOrMap: for<'de> Deserialize<'de> {
    /// The rule that a bare word stands for.
    fn from_word<E: Error>(word: &str) -> Result<Self, E> {
        Err(E::custom(format!(
            "expected a rule such as {{ every: 2 }}, found '{word}'"
        )))
    }

    /// The rule that a bare number stands for.
    fn from_number<E: Error>(number: u64) -> Result<Self, E> {
        Self::from_word(&number.to_string())
    }
}

impl FromWordOrMap for Throttle {}
impl FromWordOrMap for Errors {}
impl FromWordOrMap for Cut {}
impl FromWordOrMap for Stall {}
impl FromWordOrMap for DeployRule {
    fn from_word<E: Error>(word: &str) -> Result<Self, E> {
        let outcome = Outcome::deserialize(StrDeserializer::<E>::new(word))?;
        Ok(Self {
            outcome,
            environments: Vec::new(),
            times: None,
        })
    }
}
impl FromWordOrMap for HttpRule {
    fn from_number<E: Error>(number: u64) -> Result<Self, E> {
        Ok(Self {
            status: u16::try_from(number).unwrap_or_default(),
            body: None,
            environments: Vec::new(),
            times: None,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_documented_forms_are_read() {
        let text = "speed: 2\nthrottle: { rate: 2, burst: 10 }\nerrors: [{ every: 5, status: 503 }, { every: 9 }]\n\
                    cut: { every: 4, when: after, operations: [UpdateEnvironment], times: 1 }\n\
                    deny: ['s3:Put*']\ndeploy: fail\nhttp: [{ status: 503 }, { body: hello, times: 1 }]\n";
        let trouble = Trouble::parse(text).unwrap();
        assert_eq!(trouble.speed, Some(2.0));
        assert_eq!(trouble.throttle.0[0].burst, Some(10.0));
        assert_eq!(
            trouble
                .errors
                .0
                .iter()
                .map(|rule| rule.status)
                .collect::<Vec<_>>(),
            [503, 500]
        );
        assert_eq!(trouble.cut.0[0].when, When::After);
        assert_eq!(trouble.deploy.0[0].outcome, Outcome::Fail);
        let answers: Vec<_> = trouble.http.0.iter().map(|rule| rule.status).collect();
        assert_eq!(answers, [503, 200]);
        assert_eq!(Trouble::parse("http: 500").unwrap().http.0[0].status, 500);
        let limited =
            Trouble::parse("deploy: { outcome: abort-partial, times: 1, environments: [a] }")
                .unwrap();
        assert_eq!(limited.deploy.0[0].outcome, Outcome::AbortPartial);
        assert_eq!(Trouble::parse("").unwrap(), Trouble::default());
    }

    #[test]
    fn mistakes_are_named() {
        for (text, part) in [
            ("sped: 2", "sped"),
            ("throttle: { each: 2 }", "each"),
            ("throttle: {}", "either `every` or `rate`"),
            ("errors: { every: 0 }", "at least 1"),
            ("errors: { every: 1, status: 404 }", "500 to 599"),
            ("deploy: fial", "fial"),
            ("http: 99", "200 to 599"),
            ("http: no", "boolean `false`"),
            ("speed: 0", "greater than 0"),
        ] {
            let error = Trouble::parse(text).unwrap_err();
            assert!(error.contains(part), "{text}: {error}");
        }
    }
}
