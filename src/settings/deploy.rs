//! What a deploy is told besides, and how an update is followed.

use std::time::Duration;

use super::{Settings, Target, duration};
use crate::cli::{DeployArgs, FollowingArgs};
use crate::deploy::bucket::BucketWish;
use crate::deploy::configuration::Configuration;
use crate::deploy::outcome::{HealthPolicy, OnFailure};
use crate::deploy::smoke::Smoke;
use crate::error::{Error, Kind, Result};

/// How long a deploy may take in all when nothing else is said, at least.
const TIMEOUT: Duration = Duration::from_secs(20 * 60);
/// How long health may take after the environment is Ready again.
const HEALTH_TIMEOUT: Duration = Duration::from_secs(2 * 60);

/// What a deploy is told besides.
#[derive(Debug, Clone)]
pub struct DeploySettings {
    /// Where the bundle shall go.
    pub bucket: BucketWish,
    /// A given version label.
    pub label: Option<String>,
    /// The description of the version.
    pub message: Option<String>,
    /// How the update is followed.
    pub following: Following,
    /// What becomes of a deploy that failed.
    pub on_failure: OnFailure,
}

impl DeploySettings {
    /// Resolves what a deploy needs besides.
    ///
    /// # Errors
    /// [`Kind::Usage`] for variables that hold no time.
    pub fn resolve(args: &DeployArgs, settings: &Settings, target: &Target) -> Result<Self> {
        let environ = &settings.environ;
        let first = |flag: &Option<String>, name: &str, file: Option<&String>| {
            let said = flag
                .clone()
                .or_else(|| environ.get(name).map(str::to_owned));
            said.or_else(|| file.cloned())
        };
        let config = &settings.config;
        let (name, path) = (config.bucket_name.as_ref(), config.bucket_path.as_ref());
        let path = first(&args.bucket_path, "BEANSHIP_BUCKET_PATH", path);
        let path = path.unwrap_or_else(|| target.app.clone());
        let declared = target
            .key
            .as_ref()
            .and_then(|key| config.environments.get(key));
        let on_failure = declared.map(|environment| environment.deploy.on_failure);
        Ok(Self {
            on_failure: args.on_failure.or(on_failure).unwrap_or_default(),
            bucket: BucketWish {
                name: first(&args.bucket_name, "BEANSHIP_BUCKET_NAME", name),
                path: path.trim_matches('/').to_owned(),
                owner: config.bucket_owner.clone(),
                encryption: config.encryption(),
            },
            label: first(&args.version_label, "BEANSHIP_VERSION_LABEL", None),
            message: first(&args.message, "BEANSHIP_MESSAGE", None),
            following: Following::resolve(&args.following, settings, target.key.as_deref())?,
        })
    }
}

/// How an update is followed.
#[derive(Debug, Clone)]
pub struct Following {
    /// One deadline for waiting, update and health, where one is given.
    pub given: Option<Duration>,
    /// What health counts as good.
    pub health: HealthPolicy,
    /// How long health may take after the update.
    pub health_timeout: Duration,
    /// What must hold after that.
    pub smoke: Option<Smoke>,
}

impl Following {
    /// Resolves how an update of the environment (by key) is followed.
    ///
    /// # Errors
    /// [`Kind::Usage`] for variables that hold no time.
    pub fn resolve(args: &FollowingArgs, settings: &Settings, key: Option<&str>) -> Result<Self> {
        let time = |flag: Option<Duration>, name: &str| match (flag, settings.environ.get(name)) {
            (None, Some(text)) => duration::parse(text)
                .map(Some)
                .map_err(|why| Error::new(Kind::Usage, format!("the variable {name}: {why}"))),
            (flag, _) => Ok(flag),
        };
        let declared = key.and_then(|key| settings.config.environments.get(key));
        let health = args
            .health
            .or(declared.map(|environment| environment.deploy.health));
        let health_timeout = time(args.health_timeout, "BEANSHIP_HEALTH_TIMEOUT")?;
        let smoke = settings.config.smoke(key);
        Ok(Self {
            smoke: smoke.map(|smoke| Smoke::of(smoke, &settings.root, args.no_smoke)),
            given: time(args.timeout, "BEANSHIP_TIMEOUT")?,
            health: health.unwrap_or_default(),
            health_timeout: health_timeout.unwrap_or(HEALTH_TIMEOUT),
        })
    }

    /// How long everything may take in all: as given, or the larger of the usual time and what
    /// the environment's own settings can take.
    #[must_use]
    pub fn timeout(&self, configuration: Option<&Configuration>) -> Duration {
        let settings = configuration.map_or(Duration::ZERO, |configuration| {
            configuration.longest_update() + self.health_timeout
        });
        self.given.unwrap_or_else(|| settings.max(TIMEOUT))
    }
}
