//! The rules over a compose file, one subject a file. Each looks at the whole project, with all the
//! files that Compose reads, and adds what it finds in one of them; none depends on another, except that a value with a wrong type is told once.

mod amounts;
mod conflicts;
mod consistency;
mod health;
mod images;
mod isolation;
mod lifetime;
mod network;
mod plain;
mod resources;
mod secrets;
mod services;
mod specification;
mod volumes;

pub(crate) use images::{is_arm, moving_tag};
pub use secrets::is_secret_name;

use super::finding::Findings;
use super::model::Project;
use super::tree::Tree;

/// Applies every rule.
pub fn apply(tree: &Tree, project: &Project<'_>, findings: &mut Findings) {
    plain::check(tree, project, findings);
    specification::check(project, findings);
    let rules: [fn(&Project<'_>, &mut Findings); 12] = [
        services::check,
        resources::check,
        conflicts::check,
        consistency::check,
        health::check,
        amounts::check,
        network::check,
        volumes::check,
        images::check,
        secrets::check,
        lifetime::check,
        isolation::check,
    ];
    for rule in rules {
        if findings.is_full() {
            return;
        }
        rule(project, findings);
    }
}
