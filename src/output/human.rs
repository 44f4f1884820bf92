//! Words for people: each event as a line or two, problems with their hints, tables, sizes.

use anstyle::{AnsiColor, Style};
use comfy_table::{ContentArrangement, Table, presets};
use jiff::tz::TimeZone;

use super::{Event, Level};
use crate::error::Error;
use crate::plan::{Change, Verb};
use crate::settings::duration;

const BOLD: Style = Style::new().bold();
const DIM: Style = Style::new().dimmed();
const RED: Style = AnsiColor::Red.on_default().bold();
const YELLOW: Style = AnsiColor::Yellow.on_default();
const GREEN: Style = AnsiColor::Green.on_default();

/// Text from outside without what could move a cursor or start a workflow command: control
/// characters are replaced, line breaks become spaces.
#[must_use]
pub fn one_line(text: &str) -> String {
    let plain = |character: char| match character {
        '\n' | '\r' | '\t' => ' ',
        character if character.is_control() => '\u{fffd}',
        character => character,
    };
    text.trim().chars().map(plain).collect()
}

/// From which level on an event is told.
pub(super) fn level(event: &Event<'_>) -> Level {
    match event {
        Event::Warning(_) | Event::Explanation(_) => Level::Quiet,
        Event::Environment { severity, .. } if is_error(severity) => Level::Quiet,
        Event::Call { .. } => Level::Verbose,
        _ => Level::Normal,
    }
}

/// Whether a severity of Elastic Beanstalk's events means that something went wrong.
pub(super) fn is_error(severity: &str) -> bool {
    matches!(severity, "ERROR" | "FATAL")
}

/// An event as a line, or as several for a plan.
pub(super) fn narrate(event: &Event<'_>) -> String {
    match event {
        Event::Headline(text) => styled(BOLD, one_line(text)),
        Event::Note(text) => format!("{}: {}", styled(DIM, "note"), one_line(text)),
        Event::Warning(text) => format!("{}: {}", styled(YELLOW, "warning"), one_line(text)),
        Event::Lines(text) => (*text).to_owned(),
        Event::Plan(changes) => plan(changes),
        Event::Done(what, took) => format!("{what} ({})", duration::words(*took)),
        Event::Environment {
            time,
            severity,
            message,
        } => {
            let time = time.to_zoned(TimeZone::system()).strftime("%H:%M:%S");
            let style = match *severity {
                severity if is_error(severity) => RED,
                "WARN" => YELLOW,
                _ => Style::new(),
            };
            let lines: Vec<_> = message.trim().lines().map(one_line).collect();
            let message = lines.join("\n                | ");
            format!(
                "{}  {}  {message}",
                styled(DIM, time),
                styled(style, format!("{severity:<5}"))
            )
        }
        Event::Explanation(text) => (*text).to_owned(),
        Event::Section(text) | Event::Group(text) => one_line(text),
        // Behind a bar, no line can be a command to a CI system's runner.
        Event::GroupLine(text) => format!("  | {}", one_line(text)),
        Event::GroupEnd => String::new(),
        Event::Waiting(text) => format!("... {text}"),
        Event::Call {
            service,
            operation,
            answer,
        } => styled(DIM, format!("{service} {operation}: {answer}")),
        Event::Progress { .. } | Event::ProgressEnd => String::new(),
    }
}

fn plan(changes: &[Change]) -> String {
    let width = changes
        .iter()
        .map(|change| change.kind.len())
        .max()
        .unwrap_or_default();
    let line = |change: &Change| {
        let style = match change.verb {
            Verb::Create => GREEN,
            Verb::Update => YELLOW,
            Verb::Delete => RED,
        };
        let detail = change.detail.as_ref().map_or_else(String::new, |detail| {
            format!("  {}", styled(DIM, format!("({})", one_line(detail))))
        });
        let (sign, kind) = (styled(style, change.verb.sign()), change.kind);
        format!("  {sign} {kind:width$}  {}{detail}", one_line(&change.name))
    };
    let lines: Vec<_> = changes.iter().map(line).collect();
    format!("{}\n{}", styled(BOLD, "Plan"), lines.join("\n"))
}

/// Lines that stand beside the name of the environment they are about.
pub(super) fn beside(about: &str, width: usize, text: &str) -> String {
    let name = styled(DIM, format!("{about:width$}"));
    let line = |line: &str| format!("{name}  {line}");
    text.lines().map(line).collect::<Vec<_>>().join("\n")
}

/// A message with the environment it is about, where there are several.
pub(super) fn of(about: Option<&str>, message: &str) -> String {
    match about {
        Some(about) => format!("{about}: {message}"),
        None => message.to_owned(),
    }
}

/// A problem, or several, with what to do about them.
pub(super) fn problem(error: &Error, about: Option<&str>) -> String {
    let one = |problem: &Error| {
        let message = of(about, problem.message());
        let mut text = format!("{}: {message}", styled(RED, "error"));
        if let Some(excerpt) = problem.shown() {
            text.push('\n');
            text.push_str(excerpt);
        }
        for hint in problem.hints() {
            text.push_str(&format!("\n{}: {hint}", styled(BOLD, "hint")));
        }
        if let Some(id) = problem.aws().and_then(|fault| fault.request_id.as_deref()) {
            text.push_str(&format!("\n{}", styled(DIM, format!("request id: {id}"))));
        }
        text
    };
    error.problems().map(one).collect::<Vec<_>>().join("\n")
}

/// A number of things: `1 file`, `2 files`.
#[must_use]
pub fn counted(count: usize, one: &str) -> String {
    match count {
        1 => format!("1 {one}"),
        count => format!("{count} {one}s"),
    }
}

/// A plain table with a head, as wide as it needs to be.
#[must_use]
pub fn table<const N: usize>(head: [&str; N], rows: &[[String; N]]) -> String {
    let mut table = Table::new();
    table
        .load_style(presets::NOTHING)
        .set_content_arrangement(ContentArrangement::Disabled)
        .set_header(head)
        .add_rows(
            rows.iter()
                .map(|row| row.each_ref().map(|cell| one_line(cell))),
        );
    for column in table.column_iter_mut() {
        column.set_padding((0, 2));
    }
    let lines: Vec<_> = table
        .lines()
        .map(|line| line.trim_end().to_owned())
        .collect();
    lines.join("\n")
}

/// A size in the units people read: `512 B`, `4.1 KiB`, `350 MiB`.
#[must_use]
pub fn bytes(count: u64) -> String {
    indicatif::HumanBytes(count).to_string()
}

fn styled(style: Style, text: impl std::fmt::Display) -> String {
    format!("{style}{text}{style:#}")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::Kind;

    fn plain(text: &str) -> String {
        anstream::adapter::strip_str(text).to_string()
    }

    #[test]
    fn a_plan_reads_as_a_list_of_changes() {
        let change = |verb, kind, name: &str, detail: Option<&str>| Change {
            verb,
            kind,
            name: name.into(),
            detail: detail.map(Into::into),
        };
        let changes = [
            change(
                Verb::Create,
                "application version",
                "1a2b3c4-0123456789ab",
                Some("fix the proxy"),
            ),
            change(Verb::Update, "environment", "shop-prod", Some("v1 -> v2")),
        ];
        insta::assert_snapshot!(plain(&plan(&changes)), @"
        Plan
          + application version  1a2b3c4-0123456789ab  (fix the proxy)
          ~ environment          shop-prod  (v1 -> v2)
        ");
    }

    #[test]
    fn problems_come_with_excerpt_and_hints() {
        let error = Error::new(
            Kind::Config,
            "beanship.yml:1:1: unknown key `ap`: did you mean `app`?",
        )
        .excerpt("  |\n1 | ap: x\n  | ^")
        .hint("correct it and check with `beanship config`");
        insta::assert_snapshot!(plain(&problem(&error, None)), @"
        error: beanship.yml:1:1: unknown key `ap`: did you mean `app`?
          |
        1 | ap: x
          | ^
        hint: correct it and check with `beanship config`
        ");
    }

    #[test]
    fn tables_are_as_wide_as_their_content() {
        insta::assert_snapshot!(table(["NAME", "HEALTH"], &[["production".into(), "Green".into()], ["a".into(), "Red".into()]]), @"
        NAME        HEALTH
        production  Green
        a           Red
        ");
    }
}
