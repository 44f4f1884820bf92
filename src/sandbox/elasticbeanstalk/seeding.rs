//! The account as `beanship bootstrap` leaves it: an application whose environments run AWS's sample version.

use std::collections::BTreeMap;
use std::io;

use jiff::Timestamp;

use super::super::account::Account;
use super::super::s3::storage::Storage;
use super::super::state::Store;
use super::super::{Seed, SeedEnvironment};
use super::model::{Application, Books, Environment, SAMPLE, Settings, Tags};
use super::{BOOKS, environments, platforms, timeline};

/// Makes the application and the environments of the seed, and EB's bucket.
pub(in super::super) fn seed(
    seed: &Seed,
    account: &Account,
    store: &Store,
    storage: &Storage,
) -> io::Result<()> {
    let bucket = format!("elasticbeanstalk-{}-{}", seed.region, account.id);
    storage.ensure(&bucket, &seed.region, &environments::bucket_policy(&bucket))?;
    let now = Timestamp::from_millisecond(Timestamp::now().as_millisecond()).unwrap_or_default();
    let environments: Vec<Environment> = seed
        .environments
        .iter()
        .map(|wanted| environment(seed, wanted, now))
        .collect::<Result<_, _>>()
        .map_err(|problem| io::Error::new(io::ErrorKind::InvalidInput, problem))?;
    store.update(BOOKS, |books: &mut Books| {
        let region = books.entry(seed.region.clone()).or_default();
        let application = Application {
            lifecycle: None,
            description: None,
            created: now,
            updated: now,
            tags: Tags::new(),
            versions: Vec::new(),
        };
        region
            .applications
            .insert(seed.application.clone(), application);
        region.environments = environments;
    })
}

fn environment(
    seed: &Seed,
    wanted: &SeedEnvironment,
    now: Timestamp,
) -> Result<Environment, String> {
    let platform = wanted.platform.as_deref().unwrap_or(platforms::DOCKER);
    let arn = platforms::existing(platform, &seed.region).ok_or_else(|| {
        format!(
            "environment '{}': the sandbox has no platform '{platform}'",
            wanted.name
        )
    })?;
    let prefix = environments::random_prefix(&wanted.name);
    let mut environment = environments::blank(&wanted.name, &seed.application, &arn, prefix, now);
    environment.worker = wanted.worker;
    environment.settings = settings(wanted);
    timeline::launched(&mut environment, SAMPLE);
    Ok(environment)
}

/// The settings a bootstrapped environment has: enhanced health, the usual roles, and behind a load balancer two instances.
fn settings(wanted: &SeedEnvironment) -> Settings {
    let kind = if wanted.single_instance {
        "SingleInstance"
    } else {
        "LoadBalanced"
    };
    let mut settings: Vec<(&str, &str, &str)> = vec![
        (
            "aws:autoscaling:launchconfiguration",
            "IamInstanceProfile",
            "aws-elasticbeanstalk-ec2-role",
        ),
        ("aws:elasticbeanstalk:environment", "EnvironmentType", kind),
        (
            "aws:elasticbeanstalk:environment",
            "ServiceRole",
            "aws-elasticbeanstalk-service-role",
        ),
        (
            "aws:elasticbeanstalk:healthreporting:system",
            "SystemType",
            "enhanced",
        ),
    ];
    if !wanted.single_instance {
        settings.push(("aws:autoscaling:asg", "MinSize", "2"));
        settings.push((
            "aws:elasticbeanstalk:environment",
            "LoadBalancerType",
            "application",
        ));
    }
    let mut by_namespace = BTreeMap::new();
    for (namespace, name, value) in settings {
        let names: &mut BTreeMap<String, String> =
            by_namespace.entry(namespace.to_owned()).or_default();
        names.insert(name.to_owned(), value.to_owned());
    }
    by_namespace
}
