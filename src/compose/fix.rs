//! Puts right what is certain, in place: only the bytes that are wrong change, so comments and
//! layout stay. What was put right is judged again, as one repair can bring the next to light.

use std::collections::BTreeMap;
use std::ops::Range;
use std::path::Path;

use super::finding::{Finding, Repair};
use super::model::Surroundings;
use super::{Verdict, files, lint};
use crate::error::{Error, Result};

/// How often a file is judged again; each round must put something right.
const ROUNDS: usize = 5;

/// Repairs the files on the disk, and judges what is left.
///
/// # Errors
/// For a file that cannot be written.
pub fn apply(around: &Surroundings<'_>) -> Result<(Verdict, Vec<Finding>)> {
    let mut done: Vec<Finding> = Vec::new();
    let mut verdict = lint(around);
    for _ in 0..ROUNDS {
        let found = verdict
            .findings
            .iter()
            .filter(|finding| finding.repair.is_some());
        let repaired = round(around, found)?;
        if repaired.is_empty() {
            break;
        }
        done.extend(repaired);
        verdict = lint(around);
    }
    Ok((verdict, done))
}

fn round<'a>(
    around: &Surroundings<'_>,
    found: impl Iterator<Item = &'a Finding>,
) -> Result<Vec<Finding>> {
    let mut repaired = Vec::new();
    let mut files: BTreeMap<&str, Vec<(Range<usize>, String)>> = BTreeMap::new();
    for finding in found {
        let edits = files.entry(&finding.file).or_default();
        match &finding.repair {
            Some(Repair::Edit(own)) if own.iter().all(|(range, _)| is_free(edits, range)) => {
                edits.extend(own.iter().cloned());
                repaired.push(finding.clone());
            }
            Some(Repair::UnixLines(path)) => {
                unix_lines(&around.root.join(path))?;
                repaired.push(finding.clone());
            }
            Some(Repair::Runnable(path)) if runnable(&around.root.join(path))? => {
                repaired.push(finding.clone());
            }
            Some(Repair::Edit(_) | Repair::Runnable(_)) | None => {}
        }
    }
    for (file, edits) in files {
        if edits.is_empty() {
            continue;
        }
        let path = around.root.join(file);
        let text = std::fs::read_to_string(&path).map_err(|why| Error::io("read", &path, &why))?;
        write(&path, edited(&text, edits).as_bytes())?;
    }
    Ok(repaired)
}

/// Whether no other edit is about the same bytes.
fn is_free(edits: &[(Range<usize>, String)], range: &Range<usize>) -> bool {
    edits.iter().all(|(other, _)| {
        let apart = range.end < other.start || other.end < range.start;
        let beside = (range.end == other.start || other.end == range.start)
            && !range.is_empty()
            && !other.is_empty();
        apart || beside
    })
}

/// The text with all edits, the last one first so that the places of the others hold.
fn edited(text: &str, mut edits: Vec<(Range<usize>, String)>) -> String {
    edits.sort_by_key(|(range, _)| std::cmp::Reverse(range.start));
    let mut text = text.to_owned();
    for (range, with) in edits {
        if text.get(range.clone()).is_some() {
            text.replace_range(range, &with);
        }
    }
    text
}

/// Writes beside the file and moves it there, so that no half of it is ever seen.
fn write(path: &Path, content: &[u8]) -> Result<()> {
    let failed = |why: &std::io::Error| Error::io("write", path, why);
    // What a link points to is changed, not the link.
    let path = std::fs::canonicalize(path).map_err(|why| failed(&why))?;
    let folder = path.parent().unwrap_or(Path::new("."));
    let mut file = tempfile::NamedTempFile::new_in(folder).map_err(|why| failed(&why))?;
    std::io::Write::write_all(&mut file, content).map_err(|why| failed(&why))?;
    if let Ok(metadata) = std::fs::metadata(&path) {
        let kept = std::fs::set_permissions(file.path(), metadata.permissions());
        kept.map_err(|why| failed(&why))?;
    }
    file.persist(&path).map_err(|why| failed(&why.error))?;
    Ok(())
}

fn unix_lines(path: &Path) -> Result<()> {
    let bytes = files::bytes(path).map_err(|why| Error::io("read", path, &why))?;
    if bytes.len() as u64 > files::LARGEST {
        return Ok(());
    }
    let mut content = Vec::with_capacity(bytes.len());
    for (at, byte) in bytes.iter().enumerate() {
        if *byte != b'\r' || bytes.get(at + 1) != Some(&b'\n') {
            content.push(*byte);
        }
    }
    write(path, &content)
}

/// Whether the right to run could be given; Windows knows none.
fn runnable(path: &Path) -> Result<bool> {
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        let metadata = std::fs::metadata(path).map_err(|why| Error::io("read", path, &why))?;
        let mode = metadata.permissions().mode() | 0o755;
        std::fs::set_permissions(path, std::fs::Permissions::from_mode(mode))
            .map_err(|why| Error::io("change", path, &why))?;
        Ok(true)
    }
    #[cfg(not(unix))]
    {
        let _ = path;
        Ok(false)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn edits_do_not_disturb_each_other() {
        let edits = vec![
            (0..1, "XX".to_owned()),
            (2..3, String::new()),
            (4..4, "!".to_owned()),
        ];
        assert_eq!(edited("a b c", edits.clone()), "XX  !c");
        assert!(is_free(&edits, &(1..2)) && !is_free(&edits, &(4..5)) && !is_free(&edits, &(0..3)));
    }
}
