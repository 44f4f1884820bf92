//! Whether the instances may read what the properties refer to, as IAM judges their role. What
//! cannot be asked is one line of information.

use aws_sdk_iam::types::{
    ContextEntry, ContextKeyTypeEnum, PolicyEvaluationDecisionType as Decision,
};

use crate::aws::Aws;
use crate::aws::error::Explain;
use crate::deploy::configuration::Configuration;
use crate::error::{Error, Kind, Result};

/// What is to be told: information, or something to look into.
#[derive(Debug, Default)]
pub(super) struct Remarks {
    pub(super) notes: Vec<String>,
    pub(super) warnings: Vec<String>,
}

/// Asks IAM about the role of the environment's instance profile. Policies of the secrets
/// themselves are not in its answer, so that a no is a warning. `database` is the ARN of the one
/// whose password RDS keeps: the secret's tag has it, which IAM does not look up by itself.
pub(super) async fn check(
    aws: &Aws,
    seen: &Configuration,
    arns: &[String],
    database: Option<&str>,
) -> Remarks {
    let mut remarks = Remarks::default();
    if arns.is_empty() {
        return remarks;
    }
    let profile = seen.value("aws:autoscaling:launchconfiguration", "IamInstanceProfile");
    let Some(profile) = profile.filter(|profile| !profile.is_empty()) else {
        remarks.warnings.push(
            "the environment has no instance profile: its instances cannot read any secret".into(),
        );
        return remarks;
    };
    let name = profile.rsplit('/').next().unwrap_or(profile);
    match denied(aws, name, arns, database).await {
        Ok((_, denied)) if denied.is_empty() => {}
        Ok((role, denied)) => remarks.warnings.push(format!(
            "the role {role} of the instances is not allowed to read {}: the deployment fails unless the policy of the secret itself allows it",
            denied.join(", ")
        )),
        Err(error) => remarks.notes.push(format!(
            "whether the instances may read the secrets cannot be checked: {}",
            why(&error)
        )),
    }
    remarks
}

fn why(error: &Error) -> String {
    match (error.kind(), error.aws()) {
        (Kind::Denied, Some(fault)) => match (&fault.service, &fault.operation) {
            (Some(service), Some(operation)) => {
                format!("the caller may not call {service}:{operation}")
            }
            _ => error.to_string(),
        },
        _ => error.to_string(),
    }
}

/// The role's name, and what it may not read.
async fn denied(
    aws: &Aws,
    profile: &str,
    arns: &[String],
    database: Option<&str>,
) -> Result<(String, Vec<String>)> {
    let told = aws
        .iam
        .get_instance_profile()
        .instance_profile_name(profile)
        .send()
        .await
        .explain("iam", "GetInstanceProfile")?;
    let role = told.instance_profile().and_then(|it| it.roles().first());
    let Some(role) = role else {
        return Err(Error::new(
            Kind::Check,
            format!("the instance profile {profile} has no role"),
        ));
    };
    let mut denied = Vec::new();
    for (service, action) in [
        ("secretsmanager", "secretsmanager:GetSecretValue"),
        ("ssm", "ssm:GetParameter"),
    ] {
        let of_service = |arn: &&String| arn.split(':').nth(2) == Some(service);
        let resources: Vec<String> = arns.iter().filter(of_service).cloned().collect();
        if resources.is_empty() {
            continue;
        }
        let told = aws
            .iam
            .simulate_principal_policy()
            .policy_source_arn(role.arn())
            .action_names(action)
            .set_resource_arns(Some(resources))
            .set_context_entries(database.map(tagged))
            .send()
            .await
            .explain("iam", "SimulatePrincipalPolicy")?;
        let refused = told
            .evaluation_results()
            .iter()
            .filter(|result| *result.eval_decision() != Decision::Allowed);
        denied.extend(refused.filter_map(|it| it.eval_resource_name().map(str::to_owned)));
    }
    Ok((role.role_name().to_owned(), denied))
}

fn tagged(database: &str) -> Vec<ContextEntry> {
    let entry = ContextEntry::builder()
        .context_key_name("aws:ResourceTag/aws:rds:primaryDBInstanceArn")
        .context_key_type(ContextKeyTypeEnum::String)
        .context_key_values(database);
    vec![entry.build()]
}
