//! What `beanship init` finds in a project and makes of it.
//!
//! ```text
//! files -> readers -> Found -+
//!           flags, answers --+-> Wanted -> proposal -> Draft -> diff, plan
//! ```
//!
//! Readers and proposal are pure: text in, data out. Only [`look`] reads files.

pub mod copilot;
pub mod ebcli;
pub mod git;
pub mod jenkins;

pub mod look;
mod node;
pub mod propose;
pub mod services;
pub mod templates;
#[cfg(test)]
mod tests;
pub mod travis;
pub mod workflow;
pub mod write;

use clap::ValueEnum;
use serde::Serialize;

/// What one file says about the deploys of today.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Found {
    /// The file, from the project's root.
    pub source: String,
    /// The application.
    pub app: Option<String>,
    /// The region.
    pub region: Option<String>,
    /// The bucket for source bundles.
    pub bucket_name: Option<String>,
    /// The folder in it.
    pub bucket_path: Option<String>,
    /// The environments.
    pub environments: Vec<Place>,
    /// The role that the job assumes.
    pub role: Option<String>,
    /// The names under which CI keeps secrets.
    #[serde(skip)]
    pub secrets: SecretNames,
    /// The commands of its tests.
    #[serde(skip)]
    pub tests: Vec<String>,
    /// The commands that build and push images.
    #[serde(skip)]
    pub publish: Vec<String>,
    /// What it says that has no place in a project file.
    pub remarks: Vec<String>,
}

/// An environment, as a file names it.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Place {
    /// The key it shall have, where the file has such a thing.
    pub key: Option<String>,
    /// Its Elastic Beanstalk name.
    pub name: Option<String>,
    /// The branches that deploy to it; none: any.
    pub branches: Vec<String>,
    /// Its own region, where that is not everybody's.
    #[serde(skip)]
    pub region: Option<String>,
}

/// The names of a CI system's secrets.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct SecretNames {
    /// The id of the access key.
    pub access_key_id: Option<String>,
    /// The access key.
    pub secret_access_key: Option<String>,
    /// The user at the image registry.
    pub docker_user: Option<String>,
    /// The password there.
    pub docker_password: Option<String>,
}

/// The CI system that gets a workflow.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, ValueEnum)]
#[serde(rename_all = "kebab-case")]
pub enum Ci {
    /// GitHub Actions, with a role and no stored keys
    Github,
    /// GitHub Actions, with an IAM user's keys
    GithubKeys,
    /// Travis CI
    Travis,
    /// Jenkins
    Jenkins,
    /// GitLab CI
    Gitlab,
    /// No workflow
    None,
}

impl Found {
    /// Nothing yet, from this file.
    #[must_use]
    pub fn of(source: &str) -> Self {
        Self {
            source: source.to_owned(),
            ..Self::default()
        }
    }

    /// A value as it stands, unless it is a variable that only the CI system knows.
    fn literal(&mut self, what: &str, value: Option<String>) -> Option<String> {
        let value = value.filter(|value| !value.trim().is_empty())?;
        if value.contains('$') {
            let remark = format!("{what} is {value}, which only the CI system knows");
            self.remarks.push(remark);
            return None;
        }
        Some(value)
    }
}
