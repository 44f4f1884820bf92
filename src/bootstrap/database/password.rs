//! Who keeps the password of an instance that is there, and whether it changes now. Pure.
//!
//! RDS, where the project file says `managed_password`, else we. The secret of ours stays when RDS
//! takes over, and its password is used again when RDS is to stop.

use super::steps::DatabaseStep;
use super::{ROTATING, Seen, Wanted};
use crate::aws::rds::Instance;

/// The step to the password that shall be; none where it is there.
pub(super) fn plan(wanted: &Wanted, seen: &Seen, instance: &Instance) -> Option<DatabaseStep> {
    let id = wanted.instance.id.clone();
    let by_rds = instance.secret().is_some();
    let Some(secret) = wanted.secret.clone() else {
        // UNVERIFIED: that an instance names its secret from the beginning.
        let begins = instance.status == "creating";
        return match by_rds || begins {
            true => wanted.rotate.then_some(DatabaseStep::Renew { id }),
            false => Some(DatabaseStep::HandOver { id }),
        };
    };
    let unfinished = seen
        .secret
        .as_ref()
        .is_none_or(|it| it.tags.get(ROTATING).map(String::as_str) == Some("yes"));
    (wanted.rotate || unfinished || by_rds).then(|| DatabaseStep::Password {
        id,
        secret,
        fresh: wanted.rotate && seen.secret.is_some(),
        by_rds,
        username: wanted.instance.username.clone(),
        database: wanted.instance.database.clone(),
    })
}
