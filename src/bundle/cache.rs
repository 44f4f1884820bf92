//! What an earlier run made of the very same files: the digest of their zip, so that an unchanged tree need not be
//! packed to be known as such.
//!
//! A file counts as the same if name, mode, size, inode and both its times are. That holds for nothing that may have
//! been written to after it was read and within the same tick of the clock: git calls such files racily clean. So
//! a selection is only noted if all its files are older, by the file system's own clock, than the moment before it
//! was made. Anything else that is not certain (another device, a system without inodes) is not noted either.

use std::fs;
use std::io::Write;
use std::path::Path;
use std::time::{Duration, SystemTime};

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use tempfile::NamedTempFile;

use super::selection::{Selection, Sort};
use super::write::{Written, hex};

const FILE: &str = "bundles.json";
/// Who made a zip. The number goes up with every change to the bytes that the same files become.
const TOOL: &str = concat!(env!("CARGO_PKG_VERSION"), " 1");
/// How many selections are noted: as many as a project has compose files.
const MOST: usize = 8;
/// The coarsest clock of a file system, FAT's, ticks this often.
const TICK: Duration = Duration::from_secs(2);

/// A moment by the clock of the file system that the files are on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Moment {
    time: SystemTime,
    device: u64,
}

#[derive(Debug, Clone, Serialize, Deserialize)]
struct Record {
    tool: String,
    selection: String,
    sha256: String,
    bytes: u64,
    files: usize,
    /// The digest of all this.
    check: String,
}

impl Moment {
    /// Now, as the file system of `folder` has it; `None` where that cannot be told.
    #[must_use]
    pub fn now(folder: &Path) -> Option<Self> {
        let metadata = tempfile::tempfile_in(folder).ok()?.metadata().ok()?;
        Some(Self {
            time: metadata.modified().ok()?,
            device: device(&metadata)?,
        })
    }
}

#[cfg(test)]
impl Moment {
    pub(super) fn later(self, by: Duration) -> Self {
        Self {
            time: self.time + by,
            ..self
        }
    }
}

/// What is noted in `folder` about the zip of a selection.
#[must_use]
pub fn known(folder: &Path, selection: &Selection) -> Option<Written> {
    let wanted = fingerprint(selection);
    let mut records = read(folder).into_iter();
    let record = records.find(|record| record.selection == wanted)?;
    Some(Written {
        sha256: record.sha256,
        bytes: record.bytes,
        files: record.files,
    })
}

/// Notes what a selection became, if it is certain that its files are still what was read. `before` is a moment
/// before the selection. A note that cannot be written is only missing later.
pub fn note(folder: &Path, before: Moment, selection: &Selection, written: &Written) {
    if !is_settled(selection, before) {
        return;
    }
    let mut record = Record {
        tool: TOOL.to_owned(),
        selection: fingerprint(selection),
        sha256: written.sha256.clone(),
        bytes: written.bytes,
        files: written.files,
        check: String::new(),
    };
    record.check = record.sum();
    let mut records = read(folder);
    records.retain(|other| other.selection != record.selection);
    records.insert(0, record);
    records.truncate(MOST);
    let written = NamedTempFile::new_in(folder).and_then(|mut file| {
        file.write_all(&serde_json::to_vec_pretty(&records)?)?;
        file.persist(folder.join(FILE))?;
        Ok(())
    });
    if written.is_err() {
        forget(folder);
    }
}

/// Forgets all notes.
pub fn forget(folder: &Path) {
    // Where it cannot be removed it cannot be written either.
    let _ = fs::remove_file(folder.join(FILE));
}

/// The notes of this tool; none where the file is damaged.
fn read(folder: &Path) -> Vec<Record> {
    let text = fs::read(folder.join(FILE)).unwrap_or_default();
    let mut records: Vec<Record> = serde_json::from_slice(&text).unwrap_or_default();
    records.retain(|record| record.tool == TOOL && record.check == record.sum());
    records
}

impl Record {
    fn sum(&self) -> String {
        let Self {
            tool,
            selection,
            sha256,
            bytes,
            files,
            ..
        } = self;
        let text = format!("{tool}\n{selection}\n{sha256}\n{bytes}\n{files}\n");
        hex(&Sha256::digest(text))
    }
}

/// Whether every file was last touched well before the moment, by the same clock.
fn is_settled(selection: &Selection, before: Moment) -> bool {
    let settled = |entry: &super::Entry| match entry.sort {
        // What is made here is part of the fingerprint itself.
        Sort::File { .. } if entry.content.is_some() => true,
        Sort::File { .. } => entry.stamp.touched().is_some_and(|(device, touched)| {
            device == before.device && touched + TICK < before.time
        }),
        Sort::Directory | Sort::Symlink { .. } => true,
    };
    selection.entries.iter().all(settled)
}

/// A digest of everything that the zip depends on, with the files' stamps instead of their content.
fn fingerprint(selection: &Selection) -> String {
    let mut hash = Sha256::new();
    for entry in &selection.entries {
        let target = match &entry.sort {
            Sort::Symlink { target } => target.as_str(),
            Sort::File { .. } | Sort::Directory => "",
        };
        let (name, mode, stamp) = (entry.name(), entry.mode(), &entry.stamp);
        // Quoted by `Debug`, so that no name can look like two fields.
        let line = format!(
            "{name:?} {mode:o} {target:?} {:?} {stamp:?}\n",
            entry.source()
        );
        hash.update(line);
        if let Some(content) = &entry.content {
            hash.update(Sha256::digest(content));
        }
    }
    hex(&hash.finalize())
}

#[cfg(unix)]
fn device(metadata: &fs::Metadata) -> Option<u64> {
    Some(std::os::unix::fs::MetadataExt::dev(metadata))
}

#[cfg(not(unix))]
fn device(_: &fs::Metadata) -> Option<u64> {
    None
}
