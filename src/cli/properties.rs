//! The command line of environment properties.

use std::path::PathBuf;

use clap::{Args, Subcommand};

use super::{FollowArgs, TargetArgs};

/// What a deploy does with the environment properties.
#[derive(Debug, Clone, Default, Args)]
pub struct PropertyArgs {
    /// Remove the environment properties that beanship.yml does not name
    #[arg(long)]
    pub prune_properties: bool,
    /// Read the secrets that properties refer to, to check their keys
    #[arg(long)]
    pub read_secrets: bool,
}

/// What can be done with properties.
#[derive(Debug, Clone, Subcommand)]
pub enum PropertiesAction {
    /// List names, where the values come from, and a fingerprint of each
    List(ListArgs),
    /// Set properties and follow the update to the end
    Set(SetArgs),
    /// Take properties away and follow the update to the end
    Unset(UnsetArgs),
    /// Set every property of a file of NAME=value lines
    Import(ImportArgs),
    /// Write the properties that are no references to a file of NAME=value lines
    Export(ExportArgs),
    /// Restart the application so that it gets the secrets as they are now
    Refresh(RefreshArgs),
}

/// Which environment is changed, and how the change is followed.
#[derive(Debug, Clone, Default, Args)]
pub struct ChangeArgs {
    /// Which environment.
    #[command(flatten)]
    pub target: TargetArgs,
    /// How it is done.
    #[command(flatten)]
    pub follow: FollowArgs,
}

/// `beanship properties list`
#[derive(Debug, Clone, Default, Args)]
pub struct ListArgs {
    /// Which environment.
    #[command(flatten)]
    pub target: TargetArgs,
    /// Show the values; on a terminal only
    #[arg(long)]
    pub reveal: bool,
}

/// `beanship properties set`
#[derive(Debug, Clone, Default, Args)]
pub struct SetArgs {
    /// NAME=value; or a NAME and `-`: the value comes from stdin
    #[arg(required = true, value_name = "NAME=VALUE")]
    pub assignments: Vec<String>,
    /// Store the value in Secrets Manager, and set a reference to it
    #[arg(long)]
    pub secret: bool,
    /// Which environment, and how.
    #[command(flatten)]
    pub change: ChangeArgs,
}

/// `beanship properties unset`
#[derive(Debug, Clone, Default, Args)]
pub struct UnsetArgs {
    /// The properties
    #[arg(required = true, value_name = "NAME")]
    pub names: Vec<String>,
    /// Which environment, and how.
    #[command(flatten)]
    pub change: ChangeArgs,
}

/// `beanship properties import`
#[derive(Debug, Clone, Default, Args)]
pub struct ImportArgs {
    /// The file
    #[arg(value_name = "FILE")]
    pub file: PathBuf,
    /// Which environment, and how.
    #[command(flatten)]
    pub change: ChangeArgs,
}

/// `beanship properties export`
#[derive(Debug, Clone, Default, Args)]
pub struct ExportArgs {
    /// Where to write; readable for you only, and not if it exists
    #[arg(short = 'o', long = "out", value_name = "FILE")]
    pub out: PathBuf,
    /// Which environment.
    #[command(flatten)]
    pub target: TargetArgs,
}

/// `beanship properties refresh`
#[derive(Debug, Clone, Default, Args)]
pub struct RefreshArgs {
    /// Which environment, and how.
    #[command(flatten)]
    pub change: ChangeArgs,
}
