//! Source bundles, read as the engine on an instance reads them: what cannot run there fails here, in the same words.

mod compose;
mod interpolate;
mod judge;
mod ports;

use std::collections::BTreeSet;
use std::fs::File;
use std::io::Read;

use zip::ZipArchive;

use super::super::faults::Outcome;
use super::super::query::Failure;
use super::context::Context;
use super::model::{Environment, Health, HealthStatus, Settings, setting};
use super::platforms;
use super::secrets;
use super::settings::properties;
use super::timeline::{self, Ending, Trouble};

/// Text files of a bundle that are larger than this are not read.
const LARGEST_TEXT: u64 = 1024 * 1024;

/// What matters about a bundle.
#[derive(Debug, Default)]
struct Contents {
    /// The paths of all entries.
    names: BTreeSet<String>,
    compose: Option<String>,
    /// The text of a `.env` at the root.
    dotenv: Option<String>,
}

/// What the environment adds.
#[derive(Debug, Default)]
struct Surroundings {
    properties: Vec<(String, String)>,
    /// The host port that must answer; workers have none.
    port: Option<u16>,
}

/// How a deployment of `label` with `settings` ends: as the trouble file orders, otherwise as the bundle deserves.
pub(super) fn ending(
    cx: &Context<'_>,
    environment: &Environment,
    label: &str,
    settings: &Settings,
) -> Result<Ending, Failure> {
    if let Some(outcome) = cx.ordered(&environment.name)? {
        return Ok(ordered(outcome));
    }
    let fetched = match secrets::fetch(cx, environment, settings)? {
        Ok(fetched) => fetched,
        Err(ending) => return Ok(ending),
    };
    let versions = cx
        .region
        .applications
        .get(&environment.application)
        .map(|application| &application.versions);
    let version =
        versions.and_then(|versions| versions.iter().find(|version| version.label == label));
    let Some((bucket, key)) = version.and_then(|version| version.bundle.as_ref()) else {
        return Ok(Ending::Succeeds);
    };
    let Some(file) = cx.world.storage.read(bucket, key)? else {
        // UNVERIFIED: the words for an object that is gone.
        return Ok(failure(format!(
            "failed to download source bundle s3://{bucket}/{key}: NoSuchKey: The specified key does not exist."
        )));
    };
    let contents = match read(file) {
        Ok(contents) => contents,
        Err(problem) => {
            return Ok(failure(format!(
                "failed to extract source bundle: {problem}"
            )));
        }
    };
    if !platforms::is_docker(&environment.platform) {
        return Ok(Ending::Succeeds);
    }
    Ok(judge::ending(
        &contents,
        &surroundings(environment, settings, fetched),
    ))
}

fn failure(engine: String) -> Ending {
    Ending::Fails(timeline::Failure {
        explanation: None,
        engine,
        app: "",
    })
}

/// An application that ends as soon as it starts. It is as careless with its secrets as some are.
const CRASH: &str = "web-1  | connecting to postgres://shop:tr0ub4dor@db:5432/shop
web-1  | Error: connect ECONNREFUSED db:5432
web-1  |     at TCPConnectWrap.afterConnect (node:net:1555:16)
web-1 exited with code 1";

fn ordered(outcome: Outcome) -> Ending {
    let unhealthy = |status, cause: &str| {
        let app = "web-1  | unhealthy by order of the trouble file".to_owned();
        Ending::Unhealthy(Trouble {
            health: Health::because(status, cause),
            app,
        })
    };
    match outcome {
        Outcome::Fail => Ending::Fails(timeline::Failure {
            explanation: None,
            engine: "failed to run docker containers: Command /bin/sh -c docker compose up -d failed with error exit status 1 (by \
                     order of the trouble file)"
                .to_owned(),
            app: CRASH,
        }),
        Outcome::Red => unhealthy(
            HealthStatus::Severe,
            "ELB processes are not healthy on all instances.",
        ),
        Outcome::Yellow => unhealthy(
            HealthStatus::Warning,
            "5.0 % of the requests are failing with HTTP 5xx.",
        ),
        Outcome::Hang => Ending::Hangs,
        Outcome::Rollback => Ending::RollsBack,
        Outcome::AbortPartial => Ending::AbortedHalfWay,
        Outcome::TimeoutEvent => Ending::TimesOut,
    }
}

fn surroundings(
    environment: &Environment,
    settings: &Settings,
    secrets: Vec<(String, String)>,
) -> Surroundings {
    let port = setting(
        settings,
        "aws:elasticbeanstalk:environment:process:default",
        "Port",
    );
    let port = port.and_then(|port| port.parse().ok()).unwrap_or(80);
    Surroundings {
        properties: properties(settings)
            .map(|(name, value)| (name.clone(), value.clone()))
            .chain(secrets)
            .collect(),
        port: (!environment.worker).then_some(port),
    }
}

fn read(file: File) -> Result<Contents, String> {
    let mut archive =
        ZipArchive::new(file).map_err(|error| format!("not a zip archive: {error}"))?;
    let names = archive
        .file_names()
        .map(|name| name.map(std::borrow::Cow::into_owned));
    let names = names
        .collect::<Result<_, _>>()
        .map_err(|error| format!("not a zip archive: {error}"))?;
    let compose = text(&mut archive, "docker-compose.yml")?;
    let dotenv = text(&mut archive, ".env")?;
    Ok(Contents {
        names,
        compose,
        dotenv,
    })
}

fn text(archive: &mut ZipArchive<File>, name: &str) -> Result<Option<String>, String> {
    let Ok(entry) = archive.by_name(name) else {
        return Ok(None);
    };
    let mut bytes = Vec::new();
    entry
        .take(LARGEST_TEXT)
        .read_to_end(&mut bytes)
        .map_err(|error| format!("{name}: {error}"))?;
    Ok(Some(String::from_utf8_lossy(&bytes).into_owned()))
}

impl Contents {
    /// Whether there is a file, or a folder with something in it, at this path.
    fn has(&self, path: &str) -> bool {
        let path = path.trim_start_matches("./").trim_end_matches('/');
        if path.is_empty() || path == "." {
            return true;
        }
        let folder = format!("{path}/");
        self.names.contains(path)
            || self
                .names
                .range(folder.clone()..)
                .next()
                .is_some_and(|name| name.starts_with(&folder))
    }
}
