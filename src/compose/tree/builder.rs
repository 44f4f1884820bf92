//! Makes the tree out of the parser's events: aliases become their target, merge keys the entries
//! they merge, and the weight of what was built stays within bounds.

use std::collections::{HashMap, HashSet};
use std::ops::Range;

use serde_saphyr::granit_parser::{Event, ScalarStyle, Span, StructureStyle, Tag};

use super::{Id, Node, Tree, Unreadable, Value};
use crate::compose::scalar::Kind;

/// How many nodes there may be once every alias is followed.
const MOST_NODES: u64 = 100_000;

/// A list or map that is not at its end yet.
struct Open {
    range: Range<usize>,
    anchor: usize,
    reset: bool,
    flow: bool,
    map: bool,
    children: Vec<Id>,
    weight: u64,
}

#[derive(Default)]
pub(super) struct Builder {
    pub(super) tree: Tree,
    open: Vec<Open>,
    anchors: HashMap<usize, Id>,
}

impl Builder {
    /// Takes the parser's next event.
    pub(super) fn take(&mut self, event: Event<'_>, span: &Span) -> Result<(), Unreadable> {
        let range = span.byte_range().unwrap_or_default();
        match event {
            Event::Scalar(text, style, anchor, tag) => {
                let plain = style == ScalarStyle::Plain;
                let value = Value::Scalar {
                    kind: kind(&text, plain, tag.as_deref()),
                    text: text.into_owned(),
                    plain,
                };
                let id = self.add(range, value, 1, is_reset(tag.as_deref()), anchor);
                self.hang(id)
            }
            Event::Alias(target) => match self.anchors.get(&target) {
                Some(id) => self.hang(*id),
                None => Err(excess(range.start, "an anchor contains an alias of itself")),
            },
            Event::SequenceStart(style, anchor, tag) => {
                self.begin(range, style, anchor, tag.as_deref(), false);
                Ok(())
            }
            Event::MappingStart(style, anchor, tag) => {
                self.begin(range, style, anchor, tag.as_deref(), true);
                Ok(())
            }
            Event::SequenceEnd | Event::MappingEnd => self.end(&range),
            _ => Ok(()),
        }
    }

    fn begin(
        &mut self,
        range: Range<usize>,
        style: StructureStyle,
        anchor: usize,
        tag: Option<&Tag>,
        map: bool,
    ) {
        self.open.push(Open {
            range,
            anchor,
            reset: is_reset(tag),
            flow: style == StructureStyle::Flow,
            map,
            children: Vec::new(),
            weight: 1,
        });
    }

    fn end(&mut self, range: &Range<usize>) -> Result<(), Unreadable> {
        let Some(open) = self.open.pop() else {
            return Ok(());
        };
        let last = open.children.last().map(|id| self.tree.node(*id).range.end);
        let end = if open.flow { Some(range.end) } else { last };
        let whole = open.range.start..end.unwrap_or(open.range.end).max(open.range.end);
        let value = if open.map {
            Value::Map {
                entries: self.entries(&open.children),
                flow: open.flow,
            }
        } else {
            Value::List {
                items: open.children,
                flow: open.flow,
            }
        };
        let id = self.add(whole, value, open.weight, open.reset, open.anchor);
        self.hang(id)
    }

    fn add(
        &mut self,
        range: Range<usize>,
        value: Value,
        weight: u64,
        reset: bool,
        anchor: usize,
    ) -> Id {
        let id = Id::try_from(self.tree.nodes.len()).unwrap_or(Id::MAX);
        self.tree.nodes.push(Node {
            range,
            value,
            weight,
            reset,
        });
        if anchor > 0 {
            self.anchors.insert(anchor, id);
        }
        id
    }

    /// Puts a finished node where it belongs.
    fn hang(&mut self, id: Id) -> Result<(), Unreadable> {
        let node = self.tree.node(id);
        let (weight, start) = (node.weight, node.range.start);
        match self.open.last_mut() {
            Some(parent) => {
                parent.children.push(id);
                parent.weight = parent.weight.saturating_add(weight);
                if parent.weight > MOST_NODES {
                    let why = format!(
                        "it holds more than {MOST_NODES} values once every alias is followed"
                    );
                    return Err(excess(start, &why));
                }
            }
            None => self.tree.root = Some(id),
        }
        Ok(())
    }

    /// The entries of a map, its own before those that it merges.
    fn entries(&mut self, children: &[Id]) -> Vec<(Id, Id)> {
        let mut entries: Vec<(Id, Id)> = Vec::with_capacity(children.len() / 2);
        let mut known: HashSet<String> = HashSet::new();
        let mut merges = Vec::new();
        for pair in children.chunks_exact(2) {
            let key = self.tree.at(pair[0]);
            let name = key
                .text()
                .map_or_else(|| format!("\0{}", pair[0]), str::to_owned);
            let range = key.range();
            let merge = name == "<<" && key.is_plain();
            if !known.insert(name.clone()) {
                self.tree.repeated.push((range, name));
            } else if merge {
                merges.push((range, pair[1]));
            } else {
                entries.push((pair[0], pair[1]));
            }
        }
        for (range, value) in merges {
            let sources = match &self.tree.node(value).value {
                Value::Map { .. } => vec![value],
                Value::List { items, .. } => items.clone(),
                Value::Scalar { .. } => vec![value],
            };
            for source in sources {
                let Value::Map {
                    entries: merged, ..
                } = &self.tree.node(source).value
                else {
                    self.tree.unmergeable.push(range.clone());
                    break;
                };
                for (key, value) in merged {
                    let name = self.tree.at(*key).text().unwrap_or_default();
                    if known.insert(name.to_owned()) {
                        entries.push((*key, *value));
                    }
                }
            }
        }
        entries
    }
}

fn excess(at: usize, why: &str) -> Unreadable {
    Unreadable {
        at,
        why: why.to_owned(),
        excessive: true,
    }
}

fn kind(text: &str, plain: bool, tag: Option<&Tag>) -> Kind {
    match tag.and_then(Tag::core_suffix) {
        Some("str") => Kind::Text,
        Some(_) => Kind::of_plain(text),
        None if plain => Kind::of_plain(text),
        None => Kind::Text,
    }
}

fn is_reset(tag: Option<&Tag>) -> bool {
    tag.is_some_and(|tag| matches!(tag.suffix(), "reset" | "override"))
}
