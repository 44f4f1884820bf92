//! Environment properties and other option settings: where their values come from, what is wrong
//! with them, and what has to change at AWS.
//!
//! ```text
//! beanship.yml -> sources -> gather (this machine) -> resolve (AWS) -> Wanted -+
//!                                                        Configuration (seen) --+-> plan -> Options
//! ```
//!
//! [`plan`] is pure. A value is a [`Value`]: it can be compared and sent, not printed.

pub mod checks;
pub mod confirm;
pub mod database;
pub mod dotenv;
pub mod fingerprint;
pub mod gather;
pub mod options;
mod platform;
mod readable;
pub mod references;
pub mod resolve;
pub mod sources;
mod store;
mod validate;
pub mod value;

pub use database::Database;
pub use gather::{Gathered, gather};
pub use options::{Options, SetOption, plan};
pub use resolve::{Wanted, resolve};
pub use sources::{Properties, SettingsConfig, Source};
pub use store::{Secret, name as secret_name};
pub use validate::validate;
pub use value::Value;

/// The namespace of environment properties (facts 5.1).
pub const PROPERTIES: &str = "aws:elasticbeanstalk:application:environment";

/// The namespace of properties that hold references to secrets (facts 5.2).
pub const SECRETS: &str = "aws:elasticbeanstalk:application:environmentsecrets";
