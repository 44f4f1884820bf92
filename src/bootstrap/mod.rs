//! From an empty account to an environment that CI can deploy to: IAM roles, the deployer, the
//! network, the database, the bundle bucket, application and environment.
//!
//! ```text
//! beanship.yml + Given (what stays in use) -> Desired -+
//!                                       AWS -> Observed -+-> plan -> steps -> apply
//! ```
//!
//! [`plan`] is pure. Names follow from the environment ([`names`]), so that every run finds what
//! an earlier one made and goes on where it stopped. What is there already and was not made here
//! stays in use ([`Given`]); what merely has one of our names is refused.

pub mod access_key;
pub mod application;
mod apply;
pub mod bucket;
pub mod database;
pub mod deployer;
pub mod destroy;
pub mod grants;
pub mod iam;
pub mod look;
pub mod names;
pub mod network;
mod own_policy;
mod pace;
pub mod permissions;
pub mod policy;
pub mod references;
pub mod registry;
mod report;
pub mod steps;
pub mod wanted;

use clap::ValueEnum;
use serde_json::Value;

use crate::aws::Aws;
use crate::aws::error::Explain;
use crate::config::EnvironmentConfig;
use crate::error::{Error, Kind, Result};
use crate::plan::Plan;
use crate::properties::SECRETS;

use database::{DATABASE, DatabaseStep};
use names::Place;
pub use report::BootstrapReport;
pub use steps::{BootstrapStep, Made};
pub use wanted::Desired;

/// A part of what is made.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Part {
    /// Roles, policies, the deployer.
    Iam,
    /// Where the environment runs, and its security group.
    Network,
    /// Its database, with the secret.
    Database,
    /// The bundle bucket, the application and its environment.
    Application,
}

/// What is used although we did not make it: named in the project file's settings, or by an
/// environment that was there before.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Given {
    /// The name of the instance profile, and the ARNs of its roles.
    pub profile: Option<(String, Vec<String>)>,
    /// The ARN of the service role.
    pub service: Option<String>,
    /// The ARN of the operations role.
    pub operations: Option<String>,
    /// Who may take the deployer's role, where it is there.
    pub deployer_trust: Option<Value>,
}

impl Given {
    /// Looks for it.
    ///
    /// # Errors
    /// [`Kind::Check`] for an instance profile that is not there; else what AWS
    /// says.
    pub async fn find(
        aws: &Aws,
        place: &Place,
        declared: &EnvironmentConfig,
        seen: &application::Seen,
    ) -> Result<Self> {
        let (profile, service) = wanted::named(declared);
        let there = seen.environment.as_ref();
        let value = |namespace: &str, name: &str| {
            let value = there?.configuration.value(namespace, name)?;
            Some(value.to_owned()).filter(|it| !it.is_empty())
        };
        let others = |end: &'static str| {
            let own = place.name(end);
            move |name: &String| application::last(name) != own
        };
        let profile = profile.or_else(|| value(application::LAUNCH, "IamInstanceProfile"));
        let service = service.or_else(|| value(application::ENVIRONMENT, "ServiceRole"));
        let operations = there.and_then(|it| it.description.operations_role.clone());
        let mut given = Self {
            service: service
                .filter(others("service"))
                .map(|it| role_arn(place, &it)),
            operations: operations.filter(others("ops")),
            ..Self::default()
        };
        if let Some(profile) = profile.filter(others("ec2")) {
            let name = application::last(&profile).to_owned();
            let found = look::profile(aws, &name).await?;
            let (_, roles, _) = found.ok_or_else(|| {
                Error::new(
                    Kind::Check,
                    format!("there is no instance profile {name}"),
                )
                .hint("correct `IamInstanceProfile` in the settings, or leave it out, and run `beanship bootstrap` again")
            })?;
            given.profile = Some((name, roles.into_values().collect()));
        }
        if declared
            .deployer
            .as_ref()
            .is_some_and(|it| it.github.is_some())
        {
            let name = place.name("deployer");
            let call = aws.iam.get_role().role_name(&name);
            let told = look::known(call.send().await.explain("iam", "GetRole"))?;
            let trust = told.and_then(|it| it.role?.assume_role_policy_document);
            given.deployer_trust = trust.map(|text| policy::decoded(&text));
        }
        Ok(given)
    }

    /// What is used, in words; one line each.
    #[must_use]
    pub fn words(&self) -> Vec<String> {
        let mut lines = Vec::new();
        if let Some((name, _)) = &self.profile {
            lines.push(format!(
                "the instance profile {name} is used as it is: its role gets nothing from beanship"
            ));
        }
        if let Some(arn) = &self.service {
            lines.push(format!(
                "the service role {} is used as it is",
                application::last(arn)
            ));
        }
        if let Some(arn) = &self.operations {
            lines.push(format!(
                "the operations role {} is used as it is",
                application::last(arn)
            ));
        }
        lines
    }
}

/// The ARN of a role, from its ARN, its name, or path and name.
fn role_arn(place: &Place, named: &str) -> String {
    if named.starts_with("arn:") {
        return named.to_owned();
    }
    let (partition, account) = (place.partition(), &place.account);
    format!(
        "arn:{partition}:iam::{account}:role/{}",
        named.trim_start_matches('/')
    )
}

/// Everything that is.
#[derive(Debug, Clone, Default)]
pub struct Observed {
    /// Of IAM.
    pub iam: iam::Seen,
    /// Of the network, where the project file says anything of it.
    pub network: Option<network::Ground>,
    /// Of the database.
    pub database: database::Seen,
    /// Whether the bucket is there, and how.
    pub bucket: Option<bucket::SeenBucket>,
    /// Application and environment.
    pub application: application::Seen,
    /// The login at a private registry that is to be written.
    pub login: Option<registry::LoginStep>,
}

impl Observed {
    /// Looks at everything that shall be.
    ///
    /// # Errors
    /// What AWS says, and as [`bucket::look`].
    pub async fn look(
        aws: &Aws,
        desired: &Desired,
        application: application::Seen,
        network: Option<network::Ground>,
    ) -> Result<Self> {
        let place = &desired.place;
        let bucket = async {
            match &desired.bucket {
                Some(name) => bucket::look(aws, name, &place.account).await,
                None => Ok(None),
            }
        };
        let (iam, bucket) = tokio::join!(look::iam(aws, place, &desired.iam), bucket);
        Ok(Self {
            iam: iam?,
            network,
            database: database::Seen::default(),
            bucket: bucket?,
            application,
            login: None,
        })
    }
}

/// The changes that lead from what is to what shall be, of these parts; all of them if none is
/// named.
///
/// # Errors
/// As [`iam::plan`], [`network::plan`] and [`database::plan`]; [`Kind::Usage`] for an environment without the security
/// group that it shall have.
pub fn plan(desired: &Desired, observed: &Observed, only: &[Part]) -> Result<Plan<BootstrapStep>> {
    let counts = |part: Part| only.is_empty() || only.contains(&part);
    let place = &desired.place;
    let mut steps = Vec::new();
    if counts(Part::Iam) {
        steps.extend(iam::plan(place, &desired.iam, &observed.iam)?);
    }
    if let (Some(wanted), Some(ground)) = (&desired.network, &observed.network) {
        let there = network::group::find(&wanted.group, &ground.groups).is_some();
        if counts(Part::Network) {
            steps.extend(network::plan(place, wanted, ground)?);
        } else if !there && counts(Part::Application) && observed.application.environment.is_none()
        {
            return Err(without("application", &wanted.group.name, place));
        }
    }
    let mut last = Vec::new();
    if let (Some(joined), Some(ground)) = (&observed.database.joined, &observed.network) {
        let networked = counts(Part::Network);
        steps.extend(database::join(place, joined, ground, networked)?);
    }
    if counts(Part::Database)
        && let (Some(wanted), Some(ground)) = (&desired.database, &observed.network)
    {
        if !counts(Part::Network) && wanted.rule.from.id.is_none() {
            return Err(without(DATABASE, &wanted.rule.from.name, place));
        }
        let all = database::plan(place, wanted, &observed.database, ground)?;
        let (late, early): (Vec<_>, Vec<_>) = all.into_iter().partition(is_late);
        steps.extend(early);
        last = late;
    }
    if counts(Part::Application)
        && let Some(name) = &desired.bucket
    {
        steps.extend(bucket::plan(name, observed.bucket.as_ref()));
    }
    if counts(Part::Application) {
        steps.extend(observed.login.clone().map(BootstrapStep::from));
    }
    steps.extend(application::plan(
        place,
        &desired.environment,
        &desired.service_role,
        &observed.application,
        counts,
    ));
    last.extend(refreshed(&steps, &observed.application));
    steps.extend(last);
    Ok(Plan::new(steps))
}

/// What can wait until everything else is begun.
fn is_late(step: &BootstrapStep) -> bool {
    matches!(step, BootstrapStep::Database(DatabaseStep::Await { .. }))
}

/// Instances read a password only when they are deployed to or restarted (facts 5.2): an update
/// does that as well.
fn refreshed(steps: &[BootstrapStep], seen: &application::Seen) -> Option<BootstrapStep> {
    use BootstrapStep::{Configure, Database};
    let there = seen.environment.as_ref()?;
    // Of who changes hands, the environment refers to the wrong secret until it is deployed to.
    let changed = |it: &_| {
        use DatabaseStep::{Password, Renew};
        matches!(it, Database(Password { by_rds: false, .. } | Renew { .. }))
    };
    let updates = steps.iter().any(|it| matches!(it, Configure { .. }));
    let refers = there.configuration.namespace(SECRETS).next().is_some();
    (refers && !updates && steps.iter().any(changed)).then(|| {
        Database(DatabaseStep::Refresh {
            environment: there.description.name.clone(),
        })
    })
}

fn without(what: &str, group: &str, place: &Place) -> Error {
    let name = &place.target.environment;
    let env = place.target.key.as_deref().unwrap_or(name);
    let (part, who) = match what {
        DATABASE => (DATABASE, format!("the database of {name}")),
        other => (other, name.clone()),
    };
    let what = format!("{who} needs the security group {group}, which is not there yet");
    Error::new(Kind::Usage, what).hint(format!(
        "make both: `beanship bootstrap --env {env} --only network,{part}`"
    ))
}
