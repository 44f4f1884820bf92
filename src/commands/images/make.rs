//! Building and pushing what the compose file says how to build.

use std::collections::BTreeMap;

use serde::Serialize;

use crate::commands::bundle::{Job, stopped};
use crate::commands::{Context, own_folder};
use crate::compose::images::{Images, ServiceImage};
use crate::deploy::source::Source;
use crate::deploy::version::Label;
use crate::error::{Error, Kind, Result};
use crate::images::credentials::DockerConfig;
use crate::images::docker::{Docker, Wanted};
use crate::images::ecr::Ecr;
use crate::images::pushed::{self, Pushed};
use crate::images::registry::{Keys, Reference, pinned, reference};
use crate::images::tag;
use crate::output::{Event, Report, table};

use super::login::declared;
use super::{aws_for, images_of, platforms};

/// How images are made.
#[derive(Debug, Clone, Copy)]
pub(super) struct How<'a> {
    /// The environments' keys; they have the same compose file.
    pub(super) keys: &'a [Option<&'a str>],
    /// A given version label.
    pub(super) label: Option<&'a str>,
    /// What git says.
    pub(super) source: &'a Source,
    /// Whether they are pushed.
    pub(super) push: bool,
}

/// The result.
#[derive(Debug, Serialize)]
pub(super) struct Made {
    /// The tag of all of them.
    pub(super) tag: String,
    pub(super) images: Vec<MadeImage>,
}

#[derive(Debug, Serialize)]
pub(super) struct MadeImage {
    service: String,
    image: String,
    platforms: Vec<String>,
    /// None of what was not pushed.
    digest: Option<String>,
}

/// The runbook: check the tree, log in, build each, push each, note the digests.
pub(super) async fn make(cx: &Context, job: &Job, how: How<'_>) -> Result<Made> {
    let key = how.keys.first().copied().flatten();
    let images = images_of(cx, key);
    let (mut first, out) = (job.clone(), cx.out.clone());
    first.builds();
    let bundled = tokio::task::spawn_blocking(move || first.make(&out));
    let bundled = bundled.await.map_err(|why| stopped(&why))??;
    let sha256 = bundled.file.sha256;
    let label = Label::of(how.label, how.source, &sha256);
    let wanted = wanted(&images, &tag(label.text()), &platforms(cx, how.keys))?;
    let docker = Docker::look(&cx.out, &cx.settings.root).await?;
    if how.push {
        log_in(cx, &docker, &wanted).await?;
    }
    let mut made = Made {
        tag: tag(label.text()),
        images: Vec::new(),
    };
    let mut noted = BTreeMap::new();
    for wanted in wanted {
        let begun = std::time::Instant::now();
        let digest = if how.push {
            let digest = docker.push(&wanted).await?;
            noted.insert(wanted.service.clone(), pinned(&wanted.image, &digest));
            Some(digest)
        } else {
            docker.build(&wanted).await?;
            None
        };
        let verb = if how.push { "Pushed" } else { "Built" };
        let done = format!("{verb} {}", wanted.image);
        cx.out.event(&Event::Done(&done, begun.elapsed()));
        made.images.push(MadeImage {
            service: wanted.service,
            image: wanted.image,
            platforms: wanted.platforms,
            digest,
        });
    }
    if how.push
        && let Ok(folder) = own_folder(&cx.settings.root)
    {
        let images = noted;
        pushed::note(
            &folder,
            &Pushed {
                bundle: sha256,
                images,
            },
        );
    }
    Ok(made)
}

impl Made {
    /// The new names by service.
    pub(super) fn names(&self) -> BTreeMap<String, String> {
        let name =
            |it: &MadeImage| Some((it.service.clone(), pinned(&it.image, it.digest.as_deref()?)));
        self.images.iter().filter_map(name).collect()
    }
}

/// What is to be built: the services that have `build` and a name for the image.
fn wanted(images: &Images, tag: &str, platforms: &[String]) -> Result<Vec<Wanted>> {
    let (mut wanted, mut problems) = (Vec::new(), Vec::new());
    for service in &images.services {
        let Some(build) = &service.build else {
            continue;
        };
        match repository(service) {
            Ok(repository) => wanted.push(Wanted {
                service: service.service.clone(),
                build: build.clone(),
                image: format!("{repository}:{tag}"),
                platforms: platforms.to_vec(),
            }),
            Err(why) => problems.push(why),
        }
    }
    if wanted.is_empty() && problems.is_empty() {
        problems.push(
            Error::new(
                Kind::Compose,
                "there is nothing to build: no service of the compose file has both `build` and `image`",
            )
            .hint("give such a service an `image` in your registry, as in `ghcr.io/owner/app`, and look with `beanship images list`"),
        );
    }
    Error::all(problems).map_or(Ok(wanted), Err)
}

/// The name without tag and digest.
fn repository(service: &ServiceImage) -> Result<String> {
    let Some(name) = &service.name else {
        return Err(Error::new(
            Kind::Compose,
            format!(
                "the image of service `{}` cannot be built: its name depends on a variable without a value: {}",
                service.service, service.written
            ),
        )
        .hint("set the variable, or give it a default as in `${TAG:-latest}`, and look with `beanship images list`"));
    };
    let image = reference(name)?;
    let name = name.split_once('@').map_or(name.as_str(), |(name, _)| name);
    let end = match (image.tag(), name.rsplit_once(':')) {
        (Some(tag), Some((repository, last))) if tag == last => repository,
        _ => name,
    };
    Ok(end.to_owned())
}

/// Logs in where AWS or the project file gives the login; for other registries Docker's own is
/// there already.
async fn log_in(cx: &Context, docker: &Docker<'_>, wanted: &[Wanted]) -> Result<()> {
    let images: Vec<Reference> = wanted
        .iter()
        .filter_map(|it| reference(&it.image).ok())
        .collect();
    let kept = DockerConfig::read(&cx.settings.environ)?;
    let aws = aws_for(cx, &images).await;
    let declared = declared(cx, &images, &kept).await?;
    let keys = Keys {
        docker: &kept,
        aws: aws.as_ref(),
        declared: declared.as_ref(),
    };
    let mut registries: Vec<&str> = images.iter().map(Reference::registry).collect();
    registries.sort_unstable();
    registries.dedup();
    let is_declared = |name: &str| declared.as_ref().is_some_and(|it| it.server == name);
    registries.retain(|name| Ecr::of(name).is_some() || is_declared(name));
    for registry in registries {
        if let Some(login) = keys.login(registry).await? {
            docker.login(registry, &login).await?;
        }
    }
    Ok(())
}

impl Report for Made {
    fn human(&self) -> String {
        let row = |it: &MadeImage| {
            let digest = it.digest.clone();
            [
                it.service.clone(),
                it.image.clone(),
                digest.unwrap_or_else(|| "not pushed".to_owned()),
                it.platforms.join(", "),
            ]
        };
        let rows: Vec<[String; 4]> = self.images.iter().map(row).collect();
        table(["SERVICE", "IMAGE", "DIGEST", "PLATFORMS"], &rows)
    }

    fn step_outputs(&self) -> Vec<(&'static str, String)> {
        vec![("image-tag", self.tag.clone())]
    }
}
