//! Who made a request may be a user or a role that was made here: then its policies decide.

use std::collections::BTreeMap;
use std::io;

use super::super::{World, secretsmanager};
use super::policies::{Judgement, Request, judge};
use super::{BOOKS, Books, Identity};

/// Whether a caller may do something. The account's own user may do all, as may roles and users that are not in the books.
pub(in super::super) fn allows(
    world: &World,
    caller: &str,
    action: &str,
    resource: &str,
) -> io::Result<bool> {
    // Needs no permission.
    if caller == world.account.user_arn() || action == "sts:GetCallerIdentity" {
        return Ok(true);
    }
    let books: Books = world.store.read(BOOKS)?;
    let context = context(world, resource)?;
    let request = Request {
        action,
        resource,
        context: &context,
    };
    let judged = identity(&books, caller).map(|it| judge(&books.policies, it, &request));
    Ok(judged.is_none_or(|judged| judged == Judgement::Allowed))
}

/// What conditions can ask about: the tags of what a call is about, as far as the sandbox has conditions on them.
pub(super) fn context(world: &World, resource: &str) -> io::Result<BTreeMap<String, String>> {
    if resource.split(':').nth(2) != Some("secretsmanager") {
        return Ok(BTreeMap::new());
    }
    let tags = secretsmanager::tags_of(world, resource)?.into_iter();
    Ok(tags
        .map(|(key, value)| (format!("aws:ResourceTag/{key}"), value))
        .collect())
}

/// The user of `user/path/NAME`, or the role of `role/path/NAME` and of the session `assumed-role/NAME/session`.
pub(super) fn identity<'a>(books: &'a Books, arn: &str) -> Option<&'a Identity> {
    let rest = arn.splitn(6, ':').nth(5)?;
    let mut parts = rest.split('/');
    match (parts.next()?, parts.next_back()?) {
        ("user", name) => books.users.get(name).map(|user| &user.identity),
        ("role", name) => books.roles.get(name).map(|role| &role.identity),
        ("assumed-role", _) => {
            let role = books.roles.get(parts.next()?);
            role.map(|role| &role.identity)
        }
        _ => None,
    }
}
