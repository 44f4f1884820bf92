//! Services of which a handful of calls is needed: made through the SDK's own runtime (its
//! credentials, signatures, retries, limits and log), but without the services' crates. Those of
//! EC2, RDS, Systems Manager and CloudWatch Logs would add minutes to every build, for some thirty calls.

use std::fmt;
use std::sync::Arc;

use aws_config::SdkConfig;
use aws_config::retry::RetryConfig;
use aws_config::timeout::TimeoutConfig;
use aws_runtime::auth::sigv4::{SCHEME_ID, SigV4AuthScheme};
use aws_runtime::auth::{SigV4OperationSigningConfig, SigningOptions};
use aws_runtime::retries::classifiers::AwsErrorCodeClassifier;
use aws_runtime::user_agent::{ApiMetadata, UserAgentInterceptor};
use aws_smithy_http_client::{Builder, tls};
use aws_smithy_runtime::client::orchestrator::operation::Operation;
use aws_smithy_runtime::client::retries::classifiers::{
    HttpStatusCodeClassifier, TransientErrorClassifier,
};
use aws_smithy_runtime_api::box_error::BoxError;
use aws_smithy_runtime_api::client::auth::static_resolver::StaticAuthSchemeOptionResolver;
use aws_smithy_runtime_api::client::auth::{
    AuthSchemeOptionResolverParams, SharedAuthScheme, SharedAuthSchemeOptionResolver,
};
use aws_smithy_runtime_api::client::http::SharedHttpClient;
use aws_smithy_runtime_api::client::orchestrator::{
    HttpRequest, HttpResponse, OrchestratorError, SensitiveOutput,
};
use aws_smithy_runtime_api::client::runtime_components::RuntimeComponentsBuilder;
use aws_smithy_runtime_api::client::runtime_plugin::{SharedRuntimePlugin, StaticRuntimePlugin};
use aws_smithy_types::body::SdkBody;
use aws_smithy_types::config_bag::Layer;
use aws_smithy_types::error::ErrorMetadata;
use aws_types::SigningName;
use aws_types::region::{Region, SigningRegion};
use aws_types::service_config::ServiceConfigKey;
use serde::de::DeserializeOwned;
use serde_json::Value;

mod told;

use super::error::Explain;
use super::wire::{Tap, Wire};
use crate::error::Result;
use told::told;

/// EC2: the network.
pub(super) const EC2: Api = Api {
    id: "EC2",
    name: "ec2",
    protocol: Protocol::Query {
        version: "2016-11-15",
    },
};
/// RDS: databases.
pub(super) const RDS: Api = Api {
    id: "RDS",
    name: "rds",
    protocol: Protocol::Query {
        version: "2014-10-31",
    },
};
/// Systems Manager: parameters.
pub(super) const SSM: Api = Api {
    id: "SSM",
    name: "ssm",
    protocol: Protocol::Json {
        target: "AmazonSSM",
    },
};

/// CloudWatch Logs: what environments stream there.
pub(super) const LOGS: Api = Api {
    id: "CloudWatch Logs",
    name: "logs",
    protocol: Protocol::Json {
        target: "Logs_20140328",
    },
};

/// What sets one service's API apart.
#[derive(Debug, Clone, Copy)]
pub(super) struct Api {
    /// Its id, as in AWS_ENDPOINT_URL_`id`.
    id: &'static str,
    /// As endpoints, signatures and IAM's actions name it.
    name: &'static str,
    protocol: Protocol,
}

/// How requests and answers are written.
#[derive(Debug, Clone, Copy)]
enum Protocol {
    /// A form in, XML out.
    Query { version: &'static str },
    /// JSON 1.1 both ways.
    Json { target: &'static str },
}

/// A client of one of the services.
#[derive(Debug, Clone)]
pub struct Service {
    api: Api,
    endpoint: String,
    retries: RetryConfig,
    timeouts: TimeoutConfig,
    http: SharedHttpClient,
    plugin: SharedRuntimePlugin,
}

/// A request's body, which may hold a secret.
struct Body(String);

impl fmt::Debug for Body {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Body(..)")
    }
}

/// An answer, which may hold a secret.
struct Answer<T>(T);

impl<T> fmt::Debug for Answer<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Answer(..)")
    }
}

impl Service {
    pub(super) fn new(
        api: Api,
        config: &SdkConfig,
        region: &str,
        timeouts: &TimeoutConfig,
        wire: &Arc<Wire>,
    ) -> Self {
        let http = config.http_client().unwrap_or_else(|| {
            Builder::new()
                .tls_provider(tls::Provider::Rustls(
                    tls::rustls_provider::CryptoMode::AwsLc,
                ))
                .build_https()
        });
        Self {
            api,
            endpoint: endpoint(api, config, region),
            retries: config
                .retry_config()
                .cloned()
                .unwrap_or_else(RetryConfig::standard),
            timeouts: timeouts.clone(),
            http,
            plugin: plugin(api, config, region, wire),
        }
    }

    /// Makes a call of the Query protocol. `input` are its parameters with their full names
    /// (`Filter.1.Name`), `T` is the element behind the outermost one of the answer.
    ///
    /// # Errors
    /// What AWS says.
    pub async fn query<T: DeserializeOwned + Send + Sync + 'static>(
        &self,
        operation: &'static str,
        input: &[(String, String)],
    ) -> Result<T> {
        let Protocol::Query { version } = self.api.protocol else {
            unreachable!("{} takes JSON", self.api.id);
        };
        let body = url::form_urlencoded::Serializer::new(String::new())
            .append_pair("Action", operation)
            .append_pair("Version", version)
            .extend_pairs(input)
            .finish();
        let kind = "application/x-www-form-urlencoded";
        self.send(operation, body, kind, None, |answer| {
            quick_xml::de::from_str(answer).map_err(Into::into)
        })
        .await
    }

    /// Makes a call of the JSON protocol.
    ///
    /// # Errors
    /// What AWS says.
    pub async fn json<T: DeserializeOwned + Send + Sync + 'static>(
        &self,
        operation: &'static str,
        input: &Value,
    ) -> Result<T> {
        let Protocol::Json { target } = self.api.protocol else {
            unreachable!("{} takes forms", self.api.id);
        };
        let target = format!("{target}.{operation}");
        let kind = "application/x-amz-json-1.1";
        self.send(operation, input.to_string(), kind, Some(target), |answer| {
            serde_json::from_str(answer).map_err(Into::into)
        })
        .await
    }

    async fn send<T: Send + Sync + 'static>(
        &self,
        operation: &'static str,
        body: String,
        kind: &'static str,
        target: Option<String>,
        read: fn(&str) -> std::result::Result<T, BoxError>,
    ) -> Result<T> {
        let protocol = self.api.protocol;
        let answer = Operation::builder()
            .service_name(self.api.id)
            .operation_name(operation)
            .endpoint_url(&self.endpoint)
            .http_client(self.http.clone())
            .standard_retry(&self.retries)
            .timeout_config(self.timeouts.clone())
            .with_connection_poisoning()
            .runtime_plugin(self.plugin.clone())
            .serializer(move |Body(body): Body| {
                let length = body.len().to_string();
                let mut request = HttpRequest::new(SdkBody::from(body));
                request.set_method("POST")?;
                request.set_uri("/")?;
                let headers = request.headers_mut();
                headers.insert("content-type", kind);
                headers.insert("content-length", length);
                if let Some(target) = target.clone() {
                    headers.insert("x-amz-target", target);
                }
                Ok(request)
            })
            .deserializer(move |answer: &HttpResponse| {
                let body = answer.body().bytes().unwrap_or_default();
                let body = str::from_utf8(body).map_err(OrchestratorError::other)?;
                if !answer.status().is_success() {
                    return Err(OrchestratorError::operation(told(protocol, answer, body)));
                }
                read(body).map(Answer).map_err(OrchestratorError::other)
            })
            .build()
            .invoke(Body(body))
            .await;
        Ok(answer.explain(self.api.name, operation)?.0)
    }
}

/// What every call of a client has: who signs for which region, what is tried again.
fn plugin(api: Api, config: &SdkConfig, region: &str, wire: &Arc<Wire>) -> SharedRuntimePlugin {
    let mut layer = Layer::new("service");
    layer.store_put(SigningRegion::from(Region::new(region.to_owned())));
    layer.store_put(SigningName::from_static(api.name));
    layer.store_put(AuthSchemeOptionResolverParams::new(()));
    layer.store_put(ApiMetadata::new(api.name, env!("CARGO_PKG_VERSION")));
    layer.store_put(SensitiveOutput);
    if let Some(name) = config.app_name() {
        layer.store_put(name.clone());
    }
    layer.store_put(SigV4OperationSigningConfig {
        signing_options: SigningOptions::default(),
        ..SigV4OperationSigningConfig::default()
    });
    let mut components = RuntimeComponentsBuilder::new("service")
        .with_auth_scheme_option_resolver(Some(SharedAuthSchemeOptionResolver::new(
            StaticAuthSchemeOptionResolver::new(vec![SCHEME_ID]),
        )))
        .with_auth_scheme(SharedAuthScheme::new(SigV4AuthScheme::new()))
        .with_identity_cache(config.identity_cache())
        .with_retry_classifier(TransientErrorClassifier::<ErrorMetadata>::new())
        .with_retry_classifier(AwsErrorCodeClassifier::<ErrorMetadata>::new())
        .with_retry_classifier(HttpStatusCodeClassifier::default())
        .with_interceptor(UserAgentInterceptor::new())
        .with_interceptor(Tap(wire.clone()));
    if let Some(provider) = config.credentials_provider() {
        components.set_identity_resolver(SCHEME_ID, provider);
    }
    SharedRuntimePlugin::new(
        StaticRuntimePlugin::new()
            .with_config(layer.freeze())
            .with_runtime_components(components),
    )
}

/// Where a service is: as AWS_ENDPOINT_URL_`id`, AWS_ENDPOINT_URL or the profile says, else AWS's
/// own address in the region.
fn endpoint(api: Api, config: &SdkConfig, region: &str) -> String {
    let own = config.service_config().and_then(|service| {
        let key = ServiceConfigKey::builder()
            .service_id(api.id)
            .env("AWS_ENDPOINT_URL")
            .profile("endpoint_url")
            .build();
        service.load_config(key.ok()?)
    });
    if let Some(endpoint) = own.or_else(|| config.endpoint_url().map(str::to_owned)) {
        return endpoint;
    }
    let fips = if config.use_fips() == Some(true) {
        "-fips"
    } else {
        ""
    };
    let china = region.starts_with("cn-");
    let suffix = match (config.use_dual_stack() == Some(true), china) {
        (false, false) => "amazonaws.com",
        (false, true) => "amazonaws.com.cn",
        (true, false) => "api.aws",
        (true, true) => "api.amazonwebservices.com.cn",
    };
    format!("https://{}{fips}.{region}.{suffix}", api.name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn services_have_their_place() {
        let config = |endpoint: Option<&str>| {
            let mut config = SdkConfig::builder();
            config.set_endpoint_url(endpoint.map(str::to_owned));
            config
        };
        for (config, region, expected) in [
            (
                config(None),
                "eu-west-1",
                "https://ec2.eu-west-1.amazonaws.com",
            ),
            (
                config(None),
                "cn-north-1",
                "https://ec2.cn-north-1.amazonaws.com.cn",
            ),
            (
                config(None).use_fips(true),
                "us-east-1",
                "https://ec2-fips.us-east-1.amazonaws.com",
            ),
            (
                config(None).use_dual_stack(true),
                "us-east-1",
                "https://ec2.us-east-1.api.aws",
            ),
            (
                config(Some("http://127.0.0.1:1")),
                "eu-west-1",
                "http://127.0.0.1:1",
            ),
        ] {
            assert_eq!(endpoint(EC2, &config.build(), region), expected);
        }
    }
}
