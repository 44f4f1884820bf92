//! Gets what AWS hands out as a presigned URL, with the HTTP client that the SDK brings. Whoever
//! holds such a URL can read what is behind it, so it is never printed: not by [`Link`], not in
//! an error.

use std::fmt;
use std::io::Write;
use std::time::Duration;

use aws_smithy_http_client::{Connector, proxy::ProxyConfig, tls};
use aws_smithy_runtime_api::client::http::{HttpConnector, HttpConnectorSettings};
use aws_smithy_runtime_api::client::orchestrator::HttpRequest;
use http_body_util::BodyExt;

use super::error::root;
use crate::error::{Error, Kind, Result};

/// A URL that is a secret.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct Link(String);

impl Link {
    /// Takes the URL from the service's answer.
    #[must_use]
    pub fn new(url: &str) -> Self {
        Self(url.to_owned())
    }
}

impl fmt::Debug for Link {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Link(..)")
    }
}

/// Writes what is behind the link, at most `limit` bytes of it, and tells how many they were.
///
/// # Errors
/// [`Kind::Unreachable`] without an answer, [`Kind::Aws`] for one that is not the content, or for
/// a content that is too large; [`Kind::Io`] where it cannot be written.
pub async fn get(link: &Link, to: &mut impl Write, limit: u64) -> Result<u64> {
    let connector = connector(Duration::from_secs(4), Duration::from_secs(30));
    let unusable = |_| Error::new(Kind::Aws, "the log cannot be fetched: its URL is none");
    let request = HttpRequest::get(&link.0).map_err(unusable)?;
    let answer = connector.call(request).await;
    let answer = answer.map_err(|error| unreachable_because(&root(&error)))?;
    let status = answer.status();
    if !status.is_success() {
        let why = match status.as_u16() {
            403 => "S3 refused it (HTTP status 403), its URL may have expired".to_owned(),
            404 => "S3 has it no more (HTTP status 404)".to_owned(),
            other => format!("S3 answered with HTTP status {other}"),
        };
        return Err(Error::new(
            Kind::Aws,
            format!("the log cannot be fetched: {why}"),
        ));
    }
    let mut body = answer.into_body();
    let mut count = 0;
    while let Some(frame) = body.frame().await {
        let frame = frame.map_err(|error| unreachable_because(&error.to_string()))?;
        let Some(bytes) = frame.data_ref() else {
            continue;
        };
        count += bytes.len() as u64;
        if count > limit {
            let what = format!(
                "the log cannot be fetched: it is larger than {}",
                crate::output::bytes(limit)
            );
            return Err(Error::new(Kind::Aws, what));
        }
        to.write_all(bytes).map_err(|why| {
            let what = format!("the log cannot be written: {}", crate::error::reason(&why));
            Error::new(Kind::Io, what)
        })?;
    }
    Ok(count)
}

/// The HTTP client that the SDK brings, for what is no service of AWS: how long a connection may
/// take, and how long the other side may be silent.
#[must_use]
pub fn connector(connect: Duration, read: Duration) -> impl HttpConnector {
    let settings = HttpConnectorSettings::builder()
        .connect_timeout(connect)
        .read_timeout(read)
        .build();
    Connector::builder()
        .connector_settings(settings)
        .proxy_config(ProxyConfig::from_env())
        .tls_provider(tls::Provider::Rustls(
            tls::rustls_provider::CryptoMode::AwsLc,
        ))
        .build()
}

fn unreachable_because(why: &str) -> Error {
    Error::new(
        Kind::Unreachable,
        format!("the log cannot be fetched: {why}"),
    )
}
