//! How a compose file names other files: `include` and `extends`, in every syntax.

use std::collections::HashMap;

use super::model::texts;
use super::tree::{At, Tree};
use super::variables::with_defaults;

/// A path where it is written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Named {
    /// The byte it stands at.
    pub at: usize,
    /// As it is written.
    pub written: String,
    /// With the defaults of its variables; none where one has none.
    pub path: Option<String>,
}

/// An entry of `include`.
#[derive(Debug, PartialEq, Eq)]
pub struct Include {
    /// Its files: the later are merged over the first.
    pub paths: Vec<Named>,
    /// Where their relative paths begin, if that is not the first one's directory.
    pub directory: Option<Named>,
    /// Files with values for their variables.
    pub env_files: Vec<Named>,
}

/// What a service extends.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Extends {
    /// The byte that the value stands at.
    pub at: usize,
    /// The file of the other service, if it is another one.
    pub file: Option<Named>,
    /// The other service.
    pub service: String,
    /// The number of the opened file that must hold it; none if that is not open.
    pub target: Option<usize>,
}

impl Named {
    fn of(at: At<'_>) -> Option<Self> {
        let written = at.filled()?;
        Some(Self {
            at: at.range().start,
            written: written.to_owned(),
            path: with_defaults(written),
        })
    }
}

/// The entries of `include`.
#[must_use]
pub fn includes(tree: &Tree) -> Vec<Include> {
    let list = tree.root().and_then(|root| root.get("include"));
    let named = |at: At<'_>| -> Vec<Named> {
        let texts = texts(at).into_iter();
        texts.filter_map(Named::of).collect()
    };
    let include = |item: At<'_>| Include {
        paths: named(item.get("path").unwrap_or(item)),
        directory: item.get("project_directory").and_then(Named::of),
        env_files: item.get("env_file").map(named).unwrap_or_default(),
    };
    list.into_iter().flat_map(At::items).map(include).collect()
}

/// What the services of a file extend, by their names.
#[must_use]
pub fn extends(tree: &Tree) -> HashMap<String, Extends> {
    let services = tree.root().and_then(|root| root.get("services"));
    let one = |(key, body): (At<'_>, At<'_>)| {
        let at = body.get("extends").filter(|at| !at.is_reset())?;
        let service = at.get("service").unwrap_or(at).filled()?;
        let extends = Extends {
            at: at.range().start,
            file: at.get("file").and_then(Named::of),
            service: service.to_owned(),
            target: None,
        };
        Some((key.text()?.to_owned(), extends))
    };
    services
        .into_iter()
        .flat_map(At::entries)
        .filter_map(one)
        .collect()
}
