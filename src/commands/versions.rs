//! `beanship versions`: the application's versions and what runs where.

use std::cmp::Reverse;

use jiff::Timestamp;
use serde::Serialize;

use crate::aws::Aws;
use crate::cli::VersionsArgs;
use crate::deploy::environment::{self, Environment, Instances};
use crate::deploy::events;
use crate::deploy::history::{Candidate, History};
use crate::deploy::rollback::{EVENTS, current, without_bundle};
use crate::deploy::version::{self, Version};
use crate::error::{Exit, Kind, Result};
use crate::output::{Report, table};
use crate::settings::Target;

use super::{Context, status};

/// Runs the command.
///
/// # Errors
/// [`Kind::Check`] for an environment that is not there; else what AWS says.
pub async fn run(cx: &Context, args: &VersionsArgs) -> Result<Exit> {
    let app = args.target.application.app.as_deref();
    let target = match cx.settings.wanted(args.target.env.as_deref()) {
        Some(wanted) => Some(cx.target(app, Some(wanted))?),
        None => None,
    };
    let app = cx.settings.app(app)?;
    let aws = cx.aws().await?;
    let books = aws.first_contact(Books::read(&aws, &app)).await?;
    let past = match &target {
        Some(target) => Some(books.past(&aws, target).await?),
        None => None,
    };
    cx.out.result(&Listing {
        versions: books.listed(past.as_ref()),
        environment: target.map(|target| target.environment),
        application: app,
        region: aws.region.clone(),
    });
    Ok(Exit::Done)
}

/// An application's versions and environments.
#[derive(Debug)]
pub(super) struct Books {
    /// Newest first.
    pub(super) versions: Vec<Version>,
    pub(super) environments: Vec<Environment>,
    /// The versions whose bundle is gone.
    gone: Vec<String>,
}

/// What an environment ran, and would go back to.
#[derive(Debug)]
pub(super) struct Past {
    candidates: Vec<Candidate>,
    /// The version it would go back to.
    pub(super) target: Option<String>,
}

impl Books {
    /// Reads them, and looks whether each bundle is there.
    pub(super) async fn read(aws: &Aws, app: &str) -> Result<Self> {
        let (versions, environments) = tokio::join!(
            version::describe(aws, app, &[]),
            environment::describe(aws, Some(app), &[]),
        );
        let (mut versions, environments) = (versions?, environments?);
        versions.sort_by_key(|version| Reverse(version.created));
        let gone = without_bundle(aws, versions.iter()).await?;
        Ok(Self {
            versions,
            environments,
            gone,
        })
    }

    /// The past of one of the environments.
    ///
    /// # Errors
    /// [`Kind::Check`] where it is none of them; else what AWS says.
    pub(super) async fn past(&self, aws: &Aws, target: &Target) -> Result<Past> {
        let is_it = |environment: &&Environment| environment.name == target.environment;
        let found = self.environments.iter().find(is_it);
        let environment = found.ok_or_else(|| status::missing(target, &aws.region))?;
        self.past_of(aws, environment).await
    }

    /// The past of an environment. Where its events may not be read, the dates have to do.
    pub(super) async fn past_of(&self, aws: &Aws, environment: &Environment) -> Result<Past> {
        let (instances, events) = tokio::join!(
            environment::instances(aws, &environment.name),
            events::read(aws, &environment.name, None, EVENTS),
        );
        let events = match events {
            Err(error) if error.kind() == Kind::Denied => Vec::new(),
            events => events?,
        };
        let history = History::of(&events);
        Ok(self.choose(&history, environment, &instances?))
    }

    fn choose(&self, history: &History, environment: &Environment, instances: &Instances) -> Past {
        let mut candidates = history.candidates(&self.versions);
        candidates.retain(|candidate| !self.gone.contains(&candidate.version_label));
        let unsettled = history.is_unsettled(environment, instances);
        let current = current(&self.versions, environment);
        let target = history
            .choose(&candidates, current, unsettled)
            .map(|(candidate, _)| candidate.version_label.clone());
        Past { candidates, target }
    }

    fn listed(&self, past: Option<&Past>) -> Vec<Listed> {
        let listed = |version: &Version| {
            let label = &version.label;
            let runs = |e: &&Environment| e.version_label.as_ref() == Some(label);
            let here =
                past.and_then(|past| past.candidates.iter().find(|c| &c.version_label == label));
            Listed {
                version_label: label.clone(),
                created: version.created,
                status: version.status.clone(),
                description: version.description.clone(),
                environments: self
                    .environments
                    .iter()
                    .filter(runs)
                    .map(|e| e.name.clone())
                    .collect(),
                bundle: version
                    .bundle
                    .as_ref()
                    .map(|(bucket, key)| format!("s3://{bucket}/{key}")),
                bundle_present: version.bundle.is_some() && !self.gone.contains(label),
                last_deployed: here.and_then(|candidate| candidate.last_deployed),
                rollback_target: past.map(|past| past.target.as_ref() == Some(label)),
            }
        };
        self.versions.iter().map(listed).collect()
    }
}

#[derive(Debug, Serialize)]
struct Listing {
    application: String,
    region: String,
    /// The environment whose past is shown.
    environment: Option<String>,
    /// Newest first.
    versions: Vec<Listed>,
}

#[derive(Debug, Serialize)]
struct Listed {
    version_label: String,
    created: Option<Timestamp>,
    status: String,
    description: Option<String>,
    /// The environments that run it.
    environments: Vec<String>,
    bundle: Option<String>,
    /// Whether its bundle is there.
    bundle_present: bool,
    /// When it was last deployed to the environment that was asked about.
    last_deployed: Option<Timestamp>,
    /// Whether that environment would go back to it; none where none was asked about.
    rollback_target: Option<bool>,
}

impl Listed {
    /// What the environment that was asked about has to do with it.
    fn role(&self) -> String {
        match (self.rollback_target, self.last_deployed) {
            (Some(true), _) => "rollback goes here".into(),
            (_, Some(time)) => status::when(time),
            _ => String::new(),
        }
    }

    fn row(&self) -> [String; 6] {
        [
            self.version_label.clone(),
            self.created.map_or_else(|| "-".into(), status::when),
            self.status.clone(),
            if self.bundle_present {
                "present"
            } else {
                "gone"
            }
            .to_owned(),
            self.environments.join(", "),
            self.description.clone().unwrap_or_default(),
        ]
    }
}

impl Report for Listing {
    fn human(&self) -> String {
        if self.versions.is_empty() {
            return format!("{} has no versions in {}", self.application, self.region);
        }
        const HEAD: [&str; 6] = [
            "VERSION",
            "CREATED",
            "STATUS",
            "BUNDLE",
            "RUNS ON",
            "DESCRIPTION",
        ];
        let rows: Vec<_> = self.versions.iter().map(Listed::row).collect();
        let Some(environment) = &self.environment else {
            return table(HEAD, &rows);
        };
        let head = format!("LAST ON {environment}");
        let [version, created, status, bundle, runs, description] = HEAD;
        let with_past = |(listed, row): (&Listed, [String; 6])| {
            let [version, created, status, bundle, runs, description] = row;
            [
                version,
                created,
                status,
                bundle,
                runs,
                listed.role(),
                description,
            ]
        };
        let rows: Vec<_> = self.versions.iter().zip(rows).map(with_past).collect();
        table(
            [version, created, status, bundle, runs, &head, description],
            &rows,
        )
    }
}
