//! What every command understands.

use std::path::{Path, PathBuf};

use clap::{Args, ValueEnum};

/// Options that every command understands.
#[derive(Debug, Clone, Default, Args)]
#[command(next_help_heading = "Global options")]
pub struct GlobalArgs {
    /// Run as if started in DIR
    #[arg(short = 'C', long, global = true, value_name = "DIR")]
    pub directory: Option<PathBuf>,
    /// The project file [default: beanship.yml, searched upwards] [env: BEANSHIP_CONFIG]
    #[arg(long, global = true, value_name = "FILE")]
    pub config: Option<PathBuf>,
    /// AWS region [env: BEANSHIP_REGION]
    #[arg(long, global = true, value_name = "REGION")]
    pub region: Option<String>,
    /// Profile of the AWS configuration files [env: BEANSHIP_PROFILE]
    #[arg(long, global = true, value_name = "NAME")]
    pub profile: Option<String>,
    /// What to print [env: BEANSHIP_OUTPUT] [default: github under GITHUB_ACTIONS=true, else human]
    #[arg(long, global = true, value_enum, value_name = "FORMAT")]
    pub output: Option<Format>,
    /// Never ask; agree to the plan
    #[arg(short, long, global = true)]
    pub yes: bool,
    /// Print results and problems only
    #[arg(short, long, global = true, conflicts_with = "verbose")]
    pub quiet: bool,
    /// Print more: every call to AWS
    #[arg(short, long, global = true, action = clap::ArgAction::Count)]
    pub verbose: u8,
    /// Use the embedded AWS instead of the real one; its state is in .beanship/sandbox
    #[arg(long, global = true)]
    pub sandbox: bool,
    /// Like --sandbox, but its first state is an account with nothing in it
    #[arg(long, global = true)]
    pub sandbox_empty: bool,
}

/// The shape of what is printed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Format {
    /// For people: the narrative on stderr, the result on stdout
    Human,
    /// For machines: exactly one document on stdout
    Json,
    /// For GitHub Actions: human, with workflow commands and step outputs
    Github,
}

impl GlobalArgs {
    /// The flags that say where a command works: the next one needs them too.
    #[must_use]
    pub fn place(&self) -> Vec<(&'static str, Option<&str>)> {
        let directory = self.directory.as_deref().and_then(Path::to_str);
        let config = self.config.as_deref().and_then(Path::to_str);
        let valued = [
            ("-C", directory),
            ("--config", config),
            ("--region", self.region.as_deref()),
            ("--profile", self.profile.as_deref()),
        ];
        let mut flags: Vec<_> = valued
            .into_iter()
            .filter(|(_, value)| value.is_some())
            .collect();
        if self.sandbox || self.sandbox_empty {
            flags.push(("--sandbox", None));
        }
        flags
    }
}
