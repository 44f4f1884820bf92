//! The compose file and what stands beside it in the bundle, judged before Elastic Beanstalk sees
//! them.
//!
//! ```text
//! text -> source, tree (places) -> model (services) -> rules, schema, bundled -> findings -> fix
//! ```
//!
//! [`lint`] finds, [`fix`] puts right what is certain, [`catalog`] holds every rule's words. Nothing
//! here asks AWS, a registry or Docker.

mod bundled;
pub mod catalog;
mod files;
pub mod finding;
pub mod fix;
pub mod images;
mod model;
mod mounts;
mod needed;
mod ports;
mod rules;
pub mod sarif;
mod scalar;
mod schema;
mod source;
mod suppress;
#[cfg(test)]
mod tests;
mod tree;
mod variables;

use std::path::Path;

use catalog::{NOT_YAML, NOTHING, UNREADABLE};
use finding::{Finding, Findings, Severity};
use source::Source;
use tree::Tree;

use crate::error::{Error, Kind, Result};

pub use model::Surroundings;
pub use needed::needed_variables;
pub use rules::is_secret_name;

/// The only name that Elastic Beanstalk looks for (facts 3.1).
pub const FILE_NAME: &str = "docker-compose.yml";

/// Other names that Docker's own tools find.
pub const OTHER_NAMES: [&str; 3] = ["docker-compose.yaml", "compose.yml", "compose.yaml"];

/// How many warnings a deploy tells in full.
const TOLD: usize = 3;

/// What was found.
#[derive(Debug)]
pub struct Verdict {
    /// The findings, by file and place.
    pub findings: Vec<Finding>,
    /// What was judged.
    pub subject: Subject,
}

/// What the bundle runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Subject {
    /// A compose file with this many services.
    Compose(usize),
    /// A single container, from a Dockerfile or a Dockerrun.aws.json.
    Single(&'static str),
    /// Nothing that could be judged.
    Nothing,
}

/// Checks that there is a compose file without errors, going by the files on the disk.
///
/// # Errors
/// [`Kind::Compose`] with every error found.
pub fn check(root: &Path, file: &Path) -> Result<()> {
    let on_disk = |path: &str| root.join(path).exists();
    let around = Surroundings {
        in_bundle: &on_disk,
        ..Surroundings::of(root, file)
    };
    lint(&around).stop()
}

/// Judges a compose file and the other files of the bundle that Elastic Beanstalk reads.
#[must_use]
pub fn lint(around: &Surroundings<'_>) -> Verdict {
    let name = around.file.to_string_lossy().replace('\\', "/");
    let path = around.root.join(around.file);
    let mut findings = Findings::default();
    let (subject, text) = match files::bytes(&path) {
        Ok(bytes) => match text_of(bytes) {
            Ok(text) => (None, text),
            Err(why) => {
                findings.add(
                    &UNREADABLE,
                    0,
                    format!("the compose file cannot be read: {why}"),
                );
                (Some(Subject::Nothing), String::new())
            }
        },
        Err(why) if why.kind() == std::io::ErrorKind::NotFound => {
            let subject = bundled::without_compose(around, &name, &mut findings);
            (Some(subject), String::new())
        }
        Err(why) => {
            let why = crate::error::reason(&why);
            findings.add(
                &UNREADABLE,
                0,
                format!("the compose file cannot be read: {why}"),
            );
            (Some(Subject::Nothing), String::new())
        }
    };
    let mut source = Source::new(name, text);
    let subject = subject.unwrap_or_else(|| judge(&mut source, around, &mut findings));
    bundled::check(around, &mut findings);
    let findings = findings.finish(&source);
    Verdict {
        findings: suppress::remaining(findings, &source, around.ignore),
        subject,
    }
}

/// The bytes as text, or why they are none.
fn text_of(bytes: Vec<u8>) -> std::result::Result<String, String> {
    if bytes.len() as u64 > files::LARGEST {
        return Err("it is larger than 512 KiB".into());
    }
    if let Some(at) = bytes.iter().position(|byte| *byte == 0) {
        return Err(format!("it holds a NUL character (byte {at})"));
    }
    String::from_utf8(bytes)
        .map_err(|why| format!("it is not UTF-8 (byte {})", why.utf8_error().valid_up_to()))
}

/// Reads the text and applies every rule to it.
fn judge(source: &mut Source, around: &Surroundings<'_>, findings: &mut Findings) -> Subject {
    let tree = match Tree::read(&source.text) {
        Ok(tree) => tree,
        Err(why) => {
            hide_secrets_of(source, why.at);
            let (rule, what) = if why.excessive {
                (&UNREADABLE, "the compose file is too much")
            } else {
                (&NOT_YAML, "this is no YAML")
            };
            let at = behind_the_text(source, why.at);
            findings.add(rule, at, format!("{what}: {}", why.why));
            return Subject::Nothing;
        }
    };
    let services = match model::Project::of(&tree, source, around) {
        Some(project) => {
            rules::apply(&tree, &project, findings);
            Subject::Compose(project.services.len())
        }
        None => {
            let at = tree.root().map_or(0, |root| root.range().start);
            findings
                .add(
                    &NOTHING,
                    at,
                    "this is no compose file: it must be a map with `services`",
                )
                .fix("write a service: `services: { web: { image: 'nginx:1.27', ports: ['80:80'] } }`");
            Subject::Nothing
        }
    };
    for range in std::mem::take(&mut findings.hidden) {
        source.hide(range);
    }
    services
}

/// What is missing at the end is told behind the last character.
fn behind_the_text(source: &Source, at: usize) -> usize {
    at.min(source.text.trim_end().len())
}

/// A line that cannot be read may hold a password all the same.
fn hide_secrets_of(source: &mut Source, at: usize) {
    let line = source.whole_line(at);
    let text = &source.text[line.clone()];
    if let Some((name, _)) = text.split_once([':', '='])
        && rules::is_secret_name(name.trim_matches([' ', '-', '"', '\'']))
    {
        source.hide(line.start + name.len() + 1..line.end);
    }
}

impl<'a> Surroundings<'a> {
    /// A web environment of which nothing else is known.
    #[must_use]
    pub fn of(root: &'a Path, file: &'a Path) -> Self {
        Self {
            root,
            file,
            in_bundle: &|_| true,
            left_out: &|_| None,
            serves: true,
            instance_type: None,
            builds: false,
            ignore: &[],
        }
    }
}

impl Verdict {
    /// How many findings are of a severity.
    #[must_use]
    pub fn count(&self, severity: Severity) -> usize {
        self.of(severity).count()
    }

    fn of(&self, severity: Severity) -> impl Iterator<Item = &Finding> {
        self.findings
            .iter()
            .filter(move |finding| finding.severity == severity)
    }

    /// Nothing, unless there are errors.
    ///
    /// # Errors
    /// [`Kind::Compose`] with every error found, and where.
    pub fn stop(&self) -> Result<()> {
        let problem = |finding: &Finding| {
            let missing = finding.rule == &catalog::NO_COMPOSE_FILE;
            let text = if missing {
                finding.message.clone()
            } else {
                finding.to_string()
            };
            let error = Error::new(Kind::Compose, text);
            let error = match &finding.shown {
                Some(shown) => error.excerpt(shown),
                None => error,
            };
            match &finding.fix {
                Some(fix) => error.hint(fix),
                None => error,
            }
        };
        Error::all(self.of(Severity::Error).map(problem).collect()).map_or(Ok(()), Err)
    }

    /// The warnings in a few lines.
    #[must_use]
    pub fn brief(&self) -> Vec<String> {
        let warnings: Vec<_> = self.of(Severity::Warning).collect();
        let mut lines: Vec<String> = warnings
            .iter()
            .take(TOLD)
            .map(ToString::to_string)
            .collect();
        if warnings.len() > TOLD {
            lines.push(format!(
                "{} more warnings; see them with `beanship check`",
                warnings.len() - TOLD
            ));
        }
        lines
    }
}

impl std::fmt::Display for Finding {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self {
            file,
            line,
            column,
            message,
            ..
        } = self;
        write!(f, "{file}:{line}:{column}: {message} [{}]", self.rule.id)
    }
}
