//! A bucket of one's own for source bundles: private, and without leftovers of uploads. Bundles
//! never expire: a rollback needs them.

use aws_sdk_s3::types::{
    AbortIncompleteMultipartUpload, BucketLifecycleConfiguration, BucketLocationConstraint,
    CreateBucketConfiguration, ExpirationStatus, LifecycleRule, LifecycleRuleFilter,
    PublicAccessBlockConfiguration,
};

use super::steps::BootstrapStep;
use crate::aws::Aws;
use crate::aws::error::Explain;
use crate::error::{Error, Kind, Result};

/// After how many days the parts of an upload that never ended are deleted.
const DAYS: i32 = 7;

/// The bucket that is there.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct SeenBucket {
    /// Whether nothing in it can become public.
    pub private: bool,
    /// Whether it has any lifecycle rule.
    pub rules: bool,
}

/// Looks at a bucket; none where it is not there.
///
/// # Errors
/// [`Kind::Check`] for a bucket that is somebody else's or elsewhere; else what AWS says.
pub async fn look(aws: &Aws, name: &str, owner: &str) -> Result<Option<SeenBucket>> {
    let head = aws.s3.head_bucket().bucket(name);
    let head = head.expected_bucket_owner(owner).send().await;
    let status = head.as_ref().err().and_then(|it| it.raw_response());
    match status.map(|it| it.status().as_u16()) {
        Some(404) => return Ok(None),
        Some(403) => {
            let what = format!(
                "the bucket {name} cannot be used: it is somebody else's, or you may not look at it"
            );
            return Err(Error::new(Kind::Check, what).hint(
                "choose another `bucket_name` in beanship.yml, and see yours with `aws s3 ls`",
            ));
        }
        _ => {}
    }
    let head = head.explain("s3", "HeadBucket")?;
    if head
        .bucket_region()
        .is_some_and(|region| region != aws.region)
    {
        let there = head.bucket_region().unwrap_or_default();
        let what = format!(
            "the bucket {name} is in {there}: Elastic Beanstalk needs it in {}",
            aws.region
        );
        return Err(Error::new(Kind::Check, what).hint(
            "choose another `bucket_name` in beanship.yml, and check it with `beanship config`",
        ));
    }
    let block = aws.s3.get_public_access_block().bucket(name).send().await;
    let private = match block.explain("s3", "GetPublicAccessBlock") {
        Ok(told) => told
            .public_access_block_configuration()
            .is_some_and(is_private),
        Err(error) if error.code() == Some("NoSuchPublicAccessBlockConfiguration") => false,
        Err(error) => return Err(error),
    };
    let rules = aws.s3.get_bucket_lifecycle_configuration().bucket(name);
    let rules = match rules
        .send()
        .await
        .explain("s3", "GetBucketLifecycleConfiguration")
    {
        Ok(told) => !told.rules().is_empty(),
        Err(error) if error.code() == Some("NoSuchLifecycleConfiguration") => false,
        Err(error) => return Err(error),
    };
    Ok(Some(SeenBucket { private, rules }))
}

fn is_private(block: &PublicAccessBlockConfiguration) -> bool {
    let all = [
        block.block_public_acls(),
        block.block_public_policy(),
        block.ignore_public_acls(),
        block.restrict_public_buckets(),
    ];
    all.iter().all(|it| *it == Some(true))
}

/// The steps to the bucket. Rules that are there stay: they are its owner's.
#[must_use]
pub fn plan(name: &str, seen: Option<&SeenBucket>) -> Vec<BootstrapStep> {
    let mut steps = Vec::new();
    if seen.is_none() {
        steps.push(BootstrapStep::CreateBucket { name: name.into() });
    }
    let adopted = seen.is_some();
    if !seen.is_some_and(|it| it.private) {
        steps.push(BootstrapStep::ClosePublic {
            name: name.into(),
            adopted,
        });
    }
    if !seen.is_some_and(|it| it.rules) {
        steps.push(BootstrapStep::TidyUploads { name: name.into() });
    }
    steps
}

pub(super) async fn create(aws: &Aws, name: &str) -> Result<()> {
    // The oldest region has no name here.
    let place = (aws.region != "us-east-1").then(|| {
        CreateBucketConfiguration::builder()
            .location_constraint(BucketLocationConstraint::from(aws.region.as_str()))
            .build()
    });
    let call = aws.s3.create_bucket().bucket(name);
    let made = call.set_create_bucket_configuration(place).send().await;
    match made.explain("s3", "CreateBucket") {
        Err(error) if error.code() == Some("BucketAlreadyOwnedByYou") => Ok(()),
        Err(error) if error.code() == Some("BucketAlreadyExists") => Err(error.hint(
            "the name is somebody else's: choose another `bucket_name`, and run `beanship bootstrap` again",
        )),
        other => other.map(drop),
    }
}

pub(super) async fn close(aws: &Aws, name: &str) -> Result<()> {
    let block = PublicAccessBlockConfiguration::builder()
        .block_public_acls(true)
        .block_public_policy(true)
        .ignore_public_acls(true)
        .restrict_public_buckets(true)
        .build();
    let call = aws.s3.put_public_access_block().bucket(name);
    let call = call.public_access_block_configuration(block);
    let done = call.send().await.explain("s3", "PutPublicAccessBlock");
    done.map(drop)
}

pub(super) async fn tidy(aws: &Aws, name: &str) -> Result<()> {
    let after = AbortIncompleteMultipartUpload::builder().days_after_initiation(DAYS);
    let rule = LifecycleRule::builder()
        .id("abort-incomplete-uploads")
        .status(ExpirationStatus::Enabled)
        .filter(LifecycleRuleFilter::builder().prefix("").build())
        .abort_incomplete_multipart_upload(after.build())
        .build();
    let broken = |why: aws_smithy_types::error::operation::BuildError| {
        Error::new(Kind::Aws, why.to_string())
    };
    let rules = BucketLifecycleConfiguration::builder().rules(rule.map_err(broken)?);
    let call = aws.s3.put_bucket_lifecycle_configuration().bucket(name);
    let call = call.lifecycle_configuration(rules.build().map_err(broken)?);
    let done = call.send().await;
    done.explain("s3", "PutBucketLifecycleConfiguration")
        .map(drop)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::plan::Step;

    #[test]
    fn only_what_a_bucket_lacks_is_put() {
        let planned = |seen: Option<(bool, bool)>| {
            let seen = seen.map(|(private, rules)| SeenBucket { private, rules });
            let steps = plan("b", seen.as_ref());
            let words: Vec<_> = steps.iter().map(Step::past).collect();
            words.join(", ")
        };
        let all = [
            planned(None),
            planned(Some((true, true))),
            planned(Some((false, true))),
            planned(Some((true, false))),
        ];
        insta::assert_snapshot!(all.join("\n"), @"
        Created the bucket b, Closed the bucket b to the public, Set the rule for uploads to b

        Closed the bucket b to the public
        Set the rule for uploads to b
        ");
    }
}
