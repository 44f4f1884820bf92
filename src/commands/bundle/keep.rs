//! Where `beanship bundle` writes to: stdout as it comes, or a file that only gets its name once it is whole.

use std::fs::{self, File};
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::time::Duration;

use serde::Serialize;
use tempfile::{Builder, NamedTempFile};

use super::job::Job;
use crate::bundle::Written;
use crate::error::{Error, Result};
use crate::output::{Out, Report, bytes, counted};

/// What unfinished files are called.
const UNFINISHED: &str = "unfinished-";
/// An unfinished file of this age is locked, if anybody still works on it.
const OLD: Duration = Duration::from_secs(60);

/// The result.
#[derive(Debug, Serialize)]
pub(super) struct Made {
    path: PathBuf,
    sha256: String,
    bytes: u64,
    files: usize,
}

impl Report for Made {
    fn human(&self) -> String {
        format!(
            "{}: {}, {}, sha256 {}",
            self.path.display(),
            counted(self.files, "file"),
            bytes(self.bytes),
            self.sha256
        )
    }
}

/// Writes the bundle to stdout. A reader that has gone is nobody's problem.
///
/// # Errors
/// As [`Job::write`]. What was written until then is no bundle.
pub(super) fn stream(job: &Job, out: &Out) -> Result<()> {
    let mut to = Watched {
        to: out.sink(),
        gone: false,
    };
    match job.write(&mut to, out) {
        Err(_) if to.gone => Ok(()),
        written => written.map(|_| ()),
    }
}

/// Writes the bundle to a file, which is there whole or not at all.
///
/// # Errors
/// As [`Job::write`], and why the file cannot be written.
pub(super) fn write(job: &Job, path: &Path, out: &Out) -> Result<Made> {
    let unwritable = |why: &io::Error| Error::io("write", path, why);
    let written = match fs::metadata(path) {
        // A pipe or a device keeps its place.
        Ok(there) if !there.is_file() => {
            let mut to = File::options().write(true).open(path);
            job.write(to.as_mut().map_err(|why| unwritable(why))?, out)?
        }
        there => {
            // Behind a link, so that the link stays one.
            let place = there.and_then(|_| fs::canonicalize(path));
            let place = place.unwrap_or_else(|_| path.to_owned());
            whole(job, &place, out, &unwritable)?
        }
    };
    let Written {
        sha256,
        bytes,
        files,
    } = written;
    Ok(Made {
        path: path.to_owned(),
        sha256,
        bytes,
        files,
    })
}

fn whole(
    job: &Job,
    place: &Path,
    out: &Out,
    unwritable: &dyn Fn(&io::Error) -> Error,
) -> Result<Written> {
    let beside = match place.parent() {
        Some(parent) if parent != Path::new("") => parent,
        _ => Path::new("."),
    };
    // Unfinished in the tool's own folder, what a killed run leaves never gets into a bundle.
    let folder = job.own_folder().inspect(|folder| clean(folder));
    let within = |folder: &PathBuf| folder.parent().is_some_and(|root| is_below(beside, root));
    let folder = folder.filter(within).unwrap_or_else(|| beside.to_owned());
    let mut file = unfinished(&folder).map_err(|why| unwritable(&why))?;
    let written = job.write(file.as_file_mut(), out)?;
    let Err(refused) = file.persist(place) else {
        return Ok(written);
    };
    if refused.error.kind() != io::ErrorKind::CrossesDevices {
        return Err(unwritable(&refused.error));
    }
    let copied = refused.file.as_file().unlock().and_then(|()| {
        let mut from = refused.file.reopen()?;
        let mut file = unfinished(beside)?;
        io::copy(&mut from, file.as_file_mut())?;
        file.persist(place)?;
        Ok(())
    });
    copied.map_err(|why| unwritable(&why))?;
    Ok(written)
}

fn is_below(directory: &Path, root: &Path) -> bool {
    match (fs::canonicalize(directory), fs::canonicalize(root)) {
        (Ok(directory), Ok(root)) => directory.starts_with(root),
        _ => false,
    }
}

/// A new file, with the rights that any new file has.
fn unfinished(folder: &Path) -> io::Result<NamedTempFile> {
    let mut builder = Builder::new();
    builder.prefix(UNFINISHED);
    #[cfg(unix)]
    builder.permissions(std::os::unix::fs::PermissionsExt::from_mode(0o666));
    let file = builder.tempfile_in(folder)?;
    // Where files cannot be locked, what a killed run leaves may be removed too early, and that run fails.
    let _ = file.as_file().lock();
    Ok(file)
}

/// Removes what runs that were killed left, as far as that can be.
fn clean(folder: &Path) {
    let left = fs::read_dir(folder).into_iter().flatten().flatten();
    for file in left.filter(|file| file.file_name().to_string_lossy().starts_with(UNFINISHED)) {
        let modified = file.metadata().and_then(|metadata| metadata.modified());
        let is_old = modified.is_ok_and(|at| at.elapsed().is_ok_and(|age| age > OLD));
        if is_old && File::open(file.path()).is_ok_and(|file| file.try_lock().is_ok()) {
            let _ = fs::remove_file(file.path());
        }
    }
}

/// Notes when the reader has gone.
struct Watched<W> {
    to: W,
    gone: bool,
}

impl<W: Write> Write for Watched<W> {
    fn write(&mut self, data: &[u8]) -> io::Result<usize> {
        self.to.write(data).inspect_err(|why| {
            self.gone |= why.kind() == io::ErrorKind::BrokenPipe;
        })
    }

    fn flush(&mut self) -> io::Result<()> {
        self.to.flush().inspect_err(|why| {
            self.gone |= why.kind() == io::ErrorKind::BrokenPipe;
        })
    }
}
