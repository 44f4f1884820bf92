//! What an answer that is an error tells, in the words of its protocol.

use aws_smithy_runtime_api::client::orchestrator::HttpResponse;
use aws_smithy_types::error::ErrorMetadata;
use aws_types::request_id::RequestId;
use serde::Deserialize;

use super::Protocol;

/// The error that an answer tells.
pub(super) fn told(protocol: Protocol, answer: &HttpResponse, body: &str) -> ErrorMetadata {
    let (code, message, id) = match protocol {
        Protocol::Query { .. } => xml_error(body),
        Protocol::Json { .. } => json_error(answer, body),
    }
    .unwrap_or_default();
    let mut error = ErrorMetadata::builder();
    if !code.is_empty() {
        error = error.code(code);
    }
    if !message.is_empty() {
        error = error.message(message);
    }
    if let Some(id) = id.or_else(|| answer.request_id().map(str::to_owned)) {
        error = error.custom("aws_request_id", id);
    }
    error.build()
}

/// Code, message and request id.
type Told = (String, String, Option<String>);

fn xml_error(body: &str) -> Option<Told> {
    #[derive(Deserialize)]
    struct Whole {
        /// EC2's.
        #[serde(rename = "Errors")]
        errors: Option<Errors>,
        /// All others'.
        #[serde(rename = "Error")]
        error: Option<One>,
        #[serde(rename = "RequestId", alias = "RequestID")]
        request_id: Option<String>,
    }
    #[derive(Deserialize)]
    struct Errors {
        #[serde(rename = "Error")]
        error: One,
    }
    #[derive(Deserialize)]
    #[serde(rename_all = "PascalCase", default)]
    #[derive(Default)]
    struct One {
        code: String,
        message: String,
    }
    let whole: Whole = quick_xml::de::from_str(body).ok()?;
    let error = whole.errors.map(|errors| errors.error).or(whole.error)?;
    Some((error.code, error.message, whole.request_id))
}

fn json_error(answer: &HttpResponse, body: &str) -> Option<Told> {
    #[derive(Deserialize)]
    struct Whole {
        #[serde(rename = "__type", default)]
        code: String,
        // Services write one or the other, or both.
        message: Option<String>,
        #[serde(rename = "Message")]
        capital: Option<String>,
    }
    let whole: Whole = serde_json::from_str(body).ok()?;
    let code = match answer.headers().get("x-amzn-errortype") {
        Some(code) => code.to_owned(),
        None => whole.code,
    };
    // `com.amazonaws.ssm#ParameterNotFound:http://...`
    let code = code.split(':').next().unwrap_or_default();
    let code = code.rsplit('#').next().unwrap_or_default();
    let message = whole.message.or(whole.capital);
    Some((code.to_owned(), message.unwrap_or_default(), None))
}

#[cfg(test)]
mod tests {
    use aws_smithy_runtime_api::http::StatusCode;

    use super::super::{EC2, SSM};
    use super::*;

    #[test]
    fn errors_are_read() {
        let ec2 = "<?xml version=\"1.0\"?><Response><Errors><Error><Code>InvalidGroup.NotFound</Code><Message>no sg-1</Message></Error></Errors><RequestID>r</RequestID></Response>";
        let rds = "<ErrorResponse xmlns=\"x\"><Error><Type>Sender</Type><Code>DBInstanceNotFound</Code><Message>no db</Message></Error><RequestId>r</RequestId></ErrorResponse>";
        let one = r#"{"__type": "com.amazonaws.ssm#ParameterNotFound", "message": "no"}"#;
        let other = r#"{"__type": "AccessDeniedException:http://x/", "Message": "no"}"#;
        let both = r#"{"__type": "Throttling", "message": "no", "Message": "no"}"#;
        let told = |protocol, body: &'static str| {
            let answer = HttpResponse::new(StatusCode::try_from(400).expect("400"), body.into());
            told(protocol, &answer, body).to_string()
        };
        let (query, json) = (EC2.protocol, SSM.protocol);
        insta::assert_snapshot!([
            told(query, ec2),
            told(query, rds),
            told(query, "<html>busy</html>"),
            told(json, one),
            told(json, other),
            told(json, both),
            told(json, "busy"),
        ].join("\n"), @r#"
        Error { code: "InvalidGroup.NotFound", message: "no sg-1", aws_request_id: "r" }
        Error { code: "DBInstanceNotFound", message: "no db", aws_request_id: "r" }
        Error
        Error { code: "ParameterNotFound", message: "no" }
        Error { code: "AccessDeniedException", message: "no" }
        Error { code: "Throttling", message: "no" }
        Error
        "#);
    }
}
