//! The state directory: one JSON document a service, changed under a lock file and replaced by rename, so that several
//! processes may use one directory.

use std::fs::{self, File};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use serde::Serialize;
use serde::de::DeserializeOwned;
use tempfile::NamedTempFile;

/// The file that holds what `faults` shall do; it belongs to the user, so it survives a reset.
pub(super) const TROUBLE_FILE: &str = "trouble.yml";

#[derive(Debug, Clone)]
pub(super) struct Store {
    directory: PathBuf,
}

impl Store {
    /// Opens the state in `directory`, making the directory when it is missing.
    pub(super) fn open(directory: &Path) -> io::Result<Self> {
        fs::create_dir_all(directory)?;
        Ok(Self {
            directory: directory.to_owned(),
        })
    }

    /// A path inside the state directory.
    pub(super) fn path(&self, name: &str) -> PathBuf {
        self.directory.join(name)
    }

    /// Reads the document `name` (its default when there is none), lets `change` work on it and writes it back when it
    /// differs. Nobody else sees or changes the document meanwhile.
    pub(super) fn update<T, R>(&self, name: &str, change: impl FnOnce(&mut T) -> R) -> io::Result<R>
    where
        T: Default + Serialize + DeserializeOwned,
    {
        let _lock = self.lock(name)?;
        let path = self.path(&format!("{name}.json"));
        let before = read(&path)?;
        let mut document = match &before {
            Some(bytes) => parse(&path, bytes)?,
            None => T::default(),
        };
        let result = change(&mut document);
        let after = serde_json::to_vec_pretty(&document)?;
        if before.as_deref() != Some(&after) {
            replace(&path, &after)?;
        }
        Ok(result)
    }

    /// Reads the document `name` without a lock: a rename is atomic, so what is read is whole.
    pub(super) fn read<T: Default + DeserializeOwned>(&self, name: &str) -> io::Result<T> {
        let path = self.path(&format!("{name}.json"));
        read(&path)?.map_or_else(|| Ok(T::default()), |bytes| parse(&path, &bytes))
    }

    /// Removes the document `name`, if there is one and that can be done.
    pub(super) fn forget(&self, name: &str) {
        let _ = fs::remove_file(self.path(&format!("{name}.json")));
    }

    /// Holds the lock of `name` until the file is dropped.
    fn lock(&self, name: &str) -> io::Result<File> {
        let path = self.path(&format!("{name}.lock"));
        if let Some(parent) = path.parent() {
            fs::create_dir_all(parent)?;
        }
        let file = File::options()
            .create(true)
            .truncate(false)
            .write(true)
            .open(path)?;
        file.lock()?;
        Ok(file)
    }
}

/// Removes everything but the user's own [`TROUBLE_FILE`].
pub(super) fn clear(directory: &Path) -> io::Result<()> {
    let entries = match fs::read_dir(directory) {
        Ok(entries) => entries,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
        Err(error) => return Err(error),
    };
    for entry in entries {
        let entry = entry?;
        if entry.file_name() == TROUBLE_FILE {
            continue;
        }
        if entry.file_type()?.is_dir() {
            fs::remove_dir_all(entry.path())?;
        } else {
            fs::remove_file(entry.path())?;
        }
    }
    Ok(())
}

fn read(path: &Path) -> io::Result<Option<Vec<u8>>> {
    match fs::read(path) {
        Ok(bytes) => Ok(Some(bytes)),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error),
    }
}

fn parse<T: DeserializeOwned>(path: &Path, bytes: &[u8]) -> io::Result<T> {
    serde_json::from_slice(bytes).map_err(|error| {
        io::Error::new(
            io::ErrorKind::InvalidData,
            format!("{}: {error}", path.display()),
        )
    })
}

fn replace(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let directory = path.parent().unwrap_or_else(|| Path::new("."));
    let mut file = NamedTempFile::new_in(directory)?;
    file.write_all(bytes)?;
    file.persist(path)?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_document_survives_and_a_reset_keeps_only_the_trouble_file() {
        let directory = tempfile::tempdir().unwrap();
        let store = Store::open(directory.path()).unwrap();
        store
            .update("counts", |counts: &mut Vec<u32>| counts.push(7))
            .unwrap();
        store
            .update("counts", |counts: &mut Vec<u32>| counts.push(8))
            .unwrap();
        assert_eq!(store.read::<Vec<u32>>("counts").unwrap(), [7, 8]);

        fs::write(store.path(TROUBLE_FILE), "speed: 2").unwrap();
        clear(directory.path()).unwrap();
        let left: Vec<_> = fs::read_dir(directory.path())
            .unwrap()
            .map(|entry| entry.unwrap().file_name())
            .collect();
        assert_eq!(left, [TROUBLE_FILE]);
    }

    #[test]
    fn threads_do_not_lose_each_others_changes() {
        let directory = tempfile::tempdir().unwrap();
        let store = Store::open(directory.path()).unwrap();
        std::thread::scope(|scope| {
            for _ in 0..4 {
                scope.spawn(|| {
                    for _ in 0..10 {
                        store
                            .update("count", |count: &mut u32| *count += 1)
                            .unwrap();
                    }
                });
            }
        });
        assert_eq!(store.read::<u32>("count").unwrap(), 40);
    }
}
