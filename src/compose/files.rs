//! Paths of a compose file, and small files read with care.

use std::io::Read;
use std::path::Path;

/// The largest file that is looked into.
pub const LARGEST: u64 = 512 * 1024;

/// Where a path of the compose file leads.
#[derive(Debug, PartialEq, Eq)]
pub enum Below {
    /// Below the root: the path there, with `/` between names.
    Inside(String),
    /// Above the root.
    Above,
    /// An absolute path, or one of the user's home.
    Elsewhere,
}

/// Where a path leads that is relative to the compose file at the root of the bundle.
#[must_use]
pub fn below(path: &str) -> Below {
    if path.starts_with(['/', '~', '\\']) || path.get(1..2) == Some(":") {
        return Below::Elsewhere;
    }
    let mut names: Vec<&str> = Vec::new();
    for part in path.split(['/', '\\']) {
        match part {
            "" | "." => {}
            ".." => {
                if names.pop().is_none() {
                    return Below::Above;
                }
            }
            name => names.push(name),
        }
    }
    Below::Inside(names.join("/"))
}

/// A path that is relative to a directory below the root, as seen from the root.
#[must_use]
pub fn join(base: &str, path: &str) -> String {
    match below(path) {
        Below::Elsewhere => path.to_owned(),
        _ if base.is_empty() => path.to_owned(),
        _ => format!("{base}/{path}"),
    }
}

/// Whether a path is of someone's own machine.
#[must_use]
pub fn is_personal(path: &str) -> bool {
    path.starts_with(['~', '\\'])
        || path.get(1..2) == Some(":")
        || ["/home/", "/Users/", "/mnt/c/", "/Volumes/"]
            .iter()
            .any(|start| path.starts_with(start))
}

/// Whether Docker fetches it instead of reading a path.
#[must_use]
pub fn is_remote(path: &str) -> bool {
    path.contains("://")
        || path.starts_with("git@")
        || path.starts_with("github.com/")
        || path.contains(".git#")
        || path.starts_with("oci:")
}

/// The text of a small UTF-8 file.
#[must_use]
pub fn read(path: &Path) -> Option<String> {
    String::from_utf8(bytes(path).ok()?).ok()
}

/// The start of a file, one byte more than is looked into if it is larger.
///
/// # Errors
/// What the operating system says.
pub fn bytes(path: &Path) -> std::io::Result<Vec<u8>> {
    let mut content = Vec::new();
    let metadata = std::fs::metadata(path)?;
    if metadata.is_dir() {
        return Err(std::io::Error::other("it is a directory"));
    }
    // Reading a pipe would wait for whoever writes.
    if !metadata.is_file() {
        return Err(std::io::Error::other("it is no file"));
    }
    let file = std::fs::File::open(path)?;
    file.take(LARGEST + 1).read_to_end(&mut content)?;
    Ok(content)
}

/// The names in a folder below the root, sorted; nothing if there is no such folder.
#[must_use]
pub fn names(root: &Path, folder: &str) -> Vec<String> {
    let entries = std::fs::read_dir(root.join(folder))
        .into_iter()
        .flatten()
        .flatten();
    let mut names: Vec<String> = entries
        .take(1000)
        .filter_map(|entry| entry.file_name().into_string().ok())
        .collect();
    names.sort();
    names
}

/// A path that differs from this one in upper and lower case only.
#[must_use]
pub fn other_case(root: &Path, path: &str) -> Option<String> {
    let mut found = String::new();
    for part in path.split('/') {
        let names = names(root, &found);
        let exact = names.iter().find(|name| *name == part);
        let name = exact.or_else(|| names.iter().find(|name| name.eq_ignore_ascii_case(part)))?;
        if !found.is_empty() {
            found.push('/');
        }
        found.push_str(name);
    }
    (found != path).then_some(found)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_are_followed_by_their_names() {
        let inside = |path: &str| Below::Inside(path.to_owned());
        for (path, expected) in [
            ("./a/../b/", inside("b")),
            (".", inside("")),
            ("a\\b", inside("a/b")),
            ("../x", Below::Above),
            ("a/../../x", Below::Above),
            ("/etc/x", Below::Elsewhere),
            ("~/x", Below::Elsewhere),
            ("C:/x", Below::Elsewhere),
        ] {
            assert_eq!(below(path), expected, "{path}");
        }
        assert_eq!(below(&join("a/b", "../x")), inside("a/x"));
        assert_eq!(join("a", "/etc/x"), "/etc/x");
        assert_eq!(join("", "./x"), "./x");
    }
}
