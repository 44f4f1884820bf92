//! Logs on request: text files of each instance, put into EB's bucket and handed out as presigned URLs.

use std::io::{Cursor, Write};
use std::time::Duration;

use jiff::SignedDuration;
use zip::ZipWriter;
use zip::write::SimpleFileOptions;

use super::super::query::Failure;
use super::super::signature;
use super::super::xml::Xml;
use super::context::{Context, invalid};
use super::model::{Environment, Instance, Report};
use super::timeline::{self, APP_LOG, ENGINE_LOG};

/// How long logs can be fetched.
const LIFETIME: Duration = Duration::from_secs(15 * 60);
/// How many lines of each file a tail has.
const TAIL: usize = 100;

pub(super) fn request(cx: &mut Context<'_>, _: &mut Xml) -> Result<(), Failure> {
    let kind = kind(cx)?;
    let index = cx.environment_index()?;
    let environment = &cx.region.environments[index];
    let bucket = cx.bucket();
    let now = cx.now();
    let mut reports = Vec::new();
    for instance in &environment.instances {
        let stamp = now.as_millisecond();
        let folder = format!(
            "resources/environments/logs/{kind}/{}/{}",
            environment.id, instance.id
        );
        let (key, bytes, media) = if kind == "bundle" {
            (
                format!("{folder}/BundleLogs-{stamp}.zip"),
                archive(environment, instance)?,
                "application/zip",
            )
        } else {
            (
                format!("{folder}/TailLogs-{stamp}.out"),
                tail(environment, instance).into_bytes(),
                "text/plain",
            )
        };
        cx.world.storage.write(&bucket, &key, &bytes, media)?;
        reports.push(Report {
            kind: kind.clone(),
            instance: instance.id.clone(),
            at: now,
            key,
        });
    }
    let steps = timeline::report(environment, &reports, cx.start());
    // Logs do not wait for an operation that is under way, and do not end it.
    let planned = &mut cx.region.environments[index].steps;
    planned.extend(steps);
    planned.sort_by_key(|step| step.at);
    Ok(())
}

pub(super) fn retrieve(cx: &mut Context<'_>, xml: &mut Xml) -> Result<(), Failure> {
    let kind = kind(cx)?;
    let environment = &cx.region.environments[cx.environment_index()?];
    let oldest = cx
        .now()
        .saturating_sub(SignedDuration::try_from(LIFETIME).unwrap_or_default())
        .unwrap_or(cx.now());
    let fresh = environment
        .reports
        .iter()
        .filter(|report| report.kind == kind && report.at >= oldest);
    let account = &cx.world.account;
    let key = account.key(&cx.world.store, &account.access_key_id)?;
    let mut found = Vec::new();
    for report in fresh {
        let url = format!("{}/{}/{}", cx.world.endpoint, cx.bucket(), report.key);
        let Some(key) = &key else { continue };
        let url = signature::presign_get(
            &url,
            &cx.call.region,
            &account.access_key_id,
            key,
            cx.now(),
            LIFETIME,
        );
        let url =
            url.map_err(|error| Failure::with_status(500, "InternalFailure", error.to_string()))?;
        found.push((report, url));
    }
    xml.list("EnvironmentInfo", found, |xml, (report, url)| {
        xml.text("InfoType", &report.kind);
        xml.text("Ec2InstanceId", &report.instance);
        xml.time("SampleTimestamp", report.at);
        xml.text("Message", url);
    });
    Ok(())
}

fn kind(cx: &Context<'_>) -> Result<String, Failure> {
    match cx.parameters().required("InfoType")? {
        kind @ ("tail" | "bundle") => Ok(kind.to_owned()),
        "analyze" => Err(invalid("The sandbox has no AI analysis of logs.")),
        other => Err(Failure::constraint(
            Some(other),
            "InfoType",
            "Member must satisfy enum value set: [tail, bundle, analyze]",
        )),
    }
}

/// The files of an instance, in the order in which a tail shows them.
fn files(environment: &Environment, instance: &Instance) -> Vec<(&'static str, String)> {
    let lines = |file: &str| -> String {
        let written = environment
            .journal
            .iter()
            .filter(|line| line.file == file && line.at >= instance.launched);
        let lines: Vec<&str> = written.map(|line| line.text.as_str()).collect();
        lines[lines.len().saturating_sub(TAIL)..]
            .iter()
            .map(|line| format!("{line}\n"))
            .collect()
    };
    vec![(ENGINE_LOG, lines(ENGINE_LOG)), (APP_LOG, lines(APP_LOG))]
}

/// One text with a heading for each file, as EB makes it.
fn tail(environment: &Environment, instance: &Instance) -> String {
    let rule = "-".repeat(40);
    let part = |(path, text): (&str, String)| format!("\n\n{rule}\n{path}\n{rule}\n{text}");
    files(environment, instance).into_iter().map(part).collect()
}

fn archive(environment: &Environment, instance: &Instance) -> Result<Vec<u8>, Failure> {
    let mut zip = ZipWriter::new(Cursor::new(Vec::new()));
    for (path, text) in files(environment, instance) {
        zip.start_file(path.trim_start_matches('/'), SimpleFileOptions::default())
            .map_err(std::io::Error::from)?;
        zip.write_all(text.as_bytes())?;
    }
    let bytes = zip.finish().map_err(std::io::Error::from)?;
    Ok(bytes.into_inner())
}
