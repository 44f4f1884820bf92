//! The compose file and what stands beside it in the bundle, judged before Elastic Beanstalk sees
//! them.
//!
//! ```text
//! text -> source, tree (places) -> opened (the files it names) -> world, model (services)
//!      -> rules, schema, bundled -> findings -> fix
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
mod naming;
mod needed;
mod opened;
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
mod world;

use std::path::Path;

use catalog::{NOTHING, UNREADABLE};
use finding::{Finding, Findings, Severity};
use model::Project;
use opened::{Disk, Files};
use source::Source;
use world::World;

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
            Err(why) => (unreadable(&why, &mut findings), String::new()),
        },
        Err(why) if why.kind() == std::io::ErrorKind::NotFound => {
            let subject = bundled::without_compose(around, &name, &mut findings);
            (Some(subject), String::new())
        }
        Err(why) => {
            let why = crate::error::reason(&why);
            (unreadable(&why, &mut findings), String::new())
        }
    };
    let disk = Disk {
        root: around.root,
        in_bundle: around.in_bundle,
    };
    let mut files = Files::open(Source::new(name, text), disk);
    let subject = match subject {
        Some(subject) => {
            files.list.truncate(1);
            files.list[0].findings = findings;
            subject
        }
        None => judge(&mut files, around),
    };
    bundled::check(around, &mut files.list[0].findings);
    Verdict {
        findings: told(files, around.ignore),
        subject,
    }
}

fn unreadable(why: &str, findings: &mut Findings) -> Option<Subject> {
    let what = format!("the compose file cannot be read: {why}");
    findings.add(&UNREADABLE, 0, what);
    Some(Subject::Nothing)
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

/// Applies every rule to every file.
fn judge(files: &mut Files, around: &Surroundings<'_>) -> Subject {
    let mut all: Vec<Findings> = files
        .list
        .iter_mut()
        .map(|file| std::mem::take(&mut file.findings))
        .collect();
    let mut subject = Subject::Nothing;
    {
        let world = World::of(files);
        let mut count: usize = 0;
        for (index, findings) in all.iter_mut().enumerate() {
            let file = &files.list[index];
            if file.is_broken(findings) || count >= finding::MOST {
                continue;
            }
            match Project::of(&world, index, around) {
                Some(project) => {
                    rules::apply(&file.tree, &project, findings);
                    if index == 0 {
                        subject = Subject::Compose(world.each().count());
                    }
                }
                None => {
                    let at = file.tree.root().map_or(0, |root| root.range().start);
                    findings
                        .add(
                            &NOTHING,
                            at,
                            "this is no compose file: it must be a map with `services`",
                        )
                        .fix("write a service: `services: { web: { image: 'nginx:1.27', ports: ['80:80'] } }`");
                }
            }
            count += findings.count();
        }
    }
    for (file, findings) in files.list.iter_mut().zip(all) {
        file.findings = findings;
    }
    subject
}

/// What was found in all files, without what was switched off.
fn told(files: Files, ignore: &[String]) -> Vec<Finding> {
    let own = files.list[0].source.name.clone();
    let mut all = Vec::new();
    for file in files.list {
        let (mut source, mut findings) = (file.source, file.findings);
        for range in std::mem::take(&mut findings.hidden) {
            source.hide(range);
        }
        all.extend(suppress::remaining(
            findings.finish(&source),
            &source,
            ignore,
        ));
    }
    all.sort_by(|a, b| a.order(&own).cmp(&b.order(&own)));
    all
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
