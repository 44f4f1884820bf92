//! One request of a smoke check, with the HTTP client that the SDK brings.

use std::time::Duration;

use aws_smithy_http_client::{Connector, proxy::ProxyConfig, tls};
use aws_smithy_runtime_api::client::http::{HttpConnector, HttpConnectorSettings};
use aws_smithy_runtime_api::client::orchestrator::HttpRequest;
use http_body_util::BodyExt;
use url::Url;

use super::judge::Answer;
use crate::aws::error::root;

/// How much of a body is read.
const LARGEST: usize = 1024 * 1024;

/// Whom the server sees.
const AGENT: &str = concat!("beanship/", env!("CARGO_PKG_VERSION"));

/// Asks an address once. `sandbox` is the embedded AWS: it stands in for every host but those on
/// this machine, so that nothing else is asked.
///
/// # Errors
/// Why there is no answer, in words.
pub(super) async fn get(url: &Url, sandbox: Option<&str>) -> Result<Answer, String> {
    let settings = HttpConnectorSettings::builder()
        .connect_timeout(Duration::from_secs(10))
        .build();
    // A client for each request: a name that moves is looked up again.
    let connector = Connector::builder()
        .connector_settings(settings)
        .proxy_config(way(url, sandbox)?)
        .tls_provider(tls::Provider::Rustls(
            tls::rustls_provider::CryptoMode::AwsLc,
        ))
        .build();
    let mut request = HttpRequest::get(url.as_str()).map_err(|why| why.to_string())?;
    request.headers_mut().insert("user-agent", AGENT);
    request.headers_mut().insert("accept", "*/*");
    let answer = connector.call(request).await;
    let answer = answer.map_err(|error| format!("got no answer: {}", root(&error)))?;
    let status = answer.status().as_u16();
    let location = answer.headers().get("location").map(str::to_owned);
    let (mut body, mut cut) = (Vec::new(), false);
    let mut incoming = answer.into_body();
    while let Some(frame) = incoming.frame().await {
        let frame = frame.map_err(|error| format!("answered {status}, then broke off: {error}"))?;
        body.extend_from_slice(frame.data_ref().map_or(&[][..], |bytes| bytes));
        if body.len() > LARGEST {
            body.truncate(LARGEST);
            cut = true;
            break;
        }
    }
    Ok(Answer {
        status,
        location,
        body,
        cut,
    })
}

/// The proxy that leads to an address.
fn way(url: &Url, sandbox: Option<&str>) -> Result<ProxyConfig, String> {
    match sandbox {
        None => Ok(ProxyConfig::from_env()),
        Some(_) if is_here(url) => Ok(ProxyConfig::disabled()),
        Some(endpoint) => ProxyConfig::all(endpoint).map_err(|why| why.to_string()),
    }
}

/// Whether an address is one of this machine.
pub(super) fn is_here(url: &Url) -> bool {
    match url.host() {
        Some(url::Host::Domain(name)) => name == "localhost",
        Some(url::Host::Ipv4(ip)) => ip.is_loopback(),
        Some(url::Host::Ipv6(ip)) => ip.is_loopback(),
        None => false,
    }
}
