//! Keeps whole logs under `.beanship/logs/<environment>/`, readable for their owner only: they
//! hold what the app wrote, secrets included.

use std::fs::{File, OpenOptions};
use std::path::{Path, PathBuf};

use jiff::Timestamp;

use crate::error::{Error, Result};

/// Makes a new file for an instance's logs: `<UTC time>-<instance>.<ending>`.
///
/// # Errors
/// [`crate::error::Kind::Io`].
pub fn create(
    folder: &Path,
    at: Timestamp,
    instance: &str,
    ending: &str,
) -> Result<(PathBuf, File)> {
    std::fs::create_dir_all(folder).map_err(|why| Error::io("make", folder, &why))?;
    let stamp = at.strftime("%Y%m%dT%H%M%SZ");
    // The id comes from the service; it must not lead anywhere else.
    let instance: String = instance
        .chars()
        .filter(|char| char.is_ascii_alphanumeric() || *char == '-')
        .collect();
    let path = folder.join(format!("{stamp}-{instance}.{ending}"));
    let mut options = OpenOptions::new();
    options.write(true).create(true).truncate(true);
    #[cfg(unix)]
    {
        use std::os::unix::fs::OpenOptionsExt;
        options.mode(0o600);
    }
    let file = options
        .open(&path)
        .map_err(|why| Error::io("write", &path, &why))?;
    Ok((path, file))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn logs_are_for_their_owner_and_stay_in_their_folder() {
        let root = tempfile::tempdir().expect("a directory");
        let at = "2026-11-21T10:00:00Z".parse().expect("a time");
        let (path, _) = create(&root.path().join("shop"), at, "../i-1", "log").expect("a file");
        assert!(
            path.ends_with("shop/20261121T100000Z-i-1.log"),
            "{}",
            path.display()
        );
        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt;
            let mode = path.metadata().expect("metadata").permissions().mode();
            assert_eq!(mode & 0o777, 0o600);
        }
    }
}
