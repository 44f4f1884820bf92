//! The source bundle: which files go in ([`select()`]), and the zip they become ([`write()`]).
//!
//! ```text
//! rules, git -> select -> Selection -> pack (parallel) -> archive -> the bundle and its digest
//! ```
//!
//! The bytes depend on nothing but the selected content: not on times, owners, umask, the order a
//! directory is read in, the number of threads or the machine. Neither the size limit of Elastic
//! Beanstalk nor what the compose file needs is judged here.

mod archive;
pub mod cache;
mod git;
mod nature;
mod note;
mod pack;
mod rules;
mod scope;
mod select;
mod selection;
mod splice;
mod write;

#[cfg(test)]
mod tests;

use std::path::{Path, PathBuf};

pub use note::{Note, Special};
pub use rules::Rule;
pub use select::select;
pub use selection::{Entry, Fate, LeftOut, Selection, Sort, Why};
pub use write::{Progress, Written, write};

/// The name Elastic Beanstalk looks for at the root of a bundle.
pub const COMPOSE_NAME: &str = "docker-compose.yml";

/// The project file's word on what goes in; patterns are in gitignore syntax.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Rules {
    /// Goes in whatever else would leave it out.
    pub include: Vec<String>,
    /// Stays out, beyond what the ignore files say; `!pattern` keeps what they leave out.
    pub exclude: Vec<String>,
    /// If there is any, nothing else goes in.
    pub only: Vec<String>,
    /// Stores what a symbolic link points to instead of the link.
    pub follow_symlinks: bool,
}

/// What to bundle.
#[derive(Debug, Clone)]
pub struct Request<'a> {
    /// The directory whose content becomes the bundle.
    pub root: &'a Path,
    /// The compose file, relative to the root. It goes in as [`COMPOSE_NAME`], whatever the rules say
    /// and instead of a file that already has that name. There may be none where a Dockerfile or a
    /// Dockerrun.aws.json says what runs.
    pub compose: &'a Path,
    /// The project file's rules.
    pub rules: &'a Rules,
    /// The tool's own files, absolute or relative to the root: the project file, the bundle itself.
    pub own: &'a [PathBuf],
}
