//! Elastic Beanstalk: applications, versions, and environments that are state machines on a clock. There is no background
//! task: a call first lets happen what is due, then does its own work, and all that is kept is data.

mod applications;
mod bundle;
mod configuration;
mod context;
mod environments;
mod events;
mod filters;
mod health;
mod logs;
mod model;
mod operations;
mod option_table;
mod options;
mod platforms;
mod secrets;
mod seeding;
mod settings;
mod site;
mod tags;
#[cfg(test)]
mod tests;
mod timeline;
mod update;
mod versions;
mod views;
mod words;

use jiff::Timestamp;

use self::context::Context;
use self::model::{Books, Settings};
pub(super) use self::seeding::seed;
pub(super) use self::site::{Site, State as SiteState, site};
use super::World;
use super::gateway::Call;
use super::query::Failure;
use super::xml::Xml;

pub(super) const NAMESPACE: &str = "http://elasticbeanstalk.amazonaws.com/docs/2010-12-01/";

const VERSION: &str = "2010-12-01";
const BOOKS: &str = "elasticbeanstalk";

type Operation = fn(&mut Context<'_>, &mut Xml) -> Result<(), Failure>;

/// Carries out one call and returns what stands in its result element.
pub(super) fn answer(world: &World, call: &Call) -> Result<Xml, Failure> {
    let version = call.parameters.text("Version").unwrap_or(VERSION);
    let operation = operation(&call.operation)
        .filter(|_| version == VERSION)
        .ok_or_else(|| {
            Failure::new(
                "InvalidAction",
                format!(
                    "Could not find operation {} for version {version}",
                    call.operation
                ),
            )
        })?;
    let answered = world.store.update(BOOKS, |books: &mut Books| {
        let region = books.entry(call.region.clone()).or_default();
        region.advance(call.now);
        let mut xml = Xml::new();
        let result = operation(
            &mut Context {
                call,
                world,
                region,
            },
            &mut xml,
        );
        // What an operation plans for this very moment has happened when it answers.
        region.advance(call.now);
        result.map(|()| xml)
    });
    answered?
}

/// The ARN that IAM judges a call by.
pub(super) fn resource(world: &World, call: &Call) -> String {
    let (parameters, account) = (&call.parameters, &world.account.id);
    let arn = |kind: &str, name: &str| {
        format!(
            "arn:aws:elasticbeanstalk:{}:{account}:{kind}/{name}",
            call.region
        )
    };
    let application = parameters.text("ApplicationName");
    let environment = parameters.text("EnvironmentName");
    match (application, parameters.text("VersionLabel"), environment) {
        _ if parameters.text("ResourceArn").is_some() => parameters
            .text("ResourceArn")
            .unwrap_or_default()
            .to_owned(),
        (Some(application), _, Some(environment)) => {
            arn("environment", &format!("{application}/{environment}"))
        }
        (None, _, Some(environment)) => {
            let books: Books = world.store.read(BOOKS).unwrap_or_default();
            let found = books.get(&call.region).and_then(|it| it.live(environment));
            let application = found.map_or("*", |it| &it.application);
            arn("environment", &format!("{application}/{environment}"))
        }
        (Some(application), ..) if call.operation == "DescribeApplicationVersions" => {
            arn("applicationversion", &format!("{application}/*"))
        }
        (Some(application), Some(label), None) => {
            arn("applicationversion", &format!("{application}/{label}"))
        }
        (Some(application), None, None) => arn("application", application),
        _ => "*".to_owned(),
    }
}

/// Whether instances or load balancers of an environment have a security group, or may come to have it.
pub(super) fn uses_group(
    world: &World,
    region: &str,
    group: &str,
    now: Timestamp,
) -> std::io::Result<bool> {
    let mut books: Books = world.store.read(BOOKS)?;
    let mut region = books.remove(region).unwrap_or_default();
    region.advance(now);
    let named = |settings: &Settings| {
        let options = settings.values().flatten();
        options
            .filter(|(name, _)| matches!(name.as_str(), "SecurityGroups" | "ManagedSecurityGroup"))
            .any(|(_, value)| value.split(',').any(|id| id.trim() == group))
    };
    let mut live = region.environments.iter().filter(|it| it.is_live());
    Ok(live
        .any(|it| named(&it.settings) || it.draft.as_ref().is_some_and(|it| named(&it.settings))))
}

fn operation(name: &str) -> Option<Operation> {
    Some(match name {
        "CreateApplication" => applications::create,
        "UpdateApplication" => applications::update,
        "DescribeApplications" => applications::describe,
        "DeleteApplication" => applications::delete,
        "DescribeAccountAttributes" => applications::attributes,
        "CreateApplicationVersion" => versions::create,
        "UpdateApplicationVersion" => versions::update,
        "DescribeApplicationVersions" => versions::describe,
        "DeleteApplicationVersion" => versions::delete,
        "CreateEnvironment" => environments::create,
        "DescribeEnvironments" => environments::describe,
        "DescribeEnvironmentResources" => environments::resources,
        "CheckDNSAvailability" => environments::check_dns,
        "CreateStorageLocation" => environments::storage_location,
        "AssociateEnvironmentOperationsRole" => environments::associate_role,
        "DisassociateEnvironmentOperationsRole" => environments::disassociate_role,
        "UpdateEnvironment" => update::update,
        "TerminateEnvironment" => operations::terminate,
        "AbortEnvironmentUpdate" => operations::abort,
        "RebuildEnvironment" => operations::rebuild,
        "RestartAppServer" => operations::restart,
        "SwapEnvironmentCNAMEs" => operations::swap,
        "DescribeEvents" => events::describe,
        "DescribeEnvironmentHealth" => health::environment,
        "DescribeInstancesHealth" => health::instances,
        "DescribeConfigurationSettings" => configuration::settings,
        "DescribeConfigurationOptions" => configuration::options,
        "ValidateConfigurationSettings" => configuration::validate,
        "DeleteEnvironmentConfiguration" => configuration::delete_draft,
        "RequestEnvironmentInfo" => logs::request,
        "RetrieveEnvironmentInfo" => logs::retrieve,
        "UpdateTagsForResource" => tags::update,
        "ListTagsForResource" => tags::list,
        "ListAvailableSolutionStacks" => platforms::stacks,
        "ListPlatformBranches" => platforms::branches,
        "ListPlatformVersions" => platforms::versions,
        "DescribePlatformVersion" => platforms::describe,
        _ => return None,
    })
}
