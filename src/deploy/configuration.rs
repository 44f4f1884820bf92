//! An environment's option settings as the service tells them, and how long an update may take
//! with them.

use std::time::Duration;

use aws_sdk_elasticbeanstalk::types::{
    ConfigurationDeploymentStatus, ConfigurationSettingsDescription,
};

use super::environment::SERVICE;
use crate::aws::Aws;
use crate::aws::error::Explain;
use crate::error::Result;

/// What Elastic Beanstalk adds to the time that commands may take on a batch (facts 4).
const ADDED: Duration = Duration::from_secs(240);

/// The option settings of an environment.
#[derive(Clone, Default)]
pub struct Configuration {
    options: Vec<OptionSetting>,
}

/// One option setting.
#[derive(Clone)]
pub struct OptionSetting {
    /// The namespace, `aws:elasticbeanstalk:command`.
    pub namespace: String,
    /// The name, `Timeout`.
    pub name: String,
    /// The value; may be a secret.
    pub value: Option<String>,
}

/// Without the values: environment properties are among them.
impl std::fmt::Debug for Configuration {
    fn fmt(&self, to: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let names = self.options.iter().map(|it| (&it.namespace, &it.name));
        to.debug_list().entries(names).finish()
    }
}

/// Without the value.
impl std::fmt::Debug for OptionSetting {
    fn fmt(&self, to: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(to, "{} {}", self.namespace, self.name)
    }
}

impl Configuration {
    /// From option settings.
    #[must_use]
    pub fn new(options: Vec<OptionSetting>) -> Self {
        Self { options }
    }

    /// The value of an option, where it has one.
    #[must_use]
    pub fn value(&self, namespace: &str, name: &str) -> Option<&str> {
        self.options
            .iter()
            .find(|it| it.namespace == namespace && it.name == name)
            .and_then(|it| it.value.as_deref())
    }

    /// The options of a namespace.
    pub fn namespace<'a>(&'a self, namespace: &'a str) -> impl Iterator<Item = &'a OptionSetting> {
        self.options
            .iter()
            .filter(move |it| it.namespace == namespace)
    }

    /// How long an update to a version may take before Elastic Beanstalk itself gives up: the
    /// commands' time limit for every batch, with what the service adds to it; twice where new
    /// instances are launched beside the old ones first.
    #[must_use]
    pub fn longest_update(&self) -> Duration {
        const COMMAND: &str = "aws:elasticbeanstalk:command";
        let number = |namespace, name, usual| {
            self.value(namespace, name)
                .and_then(|text| text.trim().parse::<u64>().ok())
                .unwrap_or(usual)
        };
        let instances = number("aws:autoscaling:asg", "MaxSize", 1).max(1);
        let size = number(COMMAND, "BatchSize", 100).max(1);
        let rolling = match self.value(COMMAND, "BatchSizeType") {
            Some("Fixed") => instances.div_ceil(size),
            _ => instances.div_ceil((instances * size / 100).max(1)),
        };
        let batches = match self.value(COMMAND, "DeploymentPolicy") {
            Some("Rolling") => rolling,
            Some("RollingWithAdditionalBatch") => rolling + 1,
            Some("Immutable" | "TrafficSplitting") => 2,
            _ => 1,
        };
        let evaluation = match self.value(COMMAND, "DeploymentPolicy") {
            Some("TrafficSplitting") => {
                number("aws:elasticbeanstalk:trafficsplitting", "EvaluationTime", 5)
            }
            _ => 0,
        };
        let command = Duration::from_secs(number(COMMAND, "Timeout", 600));
        let batches = u32::try_from(batches).unwrap_or(u32::MAX);
        (command + ADDED).saturating_mul(batches) + Duration::from_secs(evaluation * 60)
    }
}

/// Reads the option settings that are in force, without a draft that waits or has failed.
///
/// # Errors
/// What AWS says.
pub async fn read(aws: &Aws, application: &str, environment: &str) -> Result<Configuration> {
    let told = aws
        .eb
        .describe_configuration_settings()
        .application_name(application)
        .environment_name(environment)
        .send()
        .await
        .explain(SERVICE, "DescribeConfigurationSettings")?;
    let sets = told.configuration_settings();
    let deployed = |set: &&ConfigurationSettingsDescription| {
        set.deployment_status() == Some(&ConfigurationDeploymentStatus::Deployed)
    };
    let set = sets.iter().find(deployed).or_else(|| sets.first());
    let options = set
        .map(ConfigurationSettingsDescription::option_settings)
        .unwrap_or_default()
        .iter()
        .map(|option| OptionSetting {
            namespace: option.namespace().unwrap_or_default().to_owned(),
            name: option.option_name().unwrap_or_default().to_owned(),
            value: option.value().map(str::to_owned),
        })
        .collect();
    Ok(Configuration { options })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_longest_update_follows_from_policy_batches_and_time_limit() {
        let minutes = |options: &[(&str, &str, &str)]| {
            let options = options
                .iter()
                .map(|(namespace, name, value)| OptionSetting {
                    namespace: format!("aws:{namespace}"),
                    name: (*name).into(),
                    value: Some((*value).into()),
                })
                .collect();
            Configuration::new(options).longest_update().as_secs() / 60
        };
        let command = "elasticbeanstalk:command";
        let policy = |name| (command, "DeploymentPolicy", name);
        let four = ("autoscaling:asg", "MaxSize", "4");
        for (options, expected) in [
            (vec![], 14),
            (vec![(command, "Timeout", "3600")], 64),
            (vec![policy("AllAtOnce"), four], 14),
            (vec![policy("Rolling"), four], 14),
            (
                vec![policy("Rolling"), four, (command, "BatchSize", "30")],
                56,
            ),
            (
                vec![
                    policy("Rolling"),
                    four,
                    (command, "BatchSizeType", "Fixed"),
                    (command, "BatchSize", "3"),
                ],
                28,
            ),
            (
                vec![
                    policy("RollingWithAdditionalBatch"),
                    four,
                    (command, "BatchSize", "50"),
                ],
                42,
            ),
            (vec![policy("Immutable"), four], 28),
            (vec![policy("TrafficSplitting"), four], 33),
            (vec![(command, "Timeout", "soon")], 14),
        ] {
            assert_eq!(minutes(&options), expected, "{options:?}");
        }
    }
}
