//! Applications, and the quotas of the account.

use super::super::query::Failure;
use super::super::xml::Xml;
use super::context::{Context, invalid, length};
use super::model::{Application, Environment, Status, Tags, VersionRule};
use super::timeline;

/// UNVERIFIED: AWS's defaults.
pub(super) const APPLICATION_QUOTA: usize = 75;
pub(super) const VERSION_QUOTA: usize = 1000;
pub(super) const ENVIRONMENT_QUOTA: usize = 200;
const TEMPLATE_QUOTA: usize = 200;
const PLATFORM_QUOTA: usize = 50;

pub(super) fn create(cx: &mut Context<'_>, xml: &mut Xml) -> Result<(), Failure> {
    let name = length(cx.parameters(), "ApplicationName", 1, 100)?;
    let mut application = new(cx, name)?;
    application.description = cx.description()?;
    application.tags = cx.tags()?;
    application.lifecycle = lifecycle(cx)?;
    xml.group("Application", |xml| write(xml, cx, name, &application));
    cx.region.applications.insert(name.to_owned(), application);
    Ok(())
}

/// A new application, where there may be one.
pub(super) fn new(cx: &Context<'_>, name: &str) -> Result<Application, Failure> {
    if name.contains('/') {
        // UNVERIFIED: the rule follows from the form of ARNs.
        return Err(invalid(format!(
            "Application name '{name}' must not contain '/'."
        )));
    }
    if cx.region.applications.contains_key(name) {
        return Err(invalid(format!("Application {name} already exists.")));
    }
    if cx.region.applications.len() >= APPLICATION_QUOTA {
        let message = format!("You cannot have more than {APPLICATION_QUOTA} applications.");
        return Err(Failure::new("TooManyApplicationsException", message));
    }
    Ok(Application {
        description: None,
        created: cx.now(),
        updated: cx.now(),
        tags: Tags::new(),
        lifecycle: None,
        versions: Vec::new(),
    })
}

pub(super) fn update(cx: &mut Context<'_>, xml: &mut Xml) -> Result<(), Failure> {
    let name = length(cx.parameters(), "ApplicationName", 1, 100)?;
    let description = cx.description()?;
    let now = cx.now();
    let application = cx.application_mut(name)?;
    if description.is_some() {
        application.description = description.filter(|text| !text.is_empty());
    }
    application.updated = now;
    let application = application.clone();
    xml.group("Application", |xml| write(xml, cx, name, &application));
    Ok(())
}

pub(super) fn describe(cx: &mut Context<'_>, xml: &mut Xml) -> Result<(), Failure> {
    let wanted = cx.parameters().texts("ApplicationNames");
    let found = cx.region.applications.iter();
    let found = found.filter(|(name, _)| {
        wanted
            .as_ref()
            .is_none_or(|wanted| wanted.contains(&name.as_str()))
    });
    xml.list("Applications", found, |xml, (name, application)| {
        write(xml, cx, name, application);
    });
    Ok(())
}

pub(super) fn delete(cx: &mut Context<'_>, _: &mut Xml) -> Result<(), Failure> {
    let name = length(cx.parameters(), "ApplicationName", 1, 100)?;
    cx.application(name)?;
    let force = cx
        .parameters()
        .flag("TerminateEnvByForce")?
        .unwrap_or_default();
    let start = cx.start();
    let mine =
        |environment: &&mut Environment| environment.application == name && environment.is_live();
    if cx
        .region
        .environments
        .iter_mut()
        .any(|environment| mine(&environment))
        && !force
    {
        let message =
            "Unable to delete application because it has a version or environment in use.";
        return Err(Failure::new("OperationInProgressFailure", message));
    }
    for environment in cx.region.environments.iter_mut().filter(mine) {
        if environment.status != Status::Terminating {
            environment.steps = timeline::terminate(environment, start);
        }
    }
    cx.region.applications.remove(name);
    Ok(())
}

pub(super) fn attributes(_: &mut Context<'_>, xml: &mut Xml) -> Result<(), Failure> {
    xml.group("ResourceQuotas", |xml| {
        for (name, maximum) in [
            ("ApplicationQuota", APPLICATION_QUOTA),
            ("ApplicationVersionQuota", VERSION_QUOTA),
            ("EnvironmentQuota", ENVIRONMENT_QUOTA),
            ("ConfigurationTemplateQuota", TEMPLATE_QUOTA),
            ("CustomPlatformQuota", PLATFORM_QUOTA),
        ] {
            xml.group(name, |xml| xml.text("Maximum", maximum));
        }
    });
    Ok(())
}

fn write(xml: &mut Xml, cx: &Context<'_>, name: &str, application: &Application) {
    xml.text("ApplicationArn", cx.arn("application", name));
    xml.text("ApplicationName", name);
    xml.maybe("Description", application.description.as_ref());
    xml.time("DateCreated", application.created);
    xml.time("DateUpdated", application.updated);
    xml.texts(
        "Versions",
        application
            .versions
            .iter()
            .rev()
            .map(|version| &version.label),
    );
    xml.texts("ConfigurationTemplates", [""; 0]);
    xml.group("ResourceLifecycleConfig", |xml| {
        let rule = application.lifecycle.as_ref();
        xml.maybe("ServiceRole", rule.map(|rule| &rule.service_role));
        xml.group("VersionLifecycleConfig", |xml| {
            xml.group("MaxCountRule", |xml| {
                xml.text("Enabled", rule.is_some());
                xml.text("MaxCount", rule.map_or(200, |rule| rule.max_count));
                xml.text("DeleteSourceFromS3", false);
            });
            xml.group("MaxAgeRule", |xml| {
                xml.text("Enabled", false);
                xml.text("MaxAgeInDays", 180);
                xml.text("DeleteSourceFromS3", false);
            });
        });
    });
}

/// The rule for old versions that a call asks for. It is kept and shown; nothing is deleted by it.
fn lifecycle(cx: &Context<'_>) -> Result<Option<VersionRule>, Failure> {
    let wanted = cx.parameters().below("ResourceLifecycleConfig.");
    let rule = wanted.below("VersionLifecycleConfig.MaxCountRule.");
    if rule.flag("Enabled")? != Some(true) {
        return Ok(None);
    }
    let service_role = wanted
        .text("ServiceRole")
        .ok_or_else(|| invalid("A service role is required for a version lifecycle rule."))?;
    Ok(Some(VersionRule {
        service_role: service_role.to_owned(),
        max_count: rule.number("MaxCount", 1, 1000)?.unwrap_or(200),
    }))
}
