//! Policies of a user's own. All inline policies of a user may have 2,048 characters together (IAM's
//! quotas), which is less than a deployer needs: each is a managed policy, of 6,144, that is named
//! after the user, has the tags that the user's were when it was made, and is attached to nobody
//! else.

use std::collections::BTreeMap;

use aws_sdk_iam::types::Tag;
use serde_json::Value;

use super::apply::while_it;
use super::iam::{SeenUser, User};
use super::look::{known, tags as seen_tags};
use super::names::{APP, ENVIRONMENT, Place, Tags};
use super::policy::{decoded, difference};
use crate::aws::Aws;
use crate::aws::error::Explain;
use crate::error::{Error, Kind, Result};

/// How many versions a policy can have.
const VERSIONS: usize = 5;

/// What a user holds, by name; of the policies with these ARNs, those that are the user's own.
///
/// # Errors
/// What AWS says.
pub(super) async fn read(
    aws: &Aws,
    user: &str,
    tags: &Tags,
    arns: &[String],
) -> Result<BTreeMap<String, (String, Value)>> {
    let mut own = BTreeMap::new();
    let prefix = format!("{user}-");
    for arn in arns.iter().filter(|it| !it.contains(":iam::aws:")) {
        let name = arn
            .rsplit('/')
            .next()
            .and_then(|it| it.strip_prefix(&prefix));
        let Some(name) = name else { continue };
        let Some(seen) = look(aws, arn).await? else {
            continue;
        };
        if is_of(&seen.tags, tags) {
            own.insert(name.to_owned(), (arn.clone(), seen.document));
        }
    }
    Ok(own)
}

/// What is there under the names of the policies that a user shall have, besides what `seen` tells
/// of: their tags, by full name.
///
/// # Errors
/// What AWS says.
pub(super) async fn named(
    aws: &Aws,
    place: &Place,
    user: &User,
    seen: Option<&SeenUser>,
) -> Result<BTreeMap<String, Tags>> {
    let mut named = BTreeMap::new();
    for name in user.grants.inline.keys() {
        let own = seen.map(|it| &it.grants);
        if own.is_some_and(|it| it.inline.contains_key(name) && !it.misplaced.contains(name)) {
            continue;
        }
        let full = format!("{}-{name}", user.name);
        let told = aws.iam.get_policy();
        let told = told.policy_arn(place.iam("policy", &full)).send().await;
        let told = known(told.explain("iam", "GetPolicy"))?;
        if let Some(policy) = told.as_ref().and_then(|it| it.policy()) {
            named.insert(full, seen_tags(policy.tags()));
        }
    }
    Ok(named)
}

/// Writes a policy of a user, and attaches it.
///
/// # Errors
/// [`Kind::Aws`] for a policy of that name that is not the user's; else what AWS says.
pub(super) async fn put(
    aws: &Aws,
    user: &str,
    name: &str,
    document: &Value,
    tags: &Tags,
) -> Result<()> {
    let arn = arn(aws, user, name).await?;
    let path = arn.split_once(":policy").map_or("/", |(_, it)| it);
    let (path, full) = path.rsplit_once('/').unwrap_or(("", path));
    let tag = |(key, value): (&String, &String)| {
        let tag = Tag::builder().key(key).value(value).build();
        tag.map_err(|why| Error::new(Kind::Aws, why.to_string()))
    };
    let call = aws
        .iam
        .create_policy()
        .policy_name(full)
        .path(format!("{path}/"))
        .description(format!("beanship: of the user {user}"))
        .policy_document(document.to_string())
        .set_tags(Some(tags.iter().map(tag).collect::<Result<_>>()?));
    match call.send().await.explain("iam", "CreatePolicy") {
        Err(error) if error.code() == Some("EntityAlreadyExists") => {
            renew(aws, &arn, document, tags).await?;
        }
        made => drop(made?),
    }
    // A policy that was only just made may not be known everywhere.
    let early = |error: &Error| error.code() == Some("NoSuchEntity");
    while_it(aws, early, || async {
        let call = aws.iam.attach_user_policy().user_name(user);
        let done = call.policy_arn(&arn).send().await;
        done.explain("iam", "AttachUserPolicy").map(drop)
    })
    .await
}

/// Deletes a policy of a user. One that is gone is no error; one that is not the user's stays.
///
/// # Errors
/// What AWS says.
pub(super) async fn delete(aws: &Aws, user: &str, name: &str) -> Result<()> {
    let told = aws.iam.get_user().user_name(user).send().await;
    let told = known(told.explain("iam", "GetUser"))?;
    let Some(holder) = told.as_ref().and_then(|it| it.user()) else {
        return Ok(());
    };
    let arn = beside(holder.arn(), name);
    let (seen, tags) = (look(aws, &arn).await?, seen_tags(holder.tags()));
    if !seen.is_some_and(|it| is_of(&it.tags, &tags)) {
        return Ok(());
    }
    let call = aws.iam.detach_user_policy().user_name(user);
    let gone = call.policy_arn(&arn).send().await;
    known(gone.explain("iam", "DetachUserPolicy"))?;
    for version in others(aws, &arn).await? {
        delete_version(aws, &arn, &version).await?;
    }
    let gone = aws.iam.delete_policy().policy_arn(&arn).send().await;
    known(gone.explain("iam", "DeletePolicy")).map(drop)
}

/// What there is of a policy.
struct Seen {
    tags: Tags,
    document: Value,
}

async fn look(aws: &Aws, arn: &str) -> Result<Option<Seen>> {
    let told = aws.iam.get_policy().policy_arn(arn).send().await;
    let told = known(told.explain("iam", "GetPolicy"))?;
    let Some(policy) = told.as_ref().and_then(|it| it.policy()) else {
        return Ok(None);
    };
    let version = policy.default_version_id().unwrap_or_default();
    let call = aws.iam.get_policy_version().policy_arn(arn);
    let told = call.version_id(version).send().await;
    let told = told.explain("iam", "GetPolicyVersion")?;
    let text = told.policy_version().and_then(|it| it.document());
    Ok(Some(Seen {
        tags: seen_tags(policy.tags()),
        document: decoded(text.unwrap_or_default()),
    }))
}

/// Gives a policy another document, where it has a different one.
async fn renew(aws: &Aws, arn: &str, document: &Value, tags: &Tags) -> Result<()> {
    let seen = look(aws, arn).await?;
    let seen = seen.filter(|it| is_of(&it.tags, tags)).ok_or_else(|| {
        let name = arn.rsplit('/').next().unwrap_or(arn);
        let what = format!("the policy {name} is there already and is not the user's");
        Error::new(Kind::Aws, what).hint(format!(
            "see where with `aws iam list-policies --scope Local`, give it the user's tags {APP} and {ENVIRONMENT} or delete it, and run `beanship bootstrap` again"
        ))
    })?;
    if difference(&seen.document, document).is_none() {
        return Ok(());
    }
    let old = others(aws, arn).await?;
    if let Some(oldest) = old.first().filter(|_| old.len() + 1 >= VERSIONS) {
        delete_version(aws, arn, oldest).await?;
    }
    let call = aws.iam.create_policy_version().policy_arn(arn);
    let call = call.policy_document(document.to_string());
    let done = call.set_as_default(true).send().await;
    done.explain("iam", "CreatePolicyVersion").map(drop)
}

/// The versions of a policy that do not count, oldest first.
async fn others(aws: &Aws, arn: &str) -> Result<Vec<String>> {
    let call = aws.iam.list_policy_versions().policy_arn(arn);
    let told = call.send().await.explain("iam", "ListPolicyVersions");
    let told = known(told)?;
    let all = told.as_ref().map_or(&[][..], |it| it.versions());
    let all = all.iter().filter(|it| !it.is_default_version());
    let mut all: Vec<String> = all
        .filter_map(|it| it.version_id().map(str::to_owned))
        .collect();
    all.sort_by_key(|it| {
        it.trim_start_matches('v')
            .parse::<u32>()
            .unwrap_or_default()
    });
    Ok(all)
}

async fn delete_version(aws: &Aws, arn: &str, version: &str) -> Result<()> {
    let call = aws.iam.delete_policy_version().policy_arn(arn);
    let gone = call.version_id(version).send().await;
    known(gone.explain("iam", "DeletePolicyVersion")).map(drop)
}

/// The ARN of a user's policy: beside the user, under the user's name.
async fn arn(aws: &Aws, user: &str, name: &str) -> Result<String> {
    let told = while_it(
        aws,
        |error| error.code() == Some("NoSuchEntity"),
        || async {
            let told = aws.iam.get_user().user_name(user).send().await;
            told.explain("iam", "GetUser")
        },
    )
    .await?;
    Ok(beside(told.user().map_or("", |it| it.arn()), name))
}

fn beside(user: &str, name: &str) -> String {
    format!("{}-{name}", user.replacen(":user/", ":policy/", 1))
}

fn is_of(seen: &Tags, tags: &Tags) -> bool {
    [APP, ENVIRONMENT]
        .iter()
        .all(|key| seen.contains_key(*key) && seen.get(*key) == tags.get(*key))
}
