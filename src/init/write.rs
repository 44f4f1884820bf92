//! Drafts against what stands on the disk: what is written, what is kept, and the difference.

use std::io::Write;
use std::path::{Path, PathBuf};

use serde::Serialize;
use similar::TextDiff;
use tempfile::Builder;

use super::propose::Draft;
use crate::error::{Error, Kind, Result};
use crate::plan::{Change, Plan, Step, Verb};

/// What becomes of a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Fate {
    /// It is made.
    Create,
    /// It is overwritten, as `--force` says.
    Replace,
    /// It is there and stays as it is.
    Keep,
    /// It is there and says the same.
    Same,
}

/// A draft and what stands in its place.
#[derive(Debug, Clone, Serialize)]
pub struct Standing {
    /// Where, from the project's root.
    pub path: PathBuf,
    /// What becomes of it.
    pub fate: Fate,
    /// What would change, as a unified diff.
    pub diff: String,
    #[serde(skip)]
    draft: Draft,
}

impl Standing {
    /// Compares a draft with the disk.
    ///
    /// # Errors
    /// [`Kind::Io`] for something there that cannot be read.
    pub fn of(root: &Path, draft: Draft, force: bool) -> Result<Self> {
        let path = root.join(&draft.path);
        let old = match std::fs::read_to_string(&path) {
            Ok(text) => Some(text),
            Err(why) if why.kind() == std::io::ErrorKind::NotFound => None,
            Err(why) => return Err(Error::io("read", &draft.path, &why)),
        };
        let fate = match &old {
            None => Fate::Create,
            Some(old) if *old == draft.text => Fate::Same,
            Some(_) if force => Fate::Replace,
            Some(_) => Fate::Keep,
        };
        Ok(Self {
            path: draft.path.clone(),
            fate,
            diff: diff(&draft.path, old.as_deref(), &draft.text),
            draft,
        })
    }

    /// What stands there at the end.
    #[must_use]
    pub fn text(&self) -> Option<&str> {
        (self.fate != Fate::Keep).then_some(&*self.draft.text)
    }
}

/// The difference, as `diff -u` shows it.
fn diff(path: &Path, old: Option<&str>, new: &str) -> String {
    let name = path.to_string_lossy().replace('\\', "/");
    let before = match old {
        Some(_) => format!("a/{name}"),
        None => "/dev/null".into(),
    };
    TextDiff::from_lines(old.unwrap_or_default(), new)
        .unified_diff()
        .header(&before, &format!("b/{name}"))
        .to_string()
}

/// One file that is written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WriteFile {
    draft: Draft,
    replaces: bool,
}

/// The files that are written.
#[must_use]
pub fn plan(standings: &[Standing]) -> Plan<WriteFile> {
    let written = standings
        .iter()
        .filter(|it| matches!(it.fate, Fate::Create | Fate::Replace));
    let step = |it: &Standing| WriteFile {
        draft: it.draft.clone(),
        replaces: it.fate == Fate::Replace,
    };
    Plan::new(written.map(step).collect())
}

impl Step for WriteFile {
    type World = PathBuf;
    type Made = ();

    fn change(&self) -> Change {
        Change {
            verb: if self.replaces {
                Verb::Update
            } else {
                Verb::Create
            },
            kind: "file",
            name: self.draft.path.display().to_string(),
            detail: None,
        }
    }

    fn past(&self) -> String {
        format!("Wrote {}", self.draft.path.display())
    }

    async fn apply(&self, root: &PathBuf, _: &mut ()) -> Result<()> {
        let path = root.join(&self.draft.path);
        self.write(&path).map_err(|why| match why.kind() {
            std::io::ErrorKind::AlreadyExists => Error::new(
                Kind::Io,
                format!(
                    "{} is there by now, and was not touched",
                    self.draft.path.display()
                ),
            )
            .hint("look at it, and run `beanship init` again"),
            _ => Error::io("write", &self.draft.path, &why),
        })
    }
}

impl WriteFile {
    /// Whole or not at all, and never over something that was not there when the plan was made.
    fn write(&self, path: &Path) -> std::io::Result<()> {
        let folder = path.parent().unwrap_or(Path::new("."));
        std::fs::create_dir_all(folder)?;
        let mut builder = Builder::new();
        // As any other file, not for this user alone.
        #[cfg(unix)]
        builder.permissions(std::os::unix::fs::PermissionsExt::from_mode(0o666));
        let mut file = builder.prefix(".beanship-").tempfile_in(folder)?;
        file.write_all(self.draft.text.as_bytes())?;
        let persisted = match self.replaces {
            true => file.persist(path),
            false => file.persist_noclobber(path),
        };
        persisted.map(drop).map_err(|error| error.error)
    }
}
