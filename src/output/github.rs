//! GitHub Actions: workflow commands on stdout, step outputs in the file the runner names.

use std::io::Write;
use std::path::Path;

use super::{Event, human};

/// The workflow command for an event, if it deserves one.
pub(super) fn command(event: &Event<'_>, about: Option<&str>) -> Option<String> {
    let annotation =
        |level: &str, title: &str, text: &str| annotation(level, title, &human::of(about, text));
    match event {
        Event::Group(text) => Some(format!("::group::{}", data(text))),
        Event::GroupEnd => Some("::endgroup::".to_owned()),
        Event::Note(text) => Some(annotation("notice", "beanship", text)),
        Event::Warning(text) => Some(annotation("warning", "beanship", text)),
        Event::Environment {
            severity, message, ..
        } if human::is_error(severity) => Some(annotation("error", "Elastic Beanstalk", message)),
        Event::Environment {
            severity: "WARN",
            message,
            ..
        } => Some(annotation("warning", "Elastic Beanstalk", message)),
        _ => None,
    }
}

/// An annotation: `::error title=...::message`.
pub(super) fn annotation(level: &str, title: &str, message: &str) -> String {
    format!("::{level} title={}::{}", property(title), data(message))
}

/// Has the runner hide a text in everything that follows.
pub(super) fn mask(text: &str) -> String {
    format!("::add-mask::{}", data(text))
}

/// Appends `name=value` lines for the following steps. A value is one line.
pub(super) fn append_outputs(path: &Path, outputs: &[(&'static str, String)]) {
    let lines: String = outputs
        .iter()
        .map(|(name, value)| format!("{name}={}\n", value.replace(['\r', '\n'], " ")))
        .collect();
    let file = std::fs::OpenOptions::new()
        .append(true)
        .create(true)
        .open(path);
    // A runner whose file cannot be written has no outputs; the deploy itself is not wrong.
    let _ = file.and_then(|mut file| file.write_all(lines.as_bytes()));
}

fn data(text: &str) -> String {
    text.replace('%', "%25")
        .replace('\r', "%0D")
        .replace('\n', "%0A")
}

fn property(text: &str) -> String {
    data(text).replace(':', "%3A").replace(',', "%2C")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn messages_cannot_end_a_command_or_start_another() {
        assert_eq!(
            annotation("error", "a:b", "100 %\n::warning::x"),
            "::error title=a%3Ab::100 %25%0A::warning::x"
        );
    }
}
