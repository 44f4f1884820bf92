//! Whether the caller may make the changes of a plan, as IAM judges the caller's policies: all
//! that seems to be missing is told at once, before anything is made.

use std::collections::BTreeSet;

use aws_sdk_iam::types::PolicyEvaluationDecisionType as Decision;

use super::grants::Holder;
use super::steps::BootstrapStep;
use crate::aws::Aws;
use crate::aws::error::Explain;
use crate::error::Result;
use crate::plan::{Plan, Verb};

/// The actions that a plan needs and the caller does not seem to have. Policies that allow an
/// action for some resources only are not told apart, so that a no is a warning.
///
/// # Errors
/// What AWS says; among it that the caller may not ask.
pub async fn missing(
    aws: &Aws,
    caller: &str,
    plan: &Plan<BootstrapStep>,
) -> Result<BTreeSet<String>> {
    let Some(principal) = principal(caller) else {
        return Ok(BTreeSet::new());
    };
    let actions: BTreeSet<&str> = plan.steps().iter().flat_map(needs).copied().collect();
    let actions = actions.into_iter().map(str::to_owned).collect();
    let told = aws
        .iam
        .simulate_principal_policy()
        .policy_source_arn(principal)
        .set_action_names(Some(actions))
        .customize()
        // A remark is not worth the time that more tries would take.
        .config_override(
            aws_sdk_iam::config::Builder::default()
                .retry_config(aws_config::retry::RetryConfig::disabled()),
        )
        .send()
        .await
        .explain("iam", "SimulatePrincipalPolicy")?;
    let refused = told
        .evaluation_results()
        .iter()
        .filter(|result| *result.eval_decision() != Decision::Allowed);
    Ok(refused.map(|it| it.eval_action_name().to_owned()).collect())
}

/// Whose policies count: the user, or the role of a session; none of the account's root, which
/// may do all.
fn principal(caller: &str) -> Option<String> {
    if caller.ends_with(":root") {
        return None;
    }
    let Some((account, session)) = caller.split_once(":assumed-role/") else {
        return Some(caller.to_owned());
    };
    let role = session.split('/').next()?;
    Some(format!("{}:role/{role}", account.replace(":sts:", ":iam:")))
}

/// The actions that a step needs.
fn needs(step: &BootstrapStep) -> &'static [&'static str] {
    use BootstrapStep as It;
    match step {
        It::CreateRole(_) => &["iam:CreateRole", "iam:TagRole"],
        It::SetTrust { .. } => &["iam:UpdateAssumeRolePolicy"],
        It::Bound {
            boundary: Some(_), ..
        } => &["iam:PutRolePermissionsBoundary"],
        It::Bound { .. } => &["iam:DeleteRolePermissionsBoundary"],
        It::Tag {
            holder: Holder::Role(_),
            ..
        } => &["iam:TagRole"],
        It::Tag { .. } => &["iam:TagUser"],
        It::Attach { .. } => &["iam:AttachRolePolicy"],
        It::Detach { .. } => &["iam:DetachRolePolicy"],
        It::PutPolicy { .. } | It::DeletePolicy { .. } => of_policy(step),
        It::CreateProfile(_) => &["iam:CreateInstanceProfile", "iam:TagInstanceProfile"],
        It::FillProfile { .. } => &["iam:AddRoleToInstanceProfile", "iam:PassRole"],
        It::CreateProvider => &["iam:CreateOpenIDConnectProvider"],
        It::AddAudience { .. } => &["iam:AddClientIDToOpenIDConnectProvider"],
        It::CreateUser(_) => &["iam:CreateUser", "iam:TagUser"],
        It::DeleteKey { .. } => &["iam:DeleteAccessKey"],
        It::DeactivateKey { .. } => &["iam:UpdateAccessKey"],
        It::CreateKey { .. } => &["iam:CreateAccessKey", "iam:TagUser"],
        It::CreateGroup(_) => &["ec2:CreateSecurityGroup", "ec2:CreateTags"],
        It::TagGroup { .. } => &["ec2:CreateTags"],
        It::Allow { .. } => &["ec2:AuthorizeSecurityGroupIngress"],
        It::Revoke { .. } => &["ec2:RevokeSecurityGroupIngress"],
        It::Admit { .. } => &["rds:ModifyDBInstance"],
        It::Database(step) => step.needs(),
        It::CreateBucket { .. } => &["s3:CreateBucket"],
        It::ClosePublic { .. } => &["s3:PutBucketPublicAccessBlock"],
        It::TidyUploads { .. } => &["s3:PutLifecycleConfiguration"],
        It::Login(_) => &["s3:GetObject", "s3:ListBucket", "s3:PutObject"],
        It::CreateApplication { .. } => &["elasticbeanstalk:CreateApplication", "iam:PassRole"],
        It::CreateEnvironment(_) => &["elasticbeanstalk:CreateEnvironment", "iam:PassRole"],
        It::AssociateRole { .. } => &[
            "elasticbeanstalk:AssociateEnvironmentOperationsRole",
            "iam:PassRole",
        ],
        It::Configure { .. } => &["elasticbeanstalk:UpdateEnvironment"],
    }
}

/// The actions that a policy of a holder's own needs.
fn of_policy(step: &BootstrapStep) -> &'static [&'static str] {
    use BootstrapStep as It;
    match step {
        It::PutPolicy {
            holder: Holder::Role(_),
            ..
        } => &["iam:PutRolePolicy"],
        It::PutPolicy {
            verb: Verb::Create, ..
        } => &["iam:CreatePolicy", "iam:TagPolicy", "iam:AttachUserPolicy"],
        It::PutPolicy { moves: true, .. } => &[
            "iam:CreatePolicy",
            "iam:TagPolicy",
            "iam:AttachUserPolicy",
            "iam:DeleteUserPolicy",
        ],
        It::PutPolicy { .. } => &["iam:CreatePolicyVersion", "iam:DeletePolicyVersion"],
        It::DeletePolicy {
            holder: Holder::User(_),
            ..
        } => &[
            "iam:DeleteUserPolicy",
            "iam:DetachUserPolicy",
            "iam:DeletePolicy",
        ],
        It::DeletePolicy { .. } => &["iam:DeleteRolePolicy"],
        _ => &[],
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_session_is_judged_by_its_role() {
        let cases = [
            ("arn:aws:iam::1:user/me", Some("arn:aws:iam::1:user/me")),
            (
                "arn:aws:sts::1:assumed-role/Admin/me@x",
                Some("arn:aws:iam::1:role/Admin"),
            ),
            ("arn:aws:iam::1:root", None),
        ];
        for (caller, expected) in cases {
            assert_eq!(principal(caller).as_deref(), expected);
        }
    }
}
