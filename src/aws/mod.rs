//! The only place that builds AWS clients and decodes their errors. Clients are the SDK's own;
//! credentials, SSO, OIDC, profiles and endpoint overrides are whatever its default chain gives.

mod behind;
pub mod download;
pub mod ec2;
pub mod error;
pub mod rds;
pub mod role;
pub mod service;
mod turn;
mod wire;

use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

use aws_config::identity::IdentityCache;
use aws_config::retry::RetryConfig;
use aws_config::timeout::TimeoutConfig;
use aws_config::{BehaviorVersion, ConfigLoader, Region, SdkConfig};
use aws_credential_types::Credentials;
use aws_runtime::env_config::file::{EnvConfigFileKind, EnvConfigFiles};

use crate::error::{Error, Kind, Result};
use crate::output::Out;

use service::Service;
pub use turn::{Purpose, Turn};
use wire::Wire;

/// How often the SDK tries a call in all, in its standard mode.
const ATTEMPTS: u32 = 8;
/// How long the SDK waits at most before it tries a call to Elastic Beanstalk again for the first
/// time; our own pace keeps the calls apart. In all its attempts that makes half a minute.
const FIRST_BACKOFF: Duration = Duration::from_millis(500);
/// How long it may take to assume a role.
const ASSUMING: Duration = Duration::from_secs(45);
/// How long AWS may stay silent at first before it counts as out of reach.
const FIRST_ANSWER: Duration = Duration::from_secs(12);

/// Where the clients connect to.
#[derive(Debug, Clone, Default)]
pub struct Access {
    /// The region; the SDK's chain decides when there is none.
    pub region: Option<String>,
    /// A profile of the AWS configuration files.
    pub profile: Option<String>,
    /// Whether AWS_MAX_ATTEMPTS stands in the environment and keeps its say.
    pub attempts_from_environment: bool,
    /// Whether AWS_ACCESS_KEY is set, and AWS_ACCESS_KEY_ID is not.
    pub misnamed_key: bool,
    /// A role that everything is done as.
    pub role: Option<role::Role>,
    /// How long to wait between two looks at the same thing, where that is set.
    pub poll: Option<Duration>,
    /// An endpoint with its own keys, which then beats everything the environment says.
    pub local: Option<Local>,
}

/// An AWS on this machine.
#[derive(Debug, Clone)]
pub struct Local {
    /// Its address, `http://127.0.0.1:PORT`.
    pub endpoint: String,
    /// Its access key's id.
    pub access_key_id: String,
    /// Its access key.
    pub secret_access_key: String,
}

/// The clients, of one region and one identity.
#[derive(Debug, Clone)]
pub struct Aws {
    /// Elastic Beanstalk.
    pub eb: aws_sdk_elasticbeanstalk::Client,
    /// S3.
    pub s3: aws_sdk_s3::Client,
    /// CloudWatch Logs, where environments may stream to.
    pub logs: Service,
    /// Secrets Manager, for properties that refer to secrets.
    pub secrets: aws_sdk_secretsmanager::Client,
    /// Systems Manager, for properties that refer to parameters.
    pub ssm: Service,
    /// EC2, for the network.
    pub ec2: Service,
    /// RDS, for databases.
    pub rds: Service,
    /// IAM, for what the instances may do.
    pub iam: aws_sdk_iam::Client,
    /// ECR, for the logins of its registries.
    pub ecr: aws_sdk_ecr::Client,
    /// STS, for the account's number.
    pub sts: aws_sdk_sts::Client,
    /// The region of all of them.
    pub region: String,
    /// The endpoint of the embedded AWS, where that is what all this is about.
    pub sandbox: Option<String>,
    poll: Option<Duration>,
    /// Where the calls go, in words.
    place: String,
    /// The profile that was asked for.
    profile: Option<String>,
    misnamed_key: bool,
    wire: Arc<Wire>,
}

impl Aws {
    /// Builds the clients. Makes no call.
    ///
    /// # Errors
    /// [`Kind::Usage`] where neither flags, files nor the SDK's chain name a region.
    pub async fn connect(access: &Access, out: &Out) -> Result<Self> {
        let config = load(access).await;
        let Some(region) = config.region().map(ToString::to_string) else {
            return Err(Error::new(Kind::Usage, "no AWS region: nothing names one")
                .hint("pass one: `--region eu-central-1`, or set `region` in beanship.yml"));
        };
        let place = config
            .endpoint_url()
            .map_or_else(|| format!("region {region}"), str::to_owned);
        let wire = Arc::new(Wire::new(out.clone()));
        let timeouts = TimeoutConfig::builder()
            .connect_timeout(Duration::from_secs(4))
            .read_timeout(Duration::from_secs(30))
            .build();
        let mut eb = aws_sdk_elasticbeanstalk::config::Builder::from(&config);
        if let Some(retries) = config.retry_config() {
            let retries = retries.clone().with_initial_backoff(FIRST_BACKOFF);
            eb.set_retry_config(Some(retries));
        }
        let eb = eb
            .timeout_config(timeouts.clone())
            .interceptor(wire::Tap(wire.clone()))
            .build();
        let s3 = aws_sdk_s3::config::Builder::from(&config)
            .timeout_config(timeouts.clone())
            .interceptor(wire::Tap(wire.clone()))
            .build();
        /// A client like most: with the usual limits, and tapped.
        macro_rules! client {
            ($sdk:ident) => {
                $sdk::Client::from_conf(
                    $sdk::config::Builder::from(&config)
                        .timeout_config(timeouts.clone())
                        .interceptor(wire::Tap(wire.clone()))
                        .build(),
                )
            };
        }
        let service = |api| Service::new(api, &config, &region, &timeouts, &wire);
        Ok(Self {
            eb: aws_sdk_elasticbeanstalk::Client::from_conf(eb),
            s3: aws_sdk_s3::Client::from_conf(s3),
            logs: service(service::LOGS),
            secrets: client!(aws_sdk_secretsmanager),
            ssm: service(service::SSM),
            ec2: service(service::EC2),
            rds: service(service::RDS),
            iam: client!(aws_sdk_iam),
            ecr: client!(aws_sdk_ecr),
            sts: client!(aws_sdk_sts),
            region,
            sandbox: access.local.as_ref().map(|local| local.endpoint.clone()),
            poll: access.poll,
            place,
            profile: access.profile.clone().filter(|_| access.local.is_none()),
            misnamed_key: access.misnamed_key,
            wire,
        })
    }

    /// How long to wait before something is looked at again that usually takes this long: at most
    /// a moment in the sandbox, and as `BEANSHIP_POLL_INTERVAL` says where it is set.
    #[must_use]
    pub fn pause(&self, usual: Duration) -> Duration {
        match (self.poll, &self.sandbox) {
            (Some(set), _) => set,
            (None, Some(_)) => usual.min(Duration::from_millis(200)),
            (None, None) => usual,
        }
    }

    /// Runs the first calls: gives up early when nothing answers at all, so that a dead
    /// endpoint is told apart from a busy one within seconds.
    ///
    /// # Errors
    /// [`Kind::Unreachable`] after twelve seconds without any answer; else the calls' own.
    pub async fn first_contact<T>(&self, calls: impl Future<Output = Result<T>>) -> Result<T> {
        tokio::pin!(calls);
        tokio::select! {
            result = &mut calls => match result {
                Err(error) => Err(behind::explained(error, self.profile.as_deref(), self.misnamed_key).await),
                result => result,
            },
            () = self.silence() => Err(Error::new(
                Kind::Unreachable,
                format!(
                    "AWS could not be reached: no answer from {} within {} s",
                    self.place,
                    FIRST_ANSWER.as_secs()
                ),
            )
            .hint("check the network, `--region` and the variable AWS_ENDPOINT_URL, then run the command again")),
        }
    }

    /// Waits until it is this call's turn among those of many environments.
    pub async fn turn(&self, purpose: Purpose) -> Turn<'_> {
        self.wire.turns.take(purpose).await
    }

    /// How much slower than usual to look, because the service throttles: 1 or more.
    #[must_use]
    pub fn slowness(&self) -> f64 {
        self.wire.turns.slowness()
    }

    /// Ends when nothing has answered for [`FIRST_ANSWER`]; never once something has.
    async fn silence(&self) {
        tokio::time::sleep(FIRST_ANSWER).await;
        if self.wire.answered() {
            std::future::pending::<()>().await;
        }
    }
}

/// The partition of a region: the first part of its ARNs.
#[must_use]
pub fn partition(region: &str) -> &'static str {
    match region {
        region if region.starts_with("cn-") => "aws-cn",
        region if region.starts_with("us-gov-") => "aws-us-gov",
        _ => "aws",
    }
}

/// How AWS is reached, and as whom.
async fn load(access: &Access) -> SdkConfig {
    let loader = loader(access);
    let Some(role) = access.role.as_ref().filter(|_| access.local.is_none()) else {
        return loader.load().await;
    };
    let config = match role.voucher {
        role::Voucher::Chain => loader.load().await,
        _ => loader.no_credentials().load().await,
    };
    // Both the token and the role's keys may take their attempts.
    let cache = IdentityCache::lazy().load_timeout(ASSUMING).build();
    config
        .to_builder()
        .credentials_provider(role.provider(&config).await)
        .identity_cache(cache)
        .build()
}

fn loader(access: &Access) -> ConfigLoader {
    let mut loader: ConfigLoader = aws_config::defaults(BehaviorVersion::latest());
    if !access.attempts_from_environment || access.local.is_some() {
        loader = loader.retry_config(RetryConfig::standard().with_max_attempts(ATTEMPTS));
    }
    if let Ok(name) = aws_config::AppName::new("beanship") {
        loader = loader.app_name(name);
    }
    if let Some(region) = &access.region {
        loader = loader.region(Region::new(region.clone()));
    }
    if let Some(local) = &access.local {
        let keys = Credentials::new(
            &local.access_key_id,
            &local.secret_access_key,
            None,
            None,
            "sandbox",
        );
        loader = loader
            .profile_files(
                EnvConfigFiles::builder()
                    .with_contents(EnvConfigFileKind::Config, "")
                    .build(),
            )
            .profile_name("default")
            .use_fips(false)
            .use_dual_stack(false)
            .credentials_provider(keys)
            .endpoint_url(&local.endpoint);
    } else if let Some(profile) = &access.profile {
        loader = loader.profile_name(profile);
    }
    loader
}
