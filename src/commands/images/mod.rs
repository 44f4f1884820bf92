//! `beanship images`: list, build, push; and what a deploy does about images.

mod list;
mod login;
mod make;
mod pin;

use crate::aws::Aws;
use crate::cli::{ImagesAction, MakeImagesArgs};
use crate::compose::images::{Images, ServiceImage};
use crate::error::{Exit, Result};
use crate::images::credentials::DockerConfig;
use crate::images::ecr::Ecr;
use crate::images::platform;
use crate::images::registry::{Keys, Reference, Registries, reference};
use crate::settings::SandboxMode;

use super::Context;
use super::bundle::Job;
pub(super) use login::login_of;
pub(super) use pin::{Ask, pin};

/// Runs the action.
///
/// # Errors
/// What it has no report of its own for.
pub async fn run(cx: &Context, action: &ImagesAction) -> Result<Exit> {
    match action {
        ImagesAction::List(args) => cx.interruptible(list::run(cx, args)).await,
        ImagesAction::Build(args) => cx.interruptible(make_all(cx, args, false)).await,
        ImagesAction::Push(args) => cx.interruptible(make_all(cx, args, true)).await,
    }
}

/// The runbook: which environments, which tree, then build each image.
async fn make_all(cx: &Context, args: &MakeImagesArgs, push: bool) -> Result<Exit> {
    let wanted = cx.settings.environ.all_wanted(&args.env);
    let mut keys = Vec::new();
    for name in wanted {
        keys.push(cx.settings.target(None, Some(name), None)?.key);
    }
    if keys.is_empty() {
        keys.extend(cx.settings.config.environments.keys().cloned().map(Some));
    }
    let keys: Vec<Option<&str>> = match keys.as_slice() {
        [] => vec![None],
        keys => keys.iter().map(Option::as_deref).collect(),
    };
    let job = Job::new(cx, &keys, None);
    let label = args.version_label.as_deref();
    let label = label.or_else(|| cx.settings.environ.get("BEANSHIP_VERSION_LABEL"));
    let source = cx.source().await;
    let made = make::make(
        cx,
        &job,
        make::How {
            keys: &keys,
            label,
            source: &source,
            push,
        },
    )
    .await?;
    cx.out.result(&made);
    Ok(Exit::Done)
}

/// The images of the environments' compose file.
fn images_of(cx: &Context, key: Option<&str>) -> Images {
    let environ = &cx.settings.environ;
    let values = |name: &str| environ.get(name).map(str::to_owned);
    Images::read(&cx.settings.root, &cx.settings.compose(key), &values)
}

/// What the environments (by key) run.
fn platforms(cx: &Context, keys: &[Option<&str>]) -> Vec<String> {
    let config = &cx.settings.config;
    let of = |key: &Option<&str>| {
        let declared = key.and_then(|key| config.environments.get(key));
        platform(declared.and_then(|it| it.instance_type.as_deref())).to_owned()
    };
    let mut platforms: Vec<String> = keys.iter().map(of).collect();
    platforms.sort();
    platforms.dedup();
    platforms
}

/// AWS, where one of these images is in its registry. That it cannot be reached shows at the image.
async fn aws_for(cx: &Context, images: &[Reference]) -> Option<Aws> {
    let any = images.iter().any(|it| Ecr::of(it.registry()).is_some());
    match any && cx.settings.sandbox == SandboxMode::Off {
        true => cx.aws().await.ok(),
        false => None,
    }
}

/// The registries of services' images. Names that are none are told when they are asked for.
async fn registries(cx: &Context, services: &[&ServiceImage]) -> Result<(Registries, Option<Aws>)> {
    let names = services.iter().filter_map(|it| it.name.as_deref());
    let images: Vec<Reference> = names.filter_map(|name| reference(name).ok()).collect();
    let docker = DockerConfig::read(&cx.settings.environ)?;
    let aws = aws_for(cx, &images).await;
    let declared = login::declared(cx, &images, &docker).await?;
    let keys = Keys {
        docker: &docker,
        aws: aws.as_ref(),
        declared: declared.as_ref(),
    };
    let registries = Registries::of(&images, keys).await;
    Ok((registries, aws))
}
