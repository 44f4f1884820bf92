//! What differs between the bundle an environment runs and the tree's. Pure.

use serde::Serialize;

use super::contents::{Contents, File};

/// What differs.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Differences {
    /// Files that only the tree has.
    pub added: Vec<Sized>,
    /// Files that only the deployed bundle has.
    pub removed: Vec<Sized>,
    /// Files that both have, with another content or mode.
    pub changed: Vec<Changed>,
    /// How many files are the same.
    pub same: usize,
}

/// A file and its size.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Sized {
    /// Its path in the bundle.
    pub path: String,
    /// Its size.
    pub bytes: u64,
}

/// A file that differs.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Changed {
    /// Its path in the bundle.
    pub path: String,
    /// Whether its content differs.
    pub content: bool,
    /// Its size in the deployed bundle.
    pub bytes_before: u64,
    /// Its size in the tree.
    pub bytes: u64,
    /// Its mode in the deployed bundle, where it differs: `644`.
    pub mode_before: Option<String>,
    /// Its mode in the tree, where it differs.
    pub mode: Option<String>,
}

impl Differences {
    /// Compares the deployed bundle with the tree's: names, sizes, checksums, and modes where
    /// both bundles have them.
    #[must_use]
    pub fn between(deployed: &Contents, tree: &Contents) -> Self {
        let mut found = Self::default();
        for (path, file) in &tree.files {
            let sized = || Sized {
                path: path.clone(),
                bytes: file.bytes,
            };
            match deployed.files.get(path) {
                None => found.added.push(sized()),
                Some(before) => match changed(path, before, file) {
                    Some(changed) => found.changed.push(changed),
                    None => found.same += 1,
                },
            }
        }
        let gone = |(path, _): &(&String, &File)| !tree.files.contains_key(*path);
        let removed = deployed
            .files
            .iter()
            .filter(gone)
            .map(|(path, file)| Sized {
                path: path.clone(),
                bytes: file.bytes,
            });
        found.removed = removed.collect();
        found
    }

    /// Whether nothing differs.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.added.is_empty() && self.removed.is_empty() && self.changed.is_empty()
    }
}

fn changed(path: &str, before: &File, now: &File) -> Option<Changed> {
    let content = (before.bytes, before.crc32) != (now.bytes, now.crc32);
    let modes = before
        .mode
        .zip(now.mode)
        .filter(|(before, now)| before != now);
    (content || modes.is_some()).then(|| Changed {
        path: path.to_owned(),
        content,
        bytes_before: before.bytes,
        bytes: now.bytes,
        mode_before: modes.map(|(before, _)| words(before)),
        mode: modes.map(|(_, now)| words(now)),
    })
}

/// A mode as people write it: the permissions, and the type where it is no plain file.
fn words(mode: u32) -> String {
    let permissions = mode & 0o7777;
    match mode & 0o170_000 {
        0o120_000 => "link".into(),
        _ => format!("{permissions:o}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn contents(files: &[(&str, u64, u32, u32)]) -> Contents {
        let file = |(name, bytes, crc32, mode): &(&str, u64, u32, u32)| {
            let mode = Some(*mode).filter(|mode| *mode != 0);
            let (bytes, crc32) = (*bytes, *crc32);
            ((*name).to_owned(), File { bytes, crc32, mode })
        };
        Contents {
            files: files.iter().map(file).collect(),
            bytes: 0,
        }
    }

    #[test]
    fn names_sizes_checksums_and_modes_are_compared() {
        let deployed = contents(&[
            ("same", 1, 1, 0o100_644),
            ("no-mode", 1, 1, 0),
            ("size", 1, 1, 0o100_644),
            ("content", 1, 1, 0o100_644),
            ("mode", 1, 1, 0o100_644),
            ("link", 1, 1, 0o120_777),
            ("gone", 7, 1, 0o100_644),
        ]);
        let tree = contents(&[
            ("same", 1, 1, 0o100_644),
            ("no-mode", 1, 1, 0o100_644),
            ("size", 2, 1, 0o100_644),
            ("content", 1, 2, 0o100_644),
            ("mode", 1, 1, 0o100_755),
            ("link", 1, 1, 0o100_644),
            ("new", 9, 1, 0o100_644),
        ]);
        let found = Differences::between(&deployed, &tree);
        let told = |changed: &Changed| {
            let mode = |mode: &Option<String>| mode.clone().unwrap_or_default();
            let content = if changed.content { "content" } else { "" };
            let modes = format!("{}>{}", mode(&changed.mode_before), mode(&changed.mode));
            format!("~ {} {content} {modes}", changed.path)
        };
        let added = found
            .added
            .iter()
            .map(|file| format!("+ {} {}", file.path, file.bytes));
        let removed = found
            .removed
            .iter()
            .map(|file| format!("- {} {}", file.path, file.bytes));
        let lines: Vec<_> = added
            .chain(removed)
            .chain(found.changed.iter().map(told))
            .collect();
        insta::assert_snapshot!(lines.join("\n"), @"
        + new 9
        - gone 7
        ~ content content >
        ~ link  link>644
        ~ mode  644>755
        ~ size content >
        ");
        assert_eq!(found.same, 2);
        assert!(Differences::between(&tree, &tree).is_empty());
    }
}
