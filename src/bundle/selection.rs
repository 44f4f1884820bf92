//! What was decided about a tree: what goes in, what stays out and why. Only data and its wording;
//! the deciding is in `select`.

use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use super::COMPOSE_NAME;
use super::note::{Note, Special};
use super::rules::Rule;

/// What a bundle will hold.
#[derive(Debug, Clone)]
pub struct Selection {
    pub(super) root: PathBuf,
    pub(super) entries: Vec<Entry>,
    pub(super) left_out: Vec<LeftOut>,
    pub(super) notes: Vec<Note>,
}

/// One member of the bundle.
#[derive(Debug, Clone)]
pub struct Entry {
    pub(super) name: String,
    pub(super) sort: Sort,
    pub(super) bytes: u64,
    pub(super) source: Option<Box<Path>>,
    pub(super) kept_by: Option<Box<Rule>>,
    pub(super) stamp: Stamp,
    /// What it holds, where that is not what lies on this machine.
    pub(super) content: Option<Arc<[u8]>>,
}

/// What sort of member it is.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Sort {
    /// A regular file, with or without the right to run it.
    File {
        /// Whether it goes in as 0755 instead of 0644.
        executable: bool,
    },
    /// An empty directory.
    Directory,
    /// A symbolic link, kept as such.
    Symlink {
        /// Where it points.
        target: String,
    },
}

/// How a file looked when it was selected, so that a change before it is read is noticed.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Stamp {
    pub(super) bytes: u64,
    modified: Option<SystemTime>,
    /// When anything about it changed, in seconds and nanoseconds; nobody can set it back.
    changed: (i64, i64),
    /// The device, and the number there.
    inode: (u64, u64),
}

impl Stamp {
    pub(super) fn of(metadata: &std::fs::Metadata) -> Self {
        #[cfg(unix)]
        let (changed, inode) = {
            use std::os::unix::fs::MetadataExt;
            let changed = (metadata.ctime(), metadata.ctime_nsec());
            (changed, (metadata.dev(), metadata.ino()))
        };
        #[cfg(not(unix))]
        let (changed, inode) = ((0, 0), (0, 0));
        Self {
            bytes: metadata.len(),
            modified: metadata.modified().ok(),
            changed,
            inode,
        }
    }

    /// The device it is on, and when it was last touched; `None` where the system does not tell.
    pub(super) fn touched(&self) -> Option<(u64, SystemTime)> {
        let (seconds, nanos) = self.changed;
        let since = Duration::new(u64::try_from(seconds).ok()?, u32::try_from(nanos).ok()?);
        let changed = SystemTime::UNIX_EPOCH + since;
        let known = self.inode != (0, 0) && !since.is_zero();
        known.then_some((self.inode.0, changed.max(self.modified?)))
    }
}

impl Entry {
    /// The path in the bundle, with `/` between names; a directory's ends with one.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// What sort of member it is.
    #[must_use]
    pub fn sort(&self) -> &Sort {
        &self.sort
    }

    /// Its size before compression.
    #[must_use]
    pub fn bytes(&self) -> u64 {
        self.bytes
    }

    /// Its path below the root where that is not its name: a compose file that is renamed.
    #[must_use]
    pub fn source(&self) -> Option<&Path> {
        self.source.as_deref()
    }

    /// Its mode in the bundle, as `stat` tells it. Only whether a file may be run survives.
    #[must_use]
    pub fn mode(&self) -> u32 {
        match self.sort {
            Sort::File { executable: false } => 0o100_644,
            Sort::File { executable: true } => 0o100_755,
            Sort::Directory => 0o040_755,
            Sort::Symlink { .. } => 0o120_777,
        }
    }

    /// Where it lies on this machine.
    pub(super) fn place(&self, root: &Path) -> PathBuf {
        root.join(self.source().unwrap_or(Path::new(&self.name)))
    }
}

/// Something that stays out of the bundle; of a directory nothing below it is listed.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, serde::Serialize)]
pub struct LeftOut {
    /// Its path below the root, with `/` between names.
    pub path: String,
    /// Whether it is a directory.
    pub directory: bool,
    /// Why it stays out.
    pub why: Why,
}

/// Why something stays out.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, serde::Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Why {
    /// A pattern says so.
    Rule(Rule),
    /// `bundle.only` names other paths.
    NotNamed,
    /// It never goes in, as it means nothing on an instance.
    Never,
    /// Elastic Beanstalk writes this file itself.
    Environment,
    /// The project file, or the bundle that is being written.
    Own,
    /// Another compose file goes in under its name.
    Replaced,
    /// It is no file, directory or link.
    Special(Special),
}

impl fmt::Display for Why {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Rule(rule) => write!(f, "{rule}"),
            Self::NotNamed => f.write_str("bundle.only does not name it"),
            Self::Never => f.write_str("never goes into a bundle"),
            Self::Environment => f.write_str("Elastic Beanstalk writes .env itself"),
            Self::Own => f.write_str("it is the tool's own file"),
            Self::Replaced => write!(f, "another compose file goes in as {COMPOSE_NAME}"),
            Self::Special(special) => write!(f, "it is a {special}"),
        }
    }
}

/// What became of a path that was asked about.
#[derive(Debug, Clone, Copy)]
pub enum Fate<'a> {
    /// It goes in.
    In(&'a Entry),
    /// It is a directory, and this many of its members go in.
    Directory(usize),
    /// It, or a directory above it, stays out.
    Out(&'a LeftOut),
    /// There is no such thing below the root.
    Absent,
}

impl fmt::Display for Fate<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::In(entry) => {
                write!(f, "goes in as {}", entry.name)?;
                match &entry.kept_by {
                    Some(rule) => write!(f, ": {rule}"),
                    None => Ok(()),
                }
            }
            Self::Directory(members) => write!(f, "goes in with {members} members"),
            Self::Out(left_out) if left_out.directory => {
                write!(f, "stays out with {}/: {}", left_out.path, left_out.why)
            }
            Self::Out(left_out) => write!(f, "stays out: {}", left_out.why),
            Self::Absent => f.write_str("there is no such file"),
        }
    }
}

impl Selection {
    /// The members in the order of the bundle: by the bytes of their names.
    #[must_use]
    pub fn entries(&self) -> &[Entry] {
        &self.entries
    }

    /// Puts a file in that is made here, in place of one with its name. Nothing on this machine
    /// changes.
    pub fn put(&mut self, name: &str, executable: bool, content: impl Into<Arc<[u8]>>) {
        let content: Arc<[u8]> = content.into();
        let entry = Entry {
            name: name.to_owned(),
            sort: Sort::File { executable },
            bytes: content.len() as u64,
            source: None,
            kept_by: None,
            stamp: Stamp::default(),
            content: Some(content),
        };
        match self
            .entries
            .binary_search_by(|it| it.name.as_str().cmp(name))
        {
            Ok(at) => self.entries[at] = entry,
            Err(at) => self.entries.insert(at, entry),
        }
    }

    /// What stays out, by path.
    #[must_use]
    pub fn left_out(&self) -> &[LeftOut] {
        &self.left_out
    }

    /// What the user should know.
    #[must_use]
    pub fn notes(&self) -> &[Note] {
        &self.notes
    }

    /// The size of all members before compression.
    #[must_use]
    pub fn total_bytes(&self) -> u64 {
        self.entries.iter().map(Entry::bytes).sum()
    }

    /// Whether a path, absolute or below the root, goes in, and the rule and line if one decided.
    #[must_use]
    pub fn why(&self, path: &Path) -> Fate<'_> {
        let path = path.strip_prefix(&self.root).unwrap_or(path);
        let Some(asked) = archive_name(path) else {
            return Fate::Absent;
        };
        if let Some(entry) = self.entry(&asked) {
            return Fate::In(entry);
        }
        let below = format!("{asked}/");
        let start = self.entries.partition_point(|entry| entry.name < below);
        let members = self.entries[start..]
            .iter()
            .take_while(|entry| entry.name.starts_with(&below))
            .count();
        if members > 0 {
            return Fate::Directory(members);
        }
        Path::new(&asked)
            .ancestors()
            .filter_map(Path::to_str)
            .find_map(|path| self.left_out.iter().find(|left_out| left_out.path == path))
            .map_or(Fate::Absent, Fate::Out)
    }

    fn entry(&self, asked: &str) -> Option<&Entry> {
        self.entries.iter().find(|entry| match &entry.source {
            Some(source) => **source == *Path::new(asked) || entry.name == asked,
            None => entry.name.trim_end_matches('/') == asked,
        })
    }
}

/// A relative path as the bundle writes it; `None` if it climbs, is absolute or is not UTF-8.
pub(super) fn archive_name(path: &Path) -> Option<String> {
    use std::path::Component;
    let mut name = String::new();
    for component in path.components() {
        match component {
            Component::CurDir => {}
            Component::Normal(part) => {
                if !name.is_empty() {
                    name.push('/');
                }
                name.push_str(part.to_str()?);
            }
            Component::ParentDir | Component::RootDir | Component::Prefix(_) => return None,
        }
    }
    Some(name)
}
