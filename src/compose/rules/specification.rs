//! EB1xx: the Compose Specification's schema, in words.

use crate::compose::catalog::{
    BAD_NAME, MISSING_KEY, NOTHING, UNKNOWN_KEY, WRONG_TYPE, WRONG_VALUE,
};
use crate::compose::finding::{Draft, Findings};
use crate::compose::model::{Project, Service};
use crate::compose::scalar::Kind;
use crate::compose::schema::{self, Fault, Wrong};
use crate::compose::source::Source;
use crate::compose::tree::At;
use crate::yaml::nearest;

pub(super) fn check(project: &Project<'_>, findings: &mut Findings) {
    let start = project.root.range().start;
    let nothing = project.world.complete && project.world.services.is_empty();
    match project.root.entry("services") {
        None if project.is_main() && nothing => {
            findings
                .add(
                    &NOTHING,
                    start,
                    "there are no `services`: nothing would run",
                )
                .fix("put the services under a key `services`");
        }
        Some((key, services))
            if services.entries().next().is_none()
                && project.is_main()
                && nothing
                && (services.is_map() || services.kind() == Some(Kind::Null)) =>
        {
            findings
                .add(
                    &NOTHING,
                    key.range().start,
                    "`services` holds no services: nothing would run",
                )
                .fix("add a service with an `image` or a `build`");
            return;
        }
        _ => {}
    }
    let counts = |fault: &Fault<'_>| {
        let at = fault.at.range().start;
        let holds =
            |it: &Service<'_>| it.start() <= at && at < it.body.range().end.max(it.start() + 1);
        // Of a file whose services are extended nothing else counts.
        !project.is_base || project.services.iter().any(holds)
    };
    for fault in schema::compare(project.root).into_iter().filter(counts) {
        tell(&fault, project, findings);
    }
}

fn tell(fault: &Fault<'_>, project: &Project<'_>, findings: &mut Findings) {
    let shown = fault.at.text().map(shorten).unwrap_or_default();
    let (rule, message, fix) = match &fault.wrong {
        Wrong::Unknown(known) => return unknown(fault, known, project, findings),
        Wrong::Type(expected) => return wrong_type(fault, expected, project.source, findings),
        Wrong::Name => (
            &BAD_NAME,
            format!(
                "`{shown}` cannot be a name: letters, digits, dots, hyphens and underscores are allowed"
            ),
            Some(format!("call it `{}`", plain_name(&shown))),
        ),
        Wrong::Missing(key) => (
            &MISSING_KEY,
            format!("the key `{key}` is missing in {}", subject(fault)),
            Some(format!("add `{key}`")),
        ),
        Wrong::Repeated => (
            &WRONG_VALUE,
            format!(
                "`{shown}` stands twice in {}: Compose refuses that",
                subject(fault)
            ),
            Some("remove one of the two".to_owned()),
        ),
        Wrong::Choice(choices) => {
            let near = nearest(&shown, choices.iter().map(String::as_str));
            let why = format!("{} are", choices.join(", "));
            (
                &WRONG_VALUE,
                no_value(&shown, fault, &why),
                near.map(|near| format!("write `{near}`")),
            )
        }
        Wrong::Bounds(low, high) => {
            let bounds = match (*low, *high) {
                (low, i64::MAX) => format!("it must be at least {low}"),
                (i64::MIN, high) => format!("it must be at most {high}"),
                (low, high) => format!("it must be from {low} to {high}"),
            };
            (&WRONG_VALUE, no_value(&shown, fault, &bounds), None)
        }
        Wrong::Form => {
            let why = "it does not have the right form";
            (&WRONG_VALUE, no_value(&shown, fault, why), None)
        }
    };
    let draft = findings.add(rule, fault.at.range().start, message);
    if let Some(fix) = fix {
        draft.fix(fix);
    }
}

fn no_value(shown: &str, fault: &Fault<'_>, why: &str) -> String {
    format!("`{shown}` is no value of {}: {why}", subject(fault))
}

/// The key whose value is meant, in the words of the message.
fn subject(fault: &Fault<'_>) -> String {
    match fault.path.as_slice() {
        [] => "the file".into(),
        ["services", name] => format!("service `{name}`"),
        [.., last] => format!("`{last}`"),
    }
}

/// What the keys around an unknown key describe.
fn owner(path: &[&str]) -> String {
    match path {
        [] => "at the top of a compose file".into(),
        ["services", _] => "of a service".into(),
        ["networks" | "volumes" | "secrets" | "configs" | "models", _] => {
            format!("of {}", path[0])
        }
        [.., last] => format!("under `{last}`"),
    }
}

fn unknown(
    fault: &Fault<'_>,
    known: &[&'static str],
    project: &Project<'_>,
    findings: &mut Findings,
) {
    let key = fault.at;
    let name = key.text().unwrap_or_default();
    let shown = shorten(name);
    let what = format!("unknown key `{shown}` {}", owner(&fault.path));
    let range = key.range();
    let siblings = parent(project.root, &fault.path);
    if let Some(guess) = guess(name, known) {
        let draft = findings.add(
            &UNKNOWN_KEY,
            range.start,
            format!("{what}: did you mean `{guess}`?"),
        );
        draft.fix(format!("write `{guess}`"));
        let free = siblings.is_some_and(|map| map.get(guess).is_none());
        if free && is_certain(name, guess) {
            draft.edit(range, guess);
        }
        return;
    }
    let is_service = |at: At<'_>| at.get("image").is_some() || at.get("build").is_some();
    let value = siblings.and_then(|map| map.get(name));
    if fault.path.is_empty() && value.is_some_and(is_service) {
        findings
            .add(
                &UNKNOWN_KEY,
                range.start,
                format!("{what}: it looks like a service"),
            )
            .fix("move it under `services`");
    } else if fault.path.is_empty() && schema::service_keys().any(|key| key == name) {
        findings
            .add(
                &UNKNOWN_KEY,
                range.start,
                format!("{what}: it belongs to a service"),
            )
            .fix("indent it so that it stands below the name of its service");
    } else if name == "essential" || name == "memory" || name == "containerDefinitions" {
        findings
            .add(
                &UNKNOWN_KEY,
                range.start,
                format!("{what}: ECS knows it, Compose does not"),
            )
            .fix("remove it");
    } else {
        let mut few: Vec<&str> = known.to_vec();
        few.truncate(12);
        let reason = if known.len() > few.len() || few.is_empty() {
            "Compose refuses what it does not know".to_owned()
        } else {
            format!("known are {}", few.join(", "))
        };
        findings
            .add(&UNKNOWN_KEY, range.start, format!("{what}: {reason}"))
            .fix("correct or remove it; begin its name with `x-` if it is your own");
    }
}

fn parent<'a>(root: At<'a>, path: &[&str]) -> Option<At<'a>> {
    root.dig(path).filter(|at| at.is_map())
}

/// Spelling without what people write in different ways.
fn bare(name: &str) -> String {
    let kept = name.chars().filter(|c| !matches!(c, ' ' | '-' | '_' | '.'));
    kept.flat_map(char::to_lowercase).collect()
}

fn guess(name: &str, known: &[&'static str]) -> Option<&'static str> {
    let same = known.iter().find(|key| bare(key) == bare(name));
    same.copied()
        .or_else(|| nearest(name, known.iter().copied()))
}

/// Whether nothing else can have been meant.
fn is_certain(name: &str, guess: &str) -> bool {
    bare(name) == bare(guess) || (guess.len() >= 6 && strsim::damerau_levenshtein(name, guess) == 1)
}

fn wrong_type(
    fault: &Fault<'_>,
    expected: &[&'static str],
    source: &Source,
    findings: &mut Findings,
) {
    let at = fault.at;
    let found = match at.kind() {
        None if at.is_list() => "a list".to_owned(),
        None => "a map".to_owned(),
        Some(Kind::Null) => "nothing".to_owned(),
        Some(Kind::Bool) => format!(
            "`{}`, a truth value",
            shorten(at.text().unwrap_or_default())
        ),
        Some(Kind::Int | Kind::Float) => {
            format!("`{}`, a number", shorten(at.text().unwrap_or_default()))
        }
        Some(Kind::Text) => "one text".to_owned(),
    };
    let start = at.range().start;
    let message = format!(
        "{} must be {}: this is {found}",
        subject(fault),
        types(expected)
    );
    let draft = findings.add(&WRONG_TYPE, start, message);
    let text = at.filled();
    if fault.path == ["version"] {
        remove_line(draft, source, start);
        return;
    }
    let scalar = expected.contains(&"string") && text.is_some();
    if scalar && at.is_plain() {
        let text = text.unwrap_or_default();
        draft.fix(format!("write \"{}\" with quotes", shorten(text)));
        draft.edit(at.range(), format!("\"{text}\""));
    } else if expected.contains(&"array")
        && at.is_plain()
        && text.is_some_and(|t| t.starts_with('-'))
    {
        dashes(draft, source, at);
    } else if expected.contains(&"array") && text.is_some() {
        draft.fix("write each item in a line of its own that begins with `- `");
    } else if at.kind() == Some(Kind::Null) {
        draft.fix("give it a value, or remove the key");
    }
}

/// `version` means nothing to Compose.
fn remove_line(draft: &mut Draft, source: &Source, start: usize) {
    draft.fix("remove `version`: Compose ignores it");
    let line = source.whole_line(start);
    if source.line(start).trim_start().starts_with("version")
        && source.line(start) == source.line(start).trim_start()
    {
        draft.edit(line, "");
    }
}

/// Items whose dash lacks the space behind it are one text to YAML.
fn dashes(draft: &mut Draft, source: &Source, at: At<'_>) {
    draft.fix("put a space behind each dash: `- 80:80` is an item of a list, `-80:80` is text");
    let range = at.range();
    let Some(written) = source.text.get(range.clone()) else {
        return;
    };
    let mut byte = range.start;
    let mut edits = Vec::new();
    for line in written.split_inclusive('\n') {
        let indent = line.len() - line.trim_start().len();
        let item = line.trim();
        if !item.starts_with('-') || item.contains([' ', '#', '"', '\'']) || item.len() < 2 {
            return;
        }
        let start = byte + indent;
        edits.push((start..start + item.len(), format!("- \"{}\"", &item[1..])));
        byte += line.len();
    }
    for (range, text) in edits {
        draft.edit(range, text);
    }
}

fn types(expected: &[&str]) -> String {
    let mut words: Vec<&str> = Vec::new();
    for name in expected {
        let word = match *name {
            "string" => "text",
            "array" => "a list",
            "object" => "a map",
            "boolean" => "true or false",
            "number" => "a number",
            "integer" => "a whole number",
            _ => "empty",
        };
        if !words.contains(&word) {
            words.push(word);
        }
    }
    if words.contains(&"a number") {
        words.retain(|word| *word != "a whole number");
    }
    words.join(" or ")
}

fn plain_name(name: &str) -> String {
    name.replace(
        |c: char| !(c.is_ascii_alphanumeric() || "._-".contains(c)),
        "-",
    )
}

fn shorten(text: &str) -> String {
    if text.chars().nth(40).is_none() {
        return text.replace(['\n', '\r'], " ");
    }
    let start: String = text.chars().take(40).collect();
    format!("{}...", start.replace(['\n', '\r'], " "))
}
