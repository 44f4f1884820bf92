//! The command line of `bootstrap`.

use std::path::PathBuf;
use std::time::Duration;

use clap::Args;

use super::{TargetArgs, duration};
use crate::bootstrap::Part;

/// `beanship bootstrap`
#[derive(Debug, Clone, Default, Args)]
pub struct BootstrapArgs {
    /// Which environment.
    #[command(flatten)]
    pub target: TargetArgs,
    /// Show the plan and stop
    #[arg(long)]
    pub plan: bool,
    /// Only these parts [default: all]
    #[arg(long, value_enum, value_name = "PART", value_delimiter = ',')]
    pub only: Vec<Part>,
    /// Take away what was made; what was there before stays
    #[arg(long, conflicts_with_all = ["only", "access_key_out", "rotate_key"])]
    pub destroy: bool,
    /// Where the access key of a new user goes, as JSON; `-` is stdout, in place of the result
    #[arg(long, value_name = "FILE")]
    pub access_key_out: Option<PathBuf>,
    /// Replace the access key; the old one can no longer be used from then on
    #[arg(long, requires = "access_key_out")]
    pub rotate_key: bool,
    /// Give the database a new password, in its secret as well, and restart the application
    #[arg(long, conflicts_with = "destroy")]
    pub rotate_database_password: bool,
    /// With --destroy: delete the database of this name as well, after a last snapshot
    #[arg(long, value_name = "NAME", requires = "destroy")]
    pub delete_database: Option<String>,
    /// One deadline for the launch and its health: 90s, 20m, 1h [env: BEANSHIP_TIMEOUT] [default: 30m]
    #[arg(long, value_name = "TIME", value_parser = duration)]
    pub timeout: Option<Duration>,
}
