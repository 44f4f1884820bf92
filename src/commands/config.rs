//! `beanship config`: what the settings come to, as every other command will use them.

use std::collections::BTreeMap;
use std::path::PathBuf;

use serde::Serialize;

use crate::cli::ConfigArgs;
use crate::config::{
    BucketSse, BundleConfig, EnvironmentKind, RegistryConfig, RegistryWords, Tier,
};
use crate::deploy::smoke::Smoke;
use crate::error::{Error, Exit, Kind, Result};
use crate::output::Report;
use crate::settings::{Choice, Settings, Target};

use super::Context;

/// Runs the command. Needs no AWS.
///
/// # Errors
/// [`Kind::Usage`] for an environment that is not declared.
pub fn run(cx: &Context, args: &ConfigArgs) -> Result<Exit> {
    let settings = &cx.settings;
    let app = settings.app(args.app.as_deref())?;
    let config = &settings.config;
    let choice = Choice {
        config,
        app: &app,
        wanted: None,
        branch: None,
        any_branch: true,
    };
    let targets = match settings.wanted(args.env.as_deref()) {
        Some(env) => vec![settings.target(args.app.as_deref(), Some(env), None)?],
        None => choice.all()?,
    };
    let variable = |name: &str| settings.environ.get(name).map(str::to_owned);
    cx.out.result(&Resolved {
        directory: settings.root.clone(),
        config_file: settings.config_file.clone(),
        region: settings.region.clone(),
        profile: settings.profile.clone(),
        bucket_name: variable("BEANSHIP_BUCKET_NAME").or_else(|| config.bucket_name.clone()),
        bucket_owner: config.bucket_owner.clone(),
        bucket_sse: config.bucket_sse,
        bucket_kms_key_id: config.bucket_kms_key_id.clone(),
        bucket_path: variable("BEANSHIP_BUCKET_PATH")
            .or_else(|| config.bucket_path.clone())
            .unwrap_or_else(|| app.clone()),
        bundle: config.bundle.clone(),
        registry: config.registry.as_ref().map(RegistryConfig::words),
        environments: targets
            .into_iter()
            .map(|target| environment(settings, target))
            .collect(),
        app,
    });
    Ok(Exit::Done)
}

#[derive(Debug, Serialize)]
struct Resolved {
    directory: PathBuf,
    config_file: Option<PathBuf>,
    app: String,
    /// None: the SDK's chain decides.
    region: Option<String>,
    profile: Option<String>,
    /// None: Elastic Beanstalk's own.
    bucket_name: Option<String>,
    bucket_path: String,
    /// None: the caller's account.
    bucket_owner: Option<String>,
    /// None: as the bucket has it.
    bucket_sse: Option<BucketSse>,
    bucket_kms_key_id: Option<String>,
    bundle: BundleConfig,
    /// None: no login for a private registry is declared.
    registry: Option<RegistryWords>,
    environments: Vec<ResolvedEnvironment>,
}

#[derive(Debug, Serialize)]
struct ResolvedEnvironment {
    key: Option<String>,
    name: String,
    branches: Vec<String>,
    platform: Option<String>,
    #[serde(rename = "type")]
    kind: EnvironmentKind,
    tier: Tier,
    protected: bool,
    compose: PathBuf,
    /// Where each property's value comes from.
    properties: BTreeMap<String, String>,
    /// The options that are set, by namespace; not their values.
    settings: BTreeMap<String, Vec<String>>,
    /// None: nothing is checked after an update.
    smoke: Option<Smoke>,
}

fn environment(settings: &Settings, target: Target) -> ResolvedEnvironment {
    let key = target.key.as_deref();
    let declared = key
        .and_then(|key| settings.config.environments.get(key))
        .cloned();
    let declared = declared.unwrap_or_default();
    let sources = settings.config.property_sources(key);
    let options = declared.settings.unwrap_or_default();
    ResolvedEnvironment {
        properties: sources
            .into_iter()
            .map(|(name, source)| (name, source.words()))
            .collect(),
        settings: options
            .into_iter()
            .map(|(namespace, options)| (namespace, options.into_keys().collect()))
            .collect(),
        compose: settings.compose(key),
        smoke: settings
            .config
            .smoke(key)
            .map(|smoke| Smoke::of(smoke, &settings.root, false)),
        name: target.environment,
        branches: declared.branches,
        platform: declared.platform,
        kind: declared.kind,
        tier: declared.tier,
        protected: declared.protected,
        key: target.key,
    }
}

impl Report for Resolved {
    /// The same document as YAML.
    fn human(&self) -> String {
        serde_saphyr::to_string(self).map_or_else(
            |why| Error::new(Kind::Config, why.to_string()).to_string(),
            |text| text.trim_end().to_owned(),
        )
    }
}
