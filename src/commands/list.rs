//! `beanship list`: the application's environments, declared or not.

use serde::Serialize;

use crate::cli::ApplicationArgs;
use crate::deploy::environment::{self, Environment};
use crate::error::{Exit, Result};
use crate::output::{Report, table};
use crate::settings::{Choice, Target};

use super::Context;

/// Runs the command.
///
/// # Errors
/// What AWS says.
pub async fn run(cx: &Context, args: &ApplicationArgs) -> Result<Exit> {
    let app = cx.settings.app(args.app.as_deref())?;
    let config = &cx.settings.config;
    let declared = Choice {
        config,
        app: &app,
        wanted: None,
        branch: None,
        any_branch: true,
    }
    .all()?;
    let aws = cx.aws().await?;
    let found = aws
        .first_contact(environment::describe(&aws, Some(&app), &[]))
        .await?;
    cx.out.result(&Listing {
        environments: merge(declared, found),
        application: app,
        region: aws.region.clone(),
    });
    Ok(Exit::Done)
}

/// Declared environments first, in the file's order, whether they exist or not; then the others.
fn merge(declared: Vec<Target>, mut found: Vec<Environment>) -> Vec<Listed> {
    let mut listed: Vec<Listed> = declared
        .into_iter()
        .map(|target| {
            let at = found
                .iter()
                .position(|seen| seen.name == target.environment);
            Listed {
                key: target.key,
                name: target.environment,
                seen: at.map(|at| found.remove(at)),
            }
        })
        .collect();
    found.sort_by(|a, b| a.name.cmp(&b.name));
    listed.extend(found.into_iter().map(|seen| Listed {
        key: None,
        name: seen.name.clone(),
        seen: Some(seen),
    }));
    listed
}

#[derive(Debug, Serialize)]
struct Listing {
    application: String,
    region: String,
    environments: Vec<Listed>,
}

#[derive(Debug, Serialize)]
struct Listed {
    /// The key in the project file; none for an environment that is not declared.
    key: Option<String>,
    name: String,
    /// None for an environment that does not exist.
    #[serde(rename = "environment")]
    seen: Option<Environment>,
}

impl Report for Listing {
    fn human(&self) -> String {
        if self.environments.is_empty() {
            return format!(
                "{} has no environments in {}",
                self.application, self.region
            );
        }
        let row = |listed: &Listed| {
            let seen = listed.seen.as_ref();
            let text = |value: Option<String>| value.unwrap_or_else(|| "-".into());
            [
                text(listed.key.clone()),
                listed.name.clone(),
                seen.map_or_else(|| "does not exist".into(), |seen| seen.status.clone()),
                text(seen.map(|seen| seen.health.clone())),
                text(seen.and_then(|seen| seen.version_label.clone())),
                text(seen.and_then(|seen| seen.url.clone())),
            ]
        };
        let rows: Vec<_> = self.environments.iter().map(row).collect();
        table(["KEY", "NAME", "STATUS", "HEALTH", "VERSION", "URL"], &rows)
    }
}
