//! The zip of a bundle on this machine. It has no name on the disk, so that nothing is left of it however the command
//! ends, and it is only made once somebody needs its bytes.

use std::fmt;
use std::fs::File;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use crate::error::Result;

/// Makes the zip.
type Make = dyn Fn() -> Result<File> + Send + Sync;

/// A zip that is there, or can be made. Clones share it.
#[derive(Clone)]
pub struct Zip(Arc<Inner>);

struct Inner {
    file: Mutex<Option<Arc<File>>>,
    make: Option<Box<Make>>,
    folder: Option<PathBuf>,
}

impl Zip {
    /// A zip that is there. `folder` is the tool's own, for notes about it; none where there is no such folder.
    #[must_use]
    pub fn made(file: File, folder: Option<PathBuf>) -> Self {
        let file = Mutex::new(Some(Arc::new(file)));
        Self(Arc::new(Inner {
            file,
            make: None,
            folder,
        }))
    }

    /// A zip that is made when it is first asked for.
    #[must_use]
    pub fn later(
        make: impl Fn() -> Result<File> + Send + Sync + 'static,
        folder: Option<PathBuf>,
    ) -> Self {
        Self(Arc::new(Inner {
            file: Mutex::default(),
            make: Some(Box::new(make)),
            folder,
        }))
    }

    /// The zip; makes it if need be, which takes its time on this thread.
    ///
    /// # Errors
    /// Why it cannot be made.
    pub fn file(&self) -> Result<Arc<File>> {
        let mut file = self.0.file.lock().unwrap_or_else(PoisonError::into_inner);
        match (&*file, &self.0.make) {
            (Some(there), _) => Ok(Arc::clone(there)),
            (None, Some(make)) => Ok(Arc::clone(file.insert(Arc::new(make()?)))),
            (None, None) => unreachable!("a zip is there or can be made"),
        }
    }

    /// The tool's own folder.
    #[must_use]
    pub fn folder(&self) -> Option<&Path> {
        self.0.folder.as_deref()
    }
}

impl fmt::Debug for Zip {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Zip").finish_non_exhaustive()
    }
}

impl PartialEq for Zip {
    fn eq(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.0, &other.0)
    }
}

impl Eq for Zip {}

/// Reads exactly as much as `buffer` holds, from `at` on, whoever else reads the file.
///
/// # Errors
/// What the operating system says; a file that ends before among it.
pub fn read_at(file: &File, mut buffer: &mut [u8], mut at: u64) -> io::Result<()> {
    while !buffer.is_empty() {
        #[cfg(unix)]
        let read = std::os::unix::fs::FileExt::read_at(file, buffer, at);
        #[cfg(windows)]
        let read = std::os::windows::fs::FileExt::seek_read(file, buffer, at);
        match read {
            Ok(0) => return Err(io::ErrorKind::UnexpectedEof.into()),
            Ok(read) => {
                buffer = &mut buffer[read..];
                at += read as u64;
            }
            Err(why) if why.kind() == io::ErrorKind::Interrupted => {}
            Err(why) => return Err(why),
        }
    }
    Ok(())
}
