//! An Elastic Beanstalk environment as the service describes it: read, and updated.

use aws_sdk_elasticbeanstalk::operation::RequestId;
use aws_sdk_elasticbeanstalk::types::{
    ConfigurationOptionSetting, EnvironmentDescription, InstancesHealthAttribute,
    OptionSpecification, SingleInstanceHealth,
};
use jiff::Timestamp;
use serde::Serialize;

use crate::aws::Aws;
use crate::aws::error::Explain;
use crate::error::{Error, Kind, Result};
use crate::properties::Options;

/// The service's name in IAM actions.
pub const SERVICE: &str = "elasticbeanstalk";

/// An environment as `DescribeEnvironments` tells it.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Environment {
    /// Its name.
    pub name: String,
    /// Its id, `e-` and ten characters.
    pub id: String,
    /// The application it belongs to.
    pub application: String,
    /// `Ready`, `Updating`, ... (facts 1.3).
    pub status: String,
    /// The colour: Green, Yellow, Red, Grey.
    pub health: String,
    /// The word of enhanced health: Ok, Warning, ...; none with basic health.
    pub health_status: Option<String>,
    /// The version label that is in place. Empty when no version was ever deployed
    /// successfully (facts 2.3).
    pub version_label: Option<String>,
    /// Where it answers.
    pub url: Option<String>,
    /// The platform, in words.
    pub platform: Option<String>,
    /// The tier: name and type.
    pub tier: Option<(String, String)>,
    /// When it was last updated.
    pub updated: Option<Timestamp>,
    /// Whether an update runs that can be aborted.
    #[serde(skip)]
    pub abortable: bool,
    /// Its ARN.
    #[serde(skip)]
    pub arn: Option<String>,
    /// The ARN of the role that Elastic Beanstalk's own calls are made with.
    #[serde(skip)]
    pub operations_role: Option<String>,
}

impl Environment {
    /// Whether an operation can be started on it.
    #[must_use]
    pub fn is_ready(&self) -> bool {
        self.status == "Ready"
    }

    /// Whether it is on its way out.
    #[must_use]
    pub fn is_gone(&self) -> bool {
        matches!(self.status.as_str(), "Terminating" | "Terminated")
    }
}

impl From<&EnvironmentDescription> for Environment {
    fn from(seen: &EnvironmentDescription) -> Self {
        let text = |value: Option<&str>| value.filter(|text| !text.is_empty()).map(str::to_owned);
        let tier = seen.tier().map(|tier| {
            (
                tier.name().unwrap_or_default().to_owned(),
                tier.r#type().unwrap_or_default().to_owned(),
            )
        });
        Self {
            name: seen.environment_name().unwrap_or_default().to_owned(),
            id: seen.environment_id().unwrap_or_default().to_owned(),
            application: seen.application_name().unwrap_or_default().to_owned(),
            status: seen
                .status()
                .map(|status| status.as_str().to_owned())
                .unwrap_or_default(),
            health: seen
                .health()
                .map_or_else(|| "Grey".to_owned(), |h| h.as_str().to_owned()),
            health_status: seen
                .health_status()
                .map(|status| status.as_str().to_owned()),
            version_label: text(seen.version_label()),
            url: text(seen.cname()).map(|name| format!("http://{name}")),
            platform: text(seen.solution_stack_name()).or_else(|| text(seen.platform_arn())),
            tier,
            updated: seen.date_updated().and_then(time),
            abortable: seen.abortable_operation_in_progress().unwrap_or_default(),
            arn: text(seen.environment_arn()),
            operations_role: text(seen.operations_role()),
        }
    }
}

/// The service's time as ours.
#[must_use]
pub fn time(of: &aws_smithy_types::DateTime) -> Option<Timestamp> {
    Timestamp::from_millisecond(of.to_millis().ok()?).ok()
}

/// Environments of the region: the named ones, or with `application` all of that one.
/// Terminated ones, which stay listed for a while, are left out.
///
/// # Errors
/// What AWS says.
pub async fn describe(
    aws: &Aws,
    application: Option<&str>,
    names: &[String],
) -> Result<Vec<Environment>> {
    let mut found = Vec::new();
    let mut next: Option<String> = None;
    loop {
        let page = aws
            .eb
            .describe_environments()
            .set_application_name(application.map(str::to_owned))
            .set_environment_names((!names.is_empty()).then(|| names.to_vec()))
            .include_deleted(false)
            .set_next_token(next.take())
            .send()
            .await
            .explain(SERVICE, "DescribeEnvironments")?;
        found.extend(page.environments().iter().map(Environment::from));
        next = page
            .next_token()
            .filter(|token| !token.is_empty())
            .map(str::to_owned);
        if next.is_none() {
            break;
        }
    }
    found.retain(|environment| environment.status != "Terminated");
    Ok(found)
}

/// One environment by name, if it is there.
///
/// # Errors
/// What AWS says.
pub async fn find(aws: &Aws, name: &str) -> Result<Option<Environment>> {
    let found = describe(aws, None, &[name.to_owned()]).await?;
    Ok(found
        .into_iter()
        .find(|environment| environment.name == name))
}

/// What is known of an environment's instances.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Instances {
    /// Enhanced health lists them.
    Known(Vec<Instance>),
    /// The service does not tell, and why: basic health, or the caller may not ask.
    NotTold(String),
}

impl Instances {
    /// Whether every instance runs the version, as far as the service tells.
    #[must_use]
    pub fn all_run(&self, label: Option<&str>) -> bool {
        match (self, label) {
            (Self::NotTold(_), _) => true,
            (Self::Known(instances), Some(label)) => instances.iter().all(|i| i.runs(label)),
            (Self::Known(instances), None) => instances.is_empty(),
        }
    }
}

/// One instance, as enhanced health tells it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Instance {
    /// The EC2 id.
    pub id: String,
    /// The version that runs on it.
    pub version_label: Option<String>,
    /// The status of its last deployment: `In Progress`, `Deployed`, `Failed`.
    pub deployment: Option<String>,
    /// Its health: Ok, Warning, ...
    pub health: Option<String>,
    /// Why its health is what it is.
    pub causes: Vec<String>,
}

impl Instance {
    /// Whether the wanted version is deployed on it.
    #[must_use]
    pub fn runs(&self, label: &str) -> bool {
        self.version_label.as_deref() == Some(label)
            && self
                .deployment
                .as_deref()
                .is_none_or(|status| status == "Deployed")
    }
}

impl From<&SingleInstanceHealth> for Instance {
    fn from(seen: &SingleInstanceHealth) -> Self {
        let deployment = seen.deployment();
        Self {
            id: seen.instance_id().unwrap_or_default().to_owned(),
            version_label: deployment
                .and_then(|d| d.version_label())
                .map(str::to_owned),
            deployment: deployment.and_then(|d| d.status()).map(str::to_owned),
            health: seen.health_status().map(str::to_owned),
            causes: seen.causes().to_vec(),
        }
    }
}

/// The instances of an environment with what runs on each. A service that does not tell, or a
/// caller who may not ask, is an answer, not an error.
///
/// # Errors
/// What AWS says otherwise.
pub async fn instances(aws: &Aws, name: &str) -> Result<Instances> {
    let mut found = Vec::new();
    let mut next: Option<String> = None;
    loop {
        let page = aws
            .eb
            .describe_instances_health()
            .environment_name(name)
            .attribute_names(InstancesHealthAttribute::All)
            .set_next_token(next.take())
            .send()
            .await
            .explain(SERVICE, "DescribeInstancesHealth");
        let page = match page {
            Ok(page) => page,
            Err(error) => return not_told(error),
        };
        found.extend(page.instance_health_list().iter().map(Instance::from));
        next = page
            .next_token()
            .filter(|token| !token.is_empty())
            .map(str::to_owned);
        if next.is_none() {
            return Ok(Instances::Known(found));
        }
    }
}

fn not_told(error: Error) -> Result<Instances> {
    let why = match (error.kind(), error.code()) {
        (Kind::Denied, _) => {
            "the caller may not call elasticbeanstalk:DescribeInstancesHealth".to_owned()
        }
        (_, Some("InvalidRequestException" | "InvalidParameterValue" | "InvalidAction")) => {
            "the environment has basic health reporting".to_owned()
        }
        _ => return Err(error),
    };
    Ok(Instances::NotTold(why))
}

/// Starts the update to a version (or, without one, of the settings alone) with the options that
/// change; the answer is the request's id, which its events carry.
///
/// # Errors
/// What AWS says, among it that the environment is not Ready.
pub async fn update(
    aws: &Aws,
    name: &str,
    label: Option<&str>,
    options: &Options,
) -> Result<Option<String>> {
    let set = options.set.iter().map(|option| {
        ConfigurationOptionSetting::builder()
            .namespace(&option.namespace)
            .option_name(&option.name)
            .value(option.value.expose())
            .build()
    });
    let remove = options.remove.iter().map(|removal| {
        OptionSpecification::builder()
            .namespace(&removal.namespace)
            .option_name(&removal.name)
            .build()
    });
    let answer = aws
        .eb
        .update_environment()
        .environment_name(name)
        .set_version_label(label.map(str::to_owned))
        .set_option_settings((!options.set.is_empty()).then(|| set.collect()))
        .set_options_to_remove((!options.remove.is_empty()).then(|| remove.collect()))
        .send()
        .await
        .explain(SERVICE, "UpdateEnvironment")?;
    Ok(answer.request_id().map(str::to_owned))
}

/// Restarts the application on all instances, which fetch their secrets anew; the answer is the
/// request's id.
///
/// # Errors
/// What AWS says, among it that the environment is not Ready.
pub async fn restart(aws: &Aws, name: &str) -> Result<Option<String>> {
    let answer = aws
        .eb
        .restart_app_server()
        .environment_name(name)
        .send()
        .await
        .explain(SERVICE, "RestartAppServer")?;
    Ok(answer.request_id().map(str::to_owned))
}

/// Stops the update that runs. Where it has ended by itself or is being stopped already, there
/// is nothing left to stop; that is success too, as is a repeated call whose first answer was
/// lost.
///
/// # Errors
/// What AWS says.
pub async fn abort(aws: &Aws, name: &str) -> Result<()> {
    let answer = aws
        .eb
        .abort_environment_update()
        .environment_name(name)
        .send()
        .await
        .explain(SERVICE, "AbortEnvironmentUpdate");
    match answer {
        Err(error) if error.message().contains("Must be pending deployment") => Ok(()),
        other => other.map(drop),
    }
}
