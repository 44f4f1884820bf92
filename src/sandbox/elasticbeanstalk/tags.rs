//! Tags of applications, versions and environments, by ARN.

use super::super::query::Failure;
use super::super::xml::Xml;
use super::context::{Context, read_tags, ready};
use super::model::Tags;
use super::timeline;

/// The resource an ARN names.
enum Target {
    Application(String),
    Version(String, String),
    /// By its place in the books.
    Environment(usize),
}

pub(super) fn list(cx: &mut Context<'_>, xml: &mut Xml) -> Result<(), Failure> {
    let arn = cx.parameters().required("ResourceArn")?;
    let target = find(cx, arn)?;
    let mut tags = tags_mut(cx, &target).cloned().unwrap_or_default();
    if let Target::Environment(index) = target {
        let environment = &cx.region.environments[index];
        tags.insert(
            "elasticbeanstalk:environment-name".to_owned(),
            environment.name.clone(),
        );
        tags.insert(
            "elasticbeanstalk:environment-id".to_owned(),
            environment.id.clone(),
        );
        tags.insert("Name".to_owned(), environment.name.clone());
    }
    xml.text("ResourceArn", arn);
    xml.list("ResourceTags", tags, |xml, (key, value)| {
        xml.text("Key", key);
        xml.text("Value", value);
    });
    Ok(())
}

pub(super) fn update(cx: &mut Context<'_>, _: &mut Xml) -> Result<(), Failure> {
    let parameters = cx.parameters();
    let arn = parameters.required("ResourceArn")?;
    let add = read_tags(parameters, "TagsToAdd")?;
    let remove = parameters.texts("TagsToRemove").unwrap_or_default();
    let target = find(cx, arn)?;
    if let Target::Environment(index) = target {
        ready(&cx.region.environments[index])?;
        let steps = timeline::tag(&cx.region.environments[index], cx.start());
        cx.region.environments[index].steps = steps;
    }
    if let Some(tags) = tags_mut(cx, &target) {
        tags.retain(|key, _| !remove.contains(&key.as_str()));
        tags.extend(add);
    }
    Ok(())
}

fn find(cx: &Context<'_>, arn: &str) -> Result<Target, Failure> {
    let not_found = || {
        Failure::new(
            "ResourceNotFoundException",
            format!("Resource not found for arn '{arn}'."),
        )
    };
    let prefix = cx.arn("", "");
    let rest = arn
        .strip_prefix(prefix.trim_end_matches('/'))
        .ok_or_else(not_found)?;
    let (kind, name) = rest.split_once('/').ok_or_else(not_found)?;
    let found = match kind {
        "application" => cx
            .region
            .applications
            .contains_key(name)
            .then(|| Target::Application(name.to_owned())),
        "applicationversion" => name.split_once('/').and_then(|(application, label)| {
            let versions = &cx.region.applications.get(application)?.versions;
            let exists = versions.iter().any(|version| version.label == label);
            exists.then(|| Target::Version(application.to_owned(), label.to_owned()))
        }),
        "environment" => name.split_once('/').and_then(|(application, name)| {
            let same = |environment: &super::model::Environment| {
                environment.is_live()
                    && environment.application == application
                    && environment.name == name
            };
            cx.region
                .environments
                .iter()
                .position(same)
                .map(Target::Environment)
        }),
        _ => {
            let message = format!("Resource type '{kind}' is not supported.");
            return Err(Failure::new("ResourceTypeNotSupportedException", message));
        }
    };
    found.ok_or_else(not_found)
}

/// The tags of a target that [`find`] found in these books.
fn tags_mut<'a>(cx: &'a mut Context<'_>, target: &Target) -> Option<&'a mut Tags> {
    match target {
        Target::Application(name) => cx
            .region
            .applications
            .get_mut(name)
            .map(|application| &mut application.tags),
        Target::Version(application, label) => {
            let versions = &mut cx.region.applications.get_mut(application)?.versions;
            versions
                .iter_mut()
                .find(|version| version.label == *label)
                .map(|version| &mut version.tags)
        }
        Target::Environment(index) => cx
            .region
            .environments
            .get_mut(*index)
            .map(|environment| &mut environment.tags),
    }
}
