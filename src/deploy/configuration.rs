//! An environment's option settings as the service tells them, and how long an update may take
//! with them.

use std::collections::BTreeSet;
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

/// The namespace of the options of launches.
const LAUNCH: &str = "aws:autoscaling:launchconfiguration";
/// The option with the instances' security groups.
pub const SECURITY_GROUPS: &str = "SecurityGroups";
/// Options whose values are lists without an order.
const LISTS: [(&str, &str); 3] = [
    (LAUNCH, SECURITY_GROUPS),
    ("aws:ec2:vpc", "Subnets"),
    ("aws:ec2:vpc", "ELBSubnets"),
];

/// Whether Elastic Beanstalk has made a security group of this name, which it lists among the
/// others (facts 7).
#[must_use]
pub fn is_generated(group: &str) -> bool {
    group.starts_with("awseb")
}

/// Whether two values of an option mean the same: in some lists the order is of no matter.
#[must_use]
pub fn same(namespace: &str, name: &str, one: &str, other: &str) -> bool {
    let items = |value: &'_ str| -> BTreeSet<String> {
        let items = value.split(',').map(str::trim);
        items
            .filter(|it| !it.is_empty())
            .map(str::to_owned)
            .collect()
    };
    one == other || (LISTS.contains(&(namespace, name)) && items(one) == items(other))
}

/// A list of security groups without those that Elastic Beanstalk has made.
fn given(groups: &str) -> String {
    let given: Vec<&str> = groups
        .split(',')
        .filter(|it| !is_generated(it.trim()))
        .collect();
    given.join(",")
}

/// The option settings of an environment.
#[derive(Clone, Default)]
pub struct Configuration {
    options: Vec<OptionSetting>,
    platform_arn: Option<String>,
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
        Self {
            options,
            platform_arn: None,
        }
    }

    /// All options.
    #[must_use]
    pub fn options(&self) -> &[OptionSetting] {
        &self.options
    }

    /// The ARN of the platform version.
    #[must_use]
    pub fn platform_arn(&self) -> Option<&str> {
        self.platform_arn.as_deref()
    }

    /// The value of an option, where it has one.
    #[must_use]
    pub fn value(&self, namespace: &str, name: &str) -> Option<&str> {
        self.options
            .iter()
            .find(|it| it.namespace == namespace && it.name == name)
            .and_then(|it| it.value.as_deref())
    }

    /// Whether an option has this value, however it is written.
    #[must_use]
    pub fn has(&self, namespace: &str, name: &str, value: &str) -> bool {
        self.value(namespace, name)
            .is_some_and(|seen| same(namespace, name, seen, value))
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

/// Reads the option settings that are in force, without a draft that waits or has failed, and
/// without the security groups that Elastic Beanstalk has made.
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
        .map(|option| {
            let namespace = option.namespace().unwrap_or_default().to_owned();
            let name = option.option_name().unwrap_or_default().to_owned();
            let groups = (namespace.as_str(), name.as_str()) == (LAUNCH, SECURITY_GROUPS);
            let value = option.value();
            OptionSetting {
                value: value.map(|it| if groups { given(it) } else { it.to_owned() }),
                namespace,
                name,
            }
        })
        .collect();
    let platform_arn = set.and_then(|set| set.platform_arn().map(str::to_owned));
    Ok(Configuration {
        options,
        platform_arn,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lists_have_no_order_and_none_of_elastic_beanstalks_own_groups() {
        assert_eq!(
            given("awseb-e-1-stack-AWSEBSecurityGroup-X,sg-1, sg-2"),
            "sg-1, sg-2"
        );
        assert_eq!(given(""), "");
        for (name, one, other, alike) in [
            (SECURITY_GROUPS, "sg-1, sg-2", "sg-2,sg-1", true),
            (SECURITY_GROUPS, "sg-1", "sg-2,sg-1", false),
            ("InstanceType", "a,b", "b,a", false),
        ] {
            assert_eq!(same(LAUNCH, name, one, other), alike, "{one} {other}");
        }
    }

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
