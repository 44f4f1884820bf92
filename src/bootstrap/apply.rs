//! How each change is made. A call that finds its work done already has succeeded; what AWS does
//! not know yet, because it was only just made, is asked for again.

mod database;
mod iam;
mod network;

pub(super) use database::{until_gone, wait};
pub(super) use iam::{delete, detach};
pub(super) use network::regroup;

use std::collections::BTreeMap;
use std::future::Future;

use aws_sdk_elasticbeanstalk::operation::RequestId;
use aws_sdk_elasticbeanstalk::types::{
    ApplicationResourceLifecycleConfig, ApplicationVersionLifecycleConfig,
    ConfigurationOptionSetting, EnvironmentTier, MaxCountRule, Tag as EbTag,
};

use super::application::{LAUNCH, NewEnvironment, VERSIONS};
use super::names::Tags;
use super::pace::Patience;
use super::steps::{BootstrapStep, Made};
use super::{access_key, bucket, look};
use crate::aws::error::Explain;
use crate::aws::{Aws, ec2};
use crate::deploy::World;
use crate::deploy::configuration::SECURITY_GROUPS;
use crate::deploy::environment::{self, SERVICE};
use crate::deploy::version::SAMPLE;
use crate::error::{Error, Kind, Result};
use crate::properties::{Options, Value};

/// Makes the change.
pub(super) async fn step(step: &BootstrapStep, world: &World, made: &mut Made) -> Result<()> {
    use BootstrapStep as It;
    let aws = &world.aws;
    match step {
        It::CreateRole(_) | It::SetTrust { .. } | It::CreateUser(_) => {
            iam::identity(aws, step).await
        }
        It::Bound { .. } | It::Tag { .. } => iam::around(aws, step).await,
        It::Attach { .. } | It::Detach { .. } | It::PutPolicy { .. } | It::DeletePolicy { .. } => {
            iam::policies(aws, step).await
        }
        It::CreateProfile(_)
        | It::FillProfile { .. }
        | It::CreateProvider
        | It::AddAudience { .. } => iam::profiles(aws, step).await,
        It::CreateGroup(_)
        | It::TagGroup { .. }
        | It::Allow { .. }
        | It::Revoke { .. }
        | It::Admit { .. } => network::step(aws, step, made).await,
        It::DeleteKey { user, id, .. } => access_key::delete(aws, user, id).await,
        It::DeactivateKey { user, id } => access_key::deactivate(aws, user, id).await,
        It::CreateKey { user, to } => {
            let id = settled(aws, || access_key::create(world, user, to)).await?;
            made.access_key_id = Some(id);
            Ok(())
        }
        It::Database(step) => database::step(world, step, made).await,
        It::CreateBucket { name } => bucket::create(aws, name).await,
        It::ClosePublic { name, .. } => bucket::close(aws, name).await,
        It::TidyUploads { name } => bucket::tidy(aws, name).await,
        It::Login(step) => step.write(aws).await,
        It::CreateApplication {
            name,
            service_role,
            tags,
        } => application(aws, name, service_role, tags).await,
        It::CreateEnvironment(wanted) => create_environment(world, wanted, made).await,
        It::AssociateRole { environment, role } => {
            let call = aws.eb.associate_environment_operations_role();
            let call = call.environment_name(environment).operations_role(role);
            let done = call.send().await;
            done.explain(SERVICE, "AssociateEnvironmentOperationsRole")
                .map(drop)
        }
        It::Configure {
            environment,
            options,
            repairs,
            ..
        } => {
            let label = repairs.then_some(SAMPLE);
            let options = with_groups(options, made);
            made.request_id = environment::update(aws, environment, label, &options).await?;
            made.at_work = true;
            Ok(())
        }
    }
}

/// The options with the ids of the security groups that earlier steps have made.
fn with_groups(options: &Options, made: &Made) -> Options {
    let mut options = options.clone();
    for option in &mut options.set {
        if is_groups(&option.namespace, &option.name) {
            option.value = Value::new(made.with_groups(option.value.expose()));
        }
    }
    options
}

fn is_groups(namespace: &str, name: &str) -> bool {
    (namespace, name) == (LAUNCH, SECURITY_GROUPS)
}

/// Does it again for as long as AWS does not know what was just made.
async fn settled<T, F: Future<Output = Result<T>>>(
    aws: &Aws,
    call: impl FnMut() -> F,
) -> Result<T> {
    while_it(aws, is_too_early, call).await
}

/// Does it again for as long as it fails so, within a minute.
pub(super) async fn while_it<T, F: Future<Output = Result<T>>>(
    aws: &Aws,
    fails: impl Fn(&Error) -> bool,
    mut call: impl FnMut() -> F,
) -> Result<T> {
    let mut patience = Patience::short(aws);
    loop {
        let answer = call().await;
        if !answer.as_ref().is_err_and(&fails) || !patience.again().await {
            return answer;
        }
    }
}

fn is_too_early(error: &Error) -> bool {
    let unknown = matches!(error.code(), Some("NoSuchEntity" | ec2::NO_GROUP));
    let principal = error.code() == Some("MalformedPolicyDocument");
    let never = error.message().contains("not attachable");
    (unknown && !never) || (principal && error.message().contains("Invalid principal"))
}

/// The answer, or none where it is there already.
fn unless_there<T>(answer: Result<T>) -> Result<()> {
    match answer {
        Err(error) if error.code() == Some("EntityAlreadyExists") => Ok(()),
        other => other.map(drop),
    }
}

/// The answer, or none where it is gone already.
pub(super) fn unless_gone<T>(answer: Result<T>) -> Result<()> {
    look::known(answer).map(drop)
}

fn eb_tags(tags: &BTreeMap<String, String>) -> Option<Vec<EbTag>> {
    let tag = |(key, value): (&String, &String)| EbTag::builder().key(key).value(value).build();
    (!tags.is_empty()).then(|| tags.iter().map(tag).collect())
}

/// An application keeps its versions up to a number; what is deployed is never deleted (facts 4).
async fn application(aws: &Aws, name: &str, service_role: &str, tags: &Tags) -> Result<()> {
    let rule = MaxCountRule::builder()
        .enabled(true)
        .max_count(VERSIONS)
        .delete_source_from_s3(false)
        .build()
        .map_err(|why| Error::new(Kind::Aws, why.to_string()))?;
    let versions = ApplicationVersionLifecycleConfig::builder()
        .max_count_rule(rule)
        .build();
    let lifecycle = ApplicationResourceLifecycleConfig::builder()
        .service_role(service_role)
        .version_lifecycle_config(versions)
        .build();
    let call = aws.eb.create_application().application_name(name);
    let call = call
        .resource_lifecycle_config(lifecycle)
        .set_tags(eb_tags(tags));
    match call.send().await.explain(SERVICE, "CreateApplication") {
        Err(error) if error.message().contains("already exists") => Ok(()),
        other => other.map(drop),
    }
}

async fn create_environment(world: &World, wanted: &NewEnvironment, made: &mut Made) -> Result<()> {
    if let Some(profile) = &wanted.profile {
        wait_for_profile(&world.aws, profile).await?;
    }
    let tier = match wanted.worker {
        true => ("Worker", "SQS/HTTP"),
        false => ("WebServer", "Standard"),
    };
    let tier = EnvironmentTier::builder()
        .name(tier.0)
        .r#type(tier.1)
        .build();
    let option = |it: &super::application::Setting| {
        let value = match is_groups(&it.namespace, &it.name) {
            true => made.with_groups(&it.value),
            false => it.value.clone(),
        };
        ConfigurationOptionSetting::builder()
            .namespace(&it.namespace)
            .option_name(&it.name)
            .value(value)
            .build()
    };
    let name = &wanted.target.environment;
    let answer = world
        .aws
        .eb
        .create_environment()
        .application_name(&wanted.target.app)
        .environment_name(name)
        .platform_arn(&wanted.platform)
        .tier(tier)
        .set_tags(eb_tags(&wanted.tags))
        .set_option_settings(Some(wanted.settings.iter().map(option).collect()))
        .operations_role(&wanted.operations_role)
        .send()
        .await
        .explain(SERVICE, "CreateEnvironment");
    match answer {
        Ok(answer) => made.request_id = answer.request_id().map(str::to_owned),
        // The same call again, because its answer was lost.
        Err(error) if error.message().contains("already exists") => {}
        Err(error) => return Err(error),
    }
    made.at_work = true;
    wait_until_listed(&world.aws, name).await
}

/// Waits until IAM tells that the instance profile holds its role: a launch with less fails.
async fn wait_for_profile(aws: &Aws, name: &str) -> Result<()> {
    settled(aws, || async {
        let found = look::profile(aws, name).await?;
        match found.is_some_and(|(_, roles, _)| roles.contains_key(name)) {
            true => Ok(()),
            false => Err(Error::new(
                Kind::Aws,
                format!("the instance profile {name} does not hold its role yet"),
            )
            .hint("wait a minute, and run `beanship bootstrap` again: it goes on where it stopped")
            .fault(crate::error::Fault {
                code: Some("NoSuchEntity".into()),
                ..crate::error::Fault::default()
            })),
        }
    })
    .await
}

/// Waits until a new environment is in the lists that it is followed by.
async fn wait_until_listed(aws: &Aws, name: &str) -> Result<()> {
    let mut patience = Patience::short(aws);
    while environment::find(aws, name).await?.is_none() && patience.again().await {}
    Ok(())
}
