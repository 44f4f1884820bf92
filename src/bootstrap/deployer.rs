//! From where GitHub's workflows may deploy: the subjects of their tokens, each written out. Pure.

use std::collections::BTreeSet;

use serde_json::Value;

use crate::config::DeployerConfig;
use crate::settings::Environ;

/// The numbers of a repository and its owner, which newer tokens carry (facts 6.4).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ids {
    /// The owner's.
    pub owner: String,
    /// The repository's.
    pub repository: String,
}

impl Ids {
    /// As the project file gives them, or GitHub does in a workflow of this very repository, or
    /// as a trust policy has them already.
    #[must_use]
    pub fn find(
        deployer: &DeployerConfig,
        environ: &Environ,
        trust: Option<&Value>,
    ) -> Option<Self> {
        if let (Some(owner), Some(repository)) = (deployer.owner_id, deployer.repository_id) {
            return Some(Self {
                owner: owner.to_string(),
                repository: repository.to_string(),
            });
        }
        let name = deployer.github.as_deref()?;
        let here = environ.get("GITHUB_REPOSITORY") == Some(name);
        let told = || {
            Some(Self {
                owner: environ.get("GITHUB_REPOSITORY_OWNER_ID")?.to_owned(),
                repository: environ.get("GITHUB_REPOSITORY_ID")?.to_owned(),
            })
        };
        here.then(told)
            .flatten()
            .or_else(|| Self::in_trust(name, trust?))
    }

    fn in_trust(name: &str, trust: &Value) -> Option<Self> {
        let (owner, repository) = name.split_once('/')?;
        let sayings = super::policy::sayings(trust);
        sayings.iter().find_map(|said| {
            let (_, rest) = said.split_once(&format!("repo:{owner}@"))?;
            let (owner, rest) = rest.split_once(&format!("/{repository}@"))?;
            let (repository, _) = rest.split_once(':')?;
            Some(Self {
                owner: owner.to_owned(),
                repository: repository.to_owned(),
            })
        })
    }
}

/// The subjects that may deploy: of the workflow's environment, else of each branch; in the older
/// form and, where the numbers are known, in the newer one.
#[must_use]
pub fn subjects(deployer: &DeployerConfig, branches: &[String], ids: Option<&Ids>) -> Vec<String> {
    let Some((owner, repository)) = deployer.github.as_deref().and_then(|it| it.split_once('/'))
    else {
        return Vec::new();
    };
    let from: Vec<String> = match &deployer.github_environment {
        Some(name) => vec![format!("environment:{name}")],
        None => branches
            .iter()
            .map(|branch| format!("ref:refs/heads/{branch}"))
            .collect(),
    };
    let older = format!("repo:{owner}/{repository}");
    let newer = ids.map(|ids| {
        let (owner_id, repository_id) = (&ids.owner, &ids.repository);
        format!("repo:{owner}@{owner_id}/{repository}@{repository_id}")
    });
    let names = std::iter::once(older).chain(newer);
    let all: BTreeSet<String> = names
        .flat_map(|name| from.iter().map(move |from| format!("{name}:{from}")))
        .collect();
    all.into_iter().collect()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn subjects_are_written_out() {
        let github = |environment: Option<&str>| DeployerConfig {
            github: Some("acme/shop".into()),
            github_environment: environment.map(str::to_owned),
            ..DeployerConfig::default()
        };
        let ids = Ids {
            owner: "12".into(),
            repository: "345".into(),
        };
        let branches = ["main".to_owned(), "next".to_owned()];
        let all = [
            subjects(&github(None), &branches, None).join("\n"),
            subjects(&github(Some("production")), &branches, Some(&ids)).join("\n"),
        ];
        insta::assert_snapshot!(all.join("\n\n"), @"
        repo:acme/shop:ref:refs/heads/main
        repo:acme/shop:ref:refs/heads/next

        repo:acme/shop:environment:production
        repo:acme@12/shop@345:environment:production
        ");
        let trust = json!({"Statement": {"Effect": "Allow", "Action": "a", "Condition": {"StringEquals":
            {"s": ["repo:acme/shop:x", "repo:acme@12/shop@345:ref:refs/heads/main"]}}}});
        assert_eq!(Ids::in_trust("acme/shop", &trust), Some(ids));
        assert_eq!(Ids::in_trust("acme/other", &trust), None);
    }
}
