//! `beanship images list`: what each service runs, by digest.

use futures_util::future::join_all;
use serde::Serialize;

use crate::cli::ListImagesArgs;
use crate::commands::Context;
use crate::compose;
use crate::compose::images::ServiceImage;
use crate::error::{Error, Exit, Kind, Result};
use crate::images::pins::look;
use crate::images::registry::{Found, Registries};
use crate::output::{Event, Report, table};
use crate::settings::SandboxMode;

use super::{images_of, registries};

/// Runs the command.
///
/// # Errors
/// [`Kind::Compose`] for a compose file that cannot be read.
pub(super) async fn run(cx: &Context, args: &ListImagesArgs) -> Result<Exit> {
    let key = match cx.settings.wanted(args.env.as_deref()) {
        Some(wanted) if !cx.settings.config.environments.is_empty() => {
            cx.settings.target(None, Some(wanted), None)?.key
        }
        _ => None,
    };
    let images = images_of(cx, key.as_deref());
    if images.services.is_empty() {
        // Why there are none, if it is the file's fault.
        compose::check(&cx.settings.root, &cx.settings.compose(key.as_deref()))?;
    }
    for what in &images.elsewhere {
        let text = format!("not listed, as another file decides: {what}");
        cx.out.event(&Event::Note(&text));
    }
    let services: Vec<&ServiceImage> = images.services.iter().collect();
    let asked = match cx.settings.sandbox {
        SandboxMode::Off => Some(registries(cx, &services).await?.0),
        _ => {
            cx.out.event(&Event::Note("the sandbox asks no registry"));
            None
        }
    };
    let rows = services
        .iter()
        .map(async |it| row(asked.as_ref(), it).await);
    let (rows, problems): (Vec<Row>, Vec<Option<Error>>) = join_all(rows).await.into_iter().unzip();
    let problem = Error::all(problems.into_iter().flatten().collect());
    if let Some(problem) = &problem {
        cx.out.problem(problem);
    }
    cx.out.result(&Listing { images: rows });
    Ok(problem.map_or(Exit::Done, |problem| problem.exit()))
}

/// A service's row, and what is wrong with it. That what is built is not pushed yet is not wrong.
async fn row(registries: Option<&Registries>, service: &ServiceImage) -> (Row, Option<Error>) {
    let mut row = Row {
        service: service.service.clone(),
        image: service
            .name
            .clone()
            .unwrap_or_else(|| service.written.clone()),
        build: !service.is_fetched(),
        digest: None,
        platforms: Vec::new(),
        error: None,
    };
    if registries.is_none() {
        return (row, None);
    }
    let found = match &service.name {
        Some(_) => look(registries, service).await,
        None => Err(Error::new(
            Kind::Registry,
            format!(
                "the image of service `{}` depends on a variable: {}",
                service.service, service.written
            ),
        )
        .hint("set the variable, then run `beanship images list` again")),
    };
    match found {
        Ok(Found { digest, platforms }) => {
            row.digest = Some(digest);
            row.platforms = platforms;
            (row, None)
        }
        Err(why) => {
            row.error = Some(why.message().to_owned());
            let told = service.is_fetched().then_some(why);
            (row, told)
        }
    }
}

/// The result.
#[derive(Debug, Serialize)]
struct Listing {
    images: Vec<Row>,
}

#[derive(Debug, Serialize)]
struct Row {
    service: String,
    image: String,
    /// Whether the service says how it is built.
    build: bool,
    digest: Option<String>,
    platforms: Vec<String>,
    /// Why there is no digest.
    error: Option<String>,
}

impl Report for Listing {
    fn human(&self) -> String {
        if self.images.is_empty() {
            return "no service names an image".to_owned();
        }
        let row = |row: &Row| {
            let digest = row.digest.clone();
            let unknown = if row.build { "not pushed" } else { "unknown" };
            [
                row.service.clone(),
                row.image.clone(),
                digest.unwrap_or_else(|| unknown.to_owned()),
                row.platforms.join(", "),
            ]
        };
        let rows: Vec<[String; 4]> = self.images.iter().map(row).collect();
        table(["SERVICE", "IMAGE", "DIGEST", "PLATFORMS"], &rows)
    }
}
