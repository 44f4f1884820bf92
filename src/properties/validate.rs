//! Asks Elastic Beanstalk whether it would take option settings, before they are sent.

use aws_sdk_elasticbeanstalk::types::{ConfigurationOptionSetting, ValidationSeverity};

use super::{Options, PROPERTIES, SECRETS};
use crate::aws::Aws;
use crate::aws::error::Explain;
use crate::deploy::environment::SERVICE;
use crate::error::{Error, Kind, Result};
use crate::settings::Target;

/// Has the settings validated that are no environment properties. The answers are what deserves a
/// look; a caller who may not ask gets one line of information.
///
/// # Errors
/// [`Kind::Check`] with everything that would be refused; else what AWS says.
pub async fn validate(aws: &Aws, target: &Target, options: &Options) -> Result<Vec<String>> {
    let others = options
        .set
        .iter()
        .filter(|option| !matches!(option.namespace.as_str(), PROPERTIES | SECRETS));
    let settings: Vec<_> = others
        .map(|option| {
            ConfigurationOptionSetting::builder()
                .namespace(&option.namespace)
                .option_name(&option.name)
                .value(option.value.expose())
                .build()
        })
        .collect();
    if settings.is_empty() {
        return Ok(Vec::new());
    }
    let told = aws
        .eb
        .validate_configuration_settings()
        .application_name(&target.app)
        .environment_name(&target.environment)
        .set_option_settings(Some(settings))
        .send()
        .await
        .explain(SERVICE, "ValidateConfigurationSettings");
    let told = match told {
        Err(error) if error.kind() == Kind::Denied => {
            let text = "the settings cannot be validated beforehand: the caller may not call elasticbeanstalk:ValidateConfigurationSettings";
            return Ok(vec![text.to_owned()]);
        }
        told => told?,
    };
    let (mut problems, mut warnings) = (Vec::new(), Vec::new());
    for message in told.messages() {
        let text = message.message().unwrap_or_default();
        let place = format!(
            "{} {}",
            message.namespace().unwrap_or_default(),
            message.option_name().unwrap_or_default()
        );
        if message.severity() == Some(&ValidationSeverity::Warning) {
            warnings.push(format!("{place}: {text}"));
            continue;
        }
        let error = Error::new(Kind::Check, format!("{place} cannot be set: {text}"));
        problems.push(error.hint(
            "correct it under `settings` in beanship.yml, then look with `beanship deploy --plan`",
        ));
    }
    Error::all(problems).map_or(Ok(warnings), Err)
}
