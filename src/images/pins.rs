//! Which digests a bundle's compose file names, and what stays as it is.

use std::collections::BTreeMap;

use futures_util::future::join_all;
use serde::{Deserialize, Serialize};

use super::registry::{Found, Registries, pinned, reference};
use crate::compose::images::{Images, ServiceImage};
use crate::error::{Error, Kind, Result};

/// Which images a bundle names by digest.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum PinImages {
    /// Those that this tool has pushed.
    #[default]
    Built,
    /// All of them; the registries are asked.
    Always,
    /// None.
    Never,
}

/// What is known before anything is decided.
#[derive(Debug)]
pub struct Wish<'a> {
    /// The compose file's images.
    pub images: &'a Images,
    /// Which of them are pinned.
    pub mode: PinImages,
    /// What was pushed, by service: `REPOSITORY:TAG@DIGEST`.
    pub pushed: &'a BTreeMap<String, String>,
    /// What the environments run: `linux/amd64`.
    pub platforms: &'a [String],
    /// Whether an image that cannot be asked for stays as it is.
    pub allow_unpinned: bool,
}

/// What is decided.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Pins {
    /// The new names by service.
    pub names: BTreeMap<String, String>,
    /// The images that may be others tomorrow, in words, as `nginx:latest (service web)`.
    pub moving: Vec<String>,
    /// To be looked into.
    pub warnings: Vec<String>,
}

impl Wish<'_> {
    /// The services whose registries have to be asked.
    #[must_use]
    pub fn asked(&self) -> Vec<&ServiceImage> {
        let services = self.images.services.iter();
        let asked = |it: &&ServiceImage| it.is_fetched() && !it.varies && !it.written.contains('@');
        match self.mode {
            PinImages::Always => services.filter(asked).collect(),
            PinImages::Built | PinImages::Never => Vec::new(),
        }
    }

    /// Decides; `registries` are asked where that is wished.
    ///
    /// # Errors
    /// [`Kind::Registry`] for every image that cannot be pinned although it should, [`Kind::Unreachable`]
    /// where its registry does not answer,
    /// [`Kind::Check`] for one that the environment cannot run.
    pub async fn decide(&self, registries: Option<&Registries>) -> Result<Pins> {
        let mut pins = Pins::default();
        let mut problems = Vec::new();
        if self.mode != PinImages::Never {
            pins.names.clone_from(self.pushed);
        }
        let asked = self.asked();
        let looks = asked.iter().map(async |it| look(registries, it).await);
        for (service, found) in asked.iter().zip(join_all(looks).await) {
            match found {
                Ok(found) => {
                    problems.extend(self.unfit(service, &found));
                    let name = pinned(&service.written, &found.digest);
                    pins.names.insert(service.service.clone(), name);
                }
                Err(why) => problems.extend(self.tolerated(why, &mut pins)),
            }
        }
        for why in self.unpinnable() {
            problems.extend(self.tolerated(why, &mut pins));
        }
        if let Some(error) = Error::all(problems) {
            return Err(error);
        }
        let services = self.images.services.iter();
        let moving = services
            .filter(|it| it.is_fetched() && it.moves() && !pins.names.contains_key(&it.service));
        pins.moving = moving
            .map(|it| format!("{} (service {})", it.written, it.service))
            .collect();
        Ok(pins)
    }

    /// The error, unless it is tolerated: then it is a warning.
    fn tolerated(&self, why: Error, pins: &mut Pins) -> Option<Error> {
        if !self.allow_unpinned {
            return Some(
                why.hint("leave such images as they are, for this once, with `--allow-unpinned`"),
            );
        }
        pins.warnings
            .push(format!("{}, so it is not pinned", why.message()));
        None
    }

    /// What cannot be pinned although every image should be.
    fn unpinnable(&self) -> Vec<Error> {
        if self.mode != PinImages::Always {
            return Vec::new();
        }
        let error = |what: String| Error::new(Kind::Registry, what);
        let varies = |it: &&ServiceImage| {
            it.is_fetched() && it.varies && !self.pushed.contains_key(&it.service)
        };
        let varying = self.images.services.iter().filter(varies).map(|it| {
            error(format!(
                "the image of service `{}` depends on a variable of the instance: {}",
                it.service, it.written
            ))
            .hint("write its name out, or use `bundle: { pin_images: built }` in beanship.yml")
        });
        let elsewhere = self.images.elsewhere.iter().map(|what| {
            error(format!(
                "the images of another file cannot be pinned: {what}"
            ))
            .hint(
                "write the services into the compose file itself, then run `beanship images list`",
            )
        });
        varying.chain(elsewhere).collect()
    }

    /// An image that the instances cannot run.
    fn unfit(&self, service: &ServiceImage, found: &Found) -> Option<Error> {
        let lacks =
            |platform: &&String| !found.platforms.is_empty() && !found.platforms.contains(platform);
        let missing = self.platforms.iter().find(lacks)?;
        Some(
            Error::new(
                Kind::Check,
                format!(
                    "the image of service `{}` is not for {missing}: {} is for {}",
                    service.service,
                    service.written,
                    found.platforms.join(", ")
                ),
            )
            .hint("name an image for that platform, or another `instance_type`, and look with `beanship images list`"),
        )
    }
}

/// Asks what a service's image is.
///
/// # Errors
/// Why its registry does not tell.
pub async fn look(registries: Option<&Registries>, service: &ServiceImage) -> Result<Found> {
    let name = service.name.as_deref().unwrap_or(&service.written);
    let image = reference(name)?;
    match registries {
        Some(registries) => registries.look(&image).await,
        None => Err(Error::new(
            Kind::Registry,
            format!("{image} was not asked for"),
        )),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEXT: &str = "services:\n  web: { image: 'nginx:latest' }\n  db: { image: 'mysql:8.4' }\n  api: { image: 'shop/api:${TAG:-1}' }\n  job: { build: ., image: shop/job }\n  old: { image: 'x@sha256:00' }\n";

    fn shown(result: Result<Pins>) -> String {
        match result {
            Ok(pins) => format!(
                "{:?}\nmoving: {}\nwarnings: {}",
                pins.names,
                pins.moving.join(", "),
                pins.warnings.join("; ")
            ),
            Err(error) => error.to_string(),
        }
    }

    async fn decided(mode: PinImages, allow_unpinned: bool) -> String {
        let images = Images::of(TEXT.to_owned(), &|_| None);
        let pushed = [("job".to_owned(), "shop/job:v1@sha256:11".to_owned())].into();
        let wish = Wish {
            images: &images,
            mode,
            pushed: &pushed,
            platforms: &[],
            allow_unpinned,
        };
        shown(wish.decide(None).await)
    }

    #[tokio::test]
    async fn the_mode_decides_what_is_pinned() {
        insta::assert_snapshot!(decided(PinImages::Built, false).await, @r#"
        {"job": "shop/job:v1@sha256:11"}
        moving: nginx:latest (service web)
        warnings:
        "#);
        insta::assert_snapshot!(decided(PinImages::Never, false).await, @"
        {}
        moving: nginx:latest (service web)
        warnings:
        ");
    }

    #[tokio::test]
    async fn what_cannot_be_asked_for_is_an_error_unless_it_is_allowed() {
        insta::assert_snapshot!(decided(PinImages::Always, false).await, @"docker.io/library/nginx:latest was not asked for; docker.io/library/mysql:8.4 was not asked for; the image of service `api` depends on a variable of the instance: shop/api:${TAG:-1}");
        insta::assert_snapshot!(decided(PinImages::Always, true).await, @r#"
        {"job": "shop/job:v1@sha256:11"}
        moving: nginx:latest (service web)
        warnings: docker.io/library/nginx:latest was not asked for, so it is not pinned; docker.io/library/mysql:8.4 was not asked for, so it is not pinned; the image of service `api` depends on a variable of the instance: shop/api:${TAG:-1}, so it is not pinned
        "#);
    }
}
