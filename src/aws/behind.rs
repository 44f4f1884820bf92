//! What may be behind missing credentials: a profile that does not exist, or a variable with another name.

use std::borrow::Cow;

use aws_config::profile::ProfileSet;
use aws_runtime::env_config::file::EnvConfigFiles;
use aws_types::os_shim_internal::{Env, Fs};

use crate::error::{Error, Kind};

/// How many profiles are named.
const NAMED: usize = 8;

/// Adds to an error of credentials what is wrong with the profile asked for (`--profile`, else the SDK's own choice) or
/// with the name of a variable (Travis' `AWS_ACCESS_KEY`).
pub(super) async fn explained(error: Error, asked: Option<&str>, misnamed_key: bool) -> Error {
    if error.kind() != Kind::Credentials || error.aws().is_some() {
        return error;
    }
    if misnamed_key {
        return error.hint(
            "call the variable AWS_ACCESS_KEY what AWS calls it: `export AWS_ACCESS_KEY_ID=\"$AWS_ACCESS_KEY\"`",
        );
    }
    if let Some(profiles) = profiles(asked).await
        && profiles.get_profile(profiles.selected_profile()).is_none()
        && profiles.selected_profile() != "default"
    {
        return no_such(&profiles);
    }
    match asked {
        Some(profile) => Error::new(
            Kind::Credentials,
            format!("{} (profile {profile})", error.message()),
        )
        .hint("list the profiles with `aws configure list-profiles`, and sign in with `aws sso login`"),
        None => error,
    }
}

/// The profiles of the AWS configuration files; none where they cannot be read.
async fn profiles(asked: Option<&str>) -> Option<ProfileSet> {
    let asked = asked.map(|name| Cow::Owned(name.to_owned()));
    let (files, environment) = (EnvConfigFiles::default(), Env::real());
    aws_config::profile::load(&Fs::real(), &environment, &files, asked)
        .await
        .ok()
}

fn no_such(profiles: &ProfileSet) -> Error {
    let name = profiles.selected_profile();
    let mut known: Vec<&str> = profiles.profiles().collect();
    known.sort_unstable();
    let known = match known.len() {
        0 => "there is none".to_owned(),
        1..=NAMED => format!("known are {}", known.join(", ")),
        _ => format!("known are {} and others", known[..NAMED].join(", ")),
    };
    let text = format!("no profile `{name}` in the AWS configuration files: {known}");
    Error::new(Kind::Credentials, text)
        .hint("make it with `aws configure sso`, or see all with `aws configure list-profiles`")
}
