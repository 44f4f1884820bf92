//! What a bundle does about images: those that were pushed, or all, are named by digest.

use std::collections::BTreeMap;

use crate::commands::bundle::{Job, stopped};
use crate::commands::{Context, own_folder};
use crate::compose::images::Images;
use crate::deploy::source::Source;
use crate::error::{Error, Kind, Result};
use crate::images::ecr::Ecr;
use crate::images::pins::{PinImages, Pins, Wish};
use crate::images::pushed;
use crate::images::registry::reference;
use crate::output::Event;
use crate::settings::SandboxMode;

use super::make::{self, How};
use super::{images_of, platforms, registries};

/// What is asked for.
#[derive(Debug, Clone, Copy, Default)]
pub(in crate::commands) struct Ask<'a> {
    /// Build and push first: the label, and what git says.
    pub(in crate::commands) build: Option<(Option<&'a str>, &'a Source)>,
    /// Only plan: nothing is built, but the bundle is judged as if.
    pub(in crate::commands) plans_to_build: bool,
    /// Leave an image as it is if its registry does not tell its digest.
    pub(in crate::commands) allow_unpinned: bool,
}

/// Has the job's compose file name images by digest, and returns those that may be others tomorrow,
/// in words. The sandbox runs no containers: there nothing is built, asked for or pinned.
pub(in crate::commands) async fn pin(
    cx: &Context,
    job: &mut Job,
    keys: &[Option<&str>],
    ask: Ask<'_>,
) -> Result<Vec<String>> {
    let mode = cx.settings.config.bundle.pin_images;
    if ask.build.is_some() && mode == PinImages::Never {
        let what = "`--build` makes images that nothing would run: `bundle.pin_images` is `never`";
        return Err(Error::new(Kind::Usage, what)
            .hint("set it to `built` in beanship.yml, or push with `beanship images push`"));
    }
    let is_sandbox = cx.settings.sandbox != SandboxMode::Off;
    if ask.plans_to_build || (ask.build.is_some() && !is_sandbox) {
        job.builds();
    }
    if ask.build.is_some() && is_sandbox {
        let text = "nothing is built: the sandbox runs no containers";
        cx.out.event(&Event::Note(text));
    }
    let images = images_of(cx, keys.first().copied().flatten());
    let pushed = match (ask.build, mode) {
        _ if is_sandbox => BTreeMap::new(),
        (Some((label, source)), _) => {
            let push = true;
            let how = How {
                keys,
                label,
                source,
                push,
            };
            let made = make::make(cx, job, how).await?;
            job.told();
            made.names()
        }
        (None, PinImages::Never) => BTreeMap::new(),
        (None, _) => noted(cx, job, &images).await?,
    };
    let platforms = platforms(cx, keys);
    let wish = Wish {
        images: &images,
        mode: if is_sandbox { PinImages::Never } else { mode },
        pushed: &pushed,
        platforms: &platforms,
        allow_unpinned: ask.allow_unpinned,
    };
    let pins = decide(cx, &wish).await?;
    for warning in &pins.warnings {
        cx.out.event(&Event::Warning(warning));
    }
    if !pins.names.is_empty() {
        for (name, text) in images.pinned(&pins.names)? {
            job.replace(&name, text.into_bytes());
        }
    }
    Ok(pins.moving)
}

/// What `images push` pushed from this very tree.
async fn noted(cx: &Context, job: &mut Job, images: &Images) -> Result<BTreeMap<String, String>> {
    let all = own_folder(&cx.settings.root).map(|folder| pushed::read(&folder));
    let all = all.unwrap_or_default();
    if all.is_empty() || !images.any_built() {
        return Ok(BTreeMap::new());
    }
    let (mut first, out) = (job.clone(), cx.out.clone());
    // Only its digest is wanted: the tree is judged once it is known who builds.
    first.told();
    let bundled = tokio::task::spawn_blocking(move || first.make(&out));
    let bundled = bundled.await.map_err(|why| stopped(&why))??;
    let known = all.into_iter().find(|it| it.bundle == bundled.file.sha256);
    let Some(known) = known else {
        let text = "what was pushed is of another tree, so the instances build: push again with `deploy --build`";
        cx.out.event(&Event::Warning(text));
        return Ok(BTreeMap::new());
    };
    let built = |service: &str| {
        let mut services = images.services.iter();
        services.any(|it| it.service == service && !it.is_fetched())
    };
    let names = known.images.into_iter();
    let names: BTreeMap<_, _> = names.filter(|(service, _)| built(service)).collect();
    let mut services = images.services.iter();
    if services.all(|it| it.is_fetched() || names.contains_key(&it.service)) {
        job.builds();
    }
    Ok(names)
}

/// Decides, and warns where ECR would throw away what is named by digest.
async fn decide(cx: &Context, wish: &Wish<'_>) -> Result<Pins> {
    let asked = wish.asked();
    if asked.is_empty() {
        return wish.decide(None).await;
    }
    let (registries, aws) = registries(cx, &asked).await?;
    let mut pins = wish.decide(Some(&registries)).await?;
    let mut seen = Vec::new();
    for service in asked {
        let image = service.name.as_deref().map(reference);
        let (Some(Ok(image)), Some(aws)) = (image, &aws) else {
            continue;
        };
        let Some(ecr) = Ecr::of(image.registry()) else {
            continue;
        };
        let repository = image.repository().to_owned();
        if !seen.contains(&repository) && ecr.expires_untagged(aws, &repository).await {
            pins.warnings.push(format!(
                "a lifecycle rule of {repository} expires images without a tag: once a tag moves on, instances cannot fetch what this bundle names"
            ));
        }
        seen.push(repository);
    }
    Ok(pins)
}
