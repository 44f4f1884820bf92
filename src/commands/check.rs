//! `beanship check`: whether the compose file and what is beside it will work on Elastic
//! Beanstalk, without asking AWS.

use std::path::{Path, PathBuf};

use serde::Serialize;

use crate::bundle::{Fate, Request, Rules, Selection, select};
use crate::cli::{CheckArgs, Format};
use crate::compose::catalog;
use crate::compose::finding::{Finding, Severity};
use crate::compose::{self, Subject, Surroundings, Verdict, sarif};
use crate::config::Tier;
use crate::error::{Error, Exit, Kind, Result};
use crate::output::{Event, Report};

use super::Context;

/// Runs the command.
///
/// # Errors
/// [`Kind::Usage`] for an id that no rule has, [`Kind::Io`] for files that cannot be written.
pub fn run(cx: &Context, args: &CheckArgs) -> Result<Exit> {
    if let Some(id) = &args.explain {
        return explain(cx, id);
    }
    let place = Place::of(cx, args)?;
    let (verdict, repaired) = place.judge(cx, args.fix)?;
    for finding in &repaired {
        let text = format!("put right: {finding}");
        cx.out.event(&Event::Note(&text));
    }
    let strict = args.strict || cx.settings.config.check.strict;
    let exit =
        if verdict.count(Severity::Error) > 0 || (strict && verdict.count(Severity::Warning) > 0) {
            Exit::Refused
        } else {
            Exit::Done
        };
    tell(cx, args, &place, verdict)?;
    Ok(exit)
}

/// What is checked.
struct Place {
    root: PathBuf,
    compose: PathBuf,
    serves: bool,
    instance_type: Option<String>,
    builds: bool,
}

impl Place {
    fn of(cx: &Context, args: &CheckArgs) -> Result<Self> {
        let key = match cx.settings.wanted(args.env.as_deref()) {
            Some(wanted) if !cx.settings.config.environments.is_empty() => {
                cx.settings.target(None, Some(wanted), None)?.key
            }
            _ => None,
        };
        let declared = key
            .as_ref()
            .and_then(|key| cx.settings.config.environments.get(key));
        Ok(Self {
            root: cx.settings.root.clone(),
            compose: cx.settings.compose(key.as_deref()),
            serves: declared.is_none_or(|environment| environment.tier == Tier::Web),
            instance_type: declared.and_then(|environment| environment.instance_type.clone()),
            builds: args.build,
        })
    }

    /// Judges, and repairs before if that is wanted.
    fn judge(&self, cx: &Context, fix: bool) -> Result<(Verdict, Vec<Finding>)> {
        let rules = Rules::from(&cx.settings.config.bundle);
        let own = cx.own_files(None);
        let request = Request {
            root: &self.root,
            compose: &self.compose,
            rules: &rules,
            own: &own,
        };
        // Without anything to run there is no selection, and the disk tells what there is.
        let selection = select(&request).ok();
        let in_bundle = |path: &str| match &selection {
            Some(selection) => goes_in(selection, path),
            None => path != ".env" && self.root.join(path).exists(),
        };
        let left_out = |path: &str| left_out(selection.as_ref()?, path);
        let ignore = cx.settings.config.ignored_rules();
        let around = Surroundings {
            root: &self.root,
            file: &self.compose,
            in_bundle: &in_bundle,
            left_out: &left_out,
            serves: self.serves,
            instance_type: self.instance_type.as_deref(),
            builds: self.builds,
            ignore: &ignore,
        };
        if fix {
            compose::fix::apply(&around)
        } else {
            Ok((compose::lint(&around), Vec::new()))
        }
    }

    /// A file's path from the top of the repository, which is how the services that show findings
    /// name it.
    fn path_from_top(&self, file: &str) -> String {
        let top = self
            .root
            .ancestors()
            .find(|above| above.join(".git").exists());
        let prefix = top.and_then(|top| self.root.strip_prefix(top).ok());
        let path = prefix.unwrap_or(Path::new("")).join(file);
        path.to_string_lossy().replace('\\', "/")
    }
}

/// Whether a path, or anything below it, is in the bundle.
pub(super) fn goes_in(selection: &Selection, path: &str) -> bool {
    matches!(
        selection.why(Path::new(path)),
        Fate::In(_) | Fate::Directory(_)
    )
}

/// Why a path stays out of the bundle, where something keeps it out.
pub(super) fn left_out(selection: &Selection, path: &str) -> Option<String> {
    match selection.why(Path::new(path)) {
        Fate::Out(left_out) => Some(left_out.why.to_string()),
        _ => None,
    }
}

fn tell(cx: &Context, args: &CheckArgs, place: &Place, verdict: Verdict) -> Result<()> {
    let report = Checked {
        subject: subject(&verdict),
        commands: (cx.out.format() == Format::Github).then(|| commands(place, &verdict.findings)),
        findings: verdict.findings,
    };
    let Some(path) = &args.sarif else {
        cx.out.result(&report);
        return Ok(());
    };
    let mut placed = report.findings.clone();
    for finding in &mut placed {
        finding.file = place.path_from_top(&finding.file);
    }
    let text = format!("{:#}\n", sarif::document(&placed));
    if path == Path::new("-") {
        // The document is the result; whoever reads it may have gone.
        let _ = cx.out.raw(&mut text.as_bytes());
    } else {
        std::fs::write(path, text).map_err(|why| Error::io("write", path, &why))?;
        cx.out.result(&report);
    }
    Ok(())
}

fn subject(verdict: &Verdict) -> String {
    match verdict.subject {
        Subject::Compose(1) => "1 service".into(),
        Subject::Compose(count) => format!("{count} services"),
        Subject::Single(file) => format!("a single container from {file}"),
        Subject::Nothing => "nothing that can run".into(),
    }
}

/// The result.
#[derive(Debug, Serialize)]
struct Checked {
    findings: Vec<Finding>,
    #[serde(skip)]
    subject: String,
    /// Workflow commands for GitHub's runner.
    #[serde(skip)]
    commands: Option<String>,
}

impl Report for Checked {
    fn human(&self) -> String {
        let count = |severity| {
            self.findings
                .iter()
                .filter(|finding| finding.severity == severity)
                .count()
        };
        let counts = format!(
            "{}, {}, {}: {}",
            several(count(Severity::Error), "error"),
            several(count(Severity::Warning), "warning"),
            several(count(Severity::Info), "note"),
            self.subject
        );
        let mut parts: Vec<String> = match &self.commands {
            Some(commands) if !commands.is_empty() => vec![commands.clone()],
            Some(_) => Vec::new(),
            None => self.findings.iter().map(shown).collect(),
        };
        let fixable = self
            .findings
            .iter()
            .filter(|finding| finding.fixable)
            .count();
        parts.push(counts);
        if fixable > 0 {
            let each = several(fixable, "finding");
            parts.push(format!(
                "{each} can be put right with `beanship check --fix`"
            ));
        }
        parts.join("\n")
    }
}

fn several(count: usize, what: &str) -> String {
    match count {
        0 => format!("no {what}s"),
        1 => format!("1 {what}"),
        _ => format!("{count} {what}s"),
    }
}

/// A finding for people: place and severity first, then the line, then what to do.
fn shown(finding: &Finding) -> String {
    let Finding {
        file,
        line,
        column,
        message,
        ..
    } = finding;
    let (severity, id) = (finding.severity.name(), finding.rule.id);
    let mut text = format!("{file}:{line}:{column}: {severity}[{id}]: {message}");
    if let Some(shown) = &finding.shown {
        text.push_str(&format!("\n{shown}"));
    }
    if let Some(fix) = &finding.fix {
        text.push_str(&format!("\n  fix: {fix}"));
    }
    text.push('\n');
    text
}

/// Findings as annotations of the lines they are about.
fn commands(place: &Place, findings: &[Finding]) -> String {
    let data = |text: &str| {
        text.replace('%', "%25")
            .replace('\r', "%0D")
            .replace('\n', "%0A")
    };
    let property = |text: &str| data(text).replace(':', "%3A").replace(',', "%2C");
    let command = |finding: &Finding| {
        let level = match finding.severity {
            Severity::Error => "error",
            Severity::Warning => "warning",
            Severity::Info => "notice",
        };
        let file = property(&place.path_from_top(&finding.file));
        let (line, column, id) = (finding.line, finding.column, finding.rule.id);
        let message = match &finding.fix {
            Some(fix) => data(&format!("{}\nTo fix it: {fix}", finding.message)),
            None => data(&finding.message),
        };
        format!("::{level} file={file},line={line},col={column},title={id}::{message}")
    };
    findings.iter().map(command).collect::<Vec<_>>().join("\n")
}

#[derive(Debug, Serialize)]
struct Explanation {
    id: &'static str,
    severity: Severity,
    title: &'static str,
    why: &'static str,
}

impl Report for Explanation {
    fn human(&self) -> String {
        let Self {
            id,
            severity,
            title,
            why,
        } = self;
        format!(
            "{id} ({}): {title}\n\n{why}\n\nTo switch it off on a line, end the line with `# beanship: ignore {id}`;\neverywhere, add it to `check: {{ ignore: [{id}] }}` in beanship.yml.",
            severity.name()
        )
    }
}

fn explain(cx: &Context, id: &str) -> Result<Exit> {
    let Some(rule) = catalog::find(id) else {
        let ids = catalog::ALL.iter().map(|rule| rule.id);
        let known: Vec<&str> = ids.collect();
        return Err(Error::new(
            Kind::Usage,
            format!("there is no rule `{id}`: there are {}", known.join(", ")),
        ));
    };
    cx.out.result(&Explanation {
        id: rule.id,
        severity: rule.severity,
        title: rule.title,
        why: rule.why,
    });
    Ok(Exit::Done)
}
