//! Short fingerprints that tell whether two values are the same without telling the values: keyed,
//! so that nobody can try values against them without this machine's key.

use std::path::Path;

use hmac::{Hmac, KeyInit, Mac};
use rand::RngExt;
use sha2::Sha256;

use super::Value;
use crate::error::{Error, Result};

/// The file with the key, in the tool's own folder.
const FILE: &str = "fingerprint.key";

/// The key of this machine's fingerprints.
pub struct Key([u8; 32]);

impl Key {
    /// Reads the key in the tool's own folder; makes it where there is none.
    ///
    /// # Errors
    /// [`crate::error::Kind::Io`].
    pub fn open(folder: &Path) -> Result<Self> {
        let path = folder.join(FILE);
        let kept = std::fs::read(&path).ok();
        if let Some(key) = kept.and_then(|bytes| bytes.try_into().ok()) {
            return Ok(Self(key));
        }
        let key: [u8; 32] = rand::rng().random();
        let mut file = tempfile::NamedTempFile::new_in(folder)
            .map_err(|why| Error::io("write", &path, &why))?;
        std::io::Write::write_all(&mut file, &key)
            .map_err(|why| Error::io("write", &path, &why))?;
        file.persist(&path)
            .map_err(|why| Error::io("write", &path, &why.error))?;
        Ok(Self(key))
    }

    /// Eight hexadecimal digits.
    #[must_use]
    pub fn fingerprint(&self, value: &Value) -> String {
        let mut mac = Hmac::<Sha256>::new_from_slice(&self.0).expect("a key of any length");
        mac.update(value.expose().as_bytes());
        let bytes = mac.finalize().into_bytes();
        bytes
            .iter()
            .take(4)
            .map(|byte| format!("{byte:02x}"))
            .collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fingerprints_are_the_same_for_the_same_value_and_key_only() {
        let (one, other) = (
            tempfile::tempdir().expect("a"),
            tempfile::tempdir().expect("b"),
        );
        let of = |folder: &Path, text: &str| {
            let key = Key::open(folder).expect("a key");
            key.fingerprint(&Value::new(text))
        };
        let first = of(one.path(), "hunter2");
        assert_eq!(first, of(one.path(), "hunter2"));
        assert_ne!(first, of(one.path(), "hunter3"));
        assert_ne!(first, of(other.path(), "hunter2"));
        assert_eq!(first.len(), 8);
    }
}
