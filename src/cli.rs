//! The command line: what can be typed, and nothing else.
//!
//! What the values mean together with the environment and the project file is decided in
//! [`crate::settings`].

mod bootstrap;
mod global;
mod images;
mod init;
mod properties;
#[cfg(test)]
mod reference;
mod undo;

use std::num::NonZeroUsize;
use std::path::PathBuf;
use std::time::Duration;

use clap::{Args, Parser, Subcommand};

use crate::deploy::outcome::{HealthPolicy, OnFailure};
use crate::settings::duration::parse as duration;

pub use bootstrap::BootstrapArgs;
pub use global::{Format, GlobalArgs};
pub use images::{ImagesAction, ListImagesArgs, MakeImagesArgs, PinArgs};
pub use init::{InitArgs, ManArgs};
pub use properties::{
    ChangeArgs, ExportArgs, ImportArgs, ListArgs, PropertiesAction, PropertyArgs, RefreshArgs,
    SetArgs, UnsetArgs,
};
pub use undo::{
    AbortArgs, FollowArgs, OpenArgs, PromoteArgs, PruneArgs, RollbackArgs, VersionsAction,
    VersionsArgs,
};

/// Ship Docker Compose apps to AWS Elastic Beanstalk.
#[derive(Debug, Parser)]
#[command(name = "beanship", version, propagate_version = true, after_help = EXIT_CODES)]
pub struct Cli {
    /// Options that every command understands.
    #[command(flatten)]
    pub global: GlobalArgs,
    /// What to do.
    #[command(subcommand)]
    pub command: Command,
}

const EXIT_CODES: &str = "\
Exit codes:
  0    done, nothing to do, planned, started or skipped
  1    it ran and failed
  2    usage, a file or a check refused; nothing was touched
  3    AWS refused or unreachable, or no credentials
  4    timed out; Elastic Beanstalk may go on
  130  interrupted";

/// The verbs.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Look at what is there, and write beanship.yml and a workflow for CI
    Init(InitArgs),
    /// Ship the app: bundle, upload, create a version, update the environment, follow it to the end
    Deploy(DeployArgs),
    /// Follow the operation that runs on an environment to its end
    Watch(WatchArgs),
    /// Go back to a version that ran before
    Rollback(RollbackArgs),
    /// Bring the version of one environment to another, without building it again
    Promote(PromoteArgs),
    /// Stop the update that runs
    Abort(AbortArgs),
    /// List the application's versions and what runs where
    Versions(VersionsArgs),
    /// Compare the tree with what an environment runs
    Diff(TargetArgs),
    /// Open the environment's address in the browser
    Open(OpenArgs),
    /// Check the compose file and the bundle without AWS
    Check(CheckArgs),
    /// Make the source bundle without AWS
    Bundle(BundleArgs),
    /// List the services' images by digest; build and push those that the compose file builds
    #[command(subcommand)]
    Images(ImagesAction),
    /// Show one environment: status, health, version, instances
    Status(TargetArgs),
    /// List the application's environments
    List(ApplicationArgs),
    /// Show an environment's events
    Events(EventsArgs),
    /// Show an environment's health: instances, what runs on each, requests, latency
    Health(HealthArgs),
    /// Show the instances' logs
    Logs(LogsArgs),
    /// Show and change an environment's properties: list, set, unset, import, export, refresh
    #[command(alias = "props", subcommand)]
    Properties(PropertiesAction),
    /// Make what an environment needs in the account: roles, the deployer, application, environment
    Bootstrap(BootstrapArgs),
    /// Show the resolved settings
    Config(ConfigArgs),
    /// Serve the embedded AWS for other clients until Ctrl-C
    Sandbox(SandboxArgs),
    /// Print the JSON Schema of beanship.yml
    Schema,
    /// Print the manual page, or write one for each command
    Man(ManArgs),
    /// Print a completion script for a shell
    Completions {
        /// The shell
        shell: clap_complete::Shell,
    },
}

/// Which application.
#[derive(Debug, Clone, Default, Args)]
pub struct ApplicationArgs {
    /// The application's name [env: BEANSHIP_APP]
    #[arg(long, value_name = "NAME")]
    pub app: Option<String>,
}

/// Which environment.
#[derive(Debug, Clone, Default, Args)]
pub struct TargetArgs {
    /// Which application.
    #[command(flatten)]
    pub application: ApplicationArgs,
    /// The environment: its key in the project file or its Elastic Beanstalk name [env: BEANSHIP_ENV]
    #[arg(long, value_name = "KEY", value_hint = clap::ValueHint::Other)]
    pub env: Option<String>,
}

/// `beanship deploy`
#[derive(Debug, Clone, Default, Args)]
pub struct DeployArgs {
    /// Which application.
    #[command(flatten)]
    pub application: ApplicationArgs,
    /// The environment: its key in the project file or its Elastic Beanstalk name; may be repeated [env: BEANSHIP_ENV]
    #[arg(long, value_name = "KEY", value_hint = clap::ValueHint::Other, value_delimiter = ',')]
    pub env: Vec<String>,
    /// How many environments are updated at the same time; the others' time begins with their turn [default: all]
    #[arg(long, value_name = "N")]
    pub max_parallel: Option<NonZeroUsize>,
    /// Bucket for the source bundle [env: BEANSHIP_BUCKET_NAME] [default: Elastic Beanstalk's own]
    #[arg(long, value_name = "NAME")]
    pub bucket_name: Option<String>,
    /// Folder inside the bucket [env: BEANSHIP_BUCKET_PATH] [default: the application's name]
    #[arg(long, value_name = "PATH")]
    pub bucket_path: Option<String>,
    /// Version label [env: BEANSHIP_VERSION_LABEL] [default: from the commit and the bundle's digest]
    #[arg(long, value_name = "LABEL")]
    pub version_label: Option<String>,
    /// Description of the version [env: BEANSHIP_MESSAGE] [default: the commit's subject]
    #[arg(long, value_name = "TEXT")]
    pub message: Option<String>,
    /// How the update is followed.
    #[command(flatten)]
    pub following: FollowingArgs,
    /// What becomes of a failed deploy: keep it, or rollback to the last version that ran well [default: keep]
    #[arg(long, value_enum, value_name = "WHAT", hide_possible_values = true)]
    pub on_failure: Option<OnFailure>,
    /// Abort the update when interrupted
    #[arg(long)]
    pub abort_on_interrupt: bool,
    /// If the environment is busy with this very bundle, follow that instead of starting again
    #[arg(long)]
    pub resume: bool,
    /// Allow an environment whose `branches` do not hold the current branch
    #[arg(long)]
    pub any_branch: bool,
    /// Start the update and leave
    #[arg(long)]
    pub no_wait: bool,
    /// Show the plan and stop
    #[arg(long)]
    pub plan: bool,
    /// Deploy even if the environment already runs this bundle
    #[arg(long)]
    pub force: bool,
    /// What is done about images.
    #[command(flatten)]
    pub images: PinArgs,
    /// What becomes of the environment properties.
    #[command(flatten)]
    pub properties: PropertyArgs,
}

/// How an update is followed.
#[derive(Debug, Clone, Default, Args)]
pub struct FollowingArgs {
    /// One deadline for waiting, update and health: 90s, 20m, 1h [env: BEANSHIP_TIMEOUT] [default: 20m, or what the environment's settings can take]
    #[arg(long, value_name = "TIME", value_parser = duration)]
    pub timeout: Option<Duration>,
    /// What health counts as good [default: warning]
    #[arg(
        long,
        value_enum,
        value_name = "WHAT",
        hide_possible_values = true,
        long_help = "What health counts as good: ok (Green), warning (Yellow too), any [default: warning]"
    )]
    pub health: Option<HealthPolicy>,
    /// How long health may take after the update [env: BEANSHIP_HEALTH_TIMEOUT] [default: 2m]
    #[arg(long, value_name = "TIME", value_parser = duration)]
    pub health_timeout: Option<Duration>,
    /// Leave out the smoke check of the project file
    #[arg(long)]
    pub no_smoke: bool,
}

/// `beanship watch`
#[derive(Debug, Clone, Default, Args)]
pub struct WatchArgs {
    /// Which environment.
    #[command(flatten)]
    pub target: TargetArgs,
    /// How it is followed.
    #[command(flatten)]
    pub following: FollowingArgs,
}

/// `beanship check`
#[derive(Debug, Clone, Default, Args)]
pub struct CheckArgs {
    /// Which environment's compose file
    #[arg(long, value_name = "KEY", value_hint = clap::ValueHint::Other)]
    pub env: Option<String>,
    /// Put right what is certain, in place
    #[arg(long)]
    pub fix: bool,
    /// Refuse warnings as well
    #[arg(long)]
    pub strict: bool,
    /// Judge as for `deploy --build`: what images are built from may stay out of the bundle
    #[arg(long)]
    pub build: bool,
    /// Say what a rule asks for and why
    #[arg(long, value_name = "ID", conflicts_with_all = ["fix", "strict", "sarif"])]
    pub explain: Option<String>,
    /// Write the findings as SARIF; `-` is stdout, in place of the result
    #[arg(long, value_name = "FILE")]
    pub sarif: Option<PathBuf>,
}

/// `beanship bundle`
#[derive(Debug, Clone, Default, Args)]
pub struct BundleArgs {
    /// Which environment's compose file
    #[arg(long, value_name = "KEY", value_hint = clap::ValueHint::Other)]
    pub env: Option<String>,
    /// Where to write the zip; `-` is stdout [default: .beanship/bundle.zip]
    #[arg(short = 'o', long = "out", value_name = "FILE")]
    pub out: Option<PathBuf>,
    /// Print what goes in and what stays out, and write nothing
    #[arg(long)]
    pub list: bool,
    /// Leave an image as it is if its registry does not tell its digest
    #[arg(long)]
    pub allow_unpinned: bool,
    /// Explain why PATH goes in or stays out
    #[arg(long, value_name = "PATH", conflicts_with = "list")]
    pub why: Option<PathBuf>,
}

/// `beanship events`
#[derive(Debug, Clone, Default, Args)]
pub struct EventsArgs {
    /// Which environment.
    #[command(flatten)]
    pub target: TargetArgs,
    /// Keep printing new events until Ctrl-C
    #[arg(short, long)]
    pub follow: bool,
    /// How many of the newest events
    #[arg(short = 'n', long, value_name = "N", default_value_t = 30, value_parser = clap::value_parser!(u16).range(1..=1000))]
    pub lines: u16,
}

/// `beanship health`
#[derive(Debug, Clone, Default, Args)]
pub struct HealthArgs {
    /// Which environment.
    #[command(flatten)]
    pub target: TargetArgs,
    /// Look again every ten seconds until Ctrl-C
    #[arg(short, long)]
    pub watch: bool,
}

/// `beanship logs`
#[derive(Debug, Clone, Default, Args)]
pub struct LogsArgs {
    /// Which environment.
    #[command(flatten)]
    pub target: TargetArgs,
    /// Download all logs as one zip an instance, instead of showing the last lines
    #[arg(long, conflicts_with = "follow")]
    pub full: bool,
    /// Only this instance
    #[arg(long, value_name = "ID")]
    pub instance: Option<String>,
    /// Keep printing new lines until Ctrl-C
    #[arg(short, long)]
    pub follow: bool,
}

/// `beanship config`
#[derive(Debug, Clone, Default, Args)]
pub struct ConfigArgs {
    /// Only this environment
    #[arg(long, value_name = "KEY", value_hint = clap::ValueHint::Other)]
    pub env: Option<String>,
    /// Read the environment at AWS and print it as the text of a beanship.yml
    #[arg(long, requires = "env")]
    pub from_aws: bool,
    /// The application's name [env: BEANSHIP_APP]
    #[arg(long, value_name = "NAME")]
    pub app: Option<String>,
}

/// `beanship sandbox`
#[derive(Debug, Clone, Default, Args)]
pub struct SandboxArgs {
    /// Port on 127.0.0.1 [default: a free one]
    #[arg(long, value_name = "N", default_value_t = 0)]
    pub port: u16,
    /// Empty the state and leave
    #[arg(long)]
    pub reset: bool,
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::CommandFactory;

    #[test]
    fn clap_agrees_with_the_definition() {
        Cli::command().debug_assert();
    }

    #[test]
    fn the_help_lists_the_exit_codes_of_the_type() {
        for (exit, words) in crate::error::Exit::ALL {
            let line = format!("  {:<4} {words}", exit as u8);
            assert!(EXIT_CODES.contains(&line), "{line}");
        }
    }
}
