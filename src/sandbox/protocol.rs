//! Requests and answers as bytes: reading forms, and saying no in the protocol that a client speaks.

use bytes::Bytes;
use http::Response;
use http::header::{CONTENT_TYPE, HeaderValue};
use http::request::Parts;
use http_body_util::{BodyExt, Limited};
use hyper::body::Incoming;
use s3s::Body;

use super::query::{self, Failure, Parameters};

/// More than any call of the query protocol needs.
const LARGEST_FORM: usize = 4 * 1024 * 1024;

/// The parameters of a POST form, or of the query string of a GET.
pub(super) async fn form(parts: &Parts, body: Incoming) -> Result<(Bytes, Parameters), Failure> {
    let collected = Limited::new(body, LARGEST_FORM).collect().await;
    let bytes = collected
        .map_err(|_| {
            Failure::with_status(413, "RequestEntityTooLarge", "The request is too large.")
        })?
        .to_bytes();
    let text = if bytes.is_empty() {
        parts.uri.query().unwrap_or_default().as_bytes()
    } else {
        &bytes
    };
    let parameters = Parameters::parse(text);
    Ok((bytes, parameters))
}

/// Tells, in the protocol the client speaks, that the sandbox does not have this service; also says what was asked for.
pub(super) async fn unsupported(
    service: &str,
    parts: &Parts,
    body: Incoming,
    request_id: &str,
) -> (String, Response<Body>) {
    let message = format!(
        "The sandbox does not have the service '{service}'; it has ec2, elasticbeanstalk, iam, rds, s3, \
         secretsmanager, ssm and sts."
    );
    let json = |kind: &str| {
        serde_json::json!({ kind: "UnknownOperationException", "message": message }).to_string()
    };
    let target = parts
        .headers
        .get("x-amz-target")
        .and_then(|value| value.to_str().ok());
    if let Some(target) = target {
        let operation = target.rsplit('.').next().unwrap_or_default().to_owned();
        return (
            operation,
            respond(
                400,
                "application/x-amz-json-1.1",
                json("__type").into_bytes(),
            ),
        );
    }
    let parameters = form(parts, body)
        .await
        .map(|(_, parameters)| parameters)
        .unwrap_or_default();
    let Some(action) = parameters.text("Action") else {
        return (
            parts.uri.path().to_owned(),
            respond(400, "application/json", json("code").into_bytes()),
        );
    };
    let bytes = query::failure(
        &Failure::new("InvalidAction", message),
        "http://webservices.amazon.com/",
        request_id,
    );
    (action.to_owned(), respond(400, "text/xml", bytes))
}

/// The error code of a refusing S3 answer, for the log; the answer itself stays as it is.
pub(super) async fn read_code(response: Response<Body>) -> (Response<Body>, Option<String>) {
    if response.status().as_u16() < 300 {
        return (response, None);
    }
    let (parts, body) = response.into_parts();
    let bytes = body
        .collect()
        .await
        .map(http_body_util::Collected::to_bytes)
        .unwrap_or_default();
    let text = String::from_utf8_lossy(&bytes);
    let code = text
        .split_once("<Code>")
        .and_then(|(_, rest)| rest.split_once("</Code>"))
        .map(|(code, _)| code.to_owned());
    (Response::from_parts(parts, Body::from(bytes)), code)
}

pub(super) fn respond(status: u16, media: &'static str, body: Vec<u8>) -> Response<Body> {
    let mut response = Response::new(Body::from(Bytes::from(body)));
    *response.status_mut() =
        http::StatusCode::from_u16(status).unwrap_or(http::StatusCode::BAD_REQUEST);
    response
        .headers_mut()
        .insert(CONTENT_TYPE, HeaderValue::from_static(media));
    response
}
