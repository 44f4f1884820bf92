//! The process environment, read once: variables that carry settings, and what CI systems
//! say about the build.

use std::collections::BTreeMap;

use crate::aws::role::{Role, Voucher};

/// The process environment. Empty variables count as not set, as CI systems leave them.
#[derive(Clone, Default)]
pub struct Environ(BTreeMap<String, String>);

/// Where the build comes from, as far as branches are concerned.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum CiRef {
    /// A branch build.
    Branch(String),
    /// A tag, a pull request, or another build that belongs to no branch.
    NoBranch,
}

/// Without the values: secrets are among them.
impl std::fmt::Debug for Environ {
    fn fmt(&self, to: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        to.debug_set().entries(self.0.keys()).finish()
    }
}

impl Environ {
    /// The environments that are asked for by flags or else by BEANSHIP_ENV, which may name
    /// several with commas between them.
    #[must_use]
    pub fn all_wanted<'a>(&'a self, flags: &'a [String]) -> Vec<&'a str> {
        let variable = self.get("BEANSHIP_ENV").filter(|_| flags.is_empty());
        let named = variable.into_iter().flat_map(|names| names.split(','));
        let all = flags.iter().map(String::as_str).chain(named);
        all.map(str::trim).filter(|name| !name.is_empty()).collect()
    }

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
                "CIRCLECI",
                "BITBUCKET_BUILD_NUMBER",
                "BUILDKITE",
            ]
            .iter()
            .any(|name| self.get(name).is_some())
    }

    /// The role to act as, with what vouches for this process.
    #[must_use]
    pub fn role(&self) -> Option<Role> {
        let arn = self.get("BEANSHIP_ROLE")?.to_owned();
        let url = self.get("ACTIONS_ID_TOKEN_REQUEST_URL");
        let token = self.get("ACTIONS_ID_TOKEN_REQUEST_TOKEN");
        let voucher = match (url, token) {
            (Some(url), Some(token)) => Voucher::Github {
                url: url.to_owned(),
                token: token.into(),
            },
            _ if self.is_github() => Voucher::Nobody,
            _ => Voucher::Chain,
        };
        let session = match self.get("GITHUB_RUN_ID") {
            Some(run) => format!("beanship-{run}"),
            None => "beanship".to_owned(),
        };
        Some(Role {
            arn,
            session,
            voucher,
        })
    }

    /// What the CI system says about the branch; `None` where no known system says anything.
    #[must_use]
    pub fn ci_ref(&self) -> Option<CiRef> {
        let set = |name: &str| self.get(name).is_some();
        let branch = |name: &str| self.get(name).map(str::to_owned);
        let found = if self.is_github() {
            self.github_branch()
        } else if set("GITLAB_CI") {
            branch("CI_COMMIT_BRANCH")
        } else if set("TRAVIS") {
            let pull = self.get("TRAVIS_PULL_REQUEST").unwrap_or("false") != "false";
            branch("TRAVIS_BRANCH").filter(|_| !pull && !set("TRAVIS_TAG"))
        } else if set("JENKINS_URL") {
            // GIT_BRANCH names the remote too.
            let named = branch("BRANCH_NAME").or_else(|| {
                let name = self.get("GIT_BRANCH")?;
                Some(name.strip_prefix("origin/").unwrap_or(name).to_owned())
            });
            named.filter(|_| !set("CHANGE_ID") && !set("TAG_NAME"))
        } else if set("CIRCLECI") {
            let pull = set("CIRCLE_PULL_REQUEST") || set("CIRCLE_PR_NUMBER");
            branch("CIRCLE_BRANCH").filter(|_| !pull && !set("CIRCLE_TAG"))
        } else if set("TF_BUILD") {
            let full = self.get("BUILD_SOURCEBRANCH");
            full.and_then(|full| full.strip_prefix("refs/heads/"))
                .map(str::to_owned)
        } else if set("BITBUCKET_BUILD_NUMBER") {
            branch("BITBUCKET_BRANCH").filter(|_| !set("BITBUCKET_PR_ID"))
        } else if set("BUILDKITE") {
            let pull = self.get("BUILDKITE_PULL_REQUEST").unwrap_or("false") != "false";
            branch("BUILDKITE_BRANCH").filter(|_| !pull && !set("BUILDKITE_TAG"))
        } else {
            return None;
        };
        Some(found.map_or(CiRef::NoBranch, CiRef::Branch))
    }

    fn github_branch(&self) -> Option<String> {
        let event = self.get("GITHUB_EVENT_NAME").unwrap_or_default();
        let pull = self.get("GITHUB_HEAD_REF").is_some() || event.starts_with("pull_request");
        let full = self.get("GITHUB_REF").unwrap_or("refs/heads/");
        let of_a_branch = !pull
            && self.get("GITHUB_REF_TYPE") == Some("branch")
            && full.starts_with("refs/heads/");
        let name = self.get("GITHUB_REF_NAME").filter(|_| of_a_branch);
        name.map(str::to_owned)
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
        let table: [(Variables, Option<CiRef>); 17] = [
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
            (
                &[("JENKINS_URL", "x"), ("GIT_BRANCH", "origin/main")],
                main.clone(),
            ),
            (
                &[("CIRCLECI", "true"), ("CIRCLE_BRANCH", "main")],
                main.clone(),
            ),
            (
                &[("CIRCLECI", "true"), ("CIRCLE_TAG", "v1")],
                Some(CiRef::NoBranch),
            ),
            (
                &[
                    ("TF_BUILD", "True"),
                    ("BUILD_SOURCEBRANCH", "refs/heads/main"),
                ],
                main.clone(),
            ),
            (
                &[
                    ("TF_BUILD", "True"),
                    ("BUILD_SOURCEBRANCH", "refs/pull/1/merge"),
                ],
                Some(CiRef::NoBranch),
            ),
            (
                &[
                    ("BITBUCKET_BUILD_NUMBER", "1"),
                    ("BITBUCKET_BRANCH", "main"),
                ],
                main.clone(),
            ),
            (
                &[
                    ("BUILDKITE", "true"),
                    ("BUILDKITE_BRANCH", "main"),
                    ("BUILDKITE_PULL_REQUEST", "false"),
                ],
                main,
            ),
            (
                &[
                    ("BUILDKITE", "true"),
                    ("BUILDKITE_BRANCH", "topic"),
                    ("BUILDKITE_PULL_REQUEST", "12"),
                ],
                Some(CiRef::NoBranch),
            ),
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
