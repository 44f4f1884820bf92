//! Other names for images in the text of a compose file. What is built elsewhere is no longer
//! built on the instance: its `build` becomes a comment, so that every other line stays where it is.

use std::collections::BTreeMap;
use std::ops::Range;

use super::{Images, ServiceImage};
use crate::compose::tree::{At, Tree};
use crate::error::{Error, Kind, Result};

/// A change of the text.
type Edit = (Range<usize>, String);

/// What a service of a file runs: the name as it is written, and whether it is built.
type Runs = BTreeMap<String, (Option<String>, bool)>;

impl Images {
    /// The files with these images (by service) in place of those that stand there: their names in
    /// the bundle, and their texts. Comments and layout stay; services without a new image are what
    /// they were, and a file without any is not among them.
    ///
    /// # Errors
    /// [`Kind::Compose`] where a text is written so that one service cannot change alone.
    pub fn pinned(&self, names: &BTreeMap<String, String>) -> Result<Vec<(String, String)>> {
        let mut made = Vec::new();
        for (index, (file, text)) in self.files.iter().enumerate() {
            let services = self.services.iter().filter(|it| it.file == index);
            let wanted = services.filter_map(|it| Some((it, names.get(&it.service)?)));
            let wanted: Vec<(&ServiceImage, &String)> = wanted.collect();
            if let Some((apart, _)) = wanted.iter().find(|(it, _)| it.is_apart) {
                let why = "its `build` and its `image` stand at different services";
                return Err(impossible(&apart.service, why));
            }
            if !wanted.is_empty() {
                made.push((file.clone(), pinned(text, &wanted)?));
            }
        }
        Ok(made)
    }
}

fn pinned(before: &str, wanted: &[(&ServiceImage, &String)]) -> Result<String> {
    let mut edits: Vec<Edit> = Vec::new();
    let tree = Tree::read(before).unwrap_or_default();
    let services = tree.root().and_then(|root| root.get("services"));
    for (service, name) in wanted {
        edits.push((service.at.clone(), (*name).clone()));
        let body = services.and_then(|services| services.get(&service.key));
        if let Some((key, value)) = body.and_then(|body| body.entry("build")) {
            edits.extend(without(before, key, value));
        }
    }
    edits.sort_by_key(|(range, _)| std::cmp::Reverse((range.start, range.end)));
    edits.dedup();
    let mut text = before.to_owned();
    for (range, with) in edits {
        text.replace_range(range, &with);
    }
    verify(before, &text, wanted)?;
    Ok(text)
}

/// Reads the new text as anybody else would, and compares.
fn verify(before: &str, after: &str, wanted: &[(&ServiceImage, &String)]) -> Result<()> {
    let after = runs(after);
    for (key, before) in runs(before) {
        let wish = wanted.iter().find(|(service, _)| service.key == key);
        let fits = match wish {
            Some((_, name)) => after.get(&key) == Some(&(Some((*name).clone()), false)),
            None => after.get(&key) == Some(&before),
        };
        if !fits {
            let why = "its `image` or `build` is shared with another service";
            return Err(impossible(&key, why));
        }
    }
    Ok(())
}

fn impossible(service: &str, why: &str) -> Error {
    let what = format!("the image of service `{service}` cannot be pinned: {why}");
    Error::new(Kind::Compose, what)
        .hint("write `image` and `build` at each service, and look with `beanship images list`")
}

fn runs(text: &str) -> Runs {
    let tree = Tree::read(text).unwrap_or_default();
    let services = tree.root().and_then(|root| root.get("services"));
    let one = |(key, body): (At<'_>, At<'_>)| {
        let image = body.get("image").filter(|at| !at.is_reset());
        let image = image.and_then(At::filled);
        let build = body.get("build").is_some_and(|at| !at.is_reset());
        Some((key.text()?.to_owned(), (image.map(str::to_owned), build)))
    };
    let entries = services.into_iter().flat_map(At::entries);
    entries.filter_map(one).collect()
}

/// The edits that take an entry out of its map.
fn without(text: &str, key: At<'_>, value: At<'_>) -> Vec<Edit> {
    let (start, value) = (key.range().start, value.range());
    let end = value.start + text[value.clone()].trim_end().len();
    // An alias stands behind its key; what it means stands before it.
    let is_alias = value.start < start;
    let line = text[..start].rfind('\n').map_or(0, |at| at + 1);
    let indent = start - line;
    if text[line..start].trim().is_empty() {
        let end = if is_alias { start } else { end };
        return commented(text, line, indent, end);
    }
    let behind = if is_alias {
        let colon = text[start..].find(':').map_or(start, |at| start + at + 1);
        text[colon..]
            .find([',', '}'])
            .map_or(colon, |at| colon + at)
    } else {
        end
    };
    let rest = &text[behind..];
    let (from, to) = if let Some(next) = rest.trim_start().strip_prefix(',') {
        (start, text.len() - next.trim_start().len())
    } else {
        let before = text[..start].trim_end();
        let before = before.strip_suffix(',').unwrap_or(before);
        (before.len(), behind)
    };
    vec![(from..to, String::new())]
}

/// Makes comments of the lines from `line` to the one that holds `end`, and of those that are
/// indented deeper than the key.
fn commented(text: &str, line: usize, indent: usize, end: usize) -> Vec<Edit> {
    let mut edits = Vec::new();
    let mut at = line;
    for whole in text[line..].split_inclusive('\n') {
        let content = whole.trim_end();
        let depth = content.len() - content.trim_start().len();
        let belongs = at == line || at < end || (!content.is_empty() && depth > indent);
        if !belongs {
            break;
        }
        if !content.is_empty() {
            let place = at + depth.min(indent);
            edits.push((place..place, "# ".to_owned()));
        }
        at += whole.len();
    }
    edits
}
