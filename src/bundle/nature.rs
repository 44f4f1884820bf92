//! What an entry of a directory is: the only place that knows how platforms differ in modes, links
//! and special files.

use std::fs::{self, FileType, Metadata};
use std::io;
use std::path::{Component, Path, PathBuf};

use super::note::{Note, Special};
use super::selection::Stamp;
use crate::error::{Error, Kind, Result};

/// What an entry of a directory is.
pub(super) enum Nature {
    File {
        executable: bool,
        stamp: Stamp,
    },
    Directory {
        /// Its real path, where links are followed.
        real: Option<PathBuf>,
    },
    Symlink {
        target: String,
    },
    Special(Special),
}

/// Finds out what `path`, below `root`, is. `trail` holds the real paths of the directories on the
/// way to it, the root's first.
pub(super) fn of(
    root: &Path,
    path: &Path,
    kind: FileType,
    follow: bool,
    trail: &[PathBuf],
    notes: &mut Vec<Note>,
) -> Result<Nature> {
    let place = root.join(path);
    if kind.is_dir() {
        let real = follow.then(|| fs::canonicalize(&place)).transpose();
        let real = real.map_err(|error| Error::io("read the directory", &place, &error))?;
        Ok(Nature::Directory { real })
    } else if kind.is_file() {
        let metadata = fs::symlink_metadata(&place);
        Ok(file(
            &metadata.map_err(|error| Error::io("read", &place, &error))?,
        ))
    } else if kind.is_symlink() {
        let target = link_target(&place, path)?;
        if follow {
            followed(&place, path, target, trail, notes)
        } else {
            Ok(kept(path, target, notes))
        }
    } else {
        Ok(Nature::Special(special(kind)))
    }
}

fn file(metadata: &Metadata) -> Nature {
    #[cfg(unix)]
    let executable = std::os::unix::fs::PermissionsExt::mode(&metadata.permissions()) & 0o100 != 0;
    #[cfg(not(unix))]
    let executable = false;
    Nature::File {
        executable,
        stamp: Stamp::of(metadata),
    }
}

fn special(kind: FileType) -> Special {
    #[cfg(unix)]
    {
        use std::os::unix::fs::FileTypeExt;
        if kind.is_socket() {
            return Special::Socket;
        }
        if kind.is_fifo() {
            return Special::Fifo;
        }
        if kind.is_block_device() || kind.is_char_device() {
            return Special::Device;
        }
    }
    let _ = kind;
    Special::Other
}

fn link_target(place: &Path, path: &Path) -> Result<String> {
    let target = fs::read_link(place).map_err(|error| Error::io("read the link", place, &error))?;
    match target.to_str() {
        Some(target) if cfg!(windows) => Ok(target.replace('\\', "/")),
        Some(target) => Ok(target.to_owned()),
        None => Err(Error::new(
            Kind::Bundle,
            format!(
                "cannot bundle the link {}: its target {} is not UTF-8",
                path.display(),
                target.to_string_lossy()
            ),
        )
        .hint("rename the target, or leave the link out with a pattern under `bundle.exclude`")),
    }
}

fn kept(path: &Path, target: String, notes: &mut Vec<Note>) -> Nature {
    if leaves(path, &target) {
        let path = path.to_string_lossy().into_owned();
        notes.push(Note::LinkLeaves {
            path,
            target: target.clone(),
            followed: false,
        });
    }
    Nature::Symlink { target }
}

/// Whether a link at `path` points above the root, going by the names alone.
fn leaves(path: &Path, target: &str) -> bool {
    let mut depth = path.components().count() - 1;
    for component in Path::new(target).components() {
        match component {
            Component::Prefix(_) | Component::RootDir => return true,
            Component::CurDir => {}
            Component::Normal(_) => depth += 1,
            Component::ParentDir if depth == 0 => return true,
            Component::ParentDir => depth -= 1,
        }
    }
    false
}

fn followed(
    place: &Path,
    path: &Path,
    target: String,
    trail: &[PathBuf],
    notes: &mut Vec<Note>,
) -> Result<Nature> {
    let name = || path.to_string_lossy().into_owned();
    let Ok(real) = fs::canonicalize(place) else {
        notes.push(Note::LinkKept {
            path: name(),
            target: target.clone(),
            loops: false,
        });
        return Ok(Nature::Symlink { target });
    };
    let metadata = fs::metadata(&real).map_err(|error| Error::io("read", place, &error))?;
    if metadata.is_dir() && trail.contains(&real) {
        notes.push(Note::LinkKept {
            path: name(),
            target: target.clone(),
            loops: true,
        });
        return Ok(Nature::Symlink { target });
    }
    if trail.first().is_some_and(|root| !real.starts_with(root)) {
        notes.push(Note::LinkLeaves {
            path: name(),
            target,
            followed: true,
        });
    }
    Ok(if metadata.is_dir() {
        Nature::Directory { real: Some(real) }
    } else if metadata.is_file() {
        file(&metadata)
    } else {
        Nature::Special(special(metadata.file_type()))
    })
}

/// Whether a script has lines that end as on Windows; a binary has no lines.
pub(super) fn has_windows_line_ends(script: &Path) -> io::Result<bool> {
    let content = fs::read(script)?;
    Ok(!content.contains(&0) && content.windows(2).any(|pair| pair == b"\r\n"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_link_leaves_when_its_names_climb_above_the_root() {
        let table = [
            ("a", "b", false),
            ("a", "../b", true),
            ("x/a", "../b", false),
            ("x/a", "../../b", true),
            ("x/y/a", "../../z/../b", false),
            ("x/a", "/etc/hosts", true),
            ("x/a", "./y/../../..", true),
        ];
        for (path, target, expected) in table {
            assert_eq!(
                leaves(Path::new(path), target),
                expected,
                "{path} -> {target}"
            );
        }
    }
}
