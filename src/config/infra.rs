//! What `bootstrap` makes in the account: the keys of `infra`, and those of an environment that
//! only it reads.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::Config;

/// `infra:` of the project file: for everything that is made.
#[derive(Debug, Clone, Default, Deserialize, Serialize)]
#[serde(deny_unknown_fields, default)]
pub struct InfraConfig {
    /// The only account in which anything may be made.
    pub account: Option<String>,
    /// Tags of everything that is made.
    pub tags: BTreeMap<String, String>,
    /// How roles and users are made.
    pub iam: IamConfig,
}

/// How roles and users are made.
#[derive(Debug, Clone, Default, Deserialize, Serialize)]
#[serde(deny_unknown_fields, default)]
pub struct IamConfig {
    /// Their path; `/` unless given.
    pub path: Option<String>,
    /// The ARN of the policy that bounds them.
    pub permissions_boundary: Option<String>,
}

/// Who deploys to an environment: a GitHub repository, or a user with an access key.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize, Serialize)]
#[serde(deny_unknown_fields, default)]
pub struct DeployerConfig {
    /// `owner/repo`.
    pub github: Option<String>,
    /// The environment that the workflow's job names; else the branches count.
    pub github_environment: Option<String>,
    /// The number of the repository's owner.
    pub owner_id: Option<u64>,
    /// The number of the repository.
    pub repository_id: Option<u64>,
    /// The name of an IAM user.
    pub user: Option<String>,
}

/// What the instances may do besides.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize, Serialize)]
#[serde(deny_unknown_fields, default)]
pub struct InstanceRoleConfig {
    /// ARNs of managed policies, or files with a policy, relative to the project file.
    pub policies: Vec<String>,
}

impl Config {
    /// What is well formed below `infra` and `deployer` but cannot be meant.
    pub(super) fn infra_problems(&self) -> Vec<String> {
        let mut problems = Vec::new();
        let path = self.infra.iam.path.as_deref().unwrap_or("/");
        if !path.starts_with('/') || !path.ends_with('/') {
            problems.push(format!(
                "`infra.iam.path` is `{path}`: it must begin and end with `/`"
            ));
        }
        let own = |key: &&String| key.starts_with("beanship:") || key.starts_with("aws:");
        if let Some(key) = self.infra.tags.keys().find(own) {
            problems.push(format!(
                "`{key}` cannot be one of `infra.tags`: tags that begin so are not yours"
            ));
        }
        for (key, environment) in &self.environments {
            if let Some(deployer) = &environment.deployer {
                let at = format!("`environments.{key}.deployer`");
                problems.extend(deployer.problem(&environment.branches, &at));
            }
        }
        problems
    }
}

impl DeployerConfig {
    fn problem(&self, branches: &[String], at: &str) -> Option<String> {
        let is_repository = |name: &str| {
            let mut parts = name.split('/');
            let mut part = || parts.next().is_some_and(|part| !part.is_empty());
            part() && part() && parts.next().is_none()
        };
        match (&self.github, &self.user) {
            (Some(_), Some(_)) | (None, None) => Some(format!(
                "{at} must have either `github: owner/repo` or `user: NAME`"
            )),
            (Some(name), _) if !is_repository(name) => Some(format!(
                "{at}: `{name}` is no repository: write `owner/repo`"
            )),
            (Some(_), _) if self.github_environment.is_none() && branches.is_empty() => {
                Some(format!(
                    "{at} must know from where: give the environment `branches`, or the deployer `github_environment`"
                ))
            }
            (Some(name), _) if format!("{name}{}", branches.concat()).contains(['*', '?']) => Some(
                format!("{at}: a repository or a branch with `*` or `?` cannot be matched exactly"),
            ),
            (Some(_), _) if self.owner_id.is_some() != self.repository_id.is_some() => Some(
                format!("{at} must have both `owner_id` and `repository_id`, or neither"),
            ),
            (None, Some(_)) if self.github_environment.is_some() => {
                Some(format!("{at}: `github_environment` belongs to `github`"))
            }
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;

    #[test]
    fn a_deployer_is_one_thing_and_comes_from_somewhere_known() {
        let problems = |deployer: &str| {
            let text = format!(
                "infra: {{ iam: {{ path: team }}, tags: {{ 'beanship:app': x }} }}\nenvironments: {{ a: {{ deployer: {deployer} }} }}"
            );
            let error = Config::parse(&text, Path::new("f")).expect_err("problems");
            let messages: Vec<_> = error.problems().map(|it| it.message().to_owned()).collect();
            messages.join("\n")
        };
        insta::assert_snapshot!(problems("{ github: a/b, user: c }"), @"
        f: `infra.iam.path` is `team`: it must begin and end with `/`
        f: `beanship:app` cannot be one of `infra.tags`: tags that begin so are not yours
        f: `environments.a.deployer` must have either `github: owner/repo` or `user: NAME`
        ");
        for (deployer, part) in [
            ("{}", "either"),
            ("{ github: a, branches: x }", "unknown key"),
            ("{ github: a }", "is no repository"),
            ("{ github: a/b }", "must know from where"),
            (
                "{ github: a/b, github_environment: e, owner_id: 1 }",
                "or neither",
            ),
            ("{ user: a, github_environment: e }", "belongs to"),
        ] {
            let problems = problems(deployer);
            assert!(problems.contains(part), "{deployer}: {problems}");
        }
    }
}
