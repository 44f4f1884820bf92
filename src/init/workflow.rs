//! A workflow of GitHub Actions that deploys with `aws-actions/aws-elasticbeanstalk-deploy` or
//! `einaregilsson/beanstalk-deploy`.

use std::collections::BTreeMap;

use serde_json::Value;

use super::node::{self, each, text, texts};
use super::{Found, Place};

/// Where they stand.
pub const FOLDER: &str = ".github/workflows";

/// The actions whose inputs are known, without their version.
const ACTIONS: [&str; 2] = [
    "aws-actions/aws-elasticbeanstalk-deploy",
    "einaregilsson/beanstalk-deploy",
];

/// Reads a workflow; none where nothing in it deploys to Elastic Beanstalk.
#[must_use]
pub fn read(source: &str, content: &str) -> Option<Found> {
    if !ACTIONS.iter().any(|action| content.contains(action)) {
        return None;
    }
    let mut found = Found::of(source);
    let file = match node::read(source, content) {
        Ok(file) => file,
        Err(why) => {
            found.remarks.push(why);
            return Some(found);
        }
    };
    let branches = texts(&file["on"]["push"]["branches"]);
    let jobs = file["jobs"].as_object();
    for job in jobs.into_iter().flat_map(serde_json::Map::values) {
        for step in each(&job["steps"]) {
            let known = Variables::of(&[&file["env"], &job["env"], &step["env"]]);
            look_at(&mut found, step, &known, &branches);
        }
    }
    Some(found)
}

fn look_at(found: &mut Found, step: &Value, known: &Variables, branches: &[String]) {
    let Some(uses) = text(&step["uses"]) else {
        return;
    };
    let action = uses.split('@').next().unwrap_or_default();
    let with = |names: &[&str]| {
        let value = names.iter().find_map(|name| text(&step["with"][*name]));
        value.map(|value| known.resolve(&value))
    };
    if action == "aws-actions/configure-aws-credentials" {
        let role = found.literal("role-to-assume", with(&["role-to-assume"]));
        found.role = found.role.take().or(role);
        let region = found.literal("aws-region", with(&["aws-region"]));
        found.region = found.region.take().or(region);
        return;
    }
    if !ACTIONS.contains(&action) {
        return;
    }
    let region = found.literal("region", with(&["aws-region", "region"]));
    found.region = found.region.take().or(region);
    let app = with(&["application-name", "application_name"]);
    let app = found.literal("application", app);
    found.app = found.app.take().or(app);
    let bucket = with(&["s3-bucket-name", "existing_bucket_name"]);
    let bucket = found.literal("bucket", bucket);
    found.bucket_name = found.bucket_name.take().or(bucket);
    secrets(found, step);
    let name = with(&["environment-name", "environment_name"]);
    let name = found.literal("environment", name);
    found.environments.push(Place {
        name,
        branches: branches.to_vec(),
        ..Place::default()
    });
    for input in ["deployment-package-path", "deployment_package"] {
        if !step["with"][input].is_null() {
            let remark = format!("`{input}` is left out: beanship makes the bundle itself");
            found.remarks.push(remark);
        }
    }
}

/// The names of the keys' secrets.
fn secrets(found: &mut Found, step: &Value) {
    let name = |input: &str| {
        let value = text(&step["with"][input])?;
        let name = value.trim().strip_prefix("${{")?.strip_suffix("}}")?;
        Some(name.trim().strip_prefix("secrets.")?.to_owned())
    };
    found.secrets.access_key_id = name("aws_access_key");
    found.secrets.secret_access_key = name("aws_secret_key");
}

/// `env` of workflow, job and step.
struct Variables(BTreeMap<String, String>);

impl Variables {
    fn of(levels: &[&Value]) -> Self {
        let maps = levels.iter().filter_map(|level| level.as_object());
        let pairs = maps.flatten();
        Self(
            pairs
                .filter_map(|(name, value)| Some((name.clone(), text(value)?)))
                .collect(),
        )
    }

    /// The value with each `${{ env.NAME }}` in its place, where it is known.
    fn resolve(&self, value: &str) -> String {
        let mut resolved = String::new();
        let mut rest = value;
        while let Some((before, inside)) = rest.split_once("${{") {
            let Some((expression, after)) = inside.split_once("}}") else {
                break;
            };
            let known = expression.trim().strip_prefix("env.");
            let known = known.and_then(|name| self.0.get(name));
            resolved.push_str(before);
            match known {
                Some(known) => resolved.push_str(known),
                None => resolved.push_str(&format!("${{{{{expression}}}}}")),
            }
            rest = after;
        }
        resolved + rest
    }
}
