//! Option settings as the API shows them: what an environment has, what there is, and whether a wish would be taken.

use std::collections::BTreeMap;

use super::super::query::Failure;
use super::super::xml::Xml;
use super::context::{Context, invalid, length};
use super::model::{Environment, Settings};
use super::options::{CHOICES, Choice, Rule};
use super::settings::{self, Wish};
use super::{platforms, views};

/// The option that repeats all environment properties in one value, as old templates had it.
const AGGREGATE: (&str, &str) = (
    "aws:cloudformation:template:parameter",
    "EnvironmentVariables",
);

pub(super) fn settings(cx: &mut Context<'_>, xml: &mut Xml) -> Result<(), Failure> {
    let parameters = cx.parameters();
    let application = length(parameters, "ApplicationName", 1, 100)?;
    cx.application(application)?;
    match (
        parameters.text("EnvironmentName"),
        parameters.text("TemplateName"),
    ) {
        (Some(_), Some(_)) => {
            let message = "You must specify either an EnvironmentName or a TemplateName, not both.";
            return Err(Failure::new("InvalidParameterCombination", message));
        }
        (None, None) => {
            let message = "You must specify either an EnvironmentName or a TemplateName.";
            return Err(Failure::new("MissingRequiredParameter", message));
        }
        (None, Some(template)) => {
            return Err(invalid(format!(
                "No Configuration Template named '{template}' found."
            )));
        }
        (Some(_), None) => {}
    }
    let environment = &cx.region.environments[cx.environment_index()?];
    let mut sets = vec![(&environment.settings, "deployed", environment.updated)];
    if let Some(draft) = &environment.draft {
        sets.push((
            &draft.settings,
            if draft.failed { "failed" } else { "pending" },
            draft.created,
        ));
    }
    xml.list(
        "ConfigurationSettings",
        sets,
        |xml, (settings, status, updated)| {
            xml.text(
                "SolutionStackName",
                platforms::stack_of(&environment.platform),
            );
            xml.text("PlatformArn", &environment.platform);
            xml.text("ApplicationName", application);
            xml.maybe("Description", environment.description.as_ref());
            xml.text("EnvironmentName", &environment.name);
            xml.text("DeploymentStatus", status);
            xml.time("DateCreated", environment.created);
            xml.time("DateUpdated", updated);
            // Not in the model of the API, but awsebcli needs it.
            views::tier(xml, environment.worker);
            xml.list(
                "OptionSettings",
                complete(settings),
                |xml, ((namespace, name), value)| {
                    xml.text("Namespace", namespace);
                    xml.text("OptionName", name);
                    xml.maybe("Value", value);
                },
            );
        },
    );
    Ok(())
}

/// Every option with the value it has, the platform's defaults included; a password is not shown.
fn complete(settings: &Settings) -> BTreeMap<(String, String), Option<String>> {
    let key = |namespace: &str, name: &str| (namespace.to_owned(), name.to_owned());
    let defaults = CHOICES.iter().map(|choice| {
        let default = (!choice.default.is_empty()).then(|| choice.default.to_owned());
        (key(choice.namespace, choice.name), default)
    });
    let set = settings.iter().flat_map(|(namespace, names)| {
        names
            .iter()
            .map(move |(name, value)| (key(namespace, name), Some(value.clone())))
    });
    let mut all: BTreeMap<_, _> = defaults.chain(set).collect();
    let joined: Vec<String> = settings::properties(settings)
        .map(|(name, value)| format!("{name}={value}"))
        .collect();
    all.insert(key(AGGREGATE.0, AGGREGATE.1), Some(joined.join(",")));
    all.insert(key("aws:rds:dbinstance", "DBPassword"), None);
    all
}

pub(super) fn options(cx: &mut Context<'_>, xml: &mut Xml) -> Result<(), Failure> {
    let parameters = cx.parameters();
    let environment: Option<&Environment> = match parameters.text("EnvironmentName") {
        Some(_) => Some(&cx.region.environments[cx.environment_index()?]),
        None => None,
    };
    let platform = platforms::asked(parameters, &cx.call.region)?;
    let platform = platform.or_else(|| environment.map(|environment| environment.platform.clone()));
    let platform = platform
        .or_else(|| platforms::resolve(platforms::DOCKER, &cx.call.region))
        .unwrap_or_default();
    let asked = parameters.items("Options");
    let wanted = |choice: &&Choice| {
        asked.is_empty()
            || asked.iter().any(|item| {
                item.text("Namespace")
                    .is_none_or(|namespace| namespace == choice.namespace)
                    && item
                        .text("OptionName")
                        .is_none_or(|name| name == choice.name)
            })
    };
    xml.text("SolutionStackName", platforms::stack_of(&platform));
    xml.text("PlatformArn", &platform);
    xml.list("Options", CHOICES.iter().filter(wanted), write);
    Ok(())
}

fn write(xml: &mut Xml, choice: &Choice) {
    xml.text("Namespace", choice.namespace);
    xml.text("Name", choice.name);
    xml.maybe(
        "DefaultValue",
        (!choice.default.is_empty()).then_some(choice.default),
    );
    xml.text("ChangeSeverity", choice.severity());
    xml.text("UserDefined", false);
    xml.text(
        "ValueType",
        if choice.rule == Rule::List {
            "List"
        } else {
            "Scalar"
        },
    );
    match choice.rule {
        Rule::One(values) => xml.texts("ValueOptions", values),
        Rule::Flag => xml.texts("ValueOptions", ["false", "true"]),
        Rule::Number(least, most) => {
            xml.text("MinValue", least);
            xml.text("MaxValue", most);
        }
        Rule::Text | Rule::List => {}
    }
}

pub(super) fn validate(cx: &mut Context<'_>, xml: &mut Xml) -> Result<(), Failure> {
    let parameters = cx.parameters();
    let application = length(parameters, "ApplicationName", 1, 100)?;
    cx.application(application)?;
    if parameters.text("EnvironmentName").is_some() {
        cx.environment_index()?;
    }
    let wish = Wish::read(parameters)?;
    xml.list("Messages", wish.findings(), |xml, finding| {
        xml.text("Message", &finding.message);
        xml.text("Severity", "error");
        xml.text("Namespace", &finding.namespace);
        xml.text("OptionName", &finding.name);
    });
    Ok(())
}

/// Drops a draft that failed or waits.
pub(super) fn delete_draft(cx: &mut Context<'_>, _: &mut Xml) -> Result<(), Failure> {
    let index = cx.ready_index()?;
    cx.region.environments[index].draft = None;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_option_is_found_by_its_name_and_takes_its_default() {
        for choice in CHOICES {
            let found = super::super::options::find(choice.namespace, choice.name).unwrap();
            assert_eq!(
                (found.namespace, found.default),
                (choice.namespace, choice.default),
                "{}",
                choice.name
            );
            assert_eq!(
                choice.rule.complaint(choice.default),
                None,
                "{} {}",
                choice.namespace,
                choice.name
            );
        }
    }
}
