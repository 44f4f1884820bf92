//! A note about the upload in parts that is under way, for the run that comes after one that was killed.
//!
//! S3 does not tell what an unfinished upload is going to be, so only an upload that this machine began for the same
//! bytes, place and encryption is gone on with.

use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};
use tempfile::NamedTempFile;

use super::Upload;
use crate::deploy::bucket::Encryption;

/// In the tool's own folder. There is one; a later upload takes its place.
const FILE: &str = "upload.json";

/// What an upload in parts is for.
#[derive(Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Record {
    id: String,
    bucket: String,
    key: String,
    owner: String,
    sha256: String,
    bytes: u64,
    part: u64,
    encryption: Option<Encryption>,
}

impl Record {
    /// The upload with this id, in parts of this size.
    pub(super) fn of(upload: &Upload, id: &str, part: u64) -> Self {
        Self {
            id: id.to_owned(),
            bucket: upload.bucket.clone(),
            key: upload.key.clone(),
            owner: upload.owner.clone(),
            sha256: upload.sha256.clone(),
            bytes: upload.bytes,
            part,
            encryption: upload.encryption.clone(),
        }
    }

    /// Notes it. Without a note nothing is gone on with later, so that failing is no error.
    pub(super) fn write(&self, folder: &Path) {
        let written = NamedTempFile::new_in(folder).and_then(|mut file| {
            file.write_all(&serde_json::to_vec(self)?)?;
            file.persist(place(folder))?;
            Ok(())
        });
        if written.is_err() {
            remove(folder);
        }
    }
}

/// The id of an upload that was begun for the very same object.
pub(super) fn begun(upload: &Upload, part: u64) -> Option<String> {
    let text = fs::read(place(upload.zip.folder()?)).ok()?;
    let record: Record = serde_json::from_slice(&text).ok()?;
    let same = record == Record::of(upload, &record.id, part);
    same.then_some(record.id)
}

/// Forgets it.
pub(super) fn remove(folder: &Path) {
    // What stays is only looked at by an upload of the same object, and found to be over.
    let _ = fs::remove_file(place(folder));
}

fn place(folder: &Path) -> PathBuf {
    folder.join(FILE)
}
