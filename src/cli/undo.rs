//! The command line of what undoes, moves and compares versions.

use std::time::Duration;

use clap::{Args, Subcommand};

use super::{ApplicationArgs, FollowingArgs, TargetArgs, duration};

/// How a version that exists is brought to an environment.
#[derive(Debug, Clone, Default, Args)]
pub struct FollowArgs {
    /// How the update is followed.
    #[command(flatten)]
    pub following: FollowingArgs,
    /// Start the update and leave
    #[arg(long)]
    pub no_wait: bool,
    /// Show the plan and stop
    #[arg(long)]
    pub plan: bool,
}

/// `beanship rollback`
#[derive(Debug, Clone, Default, Args)]
pub struct RollbackArgs {
    /// Which environment.
    #[command(flatten)]
    pub target: TargetArgs,
    /// The version to go back to [default: the one that last ran well before the current one]
    #[arg(long, value_name = "LABEL")]
    pub to: Option<String>,
    /// How it is done.
    #[command(flatten)]
    pub follow: FollowArgs,
}

/// `beanship promote`
#[derive(Debug, Clone, Default, Args)]
pub struct PromoteArgs {
    /// Which application.
    #[command(flatten)]
    pub application: ApplicationArgs,
    /// The environment whose version it is
    #[arg(
        long,
        value_name = "KEY",
        required_unless_present = "version_label",
        conflicts_with = "version_label"
    )]
    pub from: Option<String>,
    /// A version that is there already, in place of an environment's
    #[arg(long, value_name = "LABEL")]
    pub version_label: Option<String>,
    /// The environment that shall run it
    #[arg(long, value_name = "KEY", value_hint = clap::ValueHint::Other)]
    pub to: String,
    /// How it is done.
    #[command(flatten)]
    pub follow: FollowArgs,
}

/// `beanship abort`
#[derive(Debug, Clone, Default, Args)]
pub struct AbortArgs {
    /// Which environment.
    #[command(flatten)]
    pub target: TargetArgs,
    /// How long to wait until the environment is Ready [env: BEANSHIP_TIMEOUT] [default: 20m]
    #[arg(long, value_name = "TIME", value_parser = duration)]
    pub timeout: Option<Duration>,
    /// Ask for the abort and leave
    #[arg(long)]
    pub no_wait: bool,
    /// Show the plan and stop
    #[arg(long)]
    pub plan: bool,
}

/// `beanship versions`
#[derive(Debug, Clone, Default, Args)]
#[command(args_conflicts_with_subcommands = true)]
pub struct VersionsArgs {
    /// Show what this environment ran, too: its key in the project file or its name
    #[command(flatten)]
    pub target: TargetArgs,
    /// What to do with them; without, they are listed.
    #[command(subcommand)]
    pub action: Option<VersionsAction>,
}

/// What can be done with versions.
#[derive(Debug, Clone, Subcommand)]
pub enum VersionsAction {
    /// Delete old versions and their bundles; never one that runs or would be rolled back to
    Prune(PruneArgs),
}

/// `beanship versions prune`
#[derive(Debug, Clone, Default, Args)]
pub struct PruneArgs {
    /// Which application.
    #[command(flatten)]
    pub application: ApplicationArgs,
    /// How many of the newest versions stay
    #[arg(long, value_name = "N")]
    pub keep: usize,
    /// Show the plan and stop
    #[arg(long)]
    pub plan: bool,
}

/// `beanship open`
#[derive(Debug, Clone, Default, Args)]
pub struct OpenArgs {
    /// Which environment.
    #[command(flatten)]
    pub target: TargetArgs,
    /// Print the address and open nothing
    #[arg(long)]
    pub print: bool,
}
