//! Names, ARNs and tags of what is made: all follow from the environment, so that every run finds
//! what an earlier one made. Roles have no region, so that the region is part of their names.

use std::collections::BTreeMap;

use crate::error::{Error, Kind, Result};
use crate::settings::Target;

/// The tag with the application's name.
pub const APP: &str = "beanship:app";
/// The tag with the environment's name.
pub const ENVIRONMENT: &str = "beanship:environment";
/// The tag of a user with the id of the access key that somebody has received.
pub const RECEIPT: &str = "beanship:access-key";

/// Tags by key.
pub type Tags = BTreeMap<String, String>;

/// Where everything is made, and for what.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Place {
    /// The account's twelve digits.
    pub account: String,
    /// The region.
    pub region: String,
    /// Application and environment.
    pub target: Target,
    /// The path of roles and users.
    pub path: String,
    /// Tags that the project file asks for.
    pub tags: Tags,
}

impl Place {
    /// The first part of every ARN.
    #[must_use]
    pub fn partition(&self) -> &'static str {
        crate::aws::partition(&self.region)
    }

    /// The name of a role or an instance profile; at most 64 characters (facts 6.5).
    #[must_use]
    pub fn name(&self, end: &str) -> String {
        format!("{}-{}-{end}", self.target.environment, self.region)
    }

    /// The name of a security group; groups have a region, and no name may begin with `sg-`.
    #[must_use]
    pub fn group(&self, end: &str) -> String {
        let name = format!("{}-{end}", self.target.environment);
        match name
            .get(..3)
            .is_some_and(|it| it.eq_ignore_ascii_case("sg-"))
        {
            true => format!("beanship-{name}"),
            false => name,
        }
    }

    /// An ARN of IAM.
    #[must_use]
    pub fn iam(&self, kind: &str, name: &str) -> String {
        let (partition, account, path) = (self.partition(), &self.account, &self.path);
        format!("arn:{partition}:iam::{account}:{kind}{path}{name}")
    }

    /// An ARN of this region and account.
    #[must_use]
    pub fn arn(&self, service: &str, resource: &str) -> String {
        let (partition, region, account) = (self.partition(), &self.region, &self.account);
        format!("arn:{partition}:{service}:{region}:{account}:{resource}")
    }

    /// An ARN of S3: a bucket, or `bucket/key`.
    #[must_use]
    pub fn s3(&self, name: &str) -> String {
        format!("arn:{}:s3:::{name}", self.partition())
    }

    /// The ARN of one of AWS's own policies.
    #[must_use]
    pub fn managed(&self, name: &str) -> String {
        format!("arn:{}:iam::aws:policy/{name}", self.partition())
    }

    /// The ARN that a secret of this name has, whatever six characters AWS adds.
    #[must_use]
    pub fn secret(&self, name: &str) -> String {
        self.arn("secretsmanager", &format!("secret:{name}-??????"))
    }

    /// Which secrets are the environment's own: those that `properties set --secret` stores.
    #[must_use]
    pub fn own_secrets(&self) -> String {
        let name = crate::properties::secret_name(&self.target, "*");
        let name = name
            .strip_suffix('-')
            .map_or(name.clone(), |it| format!("{it}*"));
        self.arn("secretsmanager", &format!("secret:{name}"))
    }

    /// The tags of everything that is made for the environment.
    #[must_use]
    pub fn all_tags(&self) -> Tags {
        let mut tags = self.tags.clone();
        tags.insert(APP.into(), self.target.app.clone());
        tags.insert(ENVIRONMENT.into(), self.target.environment.clone());
        tags
    }

    /// The tags of the application, which other environments may share.
    #[must_use]
    pub fn application_tags(&self) -> Tags {
        let mut tags = self.tags.clone();
        tags.insert(APP.into(), self.target.app.clone());
        tags
    }

    /// Refuses what bears one of our names but was not made for this environment.
    ///
    /// # Errors
    /// [`Kind::Check`].
    pub fn own(&self, what: &str, name: &str, tags: &Tags) -> Result<()> {
        let target = &self.target;
        let is = |key: &str, value: &str| tags.get(key).map(String::as_str) == Some(value);
        if is(APP, &target.app) && is(ENVIRONMENT, &target.environment) {
            return Ok(());
        }
        let tags = format!(
            "{APP}={} and {ENVIRONMENT}={}",
            target.app, target.environment
        );
        Err(Error::new(
            Kind::Check,
            format!(
                "the {what} {name} is there already and was not made for {}",
                target.environment
            ),
        )
        .hint(format!(
            "if it may be used, give it the tags {tags}; else delete it, and run `beanship bootstrap` again"
        )))
    }
}

/// A place for tests: `shop-prod` of `shop`, `production` in the project file.
#[cfg(test)]
pub(crate) fn sample() -> Place {
    Place {
        account: "1".into(),
        region: "eu-west-1".into(),
        target: Target {
            app: "shop".into(),
            key: Some("production".into()),
            environment: "shop-prod".into(),
        },
        path: "/".into(),
        tags: Tags::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_fit_whatever_the_environment_is_called() {
        let place = |environment: &str, region: &str| Place {
            account: "1".into(),
            region: region.into(),
            target: Target {
                app: "my shop".into(),
                key: None,
                environment: environment.into(),
            },
            path: "/".into(),
            tags: Tags::new(),
        };
        let longest = place(&"x".repeat(40), "ap-northeast-1");
        assert!(longest.name("service").len() <= 64);
        assert_eq!(
            place("sg-test", "eu-west-1").group("app"),
            "beanship-sg-test-app"
        );
        assert_eq!(
            place("shop-prod", "eu-west-1").group("app"),
            "shop-prod-app"
        );
        let place = place("shop-prod", "cn-north-1");
        assert_eq!(
            place.own_secrets(),
            "arn:aws-cn:secretsmanager:cn-north-1:1:secret:my-shop/shop-prod/*"
        );
        assert_eq!(
            place.iam("role", &place.name("ec2")),
            "arn:aws-cn:iam::1:role/shop-prod-cn-north-1-ec2"
        );
    }
}
