//! What shall be: from the project file, and from what is there already and stays in use.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use super::access_key::KeyOrder;
use super::application::{self, ENVIRONMENT, LAUNCH, NewEnvironment, Setting};
use super::deployer::{Ids, subjects};
use super::grants::{Grants, Inline};
use super::iam::{self, Profile, Role, User};
use super::names::Place;
use super::policy::{Template, is_empty};
use super::references::{self, References};
use super::{Given, look, network};
use crate::config::{Config, EnvironmentConfig, Tier};
use crate::deploy::bucket::BucketWish;
use crate::error::{Error, Kind, Result};
use crate::settings::{Environ, Settings};

/// What a deployer's needs follow from.
#[derive(Debug)]
pub struct Sources<'a> {
    /// Where.
    pub place: &'a Place,
    /// The settings.
    pub settings: &'a Settings,
    /// What the project file says about the environment.
    pub declared: &'a EnvironmentConfig,
    /// Where bundles go.
    pub bucket: &'a BucketWish,
    /// What is used although we did not make it.
    pub given: &'a Given,
    /// What properties refer to.
    pub references: &'a References,
    /// What becomes of the access key.
    pub key: KeyOrder,
    /// Where it runs, where the project file says anything of it.
    pub network: Option<&'a network::Wanted>,
}

/// Everything that shall be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Desired {
    /// Where.
    pub place: Place,
    /// Roles and the like.
    pub iam: iam::Wanted,
    /// The network.
    pub network: Option<network::Wanted>,
    /// The database.
    pub database: Option<super::database::Wanted>,
    /// A bucket of one's own.
    pub bucket: Option<String>,
    /// The environment.
    pub environment: NewEnvironment,
    /// The ARN of the service role.
    pub service_role: String,
    /// What the deployer's workflow or machine needs to know: the ARN of its role.
    pub deployer_role: Option<String>,
}

impl Sources<'_> {
    /// Puts together what shall be.
    ///
    /// # Errors
    /// [`Kind::Config`] or [`Kind::Io`] for policies of the project file that cannot be read.
    pub fn desired(&self, platform: String) -> Result<Desired> {
        let place = self.place;
        let iam = self.iam()?;
        let given = self.given;
        let own = |end: &str| place.iam("role", &place.name(end));
        let service_role = given.service.clone().unwrap_or_else(|| own("service"));
        let profile = given.profile.as_ref().map(|(name, _)| name.clone());
        let profile = profile.unwrap_or_else(|| place.name("ec2"));
        let service_name = application::last(&service_role).to_owned();
        let service = match (&given.service, place.path.as_str()) {
            (None, "/") => service_name,
            _ => service_role.clone(),
        };
        let deploys = self.declared.deployer.as_ref();
        let github = deploys.is_some_and(|it| it.github.is_some());
        let place_words = self.network.map(|it| it.words.as_str());
        let words = application::words(self.declared, &platform, place_words);
        Ok(Desired {
            deployer_role: github.then(|| own("deployer")),
            bucket: self
                .bucket
                .name
                .clone()
                .filter(|_| self.bucket.owner.is_none()),
            environment: NewEnvironment {
                target: place.target.clone(),
                platform,
                worker: self.declared.tier == Tier::Worker,
                settings: self.settings(&profile, &service),
                operations_role: given.operations.clone().unwrap_or_else(|| own("ops")),
                profile: given.profile.is_none().then_some(profile),
                tags: place.all_tags(),
                words,
            },
            iam,
            network: self.network.cloned(),
            database: None,
            service_role,
            place: place.clone(),
        })
    }

    /// The environment's settings, in order; those of the network know what the file says.
    fn settings(&self, profile: &str, service: &str) -> Vec<Setting> {
        let key = |it: &Setting| (it.namespace.clone(), it.name.clone());
        let mut settings = application::settings(self.declared, profile, service);
        for more in self.network.iter().flat_map(|it| &it.settings) {
            settings.retain(|it| key(it) != key(more));
            settings.push(more.clone());
        }
        settings.sort_by_key(key);
        settings
    }

    fn iam(&self) -> Result<iam::Wanted> {
        let place = self.place;
        let mut wanted = iam::Wanted::default();
        if self.given.profile.is_none() {
            wanted.roles.push(self.instances()?);
            wanted.profile = Some(Profile {
                name: place.name("ec2"),
                path: place.path.clone(),
                tags: place.all_tags(),
            });
        }
        if self.given.service.is_none() {
            wanted.roles.push(self.service()?);
        }
        if self.given.operations.is_none() {
            wanted.roles.push(self.operations()?);
        }
        match &self.declared.deployer {
            Some(deployer) if deployer.github.is_some() => {
                wanted.provider = Some(look::provider_arn(place));
                wanted.roles.push(self.github()?);
            }
            Some(deployer) => {
                wanted.user = Some(User {
                    name: deployer.user.clone().unwrap_or_default(),
                    path: place.path.clone(),
                    grants: self.deployer()?,
                    key: self.key.clone(),
                });
            }
            None => {}
        }
        Ok(wanted)
    }

    fn role(&self, end: &str, purpose: String, trust: Value, grants: Grants) -> Role {
        Role {
            name: self.place.name(end),
            purpose,
            path: self.place.path.clone(),
            trust,
            grants,
        }
    }

    fn grants(&self, managed: &[&str]) -> Grants {
        Grants {
            boundary: self.settings.config.infra.iam.permissions_boundary.clone(),
            managed: managed
                .iter()
                .map(|name| self.place.managed(name))
                .collect(),
            inline: BTreeMap::new(),
            tags: self.place.all_tags(),
        }
    }

    fn instances(&self) -> Result<Role> {
        let tier = match self.declared.tier {
            Tier::Web => "AWSElasticBeanstalkWebTier",
            Tier::Worker => "AWSElasticBeanstalkWorkerTier",
        };
        let mut grants = self.grants(&[tier]);
        let references = self.references;
        let policy = references.policy(self.place)?;
        grants.inline.insert("references".into(), policy);
        let repositories: Vec<String> = references.repositories.iter().cloned().collect();
        if !repositories.is_empty() {
            let words = format!("may pull images of {}", names_of(&repositories));
            let document = Template::Images.fill(&[("repositories", repositories)])?;
            grants
                .inline
                .insert("images".into(), Inline { document, words });
        }
        grants.inline.extend(self.bundles()?);
        for policy in &self.declared.instance_role.policies {
            match policy.starts_with("arn:") {
                true => drop(grants.managed.insert(policy.clone())),
                false => grants
                    .inline
                    .extend([references::policy_file(&self.settings.root, policy)?]),
            }
        }
        let ec2 = match self.place.partition() {
            "aws-cn" => vec!["ec2.amazonaws.com".into(), "ec2.amazonaws.com.cn".into()],
            _ => vec!["ec2.amazonaws.com".into()],
        };
        let trust = Template::TrustInstances.fill(&[("ec2", ec2)])?;
        Ok(self.role("ec2", "for the instances".into(), trust, grants))
    }

    fn service(&self) -> Result<Role> {
        let mut grants = self.grants(&[
            "service-role/AWSElasticBeanstalkEnhancedHealth",
            "AWSElasticBeanstalkManagedUpdatesCustomerRolePolicy",
        ]);
        grants.inline.extend(self.bundles()?);
        let trust = Template::TrustService.fill(&[])?;
        let purpose = "for Elastic Beanstalk to watch and maintain it".to_owned();
        Ok(self.role("service", purpose, trust, grants))
    }

    /// Elastic Beanstalk's calls to other services are made with this role, so that whoever
    /// deploys needs none of its rights. UNVERIFIED: its trust policy.
    fn operations(&self) -> Result<Role> {
        let mut managed = vec![
            "service-role/AWSElasticBeanstalkRoleCore",
            "service-role/AWSElasticBeanstalkRoleCWL",
        ];
        if self.declared.tier == Tier::Worker {
            managed.push("service-role/AWSElasticBeanstalkRoleWorkerTier");
        }
        let mut grants = self.grants(&managed);
        let roles = self.passed_roles();
        let words = format!("may pass on {}", names_of(&roles));
        let document = Template::PassRoles.fill(&[("roles", roles)])?;
        grants
            .inline
            .insert("pass-roles".into(), Inline { document, words });
        grants.inline.extend(self.bundles()?);
        let trust = Template::TrustOperations.fill(&[])?;
        let purpose = "for Elastic Beanstalk to update it".to_owned();
        Ok(self.role("ops", purpose, trust, grants))
    }

    fn passed_roles(&self) -> Vec<String> {
        let own = |end: &str| self.place.iam("role", &self.place.name(end));
        let profile = self.given.profile.as_ref();
        let mut roles = profile.map_or_else(|| vec![own("ec2")], |(_, roles)| roles.clone());
        roles.push(self.given.service.clone().unwrap_or_else(|| own("service")));
        roles
    }

    /// Read of the bundles, where their bucket is not one that AWS's policies cover.
    fn bundles(&self) -> Result<Option<(String, Inline)>> {
        if self.bucket.name.is_none() {
            return Ok(None);
        }
        let place = self.place;
        let bucket = self.bucket.bucket(&place.region, &place.account);
        let document = Template::Bundles.fill(&[
            ("bucket", vec![place.s3(&bucket)]),
            ("bundles", vec![place.s3(&self.bucket.key_pattern(&bucket))]),
            (
                "bundle_key",
                self.references.bundle_key.iter().cloned().collect(),
            ),
        ])?;
        let words = format!(
            "may read the bundles in s3://{}",
            self.bucket.key_pattern(&bucket)
        );
        Ok(Some(("bundles".into(), Inline { document, words })))
    }

    fn github(&self) -> Result<Role> {
        let deployer = self.declared.deployer.clone().unwrap_or_default();
        let environ: &Environ = &self.settings.environ;
        let ids = Ids::find(&deployer, environ, self.given.deployer_trust.as_ref());
        let subjects = subjects(&deployer, &self.declared.branches, ids.as_ref());
        let purpose = format!("for GitHub: {}", subjects.join(", "));
        let trust = Template::TrustGithub.fill(&[
            ("provider", vec![look::provider_arn(self.place)]),
            ("subjects", subjects),
        ])?;
        Ok(self.role("deployer", purpose, trust, self.deployer()?))
    }

    fn deployer(&self) -> Result<Grants> {
        let place = self.place;
        let (app, name) = (&place.target.app, &place.target.environment);
        let bucket = self.bucket.bucket(&place.region, &place.account);
        let own = place.own_secrets();
        let profile = self.given.profile.as_ref();
        let profile_name = profile.map_or_else(|| place.name("ec2"), |(name, _)| name.clone());
        let mut instances = self.passed_roles();
        instances.pop();
        instances.push(match profile {
            Some(_) => format!(
                "arn:{}:iam::{}:instance-profile/{profile_name}",
                place.partition(),
                place.account
            ),
            None => place.iam("instance-profile", &profile_name),
        });
        let eb =
            |kind: &str, name: &str| place.arn("elasticbeanstalk", &format!("{kind}/{app}/{name}"));
        let group = format!("log-group:/aws/elasticbeanstalk/{name}/*");
        let [rds_secrets, rds_instance] = self.references.kept(place);
        let document = Template::Deployer.fill(&[
            (
                "versions",
                vec![
                    place.arn("elasticbeanstalk", &format!("application/{app}")),
                    eb("applicationversion", "*"),
                ],
            ),
            ("environment", vec![eb("environment", name)]),
            ("environments", vec![eb("environment", "*")]),
            ("bucket", vec![place.s3(&bucket)]),
            ("bundles", vec![place.s3(&self.bucket.key_pattern(&bucket))]),
            (
                "bundle_key",
                self.references.bundle_key.iter().cloned().collect(),
            ),
            ("logs", vec![place.arn("logs", &group)]),
            ("secrets", self.references.secrets.iter().cloned().collect()),
            ("own_secrets", vec![own]),
            ("databases", self.references.databases()),
            rds_secrets,
            rds_instance,
            ("instances", instances),
        ])?;
        debug_assert!(!is_empty(&document));
        let words = format!(
            "may deploy to {name}, look at it, change its properties, and use s3://{}; may not read secrets",
            self.bucket.key_pattern(&bucket)
        );
        let mut grants = self.grants(&[]);
        grants
            .inline
            .insert("deploy".into(), Inline { document, words });
        let built: Vec<String> = self.references.built.iter().cloned().collect();
        if !built.is_empty() {
            let words = format!("may push images to {}", names_of(&built));
            let document = Template::PushImages.fill(&[("repositories", built)])?;
            grants
                .inline
                .insert("images".into(), Inline { document, words });
        }
        Ok(grants)
    }
}

/// The names at the ends of ARNs.
fn names_of(arns: &[String]) -> String {
    let name = |arn: &'_ String| match arn.split_once(":repository/") {
        Some((_, name)) => name.to_owned(),
        None => application::last(arn).to_owned(),
    };
    let names: BTreeSet<String> = arns.iter().map(name).collect();
    names.into_iter().collect::<Vec<_>>().join(", ")
}

/// What the project file's settings name instead of roles of ours.
#[must_use]
pub fn named(declared: &EnvironmentConfig) -> (Option<String>, Option<String>) {
    let settings = declared.settings.as_ref();
    let value = |namespace: &str, name: &str| {
        let value = settings?.get(namespace)?.get(name)?;
        Some(value.0.clone()).filter(|it| !it.is_empty())
    };
    (
        value(LAUNCH, "IamInstanceProfile"),
        value(ENVIRONMENT, "ServiceRole"),
    )
}

/// Refuses an account that is not the one in the file.
///
/// # Errors
/// [`Kind::Check`].
pub fn guard(config: &Config, account: &str) -> Result<()> {
    match config.infra.account.as_deref() {
        Some(wanted) if wanted != account => Err(Error::new(
            Kind::Check,
            format!("these credentials are of account {account}, and beanship.yml says `infra.account: {wanted}`"),
        )
        .hint("choose the profile of that account: `beanship bootstrap --profile NAME`")),
        _ => Ok(()),
    }
}
