//! What was pushed from which tree: a note in the tool's own folder, so that the deploy that comes
//! after `images push` names what was pushed by its digest.

use std::collections::BTreeMap;
use std::io::Write;
use std::path::Path;

use serde::{Deserialize, Serialize};

const FILE: &str = "images.json";

/// How many trees are noted.
const MOST: usize = 8;

/// The images that were pushed from a tree.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Pushed {
    /// The digest of the tree's bundle with the compose file as it is on the disk.
    pub bundle: String,
    /// `REPOSITORY:TAG@DIGEST` by service.
    pub images: BTreeMap<String, String>,
}

/// What is noted in `folder`, the newest first; nothing where the file is missing or damaged.
#[must_use]
pub fn read(folder: &Path) -> Vec<Pushed> {
    let bytes = std::fs::read(folder.join(FILE)).unwrap_or_default();
    serde_json::from_slice(&bytes).unwrap_or_default()
}

/// Notes what was pushed. A note that cannot be written is only missing later.
pub fn note(folder: &Path, pushed: &Pushed) {
    let mut all = read(folder);
    all.retain(|other| other.bundle != pushed.bundle);
    all.insert(0, pushed.clone());
    all.truncate(MOST);
    let write = || -> std::io::Result<()> {
        let mut file = tempfile::NamedTempFile::new_in(folder)?;
        file.write_all(&serde_json::to_vec_pretty(&all)?)?;
        file.persist(folder.join(FILE))?;
        Ok(())
    };
    let _ = write();
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_newest_note_of_a_tree_counts() {
        let folder = tempfile::tempdir().expect("a folder");
        let pushed = |bundle: usize, image: &str| Pushed {
            bundle: bundle.to_string(),
            images: [("web".to_owned(), image.to_owned())].into(),
        };
        assert!(read(folder.path()).is_empty());
        for bundle in 0..10 {
            note(folder.path(), &pushed(bundle, "a"));
        }
        note(folder.path(), &pushed(5, "b"));
        let all = read(folder.path());
        assert_eq!((all.len(), &all[0]), (MOST, &pushed(5, "b")));
        assert!(all[1..].iter().all(|it| it.bundle != "5"));
        std::fs::write(folder.path().join(FILE), "no JSON").expect("a file");
        assert!(read(folder.path()).is_empty());
    }
}
