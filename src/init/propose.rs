//! From what was found and asked for to the files that shall be there. Pure.

use std::path::{Path, PathBuf};

use serde::Serialize;

use super::git::Repository;
use super::services::Services;
use super::{Ci, Found, Place, SecretNames, templates};
use crate::config::{Config, FILE_NAME, is_environment_name};
use crate::error::{Error, Kind, Result};
use crate::images::ecr::Ecr;

/// What is known of the project.
#[derive(Debug, Default)]
pub struct Known {
    /// What its files say, the best source first.
    pub found: Vec<Found>,
    /// The name of its folder.
    pub folder: String,
    /// What git knows.
    pub repository: Repository,
    /// What its compose file builds.
    pub services: Services,
    /// Which CI systems it has files of.
    pub systems: Vec<Ci>,
}

/// What flags and answers say. None and empty: go by what is known.
#[derive(Debug, Clone, Default)]
pub struct Wishes {
    /// The application.
    pub app: Option<String>,
    /// The region.
    pub region: Option<String>,
    /// The environment's key.
    pub key: Option<String>,
    /// The environment's Elastic Beanstalk name.
    pub name: Option<String>,
    /// The branches that deploy to it.
    pub branches: Vec<String>,
    /// The compose file, where it has not the usual name.
    pub compose: Option<PathBuf>,
    /// The bucket.
    pub bucket_name: Option<String>,
    /// The folder in it.
    pub bucket_path: Option<String>,
    /// The CI system.
    pub ci: Option<Ci>,
    /// The role that the workflow assumes.
    pub role: Option<String>,
    /// The commands of the tests.
    pub tests: Vec<String>,
}

/// Everything that the templates need.
#[derive(Debug, Clone, Serialize)]
pub struct Wanted {
    /// The application.
    pub app: String,
    /// The region.
    pub region: String,
    /// The bucket.
    pub bucket_name: Option<String>,
    /// The folder in it.
    pub bucket_path: Option<String>,
    /// The compose file.
    pub compose: Option<PathBuf>,
    /// The environments, production last.
    pub environments: Vec<Stage>,
    /// The CI system.
    pub ci: Ci,
    /// The role.
    pub role: Option<String>,
    /// The names of the secrets.
    pub secrets: SecretNames,
    /// The commands of the tests.
    pub tests: Vec<String>,
    /// Whether the compose file says how to build images, so that `deploy --build` does.
    pub build: bool,
    /// The commands that build and push images, where a CI system's file has them and the compose
    /// file does not tell.
    pub publish: Vec<String>,
    /// The registry they go to.
    pub registry: Option<String>,
    /// Whether the CI system has to log in there: at ECR beanship does.
    pub login: bool,
}

/// An environment of the project file.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Stage {
    /// Its key.
    pub key: String,
    /// Its name, where that is not `<app>-<key>`.
    pub name: Option<String>,
    /// The branches that deploy to it.
    pub branches: Vec<String>,
}

/// A file that shall be there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Draft {
    /// Where, from the project's root.
    pub path: PathBuf,
    /// Its content.
    pub text: String,
}

/// What a project file says already, as a source like others.
#[must_use]
pub fn existing(config: &Config) -> Found {
    let stage = |(key, environment): (&String, &crate::config::EnvironmentConfig)| Place {
        key: Some(key.clone()),
        name: environment.name.clone(),
        branches: environment.branches.clone(),
        region: None,
    };
    Found {
        app: config.app.clone(),
        region: config.region.clone(),
        bucket_name: config.bucket_name.clone(),
        bucket_path: config.bucket_path.clone(),
        environments: config.environments.iter().map(stage).collect(),
        ..Found::of(FILE_NAME)
    }
}

impl Known {
    /// The application, going by files, remote and folder.
    #[must_use]
    pub fn app(&self) -> String {
        let slug = self.repository.slug.as_deref();
        let repository = slug.and_then(|slug| slug.rsplit('/').next());
        self.first(|found| found.app.clone())
            .unwrap_or_else(|| repository.unwrap_or(&self.folder).to_owned())
    }

    /// The region, where a file names one.
    #[must_use]
    pub fn region(&self) -> Option<String> {
        self.first(|found| found.region.clone())
    }

    /// The environments of the first source that names any.
    #[must_use]
    pub fn environments(&self) -> Vec<Place> {
        let all = self.found.iter().map(|found| &found.environments);
        let mut places: Vec<Place> = Vec::new();
        for place in all
            .into_iter()
            .find(|all| !all.is_empty())
            .into_iter()
            .flatten()
        {
            let same = |it: &&mut Place| it.name.is_some() && it.name == place.name;
            match places.iter_mut().find(same) {
                Some(known) => known.branches.extend(place.branches.clone()),
                None => places.push(place.clone()),
            }
        }
        for place in &mut places {
            place.branches.sort();
            place.branches.dedup();
        }
        places
    }

    /// The CI system that the project is most likely to deploy from.
    #[must_use]
    pub fn ci(&self) -> Ci {
        let host = self.repository.host.as_deref().unwrap_or_default();
        match self.systems.as_slice() {
            _ if host == "github.com" => Ci::Github,
            _ if host.contains("gitlab") => Ci::Gitlab,
            [first, ..] => *first,
            [] => Ci::Github,
        }
    }

    fn first<T>(&self, of: impl Fn(&Found) -> Option<T>) -> Option<T> {
        self.found.iter().find_map(of)
    }

    fn secrets(&self) -> SecretNames {
        let first = |of: fn(&SecretNames) -> &Option<String>| {
            self.found
                .iter()
                .find_map(|found| of(&found.secrets).clone())
        };
        SecretNames {
            access_key_id: first(|it| &it.access_key_id),
            secret_access_key: first(|it| &it.secret_access_key),
            docker_user: first(|it| &it.docker_user),
            docker_password: first(|it| &it.docker_password),
        }
    }
}

impl Wanted {
    /// What is wanted, by wishes and else by what is known.
    ///
    /// # Errors
    /// [`Kind::Usage`] where nothing names a region.
    pub fn of(wishes: &Wishes, known: &Known) -> Result<Self> {
        let app = wishes.app.clone().unwrap_or_else(|| known.app());
        let region = wishes.region.clone().or_else(|| known.region());
        let region = region.ok_or_else(|| {
            Error::new(
                Kind::Usage,
                "no AWS region: no file of the project names one",
            )
            .hint("pass one: `beanship init --region eu-central-1`")
        })?;
        let compose = wishes.compose.clone();
        let build = !known.services.built.is_empty();
        let publish = known.found.iter().map(|found| &found.publish);
        let publish = publish.into_iter().find(|all| !all.is_empty() && !build);
        let registry = known.services.registry.clone();
        let at_ecr = |registry: &String| Ecr::of(registry).is_some();
        let tests = known.found.iter().map(|found| &found.tests);
        let tests = tests.into_iter().find(|all| !all.is_empty()).cloned();
        let environments = stages(wishes, known, &app);
        for stage in &environments {
            check_key(&stage.key)?;
        }
        Ok(Self {
            environments,
            ci: wishes.ci.unwrap_or_else(|| known.ci()),
            role: wishes
                .role
                .clone()
                .or_else(|| known.first(|it| it.role.clone())),
            bucket_name: wishes
                .bucket_name
                .clone()
                .or_else(|| known.first(|it| it.bucket_name.clone())),
            bucket_path: wishes
                .bucket_path
                .clone()
                .or_else(|| known.first(|it| it.bucket_path.clone()))
                .filter(|path| *path != app),
            secrets: known.secrets(),
            tests: match wishes.tests.is_empty() {
                true => tests.unwrap_or_default(),
                false => wishes.tests.clone(),
            },
            publish: publish.cloned().unwrap_or_default(),
            login: !registry.as_ref().is_some_and(at_ecr),
            build,
            registry,
            app,
            region,
            compose,
        })
    }

    /// The files that shall be there. The project file is read back before it is given out.
    ///
    /// # Errors
    /// [`Kind::Config`] where a value has no place in a project file.
    pub fn drafts(&self) -> Result<Vec<Draft>> {
        let text = templates::render(templates::PROJECT, self)?;
        Config::parse(&text, Path::new(FILE_NAME))?;
        let mut drafts = vec![Draft {
            path: FILE_NAME.into(),
            text,
        }];
        if let Some((path, template)) = templates::of(self.ci) {
            drafts.push(Draft {
                path: path.into(),
                text: templates::render(template, self)?,
            });
        }
        Ok(drafts)
    }
}

/// The environments of the project file.
fn stages(wishes: &Wishes, known: &Known, app: &str) -> Vec<Stage> {
    let mut places = known.environments();
    let named = wishes.key.is_some() || wishes.name.is_some();
    if named {
        let asked = |place: &&Place| {
            (wishes.name.is_some() && place.name == wishes.name)
                || (wishes.key.is_some() && place.key == wishes.key)
        };
        let mut place = places.iter().find(asked).cloned().unwrap_or_default();
        place.key = wishes.key.clone().or(place.key);
        place.name = wishes.name.clone().or(place.name);
        places = vec![place];
    } else if places.is_empty() {
        places = vec![Place::default()];
    }
    let keys = keys(&places);
    let alone = places.len() == 1;
    let mut stages: Vec<Stage> = Vec::new();
    for (place, key) in places.into_iter().zip(keys) {
        let branches = match () {
            () if alone && !wishes.branches.is_empty() => wishes.branches.clone(),
            () if place.branches.is_empty() && alone => {
                known.repository.branch.clone().into_iter().collect()
            }
            () => place.branches,
        };
        stages.push(Stage {
            name: name(app, &key, place.name),
            key,
            branches,
        });
    }
    stages.sort_by_key(|stage| stage.key == "production");
    stages
}

/// A key stands in commands and in the names of jobs.
fn check_key(key: &str) -> Result<()> {
    let allowed = |c: char| c.is_ascii_alphanumeric() || "-_".contains(c);
    let begins = key.starts_with(|c: char| c.is_ascii_alphanumeric());
    if begins && key.chars().all(allowed) {
        return Ok(());
    }
    let text = format!(
        "`{key}` cannot be an environment's key here: letters, digits, `-` and `_` are allowed"
    );
    Err(Error::new(Kind::Usage, text).hint("name another: `beanship init --env production`"))
}

/// The name to write down: none where `<app>-<key>` is it, one that is allowed where it is not.
fn name(app: &str, key: &str, given: Option<String>) -> Option<String> {
    let usual = format!("{app}-{key}");
    match given {
        Some(given) => Some(given).filter(|given| *given != usual),
        None if is_environment_name(&usual) => None,
        None => {
            let allowed = |c: char| if c.is_ascii_alphanumeric() { c } else { '-' };
            let room = 39_usize.saturating_sub(key.len());
            let app: String = app.chars().map(allowed).collect();
            let words: Vec<&str> = app.split('-').filter(|word| !word.is_empty()).collect();
            let app: String = words.join("-").chars().take(room).collect();
            let name = format!("{}-{key}", app.trim_matches('-'));
            Some(name.trim_matches('-').to_owned())
        }
    }
}

/// A key for each environment: its own, or what its name tells.
fn keys(places: &[Place]) -> Vec<String> {
    const WORDS: [(&str, &str); 7] = [
        ("prod", "production"),
        ("live", "production"),
        ("stag", "staging"),
        ("stg", "staging"),
        ("dev", "development"),
        ("test", "test"),
        ("qa", "qa"),
    ];
    let guess = |place: &Place| {
        if let Some(key) = &place.key {
            return key.clone();
        }
        let name = place.name.clone().unwrap_or_default().to_lowercase();
        let word = WORDS.iter().find(|(part, _)| name.contains(part));
        match word {
            Some((_, key)) => (*key).to_owned(),
            None if places.len() == 1 => "production".to_owned(),
            None => name,
        }
    };
    let guesses: Vec<String> = places.iter().map(guess).collect();
    let unique = |at: usize| guesses.iter().filter(|it| **it == guesses[at]).count() == 1;
    let key = |(at, place): (usize, &Place)| match &place.name {
        Some(name) if !unique(at) => name.clone(),
        _ => guesses[at].clone(),
    };
    places.iter().enumerate().map(key).collect()
}
