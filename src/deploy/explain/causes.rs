//! Finds known causes of a failed deploy in what logs, events and health say. What is known is
//! the table next door.

use serde::Serialize;

use super::known::{Found, KNOWN, Words};
use super::redact::Redactor;

/// The most causes that are told.
const MOST: usize = 4;

/// A known cause that was found.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Cause {
    /// Its name, for machines.
    pub name: &'static str,
    /// What it is.
    pub what: &'static str,
    /// What to do: starts with a verb, holds a command.
    pub hint: String,
    /// The line that tells it.
    pub evidence: String,
}

/// Whether a line tells a known cause.
#[must_use]
pub fn is_known(line: &str) -> bool {
    row(line).is_some()
}

/// The causes that these lines tell, each once, the specific ones first. Exit codes that any
/// failure may have stand back where a reason is known.
#[must_use]
pub fn of<'a>(environment: &str, lines: impl IntoIterator<Item = &'a str>) -> Vec<Cause> {
    let mut found: Vec<(usize, Cause)> = Vec::new();
    for line in lines {
        let Some(at) = row(line) else { continue };
        if found.iter().any(|(earlier, _)| *earlier == at) {
            continue;
        }
        let known = &KNOWN[at];
        let hint = (known.hint)(&Found { line, environment });
        let evidence = Redactor::default().line(line.trim()).unwrap_or_default();
        found.push((
            at,
            Cause {
                name: known.name,
                what: known.what,
                hint,
                evidence,
            },
        ));
    }
    found.sort_by_key(|(at, _)| *at);
    let general = |cause: &Cause| {
        matches!(
            cause.name,
            "exit_125" | "exit_126" | "exit_127" | "exit_143" | "health_check_failing"
        )
    };
    let has_reason = found.iter().any(|(_, cause)| !general(cause));
    found
        .into_iter()
        .map(|(_, cause)| cause)
        .filter(|cause| !has_reason || !general(cause))
        .take(MOST)
        .collect()
}

/// The first row that a line fits.
fn row(line: &str) -> Option<usize> {
    let small = line.to_ascii_lowercase();
    let code = exit_code(&small);
    KNOWN.iter().position(|known| {
        let told = |words: &&Words| words.iter().all(|word| small.contains(word));
        known.signs.iter().any(|words| told(&words))
            || code.is_some_and(|code| known.codes.contains(&code))
    })
}

/// The exit code that a line tells of a container or command, if any.
fn exit_code(small: &str) -> Option<u32> {
    const BEFORE: [&str; 8] = [
        "exited with code ",
        "exit status ",
        "exit code: ",
        "exit code ",
        "exited (",
        "non-zero code: ",
        "exitcode=",
        "\"exitcode\":",
    ];
    BEFORE.iter().find_map(|before| {
        let (_, rest) = small.split_once(before)?;
        let end = rest.find(|char: char| !char.is_ascii_digit());
        rest[..end.unwrap_or(rest.len())].parse().ok()
    })
}

#[cfg(test)]
#[path = "causes_tests.rs"]
mod tests;
