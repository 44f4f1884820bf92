//! `beanship bundle`: the source bundle without AWS; also the first stage of a deploy.

use std::fs::File;
use std::path::{Path, PathBuf};

use serde::Serialize;
use tempfile::NamedTempFile;

use crate::bundle::{Fate, Note, Request, Rules, Selection, Why, Written, select, write};
use crate::cli::BundleArgs;
use crate::config::{BundleConfig, Symlinks, Tier};
use crate::deploy::{BundleFile, LARGEST_BUNDLE};
use crate::error::{Error, Exit, Kind, Result, reason};
use crate::output::{Event, Out, Phase, Report, bytes, table};
use crate::{bundle, compose};

use super::Context;
use super::check::goes_in;

/// A finished bundle in a temporary file, which goes with this value.
#[derive(Debug)]
pub struct Bundled {
    /// The zip.
    pub file: BundleFile,
    temporary: NamedTempFile,
}

/// What to bundle, in a form that can go to another thread.
#[derive(Debug, Clone)]
pub struct Job {
    root: PathBuf,
    compose: PathBuf,
    rules: Rules,
    own: Vec<PathBuf>,
    /// What the environments are: whether they serve HTTP, and their instance type.
    environments: Vec<(bool, Option<String>)>,
    ignore: Vec<String>,
}

impl Job {
    /// The bundle of environments (by key) that have the same compose file.
    #[must_use]
    pub fn new(cx: &Context, keys: &[Option<&str>], output: Option<&Path>) -> Self {
        let config = &cx.settings.config;
        let kind = |key: &Option<&str>| {
            let declared = key.and_then(|key| config.environments.get(key));
            let serves = declared.is_none_or(|environment| environment.tier == Tier::Web);
            (serves, declared.and_then(|it| it.instance_type.clone()))
        };
        let mut environments: Vec<_> = keys.iter().map(kind).collect();
        environments.sort();
        environments.dedup();
        let key = keys.first().copied().flatten();
        Self {
            environments,
            ignore: config.check.ignore.clone(),
            root: cx.settings.root.clone(),
            compose: cx.settings.compose(key),
            rules: Rules::from(&cx.settings.config.bundle),
            own: cx.own_files(output),
        }
    }

    fn select(&self, out: &Out) -> Result<Selection> {
        let request = Request {
            root: &self.root,
            compose: &self.compose,
            rules: &self.rules,
            own: &self.own,
        };
        if !self.root.join(&self.compose).exists() {
            compose::check(&self.root, &self.compose)?;
        }
        let selection = select(&request)?;
        self.judge(&selection, out)?;
        for note in selection.notes() {
            let text = note.to_string();
            let harmless = matches!(note, Note::RootEnv | Note::Skipped { .. });
            out.event(&if harmless {
                Event::Note(&text)
            } else {
                Event::Warning(&text)
            });
        }
        Ok(selection)
    }

    /// Judges the compose file and what is beside it; errors stop, warnings are told.
    fn judge(&self, selection: &Selection, out: &Out) -> Result<()> {
        let in_bundle = |path: &str| goes_in(selection, path);
        let mut told = Vec::new();
        for (serves, instance_type) in &self.environments {
            let verdict = compose::lint(&compose::Surroundings {
                root: &self.root,
                file: &self.compose,
                in_bundle: &in_bundle,
                serves: *serves,
                instance_type: instance_type.as_deref(),
                ignore: &self.ignore,
            });
            verdict.stop()?;
            told.extend(verdict.brief());
        }
        told.dedup();
        for line in told {
            out.event(&Event::Warning(&line));
        }
        Ok(())
    }

    /// Makes the zip in a temporary file.
    ///
    /// # Errors
    /// [`Kind::Compose`], [`Kind::Bundle`] or [`Kind::Io`], all problems together.
    pub fn make(&self, out: &Out) -> Result<Bundled> {
        let selection = self.select(out)?;
        let mut temporary = NamedTempFile::with_prefix("beanship-").map_err(|why| {
            Error::new(
                Kind::Io,
                format!("cannot make a temporary file: {}", reason(&why)),
            )
        })?;
        let written = zip(&selection, temporary.as_file_mut(), out)?;
        let Written {
            sha256,
            bytes,
            files,
            ..
        } = written;
        let path = temporary.path().to_path_buf();
        Ok(Bundled {
            file: BundleFile {
                path,
                sha256,
                bytes,
                files,
            },
            temporary,
        })
    }
}

impl From<&BundleConfig> for Rules {
    fn from(config: &BundleConfig) -> Self {
        Self {
            include: config.include.clone(),
            exclude: config.exclude.clone(),
            only: config.only.clone(),
            follow_symlinks: config.symlinks == Symlinks::Follow,
        }
    }
}

fn zip(selection: &Selection, to: &mut File, out: &Out) -> Result<Written> {
    let total = selection.total_bytes();
    let progress = |progress: bundle::Progress| {
        out.event(&Event::Progress {
            phase: Phase::Bundle,
            done: progress.bytes,
            total,
        });
    };
    let written = write(selection, to, &progress);
    out.event(&Event::ProgressEnd);
    let written = written?;
    if written.bytes > LARGEST_BUNDLE {
        return Err(Error::new(
            Kind::Bundle,
            format!(
                "the source bundle is too large: {}, Elastic Beanstalk takes {}",
                bytes(written.bytes),
                bytes(LARGEST_BUNDLE)
            ),
        )
        .hint("see what is in it with `beanship bundle --list`, and leave files out with `bundle.exclude` in beanship.yml"));
    }
    Ok(written)
}

/// Runs the command.
///
/// # Errors
/// As [`Job::make`], and for an output file that cannot be written.
pub async fn run(cx: &Context, args: &BundleArgs) -> Result<Exit> {
    let key = match cx.settings.wanted(args.env.as_deref()) {
        Some(wanted) if !cx.settings.config.environments.is_empty() => {
            cx.settings.target(None, Some(wanted), None)?.key
        }
        _ => None,
    };
    let job = Job::new(cx, &[key.as_deref()], args.out.as_deref());
    if let Some(path) = &args.why {
        return why(cx, &job, path);
    }
    if args.list {
        return list(cx, &job);
    }
    let out = cx.out.clone();
    let bundled = tokio::task::spawn_blocking(move || job.make(&out))
        .await
        .map_err(|why| stopped(&why))??;
    match args.out.as_deref() {
        Some(path) if path == Path::new("-") => stream(cx, &bundled),
        path => keep(cx, bundled, path),
    }
}

/// The error of a task that did not end by itself.
pub(super) fn stopped(why: &tokio::task::JoinError) -> Error {
    Error::new(Kind::Bundle, format!("the bundle was not finished: {why}"))
}

fn stream(cx: &Context, bundled: &Bundled) -> Result<Exit> {
    let path = &bundled.file.path;
    let mut file = File::open(path).map_err(|why| Error::io("read", path, &why))?;
    match cx.out.raw(&mut file) {
        Err(why) if why.kind() != std::io::ErrorKind::BrokenPipe => Err(Error::new(
            Kind::Io,
            format!("cannot write the bundle to stdout: {}", reason(&why)),
        )),
        _ => Ok(Exit::Done),
    }
}

/// Moves the zip to where it was asked for.
fn keep(cx: &Context, bundled: Bundled, path: Option<&Path>) -> Result<Exit> {
    let path = match path {
        Some(path) => path.to_path_buf(),
        None => cx.make_own_folder()?.join("bundle.zip"),
    };
    let BundleFile {
        sha256,
        bytes,
        files,
        ..
    } = bundled.file;
    let mut from = bundled
        .temporary
        .reopen()
        .map_err(|why| Error::io("read", &path, &why))?;
    let mut to = File::create(&path).map_err(|why| Error::io("write", &path, &why))?;
    std::io::copy(&mut from, &mut to).map_err(|why| Error::io("write", &path, &why))?;
    cx.out.result(&Made {
        path,
        sha256,
        bytes,
        files,
    });
    Ok(Exit::Done)
}

#[derive(Debug, Serialize)]
struct Made {
    path: PathBuf,
    sha256: String,
    bytes: u64,
    files: usize,
}

impl Report for Made {
    fn human(&self) -> String {
        format!(
            "{}: {} files, {}, sha256 {}",
            self.path.display(),
            self.files,
            bytes(self.bytes),
            self.sha256
        )
    }
}

#[derive(Debug, Serialize)]
struct Listing {
    files: Vec<Listed>,
    left_out: Vec<Left>,
    bytes: u64,
}

#[derive(Debug, Serialize)]
struct Listed {
    path: String,
    bytes: u64,
    mode: String,
}

#[derive(Debug, Serialize)]
struct Left {
    path: String,
    why: Why,
    #[serde(skip)]
    words: String,
}

fn list(cx: &Context, job: &Job) -> Result<Exit> {
    let selection = job.select(&cx.out)?;
    let listed = |entry: &bundle::Entry| Listed {
        path: entry.name().to_owned(),
        bytes: entry.bytes(),
        mode: format!("{:o}", entry.mode()),
    };
    let left = |left: &bundle::LeftOut| Left {
        path: left.path.clone(),
        why: left.why.clone(),
        words: left.why.to_string(),
    };
    cx.out.result(&Listing {
        files: selection.entries().iter().map(listed).collect(),
        left_out: selection.left_out().iter().map(left).collect(),
        bytes: selection.total_bytes(),
    });
    Ok(Exit::Done)
}

impl Report for Listing {
    fn human(&self) -> String {
        let files: Vec<[String; 2]> = self
            .files
            .iter()
            .map(|file| [file.path.clone(), bytes(file.bytes)])
            .collect();
        let mut text = table(["GOES IN", "SIZE"], &files);
        if !self.left_out.is_empty() {
            let left: Vec<[String; 2]> = self
                .left_out
                .iter()
                .map(|left| [left.path.clone(), left.words.clone()])
                .collect();
            text.push_str(&format!("\n\n{}", table(["STAYS OUT", "WHY"], &left)));
        }
        let (count, size) = (self.files.len(), bytes(self.bytes));
        text.push_str(&format!("\n\n{count} files, {size} before compression"));
        text
    }
}

#[derive(Debug, Serialize)]
struct Explanation {
    path: PathBuf,
    included: bool,
    why: String,
}

impl Report for Explanation {
    fn human(&self) -> String {
        format!("{} {}", self.path.display(), self.why)
    }
}

fn why(cx: &Context, job: &Job, path: &Path) -> Result<Exit> {
    let selection = job.select(&cx.out)?;
    let fate = selection.why(path);
    cx.out.result(&Explanation {
        path: path.to_path_buf(),
        included: matches!(fate, Fate::In(_) | Fate::Directory(_)),
        why: fate.to_string(),
    });
    Ok(Exit::Done)
}
