//! The changes of IAM.

use aws_sdk_iam::types::Tag;
use serde_json::Value;

use super::super::grants::Holder;
use super::super::iam::{AUDIENCE, GITHUB};
use super::super::names::Tags;
use super::super::own_policy;
use super::super::steps::BootstrapStep;
use super::{settled, unless_gone, unless_there};
use crate::aws::Aws;
use crate::aws::error::Explain;
use crate::error::{Error, Kind, Result};

fn iam_tags(tags: &Tags) -> Result<Option<Vec<Tag>>> {
    let tag = |(key, value): (&String, &String)| {
        let tag = Tag::builder().key(key).value(value).build();
        tag.map_err(|why| Error::new(Kind::Aws, why.to_string()))
    };
    tags.iter().map(tag).collect::<Result<_>>().map(Some)
}

pub(super) async fn identity(aws: &Aws, step: &BootstrapStep) -> Result<()> {
    match step {
        BootstrapStep::CreateRole(role) => {
            settled(aws, || async {
                let call = aws.iam.create_role().role_name(&role.name).path(&role.path);
                let call = call
                    .description(format!("beanship: {}", cut(&role.purpose)))
                    .assume_role_policy_document(role.trust.to_string())
                    .set_permissions_boundary(role.grants.boundary.clone())
                    .set_tags(iam_tags(&role.grants.tags)?);
                unless_there(call.send().await.explain("iam", "CreateRole"))
            })
            .await
        }
        BootstrapStep::SetTrust { role, trust, .. } => {
            settled(aws, || async {
                let call = aws.iam.update_assume_role_policy().role_name(role);
                let done = call.policy_document(trust.to_string()).send().await;
                done.explain("iam", "UpdateAssumeRolePolicy").map(drop)
            })
            .await
        }
        BootstrapStep::CreateUser(user) => {
            let call = aws.iam.create_user().user_name(&user.name).path(&user.path);
            let call = call
                .set_permissions_boundary(user.grants.boundary.clone())
                .set_tags(iam_tags(&user.grants.tags)?);
            unless_there(call.send().await.explain("iam", "CreateUser"))
        }
        _ => Ok(()),
    }
}

/// A description has at most 1000 characters, of which few are allowed.
fn cut(text: &str) -> String {
    text.chars()
        .filter(|c| c.is_ascii_graphic() || *c == ' ')
        .take(900)
        .collect()
}

pub(super) async fn around(aws: &Aws, step: &BootstrapStep) -> Result<()> {
    match step {
        BootstrapStep::Bound {
            holder: Holder::Role(name),
            boundary: Some(arn),
            ..
        } => {
            let call = aws.iam.put_role_permissions_boundary().role_name(name);
            let done = call.permissions_boundary(arn).send().await;
            done.explain("iam", "PutRolePermissionsBoundary").map(drop)
        }
        BootstrapStep::Bound {
            holder: Holder::User(name),
            boundary: Some(arn),
            ..
        } => {
            let call = aws.iam.put_user_permissions_boundary().user_name(name);
            let done = call.permissions_boundary(arn).send().await;
            done.explain("iam", "PutUserPermissionsBoundary").map(drop)
        }
        BootstrapStep::Bound {
            holder: Holder::Role(name),
            ..
        } => {
            let call = aws.iam.delete_role_permissions_boundary().role_name(name);
            unless_gone(
                call.send()
                    .await
                    .explain("iam", "DeleteRolePermissionsBoundary"),
            )
        }
        BootstrapStep::Bound {
            holder: Holder::User(name),
            ..
        } => {
            let call = aws.iam.delete_user_permissions_boundary().user_name(name);
            unless_gone(
                call.send()
                    .await
                    .explain("iam", "DeleteUserPermissionsBoundary"),
            )
        }
        BootstrapStep::Tag {
            holder: Holder::Role(name),
            tags,
        } => {
            let call = aws.iam.tag_role().role_name(name).set_tags(iam_tags(tags)?);
            call.send().await.explain("iam", "TagRole").map(drop)
        }
        BootstrapStep::Tag {
            holder: Holder::User(name),
            tags,
        } => {
            let call = aws.iam.tag_user().user_name(name).set_tags(iam_tags(tags)?);
            call.send().await.explain("iam", "TagUser").map(drop)
        }
        _ => Ok(()),
    }
}

pub(super) async fn policies(aws: &Aws, step: &BootstrapStep) -> Result<()> {
    settled(aws, || async {
        match step {
            BootstrapStep::Attach { holder, arn } => attach(aws, holder, arn).await,
            BootstrapStep::Detach { holder, arn } => detach(aws, holder, arn).await,
            BootstrapStep::PutPolicy {
                holder,
                name,
                document,
                tags,
                moves,
                ..
            } => {
                put(aws, holder, name, document, tags).await?;
                match holder {
                    Holder::User(user) if *moves => delete_inline(aws, user, name).await,
                    _ => Ok(()),
                }
            }
            BootstrapStep::DeletePolicy { holder, name } => delete(aws, holder, name).await,
            _ => Ok(()),
        }
    })
    .await
}

async fn attach(aws: &Aws, holder: &Holder, arn: &str) -> Result<()> {
    match holder {
        Holder::Role(name) => {
            let call = aws.iam.attach_role_policy().role_name(name).policy_arn(arn);
            call.send()
                .await
                .explain("iam", "AttachRolePolicy")
                .map(drop)
        }
        Holder::User(name) => {
            let call = aws.iam.attach_user_policy().user_name(name).policy_arn(arn);
            call.send()
                .await
                .explain("iam", "AttachUserPolicy")
                .map(drop)
        }
    }
}

pub(in super::super) async fn detach(aws: &Aws, holder: &Holder, arn: &str) -> Result<()> {
    match holder {
        Holder::Role(name) => {
            let call = aws.iam.detach_role_policy().role_name(name).policy_arn(arn);
            unless_gone(call.send().await.explain("iam", "DetachRolePolicy"))
        }
        Holder::User(name) => {
            let call = aws.iam.detach_user_policy().user_name(name).policy_arn(arn);
            unless_gone(call.send().await.explain("iam", "DetachUserPolicy"))
        }
    }
}

pub(in super::super) async fn delete(aws: &Aws, holder: &Holder, policy: &str) -> Result<()> {
    match holder {
        Holder::Role(name) => {
            let call = aws
                .iam
                .delete_role_policy()
                .role_name(name)
                .policy_name(policy);
            unless_gone(call.send().await.explain("iam", "DeleteRolePolicy"))
        }
        Holder::User(name) => {
            delete_inline(aws, name, policy).await?;
            own_policy::delete(aws, name, policy).await
        }
    }
}

async fn delete_inline(aws: &Aws, user: &str, policy: &str) -> Result<()> {
    let call = aws.iam.delete_user_policy().user_name(user);
    let gone = call.policy_name(policy).send().await;
    unless_gone(gone.explain("iam", "DeleteUserPolicy"))
}

async fn put(
    aws: &Aws,
    holder: &Holder,
    policy: &str,
    document: &Value,
    tags: &Tags,
) -> Result<()> {
    match holder {
        Holder::Role(name) => {
            let call = aws
                .iam
                .put_role_policy()
                .role_name(name)
                .policy_name(policy);
            let done = call.policy_document(document.to_string()).send().await;
            done.explain("iam", "PutRolePolicy").map(drop)
        }
        Holder::User(name) => own_policy::put(aws, name, policy, document, tags).await,
    }
}

pub(super) async fn profiles(aws: &Aws, step: &BootstrapStep) -> Result<()> {
    match step {
        BootstrapStep::CreateProfile(profile) => {
            let call = aws.iam.create_instance_profile();
            let call = call
                .instance_profile_name(&profile.name)
                .path(&profile.path);
            let call = call.set_tags(iam_tags(&profile.tags)?);
            unless_there(call.send().await.explain("iam", "CreateInstanceProfile"))
        }
        BootstrapStep::FillProfile { name } => {
            settled(aws, || async {
                let call = aws.iam.add_role_to_instance_profile();
                let done = call
                    .instance_profile_name(name)
                    .role_name(name)
                    .send()
                    .await;
                unless_there(done.explain("iam", "AddRoleToInstanceProfile"))
            })
            .await
        }
        BootstrapStep::CreateProvider => {
            let call = aws.iam.create_open_id_connect_provider();
            let call = call
                .url(format!("https://{GITHUB}"))
                .client_id_list(AUDIENCE);
            unless_there(
                call.send()
                    .await
                    .explain("iam", "CreateOpenIDConnectProvider"),
            )
        }
        BootstrapStep::AddAudience { arn } => {
            let call = aws.iam.add_client_id_to_open_id_connect_provider();
            let done = call
                .open_id_connect_provider_arn(arn)
                .client_id(AUDIENCE)
                .send()
                .await;
            done.explain("iam", "AddClientIDToOpenIDConnectProvider")
                .map(drop)
        }
        _ => Ok(()),
    }
}
