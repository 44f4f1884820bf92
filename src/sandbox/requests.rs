//! The request log: one JSON object a line in `requests.jsonl`. It names what was asked and how it ended, never a
//! parameter, a header or a body.

use std::fs::File;
use std::io::{self, Write};

use serde::Serialize;

use super::state::Store;

const FILE: &str = "requests.jsonl";

/// One request, as it is written down.
#[derive(Debug, Serialize)]
pub(super) struct Line<'a> {
    pub(super) time: String,
    pub(super) service: &'a str,
    pub(super) region: &'a str,
    pub(super) operation: &'a str,
    /// Absent when the connection was cut.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) status: Option<u16>,
    /// AWS's error code.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) code: Option<&'a str>,
    pub(super) request_id: &'a str,
    /// What `faults` did to this request.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) fault: Option<&'static str>,
    /// What is wrong with the trouble file, while it is.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) trouble_file: Option<String>,
}

/// Appends a line; one write, so that lines of several processes do not mix.
pub(super) fn append(store: &Store, line: &Line<'_>) -> io::Result<()> {
    let mut text = serde_json::to_vec(line)?;
    text.push(b'\n');
    File::options()
        .create(true)
        .append(true)
        .open(store.path(FILE))?
        .write_all(&text)
}
