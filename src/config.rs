//! The project file `beanship.yml`: its types, where it is found, and what it must hold.
//!
//! Unknown keys are errors with their position. What the file means together with flags and
//! the environment is decided in [`crate::settings`].

mod bundle;
mod database;
mod infra;
mod network;
mod registry;
mod smoke;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use crate::compose::catalog::MOVING_TAG;
use crate::deploy::bucket::Encryption;
use crate::deploy::outcome::{HealthPolicy, OnFailure};
use crate::error::{Error, Kind, Result};
use crate::images::pins::PinImages;
use crate::properties::{Properties, SettingsConfig, Source};
use crate::yaml;

pub use bundle::{BundleConfig, Symlinks};
pub use database::{DatabaseConfig, Engine};
pub use infra::{DeployerConfig, IamConfig, InfraConfig, InstanceRoleConfig};
pub use network::{DEFAULT as DEFAULT_VPC, NetworkConfig};
pub use registry::{PASSWORD, RegistryConfig, RegistryWords, Way};
pub use smoke::{SmokeConfig, SmokeSetting, Statuses};

/// The file's name.
pub const FILE_NAME: &str = "beanship.yml";

/// The content of `beanship.yml`.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Config {
    /// The Elastic Beanstalk application.
    pub app: Option<String>,
    /// The AWS region of everything in this file.
    pub region: Option<String>,
    /// The bucket for source bundles; by default Elastic Beanstalk's own.
    pub bucket_name: Option<String>,
    /// The folder inside the bucket; by default the application's name.
    pub bucket_path: Option<String>,
    /// The account that owns the bucket, if it is not the caller's.
    pub bucket_owner: Option<String>,
    /// How S3 encrypts the bundles; by default as the bucket has it.
    pub bucket_sse: Option<BucketSse>,
    /// The key of KMS: id, ARN or alias. Only with `aws:kms`.
    pub bucket_kms_key_id: Option<String>,
    /// The compose file, relative to the project file.
    pub compose: Option<PathBuf>,
    /// What goes into the source bundle.
    #[serde(default)]
    pub bundle: BundleConfig,
    /// The login for a private registry.
    pub registry: Option<RegistryConfig>,
    /// How the compose file is judged.
    #[serde(default)]
    pub check: CheckConfig,
    /// What must hold after an update of any environment that serves HTTP.
    pub smoke: Option<SmokeSetting>,
    /// Environment properties for all environments.
    pub properties: Option<Properties>,
    /// Account-wide infrastructure.
    #[serde(default)]
    pub infra: InfraConfig,
    /// The environments by key.
    #[serde(default)]
    pub environments: BTreeMap<String, EnvironmentConfig>,
}

/// How S3 encrypts the bundles, in its own words.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, Serialize)]
pub enum BucketSse {
    /// With keys of S3.
    #[serde(rename = "AES256")]
    S3,
    /// With a key of KMS.
    #[serde(rename = "aws:kms")]
    Kms,
}

/// One environment of the project file.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct EnvironmentConfig {
    /// Its Elastic Beanstalk name; by default `<app>-<key>`.
    pub name: Option<String>,
    /// The git branches that deploy to it: a list, or a single one.
    #[serde(deserialize_with = "yaml::one_or_many")]
    pub branches: Vec<String>,
    /// Platform branch or solution stack.
    pub platform: Option<String>,
    /// Single instance or load balanced.
    #[serde(rename = "type")]
    pub kind: EnvironmentKind,
    /// WebServer or Worker.
    pub tier: Tier,
    /// The EC2 instance type.
    pub instance_type: Option<String>,
    /// Whether a deploy to it asks first.
    pub protected: bool,
    /// How deploys to it are judged.
    pub deploy: DeployConfig,
    /// Its own compose file, relative to the project file.
    pub compose: Option<PathBuf>,
    /// What must hold after an update of it.
    pub smoke: Option<SmokeSetting>,
    /// Who deploys to it.
    pub deployer: Option<DeployerConfig>,
    /// What its instances may do besides.
    pub instance_role: InstanceRoleConfig,
    /// Where it runs.
    pub network: Option<NetworkConfig>,
    /// Ids of further security groups of its instances.
    #[serde(deserialize_with = "yaml::one_or_many")]
    pub security_groups: Vec<String>,
    /// Its database.
    pub database: Option<DatabaseConfig>,
    /// Its environment properties, beside those for all environments.
    pub properties: Option<Properties>,
    /// Its other option settings, by namespace and name.
    pub settings: Option<SettingsConfig>,
}

/// How the compose file is judged.
#[derive(Debug, Clone, Default, Deserialize, Serialize)]
#[serde(deny_unknown_fields, default)]
pub struct CheckConfig {
    /// Rules that do not apply (`EB308`).
    pub ignore: Vec<String>,
    /// Whether warnings refuse as well.
    pub strict: bool,
}

/// How deploys to an environment are judged.
#[derive(Debug, Clone, Default, Deserialize, Serialize)]
#[serde(deny_unknown_fields, default)]
pub struct DeployConfig {
    /// What health counts as good.
    pub health: HealthPolicy,
    /// What becomes of a deploy that failed.
    pub on_failure: OnFailure,
}

/// Elastic Beanstalk's `EnvironmentType`.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum EnvironmentKind {
    /// One instance with an elastic IP address.
    #[default]
    Single,
    /// An Auto Scaling group behind a load balancer.
    LoadBalanced,
}

/// Elastic Beanstalk's environment tier.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Tier {
    /// Serves HTTP.
    #[default]
    Web,
    /// Works off an SQS queue.
    Worker,
}

impl Config {
    /// Reads and checks a project file.
    ///
    /// # Errors
    /// [`Kind::Config`] with the position of what does not fit.
    pub fn read(path: &Path, shown: &Path) -> Result<Self> {
        let text = std::fs::read_to_string(path).map_err(|why| Error::io("read", shown, &why))?;
        Self::parse(&text, shown)
    }

    /// Like [`Config::read`], from text.
    ///
    /// # Errors
    /// [`Kind::Config`] with the position of what does not fit.
    pub fn parse(text: &str, shown: &Path) -> Result<Self> {
        let config: Self = yaml::parse(text, shown, Kind::Config)?;
        match Error::all(config.contradictions(shown)) {
            Some(error) => Err(error),
            None => Ok(config),
        }
    }

    /// How S3 shall encrypt the bundles, if the file says so.
    #[must_use]
    pub fn encryption(&self) -> Option<Encryption> {
        self.bucket_sse.map(|sse| match sse {
            BucketSse::S3 => Encryption::S3,
            BucketSse::Kms => Encryption::Kms(self.bucket_kms_key_id.clone()),
        })
    }

    /// Whether any environment declares branches.
    #[must_use]
    pub fn declares_branches(&self) -> bool {
        self.environments
            .values()
            .any(|environment| !environment.branches.is_empty())
    }

    /// The files that environment properties are read from.
    pub fn dotenv_files(&self) -> impl Iterator<Item = &Path> {
        let own = self.environments.values();
        let own = own.filter_map(|environment| environment.properties.as_ref());
        let sources = self.properties.iter().chain(own).flat_map(|it| it.values());
        let login = self.registry.iter().filter_map(|it| it.password.as_ref());
        let sources = sources.chain(login);
        sources.filter_map(|source| match source {
            Source::Dotenv { file, .. } => Some(file.as_path()),
            _ => None,
        })
    }

    /// The rules of `check` that do not apply. Where every image is pinned, none has a moving tag.
    #[must_use]
    pub fn ignored_rules(&self) -> Vec<String> {
        let pinned = self.bundle.pin_images == PinImages::Always;
        let moving = pinned.then(|| MOVING_TAG.id.to_owned());
        self.check.ignore.iter().cloned().chain(moving).collect()
    }

    /// What is well formed but cannot be meant.
    fn contradictions(&self, shown: &Path) -> Vec<Error> {
        let mut problems = Vec::new();
        let mut problem = |text: String| {
            problems.push(Error::new(
                Kind::Config,
                format!("{}: {text}", shown.display()),
            ));
        };
        for (key, environment) in &self.environments {
            for (other, named) in &self.environments {
                if other != key && named.name.as_deref() == Some(key) {
                    problem(format!(
                        "`{key}` is the key of one environment and the name of `{other}`: \
                         `--env {key}` would mean both"
                    ));
                }
                if other > key && named.name.is_some() && named.name == environment.name {
                    problem(format!(
                        "the environments `{key}` and `{other}` have the same name"
                    ));
                }
            }
            if let Some(name) = &environment.name
                && !is_environment_name(name)
            {
                problem(format!(
                    "`{name}` cannot be an environment's name: 4 to 40 letters, digits and \
                     hyphens are allowed, no hyphen first or last"
                ));
            }
        }
        if self
            .app
            .as_deref()
            .is_some_and(|app| app.is_empty() || app.chars().count() > 100)
        {
            problem("`app` must have 1 to 100 characters".into());
        }
        if self.bucket_kms_key_id.is_some() && self.bucket_sse != Some(BucketSse::Kms) {
            problem("`bucket_kms_key_id` only counts with `bucket_sse: aws:kms`".into());
        }
        let registry = self.registry.as_ref().and_then(RegistryConfig::problem);
        let rest = self
            .smoke_problems()
            .into_iter()
            .chain(registry.map(Into::into));
        rest.chain(self.infra_problems())
            .chain(self.network_problems())
            .chain(self.database_problems())
            .for_each(problem);
        problems
    }
}

/// Elastic Beanstalk's rule for environment names (facts 1.2).
#[must_use]
pub fn is_environment_name(name: &str) -> bool {
    (4..=40).contains(&name.len())
        && name
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || byte == b'-')
        && !name.starts_with('-')
        && !name.ends_with('-')
}

/// Looks for the project file in `from` and the directories above it. Stops at the top of a
/// git checkout or at the file system's root.
#[must_use]
pub fn find(from: &Path) -> Option<PathBuf> {
    for directory in from.ancestors() {
        let candidate = directory.join(FILE_NAME);
        if candidate.is_file() {
            return Some(candidate);
        }
        if directory.join(".git").exists() {
            return None;
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(text: &str) -> Result<Config> {
        Config::parse(text, Path::new("beanship.yml"))
    }

    #[test]
    fn every_documented_key_is_read() {
        let config = parse(
            r#"
app: docker-fullstack-app
region: ap-northeast-2
bucket_name: my-bundles
bucket_path: docker-fullstack-app
bucket_owner: "123456789012"
bucket_sse: aws:kms
bucket_kms_key_id: alias/bundles
compose: docker-compose.yml
bundle: { exclude: [docs/] }
infra:
  account: "123456789012"
  tags: { team: shop }
environments:
  production:
    name: DockerFullstackApp-env
    branches: [main]
    platform: Docker running on 64bit Amazon Linux 2023
    type: load-balanced
    instance_type: t3.small
    deployer: { github: owner/repo }
    network: { vpc: default }
    database: { engine: mysql }
    properties: { LOG_LEVEL: info, API_KEY: { from_env: API_KEY } }
    settings: { "aws:elasticbeanstalk:command": { DeploymentPolicy: Rolling } }
"#,
        )
        .expect("the design's example");
        assert_eq!(
            config.environments["production"].kind,
            EnvironmentKind::LoadBalanced
        );
    }

    #[test]
    fn contradictions_are_reported_together() {
        let error = parse(
            "bucket_sse: AES256\nbucket_kms_key_id: alias/x\nenvironments:\n  staging: {}\n  production: {name: staging}\n  x: {name: '-bad'}\n",
        )
        .expect_err("two problems");
        let messages: Vec<_> = error.problems().map(|p| p.message().to_owned()).collect();
        insta::assert_snapshot!(messages.join("\n"), @"
        beanship.yml: `staging` is the key of one environment and the name of `production`: `--env staging` would mean both
        beanship.yml: `-bad` cannot be an environment's name: 4 to 40 letters, digits and hyphens are allowed, no hyphen first or last
        beanship.yml: `bucket_kms_key_id` only counts with `bucket_sse: aws:kms`
        ");
    }

    #[test]
    fn a_single_branch_needs_no_list() {
        let branches = |value: &str| {
            let text = format!("environments: {{ a: {{ branches: {value} }} }}");
            parse(&text).map(|config| config.environments["a"].branches.clone())
        };
        assert_eq!(branches("main").expect("one"), ["main"]);
        assert_eq!(branches("[main, next]").expect("a list"), ["main", "next"]);
        let error = branches("{ main: 1 }").expect_err("a map");
        insta::assert_snapshot!(error.message(), @"beanship.yml:1:32: invalid type: map, expected a text or a list of texts");
    }

    #[test]
    fn an_empty_file_is_an_empty_configuration() {
        assert!(parse("").expect("empty").environments.is_empty());
    }
}
