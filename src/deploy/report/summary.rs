//! The summary of a job: what a reviewer of the run has to know, as GitHub's Markdown.

use std::time::Duration;

use super::DeployReport;
use crate::deploy::outcome::Outcome;
use crate::output::one_line;
use crate::plan::Change;
use crate::settings::duration;

/// How many commits are named.
const COMMITS: usize = 30;

/// The summary of these deploys of one run.
#[must_use]
pub fn of(reports: &[&DeployReport], outcome: Outcome) -> String {
    let mut parts = vec![title(reports, outcome)];
    parts.extend(environments(reports));
    parts.extend(commits(reports));
    for report in reports {
        parts.extend(trouble(report));
    }
    parts.extend(timeline(reports));
    parts.extend(plan(reports));
    parts.extend(way_back(reports));
    format!("{}\n\n", parts.join("\n\n"))
}

/// What was done, and how it ended.
fn title(reports: &[&DeployReport], outcome: Outcome) -> String {
    let names = reports.iter().filter_map(|it| it.environment.as_deref());
    let names: Vec<String> = names.map(text).collect();
    let called = reports.first().map_or("deploy", |report| report.called);
    let to = match names.as_slice() {
        [] => String::new(),
        names => format!(" of {}", names.join(", ")),
    };
    let word = outcome.word().replace('_', " ");
    let why = reports.first().filter(|_| reports.len() == 1);
    let why = why.map(|report| report.headline()).unwrap_or_default();
    match why.as_str() {
        "" => format!("## {word}: {called}{to}"),
        why => format!("## {word}: {called}{to}\n\n{}", text(why)),
    }
}

/// A line for each environment; none where a run was refused before it came to any.
fn environments(reports: &[&DeployReport]) -> Option<String> {
    let mut rows = vec![
        "| Environment | Outcome | Version | Before | Health | Took |".to_owned(),
        "|---|---|---|---|---|---|".to_owned(),
    ];
    let named = reports.iter().filter(|report| report.environment.is_some());
    let head = rows.len();
    for report in named {
        let name = report.environment.as_deref().map_or_else(String::new, text);
        let name = match &report.url {
            Some(url) => format!("[{name}]({})", url.replace(['(', ')', ' '], "")),
            None => name,
        };
        let took = duration::words(Duration::from_secs_f64(report.duration_seconds));
        rows.push(format!(
            "| {name} | {} | {} | {} | {} | {took} |",
            report.outcome.word(),
            code(report.version_label.as_deref()),
            code(report.previous_version_label.as_deref()),
            text(report.health.as_deref().unwrap_or_default()),
        ));
    }
    (rows.len() > head).then(|| rows.join("\n"))
}

/// What the version brings, for each version before.
fn commits(reports: &[&DeployReport]) -> Option<String> {
    let report = reports.iter().find(|it| !it.story.commits.is_empty())?;
    let all = &report.story.commits;
    let before = code(report.previous_version_label.as_deref());
    let mut lines = vec![format!("### Commits since {before}\n")];
    lines.extend(all.iter().take(COMMITS).map(|it| format!("- {}", text(it))));
    if all.len() > COMMITS {
        lines.push("- and older ones".to_owned());
    }
    Some(lines.join("\n"))
}

/// Why it failed: the error, the instances, and the lines that matter.
fn trouble(report: &DeployReport) -> Vec<String> {
    let mut parts = Vec::new();
    if let Some(error) = &report.error {
        let hints = error.hints().iter();
        let hints: Vec<String> = hints.map(|hint| format!("- {}", text(hint))).collect();
        let message = text(error.message());
        parts.push(format!(
            "### What went wrong\n\n{message}\n\n{}",
            hints.join("\n")
        ));
    }
    let Some(explanation) = &report.explanation else {
        return parts;
    };
    if !explanation.instances.is_empty() {
        let mut rows = vec![
            "| Instance | Version | Deployment | Health |".to_owned(),
            "|---|---|---|---|".to_owned(),
        ];
        rows.extend(explanation.instances.iter().map(|it| {
            format!(
                "| {} | {} | {} | {} |",
                text(&it.id),
                code(it.version_label.as_deref()),
                text(it.deployment.as_deref().unwrap_or_default()),
                text(
                    &it.health
                        .iter()
                        .chain(&it.causes)
                        .cloned()
                        .collect::<Vec<_>>()
                        .join(": ")
                ),
            )
        }));
        parts.push(rows.join("\n"));
    }
    for excerpt in &explanation.excerpts {
        let on = excerpt.instances.join(", ");
        let head = format!("{} on {}", text(&excerpt.file), text(&on));
        parts.push(format!(
            "{head}\n\n{}",
            block("text", &excerpt.lines.join("\n"))
        ));
    }
    parts
}

/// When which phase was, as a diagram.
fn timeline(reports: &[&DeployReport]) -> Option<String> {
    let worked = reports.iter().any(|report| report.story.phases().len() > 1);
    if !worked {
        return None;
    }
    let mut lines = vec![
        "gantt".to_owned(),
        "  dateFormat x".to_owned(),
        "  axisFormat %M:%S".to_owned(),
    ];
    for report in reports {
        let name = report.environment.as_deref().unwrap_or("deploy");
        lines.push(format!("  section {name}"));
        for (phase, begun, ended) in report.story.phases() {
            let (begun, ended) = (
                begun.as_millis(),
                ended.as_millis().max(begun.as_millis() + 1),
            );
            lines.push(format!("  {phase} :{begun}, {ended}"));
        }
    }
    Some(format!(
        "### Timeline\n\n{}",
        block("mermaid", &lines.join("\n"))
    ))
}

/// What was planned: open where that is all there is.
fn plan(reports: &[&DeployReport]) -> Option<String> {
    let mut changes: Vec<&Change> = Vec::new();
    for change in reports.iter().filter_map(|it| it.plan.as_ref()).flatten() {
        if !changes.contains(&change) {
            changes.push(change);
        }
    }
    if changes.is_empty() {
        return None;
    }
    let line = |change: &&Change| {
        let detail = change
            .detail
            .as_ref()
            .map(|detail| format!("  ({})", one_line(detail)));
        let detail = detail.unwrap_or_default();
        let name = one_line(&change.name);
        format!("{} {}  {name}{detail}", change.verb.sign(), change.kind)
    };
    let lines: Vec<String> = changes.iter().map(line).collect();
    let table = block("diff", &lines.join("\n"));
    let planned = reports.iter().any(|it| it.outcome == Outcome::Planned);
    Some(match planned {
        true => format!("### Plan\n\n{table}"),
        false => format!("<details><summary>Plan</summary>\n\n{table}\n\n</details>"),
    })
}

/// How to go back, where something runs that was not there before.
fn way_back(reports: &[&DeployReport]) -> Option<String> {
    let changed = |report: &&&DeployReport| {
        let ran = matches!(
            report.outcome,
            Outcome::Succeeded
                | Outcome::SucceededWithWarnings
                | Outcome::Started
                | Outcome::TimedOut
        ) || report.outcome.is_failure();
        ran && report.has_moved() && report.plan.as_ref().is_some_and(|plan| !plan.is_empty())
    };
    let lines = reports.iter().filter(changed).filter_map(|report| {
        let environment = report.environment.as_deref()?;
        let before = report.previous_version_label.as_deref()?;
        Some(format!(
            "beanship rollback --env {environment} --to '{}'",
            before.replace('\'', "'\\''")
        ))
    });
    let lines: Vec<String> = lines.collect();
    (!lines.is_empty()).then(|| format!("### Way back\n\n{}", block("sh", &lines.join("\n"))))
}

/// Text from outside as Markdown that says just that.
fn text(text: &str) -> String {
    let mut safe = String::new();
    // What stands in backticks is a command, and stays as it is.
    for (at, part) in one_line(text).split('`').enumerate() {
        if at > 0 {
            safe.push('`');
        }
        for character in part.chars() {
            match character {
                '|' => safe.push_str("\\|"),
                '<' if at % 2 == 0 => safe.push_str("&lt;"),
                '*' | '_' | '[' | ']' | '#' | '~' if at % 2 == 0 => {
                    safe.push('\\');
                    safe.push(character);
                }
                other => safe.push(other),
            }
        }
    }
    safe
}

/// A label, as code.
fn code(label: Option<&str>) -> String {
    let label = label.map(|label| one_line(label).replace(['`', '|'], "'"));
    label.map_or_else(String::new, |label| format!("`{label}`"))
}

/// A block whose fence is longer than any in it.
fn block(language: &str, content: &str) -> String {
    let mut longest = 0;
    let mut run = 0;
    for character in content.chars() {
        run = if character == '`' { run + 1 } else { 0 };
        longest = longest.max(run);
    }
    let fence = "`".repeat(3.max(longest + 1));
    format!("{fence}{language}\n{content}\n{fence}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_from_outside_stays_text() {
        assert_eq!(
            text("a|b <img src=x> *bold* `run | this_one`"),
            "a\\|b &lt;img src=x> \\*bold\\* `run \\| this_one`"
        );
        assert_eq!(code(Some("a`|b")), "`a''b`");
        assert_eq!(block("text", "```\nx"), "````text\n```\nx\n````");
    }
}
