//! Which environment a command is about: from `--env`, the current branch and the project file.

use crate::config::{Config, is_environment_name};
use crate::error::{Error, Kind, Result};
use crate::yaml::nearest;

/// The application and the environment that a command is about.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Target {
    /// The Elastic Beanstalk application.
    pub app: String,
    /// The environment's key in the project file, if it is declared there.
    pub key: Option<String>,
    /// The environment's Elastic Beanstalk name.
    pub environment: String,
}

/// What is known when the environment is chosen.
#[derive(Debug, Clone, Copy)]
pub struct Choice<'a> {
    /// The project file.
    pub config: &'a Config,
    /// The application's name.
    pub app: &'a str,
    /// The value of `--env`.
    pub wanted: Option<&'a str>,
    /// The current branch; `None` without git, on tags and on pull requests.
    pub branch: Option<&'a str>,
    /// Whether an explicit environment may be deployed to from any branch.
    pub any_branch: bool,
}

/// The environment for the branch, or why there is none.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Chosen {
    /// This one.
    Target(Target),
    /// Environments declare branches, and none declares this one.
    NoneForBranch,
}

impl Choice<'_> {
    /// Chooses the environment.
    ///
    /// # Errors
    /// [`Kind::Usage`] when the choice is not clear or not allowed.
    pub fn choose(&self) -> Result<Chosen> {
        let key = match self.wanted {
            Some(wanted) => match self.declared(wanted) {
                Some(key) => key,
                None if self.config.environments.is_empty() => return self.undeclared(wanted),
                None => return Err(self.unknown(wanted)),
            },
            None => match self.by_branch()? {
                Some(key) => key,
                None => return Ok(Chosen::NoneForBranch),
            },
        };
        if self.wanted.is_some() {
            self.check_branch(key)?;
        }
        self.target(key).map(Chosen::Target)
    }

    /// Every declared environment.
    ///
    /// # Errors
    /// [`Kind::Config`] where a name cannot be made from application and key.
    pub fn all(&self) -> Result<Vec<Target>> {
        self.config
            .environments
            .keys()
            .map(|key| self.target(key))
            .collect()
    }

    /// The key of the environment with this key or name.
    fn declared(&self, wanted: &str) -> Option<&str> {
        let environments = &self.config.environments;
        if let Some((key, _)) = environments.get_key_value(wanted) {
            return Some(key);
        }
        environments
            .keys()
            .map(String::as_str)
            .find(|key| self.name(key) == wanted)
    }

    fn by_branch(&self) -> Result<Option<&str>> {
        let environments = &self.config.environments;
        if self.config.declares_branches() {
            let Some(branch) = self.branch else {
                return Ok(None);
            };
            let mut keys = environments
                .iter()
                .filter(|(_, environment)| environment.branches.iter().any(|b| b == branch))
                .map(|(key, _)| key.as_str());
            return match (keys.next(), keys.next()) {
                (Some(_), Some(_)) => Err(self.unclear(&format!(
                    "several environments declare the branch `{branch}`"
                ))),
                (first, _) => Ok(first),
            };
        }
        let mut keys = environments.keys();
        match (keys.next(), keys.next()) {
            (Some(key), None) => Ok(Some(key)),
            (None, _) => Err(Error::new(
                Kind::Usage,
                "no environment chosen: the project file declares none",
            )
            .hint("name one: `--env NAME`")),
            _ => Err(self.unclear("no environment chosen: the project file declares several")),
        }
    }

    fn check_branch(&self, key: &str) -> Result<()> {
        let branches = &self.config.environments[key].branches;
        let Some(branch) = self.branch else {
            return Ok(());
        };
        if self.any_branch || branches.is_empty() || branches.iter().any(|b| b == branch) {
            return Ok(());
        }
        Err(Error::new(
            Kind::Usage,
            format!(
                "the branch `{branch}` does not deploy to {key}: beanship.yml declares {} for it",
                branches.join(", ")
            ),
        )
        .hint(format!(
            "deploy all the same with `--env {key} --any-branch`"
        )))
    }

    fn target(&self, key: &str) -> Result<Target> {
        let environment = self.name(key);
        if !is_environment_name(&environment) {
            return Err(Error::new(
                Kind::Config,
                format!(
                    "`{environment}` cannot be an environment's name: 4 to 40 letters, digits \
                     and hyphens are allowed"
                ),
            )
            .hint(format!("set `environments.{key}.name` in beanship.yml")));
        }
        Ok(Target {
            app: self.app.into(),
            key: Some(key.into()),
            environment,
        })
    }

    fn undeclared(&self, name: &str) -> Result<Chosen> {
        if !is_environment_name(name) {
            return Err(Error::new(
                Kind::Usage,
                format!("`{name}` cannot be an environment's name: 4 to 40 letters, digits and hyphens are allowed"),
            )
            .hint("list the environments with `beanship list`"));
        }
        Ok(Chosen::Target(Target {
            app: self.app.into(),
            key: None,
            environment: name.into(),
        }))
    }

    fn name(&self, key: &str) -> String {
        let declared = self.config.environments[key].name.clone();
        declared.unwrap_or_else(|| format!("{}-{key}", self.app))
    }

    fn unknown(&self, wanted: &str) -> Error {
        let names: Vec<String> = self
            .config
            .environments
            .keys()
            .flat_map(|key| [key.clone(), self.name(key)])
            .collect();
        let error = Error::new(
            Kind::Usage,
            format!(
                "no environment `{wanted}`: beanship.yml declares {}",
                self.list()
            ),
        );
        match nearest(wanted, names.iter().map(String::as_str)) {
            Some(guess) => error.hint(format!("try `--env {guess}`")),
            None => {
                error.hint("declare it in beanship.yml under `environments`, or correct `--env`")
            }
        }
    }

    /// An error that lists the environments to choose from.
    fn unclear(&self, why: &str) -> Error {
        let first = self
            .config
            .environments
            .keys()
            .next()
            .map_or("NAME", String::as_str);
        let any = match self.branch {
            Some(branch) if self.config.declares_branches() && !self.any_branch => {
                let branches = self.config.environments.get(first).map(|it| &it.branches);
                let holds = |branches: &Vec<String>| branches.iter().any(|it| it == branch);
                match branches.is_none_or(|it| it.is_empty() || holds(it)) {
                    true => "",
                    false => " --any-branch",
                }
            }
            _ => "",
        };
        Error::new(Kind::Usage, format!("{why}: {}", self.list()))
            .hint(format!("choose one: `--env {first}{any}`"))
    }

    /// The error for a branch that deploys nowhere, outside CI.
    #[must_use]
    pub fn none_for_branch(&self) -> Error {
        match self.branch {
            Some(branch) => self.unclear(&format!("no environment declares the branch `{branch}`")),
            None => self.unclear("no environment chosen: there is no current branch to go by"),
        }
    }

    fn list(&self) -> String {
        let one = |(key, environment): (&String, &crate::config::EnvironmentConfig)| {
            if environment.branches.is_empty() {
                key.clone()
            } else {
                format!("{key} (from {})", environment.branches.join(", "))
            }
        };
        self.config
            .environments
            .iter()
            .map(one)
            .collect::<Vec<_>>()
            .join(", ")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::path::Path;

    const BRANCHES: &str = "environments: {production: {name: shop-prod, branches: [main]}, staging: {branches: [develop, next]}}";
    const TWO: &str = "environments: {a: {}, b: {}}";
    const ONE: &str = "environments: {only: {}}";

    /// What is chosen, in a few words.
    fn chosen(file: &str, wanted: Option<&str>, branch: Option<&str>, any_branch: bool) -> String {
        let config = Config::parse(file, Path::new("beanship.yml")).expect(file);
        let choice = Choice {
            config: &config,
            app: "shop",
            wanted,
            branch,
            any_branch,
        };
        match choice.choose() {
            Ok(Chosen::Target(target)) => target.environment,
            Ok(Chosen::NoneForBranch) => {
                format!("none; on a terminal: {}", choice.none_for_branch())
            }
            Err(error) => format!("{error} [{}]", error.hints().join("; ")),
        }
    }

    #[test]
    fn the_environment_is_chosen_by_flag_branch_or_being_the_only_one() {
        let main = Some("main");
        for (file, wanted, branch, any, expected) in [
            (BRANCHES, None, main, false, "shop-prod"),
            (BRANCHES, None, Some("next"), false, "shop-staging"),
            (BRANCHES, Some("production"), main, false, "shop-prod"),
            (BRANCHES, Some("shop-prod"), main, false, "shop-prod"),
            (BRANCHES, Some("staging"), None, false, "shop-staging"),
            (BRANCHES, Some("staging"), main, true, "shop-staging"),
            (ONE, None, None, false, "shop-only"),
            ("", Some("some-env"), main, false, "some-env"),
        ] {
            assert_eq!(
                chosen(file, wanted, branch, any),
                expected,
                "{wanted:?} {branch:?}"
            );
        }
    }

    #[test]
    fn what_is_not_clear_is_refused_with_the_list() {
        let cases = [
            chosen(BRANCHES, None, Some("topic"), false),
            chosen(BRANCHES, None, None, false),
            chosen(BRANCHES, Some("staging"), Some("main"), false),
            chosen(BRANCHES, Some("prodution"), Some("main"), false),
            chosen(BRANCHES, Some("other"), Some("main"), false),
            chosen(TWO, None, Some("main"), false),
            chosen("", None, Some("main"), false),
            chosen("", Some("a/b"), None, false),
        ];
        insta::assert_snapshot!(cases.join("\n"), @"
        none; on a terminal: no environment declares the branch `topic`: production (from main), staging (from develop, next)
        none; on a terminal: no environment chosen: there is no current branch to go by: production (from main), staging (from develop, next)
        the branch `main` does not deploy to staging: beanship.yml declares develop, next for it [deploy all the same with `--env staging --any-branch`]
        no environment `prodution`: beanship.yml declares production (from main), staging (from develop, next) [try `--env production`]
        no environment `other`: beanship.yml declares production (from main), staging (from develop, next) [declare it in beanship.yml under `environments`, or correct `--env`]
        no environment chosen: the project file declares several: a, b [choose one: `--env a`]
        no environment chosen: the project file declares none [name one: `--env NAME`]
        `a/b` cannot be an environment's name: 4 to 40 letters, digits and hyphens are allowed [list the environments with `beanship list`]
        ");
    }
}
