//! YAML as a tree in which every key and value knows its place in the text. Aliases share their
//! target and merge keys are resolved; what a hostile text could grow to is bounded.

use std::borrow::Cow;
use std::collections::{HashMap, HashSet};
use std::ops::Range;

use serde_saphyr::granit_parser::{self, Event, Parser, ScalarStyle, Span, StructureStyle, Tag};

use super::scalar::Kind;

/// How deep lists and maps may stand in each other.
const DEEPEST: usize = 64;

/// How many nodes there may be once every alias is followed.
const MOST_NODES: u64 = 200_000;

/// A node by its number.
type Id = u32;

/// A text read as YAML.
#[derive(Debug, Default)]
pub struct Tree {
    nodes: Vec<Node>,
    root: Option<Id>,
    /// Keys that stand twice in a map: the place of the second one and the key.
    pub repeated: Vec<(Range<usize>, String)>,
    /// Merge keys whose value cannot be merged.
    pub unmergeable: Vec<Range<usize>>,
    /// Where a second document starts.
    pub second: Option<usize>,
}

/// Why there is no tree.
#[derive(Debug)]
pub struct Unreadable {
    /// The byte where reading ended.
    pub at: usize,
    /// The reason in words.
    pub why: String,
    /// Whether the text is YAML that is too much, instead of no YAML.
    pub excessive: bool,
}

#[derive(Debug)]
struct Node {
    range: Range<usize>,
    value: Value,
    /// Nodes below, aliases followed, this one included.
    weight: u64,
    /// Whether Compose is told to take a value back or to replace it (`!reset`, `!override`).
    reset: bool,
}

#[derive(Debug)]
enum Value {
    Scalar { text: String, kind: Kind, plain: bool },
    List { items: Vec<Id>, flow: bool },
    Map { entries: Vec<(Id, Id)>, flow: bool },
}

/// A node to look at.
#[derive(Debug, Clone, Copy)]
pub struct At<'a> {
    tree: &'a Tree,
    id: Id,
}

impl Tree {
    /// Reads a text.
    ///
    /// # Errors
    /// Why it is not YAML, or too much of it.
    pub fn read(text: &str) -> Result<Self, Unreadable> {
        let mut options = granit_parser::options! {
            flow_nesting_limit: DEEPEST,
            block_nesting_limit: DEEPEST,
        };
        options.set_emit_comments(false);
        let mut builder = Builder::default();
        for next in Parser::new_from_str_with_options(text, options) {
            let (event, span) = next.map_err(|why| Unreadable::of(&why, text))?;
            if matches!(event, Event::DocumentStart(..)) && builder.tree.root.is_some() {
                builder.tree.second = span.byte_range().map(|range| range.start);
                break;
            }
            builder.take(event, &span)?;
        }
        Ok(builder.tree)
    }

    /// The top node; none of an empty text.
    #[must_use]
    pub fn root(&self) -> Option<At<'_>> {
        self.root.map(|id| At { tree: self, id })
    }

    fn at(&self, id: Id) -> At<'_> {
        At { tree: self, id }
    }

    fn node(&self, id: Id) -> &Node {
        &self.nodes[id as usize]
    }
}

impl Unreadable {
    fn of(error: &granit_parser::ScanError, text: &str) -> Self {
        let excessive = matches!(
            error.kind(),
            granit_parser::ErrorKind::RecursionLimitExceeded
        ) || error.info().contains("recursion limit");
        let at = error.marker().byte_offset().unwrap_or(text.len());
        Self {
            at: at.min(text.len()),
            why: if excessive {
                format!("lists and maps stand more than {DEEPEST} deep in each other")
            } else {
                error.info()
            },
            excessive,
        }
    }
}

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
struct Builder {
    tree: Tree,
    open: Vec<Open>,
    anchors: HashMap<usize, Id>,
}

impl Builder {
    fn take(&mut self, event: Event<'_>, span: &Span) -> Result<(), Unreadable> {
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
                self.begin(range, style, anchor, tag, false);
                Ok(())
            }
            Event::MappingStart(style, anchor, tag) => {
                self.begin(range, style, anchor, tag, true);
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
        tag: Option<Cow<'_, Tag>>,
        map: bool,
    ) {
        self.open.push(Open {
            range,
            anchor,
            reset: is_reset(tag.as_deref()),
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
            Value::Map { entries: self.entries(&open.children), flow: open.flow }
        } else {
            Value::List { items: open.children, flow: open.flow }
        };
        let id = self.add(whole, value, open.weight, open.reset, open.anchor);
        self.hang(id)
    }

    fn add(&mut self, range: Range<usize>, value: Value, weight: u64, reset: bool, anchor: usize) -> Id {
        let id = Id::try_from(self.tree.nodes.len()).unwrap_or(Id::MAX);
        self.tree.nodes.push(Node { range, value, weight, reset });
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
                    let why = format!("it holds more than {MOST_NODES} values once every alias is followed");
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
            let name = key.text().map_or_else(|| format!("\0{}", pair[0]), str::to_owned);
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
                let Value::Map { entries: merged, .. } = &self.tree.node(source).value else {
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

impl<'a> At<'a> {
    /// The bytes it stands at.
    #[must_use]
    pub fn range(self) -> Range<usize> {
        self.node().range.clone()
    }

    /// Its text, if it is a scalar.
    #[must_use]
    pub fn text(self) -> Option<&'a str> {
        match &self.node().value {
            Value::Scalar { text, .. } => Some(text),
            _ => None,
        }
    }

    /// Its text, if it is a scalar with something in it.
    #[must_use]
    pub fn filled(self) -> Option<&'a str> {
        self.text().filter(|_| self.kind() != Some(Kind::Null))
    }

    /// What kind of scalar it is.
    #[must_use]
    pub fn kind(self) -> Option<Kind> {
        match &self.node().value {
            Value::Scalar { kind, .. } => Some(*kind),
            _ => None,
        }
    }

    /// Whether it is a scalar without quotes.
    #[must_use]
    pub fn is_plain(self) -> bool {
        matches!(&self.node().value, Value::Scalar { plain: true, .. })
    }

    /// Whether it is true.
    #[must_use]
    pub fn is_true(self) -> bool {
        self.text().is_some_and(|text| text.eq_ignore_ascii_case("true"))
    }

    /// Whether it is a list.
    #[must_use]
    pub fn is_list(self) -> bool {
        matches!(self.node().value, Value::List { .. })
    }

    /// Whether it is a map.
    #[must_use]
    pub fn is_map(self) -> bool {
        matches!(self.node().value, Value::Map { .. })
    }

    /// Whether it is written on one line with brackets.
    #[must_use]
    pub fn is_flow(self) -> bool {
        matches!(
            self.node().value,
            Value::List { flow: true, .. } | Value::Map { flow: true, .. }
        )
    }

    /// Whether it takes back or replaces what another file says.
    #[must_use]
    pub fn is_reset(self) -> bool {
        self.node().reset
    }

    /// Its items, if it is a list.
    pub fn items(self) -> impl Iterator<Item = At<'a>> {
        let items: &[Id] = match &self.node().value {
            Value::List { items, .. } => items,
            _ => &[],
        };
        items.iter().map(move |id| self.tree.at(*id))
    }

    /// Its keys and values, if it is a map.
    pub fn entries(self) -> impl Iterator<Item = (At<'a>, At<'a>)> {
        let entries: &[(Id, Id)] = match &self.node().value {
            Value::Map { entries, .. } => entries,
            _ => &[],
        };
        entries
            .iter()
            .map(move |(key, value)| (self.tree.at(*key), self.tree.at(*value)))
    }

    /// The key and the value of this name.
    #[must_use]
    pub fn entry(self, name: &str) -> Option<(At<'a>, At<'a>)> {
        self.entries().find(|(key, _)| key.text() == Some(name))
    }

    /// The value of this name.
    #[must_use]
    pub fn get(self, name: &str) -> Option<At<'a>> {
        self.entry(name).map(|(_, value)| value)
    }

    /// The value at the end of these names.
    #[must_use]
    pub fn dig(self, names: &[&str]) -> Option<At<'a>> {
        names.iter().try_fold(self, |at, name| at.get(name))
    }

    fn node(self) -> &'a Node {
        self.tree.node(self.id)
    }
}
