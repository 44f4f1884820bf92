//! What is wrong with properties before anything is written (facts 3.3 and 4). Pure.

use super::{PROPERTIES, SECRETS, Wanted};
use crate::deploy::configuration::Configuration;
use crate::error::{Error, Kind};

/// How many bytes all properties together may have, counted as `NAME=value` (facts 4).
pub const LIMIT: usize = 4096;

/// How many of the largest properties are shown.
const SHOWN: usize = 10;

/// What Elastic Beanstalk or its hooks set themselves (facts 3.3, 4).
const RESERVED: [&str; 3] = ["HOME", "PATH", "EB_LOG_BASE_DIR"];

/// What else is known.
#[derive(Debug, Clone, Copy)]
pub struct Rest<'a> {
    /// What is set at AWS.
    pub seen: &'a Configuration,
    /// Whether properties that nobody asked for are removed.
    pub prune: bool,
    /// The variables that the compose file needs.
    pub needed: &'a [String],
    /// Whether the platform lets dollar signs through.
    pub dollars: bool,
}

impl Rest<'_> {
    /// Names and values that stay at AWS although nobody asks for them.
    fn kept<'b>(&'b self, wanted: &'b Wanted) -> impl Iterator<Item = (&'b str, &'b str)> {
        let is_wanted = |name: &str| wanted.properties.iter().any(|it| it.name == name);
        let prune = self.prune;
        self.seen
            .namespace(PROPERTIES)
            .filter(move |option| !prune && !is_wanted(&option.name))
            .map(|option| {
                (
                    option.name.as_str(),
                    option.value.as_deref().unwrap_or_default(),
                )
            })
    }
}

/// What cannot be sent.
#[must_use]
pub fn problems(wanted: &Wanted, rest: &Rest<'_>) -> Vec<Error> {
    let mut problems = Vec::new();
    for property in &wanted.properties {
        let name = &property.name;
        let value = property.value.expose();
        let mut wrong = |what: String, hint: &str| {
            problems.push(Error::new(Kind::Config, what).hint(hint));
        };
        if !is_name(name) {
            wrong(
                format!(
                    "`{name}` cannot be a property's name: letters, digits and _ . : / + \\ - @ are allowed"
                ),
                "correct it in beanship.yml, then look with `beanship deploy --plan`",
            );
        }
        if value.is_empty() {
            wrong(
                format!(
                    "the property {name} is empty: Elastic Beanstalk takes an empty value for none"
                ),
                "leave it out of beanship.yml, and take it away with `beanship properties unset`",
            );
        }
        if value.contains(|c: char| c.is_control() && !matches!(c, '\n' | '\r' | '\t')) {
            wrong(
                format!("the property {name} cannot be sent: its value holds a control character"),
                "give a text, then look with `beanship deploy --plan`",
            );
        }
    }
    let misplaced = wanted
        .settings
        .iter()
        .filter(|setting| matches!(setting.namespace.as_str(), PROPERTIES | SECRETS));
    problems.extend(misplaced.map(|setting| {
        let name = &setting.name;
        Error::new(
            Kind::Config,
            format!(
                "{name} stands under `settings`: environment properties belong under `properties`"
            ),
        )
        .hint("move it in beanship.yml, then look with `beanship deploy --plan`")
    }));
    problems.extend(too_large(wanted, rest));
    problems
}

/// Elastic Beanstalk's rule for names (facts 4).
#[must_use]
pub fn is_name(name: &str) -> bool {
    !name.is_empty()
        && name.chars().count() <= 256
        && name
            .chars()
            .all(|c| c.is_ascii_alphanumeric() || "_.:/+\\-@".contains(c))
}

/// Whether a name is one that every shell and language takes for a variable.
fn is_portable(name: &str) -> bool {
    !name.starts_with(|c: char| c.is_ascii_digit())
        && name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_')
}

fn too_large(wanted: &Wanted, rest: &Rest<'_>) -> Option<Error> {
    let own = wanted
        .properties
        .iter()
        .filter(|property| !property.is_reference)
        .map(|property| (property.name.as_str(), property.value.bytes()));
    let kept = rest.kept(wanted).map(|(name, value)| (name, value.len()));
    let mut sizes: Vec<(&str, usize)> = own
        .chain(kept)
        .map(|(name, bytes)| (name, name.len() + 1 + bytes))
        .collect();
    let total: usize = sizes.iter().map(|(_, bytes)| bytes).sum();
    if total <= LIMIT {
        return None;
    }
    sizes.sort_by_key(|(name, bytes)| (std::cmp::Reverse(*bytes), *name));
    let largest = sizes.first().map_or("", |(name, _)| name);
    let hint = format!(
        "move the largest to a secret, which does not count: `beanship properties set {largest} - --secret`"
    );
    let width = sizes.iter().take(SHOWN).map(|(name, _)| name.len()).max();
    let width = width.unwrap_or_default();
    let mut lines: Vec<String> = sizes
        .iter()
        .take(SHOWN)
        .map(|(name, bytes)| format!("  {name:width$}  {bytes:>5} B"))
        .collect();
    if sizes.len() > SHOWN {
        lines.push(format!("  and {} more", sizes.len() - SHOWN));
    }
    let error = Error::new(
        Kind::Config,
        format!(
            "the environment properties are too large: {total} B together, {LIMIT} B are allowed"
        ),
    );
    Some(error.excerpt(lines.join("\n")).hint(hint))
}

/// What deserves a look.
#[must_use]
pub fn warnings(wanted: &Wanted, rest: &Rest<'_>) -> Vec<String> {
    let mut warnings = Vec::new();
    for property in &wanted.properties {
        let name = &property.name;
        let value = property.value.expose();
        if RESERVED.contains(&name.as_str()) || name.starts_with("RDS_") {
            warnings.push(format!(
                "the property {name} has a name that Elastic Beanstalk sets itself"
            ));
        } else if !is_portable(name) {
            warnings.push(format!(
                "the property {name} has a name that shells and Docker Compose may not take"
            ));
        }
        if value.contains('$') && !property.is_reference {
            warnings.extend(dollar(name, value, rest.dollars));
        }
        if value.contains('\n') {
            warnings.push(format!(
                "the property {name} has several lines: how the generated .env writes them is not documented"
            ));
        }
    }
    warnings.extend(in_both(wanted, rest));
    warnings.extend(unset(wanted, rest));
    warnings
}

/// Newer platforms write `$$` into the generated `.env`, so that the value arrives as it is; on
/// older ones Docker Compose fills in variables (facts 3.3).
fn dollar(name: &str, value: &str, escaped: bool) -> Option<String> {
    if !escaped {
        return Some(format!(
            "the property {name} holds a dollar sign, and this platform is from before 2023-07-28: Docker Compose fills in variables there"
        ));
    }
    value.contains("${").then(|| {
        format!("the property {name} holds `${{`: it arrives as it is, no variable is filled in")
    })
}

fn in_both(wanted: &Wanted, rest: &Rest<'_>) -> Vec<String> {
    rest.kept(wanted)
        .filter(|(name, _)| rest.seen.value(SECRETS, name).is_some())
        .map(|(name, _)| {
            format!("the property {name} is set both as a value and as a reference: which one counts is not documented")
        })
        .collect()
}

/// Variables of the compose file that nobody sets.
fn unset(wanted: &Wanted, rest: &Rest<'_>) -> Vec<String> {
    let is_set = |name: &str| {
        wanted.properties.iter().any(|it| it.name == name)
            || RESERVED.contains(&name)
            || rest.kept(wanted).any(|(kept, _)| kept == name)
            || (!rest.prune && rest.seen.value(SECRETS, name).is_some())
    };
    let missing = rest.needed.iter().filter(|name| !is_set(name));
    missing
        .map(|name| {
            format!(
                "the compose file uses ${{{name}}}, and nobody sets it: add it under `properties`"
            )
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::super::Value;
    use super::super::gather::Setting;
    use super::super::resolve::WantedProperty;
    use super::*;
    use crate::deploy::configuration::OptionSetting;

    fn told(properties: &[(&str, &str)], seen: &[(&str, &str, &str)], dollars: bool) -> String {
        let property = |(name, value): &(&str, &str)| WantedProperty {
            name: (*name).into(),
            value: Value::new(*value),
            is_reference: value.starts_with("arn:"),
            from: "literal".into(),
        };
        let wanted = Wanted {
            properties: properties.iter().map(property).collect(),
            ..Wanted::default()
        };
        let option = |(namespace, name, value): &(&str, &str, &str)| OptionSetting {
            namespace: (*namespace).into(),
            name: (*name).into(),
            value: Some((*value).into()),
        };
        let seen = Configuration::new(seen.iter().map(option).collect());
        let rest = Rest {
            seen: &seen,
            prune: false,
            needed: &["NEEDED".into(), "EB_LOG_BASE_DIR".into()],
            dollars,
        };
        let problems = problems(&wanted, &rest);
        let problems = problems
            .iter()
            .map(|it| format!("refused: {}", it.message()));
        problems
            .chain(warnings(&wanted, &rest))
            .collect::<Vec<_>>()
            .join("\n")
    }

    #[test]
    fn names_and_values_are_judged() {
        let properties = [
            ("GOOD", "x"),
            ("NEEDED", "{\"json\": [1, 2]}"),
            ("two words", "x"),
            ("", "x"),
            ("EMPTY", ""),
            ("BELL", "\u{7}"),
            ("PATH", "/bin"),
            ("RDS_HOSTNAME", "x"),
            ("dotted.name", "x"),
            ("1ST", "x"),
            ("DOLLAR", "a$b"),
            ("FILLED", "${GOOD}/x"),
            ("LINES", "a\nb"),
            ("REFERENCE", "arn:aws:ssm:eu-central-1:1:parameter/a$b"),
        ];
        insta::assert_snapshot!(told(&properties, &[], true), @r"
        refused: `two words` cannot be a property's name: letters, digits and _ . : / + \ - @ are allowed
        refused: `` cannot be a property's name: letters, digits and _ . : / + \ - @ are allowed
        refused: the property EMPTY is empty: Elastic Beanstalk takes an empty value for none
        refused: the property BELL cannot be sent: its value holds a control character
        the property two words has a name that shells and Docker Compose may not take
        the property PATH has a name that Elastic Beanstalk sets itself
        the property RDS_HOSTNAME has a name that Elastic Beanstalk sets itself
        the property dotted.name has a name that shells and Docker Compose may not take
        the property 1ST has a name that shells and Docker Compose may not take
        the property FILLED holds `${`: it arrives as it is, no variable is filled in
        the property LINES has several lines: how the generated .env writes them is not documented
        ");
        insta::assert_snapshot!(told(&[("NEEDED", "a$b")], &[], false), @"the property NEEDED holds a dollar sign, and this platform is from before 2023-07-28: Docker Compose fills in variables there");
    }

    #[test]
    fn what_is_kept_at_aws_counts_too() {
        let large = "x".repeat(4000);
        let seen = [
            (PROPERTIES, "BOTH", "x"),
            (SECRETS, "BOTH", "arn:aws:ssm:eu-central-1:1:parameter/x"),
            (PROPERTIES, "KEPT", large.as_str()),
        ];
        insta::assert_snapshot!(told(&[("A", &large[..90])], &seen, true), @"
        refused: the environment properties are too large: 4103 B together, 4096 B are allowed
        the property BOTH is set both as a value and as a reference: which one counts is not documented
        the compose file uses ${NEEDED}, and nobody sets it: add it under `properties`
        ");
        insta::assert_snapshot!(told(&[("A", &large[..70]), ("NEEDED", "1")], &seen, true), @"the property BOTH is set both as a value and as a reference: which one counts is not documented");
    }

    #[test]
    fn properties_do_not_belong_under_settings() {
        let wanted = Wanted {
            settings: vec![Setting {
                namespace: PROPERTIES.into(),
                name: "A".into(),
                value: Value::new("x"),
            }],
            ..Wanted::default()
        };
        let rest = Rest {
            seen: &Configuration::default(),
            prune: false,
            needed: &[],
            dollars: true,
        };
        insta::assert_snapshot!(problems(&wanted, &rest)[0].message(), @"A stands under `settings`: environment properties belong under `properties`");
    }
}
