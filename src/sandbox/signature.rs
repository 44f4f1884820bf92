//! Signature Version 4: reads the scope of a request, checks the signature by signing again, and presigns URLs.
//! S3's own checks (chunk signatures, presigned requests) are made by `s3s`.

use std::time::{Duration, SystemTime};

use aws_credential_types::Credentials;
use aws_sigv4::http_request::{
    PercentEncodingMode, SignableBody, SignableRequest, SignatureLocation, SigningSettings,
    UriPathNormalizationMode, sign,
};
use aws_sigv4::sign::v4;
use aws_smithy_runtime_api::client::identity::Identity;
use http::HeaderMap;
use http::request::Parts;
use jiff::Timestamp;
use jiff::civil::DateTime;
use jiff::tz::TimeZone;

use super::account::Key;
use super::query::Failure;

/// How far the clocks of client and service may differ.
const TOLERANCE: Duration = Duration::from_secs(15 * 60);

/// What the credential of a request says, before anything is verified.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Scope {
    pub(super) access_key_id: String,
    pub(super) region: String,
    pub(super) service: String,
    signed_headers: Vec<String>,
    signature: String,
}

impl Scope {
    /// From the `Authorization` header or from a presigned query.
    pub(super) fn of(parts: &Parts) -> Option<Self> {
        let header = parts
            .headers
            .get(http::header::AUTHORIZATION)
            .and_then(|value| value.to_str().ok());
        match header {
            Some(header) => Self::from_header(header),
            None => Self::from_query(parts.uri.query()?),
        }
    }

    fn from_header(header: &str) -> Option<Self> {
        let fields = header.strip_prefix("AWS4-HMAC-SHA256")?.trim_start();
        let field = |name: &str| {
            fields
                .split(',')
                .find_map(|field| field.trim().strip_prefix(name)?.strip_prefix('='))
                .map(str::to_owned)
        };
        Self::new(
            &field("Credential")?,
            &field("SignedHeaders")?,
            field("Signature")?,
        )
    }

    fn from_query(query: &str) -> Option<Self> {
        let field = |name: &str| {
            url::form_urlencoded::parse(query.as_bytes())
                .find(|(key, _)| key == name)
                .map(|(_, value)| value.into_owned())
        };
        Self::new(
            &field("X-Amz-Credential")?,
            &field("X-Amz-SignedHeaders")?,
            field("X-Amz-Signature")?,
        )
    }

    fn new(credential: &str, signed_headers: &str, signature: String) -> Option<Self> {
        let mut scope = credential.rsplitn(5, '/');
        let (_terminator, service, region, _date) =
            (scope.next()?, scope.next()?, scope.next()?, scope.next()?);
        Some(Self {
            access_key_id: scope.next()?.to_owned(),
            region: region.to_owned(),
            service: service.to_owned(),
            signed_headers: signed_headers.split(';').map(str::to_owned).collect(),
            signature,
        })
    }
}

/// Checks a request that is signed in its header, and answers as AWS's query services do when it is not in order.
pub(super) fn verify(
    parts: &Parts,
    body: &[u8],
    scope: &Scope,
    key: Option<&Key>,
    now: Timestamp,
) -> Result<(), Failure> {
    let Some(key) = key else {
        return Err(Failure::with_status(
            403,
            "InvalidClientTokenId",
            "The security token included in the request is invalid.",
        ));
    };
    if key.token.as_deref() != header(&parts.headers, "x-amz-security-token") {
        return Err(Failure::with_status(
            403,
            "InvalidClientTokenId",
            "The security token included in the request is invalid.",
        ));
    }
    if key.expires.is_some_and(|expires| expires <= now) {
        return Err(Failure::with_status(
            403,
            "ExpiredToken",
            "The security token included in the request is expired",
        ));
    }
    let date = header(&parts.headers, "x-amz-date").and_then(signing_time).ok_or_else(|| {
        Failure::with_status(403, "IncompleteSignature", "Authorization header requires existence of either a 'X-Amz-Date' or a 'Date' header.")
    })?;
    check_age(date, now)?;
    let ours = sign_again(parts, body, scope, key, date).ok();
    if ours.is_some_and(|ours| ours == scope.signature) {
        return Ok(());
    }
    Err(Failure::with_status(
        403,
        "SignatureDoesNotMatch",
        "The request signature we calculated does not match the signature you provided. Check your AWS Secret Access Key \
         and signing method. Consult the service documentation for details.",
    ))
}

fn check_age(date: Timestamp, now: Timestamp) -> Result<(), Failure> {
    let age = now.duration_since(date);
    if age.unsigned_abs() <= TOLERANCE {
        return Ok(());
    }
    let compact = |at: Timestamp| at.strftime("%Y%m%dT%H%M%SZ").to_string();
    let message = if age.is_negative() {
        format!(
            "Signature not yet current: {} is still later than {} (15 min.)",
            compact(date),
            compact(now)
        )
    } else {
        format!(
            "Signature expired: {} is now earlier than {} (15 min.)",
            compact(date),
            compact(now)
        )
    };
    Err(Failure::with_status(403, "SignatureDoesNotMatch", message))
}

fn sign_again(
    parts: &Parts,
    body: &[u8],
    scope: &Scope,
    key: &Key,
    date: Timestamp,
) -> Result<String, Box<dyn std::error::Error + Send + Sync>> {
    let identity = identity(&scope.access_key_id, key);
    let mut settings = SigningSettings::default();
    // Exactly the headers the client says it signed take part.
    settings.excluded_headers = None;
    let params = v4::SigningParams::builder()
        .identity(&identity)
        .region(&scope.region)
        .name(&scope.service)
        .time(SystemTime::from(date))
        .settings(settings)
        .build()?
        .into();
    let made_by_the_signer = ["x-amz-date", "x-amz-security-token"];
    let headers = scope
        .signed_headers
        .iter()
        .filter(|name| !made_by_the_signer.contains(&name.as_str()));
    let headers = headers.filter_map(|name| Some((name.as_str(), header(&parts.headers, name)?)));
    let host = header(&parts.headers, "host").unwrap_or("127.0.0.1");
    let uri = format!(
        "http://{host}{}",
        parts.uri.path_and_query().map_or("/", |path| path.as_str())
    );
    let request = SignableRequest::new(
        parts.method.as_str(),
        uri,
        headers,
        SignableBody::Bytes(body),
    )?;
    Ok(sign(request, &params)?.into_parts().1)
}

/// A URL of an S3 object that whoever holds it may GET for `lifetime`.
pub(super) fn presign_get(
    url: &str,
    region: &str,
    access_key_id: &str,
    key: &Key,
    now: Timestamp,
    lifetime: Duration,
) -> Result<String, Box<dyn std::error::Error + Send + Sync>> {
    let identity = identity(access_key_id, key);
    let mut settings = SigningSettings::default();
    settings.percent_encoding_mode = PercentEncodingMode::Single;
    settings.uri_path_normalization_mode = UriPathNormalizationMode::Disabled;
    settings.signature_location = SignatureLocation::QueryParams;
    settings.expires_in = Some(lifetime);
    let params = v4::SigningParams::builder()
        .identity(&identity)
        .region(region)
        .name("s3")
        .time(SystemTime::from(now))
        .settings(settings)
        .build()?
        .into();
    let request = SignableRequest::new(
        "GET",
        url,
        std::iter::empty(),
        SignableBody::UnsignedPayload,
    )?;
    let (instructions, _) = sign(request, &params)?.into_parts();
    let mut url = url::Url::parse(url)?;
    url.query_pairs_mut().extend_pairs(
        instructions
            .params()
            .iter()
            .map(|(name, value)| (*name, value.as_ref())),
    );
    Ok(url.into())
}

fn identity(access_key_id: &str, key: &Key) -> Identity {
    Credentials::new(
        access_key_id,
        &key.secret,
        key.token.clone(),
        None,
        "sandbox",
    )
    .into()
}

fn header<'a>(headers: &'a HeaderMap, name: &str) -> Option<&'a str> {
    headers.get(name).and_then(|value| value.to_str().ok())
}

fn signing_time(text: &str) -> Option<Timestamp> {
    let time = DateTime::strptime("%Y%m%dT%H%M%SZ", text).ok()?;
    time.to_zoned(TimeZone::UTC)
        .ok()
        .map(|zoned| zoned.timestamp())
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: &str = "20261121T080000Z";

    fn key() -> Key {
        Key {
            secret: "secret".into(),
            token: None,
            expires: None,
            arn: "arn".into(),
            user_id: "id".into(),
        }
    }

    /// A request as a client signs it with [`key`] at [`NOW`], and its parts after `change`.
    fn signed(body: &[u8], change: impl FnOnce(&mut http::Request<()>)) -> Parts {
        let request =
            http::Request::post("http://127.0.0.1:4000/").header("host", "127.0.0.1:4000");
        let request = request
            .header("content-type", "application/x-www-form-urlencoded")
            .header("x-amz-date", NOW);
        let (parts, ()) = request.body(()).unwrap().into_parts();
        let names = ["content-type", "host", "x-amz-date"]
            .map(str::to_owned)
            .to_vec();
        let scope = Scope {
            access_key_id: "AKIA".into(),
            region: "eu-west-1".into(),
            service: "elasticbeanstalk".into(),
            signed_headers: names,
            signature: String::new(),
        };
        let signature =
            sign_again(&parts, body, &scope, &key(), signing_time(NOW).unwrap()).unwrap();
        let mut request = http::Request::from_parts(parts, ());
        let authorization = format!(
            "AWS4-HMAC-SHA256 Credential=AKIA/20261121/eu-west-1/elasticbeanstalk/aws4_request, \
             SignedHeaders=content-type;host;x-amz-date, Signature={signature}"
        );
        request
            .headers_mut()
            .insert("authorization", authorization.parse().unwrap());
        change(&mut request);
        request.into_parts().0
    }

    fn code(parts: &Parts, body: &[u8], key: Option<&Key>, seconds_later: i64) -> Option<String> {
        let now =
            Timestamp::from_second(signing_time(NOW).unwrap().as_second() + seconds_later).unwrap();
        verify(parts, body, &Scope::of(parts).unwrap(), key, now)
            .err()
            .map(|failure| failure.code)
    }

    #[test]
    fn the_scope_names_service_and_region() {
        let scope = Scope::of(&signed(b"", |_| ())).unwrap();
        assert_eq!(
            (scope.service.as_str(), scope.region.as_str()),
            ("elasticbeanstalk", "eu-west-1")
        );
        let uri = "http://127.0.0.1/b/k?X-Amz-Credential=AKIA%2F20261121%2Fus-east-1%2Fs3%2Faws4_request\
                   &X-Amz-SignedHeaders=host&X-Amz-Signature=00";
        let presigned = http::Request::get(uri).body(()).unwrap().into_parts().0;
        assert_eq!(Scope::of(&presigned).unwrap().service, "s3");
    }

    #[test]
    fn what_was_signed_passes_and_what_was_changed_does_not() {
        let parts = signed(b"Action=X", |_| ());
        assert_eq!(code(&parts, b"Action=X", Some(&key()), 0), None);
        assert_eq!(
            code(&parts, b"Action=Y", Some(&key()), 0).as_deref(),
            Some("SignatureDoesNotMatch")
        );
        assert_eq!(
            code(&parts, b"Action=X", None, 0).as_deref(),
            Some("InvalidClientTokenId")
        );
        assert_eq!(
            code(&parts, b"Action=X", Some(&key()), 901).as_deref(),
            Some("SignatureDoesNotMatch")
        );
        let other = Key {
            secret: "other".into(),
            ..key()
        };
        assert_eq!(
            code(&parts, b"Action=X", Some(&other), 0).as_deref(),
            Some("SignatureDoesNotMatch")
        );
        let moved = signed(b"Action=X", |request| {
            request
                .headers_mut()
                .insert("content-type", "text/plain".parse().unwrap());
        });
        assert_eq!(
            code(&moved, b"Action=X", Some(&key()), 0).as_deref(),
            Some("SignatureDoesNotMatch")
        );
    }

    #[test]
    fn sessions_need_their_token_and_end() {
        let parts = signed(b"", |_| ());
        let session = Key {
            token: Some("t".into()),
            ..key()
        };
        assert_eq!(
            code(&parts, b"", Some(&session), 0).as_deref(),
            Some("InvalidClientTokenId")
        );
        let expired = Key {
            expires: signing_time(NOW),
            ..key()
        };
        assert_eq!(
            code(&parts, b"", Some(&expired), 1).as_deref(),
            Some("ExpiredToken")
        );
    }
}
