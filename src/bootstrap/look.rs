//! What is read before anything is planned. Nothing here writes.

use std::collections::{BTreeMap, BTreeSet};

use super::access_key::SeenKey;
use super::grants::SeenGrants;
use super::iam::{GITHUB, Seen, SeenRole, SeenUser, Wanted};
use super::names::{Place, Tags};
use super::own_policy;
use super::policy::decoded;
use crate::aws::Aws;
use crate::aws::error::Explain;
use crate::error::{Error, Kind, Result};

/// The answer, or none where there is no such thing.
pub(super) fn known<T>(answer: Result<T>) -> Result<Option<T>> {
    match answer {
        Ok(found) => Ok(Some(found)),
        Err(error) if error.code() == Some("NoSuchEntity") => Ok(None),
        Err(error) => Err(error),
    }
}

pub(super) fn tags(tags: &[aws_sdk_iam::types::Tag]) -> Tags {
    let pair = |tag: &aws_sdk_iam::types::Tag| (tag.key().to_owned(), tag.value().to_owned());
    tags.iter().map(pair).collect()
}

/// Looks at everything of IAM that shall be.
///
/// # Errors
/// What AWS says.
pub async fn iam(aws: &Aws, place: &Place, wanted: &Wanted) -> Result<Seen> {
    let roles = wanted.roles.iter().map(|wanted| async {
        let found = role(aws, &wanted.name).await?;
        Ok::<_, Error>(found.map(|found| (wanted.name.clone(), found)))
    });
    let profile = async {
        match &wanted.profile {
            Some(wanted) => profile(aws, &wanted.name).await,
            None => Ok(None),
        }
    };
    let provider = async {
        match &wanted.provider {
            Some(arn) => provider(aws, arn).await,
            None => Ok(None),
        }
    };
    let user = async {
        match &wanted.user {
            Some(wanted) => {
                let seen = user(aws, &wanted.name).await?;
                let named = own_policy::named(aws, place, wanted, seen.as_ref()).await?;
                Ok((seen, named))
            }
            None => Ok((None, BTreeMap::new())),
        }
    };
    let (roles, profile, provider, user) = tokio::join!(
        futures_util::future::join_all(roles),
        profile,
        provider,
        user
    );
    let found: Result<Vec<_>> = roles.into_iter().collect();
    let roles: BTreeMap<_, _> = found?.into_iter().flatten().collect();
    let profile = profile?.map(|(_, roles, tags)| (roles.into_keys().collect(), tags));
    let (user, policies) = user?;
    Ok(Seen {
        roles,
        profile,
        provider: provider?,
        user,
        policies,
    })
}

pub(super) async fn role(aws: &Aws, name: &str) -> Result<Option<SeenRole>> {
    let told = aws.iam.get_role().role_name(name).send().await;
    let Some(told) = known(told.explain("iam", "GetRole"))? else {
        return Ok(None);
    };
    let role = told
        .role()
        .ok_or_else(|| Error::new(Kind::Aws, "iam:GetRole was answered without a role"))?;
    let attached = aws
        .iam
        .list_attached_role_policies()
        .role_name(name)
        .into_paginator()
        .items()
        .send();
    let attached: Vec<_> = attached
        .collect::<std::result::Result<_, _>>()
        .await
        .explain("iam", "ListAttachedRolePolicies")?;
    let names = aws
        .iam
        .list_role_policies()
        .role_name(name)
        .into_paginator()
        .items()
        .send();
    let names: Vec<String> = names
        .collect::<std::result::Result<_, _>>()
        .await
        .explain("iam", "ListRolePolicies")?;
    let mut inline = BTreeMap::new();
    for policy in names {
        let call = aws.iam.get_role_policy().role_name(name);
        let told = call.policy_name(&policy).send().await;
        let told = told.explain("iam", "GetRolePolicy")?;
        inline.insert(policy, decoded(told.policy_document()));
    }
    let boundary = role.permissions_boundary();
    Ok(Some(SeenRole {
        path: role.path().to_owned(),
        trust: decoded(role.assume_role_policy_document().unwrap_or_default()),
        grants: SeenGrants {
            boundary: boundary.and_then(|it| it.permissions_boundary_arn().map(str::to_owned)),
            managed: attached
                .iter()
                .filter_map(|it| it.policy_arn().map(str::to_owned))
                .collect(),
            inline,
            misplaced: BTreeSet::new(),
            tags: tags(role.tags()),
        },
    }))
}

/// An instance profile: its ARN, its roles' ARNs by name, its tags.
pub(super) async fn profile(
    aws: &Aws,
    name: &str,
) -> Result<Option<(String, BTreeMap<String, String>, Tags)>> {
    let call = aws.iam.get_instance_profile().instance_profile_name(name);
    let told = call.send().await.explain("iam", "GetInstanceProfile");
    let told = known(told)?;
    Ok(told
        .as_ref()
        .and_then(|it| it.instance_profile())
        .map(|found| {
            let roles = found.roles().iter();
            let roles = roles.map(|role| (role.role_name().to_owned(), role.arn().to_owned()));
            (found.arn().to_owned(), roles.collect(), tags(found.tags()))
        }))
}

/// Whom the provider's tokens may be meant for.
async fn provider(aws: &Aws, arn: &str) -> Result<Option<Vec<String>>> {
    let call = aws.iam.get_open_id_connect_provider();
    let told = call.open_id_connect_provider_arn(arn).send().await;
    let told = known(told.explain("iam", "GetOpenIDConnectProvider"))?;
    Ok(told.map(|told| told.client_id_list().to_vec()))
}

pub(super) async fn user(aws: &Aws, name: &str) -> Result<Option<SeenUser>> {
    let told = aws.iam.get_user().user_name(name).send().await;
    let Some(told) = known(told.explain("iam", "GetUser"))? else {
        return Ok(None);
    };
    let user = told
        .user()
        .ok_or_else(|| Error::new(Kind::Aws, "iam:GetUser was answered without a user"))?;
    let attached = aws
        .iam
        .list_attached_user_policies()
        .user_name(name)
        .into_paginator()
        .items()
        .send();
    let attached: Vec<_> = attached
        .collect::<std::result::Result<_, _>>()
        .await
        .explain("iam", "ListAttachedUserPolicies")?;
    let names = aws
        .iam
        .list_user_policies()
        .user_name(name)
        .into_paginator()
        .items()
        .send();
    let names: Vec<String> = names
        .collect::<std::result::Result<_, _>>()
        .await
        .explain("iam", "ListUserPolicies")?;
    let mut inline = BTreeMap::new();
    for policy in names {
        let call = aws.iam.get_user_policy().user_name(name);
        let told = call.policy_name(&policy).send().await;
        let told = told.explain("iam", "GetUserPolicy")?;
        inline.insert(policy, decoded(told.policy_document()));
    }
    let boundary = user.permissions_boundary();
    let arns = attached.iter().filter_map(|it| it.policy_arn());
    let mut managed: Vec<String> = arns.map(str::to_owned).collect();
    let tags = tags(user.tags());
    let misplaced = inline.keys().cloned().collect();
    for (policy, (arn, document)) in own_policy::read(aws, name, &tags, &managed).await? {
        managed.retain(|it| *it != arn);
        inline.insert(policy, document);
    }
    Ok(Some(SeenUser {
        path: user.path().to_owned(),
        grants: SeenGrants {
            boundary: boundary.and_then(|it| it.permissions_boundary_arn().map(str::to_owned)),
            managed: managed.into_iter().collect(),
            inline,
            misplaced,
            tags,
        },
        keys: keys(aws, name).await?,
    }))
}

async fn keys(aws: &Aws, user: &str) -> Result<Vec<SeenKey>> {
    let call = aws.iam.list_access_keys().user_name(user);
    let told = call.send().await.explain("iam", "ListAccessKeys")?;
    let key = |seen: &aws_sdk_iam::types::AccessKeyMetadata| {
        Some(SeenKey {
            id: seen.access_key_id()?.to_owned(),
            active: seen.status() == Some(&aws_sdk_iam::types::StatusType::Active),
        })
    };
    Ok(told.access_key_metadata().iter().filter_map(key).collect())
}

/// The ARN of GitHub's provider in an account.
#[must_use]
pub fn provider_arn(place: &Place) -> String {
    let (partition, account) = (place.partition(), &place.account);
    format!("arn:{partition}:iam::{account}:oidc-provider/{GITHUB}")
}
