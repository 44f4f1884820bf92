//! Buckets and objects on disk: a bucket is a folder with an index of its keys, and each object's bytes are a file with a
//! name of its own. A new object is written beside the old one and takes its place in the index, so readers never see half
//! an object and no key has to be a file name. Everything here blocks shortly; Elastic Beanstalk uses it too.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io;
use std::path::PathBuf;

use jiff::Timestamp;
use s3s::crypto::{Checksum, Md5};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::super::account::{LOWER, random};
use super::super::state::Store;

const BUCKETS: &str = "s3/buckets";

pub(in super::super) struct Storage {
    store: Store,
}

#[derive(Debug, Clone, Serialize, Deserialize)]
pub(in super::super) struct Bucket {
    pub(in super::super) region: String,
    pub(super) created: Timestamp,
    /// Policy, encryption, tags and the like, as they were put.
    pub(super) configuration: BTreeMap<String, Value>,
}

#[derive(Debug, Clone, Serialize, Deserialize)]
pub(in super::super) struct Object {
    /// The name of the file with its bytes.
    pub(super) file: String,
    pub(in super::super) size: u64,
    pub(super) etag: String,
    pub(super) modified: Timestamp,
    pub(super) head: Head,
    #[serde(default)]
    pub(super) sums: Sums,
}

/// What the client says about an object, and gets back with it.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub(super) struct Head {
    pub(super) content_type: Option<String>,
    pub(super) content_encoding: Option<String>,
    pub(super) content_disposition: Option<String>,
    pub(super) content_language: Option<String>,
    pub(super) cache_control: Option<String>,
    /// How it is encrypted, where the client says so.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) encryption: Option<Encryption>,
    pub(super) metadata: BTreeMap<String, String>,
}

/// An encryption and, with KMS, its key.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct Encryption {
    pub(super) algorithm: String,
    pub(super) key: Option<String>,
}

/// Checksums of the whole object in base64.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Sums {
    pub(super) crc32: Option<String>,
    pub(super) crc32c: Option<String>,
    pub(super) crc64nvme: Option<String>,
    pub(super) sha1: Option<String>,
    pub(super) sha256: Option<String>,
}

pub(super) type Index = BTreeMap<String, Object>;

#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct Upload {
    pub(super) key: String,
    pub(super) created: Timestamp,
    pub(super) head: Head,
    /// The algorithm of the parts' checksums, where the client names one.
    #[serde(default)]
    pub(super) algorithm: Option<String>,
    pub(super) parts: BTreeMap<i32, Part>,
}

#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct Part {
    pub(super) file: String,
    pub(super) size: u64,
    pub(super) etag: String,
    pub(super) modified: Timestamp,
    #[serde(default)]
    pub(super) sums: Sums,
}

pub(super) type Uploads = BTreeMap<String, Upload>;

/// Why a bucket was not made or not removed.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Refusal {
    Exists(String),
    NotEmpty,
}

impl Storage {
    pub(in super::super) fn open(store: &Store) -> io::Result<Self> {
        fs::create_dir_all(store.path("s3"))?;
        Ok(Self {
            store: store.clone(),
        })
    }

    pub(super) fn buckets(&self) -> io::Result<BTreeMap<String, Bucket>> {
        self.store.read(BUCKETS)
    }

    pub(in super::super) fn bucket(&self, name: &str) -> io::Result<Option<Bucket>> {
        Ok(self.buckets()?.remove(name))
    }

    /// Makes a bucket; the error says in which region the existing one is.
    pub(super) fn create(&self, name: &str, region: &str) -> io::Result<Result<(), Refusal>> {
        fs::create_dir_all(self.store.path(&format!("s3/{name}/data")))?;
        self.store
            .update(BUCKETS, |buckets: &mut BTreeMap<String, Bucket>| {
                if let Some(bucket) = buckets.get(name) {
                    return Err(Refusal::Exists(bucket.region.clone()));
                }
                let bucket = Bucket {
                    region: region.to_owned(),
                    created: Timestamp::now(),
                    configuration: BTreeMap::new(),
                };
                buckets.insert(name.to_owned(), bucket);
                Ok(())
            })
    }

    /// Makes a bucket with a policy unless it exists.
    pub(in super::super) fn ensure(
        &self,
        name: &str,
        region: &str,
        policy: &Value,
    ) -> io::Result<()> {
        if self.create(name, region)?.is_ok() {
            self.configure(name, "policy", Some(Value::String(policy.to_string())))?;
        }
        Ok(())
    }

    pub(super) fn delete(&self, name: &str) -> io::Result<Result<(), Refusal>> {
        let gone = self
            .store
            .update(BUCKETS, |buckets: &mut BTreeMap<String, Bucket>| {
                if !self.objects(name)?.is_empty() {
                    return Ok(Err(Refusal::NotEmpty));
                }
                buckets.remove(name);
                io::Result::Ok(Ok(()))
            })??;
        if gone.is_ok() {
            fs::remove_dir_all(self.store.path(&format!("s3/{name}")))?;
        }
        Ok(gone)
    }

    /// Puts or removes a part of a bucket's configuration.
    pub(super) fn configure(
        &self,
        bucket: &str,
        part: &str,
        value: Option<Value>,
    ) -> io::Result<()> {
        self.store
            .update(BUCKETS, |buckets: &mut BTreeMap<String, Bucket>| {
                let Some(bucket) = buckets.get_mut(bucket) else {
                    return;
                };
                match value {
                    Some(value) => bucket.configuration.insert(part.to_owned(), value),
                    None => bucket.configuration.remove(part),
                };
            })
    }

    pub(super) fn objects(&self, bucket: &str) -> io::Result<Index> {
        self.store.read(&format!("s3/{bucket}/objects"))
    }

    pub(in super::super) fn object(&self, bucket: &str, key: &str) -> io::Result<Option<Object>> {
        Ok(self.objects(bucket)?.remove(key))
    }

    /// Changes the index of a bucket and removes the files that no key needs any more.
    pub(super) fn index<R>(
        &self,
        bucket: &str,
        change: impl FnOnce(&mut Index, &mut Vec<String>) -> R,
    ) -> io::Result<R> {
        let mut unused = Vec::new();
        let result = self
            .store
            .update(&format!("s3/{bucket}/objects"), |index: &mut Index| {
                change(index, &mut unused)
            })?;
        self.discard(bucket, &unused);
        Ok(result)
    }

    pub(super) fn uploads<R>(
        &self,
        bucket: &str,
        change: impl FnOnce(&mut Uploads) -> R,
    ) -> io::Result<R> {
        self.store.update(&format!("s3/{bucket}/uploads"), change)
    }

    /// Removes files; one that is still being read stays on systems that do not let go of open files.
    pub(super) fn discard(&self, bucket: &str, files: &[String]) {
        for file in files {
            let _ = fs::remove_file(self.data(bucket, file));
        }
    }

    /// The folder of the bytes, and a new name in it.
    pub(super) fn place(&self, bucket: &str) -> (PathBuf, String) {
        (
            self.store.path(&format!("s3/{bucket}/data")),
            random(LOWER, 24),
        )
    }

    pub(super) fn data(&self, bucket: &str, file: &str) -> PathBuf {
        self.store.path(&format!("s3/{bucket}/data/{file}"))
    }

    /// Opens an object for reading; `None` when bucket or key do not exist.
    pub(in super::super) fn read(&self, bucket: &str, key: &str) -> io::Result<Option<File>> {
        match self.object(bucket, key)? {
            Some(object) => File::open(self.data(bucket, &object.file)).map(Some),
            None => Ok(None),
        }
    }

    /// Puts a small object, as services do for their customers.
    pub(in super::super) fn write(
        &self,
        bucket: &str,
        key: &str,
        bytes: &[u8],
        content_type: &str,
    ) -> io::Result<()> {
        let (folder, file) = self.place(bucket);
        fs::create_dir_all(&folder)?;
        fs::write(folder.join(&file), bytes)?;
        let object = Object {
            file,
            size: bytes.len() as u64,
            etag: hex(Md5::checksum(bytes).as_ref()),
            modified: Timestamp::now(),
            head: Head {
                content_type: Some(content_type.to_owned()),
                ..Head::default()
            },
            sums: Sums::default(),
        };
        self.index(bucket, |index, unused| {
            unused.extend(index.insert(key.to_owned(), object).map(|old| old.file));
        })
    }

    /// Removes an object; whether there was one.
    pub(in super::super) fn remove(&self, bucket: &str, key: &str) -> io::Result<bool> {
        self.index(bucket, |index, unused| {
            let old = index.remove(key);
            unused.extend(old.iter().map(|old| old.file.clone()));
            old.is_some()
        })
    }
}

/// Lower-case hexadecimal, as in ETags.
pub(super) fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}
