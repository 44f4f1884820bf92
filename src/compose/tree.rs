//! YAML as a tree in which every key and value knows its place in the text. Aliases share their
//! target and merge keys are resolved; what a hostile text could grow to is bounded.

mod builder;

use std::ops::Range;

use serde_saphyr::granit_parser::{self, Event, Parser};

use self::builder::Builder;
use super::scalar::Kind;

/// How deep lists and maps may stand in each other.
const DEEPEST: usize = 64;

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
    Scalar {
        text: String,
        kind: Kind,
        plain: bool,
    },
    List {
        items: Vec<Id>,
        flow: bool,
    },
    Map {
        entries: Vec<(Id, Id)>,
        flow: bool,
    },
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

    /// Whether anything in it takes back or replaces what another file says.
    #[must_use]
    pub fn has_resets(&self) -> bool {
        self.nodes.iter().any(|node| node.reset)
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

    /// Whether it is true, in any of the words that Compose takes for it.
    #[must_use]
    pub fn is_true(self) -> bool {
        let is = |text: &str, word: &str| text.eq_ignore_ascii_case(word);
        self.text().is_some_and(|text| {
            ["true", "yes", "on", "y", "t", "1"]
                .iter()
                .any(|word| is(text, word))
        })
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

    /// Whether it says the same as another node, wherever that stands.
    #[must_use]
    pub fn means(self, other: Self) -> bool {
        let nothing = |at: Self| {
            at.kind() == Some(Kind::Null) || (at.is_map() && at.entries().next().is_none())
        };
        match (&self.node().value, &other.node().value) {
            (
                Value::Scalar { text, kind, .. },
                Value::Scalar {
                    text: two,
                    kind: other,
                    ..
                },
            ) => text == two && kind == other,
            (Value::List { items, .. }, Value::List { items: two, .. }) => {
                items.len() == two.len()
                    && self
                        .items()
                        .zip(other.items())
                        .all(|(one, two)| one.means(two))
            }
            (Value::Map { entries, .. }, Value::Map { entries: two, .. }) => {
                let same = |(key, value): (Self, Self)| {
                    let found = key.text().and_then(|name| other.get(name));
                    found.is_some_and(|two| value.means(two))
                };
                entries.len() == two.len() && self.entries().all(same)
            }
            _ => nothing(self) && nothing(other),
        }
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
