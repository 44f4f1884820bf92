//! Turns what the SDK reports into our [`Error`]: by code, in this one place. Nothing else
//! looks into an `SdkError`, and nothing prints one.

use std::error::Error as StdError;

use aws_credential_types::provider::error::CredentialsError;
use aws_smithy_runtime_api::client::orchestrator::HttpResponse;
use aws_smithy_runtime_api::client::result::SdkError;
use aws_smithy_types::error::metadata::ProvideErrorMetadata;

use crate::error::{Error, Fault, Kind};

/// Codes that speak about the credentials themselves (facts 1.4).
const CREDENTIALS: [&str; 10] = [
    "ExpiredToken",
    "ExpiredTokenException",
    "RequestExpired",
    "InvalidClientTokenId",
    "InvalidAccessKeyId",
    "InvalidToken",
    "UnrecognizedClientException",
    "SignatureDoesNotMatch",
    "AuthFailure",
    "IncompleteSignature",
];

/// Codes that deny the action.
const DENIED: [&str; 5] = [
    "AccessDenied",
    "AccessDeniedException",
    "UnauthorizedOperation",
    "InsufficientPrivilegesException",
    "Forbidden",
];

/// Codes that ask for patience (facts 1.4).
const THROTTLED: [&str; 10] = [
    "Throttling",
    "ThrottlingException",
    "ThrottledException",
    "RequestThrottled",
    "RequestThrottledException",
    "TooManyRequestsException",
    "RequestLimitExceeded",
    "SlowDown",
    "BandwidthLimitExceeded",
    "PriorRequestNotComplete",
];

/// Codes of troubles of AWS's own, or on the way, that pass (S3's list of error responses).
const PASSING: [&str; 6] = [
    "InternalError",
    "InternalFailure",
    "ServiceUnavailable",
    "RequestTimeout",
    "IncompleteBody",
    "BadDigest",
];

/// Whether the same request may well be answered otherwise in a while.
#[must_use]
pub fn is_passing(error: &Error) -> bool {
    let code = error.code().unwrap_or_default();
    error.kind() == Kind::Unreachable
        || THROTTLED.contains(&code)
        || PASSING.contains(&code)
        || code.starts_with("HTTP 5")
}

/// Explains an SDK result where the call stands.
pub trait Explain<T> {
    /// Our error for the SDK's; `service` and `operation` as in IAM action names.
    ///
    /// # Errors
    /// The explained error.
    fn explain(self, service: &'static str, operation: &'static str) -> Result<T, Error>;
}

impl<T, E> Explain<T> for Result<T, SdkError<E, HttpResponse>>
where
    E: ProvideErrorMetadata + StdError + 'static,
{
    fn explain(self, service: &'static str, operation: &'static str) -> Result<T, Error> {
        self.map_err(|error| decode(&error, service, operation))
    }
}

fn decode<E>(error: &SdkError<E, HttpResponse>, service: &str, operation: &str) -> Error
where
    E: ProvideErrorMetadata + StdError + 'static,
{
    if let Some(response) = error.raw_response() {
        return answered(error, response, service, operation);
    }
    if let Some(error) = without_credentials(error) {
        return error;
    }
    Error::new(
        Kind::Unreachable,
        format!("AWS could not be reached for {service}:{operation}: {}", root(error)),
    )
    .hint("check the network, `--region` and the variable AWS_ENDPOINT_URL, then run the command again")
    .fault(Fault { service: some(service), operation: some(operation), ..Fault::default() })
}

/// AWS answered with an error.
fn answered<E>(
    error: &SdkError<E, HttpResponse>,
    response: &HttpResponse,
    service: &str,
    operation: &str,
) -> Error
where
    E: ProvideErrorMetadata + StdError + 'static,
{
    let status = response.status().as_u16();
    let header = |name: &str| response.headers().get(name).map(str::to_owned);
    let metadata = error.as_service_error().map(ProvideErrorMetadata::meta);
    let code = metadata.and_then(|meta| meta.code()).map_or_else(
        || {
            if status == 403 {
                "AccessDenied".to_owned()
            } else {
                format!("HTTP {status}")
            }
        },
        str::to_owned,
    );
    let said = metadata
        .and_then(|meta| meta.message())
        .filter(|message| !message.trim().is_empty())
        .map_or_else(
            || format!("HTTP status {status}"),
            |message| message.trim().to_owned(),
        );
    let fault = Fault {
        service: some(service),
        operation: some(operation),
        request_id: metadata
            .and_then(|meta| meta.extra("aws_request_id").map(str::to_owned))
            .or_else(|| header("x-amzn-requestid"))
            .or_else(|| header("x-amz-request-id")),
        code: Some(code.clone()),
    };
    meaning(&code, &said, status, service, operation).fault(fault)
}

/// What an answer's code, words and HTTP status mean.
fn meaning(code: &str, said: &str, status: u16, service: &str, operation: &str) -> Error {
    let call = format!("{service}:{operation}");
    let clock = ["Signature expired", "Signature not yet current"];
    if code == "RequestTimeTooSkewed" || clock.iter().any(|words| said.contains(words)) {
        let what = format!("AWS does not accept this machine's clock: {said}");
        return Error::new(Kind::Credentials, what)
            .hint("set the clock, for example with `timedatectl set-ntp true`");
    }
    if CREDENTIALS.contains(&code) {
        let what = format!("AWS does not accept the credentials: {said}");
        return Error::new(Kind::Credentials, what).hint(
            "check who you are with `aws sts get-caller-identity`, or sign in again with `aws sso login`",
        );
    }
    if DENIED.contains(&code) || status == 403 {
        let action = action(said, service, operation);
        return Error::new(
            Kind::Denied,
            format!("not allowed to call {action}: {said}"),
        )
        .hint(format!(
            "allow the action `{action}` in the caller's IAM policy"
        ));
    }
    if THROTTLED.contains(&code) {
        return Error::new(
            Kind::Aws,
            format!("{call} was throttled again and again: {said}"),
        )
        .hint("wait a minute and run the command again");
    }
    if status >= 500 {
        return Error::new(Kind::Aws, format!("{call} failed at AWS: {said}"))
            .hint("run the command again; it goes on where it stopped");
    }
    Error::new(Kind::Aws, format!("{call} was refused: {said}"))
}

/// The IAM action that was denied: the one AWS names, else the one the operation needs.
fn action(said: &str, service: &str, operation: &str) -> String {
    if let Some((_, rest)) = said.split_once("not authorized to perform: ")
        && let Some(named) = rest.split_whitespace().next()
    {
        return named.trim_end_matches(['.', ',']).to_owned();
    }
    let needed = match (service, operation) {
        ("s3", "HeadBucket") => "ListBucket",
        ("s3", "HeadObject") => "GetObject",
        ("s3", "CreateMultipartUpload" | "UploadPart" | "CompleteMultipartUpload") => "PutObject",
        (_, operation) => operation,
    };
    format!("{service}:{needed}")
}

/// The error for missing or unusable credentials, if that is what it is.
fn without_credentials<E>(error: &SdkError<E, HttpResponse>) -> Option<Error>
where
    E: StdError + 'static,
{
    if let Some(ours) = causes(error).find_map(|cause| cause.downcast_ref::<Error>()) {
        return Some(ours.clone());
    }
    let reason = causes(error).find_map(|cause| cause.downcast_ref::<CredentialsError>())?;
    let why = root(reason);
    let none = "no AWS credentials: neither the environment, the configuration files nor the instance has any";
    let what = match reason {
        CredentialsError::CredentialsNotLoaded(_) => none.to_owned(),
        // Where there is no other source, the last one is told as the reason: the instance's.
        _ if why.contains("IMDS") => format!("{none} ({})", why.trim_end_matches('.')),
        _ => format!("no usable AWS credentials: {why}"),
    };
    Some(Error::new(Kind::Credentials, what).hint(
        "sign in with `aws sso login`, name a profile with `--profile`, or try without an account: `beanship --sandbox deploy`",
    ))
}

/// An error and everything behind it, outermost first.
fn causes<'a>(
    error: &'a (dyn StdError + 'static),
) -> impl Iterator<Item = &'a (dyn StdError + 'static)> {
    std::iter::successors(Some(error), |&error| error.source())
}

/// The innermost cause in words.
pub(crate) fn root(error: &(dyn StdError + 'static)) -> String {
    let innermost = causes(error)
        .last()
        .map_or_else(String::new, ToString::to_string);
    innermost
        .split(" (os error")
        .next()
        .unwrap_or(&innermost)
        .to_owned()
}

fn some(text: &str) -> Option<String> {
    Some(text.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_have_a_meaning() {
        for (code, said, status, kind) in [
            (
                "ExpiredToken",
                "The token has expired",
                403,
                Kind::Credentials,
            ),
            (
                "SignatureDoesNotMatch",
                "Signature expired: 2026",
                403,
                Kind::Credentials,
            ),
            (
                "AccessDenied",
                "User: x is not authorized to perform: y",
                403,
                Kind::Denied,
            ),
            (
                "InsufficientPrivilegesException",
                "Access Denied",
                403,
                Kind::Denied,
            ),
            ("HTTP 403", "", 403, Kind::Denied),
            ("Throttling", "Rate exceeded", 400, Kind::Aws),
            ("InternalFailure", "sorry", 500, Kind::Aws),
            ("InvalidParameterValue", "Must be Ready.", 400, Kind::Aws),
        ] {
            let error = meaning(code, said, status, "elasticbeanstalk", "UpdateEnvironment");
            assert_eq!(error.kind(), kind, "{code}");
        }
    }

    #[test]
    fn the_denied_action_is_named() {
        let said = "User: arn:aws:iam::1:user/ci is not authorized to perform: iam:PassRole on resource: x";
        assert_eq!(
            action(said, "elasticbeanstalk", "UpdateEnvironment"),
            "iam:PassRole"
        );
        assert_eq!(action("Access Denied", "s3", "HeadBucket"), "s3:ListBucket");
        assert_eq!(
            action("no", "elasticbeanstalk", "CreateApplicationVersion"),
            "elasticbeanstalk:CreateApplicationVersion"
        );
    }
}
