//! What was typed, what the environment says and what the project file holds become what is
//! meant: flag > `BEANSHIP_*` > project file > the AWS SDK's chain > default, decided once.

mod deploy;
pub mod duration;
mod environ;
mod target;

use std::io::IsTerminal;
use std::path::{Path, PathBuf};
use std::time::Duration;

use crate::aws::Access;
use crate::cli::{Cli, Command, Format, GlobalArgs};
use crate::config::{self, Config};
use crate::error::{Error, Kind, Result};
use crate::output::Level;

pub use deploy::{DeploySettings, Following};
pub use environ::{CiRef, Environ};
pub use target::{Choice, Chosen, Target};

/// What decides the shape of the output; known before any file is read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Voice {
    /// The format.
    pub format: Format,
    /// How much is told.
    pub level: Level,
}

impl Voice {
    /// From flags and environment.
    ///
    /// # Errors
    /// [`Kind::Usage`] for a `BEANSHIP_OUTPUT` that is no format.
    pub fn resolve(global: &GlobalArgs, environ: &Environ) -> Result<Self> {
        let named = match (global.output, environ.get("BEANSHIP_OUTPUT")) {
            (Some(format), _) => Some(format),
            (None, Some(name)) => Some(format_of(name)?),
            (None, None) => None,
        };
        let usual = if environ.is_github() {
            Format::Github
        } else {
            Format::Human
        };
        let level = match (global.quiet, global.verbose) {
            (true, _) => Level::Quiet,
            (_, 0) => Level::Normal,
            _ => Level::Verbose,
        };
        Ok(Self {
            format: named.unwrap_or(usual),
            level,
        })
    }
}

fn format_of(name: &str) -> Result<Format> {
    <Format as clap::ValueEnum>::from_str(name, true).map_err(|_| {
        Error::new(
            Kind::Usage,
            format!("BEANSHIP_OUTPUT is `{name}`: human, json and github are known"),
        )
    })
}

/// Whether and how the embedded AWS stands in for the real one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SandboxMode {
    /// The real AWS.
    Off,
    /// An account in which the project's application and environments exist.
    Seeded,
    /// An account with nothing in it.
    Empty,
}

/// What every command knows.
#[derive(Debug, Clone)]
pub struct Settings {
    /// The directory of the app; everything relative starts here.
    pub root: PathBuf,
    /// The project file, if there is one.
    pub config_file: Option<PathBuf>,
    /// What the project file holds.
    pub config: Config,
    /// The region, unless it is left to the SDK's chain.
    pub region: Option<String>,
    /// A profile of the AWS configuration files.
    pub profile: Option<String>,
    /// Whether every question is answered with yes.
    pub yes: bool,
    /// Whether somebody sits at a terminal.
    pub interactive: bool,
    /// Whether the embedded AWS is used.
    pub sandbox: SandboxMode,
    /// How long to wait between two looks at the same thing, unless that is left to what is looked
    /// at.
    pub poll: Option<Duration>,
    /// Remarks on how the settings came about.
    pub notes: Vec<String>,
    /// The process environment.
    pub environ: Environ,
}

impl Settings {
    /// Resolves what every command needs.
    ///
    /// # Errors
    /// [`Kind::Usage`] or [`Kind::Config`] for a directory or project file that is not right.
    pub fn resolve(cli: &Cli, environ: Environ) -> Result<Self> {
        let global = &cli.global;
        let directory = directory(global.directory.as_deref())?;
        let named = global
            .config
            .clone()
            .or_else(|| environ.get("BEANSHIP_CONFIG").map(PathBuf::from));
        let is_named = named.is_some();
        let config_file = match named {
            // What it shall say is what the command finds out.
            _ if matches!(cli.command, Command::Init(_)) => None,
            Some(file) => Some(directory.join(file)),
            None => config::find(&directory),
        };
        let config = match &config_file {
            Some(file) => Config::read(file, shown(file, &directory))?,
            None => Config::default(),
        };
        let root = match (is_named, &config_file) {
            (false, Some(file)) => file.parent().map_or(directory, Path::to_path_buf),
            _ => directory,
        };
        let sandbox = match (global.sandbox_empty, global.sandbox) {
            (true, _) => SandboxMode::Empty,
            (_, true) => SandboxMode::Seeded,
            _ => SandboxMode::Off,
        };
        let interactive =
            !environ.is_ci() && std::io::stdin().is_terminal() && std::io::stderr().is_terminal();
        let first = |flag: &Option<String>, name: &str| {
            flag.clone()
                .or_else(|| environ.get(name).map(str::to_owned))
        };
        let chosen = first(&global.region, "BEANSHIP_REGION");
        let notes = notes(&config, chosen.is_none(), &environ);
        let poll = environ.get("BEANSHIP_POLL_INTERVAL").map(poll);
        let poll = poll.transpose()?;
        Ok(Self {
            region: chosen.or_else(|| config.region.clone()),
            profile: first(&global.profile, "BEANSHIP_PROFILE"),
            yes: global.yes,
            root,
            config_file,
            config,
            interactive,
            sandbox,
            poll,
            notes,
            environ,
        })
    }

    /// The application's name.
    ///
    /// # Errors
    /// [`Kind::Usage`] where nothing names one.
    pub fn app(&self, flag: Option<&str>) -> Result<String> {
        flag.or_else(|| self.environ.get("BEANSHIP_APP"))
            .or(self.config.app.as_deref())
            .map(str::to_owned)
            .ok_or_else(|| {
                let error = Error::new(Kind::Usage, "no application: nothing names one");
                if self.config_file.is_some() {
                    error.hint("set `app` in beanship.yml, or pass `--app NAME`")
                } else {
                    error.hint(format!(
                        "have a {} written with `beanship init`, or pass `--app NAME --region REGION --env NAME`",
                        config::FILE_NAME
                    ))
                }
            })
    }

    /// The value of `--env`, or of its variable.
    #[must_use]
    pub fn wanted<'a>(&'a self, flag: Option<&'a str>) -> Option<&'a str> {
        flag.or_else(|| self.environ.get("BEANSHIP_ENV"))
    }

    /// The branch that decides, as the CI system or else git says.
    #[must_use]
    pub fn branch(&self, git: Option<&str>) -> Option<String> {
        match self.environ.ci_ref() {
            Some(CiRef::Branch(branch)) => Some(branch),
            Some(CiRef::NoBranch) => None,
            None => git.map(str::to_owned),
        }
    }

    /// Whether CI runs this and it is known which branch it builds, or that it builds none.
    #[must_use]
    pub fn knows_branch(&self, branch: Option<&str>) -> bool {
        self.environ.is_ci() && (branch.is_some() || self.environ.ci_ref().is_some())
    }

    /// The environment that a reading command is about: `--env`, else the branch's, else the
    /// only one.
    ///
    /// # Errors
    /// [`Kind::Usage`] where that is not clear.
    pub fn target(
        &self,
        app: Option<&str>,
        env: Option<&str>,
        git: Option<&str>,
    ) -> Result<Target> {
        let (app, branch) = (self.app(app)?, self.branch(git));
        let choice = Choice {
            config: &self.config,
            app: &app,
            wanted: self.wanted(env),
            branch: branch.as_deref(),
            any_branch: true,
        };
        match choice.choose()? {
            Chosen::Target(target) => Ok(target),
            Chosen::NoneForBranch => Err(choice.none_for_branch()),
        }
    }

    /// The compose file of an environment, relative to the root.
    #[must_use]
    pub fn compose(&self, key: Option<&str>) -> PathBuf {
        key.and_then(|key| self.config.environments.get(key)?.compose.clone())
            .or_else(|| self.config.compose.clone())
            .unwrap_or_else(|| PathBuf::from(crate::compose::FILE_NAME))
    }

    /// How to reach AWS.
    #[must_use]
    pub fn access(&self) -> Access {
        Access {
            region: self.region.clone(),
            profile: self
                .profile
                .clone()
                .or_else(|| self.environ.get("AWS_PROFILE").map(str::to_owned)),
            attempts_from_environment: self.environ.get("AWS_MAX_ATTEMPTS").is_some(),
            role: self.environ.role(),
            poll: self.poll,
            misnamed_key: self.environ.get("AWS_ACCESS_KEY").is_some()
                && self.environ.get("AWS_ACCESS_KEY_ID").is_none(),
            local: None,
        }
    }
}

/// How long to wait between looks; without any pause, AWS would be asked all the time.
fn poll(text: &str) -> Result<Duration> {
    let time = duration::parse(text).and_then(|it| match it.is_zero() {
        true => Err("there must be a pause between looks".to_owned()),
        false => Ok(it),
    });
    time.map_err(|why| {
        let what = format!("the variable BEANSHIP_POLL_INTERVAL: {why}");
        Error::new(Kind::Usage, what)
            .hint("set it with `export BEANSHIP_POLL_INTERVAL=5s`, or leave it out with `unset BEANSHIP_POLL_INTERVAL`")
    })
}

/// The working directory, as an absolute path.
fn directory(named: Option<&Path>) -> Result<PathBuf> {
    let directory = named.unwrap_or_else(|| Path::new("."));
    let absolute = std::fs::canonicalize(directory).map_err(|why| {
        Error::new(
            Kind::Usage,
            format!(
                "cannot use the directory {}: {}",
                directory.display(),
                crate::error::reason(&why).replace("file", "directory")
            ),
        )
        .hint("name one that exists: `-C DIR`")
    })?;
    if absolute.is_dir() {
        return Ok(absolute);
    }
    Err(Error::new(
        Kind::Usage,
        format!("cannot use {}: it is not a directory", directory.display()),
    )
    .hint("name a directory: `-C DIR`"))
}

/// A path as the reader would write it: relative where it is below the directory.
fn shown<'a>(file: &'a Path, directory: &Path) -> &'a Path {
    file.strip_prefix(directory).unwrap_or(file)
}

fn notes(config: &Config, region_from_file: bool, environ: &Environ) -> Vec<String> {
    let mut notes = Vec::new();
    let elsewhere = environ
        .get("AWS_REGION")
        .or_else(|| environ.get("AWS_DEFAULT_REGION"));
    if let (true, Some(region), Some(other)) = (region_from_file, &config.region, elsewhere)
        && region != other
    {
        notes.push(format!(
            "the region is {region}, from beanship.yml; AWS_REGION says {other} and does not count"
        ));
    }
    notes
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn there_is_a_pause_between_looks() {
        assert_eq!(poll("100ms").ok(), Some(Duration::from_millis(100)));
        for text in ["0s", "0ms", "5"] {
            let error = poll(text).expect_err(text);
            assert_eq!((error.kind(), error.hints().len()), (Kind::Usage, 1));
        }
    }
}
