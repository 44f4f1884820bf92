//! Option settings of a call: checked, merged into what an environment has, and how far the difference reaches. Pure.

use super::super::query::{Failure, Parameters};
use super::model::Settings;
use super::options::{self, PROPERTIES, SECRETS};
use super::timeline::Reach;

/// All environment properties together, counted as `key=value`.
const PROPERTIES_LIMIT: usize = 4096;

/// What a call wants to set and remove.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Wish {
    pub(super) set: Vec<Setting>,
    pub(super) remove: Vec<(String, String)>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Setting {
    pub(super) namespace: String,
    pub(super) name: String,
    pub(super) value: String,
}

/// One finding of a validation.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Finding {
    pub(super) namespace: String,
    pub(super) name: String,
    pub(super) message: String,
}

impl Wish {
    pub(super) fn read(parameters: &Parameters) -> Result<Self, Failure> {
        let set = parameters.items("OptionSettings").into_iter().map(|item| {
            Ok(Setting {
                namespace: item.required("Namespace")?.to_owned(),
                name: item.required("OptionName")?.to_owned(),
                value: item.text("Value").unwrap_or_default().to_owned(),
            })
        });
        let remove = parameters.items("OptionsToRemove").into_iter().map(|item| {
            Ok((
                item.required("Namespace")?.to_owned(),
                item.required("OptionName")?.to_owned(),
            ))
        });
        Ok(Self {
            set: set.collect::<Result<_, Failure>>()?,
            remove: remove.collect::<Result<_, Failure>>()?,
        })
    }

    pub(super) fn is_empty(&self) -> bool {
        self.set.is_empty() && self.remove.is_empty()
    }

    /// What is wrong with the settings.
    pub(super) fn findings(&self) -> Vec<Finding> {
        self.set.iter().filter_map(finding).collect()
    }

    /// The settings after this wish. An empty value of a property removes it.
    /// UNVERIFIED: the latter, and the words for too many properties.
    pub(super) fn apply(&self, settings: &Settings) -> Result<Settings, Failure> {
        if let Some(finding) = self.findings().first() {
            let message = format!("Configuration validation exception: {}", finding.message);
            return Err(Failure::new("ConfigurationValidationException", message));
        }
        let mut merged = settings.clone();
        for Setting {
            namespace,
            name,
            value,
        } in &self.set
        {
            merged
                .entry(namespace.clone())
                .or_default()
                .insert(name.clone(), value.clone());
        }
        let emptied = self
            .set
            .iter()
            .filter(|set| set.namespace == PROPERTIES && set.value.is_empty());
        let emptied = emptied.map(|set| (set.namespace.clone(), set.name.clone()));
        for (namespace, name) in self.remove.iter().cloned().chain(emptied) {
            if let Some(names) = merged.get_mut(&namespace) {
                names.remove(&name);
            }
        }
        merged.retain(|_, names| !names.is_empty());
        let bytes: usize = properties(&merged)
            .map(|(name, value)| name.len() + 1 + value.len())
            .sum();
        if bytes > PROPERTIES_LIMIT {
            let message = format!(
                "Configuration validation exception: Invalid option value: the environment properties have {bytes} bytes in all, \
                 the limit is {PROPERTIES_LIMIT}."
            );
            return Err(Failure::new("ConfigurationValidationException", message));
        }
        Ok(merged)
    }
}

/// UNVERIFIED: the words for a bad value.
fn finding(setting: &Setting) -> Option<Finding> {
    let Setting {
        namespace,
        name,
        value,
    } = setting;
    let message = match options::find(namespace, name) {
        None if namespace == SECRETS => secret_complaint(name, value)?,
        None if options::is_free(namespace) => return None,
        None => format!(
            "Invalid option specification (Namespace: '{namespace}', OptionName: '{name}'): Unknown configuration setting."
        ),
        Some(choice) => {
            let complaint = choice.rule.complaint(value)?;
            format!(
                "Invalid option value: '{value}' (Namespace: '{namespace}', OptionName: '{name}'): {complaint}"
            )
        }
    };
    Some(Finding {
        namespace: namespace.clone(),
        name: name.clone(),
        message,
    })
}

/// Only the form of the ARN is looked at; whether the secret exists shows on the instances.
fn secret_complaint(name: &str, value: &str) -> Option<String> {
    let service = value
        .split(':')
        .nth(2)
        .filter(|_| value.starts_with("arn:"));
    if value.is_empty() || matches!(service, Some("secretsmanager" | "ssm")) {
        return None;
    }
    Some(format!(
        "Invalid option value: '{value}' (Namespace: '{SECRETS}', OptionName: '{name}'): Value must be the ARN of a secret or \
         a parameter."
    ))
}

/// The environment properties.
pub(super) fn properties(settings: &Settings) -> impl Iterator<Item = (&String, &String)> {
    settings.get(PROPERTIES).into_iter().flatten()
}

/// What a change from one set of settings to another does to the instances.
pub(super) fn reach(from: &Settings, to: &Settings) -> Reach {
    let changed = |namespace: &String, name: &String| {
        let value = |settings: &Settings| {
            settings
                .get(namespace)
                .and_then(|names| names.get(name))
                .cloned()
        };
        value(from) != value(to)
    };
    let all = from
        .iter()
        .chain(to)
        .flat_map(|(namespace, names)| names.keys().map(move |name| (namespace, name)));
    let reaches = all
        .filter(|(namespace, name)| changed(namespace, name))
        .map(|(namespace, name)| {
            if namespace == PROPERTIES || namespace == SECRETS {
                return Reach::Instances;
            }
            options::find(namespace, name).map_or(Reach::Nothing, |choice| choice.reach)
        });
    reaches.max().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn wish(set: &[(&str, &str, &str)], remove: &[(&str, &str)]) -> Wish {
        let own = |text: &str| text.to_owned();
        let set = set.iter().map(|(namespace, name, value)| Setting {
            namespace: own(namespace),
            name: own(name),
            value: own(value),
        });
        Wish {
            set: set.collect(),
            remove: remove
                .iter()
                .map(|(namespace, name)| (own(namespace), own(name)))
                .collect(),
        }
    }

    #[test]
    fn settings_merge_and_the_reach_is_that_of_the_greatest_change() {
        let none = Settings::new();
        let properties = wish(&[(PROPERTIES, "A", "1"), (PROPERTIES, "B", "2")], &[])
            .apply(&none)
            .unwrap();
        assert_eq!(reach(&none, &properties), Reach::Instances);
        let fewer = wish(&[(PROPERTIES, "A", "")], &[(PROPERTIES, "B")])
            .apply(&properties)
            .unwrap();
        assert_eq!(fewer, none);
        let policy = wish(
            &[(
                "aws:elasticbeanstalk:command",
                "DeploymentPolicy",
                "Rolling",
            )],
            &[],
        )
        .apply(&none)
        .unwrap();
        assert_eq!(reach(&none, &policy), Reach::Nothing);
        let bigger = wish(
            &[(
                "aws:autoscaling:launchconfiguration",
                "InstanceType",
                "t3.large",
            )],
            &[],
        )
        .apply(&policy)
        .unwrap();
        assert_eq!(reach(&policy, &bigger), Reach::Replacement);
        assert_eq!(reach(&bigger, &bigger), Reach::Nothing);
    }

    #[test]
    fn what_the_platform_does_not_know_is_refused() {
        let message = |namespace, name, value| {
            wish(&[(namespace, name, value)], &[])
                .apply(&Settings::new())
                .unwrap_err()
                .message
        };
        assert_eq!(
            message("aws:x", "Y", "1"),
            "Configuration validation exception: Invalid option specification (Namespace: 'aws:x', OptionName: 'Y'): \
             Unknown configuration setting."
        );
        assert!(
            message("aws:elasticbeanstalk:command", "DeploymentPolicy", "Slowly")
                .contains("'Slowly'")
        );
        assert!(
            message("aws:elasticbeanstalk:environment:process:api", "Port", "0")
                .contains("between 1 and 65535")
        );
        assert!(message(SECRETS, "KEY", "hunter2").contains("ARN"));
        let big = "x".repeat(PROPERTIES_LIMIT);
        assert!(message(PROPERTIES, "K", &big).contains("4098 bytes"));
    }
}
