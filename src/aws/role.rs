//! The role of `BEANSHIP_ROLE`, assumed anew whenever its session runs out.
//!
//! In a job of GitHub Actions with `id-token: write`, GitHub vouches for the job with a token
//! (facts 6.4), and no key is stored anywhere. The token is asked for again for each session, so
//! that a long deploy outlives the hour that one session lasts. Elsewhere the role is assumed with
//! the credentials of the SDK's chain.

use std::time::Duration;

use aws_config::SdkConfig;
use aws_config::sts::AssumeRoleProvider;
use aws_credential_types::Credentials;
use aws_credential_types::provider::error::CredentialsError;
use aws_credential_types::provider::{ProvideCredentials, SharedCredentialsProvider, future};
use aws_smithy_http_client::{Connector, proxy::ProxyConfig, tls};
use aws_smithy_runtime_api::client::http::{HttpConnector, HttpConnectorSettings};
use aws_smithy_runtime_api::client::orchestrator::HttpRequest;
use http_body_util::BodyExt;
use secrecy::{ExposeSecret, SecretString};
use serde::Deserialize;
use url::Url;

use super::error::{Explain, root};
use crate::error::{Error, Kind, Result};

/// Whom GitHub's token is for.
const AUDIENCE: &str = "sts.amazonaws.com";
/// How long to wait between attempts to get a token.
const PAUSES: [Duration; 3] = [
    Duration::from_millis(500),
    Duration::from_secs(2),
    Duration::from_secs(5),
];
/// A token is a few kilobytes.
const LARGEST: usize = 64 * 1024;

/// A role, and what vouches for the caller.
#[derive(Debug, Clone)]
pub struct Role {
    /// Its ARN.
    pub arn: String,
    /// What the session is called in AWS's logs.
    pub session: String,
    /// Who vouches.
    pub voucher: Voucher,
}

/// Who vouches for the caller.
#[derive(Debug, Clone)]
pub enum Voucher {
    /// GitHub, at the address it gave to the job.
    Github {
        /// `ACTIONS_ID_TOKEN_REQUEST_URL`.
        url: String,
        /// `ACTIONS_ID_TOKEN_REQUEST_TOKEN`.
        token: SecretString,
    },
    /// Nobody: a job of GitHub Actions without `id-token: write`.
    Nobody,
    /// The SDK's chain.
    Chain,
}

impl Role {
    /// What gives out the role's credentials; `config` is how AWS is reached.
    pub(super) async fn provider(&self, config: &SdkConfig) -> SharedCredentialsProvider {
        if matches!(self.voucher, Voucher::Chain) {
            let provider = AssumeRoleProvider::builder(&self.arn)
                .session_name(&self.session)
                .configure(config)
                .build();
            return SharedCredentialsProvider::new(provider.await);
        }
        SharedCredentialsProvider::new(Vouched {
            role: self.clone(),
            sts: aws_sdk_sts::Client::new(config),
        })
    }
}

/// Credentials of a role that a token opens.
#[derive(Debug)]
struct Vouched {
    role: Role,
    sts: aws_sdk_sts::Client,
}

impl ProvideCredentials for Vouched {
    fn provide_credentials<'a>(&'a self) -> future::ProvideCredentials<'a>
    where
        Self: 'a,
    {
        let assumed = async {
            self.assume()
                .await
                .map_err(CredentialsError::provider_error)
        };
        future::ProvideCredentials::new(assumed)
    }
}

impl Vouched {
    async fn assume(&self) -> Result<Credentials> {
        let Voucher::Github { url, token } = &self.role.voucher else {
            return Err(Error::new(
                Kind::Credentials,
                "the role of BEANSHIP_ROLE cannot be assumed: GitHub gives this job no token",
            )
            .hint("let the job have one: `permissions: { contents: read, id-token: write }`"));
        };
        let token = token_of(url, token).await?;
        let answer = self
            .sts
            .assume_role_with_web_identity()
            .role_arn(&self.role.arn)
            .role_session_name(&self.role.session)
            .web_identity_token(token.expose_secret())
            .send()
            .await
            .explain("sts", "AssumeRoleWithWebIdentity")
            .map_err(|error| self.not_assumed(error))?;
        let keys = answer.credentials().ok_or_else(|| {
            let what = format!("AWS gave no keys for the role {}", self.role.arn);
            Error::new(Kind::Credentials, what)
        })?;
        let expires = (*keys.expiration()).try_into().ok();
        Ok(Credentials::new(
            keys.access_key_id(),
            keys.secret_access_key(),
            Some(keys.session_token().to_owned()),
            expires,
            "BEANSHIP_ROLE",
        ))
    }

    fn not_assumed(&self, why: Error) -> Error {
        if why.kind() == Kind::Unreachable {
            return why;
        }
        let what = format!(
            "the role {} cannot be assumed: {}",
            self.role.arn,
            why.message()
        );
        let fault = why.aws().cloned().unwrap_or_default();
        Error::new(Kind::Credentials, what)
            .hint(format!(
                "look whether its trust policy names this repository and branch: `aws iam get-role --role-name {}`",
                self.role.arn.rsplit('/').next().unwrap_or_default()
            ))
            .fault(fault)
    }
}

/// A token of GitHub for this job. What may pass is tried again.
async fn token_of(url: &str, bearer: &SecretString) -> Result<SecretString> {
    let mut pauses = PAUSES.iter();
    loop {
        match ask(url, bearer).await {
            Ok(token) => return Ok(token),
            Err((why, passing)) => match pauses.next().filter(|_| passing) {
                Some(pause) => tokio::time::sleep(*pause).await,
                None => {
                    let what = format!("GitHub gave no token for the role: {why}");
                    return Err(Error::new(Kind::Credentials, what).hint(
                        "run the job again, or see https://www.githubstatus.com with `curl`",
                    ));
                }
            },
        }
    }
}

/// Asks once; an error says whether it may pass.
async fn ask(
    url: &str,
    bearer: &SecretString,
) -> std::result::Result<SecretString, (String, bool)> {
    #[derive(Deserialize)]
    struct Answer {
        value: String,
    }
    let mut url = Url::parse(url).map_err(|why| (why.to_string(), false))?;
    url.query_pairs_mut().append_pair("audience", AUDIENCE);
    let settings = HttpConnectorSettings::builder()
        .connect_timeout(Duration::from_secs(5))
        .read_timeout(Duration::from_secs(15))
        .build();
    let connector = Connector::builder()
        .connector_settings(settings)
        .proxy_config(ProxyConfig::from_env())
        .tls_provider(tls::Provider::Rustls(
            tls::rustls_provider::CryptoMode::AwsLc,
        ))
        .build();
    let mut request = HttpRequest::get(url.as_str()).map_err(|why| (why.to_string(), false))?;
    let authorization = format!("bearer {}", bearer.expose_secret());
    request.headers_mut().insert("authorization", authorization);
    request.headers_mut().insert("accept", "application/json");
    let answer = connector.call(request).await;
    let answer = answer.map_err(|error| (root(&error), true))?;
    let status = answer.status().as_u16();
    if status != 200 {
        let passing = status >= 500 || status == 429;
        return Err((format!("it answered with HTTP status {status}"), passing));
    }
    let mut body = Vec::new();
    let mut incoming = answer.into_body();
    while let Some(frame) = incoming.frame().await {
        let frame = frame.map_err(|error| (error.to_string(), true))?;
        body.extend_from_slice(frame.data_ref().map_or(&[][..], |bytes| bytes));
        if body.len() > LARGEST {
            return Err(("its answer is too long".into(), false));
        }
    }
    let answer: Answer = serde_json::from_slice(&body)
        .map_err(|_| ("its answer holds no token".to_owned(), false))?;
    Ok(answer.value.into())
}
