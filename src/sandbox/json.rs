//! AWS's JSON protocol (1.1): the operation stands in a header, input and output are JSON objects.

use http::request::Parts;
use jiff::Timestamp;
use serde_json::{Value, json};

use super::query::Failure;

/// The media type of every answer.
pub(super) const MEDIA: &str = "application/x-amz-json-1.1";

/// A call that is known, signed, and allowed.
pub(super) struct Call {
    pub(super) operation: String,
    pub(super) input: Value,
    pub(super) region: String,
    pub(super) now: Timestamp,
}

impl Call {
    pub(super) fn text(&self, name: &str) -> Option<&str> {
        self.input[name].as_str()
    }

    pub(super) fn required(&self, name: &str) -> Result<&str, Failure> {
        self.text(name).ok_or_else(|| {
            let member = format!("{}{}", name[..1].to_ascii_lowercase(), &name[1..]);
            let message = format!(
                "1 validation error detected: Value null at '{member}' failed to satisfy constraint: Member must not be null"
            );
            Failure::new("ValidationException", message)
        })
    }

    pub(super) fn flag(&self, name: &str) -> bool {
        self.input[name].as_bool().unwrap_or_default()
    }

    /// The tags as the input lists them.
    pub(super) fn tags(&self) -> impl Iterator<Item = (String, String)> {
        let tags = self.input["Tags"].as_array().into_iter().flatten();
        tags.filter_map(|tag| {
            let text = |name: &str| Some(tag[name].as_str()?.to_owned());
            Some((text("Key")?, text("Value")?))
        })
    }

    pub(super) fn unknown(&self) -> Failure {
        Failure::new("UnknownOperationException", "")
    }
}

/// The operation of `X-Amz-Target: secretsmanager.GetSecretValue`.
pub(super) fn operation(parts: &Parts) -> String {
    let target = parts
        .headers
        .get("x-amz-target")
        .and_then(|value| value.to_str().ok())
        .unwrap_or_default();
    target.rsplit('.').next().unwrap_or_default().to_owned()
}

/// The input of a call.
pub(super) fn input(bytes: &[u8]) -> Result<Value, Failure> {
    serde_json::from_slice(bytes)
        .ok()
        .filter(Value::is_object)
        .ok_or_else(|| Failure::new("SerializationException", "the body is not a JSON object"))
}

/// A failure's status and bytes; codes that the query protocol names otherwise are put into this one's words.
pub(super) fn failure(failure: &Failure) -> (u16, Vec<u8>) {
    let code = match failure.code.as_str() {
        "Throttling" => "ThrottlingException",
        "AccessDenied" => "AccessDeniedException",
        "InvalidClientTokenId" => "UnrecognizedClientException",
        "SignatureDoesNotMatch" => "InvalidSignatureException",
        "MissingAuthenticationToken" => "MissingAuthenticationTokenException",
        "InternalFailure" => "InternalServiceError",
        code => code,
    };
    let status = if failure.status < 500 {
        400
    } else {
        failure.status
    };
    let body = json!({ "__type": code, "message": failure.message, "Message": failure.message });
    (status, body.to_string().into_bytes())
}

/// A time as this protocol writes it: seconds since 1970.
pub(super) fn time(at: Timestamp) -> f64 {
    at.as_millisecond() as f64 / 1000.0
}
