//! Application versions. A bundle is not looked at here, as on AWS: what is wrong with it shows when it is deployed.

use jiff::SignedDuration;

use super::super::query::Failure;
use super::super::xml::Xml;
use super::applications::{self, VERSION_QUOTA};
use super::context::{Context, invalid, length, optional_length};
use super::model::{Processing, Version};

pub(super) fn create(cx: &mut Context<'_>, xml: &mut Xml) -> Result<(), Failure> {
    let parameters = cx.parameters();
    let application = length(parameters, "ApplicationName", 1, 100)?;
    let label = length(parameters, "VersionLabel", 1, 100)?;
    let version = new(cx, label)?;
    let create = parameters
        .flag("AutoCreateApplication")?
        .unwrap_or_default();
    match cx.application(application) {
        Ok(books) if books.versions.iter().any(|version| version.label == label) => {
            return Err(invalid(format!(
                "Application Version {label} already exists."
            )));
        }
        Err(failure) if !create => return Err(failure),
        _ => {}
    }
    let all: usize = cx
        .region
        .applications
        .values()
        .map(|application| application.versions.len())
        .sum();
    if all >= VERSION_QUOTA {
        let message = format!(
            "You cannot have more than {VERSION_QUOTA} Application Versions. Either remove some Application Versions or \
             request a limit increase."
        );
        return Err(Failure::new("TooManyApplicationVersionsException", message));
    }
    if !cx.region.applications.contains_key(application) {
        let made = applications::new(cx, application)?;
        cx.region.applications.insert(application.to_owned(), made);
    }
    let now = cx.now();
    let books = cx.application_mut(application)?;
    books.updated = now;
    books.versions.push(version.clone());
    xml.group("ApplicationVersion", |xml| {
        write(xml, cx, application, &version);
    });
    Ok(())
}

fn new(cx: &Context<'_>, label: &str) -> Result<Version, Failure> {
    let parameters = cx.parameters();
    let bundle = parameters.below("SourceBundle.");
    if !parameters.below("SourceBuildInformation.").is_empty() {
        if !bundle.is_empty() {
            let message = "SourceBundle and SourceBuildInformation can not be specified together.";
            return Err(Failure::new("InvalidParameterCombination", message));
        }
        return Err(invalid("The sandbox does not build: give a SourceBundle."));
    }
    let bundle = if bundle.is_empty() {
        None
    } else {
        Some(location(cx, &bundle)?)
    };
    let processing = if parameters.flag("Process")?.unwrap_or_default() {
        let wait =
            SignedDuration::try_from_secs_f64(1.0 / cx.world.faults.speed()).unwrap_or_default();
        Processing::Until(cx.now().saturating_add(wait).unwrap_or(cx.now()))
    } else {
        Processing::Unasked
    };
    Ok(Version {
        label: label.to_owned(),
        description: cx.description()?,
        bundle,
        created: cx.now(),
        updated: cx.now(),
        tags: cx.tags()?,
        processing,
    })
}

/// UNVERIFIED: that a missing bucket is refused and a missing object is not.
fn location(
    cx: &Context<'_>,
    bundle: &super::super::query::Parameters,
) -> Result<(String, String), Failure> {
    let bucket = optional_length(bundle, "S3Bucket", 0, 255)?;
    let key = optional_length(bundle, "S3Key", 0, 1024)?;
    let (Some(bucket), Some(key)) = (bucket, key) else {
        return Err(Failure::new(
            "InvalidParameterCombination",
            "Both S3Bucket and S3Key must be specified for a SourceBundle.",
        ));
    };
    match cx.world.storage.bucket(&bucket)? {
        Some(found) if found.region != cx.call.region => {
            let message = format!("S3 bucket '{bucket}' is not in the region of the service.");
            Err(Failure::new(
                "S3LocationNotInServiceRegionException",
                message,
            ))
        }
        Some(_) => Ok((bucket, key)),
        None => {
            let message = format!(
                "Unable to download from S3 location (Bucket: {bucket}  Key: {key}). Reason: Not Found"
            );
            Err(Failure::new("InvalidParameterCombination", message))
        }
    }
}

pub(super) fn update(cx: &mut Context<'_>, xml: &mut Xml) -> Result<(), Failure> {
    let parameters = cx.parameters();
    let application = length(parameters, "ApplicationName", 1, 100)?;
    let label = length(parameters, "VersionLabel", 1, 100)?;
    let description = cx.description()?;
    let now = cx.now();
    let versions = &mut cx.application_mut(application)?.versions;
    let version = versions
        .iter_mut()
        .find(|version| version.label == label)
        .ok_or_else(|| missing(label))?;
    if description.is_some() {
        version.description = description.filter(|text| !text.is_empty());
    }
    version.updated = now;
    let version = version.clone();
    xml.group("ApplicationVersion", |xml| {
        write(xml, cx, application, &version);
    });
    Ok(())
}

pub(super) fn describe(cx: &mut Context<'_>, xml: &mut Xml) -> Result<(), Failure> {
    let parameters = cx.parameters();
    let wanted = parameters.texts("VersionLabels");
    let most = parameters
        .number("MaxRecords", 1, 1000)?
        .unwrap_or(usize::MAX);
    let skip: usize = parameters
        .text("NextToken")
        .map_or(Ok(0), |token| token.parse().map_err(|_| bad_token()))?;
    let name = parameters.text("ApplicationName");
    let applications = cx
        .region
        .applications
        .iter()
        .filter(|(other, _)| name.is_none_or(|name| name == other.as_str()));
    let mut found: Vec<(&str, &Version)> = applications
        .flat_map(|(name, application)| {
            application
                .versions
                .iter()
                .map(move |version| (name.as_str(), version))
        })
        .filter(|(_, version)| {
            wanted
                .as_ref()
                .is_none_or(|wanted| wanted.contains(&version.label.as_str()))
        })
        .collect();
    found.sort_by_key(|(_, version)| std::cmp::Reverse(version.created));
    let page = found.iter().skip(skip).take(most);
    xml.list("ApplicationVersions", page, |xml, (name, version)| {
        write(xml, cx, name, version);
    });
    let shown = skip.saturating_add(most);
    xml.maybe("NextToken", (shown < found.len()).then_some(shown));
    Ok(())
}

pub(super) fn bad_token() -> Failure {
    invalid("Invalid NextToken.")
}

/// UNVERIFIED: the words.
pub(super) fn missing(label: &str) -> Failure {
    invalid(format!("No Application Version named '{label}' found."))
}

pub(super) fn delete(cx: &mut Context<'_>, _: &mut Xml) -> Result<(), Failure> {
    let parameters = cx.parameters();
    let application = length(parameters, "ApplicationName", 1, 100)?;
    let label = length(parameters, "VersionLabel", 1, 100)?;
    let delete_source = parameters.flag("DeleteSourceBundle")?.unwrap_or_default();
    let books = cx.application(application)?;
    let version = books
        .versions
        .iter()
        .find(|version| version.label == label)
        .ok_or_else(|| missing(label))?
        .clone();
    let runs = cx.region.environments.iter().any(|environment| {
        let deploys = environment
            .operation
            .as_ref()
            .and_then(|operation| operation.label.as_deref());
        let here = environment.application == application && environment.is_live();
        here && (environment.label.as_deref() == Some(label) || deploys == Some(label))
    });
    if runs {
        let message = "Unable to delete application version because it is in use by at least one environment.";
        return Err(Failure::new("OperationInProgressFailure", message));
    }
    cx.application_mut(application)?
        .versions
        .retain(|version| version.label != label);
    match version.bundle.filter(|_| delete_source) {
        Some((bucket, key)) if !cx.world.storage.remove(&bucket, &key)? => {
            // The version is gone all the same.
            let message = format!("Unable to delete source bundle s3://{bucket}/{key}.");
            Err(Failure::new("SourceBundleDeletionFailure", message))
        }
        _ => Ok(()),
    }
}

fn write(xml: &mut Xml, cx: &Context<'_>, application: &str, version: &Version) {
    xml.text(
        "ApplicationVersionArn",
        cx.arn(
            "applicationversion",
            &format!("{application}/{}", version.label),
        ),
    );
    xml.text("ApplicationName", application);
    xml.maybe("Description", version.description.as_ref());
    xml.text("VersionLabel", &version.label);
    if let Some((bucket, key)) = &version.bundle {
        xml.group("SourceBundle", |xml| {
            xml.text("S3Bucket", bucket);
            xml.text("S3Key", key);
        });
    }
    xml.time("DateCreated", version.created);
    xml.time("DateUpdated", version.updated);
    xml.text("Status", version.status(cx.now()));
}
