//! UpdateEnvironment: another version, other settings, another platform, in any combination.

use super::super::query::Failure;
use super::super::xml::Xml;
use super::context::{Context, invalid};
use super::model::Environment;
use super::settings::{self, Wish};
use super::timeline::{self, Ending, Update};
use super::{bundle, environments, platforms, views};

pub(super) fn update(cx: &mut Context<'_>, xml: &mut Xml) -> Result<(), Failure> {
    let index = cx.ready_index()?;
    let environment = cx.region.environments[index].clone();
    let update = wanted(cx, &environment)?;
    let ending = ending(cx, &environment, &update)?;
    let steps = timeline::update(&environment, &update, &ending, cx.start());
    cx.region.environments[index].steps = steps;
    cx.region.advance(cx.now());
    views::environment(xml, cx, &cx.region.environments[index]);
    Ok(())
}

/// What the call changes about the environment; what is as it was does not count.
fn wanted(cx: &Context<'_>, environment: &Environment) -> Result<Update, Failure> {
    let parameters = cx.parameters();
    let tier = parameters.below("Tier.");
    if tier
        .text("Name")
        .is_some_and(|name| (name == "Worker") != environment.worker)
    {
        return Err(invalid("The tier of an environment can not be changed."));
    }
    if let Some(template) = parameters.text("TemplateName") {
        return Err(invalid(format!(
            "No Configuration Template named '{template}' found."
        )));
    }
    let label = parameters
        .text("VersionLabel")
        .filter(|label| !label.is_empty());
    let label = label
        .map(|label| environments::deployable(cx, &environment.application, label))
        .transpose()?;
    let wish = Wish::read(parameters)?;
    let merged = wish.apply(&environment.settings)?;
    let reach = settings::reach(&environment.settings, &merged);
    let platform =
        platforms::asked(parameters, &cx.call.region)?.filter(|arn| *arn != environment.platform);
    Ok(Update {
        label,
        settings: (!wish.is_empty()).then_some(merged),
        reach,
        platform,
        description: cx.description()?,
    })
}

/// How this update ends: as was ordered, or as the bundle deserves. Updates that leave the instances alone succeed.
fn ending(cx: &Context<'_>, environment: &Environment, update: &Update) -> Result<Ending, Failure> {
    let label = update.label.as_ref().or(environment.label.as_ref());
    let touches = update.label.is_some()
        || update.platform.is_some()
        || update.reach > timeline::Reach::Nothing;
    match label {
        Some(label) if touches => {
            let settings = update.settings.as_ref().unwrap_or(&environment.settings);
            bundle::ending(cx, environment, label, settings)
        }
        _ => Ok(Ending::Succeeds),
    }
}
