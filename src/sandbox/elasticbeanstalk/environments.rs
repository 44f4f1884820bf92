//! Environments: making, finding, and what belongs to them. What changes a running one is in `update` and `operations`.

use jiff::{SignedDuration, Timestamp};
use serde_json::json;

use super::super::account::{LOWER, random};
use super::super::iam;
use super::super::query::{Failure, Parameters};
use super::super::xml::Xml;
use super::applications::ENVIRONMENT_QUOTA;
use super::context::{Context, invalid, length, optional_length};
use super::model::{Environment, Health, HealthStatus, SAMPLE, Status, Tags};
use super::settings::Wish;
use super::timeline::{self, Ending, Lifecycle};
use super::{bundle, platforms, versions, views};

/// How long terminated environments stay in lists. UNVERIFIED: about an hour.
const REMEMBERED: SignedDuration = SignedDuration::from_hours(1);

pub(super) fn create(cx: &mut Context<'_>, xml: &mut Xml) -> Result<(), Failure> {
    let environment = new(cx)?;
    let label = match cx.parameters().text("VersionLabel") {
        None => SAMPLE.to_owned(),
        Some(label) => deployable(cx, &environment.application, label)?,
    };
    let bucket = cx.bucket();
    cx.world
        .storage
        .ensure(&bucket, &cx.call.region, &bucket_policy(&bucket))?;
    let ending = match without_profile(cx, &environment)? {
        Some(ending) => ending,
        None => bundle::ending(cx, &environment, &label, &environment.settings)?,
    };
    let around = Lifecycle {
        region: &cx.call.region,
        bucket: &bucket,
    };
    let mut environment = environment;
    environment.steps = timeline::create(&environment, &label, &ending, &around, cx.start());
    views::environment(xml, cx, &environment);
    cx.region.environments.push(environment);
    Ok(())
}

/// How a launch ends whose instance profile IAM does not know. UNVERIFIED: the words.
fn without_profile(cx: &Context<'_>, environment: &Environment) -> Result<Option<Ending>, Failure> {
    let profile = environment.setting("aws:autoscaling:launchconfiguration", "IamInstanceProfile");
    let Some(profile) = profile else {
        return Ok(None);
    };
    if iam::has_profile(cx.world, profile, cx.now())? {
        return Ok(None);
    }
    let explanation =
        format!("The instance profile {profile} associated with the environment does not exist.");
    Ok(Some(Ending::Fails(timeline::Failure {
        explanation: Some(explanation),
        engine: String::new(),
        app: "",
    })))
}

fn new(cx: &Context<'_>) -> Result<Environment, Failure> {
    let parameters = cx.parameters();
    let application = length(parameters, "ApplicationName", 1, 100)?;
    cx.application(application)?;
    let name = environment_name(parameters)?;
    if cx.region.live(name).is_some() {
        return Err(invalid(format!("Environment {name} already exists.")));
    }
    if cx
        .region
        .environments
        .iter()
        .filter(|environment| environment.is_live())
        .count()
        >= ENVIRONMENT_QUOTA
    {
        let message = format!("You cannot have more than {ENVIRONMENT_QUOTA} Environments.");
        return Err(Failure::new("TooManyEnvironmentsException", message));
    }
    let platform = platforms::asked(parameters, &cx.call.region)?
        .ok_or_else(|| invalid("Unable to determine base for template pack (no solution stack)"))?;
    let prefix = match optional_length(parameters, "CNAMEPrefix", 4, 63)? {
        Some(prefix) if taken(cx, &prefix) => {
            return Err(invalid(format!(
                "DNS name ({}) is not available.",
                host(&prefix, &cx.call.region)
            )));
        }
        Some(prefix) => prefix,
        None => random_prefix(name),
    };
    let mut environment = blank(name, application, &platform, prefix, cx.now());
    environment.description = cx.description()?;
    environment.worker = worker(&parameters.below("Tier."))?;
    environment.settings = Wish::read(parameters)?.apply(&environment.settings)?;
    environment.tags = cx.tags()?;
    environment.operations_role = optional_length(parameters, "OperationsRole", 1, 256)?;
    Ok(environment)
}

/// An environment that is about to be launched.
pub(super) fn blank(
    name: &str,
    application: &str,
    platform: &str,
    prefix: String,
    now: Timestamp,
) -> Environment {
    Environment {
        name: name.to_owned(),
        id: format!("e-{}", random(LOWER, 10)),
        application: application.to_owned(),
        description: None,
        label: None,
        platform: platform.to_owned(),
        worker: false,
        prefix,
        created: now,
        updated: now,
        status: Status::Launching,
        health: Health::of(HealthStatus::Unknown),
        abortable: false,
        settings: Default::default(),
        draft: None,
        instances: Vec::new(),
        attempt: 0,
        deployment: 0,
        tags: Tags::new(),
        operations_role: None,
        operation: None,
        steps: Vec::new(),
        journal: Vec::new(),
        reports: Vec::new(),
    }
}

/// `NAME.eba-xxxxxxxx`, for those who choose no prefix.
pub(super) fn random_prefix(name: &str) -> String {
    format!("{name}.eba-{}", random(LOWER, 8))
}

fn environment_name(parameters: &Parameters) -> Result<&str, Failure> {
    let name = length(parameters, "EnvironmentName", 4, 40)?;
    let letters = name.chars().all(|c| c.is_ascii_alphanumeric() || c == '-');
    if !letters || name.starts_with('-') || name.ends_with('-') {
        return Err(invalid(format!(
            "Value {name} at 'EnvironmentName' failed to satisfy constraint: Member must contain only letters, digits, and the \
             dash character and may not start or end with a dash"
        )));
    }
    Ok(name)
}

fn worker(tier: &Parameters) -> Result<bool, Failure> {
    match tier.text("Name") {
        None | Some("WebServer") => Ok(false),
        Some("Worker") => Ok(true),
        Some(other) => Err(invalid(format!(
            "Environment tier '{other}' is not supported."
        ))),
    }
}

/// The label, when there is such a version and it can be deployed now.
pub(super) fn deployable(
    cx: &Context<'_>,
    application: &str,
    label: &str,
) -> Result<String, Failure> {
    let versions = &cx.application(application)?.versions;
    if label == SAMPLE && !versions.iter().any(|version| version.label == label) {
        return Ok(SAMPLE.to_owned());
    }
    let version = versions
        .iter()
        .find(|version| version.label == label)
        .ok_or_else(|| versions::missing(label))?;
    if version.status(cx.now()) == "PROCESSING" {
        return Err(invalid(format!(
            "Application version {label} is still being processed and can not be deployed."
        )));
    }
    Ok(label.to_owned())
}

pub(super) fn describe(cx: &mut Context<'_>, xml: &mut Xml) -> Result<(), Failure> {
    let parameters = cx.parameters();
    let ids = parameters.texts("EnvironmentIds");
    let names = parameters.texts("EnvironmentNames");
    let application = parameters.text("ApplicationName");
    let label = parameters.text("VersionLabel");
    // UNVERIFIED: that deleted environments are included unless this says false.
    let deleted = parameters.flag("IncludeDeleted")?.unwrap_or(true);
    let back_to = parameters.time("IncludedDeletedBackTo")?;
    let back_to = back_to.unwrap_or_else(|| {
        cx.now()
            .saturating_sub(REMEMBERED)
            .unwrap_or(Timestamp::MIN)
    });
    let most = parameters
        .number("MaxRecords", 1, 1000)?
        .unwrap_or(usize::MAX);
    let skip: usize = parameters.text("NextToken").map_or(Ok(0), |token| {
        token.parse().map_err(|_| versions::bad_token())
    })?;
    let wanted = |environment: &&Environment| {
        (environment.is_live() || (deleted && environment.updated >= back_to))
            && ids
                .as_ref()
                .is_none_or(|ids| ids.contains(&environment.id.as_str()))
            && names
                .as_ref()
                .is_none_or(|names| names.contains(&environment.name.as_str()))
            && application.is_none_or(|name| environment.application == name)
            && label.is_none_or(|label| environment.label.as_deref() == Some(label))
    };
    let found: Vec<&Environment> = cx.region.environments.iter().filter(wanted).collect();
    let page = found.iter().skip(skip).take(most);
    xml.list("Environments", page, |xml, environment| {
        views::environment(xml, cx, environment);
    });
    let shown = skip.saturating_add(most);
    xml.maybe("NextToken", (shown < found.len()).then_some(shown));
    Ok(())
}

pub(super) fn resources(cx: &mut Context<'_>, xml: &mut Xml) -> Result<(), Failure> {
    let environment = &cx.region.environments[cx.environment_index()?];
    let id = &environment.id;
    let region = &cx.call.region;
    let account = &cx.world.account.id;
    let behind_balancer = !environment.is_single() && !environment.worker;
    xml.group("EnvironmentResources", |xml| {
        xml.text("EnvironmentName", &environment.name);
        xml.list("AutoScalingGroups", [()], |xml, ()| xml.text("Name", format!("awseb-{id}-stack-AWSEBAutoScalingGroup")));
        xml.list("Instances", &environment.instances, |xml, instance| xml.text("Id", &instance.id));
        xml.texts("LaunchConfigurations", [""; 0]);
        xml.list("LaunchTemplates", [()], |xml, ()| xml.text("Id", format!("lt-{}", &id[2..])));
        // UNVERIFIED: that the name of an application load balancer is its ARN.
        let balancer = match environment.setting("aws:elasticbeanstalk:environment", "LoadBalancerType") {
            Some("application") => {
                format!("arn:aws:elasticloadbalancing:{region}:{account}:loadbalancer/app/awseb-{id}/0123456789abcdef")
            }
            _ => format!("awseb-{id}"),
        };
        xml.list("LoadBalancers", behind_balancer.then_some(balancer), |xml, name| xml.text("Name", name));
        xml.texts("Triggers", [""; 0]);
        xml.list("Queues", environment.worker.then_some(()), |xml, ()| {
            let queue = format!("awseb-{id}-stack-AWSEBWorkerQueue");
            xml.text("Name", "WorkerQueue");
            xml.text("URL", format!("https://sqs.{region}.amazonaws.com/{account}/{queue}"));
        });
    });
    Ok(())
}

pub(super) fn check_dns(cx: &mut Context<'_>, xml: &mut Xml) -> Result<(), Failure> {
    let prefix = length(cx.parameters(), "CNAMEPrefix", 4, 63)?;
    xml.text("Available", !taken(cx, prefix));
    xml.text("FullyQualifiedCNAME", host(prefix, &cx.call.region));
    Ok(())
}

fn taken(cx: &Context<'_>, prefix: &str) -> bool {
    let same = |environment: &&Environment| {
        environment.is_live() && environment.prefix.eq_ignore_ascii_case(prefix)
    };
    cx.region
        .environments
        .iter()
        .any(|environment| same(&environment))
}

fn host(prefix: &str, region: &str) -> String {
    format!("{prefix}.{region}.elasticbeanstalk.com")
}

pub(super) fn storage_location(cx: &mut Context<'_>, xml: &mut Xml) -> Result<(), Failure> {
    let bucket = cx.bucket();
    cx.world
        .storage
        .ensure(&bucket, &cx.call.region, &bucket_policy(&bucket))?;
    xml.text("S3Bucket", bucket);
    Ok(())
}

/// The part of EB's own bucket policy that others notice: nobody may delete the bucket.
pub(super) fn bucket_policy(bucket: &str) -> serde_json::Value {
    json!({
        "Version": "2008-10-17",
        "Statement": [{
            "Sid": "eb-58950a8c-feb6-11e2-89e0-0800277d041b",
            "Effect": "Deny",
            "Principal": { "AWS": "*" },
            "Action": "s3:DeleteBucket",
            "Resource": format!("arn:aws:s3:::{bucket}"),
        }],
    })
}

pub(super) fn associate_role(cx: &mut Context<'_>, _: &mut Xml) -> Result<(), Failure> {
    let role = length(cx.parameters(), "OperationsRole", 1, 256)?;
    let index = cx.environment_index()?;
    cx.region.environments[index].operations_role = Some(role.to_owned());
    Ok(())
}

pub(super) fn disassociate_role(cx: &mut Context<'_>, _: &mut Xml) -> Result<(), Failure> {
    let index = cx.environment_index()?;
    cx.region.environments[index].operations_role = None;
    Ok(())
}
