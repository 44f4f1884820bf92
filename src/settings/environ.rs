//! The process environment, read once: variables that carry settings, and what CI systems
//! say about the build.

use std::collections::BTreeMap;

/// The process environment. Empty variables count as not set, as CI systems leave them.
#[derive(Debug, Clone, Default)]
pub struct Environ(BTreeMap<String, String>);

/// Where the build comes from, as far as branches are concerned.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum CiRef {
    /// A branch build.
    Branch(String),
    /// A tag, a pull request, or another build that belongs to no branch.
    NoBranch,
}

impl Environ {
    /// The environment of this process.
    #[must_use]
    pub fn of_process() -> Self {
        Self::new(std::env::vars_os().filter_map(|(name, value)| {
            Some((name.into_string().ok()?, value.into_string().ok()?))
        }))
    }

    /// An environment of these variables.
    pub fn new(variables: impl IntoIterator<Item = (String, String)>) -> Self {
        Self(
            variables
                .into_iter()
                .filter(|(_, value)| !value.is_empty())
                .collect(),
        )
    }

    /// A variable's value.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<&str> {
        self.0.get(name).map(String::as_str)
    }

    fn is_true(&self, name: &str) -> bool {
        self.get(name)
            .is_some_and(|value| value.eq_ignore_ascii_case("true") || value == "1")
    }

    /// Whether this is a step of GitHub Actions.
    #[must_use]
    pub fn is_github(&self) -> bool {
        self.is_true("GITHUB_ACTIONS")
    }

    /// Whether any CI system runs this.
    #[must_use]
    pub fn is_ci(&self) -> bool {
        self.is_github()
            || self.is_true("CI")
            || [
                "JENKINS_URL",
                "GITLAB_CI",
                "TRAVIS",
                "TEAMCITY_VERSION",
                "TF_BUILD",
            ]
            .iter()
            .any(|name| self.get(name).is_some())
    }

    /// What the CI system says about the branch; `None` where no known system says anything.
    #[must_use]
    pub fn ci_ref(&self) -> Option<CiRef> {
        let branch = |name: &str| match self.get(name) {
            Some(branch) => CiRef::Branch(branch.into()),
            None => CiRef::NoBranch,
        };
        if self.is_github() {
            let pull = self.get("GITHUB_HEAD_REF").is_some()
                || self
                    .get("GITHUB_EVENT_NAME")
                    .is_some_and(|event| event.starts_with("pull_request"));
            let of_a_branch = !pull
                && self.get("GITHUB_REF_TYPE") == Some("branch")
                && self
                    .get("GITHUB_REF")
                    .is_none_or(|full| full.starts_with("refs/heads/"));
            Some(if of_a_branch {
                branch("GITHUB_REF_NAME")
            } else {
                CiRef::NoBranch
            })
        } else if self.get("GITLAB_CI").is_some() {
            Some(branch("CI_COMMIT_BRANCH"))
        } else if self.get("TRAVIS").is_some() {
            let pull = self
                .get("TRAVIS_PULL_REQUEST")
                .is_some_and(|value| value != "false");
            let tag = self.get("TRAVIS_TAG").is_some();
            Some(if pull || tag {
                CiRef::NoBranch
            } else {
                branch("TRAVIS_BRANCH")
            })
        } else if self.get("JENKINS_URL").is_some() {
            let other = self.get("CHANGE_ID").is_some() || self.get("TAG_NAME").is_some();
            // GIT_BRANCH names the remote too.
            let named = self.get("BRANCH_NAME").or_else(|| {
                self.get("GIT_BRANCH")
                    .map(|name| name.strip_prefix("origin/").unwrap_or(name))
            });
            Some(match named {
                Some(branch) if !other => CiRef::Branch(branch.into()),
                _ => CiRef::NoBranch,
            })
        } else {
            None
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn environ(pairs: &[(&str, &str)]) -> Environ {
        Environ::new(
            pairs
                .iter()
                .map(|(name, value)| ((*name).into(), (*value).into())),
        )
    }

    #[test]
    #[expect(clippy::too_many_lines, reason = "a table")]
    fn each_ci_system_names_its_branch() {
        let main = Some(CiRef::Branch("main".into()));
        type Variables = &'static [(&'static str, &'static str)];
        let table: [(Variables, Option<CiRef>); 10] = [
            (&[], None),
            (
                &[
                    ("GITHUB_ACTIONS", "true"),
                    ("GITHUB_REF_TYPE", "branch"),
                    ("GITHUB_REF_NAME", "main"),
                    ("GITHUB_REF", "refs/heads/main"),
                ],
                main.clone(),
            ),
            (
                &[
                    ("GITHUB_ACTIONS", "true"),
                    ("GITHUB_REF_TYPE", "branch"),
                    ("GITHUB_REF_NAME", "7/merge"),
                    ("GITHUB_REF", "refs/pull/7/merge"),
                ],
                Some(CiRef::NoBranch),
            ),
            (
                &[
                    ("GITHUB_ACTIONS", "true"),
                    ("GITHUB_REF_TYPE", "tag"),
                    ("GITHUB_REF_NAME", "v1"),
                ],
                Some(CiRef::NoBranch),
            ),
            (
                &[
                    ("GITHUB_ACTIONS", "true"),
                    ("GITHUB_EVENT_NAME", "pull_request_target"),
                    ("GITHUB_REF_TYPE", "branch"),
                    ("GITHUB_REF_NAME", "main"),
                    ("GITHUB_REF", "refs/heads/main"),
                ],
                Some(CiRef::NoBranch),
            ),
            (
                &[("GITLAB_CI", "true"), ("CI_COMMIT_BRANCH", "main")],
                main.clone(),
            ),
            (&[("GITLAB_CI", "true")], Some(CiRef::NoBranch)),
            (
                &[
                    ("TRAVIS", "true"),
                    ("TRAVIS_BRANCH", "main"),
                    ("TRAVIS_PULL_REQUEST", "false"),
                ],
                main.clone(),
            ),
            (
                &[
                    ("TRAVIS", "true"),
                    ("TRAVIS_BRANCH", "main"),
                    ("TRAVIS_PULL_REQUEST", "12"),
                ],
                Some(CiRef::NoBranch),
            ),
            (&[("JENKINS_URL", "x"), ("GIT_BRANCH", "origin/main")], main),
        ];
        for (variables, expected) in table {
            assert_eq!(environ(variables).ci_ref(), expected, "{variables:?}");
        }
    }

    #[test]
    fn empty_variables_are_not_set() {
        assert_eq!(environ(&[("BEANSHIP_ENV", "")]).get("BEANSHIP_ENV"), None);
        assert!(!environ(&[("CI", "false")]).is_ci());
        assert!(environ(&[("CI", "1")]).is_ci());
    }
}
