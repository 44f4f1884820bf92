//! The application and the environment, as they shall be and as they are.

use std::collections::BTreeMap;

use aws_sdk_elasticbeanstalk::types::PlatformFilter;

use super::Part;
use super::iam::Role;
use super::names::{self, Place, Tags};
use super::steps::BootstrapStep;
use crate::aws::Aws;
use crate::aws::error::Explain;
use crate::config::{EnvironmentConfig, EnvironmentKind, Tier};
use crate::deploy::configuration::{self, Configuration};
use crate::deploy::environment::{self, Environment, SERVICE};
use crate::error::{Error, Kind, Result};
use crate::properties::{Options, SetOption, Value};
use crate::settings::Target;

/// The platform where nothing else is said.
pub const PLATFORM: &str = "Docker running on 64bit Amazon Linux 2023";

pub(super) const LAUNCH: &str = "aws:autoscaling:launchconfiguration";
pub(super) const ENVIRONMENT: &str = "aws:elasticbeanstalk:environment";
const COMMAND: &str = "aws:elasticbeanstalk:command";
const LOGS: &str = "aws:elasticbeanstalk:cloudwatch:logs";

/// How many versions of an application are kept.
pub(super) const VERSIONS: i32 = 200;

/// An option setting that shall be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Setting {
    /// The namespace.
    pub namespace: String,
    /// The option's name.
    pub name: String,
    /// The value.
    pub value: String,
    /// Whether the project file asks for it; the others only count where we made the environment.
    pub asked: bool,
    /// Which part it belongs to.
    pub part: Part,
}

/// The environment that shall be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewEnvironment {
    /// Application and name.
    pub target: Target,
    /// The ARN of the platform version.
    pub platform: String,
    /// Whether it takes messages from a queue instead of requests.
    pub worker: bool,
    /// Its option settings.
    pub settings: Vec<Setting>,
    /// The ARN of the role for Elastic Beanstalk's own calls.
    pub operations_role: String,
    /// The instance profile to wait for, where it is ours.
    pub profile: Option<String>,
    /// Its tags.
    pub tags: Tags,
    /// What it is, in words.
    pub words: String,
}

/// What is there of application and environment.
#[derive(Debug, Clone, Default)]
pub struct Seen {
    /// Whether the application is there.
    pub application: bool,
    /// The environment, with its settings and whether we made it.
    pub environment: Option<SeenEnvironment>,
}

/// The environment that is there.
#[derive(Debug, Clone)]
pub struct SeenEnvironment {
    /// As Elastic Beanstalk describes it.
    pub description: Environment,
    /// Its option settings.
    pub configuration: Configuration,
    /// Whether its tags say that we made it.
    pub ours: bool,
}

/// Looks at application and environment.
///
/// # Errors
/// [`Kind::Check`] for an environment of another application; else what AWS says.
pub async fn look(aws: &Aws, target: &Target) -> Result<Seen> {
    let (app, name) = (&target.app, &target.environment);
    let applications = aws.eb.describe_applications().application_names(app).send();
    let (applications, found) = tokio::join!(applications, environment::find(aws, name));
    let applications = applications.explain(SERVICE, "DescribeApplications")?;
    let mut seen = Seen {
        application: !applications.applications().is_empty(),
        environment: None,
    };
    let Some(description) = found? else {
        return Ok(seen);
    };
    if description.application != *app {
        let theirs = &description.application;
        let what = format!(
            "the environment {name} is there already and belongs to the application {theirs}"
        );
        return Err(Error::new(Kind::Check, what)
            .hint("choose another `name` in beanship.yml; names are unique in a region: `beanship config`"));
    }
    if description.is_gone() {
        let what = format!("the environment {name} is {}", description.status);
        return Err(Error::new(Kind::Check, what).hint(format!(
            "wait until it is gone, and run `beanship bootstrap` again; follow it with `beanship events --follow --env {name}`"
        )));
    }
    let configuration = configuration::read(aws, app, name).await?;
    let ours = tags(aws, &description).await?;
    seen.environment = Some(SeenEnvironment {
        ours: ours.get(names::ENVIRONMENT) == Some(name),
        description,
        configuration,
    });
    Ok(seen)
}

async fn tags(aws: &Aws, environment: &Environment) -> Result<BTreeMap<String, String>> {
    let Some(arn) = &environment.arn else {
        return Ok(BTreeMap::new());
    };
    let told = aws.eb.list_tags_for_resource().resource_arn(arn).send();
    let told = told.await.explain(SERVICE, "ListTagsForResource")?;
    let tags = told.resource_tags().iter();
    Ok(tags
        .filter_map(|tag| Some((tag.key()?.to_owned(), tag.value()?.to_owned())))
        .collect())
}

/// The newest recommended version of a platform branch, or the platform of a solution stack.
///
/// # Errors
/// [`Kind::Check`] where Elastic Beanstalk does not offer it.
pub async fn platform(aws: &Aws, named: &str) -> Result<String> {
    if named.starts_with("arn:") {
        return Ok(named.to_owned());
    }
    let stack = named
        .split_once(" running ")
        .filter(|_| named.contains(" v"));
    let branch = match stack {
        Some((system, software)) => {
            let system = system
                .rsplit_once(" v")
                .map_or(system, |(system, _)| system);
            format!("{software} running on {system}")
        }
        None => named.to_owned(),
    };
    let version = stack
        .and_then(|(system, _)| system.rsplit_once(" v"))
        .map(|(_, it)| it);
    let filter = |kind: &str, value: &str| {
        PlatformFilter::builder()
            .r#type(kind)
            .operator("=")
            .values(value)
            .build()
    };
    let call = aws.eb.list_platform_versions();
    let call = call.filters(filter("PlatformBranchName", &branch));
    let call = match version {
        Some(version) => call.filters(filter("PlatformVersion", version)),
        None => call.filters(filter("PlatformLifecycleState", "recommended")),
    };
    let told = call.send().await.explain(SERVICE, "ListPlatformVersions")?;
    let newest = told.platform_summary_list().first();
    let arn = newest.and_then(|it| it.platform_arn());
    arn.map(str::to_owned).ok_or_else(|| {
        Error::new(
            Kind::Check,
            format!("Elastic Beanstalk offers no platform `{named}` in {}", aws.region),
        )
        .hint("list what there is with `aws elasticbeanstalk list-platform-branches`, and correct `platform` in beanship.yml")
    })
}

/// The option settings: what the API would leave at its poor defaults (facts 5.4), and what the
/// project file asks for, which wins.
#[must_use]
pub fn settings(declared: &EnvironmentConfig, profile: &str, service_role: &str) -> Vec<Setting> {
    let balanced = declared.kind == EnvironmentKind::LoadBalanced;
    let kind = if balanced {
        "LoadBalanced"
    } else {
        "SingleInstance"
    };
    let mut usual = vec![
        (LAUNCH, "IamInstanceProfile", profile),
        (LAUNCH, "DisableIMDSv1", "true"),
        (LAUNCH, "RootVolumeType", "gp3"),
        (LAUNCH, "RootVolumeSize", "16"),
        (ENVIRONMENT, "EnvironmentType", kind),
        (ENVIRONMENT, "ServiceRole", service_role),
        (
            "aws:elasticbeanstalk:healthreporting:system",
            "SystemType",
            "enhanced",
        ),
        (LOGS, "StreamLogs", "true"),
        (LOGS, "RetentionInDays", "30"),
    ];
    if balanced {
        usual.extend([
            ("aws:autoscaling:asg", "MinSize", "2"),
            (COMMAND, "DeploymentPolicy", "RollingWithAdditionalBatch"),
            (COMMAND, "BatchSizeType", "Percentage"),
            (COMMAND, "BatchSize", "50"),
        ]);
        if declared.tier == Tier::Web {
            usual.push((ENVIRONMENT, "LoadBalancerType", "application"));
        }
    }
    let mut all: BTreeMap<(String, String), (String, bool)> = usual
        .into_iter()
        .map(|(namespace, name, value)| {
            let key = (namespace.to_owned(), name.to_owned());
            (key, (value.to_owned(), false))
        })
        .collect();
    if let Some(types) = &declared.instance_type {
        let key = ("aws:ec2:instances".to_owned(), "InstanceTypes".to_owned());
        all.insert(key, (types.clone(), true));
    }
    for (namespace, options) in declared.settings.iter().flatten() {
        for (name, value) in options {
            let key = (namespace.clone(), name.clone());
            all.insert(key, (value.0.clone(), true));
        }
    }
    let setting = |((namespace, name), (value, asked))| Setting {
        namespace,
        name,
        value,
        asked,
        part: Part::Application,
    };
    all.into_iter().map(setting).collect()
}

/// The steps to application and environment, as far as these parts count. Of the network, an
/// environment that is there gets what it lacks.
#[must_use]
pub fn plan(
    place: &Place,
    wanted: &NewEnvironment,
    service_role: &str,
    seen: &Seen,
    counts: impl Fn(Part) -> bool,
) -> Vec<BootstrapStep> {
    let mut steps = Vec::new();
    let whole = counts(Part::Application);
    if whole && !seen.application {
        steps.push(BootstrapStep::CreateApplication {
            name: place.target.app.clone(),
            service_role: service_role.to_owned(),
            tags: place.application_tags(),
        });
    }
    let Some(there) = &seen.environment else {
        steps.extend(whole.then(|| BootstrapStep::CreateEnvironment(wanted.clone())));
        return steps;
    };
    let description = &there.description;
    let never_ran = description.is_ready()
        && description.version_label.is_none()
        && description.health == "Red";
    let repairs = whole && never_ran && there.ours;
    let settings = wanted.settings.iter().filter(|it| counts(it.part));
    let options = match repairs {
        true => Options {
            set: settings.map(|it| option(it, None)).collect(),
            ..Options::default()
        },
        false => changes(settings, there),
    };
    if whole && description.operations_role.is_none() {
        steps.push(BootstrapStep::AssociateRole {
            environment: description.name.clone(),
            role: wanted.operations_role.clone(),
        });
    }
    if !options.is_empty() {
        steps.push(BootstrapStep::Configure {
            environment: description.name.clone(),
            options,
            before: there.configuration.clone(),
            repairs,
        });
    }
    steps
}

/// The options that differ. Of an environment that somebody else made, only those that the
/// project file asks for and the roles that it lacks.
fn changes<'a>(settings: impl Iterator<Item = &'a Setting>, there: &SeenEnvironment) -> Options {
    let seen = |it: &Setting| there.configuration.value(&it.namespace, &it.name);
    let differs = |it: &&Setting| {
        let here = seen(it).unwrap_or_default();
        let counts = it.asked || there.ours || (is_role(it) && here.is_empty());
        // Can only be chosen when the environment is made.
        let fixed = it.name == "LoadBalancerType";
        let same = here == it.value || there.configuration.has(&it.namespace, &it.name, &it.value);
        let same = same || (is_role(it) && last(here) == last(&it.value));
        counts && !(fixed || same)
    };
    Options {
        set: settings
            .filter(differs)
            .map(|it| option(it, seen(it)))
            .collect(),
        ..Options::default()
    }
}

fn is_role(setting: &Setting) -> bool {
    matches!(setting.name.as_str(), "IamInstanceProfile" | "ServiceRole")
}

/// The name at the end of an ARN.
pub(super) fn last(name: &str) -> &str {
    name.rsplit('/').next().unwrap_or(name)
}

fn option(setting: &Setting, seen: Option<&str>) -> SetOption {
    let value = Value::new(setting.value.clone());
    SetOption::setting(&setting.namespace, &setting.name, value, seen)
}

/// Whether a change of an option replaces the instances (facts 5.3).
pub(super) fn replaces(namespace: &str, name: &str) -> bool {
    matches!(namespace, LAUNCH | "aws:ec2:instances" | "aws:ec2:vpc")
        || (namespace == ENVIRONMENT && name == "EnvironmentType")
}

/// What an environment is, and where, in words: what costs money is among them.
#[must_use]
pub fn words(declared: &EnvironmentConfig, platform: &str, place: Option<&str>) -> String {
    let platform = platform.rsplit('/').next().unwrap_or(platform);
    let size = declared
        .instance_type
        .as_deref()
        .unwrap_or("an instance of Elastic Beanstalk's choice");
    let what = match declared.kind {
        EnvironmentKind::Single => format!("one instance: {size}"),
        EnvironmentKind::LoadBalanced if declared.tier == Tier::Worker => {
            format!("two to four instances: {size}")
        }
        EnvironmentKind::LoadBalanced => {
            format!("two to four instances behind an application load balancer: {size}")
        }
    };
    let place = place.map(|it| format!(", {it}")).unwrap_or_default();
    format!("platform version {platform}, {what}{place}; costs money")
}

/// The role of this name among those that shall be.
#[must_use]
pub fn role<'a>(roles: &'a [Role], name: &str) -> Option<&'a Role> {
    roles.iter().find(|role| role.name == name)
}
