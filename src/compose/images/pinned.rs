//! Other names for images in the text of a compose file. What is built elsewhere is no longer
//! built on the instance: its `build` becomes a comment, so that every other line stays where it is.

use std::collections::BTreeMap;
use std::ops::Range;

use super::Images;
use crate::compose::tree::{At, Tree};
use crate::error::{Error, Kind, Result};

/// A change of the text.
type Edit = (Range<usize>, String);

impl Images {
    /// The text with these images (by service) in place of those that stand there. Comments and
    /// layout stay; services without a new image are what they were.
    ///
    /// # Errors
    /// [`Kind::Compose`] where the text is written so that one service cannot change alone.
    pub fn pinned(&self, names: &BTreeMap<String, String>) -> Result<String> {
        let mut edits: Vec<Edit> = Vec::new();
        let tree = Tree::read(&self.text).unwrap_or_default();
        let services = tree.root().and_then(|root| root.get("services"));
        for service in &self.services {
            let Some(name) = names.get(&service.service) else {
                continue;
            };
            edits.push((service.at.clone(), name.clone()));
            let body = services.and_then(|services| services.get(&service.service));
            if let Some((key, value)) = body.and_then(|body| body.entry("build")) {
                edits.extend(without(&self.text, key, value));
            }
        }
        edits.sort_by_key(|(range, _)| std::cmp::Reverse((range.start, range.end)));
        edits.dedup();
        let mut text = self.text.clone();
        for (range, with) in edits {
            text.replace_range(range, &with);
        }
        self.verify(&text, names)?;
        Ok(text)
    }

    /// Reads the new text as anybody else would, and compares.
    fn verify(&self, text: &str, names: &BTreeMap<String, String>) -> Result<()> {
        let after = Self::of(text.to_owned(), &|_| None);
        let seen = |service: &str| after.services.iter().find(|it| it.service == service);
        for before in &self.services {
            let wanted = names.get(&before.service);
            let fits = seen(&before.service).is_some_and(|after| match wanted {
                Some(name) => after.written == *name && after.build.is_none(),
                None => {
                    after.written == before.written
                        && after.build.is_some() == before.build.is_some()
                }
            });
            if !fits {
                return Err(Error::new(
                    Kind::Compose,
                    format!(
                        "the image of service `{}` cannot be pinned: its `image` or `build` is shared with another service",
                        before.service
                    ),
                )
                .hint("write `image` and `build` at each service, and look with `beanship images list`"));
            }
        }
        Ok(())
    }
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
