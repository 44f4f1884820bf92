//! Asking registries what a name stands for: the digest that it has now, and the platforms that
//! are behind it. Every v2 registry is spoken to in the same way (OCI Distribution Specification).

use std::collections::BTreeMap;
use std::time::Duration;

use futures_util::future::join_all;
use oci_client::client::{ClientConfig, ClientProtocol};
use oci_client::errors::{OciDistributionError, OciErrorCode};
use oci_client::manifest::{
    IMAGE_MANIFEST_LIST_MEDIA_TYPE, IMAGE_MANIFEST_MEDIA_TYPE, OCI_IMAGE_INDEX_MEDIA_TYPE,
    OCI_IMAGE_MEDIA_TYPE, OciDescriptor, OciManifest,
};
use oci_client::secrets::RegistryAuth;
use oci_client::{Client, RegistryOperation};
use secrecy::ExposeSecret;
use serde::Deserialize;

use super::credentials::{DockerConfig, Login};
use super::ecr::Ecr;
use super::identity;
use crate::aws::Aws;
use crate::aws::error::root;
use crate::error::{Error, Kind, Result};

pub use oci_client::Reference;

/// Manifests of single images and of indexes, Docker's and the specification's.
const MANIFESTS: [&str; 4] = [
    IMAGE_MANIFEST_LIST_MEDIA_TYPE,
    OCI_IMAGE_INDEX_MEDIA_TYPE,
    IMAGE_MANIFEST_MEDIA_TYPE,
    OCI_IMAGE_MEDIA_TYPE,
];

/// How long a registry may take to connect, and to go on answering.
const CONNECT: Duration = Duration::from_secs(10);
const READ: Duration = Duration::from_secs(20);

/// The pauses before a request is made again that had no good answer.
const PAUSES: [Duration; 2] = [Duration::from_millis(300), Duration::from_millis(1500)];

/// The largest configuration of an image that is read.
const LARGEST_CONFIG: i64 = 4 << 20;

/// What a name stands for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Found {
    /// `sha256:...`, of the index where there is one.
    pub digest: String,
    /// `linux/amd64` and the like; empty where the image does not say.
    pub platforms: Vec<String>,
}

/// A login that the project file declares.
#[derive(Debug, Clone)]
pub struct Declared {
    /// The registry's name.
    pub server: String,
    /// The login.
    pub login: Login,
}

/// Where logins come from.
#[derive(Debug, Clone, Copy)]
pub struct Keys<'a> {
    /// What Docker keeps.
    pub docker: &'a DockerConfig,
    /// For ECR's registries.
    pub aws: Option<&'a Aws>,
    /// What the project file declares.
    pub declared: Option<&'a Declared>,
}

/// The registries of some images.
pub struct Registries {
    client: Client,
    logins: BTreeMap<String, Result<Option<Login>>>,
}

impl std::fmt::Debug for Registries {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_set().entries(self.logins.keys()).finish()
    }
}

/// Reads the name of an image as Docker does.
///
/// # Errors
/// [`Kind::Compose`] for what is no name.
pub fn reference(name: &str) -> Result<Reference> {
    name.parse().map_err(|why| {
        Error::new(
            Kind::Compose,
            format!("`{name}` cannot be the name of an image: {why}"),
        )
        .hint("write it as in `ghcr.io/owner/app:1.2.3`, then run `beanship check`")
    })
}

/// The name as Docker shows it, with a digest instead of what else says the version; a tag stays
/// for people.
#[must_use]
pub fn pinned(written: &str, digest: &str) -> String {
    let name = written.split_once('@').map_or(written, |(name, _)| name);
    format!("{name}@{digest}")
}

impl Registries {
    /// The registries of these images, with their logins.
    pub async fn of(images: &[Reference], keys: Keys<'_>) -> Self {
        let mut names: Vec<&str> = images.iter().map(Reference::registry).collect();
        names.sort_unstable();
        names.dedup();
        let here = names.iter().filter(|name| is_here(name));
        let config = ClientConfig {
            protocol: ClientProtocol::HttpsExcept(here.map(|name| (*name).to_owned()).collect()),
            connect_timeout: Some(CONNECT),
            read_timeout: Some(READ),
            user_agent: concat!("beanship/", env!("CARGO_PKG_VERSION")),
            ..ClientConfig::default()
        };
        let logins = names.iter().map(async |name| {
            let login = keys.login(name).await;
            ((*name).to_owned(), login)
        });
        Self {
            logins: join_all(logins).await.into_iter().collect(),
            client: Client::new(config),
        }
    }

    /// Asks what an image is now.
    ///
    /// # Errors
    /// [`Kind::Registry`]: why its registry does not tell; [`Kind::Unreachable`] without an answer.
    pub async fn look(&self, image: &Reference) -> Result<Found> {
        let auth = match self.logins.get(image.registry()) {
            Some(Ok(Some(login))) if login.identity => {
                match identity::exchange(image, &login.password).await? {
                    Some(token) => RegistryAuth::Bearer(token.expose_secret().to_owned()),
                    None => RegistryAuth::Anonymous,
                }
            }
            Some(Ok(Some(login))) => RegistryAuth::Basic(
                login.username.clone(),
                login.password.expose_secret().to_owned(),
            ),
            Some(Err(why)) => return Err(why.clone()),
            _ => RegistryAuth::Anonymous,
        };
        let mut pauses = PAUSES.iter();
        loop {
            match self.ask(image, &auth).await {
                Ok(found) => return Ok(found),
                Err(why) => match pauses.next().filter(|_| is_passing(&why)) {
                    Some(pause) => tokio::time::sleep(*pause).await,
                    None => return Err(explained(image, &why)),
                },
            }
        }
    }

    async fn ask(
        &self,
        image: &Reference,
        auth: &RegistryAuth,
    ) -> std::result::Result<Found, OciDistributionError> {
        let pull = RegistryOperation::Pull;
        self.client.auth(image, auth, pull).await?;
        let manifest = self.client.pull_manifest_raw(image, auth, &MANIFESTS);
        let (bytes, digest) = manifest.await?;
        let platforms = match serde_json::from_slice(&bytes)? {
            OciManifest::ImageIndex(index) => {
                let platforms = index.manifests.into_iter().filter_map(|it| it.platform);
                let words = platforms.map(|it| format!("{}/{}", it.os, it.architecture));
                let mut words: Vec<String> = words.collect();
                // Where provenance is kept, which runs nowhere.
                words.retain(|platform| platform != "unknown/unknown");
                words
            }
            OciManifest::Image(manifest) => self.platform(image, &manifest.config).await?,
        };
        Ok(Found { digest, platforms })
    }

    /// The platform of a single image, which its configuration tells.
    async fn platform(
        &self,
        image: &Reference,
        config: &OciDescriptor,
    ) -> std::result::Result<Vec<String>, OciDistributionError> {
        #[derive(Deserialize)]
        struct Config {
            os: String,
            architecture: String,
        }
        if config.size > LARGEST_CONFIG {
            return Ok(Vec::new());
        }
        let mut bytes = Vec::new();
        self.client.pull_blob(image, config, &mut bytes).await?;
        let config: Option<Config> = serde_json::from_slice(&bytes).ok();
        Ok(config
            .map(|config| format!("{}/{}", config.os, config.architecture))
            .into_iter()
            .collect())
    }
}

/// Whether a registry is on this machine, where Docker speaks plain HTTP too.
pub(super) fn is_here(registry: &str) -> bool {
    let host = registry.rsplit_once(':').map_or(registry, |(host, _)| host);
    host == "localhost" || host.starts_with("127.")
}

impl Keys<'_> {
    /// The login for a registry: ECR's from AWS, another one as Docker keeps it (and ECR's too
    /// where AWS gives none), else the declared one.
    ///
    /// # Errors
    /// Why there is none although there should be.
    pub async fn login(&self, registry: &str) -> Result<Option<Login>> {
        let at_aws = match (Ecr::of(registry), self.aws) {
            (Some(ecr), Some(aws)) => Some(ecr.login(aws).await),
            _ => None,
        };
        if let Some(Ok(login)) = at_aws {
            return Ok(Some(login));
        }
        let kept = self.docker.login(registry).await;
        if let Ok(Some(login)) = kept {
            return Ok(Some(login));
        }
        if let Some(Err(why)) = at_aws {
            return Err(why);
        }
        let declared = self.declared.filter(|it| it.server == registry);
        match declared {
            Some(declared) => Ok(Some(declared.login.clone())),
            None => kept,
        }
    }
}

/// Whether the same request may well be answered in a moment.
fn is_passing(why: &OciDistributionError) -> bool {
    match why {
        OciDistributionError::RequestError(why) => !why.is_builder(),
        OciDistributionError::ServerError { code, .. } => *code >= 500 || *code == 429,
        OciDistributionError::RegistryError { envelope, .. } => envelope
            .errors
            .iter()
            .any(|error| error.code == OciErrorCode::Toomanyrequests),
        _ => false,
    }
}

/// Why an image could not be asked for, and what to do.
fn explained(image: &Reference, why: &OciDistributionError) -> Error {
    let registry = image.registry();
    let said = |codes: &[OciErrorCode]| match why {
        OciDistributionError::RegistryError { envelope, .. } => {
            envelope.errors.iter().any(|it| codes.contains(&it.code))
        }
        _ => false,
    };
    let status = match why {
        OciDistributionError::ServerError { code, .. } => Some(*code),
        _ => None,
    };
    let refused = matches!(
        why,
        OciDistributionError::UnauthorizedError { .. }
            | OciDistributionError::AuthenticationFailure(_)
    );
    let (what, hint) = if refused
        || matches!(status, Some(401 | 403))
        || said(&[OciErrorCode::Unauthorized, OciErrorCode::Denied])
    {
        (
            format!(
                "{registry} does not show {image}: it is not there, or the login may not read it"
            ),
            format!(
                "log in with `docker login {registry}`, and correct the name in the compose file"
            ),
        )
    } else if status == Some(404)
        || said(&[
            OciErrorCode::ManifestUnknown,
            OciErrorCode::NameUnknown,
            OciErrorCode::NotFound,
        ])
    {
        (
            format!("{registry} has no {image}"),
            "correct the name in the compose file, or push it: `beanship images push`".to_owned(),
        )
    } else if status == Some(429) || said(&[OciErrorCode::Toomanyrequests]) {
        (
            format!("{registry} does not tell what {image} is: too many requests"),
            format!("wait a while, or log in for more of them: `docker login {registry}`"),
        )
    } else if let OciDistributionError::RequestError(why) = why {
        (
            format!("{registry} could not be reached for {image}: {}", root(why)),
            "check the network and the name, then run `beanship images list`".to_owned(),
        )
    } else {
        let why = crate::output::one_line(&why.to_string());
        let why: String = why.chars().take(300).collect();
        (
            format!("{registry} does not tell what {image} is: {why}"),
            "run `beanship images list` again".to_owned(),
        )
    };
    Error::new(kind_of(why), what).hint(hint)
}

/// Whether it is the registry that is at fault, or what was asked.
fn kind_of(why: &OciDistributionError) -> Kind {
    match is_passing(why) {
        true => Kind::Unreachable,
        false => Kind::Registry,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_read_as_docker_does() {
        let whole = |name: &str| reference(name).map(|it| it.whole()).unwrap_or_default();
        assert_eq!(whole("nginx"), "docker.io/library/nginx:latest");
        assert_eq!(whole("localhost:5000/app:1"), "localhost:5000/app:1");
        let error = reference("Shop:1").expect_err("capitals").to_string();
        assert_eq!(
            error,
            "`Shop:1` cannot be the name of an image: invalid reference format"
        );
    }

    #[test]
    fn a_tag_stays_beside_the_digest() {
        assert_eq!(pinned("nginx:1.28", "sha256:1"), "nginx:1.28@sha256:1");
        assert_eq!(
            pinned("nginx:1.28@sha256:0", "sha256:1"),
            "nginx:1.28@sha256:1"
        );
    }

    #[test]
    fn only_this_machine_is_spoken_to_without_tls() {
        for (registry, expected) in [
            ("localhost", true),
            ("localhost:5000", true),
            ("127.0.0.1:5000", true),
            ("localhost.example.org", false),
            ("registry:5000", false),
        ] {
            assert_eq!(is_here(registry), expected, "{registry}");
        }
    }
}
