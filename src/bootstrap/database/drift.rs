//! How an instance differs from the one that shall be: what can be changed, and what cannot. Pure.

use super::super::network::group::GroupRef;
use super::Wanted;
use crate::aws::rds::Instance;
use crate::error::{Error, Kind, Result};

/// The parameter with the security groups: a list, with a comma between its items.
pub const GROUPS: &str = "VpcSecurityGroupIds";

/// One thing that differs and can be changed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Drift {
    /// The name of the parameter of ModifyDBInstance.
    pub parameter: &'static str,
    /// Its value.
    pub value: String,
    /// What differs, in words: old -> new.
    pub words: String,
}

/// What differs. What only RDS itself changes (more storage, a newer version) is no difference.
///
/// # Errors
/// [`Kind::Check`] for what no instance can be changed to.
pub(super) fn find(wanted: &Wanted, seen: &Instance, group: &GroupRef) -> Result<Vec<Drift>> {
    fixed(wanted, seen)?;
    let (want, pending) = (&wanted.instance, &seen.pending);
    let mut all = Vec::new();
    let mut differs = |parameter, value: String, words: String| {
        all.push(Drift {
            parameter,
            value,
            words,
        });
    };
    let class = pending.class.as_ref().unwrap_or(&seen.class);
    if *class != want.class {
        let words = format!(
            "class {class} -> {}; it is away for some minutes",
            want.class
        );
        differs("DBInstanceClass", want.class.clone(), words);
    }
    let storage = pending.storage.unwrap_or(seen.storage);
    if storage < want.storage {
        let words = format!("storage {storage} -> {} GB; costs money", want.storage);
        differs("AllocatedStorage", want.storage.to_string(), words);
    }
    let multi_az = pending.multi_az.unwrap_or(seen.multi_az);
    if multi_az != want.multi_az {
        let words = match want.multi_az {
            true => "gets a second one in another zone; costs money",
            false => "no second one in another zone any more",
        };
        differs("MultiAZ", want.multi_az.to_string(), words.into());
    }
    all.extend(safety(wanted, seen, group));
    Ok(all)
}

/// What keeps the data: backups, versions, protection, who may reach it.
fn safety(wanted: &Wanted, seen: &Instance, group: &GroupRef) -> Vec<Drift> {
    let (want, pending) = (&wanted.instance, &seen.pending);
    let mut all = Vec::new();
    let mut differs = |parameter, value: String, words: String| {
        all.push(Drift {
            parameter,
            value,
            words,
        });
    };
    let days = pending.backup_days.unwrap_or(seen.backup_days);
    if days != want.backup_days {
        let words = match want.backup_days {
            0 => format!("backups of {days} days -> none; those that are there are deleted"),
            new => format!("backups of {days} -> {new} days"),
        };
        differs("BackupRetentionPeriod", want.backup_days.to_string(), words);
    }
    let version = pending.version.as_ref().unwrap_or(&seen.version);
    if let Some(wish) = want.version.as_ref().filter(|it| is_newer(it, version)) {
        let words = format!("version {version} -> {wish}; it is away for some minutes");
        differs("EngineVersion", wish.clone(), words);
    }
    if !seen.protected {
        differs(
            "DeletionProtection",
            "true".into(),
            "is protected from being deleted".into(),
        );
    }
    if seen.public {
        differs(
            "PubliclyAccessible",
            "false".into(),
            "has no public address any more".into(),
        );
    }
    if !group
        .id
        .as_deref()
        .is_some_and(|id| seen.groups().any(|it| it == id))
    {
        let words = format!("has the security group {}", group.name);
        // Others may have added theirs.
        let all: Vec<&str> = seen.groups().chain([group.id_or_name()]).collect();
        differs(GROUPS, all.join(","), words);
    }
    all
}

/// What an instance is made with and keeps.
fn fixed(wanted: &Wanted, seen: &Instance) -> Result<()> {
    let want = &wanted.instance;
    let database = seen.database.as_deref().unwrap_or_default();
    let major = want.version.as_ref().is_some_and(|wish| {
        let engine = want.engine;
        crosses(
            engine,
            wish,
            seen.pending.version.as_ref().unwrap_or(&seen.version),
        )
    });
    for (differs, key, is, shall) in [
        (
            seen.engine != want.engine,
            "engine",
            seen.engine.as_str(),
            want.engine,
        ),
        (
            seen.username != want.username,
            "username",
            &seen.username,
            want.username.as_str(),
        ),
        (database != want.database, "name", database, &want.database),
        (
            major,
            "engine_version",
            &seen.version,
            want.version.as_deref().unwrap_or_default(),
        ),
    ] {
        if !differs {
            continue;
        }
        let what = format!(
            "the database {} has the {key} {is}, and beanship.yml says {shall}: beanship does not change that",
            want.id
        );
        return Err(Error::new(Kind::Check, what).hint(match major {
            true => format!(
                "a new major version is yours to take: `aws rds modify-db-instance --db-instance-identifier {} --engine-version {shall} --allow-major-version-upgrade`",
                want.id
            ),
            false => format!("write `{key}: {is}` under `database` in beanship.yml"),
        }));
    }
    Ok(())
}

/// Whether a wish is for a newer version than this one; `8.0` is also 8.0.43.
fn is_newer(wish: &str, version: &str) -> bool {
    let (wish, version) = (numbers(wish), numbers(version));
    let shared = wish.len().min(version.len());
    wish[..shared] > version[..shared]
        || (wish[..shared] == version[..shared] && wish.len() > version.len())
}

/// Whether two versions have different major numbers: PostgreSQL's have one, the others' two.
fn crosses(engine: &str, wish: &str, version: &str) -> bool {
    let digits = if engine == "postgres" { 1 } else { 2 };
    let (wish, version) = (numbers(wish), numbers(version));
    let shared = digits.min(wish.len()).min(version.len());
    wish[..shared] != version[..shared]
}

fn numbers(version: &str) -> Vec<u32> {
    let number = |it: &str| it.parse().unwrap_or_default();
    version.split('.').map(number).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_are_compared_by_their_numbers() {
        for (wish, version, expected) in [
            ("8.0", "8.0.43", false),
            ("8.0.43", "8.0.43", false),
            ("8.0.44", "8.0.43", true),
            ("8.0.9", "8.0.43", false),
            ("8.4", "8.0.43", true),
        ] {
            assert_eq!(is_newer(wish, version), expected, "{wish} {version}");
        }
        assert!(crosses("mysql", "8.4", "8.0.43") && !crosses("mysql", "8", "8.0.43"));
        assert!(crosses("postgres", "17", "16.10") && !crosses("postgres", "16.11", "16.10"));
    }
}
