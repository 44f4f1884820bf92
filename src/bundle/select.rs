//! Deciding what goes into the bundle: one walk over the tree, directories in parallel. Of files
//! nothing is read but ignore files and hooks.

use std::collections::HashSet;
use std::ffi::{OsStr, OsString};
use std::fs::{self, FileType};
use std::io;
use std::path::{Path, PathBuf};

use rayon::prelude::*;

use super::nature::{self, Nature};
use super::note::Note;
use super::rules::{BadPattern, Rule};
use super::scope::{EB_IGNORE, Ignores, Judgement, Lists, Standing};
use super::selection::{Entry, LeftOut, Selection, Sort, Stamp, Why, archive_name};
use super::{COMPOSE_NAME, Request};
use crate::error::{Error, Kind, Result};

/// Names that never go in, at any depth.
const NEVER: [&str; 3] = [".git", ".beanship", ".elasticbeanstalk"];
/// What describes a single container where there is no compose file.
const SINGLE: [&str; 2] = ["Dockerfile", "Dockerrun.aws.json"];
/// Directories whose files the instance runs.
const HOOKS: [&str; 2] = [".platform/hooks", ".platform/confighooks"];

/// Decides what goes into the bundle.
///
/// # Errors
///
/// All problems of the tree together: what cannot be read, names that a bundle cannot hold.
pub fn select(request: &Request<'_>) -> Result<Selection> {
    let real_root = fs::canonicalize(request.root)
        .map_err(|error| Error::io("read the directory", request.root, &error))?;
    let lists = Lists::new(request.rules)?;
    let (ignores, bad) = Ignores::at_root(&real_root)?;
    let below_root = |path: &Path| below_root(&real_root, &request.root.join(path));
    let walk = Walk {
        root: request.root,
        compose: below_root(request.compose),
        own: request.own.iter().map(|own| below_root(own)).collect(),
        follow: request.rules.follow_symlinks,
        lists,
    };
    let mut found = walk.directory(&Directory {
        path: PathBuf::new(),
        ignores,
        standing: Standing::default(),
        trail: vec![real_root.clone()],
    });
    found.note_bad(bad);
    found.add_compose(request, &walk.compose);
    found.finish(request.root)
}

/// A path as seen from the root if it lies below it, else as it is.
fn below_root(real_root: &Path, path: &Path) -> PathBuf {
    let real = match (path.parent().map(fs::canonicalize), path.file_name()) {
        (Some(Ok(parent)), Some(name)) => parent.join(name),
        _ => path.to_owned(),
    };
    real.strip_prefix(real_root)
        .map(Path::to_owned)
        .unwrap_or(real)
}

struct Walk<'a> {
    root: &'a Path,
    lists: Lists,
    compose: PathBuf,
    own: HashSet<PathBuf>,
    follow: bool,
}

struct Directory {
    /// Below the root.
    path: PathBuf,
    /// What counts for the directory itself; its own ignore file is not read yet.
    ignores: Ignores,
    standing: Standing,
    /// The real paths of this directory and of those on the way to it; kept up only where links
    /// are followed.
    trail: Vec<PathBuf>,
}

impl Directory {
    fn is_root(&self) -> bool {
        self.path.as_os_str().is_empty()
    }
}

#[derive(Default)]
struct Found {
    entries: Vec<Entry>,
    left_out: Vec<LeftOut>,
    notes: Vec<Note>,
    problems: Vec<Error>,
}

impl Walk<'_> {
    fn directory(&self, directory: &Directory) -> Found {
        let mut found = Found::default();
        let children = match self.children(&directory.path) {
            Ok(children) => children,
            // What nobody asked for need not be readable.
            Err(_) if !directory.standing.is_in() && !directory.is_root() => return found,
            Err(error) => {
                let place = self.root.join(&directory.path);
                found
                    .problems
                    .push(Error::io("read the directory", &place, &error).hint(
                        "make it readable, or leave it out with a pattern under `bundle.exclude`",
                    ));
                return found;
            }
        };
        let has = |name: &str| children.iter().any(|(child, _)| child == name);
        let entered =
            directory
                .ignores
                .enter(self.root, &directory.path, has(".git"), has(".gitignore"));
        let ignores = match entered {
            Ok((ignores, bad)) => {
                found.note_bad(bad);
                ignores
            }
            Err(error) => {
                found.problems.push(error);
                return found;
            }
        };
        if children.is_empty() && directory.standing.is_in() {
            found.add(&directory.path, Sort::Directory, None, None);
        }
        let below: Vec<Directory> = children
            .into_iter()
            .filter_map(|(name, kind)| self.child(directory, &ignores, &name, kind, &mut found))
            .collect();
        below
            .par_iter()
            .map(|directory| self.directory(directory))
            .reduce(Found::default, Found::join)
            .join(found)
    }

    fn children(&self, directory: &Path) -> io::Result<Vec<(OsString, FileType)>> {
        fs::read_dir(self.root.join(directory))?
            .map(|child| child.and_then(|child| Ok((child.file_name(), child.file_type()?))))
            .collect()
    }

    /// Places one child of a directory; returns it if it is a directory to look into.
    fn child(
        &self,
        parent: &Directory,
        ignores: &Ignores,
        name: &OsStr,
        kind: FileType,
        found: &mut Found,
    ) -> Option<Directory> {
        let path = parent.path.join(name);
        if let Some(why) = self.fixed(&path, name) {
            if let Some(why) = why.filter(|_| parent.standing.out.is_none()) {
                if why == Why::Environment {
                    found.notes.push(Note::RootEnv);
                }
                found.leave_out(&path, kind.is_dir(), why);
            }
            return None;
        }
        let mut notes = Vec::new();
        let nature = match nature::of(
            self.root,
            &path,
            kind,
            self.follow,
            &parent.trail,
            &mut notes,
        ) {
            Ok(nature) => nature,
            Err(_) if parent.standing.out.is_some() => return None,
            Err(problem) => {
                found.problems.push(problem);
                return None;
            }
        };
        let directory = matches!(nature, Nature::Directory { .. });
        let (judgement, standing) = self
            .lists
            .judge(&path, directory, &parent.standing, ignores);
        let kept_by = match judgement {
            Judgement::In(rule) => Some(rule),
            Judgement::Out(rule) => {
                found.leave_out(&path, directory, rule.map_or(Why::NotNamed, Why::Rule));
                None
            }
            Judgement::OutWithParent => None,
        };
        if kept_by.is_some() {
            found.notes.append(&mut notes);
        }
        match (nature, kept_by) {
            (Nature::Directory { real }, kept_by) => {
                let goes_in = kept_by.is_some() || self.lists.reach_into(&path, &standing);
                let trail = real.map(|real| parent.trail.iter().cloned().chain([real]).collect());
                goes_in.then(|| Directory {
                    path,
                    ignores: ignores.clone(),
                    standing,
                    trail: trail.unwrap_or_default(),
                })
            }
            (nature, Some(kept_by)) => {
                self.keep(&path, nature, kept_by, found);
                None
            }
            (_, None) => None,
        }
    }

    /// What is decided whatever the rules say: `Some(None)` says nothing about it, as the compose
    /// file is added on its own.
    fn fixed(&self, path: &Path, name: &OsStr) -> Option<Option<Why>> {
        let at_root = |wanted: &str| path == Path::new(wanted);
        if *path == self.compose {
            Some(None)
        } else if NEVER.iter().any(|never| name == *never) || at_root(EB_IGNORE) {
            Some(Some(Why::Never))
        } else if self.own.contains(path) {
            Some(Some(Why::Own))
        } else if at_root(".env") {
            Some(Some(Why::Environment))
        } else if at_root(COMPOSE_NAME) {
            Some(Some(Why::Replaced))
        } else {
            None
        }
    }

    fn keep(&self, path: &Path, nature: Nature, kept_by: Option<Rule>, found: &mut Found) {
        match nature {
            Nature::Special(special) => {
                found.leave_out(path, false, Why::Special(special));
                let path = path.to_string_lossy().into_owned();
                found.notes.push(Note::Skipped { path, special });
            }
            Nature::Symlink { target } => {
                found.add(path, Sort::Symlink { target }, kept_by, None);
            }
            Nature::File {
                mut executable,
                stamp,
            } => {
                if HOOKS.iter().any(|hooks| path.starts_with(hooks)) {
                    executable = true;
                    // One that cannot be read is an error once the bundle is written.
                    if nature::has_windows_line_ends(&self.root.join(path)).unwrap_or(false) {
                        found.notes.push(Note::HookLineEnds { path: shown(path) });
                    }
                }
                if path.file_name().is_some_and(|name| name == ".env") {
                    found.notes.push(Note::NestedEnv { path: shown(path) });
                }
                found.add(path, Sort::File { executable }, kept_by, Some(stamp));
            }
            Nature::Directory { .. } => {}
        }
    }
}

impl Found {
    fn add(&mut self, path: &Path, sort: Sort, kept_by: Option<Rule>, stamp: Option<Stamp>) {
        let Some(mut name) = archive_name(path) else {
            self.problems.push(bad_name(path));
            return;
        };
        let bytes = match &sort {
            Sort::File { .. } => stamp.as_ref().map_or(0, |stamp| stamp.bytes),
            Sort::Symlink { target } => target.len() as u64,
            Sort::Directory if name.is_empty() => return,
            Sort::Directory => {
                name.push('/');
                0
            }
        };
        let stamp = stamp.unwrap_or_default();
        let kept_by = kept_by.map(Box::new);
        self.entries.push(Entry {
            name,
            sort,
            bytes,
            source: None,
            kept_by,
            stamp,
            content: None,
        });
    }

    /// The compose file is wanted whatever the rules say; a link to it is followed, as it may point
    /// out of the bundle.
    fn add_compose(&mut self, request: &Request<'_>, compose: &Path) {
        let place = request.root.join(compose);
        match fs::metadata(&place) {
            Ok(metadata) if metadata.is_file() => {
                let renamed = compose != Path::new(COMPOSE_NAME);
                self.entries.push(Entry {
                    name: COMPOSE_NAME.into(),
                    sort: Sort::File { executable: false },
                    bytes: metadata.len(),
                    source: renamed.then(|| compose.into()),
                    kept_by: None,
                    stamp: Stamp::of(&metadata),
                    content: None,
                });
            }
            Ok(_) => self.problems.push(
                Error::new(
                    Kind::Compose,
                    format!("cannot read {}: it is no file", place.display()),
                )
                .hint("name the compose file with `compose:` in the project file"),
            ),
            // One container, which Elastic Beanstalk knows by these names.
            Err(_) if compose == Path::new(COMPOSE_NAME) && is_single(request.root) => {}
            Err(error) => self.problems.push(Error::io("read", &place, &error)),
        }
    }

    fn leave_out(&mut self, path: &Path, directory: bool, why: Why) {
        self.left_out.push(LeftOut {
            path: shown(path),
            directory,
            why,
        });
    }

    fn note_bad(&mut self, bad: Vec<BadPattern>) {
        let notes = bad
            .into_iter()
            .map(|BadPattern { rule, why }| Note::BadPattern { rule, why });
        self.notes.extend(notes);
    }

    fn join(mut self, mut other: Self) -> Self {
        self.entries.append(&mut other.entries);
        self.left_out.append(&mut other.left_out);
        self.notes.append(&mut other.notes);
        self.problems.append(&mut other.problems);
        self
    }

    /// Brings everything into an order that does not depend on the directories'.
    fn finish(mut self, root: &Path) -> Result<Selection> {
        self.entries.sort_unstable_by(|a, b| a.name.cmp(&b.name));
        self.left_out.sort_unstable();
        self.notes.sort_unstable();
        self.problems.sort_by(|a, b| a.message().cmp(b.message()));
        match Error::all(self.problems) {
            Some(error) => Err(error),
            None => Ok(Selection {
                root: root.to_owned(),
                entries: self.entries,
                left_out: self.left_out,
                notes: self.notes,
            }),
        }
    }
}

/// Whether a root without a compose file describes a single container (facts 3.1).
fn is_single(root: &Path) -> bool {
    SINGLE.iter().any(|name| root.join(name).is_file())
}

fn shown(path: &Path) -> String {
    archive_name(path).unwrap_or_else(|| path.to_string_lossy().into_owned())
}

fn bad_name(path: &Path) -> Error {
    Error::new(
        Kind::Bundle,
        format!(
            "cannot bundle {}: its name is not UTF-8",
            path.to_string_lossy()
        ),
    )
    .hint("rename it, or leave it out with a pattern under `bundle.exclude`")
}
