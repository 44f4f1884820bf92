//! What names, passwords and sizes must be.

use super::super::query::{Failure, Parameters};
use super::{combination, invalid, required};

/// Names that an engine keeps for itself.
const RESERVED: [&str; 8] = [
    "admin",
    "administrator",
    "master",
    "postgres",
    "rdsadmin",
    "rds_superuser",
    "root",
    "user",
];

/// An identifier, in lower case.
pub(super) fn identifier(parameters: &Parameters, member: &str) -> Result<String, Failure> {
    let name = required(parameters, member)?;
    let fits = |c: char| c.is_ascii_alphanumeric() || c == '-';
    let good = name.starts_with(|c: char| c.is_ascii_alphabetic())
        && name.chars().all(fits)
        && !name.ends_with('-')
        && !name.contains("--")
        && name.len() <= 63;
    if !good {
        return Err(invalid(format!(
            "The parameter {member} is not a valid identifier. Identifiers must begin with a letter; must contain only ASCII \
             letters, digits, and hyphens; and must not end with a hyphen or contain two consecutive hyphens."
        )));
    }
    Ok(name.to_lowercase())
}

pub(super) fn username(engine: &str, name: &str) -> Result<(), Failure> {
    let longest = if engine == "postgres" { 63 } else { 32 };
    let fits = |c: char| c.is_ascii_alphanumeric() || c == '_';
    let begins = name.starts_with(|c: char| c.is_ascii_alphabetic());
    if !begins || name.len() > longest || !name.chars().all(fits) {
        return Err(invalid(
            "The parameter MasterUsername is not a valid identifier. It must begin with a letter and contain only \
             alphanumeric characters.",
        ));
    }
    let lower = name.to_lowercase();
    // MySQL itself lets `admin` and `user` be.
    let reserved = match engine {
        "postgres" => RESERVED.contains(&lower.as_str()),
        _ => matches!(lower.as_str(), "rdsadmin" | "root" | "mysql.sys"),
    };
    match reserved {
        true => Err(invalid(format!(
            "MasterUsername {name} cannot be used as it is a reserved word used by the engine"
        ))),
        false => Ok(()),
    }
}

pub(super) fn password(engine: &str, password: &str) -> Result<(), Failure> {
    let longest = if engine == "postgres" { 128 } else { 41 };
    let not = |why: String| {
        Err(invalid(format!(
            "The parameter MasterUserPassword is not a valid password{why}"
        )))
    };
    if password.len() < 8 {
        return not(" because it is shorter than 8 characters.".to_owned());
    }
    if password.len() > longest {
        return not(format!(" because it is longer than {longest} characters."));
    }
    let fits = |c: char| c.is_ascii_graphic() && !matches!(c, '/' | '@' | '"');
    match password.chars().all(fits) {
        true => Ok(()),
        false => not(
            ". Only printable ASCII characters besides '/', '@', '\"', ' ' may be used.".to_owned(),
        ),
    }
}

/// The password of a call, or whether RDS shall keep one itself.
pub(super) fn secret(parameters: &Parameters, engine: &str) -> Result<Option<String>, Failure> {
    let managed = parameters.flag("ManageMasterUserPassword")? == Some(true);
    match (parameters.text("MasterUserPassword"), managed) {
        (Some(_), true) => Err(combination(
            "You can't specify MasterUserPassword for an instance with ManageMasterUserPassword enabled.",
        )),
        (Some(given), false) => {
            password(engine, given)?;
            Ok(Some(given.to_owned()))
        }
        (None, _) => Ok(None),
    }
}

pub(super) fn database(engine: &str, name: &str) -> Result<(), Failure> {
    let longest = if engine == "postgres" { 63 } else { 64 };
    let fits = |c: char| c.is_ascii_alphanumeric() || c == '_';
    let begins = name.starts_with(|c: char| c.is_ascii_alphabetic());
    match begins && name.len() <= longest && name.chars().all(fits) {
        true => Ok(()),
        false => Err(invalid(
            "DBName must begin with a letter and contain only alphanumeric characters.",
        )),
    }
}

pub(super) fn number(
    parameters: &Parameters,
    name: &str,
    least: u32,
    most: u32,
) -> Result<Option<u32>, Failure> {
    let Some(text) = parameters.text(name) else {
        return Ok(None);
    };
    let number = text.parse().ok();
    let number = number.filter(|it| (least..=most).contains(it));
    number.map(Some).ok_or_else(|| {
        invalid(format!(
            "Invalid {name}: {text}. It must be between {least} and {most}."
        ))
    })
}
