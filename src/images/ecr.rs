//! Amazon ECR: which registries are its own, their login, and whether it would throw away images
//! that a bundle names by digest.

use aws_config::Region;
use aws_smithy_types::base64;
use serde_json::Value;

use super::credentials::Login;
use crate::aws::Aws;
use crate::aws::error::Explain;
use crate::error::{Error, Kind, Result};

/// A private registry of ECR.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ecr {
    /// The account that owns it.
    pub account: String,
    /// Its region.
    pub region: String,
}

impl Ecr {
    /// Reads `ACCOUNT.dkr.ecr.REGION.amazonaws.com`; none of another registry, ECR's public one
    /// among them.
    #[must_use]
    pub fn of(registry: &str) -> Option<Self> {
        let name = registry
            .strip_suffix(".amazonaws.com.cn")
            .or_else(|| registry.strip_suffix(".amazonaws.com"))?;
        let parts: Vec<&str> = name.split('.').collect();
        let &[account, "dkr", "ecr" | "ecr-fips", region] = parts.as_slice() else {
            return None;
        };
        let is_account = account.len() == 12 && account.bytes().all(|byte| byte.is_ascii_digit());
        is_account.then(|| Self {
            account: account.to_owned(),
            region: region.to_owned(),
        })
    }

    /// A login that is good for twelve hours.
    ///
    /// # Errors
    /// What AWS says.
    pub async fn login(&self, aws: &Aws) -> Result<Login> {
        let region = aws_sdk_ecr::config::Builder::new().region(Region::new(self.region.clone()));
        let told = aws
            .ecr
            .get_authorization_token()
            .customize()
            .config_override(region)
            .send()
            .await
            .explain("ecr", "GetAuthorizationToken")?;
        let data = told.authorization_data().first();
        let token = data.and_then(|data| data.authorization_token());
        let bytes = token.and_then(|token| base64::decode(token).ok());
        let text = bytes.and_then(|bytes| String::from_utf8(bytes).ok());
        let pair = text.as_deref().and_then(|text| text.split_once(':'));
        let Some((username, password)) = pair else {
            let what = "ecr:GetAuthorizationToken answered without a login";
            return Err(Error::new(Kind::Aws, what).hint("run the command again"));
        };
        Ok(Login {
            username: username.to_owned(),
            password: password.to_owned().into(),
            identity: false,
        })
    }

    /// Whether a lifecycle rule of the repository expires images without a tag. What cannot be
    /// asked is answered with no.
    pub async fn expires_untagged(&self, aws: &Aws, repository: &str) -> bool {
        let region = aws_sdk_ecr::config::Builder::new().region(Region::new(self.region.clone()));
        let told = aws
            .ecr
            .get_lifecycle_policy()
            .registry_id(&self.account)
            .repository_name(repository)
            .customize()
            .config_override(region)
            .send()
            .await;
        let text = told.ok().and_then(|told| told.lifecycle_policy_text);
        text.is_some_and(|text| has_untagged_rule(&text))
    }
}

fn has_untagged_rule(policy: &str) -> bool {
    let policy: Value = serde_json::from_str(policy).unwrap_or_default();
    let rules = policy["rules"].as_array().into_iter().flatten();
    rules
        .filter_map(|rule| rule["selection"]["tagStatus"].as_str())
        .any(|status| status != "tagged")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn registries_of_ecr_are_told_from_others() {
        let ecr = |name: &str| Ecr::of(name).map(|it| format!("{} {}", it.account, it.region));
        let of = |name| ecr(name).unwrap_or_default();
        assert_eq!(
            of("123456789012.dkr.ecr.eu-central-1.amazonaws.com"),
            "123456789012 eu-central-1"
        );
        assert_eq!(
            of("123456789012.dkr.ecr.cn-north-1.amazonaws.com.cn"),
            "123456789012 cn-north-1"
        );
        for other in [
            "public.ecr.aws",
            "docker.io",
            "x.dkr.ecr.y.amazonaws.com",
            "1.amazonaws.com",
        ] {
            assert_eq!(ecr(other), None, "{other}");
        }
    }

    #[test]
    fn a_rule_for_untagged_images_is_noticed() {
        let policy = |status: &str| {
            format!(r#"{{"rules": [{{"selection": {{"tagStatus": "{status}"}}}}]}}"#)
        };
        assert!(has_untagged_rule(&policy("untagged")));
        assert!(has_untagged_rule(&policy("any")));
        assert!(!has_untagged_rule(&policy("tagged")));
        assert!(!has_untagged_rule("no JSON"));
    }
}
