//! The bucket and the bundle's object in it.

use crate::aws::Aws;
use crate::aws::error::Explain;
use crate::error::{Error, Kind, Result};

/// The object's metadata field that holds the bundle's sha256, without `x-amz-meta-`.
pub(super) const DIGEST: &str = "bundle-sha256";

/// Where the bundles shall go.
#[derive(Debug, Clone)]
pub struct BucketWish {
    /// A given bucket; else Elastic Beanstalk's own.
    pub name: Option<String>,
    /// The folder inside the bucket.
    pub path: String,
    /// The account that must own the bucket, if it is not the caller's.
    pub owner: Option<String>,
    /// How S3 shall encrypt the bundles; else as the bucket has it.
    pub encryption: Option<Encryption>,
}

/// How S3 encrypts an object.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Encryption {
    /// With keys of S3.
    S3,
    /// With a key of KMS: by id, ARN or alias; else the one that AWS keeps for S3.
    Kms(Option<String>),
}

impl BucketWish {
    /// The bucket's name: the given one or `elasticbeanstalk-<region>-<account>` (facts 8).
    #[must_use]
    pub fn bucket(&self, region: &str, account: &str) -> String {
        let own = || format!("elasticbeanstalk-{region}-{account}");
        self.name.clone().unwrap_or_else(own)
    }

    /// The account that must own it.
    #[must_use]
    pub fn owner(&self, account: &str) -> String {
        self.owner.clone().unwrap_or_else(|| account.to_owned())
    }

    /// The key of a version's bundle.
    #[must_use]
    pub fn key(&self, label: &str) -> String {
        match self.path.as_str() {
            "" => format!("{label}.zip"),
            folder => format!("{folder}/{label}.zip"),
        }
    }

    /// What all bundles' keys look like, behind the bucket's name.
    #[must_use]
    pub fn key_pattern(&self, bucket: &str) -> String {
        match self.path.as_str() {
            "" => format!("{bucket}/*"),
            folder => format!("{bucket}/{folder}/*"),
        }
    }

    /// Looks whether the bucket is there and fits.
    ///
    /// # Errors
    /// [`Kind::Check`] for a bucket in another region or of another account, and for a given bucket that is not there.
    pub async fn look(&self, aws: &Aws, account: &str) -> Result<Bucket> {
        let (name, region) = (self.bucket(&aws.region, account), &aws.region);
        let found = look(aws, &name, &self.owner(account), self.owner.is_some()).await?;
        if found == Bucket::Missing && self.name.is_some() {
            return Err(
                Error::new(Kind::Check, format!("the bucket {name} does not exist")).hint(format!(
                    "make it with `aws s3 mb s3://{name} --region {region}`, or leave out the \
                     name to use Elastic Beanstalk's own"
                )),
            );
        }
        Ok(found)
    }
}

/// A bucket as it was found.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Bucket {
    /// It is there, in the right region, and belongs to the right account.
    Fit,
    /// It is not there.
    Missing,
    /// The caller may not look. The upload names the account that must own it, so that it fails
    /// rather than hand the bundle to somebody else.
    NotTold,
}

/// Looks at a bucket.
///
/// # Errors
/// [`Kind::Check`] for a bucket in another region or of another account; else what AWS says.
async fn look(aws: &Aws, bucket: &str, owner: &str, is_other: bool) -> Result<Bucket> {
    let answer = aws
        .s3
        .head_bucket()
        .bucket(bucket)
        .expected_bucket_owner(owner)
        .send()
        .await;
    let elsewhere = |region: &str| {
        Error::new(
            Kind::Check,
            format!(
                "the bucket {bucket} is in {region}: Elastic Beanstalk needs it in {}",
                aws.region
            ),
        )
        .hint("name a bucket of that region: `--bucket-name NAME`")
    };
    let error = match answer {
        Ok(found) => {
            return match found.bucket_region() {
                Some(region) if region != aws.region => Err(elsewhere(region)),
                _ => Ok(Bucket::Fit),
            };
        }
        Err(error) => error,
    };
    let response = error.raw_response();
    let status = response.map(|response| response.status().as_u16());
    let region = response
        .and_then(|response| response.headers().get("x-amz-bucket-region"))
        .filter(|region| *region != aws.region)
        .map(str::to_owned);
    match (status, region) {
        (Some(301 | 400), Some(region)) => Err(elsewhere(&region)),
        (Some(400), None) => Err(Error::new(
            Kind::Check,
            format!("`{bucket}` cannot be a bucket's name"),
        )
        .hint("name one that exists: `--bucket-name NAME`")),
        (Some(404), _) => Ok(Bucket::Missing),
        (Some(403), _) if !is_other && is_foreign(aws, bucket).await => Err(Error::new(
            Kind::Check,
            format!("the bucket {bucket} cannot be used: it does not belong to account {owner}"),
        )
        .hint("name another with `--bucket-name NAME`, or its owner as `bucket_owner` in beanship.yml")),
        (Some(403), _) => Ok(Bucket::NotTold),
        _ => Err(Err::<(), _>(error).explain("s3", "HeadBucket").expect_err("an error")),
    }
}

/// Whether it is certain that somebody else owns the bucket: it can be used as long as no owner
/// is named, or the caller may list the account's own buckets and it is not among them.
async fn is_foreign(aws: &Aws, bucket: &str) -> bool {
    if aws.s3.head_bucket().bucket(bucket).send().await.is_ok() {
        return true;
    }
    match aws.s3.list_buckets().prefix(bucket).send().await {
        Ok(own) => !own
            .buckets()
            .iter()
            .any(|found| found.name() == Some(bucket)),
        Err(_) => false,
    }
}

/// Has Elastic Beanstalk make its own bucket of the region.
///
/// # Errors
/// What AWS says.
pub async fn create_own(aws: &Aws, expected: &str) -> Result<()> {
    let made = aws
        .eb
        .create_storage_location()
        .send()
        .await
        .explain("elasticbeanstalk", "CreateStorageLocation")?;
    match made.s3_bucket() {
        Some(name) if name != expected => Err(Error::new(
            Kind::Aws,
            format!("Elastic Beanstalk's bucket is {name}, not {expected} as its rule says"),
        )
        .hint(format!("name it: `--bucket-name {name}`"))),
        _ => Ok(()),
    }
}

/// A bundle's object as it was found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Object {
    /// It is there, with the digest that is recorded on it.
    There(Option<String>),
    /// It is not there.
    Missing,
    /// The caller may not look.
    NotTold,
}

impl Object {
    /// Whether it is there and records this digest.
    #[must_use]
    pub fn is(&self, sha256: &str) -> bool {
        matches!(self, Self::There(Some(recorded)) if recorded == sha256)
    }

    /// Whether it is there and not known to be this bundle.
    #[must_use]
    pub fn is_other_than(&self, sha256: &str) -> bool {
        matches!(self, Self::There(_)) && !self.is(sha256)
    }
}

/// Looks at a bundle's object.
///
/// # Errors
/// What AWS says, other than that the object is not there or may not be looked at.
pub async fn object(aws: &Aws, bucket: &str, key: &str, owner: Option<&str>) -> Result<Object> {
    let answer = aws
        .s3
        .head_object()
        .bucket(bucket)
        .key(key)
        .set_expected_bucket_owner(owner.map(str::to_owned))
        .send()
        .await;
    match answer {
        Ok(found) => Ok(Object::There(
            found.metadata().and_then(|meta| meta.get(DIGEST).cloned()),
        )),
        Err(error) => match error
            .raw_response()
            .map(|response| response.status().as_u16())
        {
            Some(404) => Ok(Object::Missing),
            Some(403) => Ok(Object::NotTold),
            _ => Err(Err::<(), _>(error)
                .explain("s3", "HeadObject")
                .expect_err("an error")),
        },
    }
}
