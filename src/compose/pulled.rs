//! Which images the compose file names.

use std::path::Path;

use super::tree::{At, Tree};
use super::{files, text_of};

/// The values of `image` of all services. A file that cannot be read names none: that is told
/// elsewhere.
#[must_use]
pub fn images(root: &Path, file: &Path) -> Vec<String> {
    let text = files::bytes(&root.join(file)).ok();
    let text = text.and_then(|bytes| text_of(bytes).ok());
    let tree = text.and_then(|text| Tree::read(&text).ok());
    let services = tree.as_ref().and_then(Tree::root);
    let services = services.and_then(|root| root.get("services"));
    let bodies = services.into_iter().flat_map(At::entries);
    let images = bodies.filter_map(|(_, body)| body.get("image")?.text());
    images.map(str::to_owned).collect()
}
