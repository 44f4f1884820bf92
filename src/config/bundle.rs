//! `bundle:` of the project file.

use serde::{Deserialize, Serialize};

use crate::images::pins::PinImages;

/// Which files go into the source bundle (gitignore syntax).
#[derive(Debug, Clone, Default, Deserialize, Serialize)]
#[serde(deny_unknown_fields, default)]
pub struct BundleConfig {
    /// In, whatever other rules say.
    pub include: Vec<String>,
    /// Out.
    pub exclude: Vec<String>,
    /// If not empty: nothing but these.
    pub only: Vec<String>,
    /// What becomes of symbolic links.
    pub symlinks: Symlinks,
    /// Which images its compose file names by digest.
    pub pin_images: PinImages,
}

/// What becomes of symbolic links in the bundle.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Symlinks {
    /// They stay links.
    #[default]
    Keep,
    /// What they point to goes in.
    Follow,
}
