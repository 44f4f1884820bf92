//! Files with secrets that beanship wrote for its user, such as an access key: wherever they were
//! put, they go into no bundle. Their names stand in `.beanship/kept-out`, one a line.

use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};

use super::{OWN_FOLDER, own_folder};

const FILE: &str = "kept-out";

/// Notes a file, given as seen from the working directory. One outside of the project needs no
/// note.
pub(super) fn add(root: &Path, path: &Path) {
    // It need not be there yet.
    let folder = path.parent().filter(|it| !it.as_os_str().is_empty());
    let folder = fs::canonicalize(folder.unwrap_or(Path::new(".")));
    let (Ok(folder), Ok(top), Some(name)) = (folder, fs::canonicalize(root), path.file_name())
    else {
        return;
    };
    let path = folder.join(name);
    let Ok(inside) = path.strip_prefix(top) else {
        return;
    };
    let known = read(root).contains(&root.join(inside));
    if let (false, Ok(folder)) = (known, own_folder(root)) {
        let mut options = fs::OpenOptions::new();
        let file = options.create(true).append(true).open(folder.join(FILE));
        // `check` warns of a file with keys all the same.
        let _ = file.and_then(|mut file| writeln!(file, "{}", inside.display()));
    }
}

/// The files that were noted.
pub(super) fn read(root: &Path) -> Vec<PathBuf> {
    let path = root.join(OWN_FOLDER).join(FILE);
    let text = fs::read_to_string(path).unwrap_or_default();
    text.lines().map(|line| root.join(line)).collect()
}
