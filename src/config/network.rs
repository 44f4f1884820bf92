//! Where an environment runs: `network` and `security_groups`.

use serde::{Deserialize, Serialize};

use super::{Config, EnvironmentConfig};
use crate::yaml;

/// The word for the region's default VPC.
pub const DEFAULT: &str = "default";

/// `network` of an environment.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, Serialize)]
#[serde(deny_unknown_fields, default)]
pub struct NetworkConfig {
    /// `default`, or the id of a VPC.
    pub vpc: String,
    /// The ids of the subnets; by default those of the VPC that serve.
    #[serde(deserialize_with = "yaml::one_or_many")]
    pub subnets: Vec<String>,
}

impl Default for NetworkConfig {
    fn default() -> Self {
        Self {
            vpc: DEFAULT.into(),
            subnets: Vec::new(),
        }
    }
}

impl Config {
    /// What is well formed below `network` and `security_groups` but cannot be meant.
    pub(super) fn network_problems(&self) -> Vec<String> {
        let each = self.environments.iter();
        each.flat_map(|(key, environment)| environment.network_problems(key))
            .collect()
    }
}

impl EnvironmentConfig {
    fn network_problems(&self, key: &str) -> Vec<String> {
        let at = format!("environments.{key}");
        let mut problems = Vec::new();
        let mut id = |key: &str, value: &String, start: &str| {
            if !value.starts_with(start) {
                problems.push(format!(
                    "`{at}.{key}`: `{value}` is no id: it begins with `{start}`"
                ));
            }
        };
        for group in &self.security_groups {
            id("security_groups", group, "sg-");
        }
        if let Some(network) = &self.network {
            for subnet in &network.subnets {
                id("network.subnets", subnet, "subnet-");
            }
            if network.vpc != DEFAULT {
                id("network.vpc", &network.vpc, "vpc-");
            }
        }
        let named = self.network.is_some();
        let attached = named || !self.security_groups.is_empty();
        for (counts, namespace, name, key) in [
            (named, "aws:ec2:vpc", "VPCId", "network.vpc"),
            (named, "aws:ec2:vpc", "Subnets", "network.subnets"),
            (
                attached,
                "aws:autoscaling:launchconfiguration",
                "SecurityGroups",
                "security_groups",
            ),
        ] {
            let options = self.settings.as_ref().and_then(|it| it.get(namespace));
            if counts && options.is_some_and(|it| it.contains_key(name)) {
                problems.push(format!(
                    "`{at}.settings` cannot have {namespace} {name} as well: say it in `{key}`"
                ));
            }
        }
        problems
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;

    fn parse(environment: &str) -> crate::error::Result<Config> {
        let text = format!("environments: {{ a: {environment} }}");
        Config::parse(&text, Path::new("f"))
    }

    #[test]
    fn a_network_is_the_default_one_unless_said_otherwise() {
        let network = |text: &str| {
            let config = parse(text).expect("a network");
            config.environments["a"].network.clone()
        };
        assert_eq!(network("{}"), None);
        assert_eq!(network("{ network: {} }"), Some(NetworkConfig::default()));
        let given = network("{ network: { vpc: vpc-1, subnets: subnet-1 } }").expect("a network");
        assert_eq!(
            (given.vpc.as_str(), given.subnets),
            ("vpc-1", vec!["subnet-1".into()])
        );
    }

    #[test]
    fn ids_are_ids_and_nothing_is_said_twice() {
        let error = parse(
            "{ network: { vpc: main, subnets: [a] }, security_groups: web, settings: { 'aws:ec2:vpc': { VPCId: vpc-1 }, 'aws:autoscaling:launchconfiguration': { SecurityGroups: sg-1 } } }",
        )
        .expect_err("problems");
        let messages: Vec<_> = error.problems().map(|it| it.message().to_owned()).collect();
        insta::assert_snapshot!(messages.join("\n"), @"
        f: `environments.a.security_groups`: `web` is no id: it begins with `sg-`
        f: `environments.a.network.subnets`: `a` is no id: it begins with `subnet-`
        f: `environments.a.network.vpc`: `main` is no id: it begins with `vpc-`
        f: `environments.a.settings` cannot have aws:ec2:vpc VPCId as well: say it in `network.vpc`
        f: `environments.a.settings` cannot have aws:autoscaling:launchconfiguration SecurityGroups as well: say it in `security_groups`
        ");
    }
}
