//! `.elasticbeanstalk/config.yml`, which `eb init` writes.

use serde_json::Value;

use super::node::{self, text};
use super::{Found, Place};

/// Where it stands.
pub const FILE: &str = ".elasticbeanstalk/config.yml";

/// What the branch is called in it where there is no git.
const NO_BRANCH: &str = "default";

/// Reads the file.
#[must_use]
pub fn read(content: &str) -> Found {
    let mut found = Found::of(FILE);
    let file = match node::read(FILE, content) {
        Ok(file) => file,
        Err(why) => {
            found.remarks.push(why);
            return found;
        }
    };
    let global = &file["global"];
    found.app = text(&global["application_name"]);
    found.region = text(&global["default_region"]);
    if let Some(defaults) = file["branch-defaults"].as_object() {
        for (branch, settings) in defaults {
            add(&mut found, branch, settings);
        }
    }
    if let Some(profile) = text(&global["profile"]) {
        let remark = format!("the profile {profile} is nobody's but yours: `--profile {profile}`");
        found.remarks.push(remark);
    }
    if !file["deploy"]["artifact"].is_null() {
        let remark = "`deploy.artifact` is not needed: beanship makes the bundle itself";
        found.remarks.push(remark.into());
    }
    found
}

fn add(found: &mut Found, branch: &str, settings: &Value) {
    let Some(mut name) = text(&settings["environment"]) else {
        return;
    };
    if let Some(suffix) = text(&settings["group_suffix"]) {
        name = format!("{name}-{suffix}");
    }
    let branches = Some(branch).filter(|branch| *branch != NO_BRANCH);
    let known = found
        .environments
        .iter_mut()
        .find(|place| place.name.as_ref() == Some(&name));
    match known {
        Some(place) => place.branches.extend(branches.map(str::to_owned)),
        None => found.environments.push(Place {
            name: Some(name),
            branches: branches.into_iter().map(str::to_owned).collect(),
            region: text(&settings["default_region"]),
            key: None,
        }),
    }
}
