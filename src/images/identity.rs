//! Identity tokens: some logins that Docker keeps are no password but a token, which is exchanged
//! for one that may read a single repository (OAuth2 in the Distribution Specification's words).

use std::time::Duration;

use aws_smithy_runtime_api::client::http::HttpConnector;
use aws_smithy_runtime_api::client::orchestrator::{HttpRequest, HttpResponse};
use aws_smithy_types::body::SdkBody;
use http_body_util::{BodyExt, Limited};
use secrecy::{ExposeSecret, SecretString};
use serde::Deserialize;
use url::Url;
use url::form_urlencoded::Serializer;

use super::registry::{Reference, is_here};
use crate::aws::download::connector;
use crate::aws::error::root;
use crate::error::{Error, Kind, Result};

/// How long a registry may take to connect, and to go on answering.
const CONNECT: Duration = Duration::from_secs(10);
const READ: Duration = Duration::from_secs(20);

/// The pauses before a request is made again that had no good answer.
const PAUSES: [Duration; 2] = [Duration::from_millis(300), Duration::from_millis(1500)];

/// The largest answer that is read.
const LARGEST: usize = 256 << 10;

/// Where a registry has its tokens made.
#[derive(Debug, Default, PartialEq, Eq)]
struct Challenge {
    realm: String,
    service: String,
}

#[derive(Deserialize)]
struct Granted {
    #[serde(alias = "token")]
    access_token: String,
}

/// A token that may pull an image, for the identity token; none where the registry asks for
/// nothing.
///
/// # Errors
/// [`Kind::Registry`] where it is not taken, [`Kind::Unreachable`] without an answer.
pub async fn exchange(image: &Reference, identity: &SecretString) -> Result<Option<SecretString>> {
    let registry = image.resolve_registry();
    let scheme = if is_here(registry) { "http" } else { "https" };
    let asked = call(image, || get(&format!("{scheme}://{registry}/v2/"))).await?;
    let Some(header) = asked.headers().get("www-authenticate") else {
        return Ok(None);
    };
    let challenge =
        Challenge::read(header).ok_or_else(|| refused(image, "it asks for a password"))?;
    let realm = Url::parse(&challenge.realm)
        .map_err(|_| refused(image, "the address of its tokens is none"))?;
    let host = realm.host_str().unwrap_or_default();
    if realm.scheme() != "https" && !is_here(host) {
        return Err(refused(image, "it would have to be sent without TLS"));
    }
    let scope = format!("repository:{}:pull", image.repository());
    let form = Serializer::new(String::new())
        .append_pair("grant_type", "refresh_token")
        .append_pair("service", &challenge.service)
        .append_pair("scope", &scope)
        .append_pair("client_id", "beanship")
        .append_pair("refresh_token", identity.expose_secret())
        .finish();
    let answer = call(image, || post(realm.as_str(), &form)).await?;
    let status = answer.status();
    if !status.is_success() {
        let what = format!("{host} answered with HTTP status {status}");
        return Err(refused(image, &what));
    }
    let body = Limited::new(answer.into_body(), LARGEST).collect().await;
    let bytes = body.map(http_body_util::Collected::to_bytes).ok();
    // The reader's own words may quote the answer, which is a token.
    let granted: Option<Granted> = bytes.and_then(|bytes| serde_json::from_slice(&bytes).ok());
    match granted {
        Some(granted) => Ok(Some(granted.access_token.into())),
        None => Err(refused(image, "the answer holds no token")),
    }
}

impl Challenge {
    /// Reads `Bearer realm="https://...",service="..."`.
    fn read(header: &str) -> Option<Self> {
        let (scheme, mut rest) = header.trim().split_once(' ')?;
        if !scheme.eq_ignore_ascii_case("bearer") {
            return None;
        }
        let mut challenge = Self::default();
        while let Some((name, more)) = rest.split_once('=') {
            let (value, more) = match more.strip_prefix('"') {
                Some(quoted) => quoted.split_once('"')?,
                None => more.split_once(',').unwrap_or((more, "")),
            };
            match name.trim_matches([' ', ',']) {
                "realm" => value.clone_into(&mut challenge.realm),
                "service" => value.clone_into(&mut challenge.service),
                _ => {}
            }
            rest = more;
        }
        (!challenge.realm.is_empty()).then_some(challenge)
    }
}

/// Makes a request, again where it had no good answer.
async fn call(
    image: &Reference,
    request: impl Fn() -> Option<HttpRequest>,
) -> Result<HttpResponse> {
    let connector = connector(CONNECT, READ);
    let mut pauses = PAUSES.iter();
    loop {
        let request =
            request().ok_or_else(|| refused(image, "the address of its tokens is none"))?;
        let failed = match connector.call(request).await {
            Ok(answer) if answer.status().as_u16() < 500 => return Ok(answer),
            Ok(answer) => format!("HTTP status {}", answer.status()),
            Err(why) => root(&why),
        };
        match pauses.next() {
            Some(pause) => tokio::time::sleep(*pause).await,
            None => {
                let registry = image.registry();
                let what = format!("{registry} could not be reached for {image}: {failed}");
                return Err(Error::new(Kind::Unreachable, what)
                    .hint("check the network and the name, then run `beanship images list`"));
            }
        }
    }
}

fn get(url: &str) -> Option<HttpRequest> {
    HttpRequest::get(url).ok()
}

fn post(url: &str, form: &str) -> Option<HttpRequest> {
    let mut request = HttpRequest::new(SdkBody::from(form));
    request.set_method("POST").ok()?;
    request.set_uri(url).ok()?;
    let headers = request.headers_mut();
    headers.insert("content-type", "application/x-www-form-urlencoded");
    headers.insert("accept", "application/json");
    headers.insert("content-length", form.len().to_string());
    Some(request)
}

fn refused(image: &Reference, why: &str) -> Error {
    let registry = image.registry();
    Error::new(
        Kind::Registry,
        format!("the identity token that Docker keeps for {registry} cannot be used: {why}"),
    )
    .hint(format!("log in again: `docker login {registry}`"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_challenge_is_read_in_any_order() {
        let read = |header: &str| match Challenge::read(header) {
            Some(it) => format!("{} for {}", it.realm, it.service),
            None => "none".to_owned(),
        };
        let headers = [
            r#"Bearer realm="https://a.example/token?x=1,2",service="a.example""#,
            r#"bearer service=a.example, scope="x:y:pull", realm="https://a.example/t""#,
            r#"Basic realm="x""#,
            "Bearer",
            r#"Bearer realm=""#,
        ];
        insta::assert_snapshot!(headers.map(read).join("\n"), @"
        https://a.example/token?x=1,2 for a.example
        https://a.example/t for a.example
        none
        none
        none
        ");
    }
}
