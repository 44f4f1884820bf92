//! Buckets: making, finding, removing, and their configuration.

use s3s::dto::*;
use s3s::{S3Error, S3ErrorCode, S3Request, S3Response, S3Result, s3_error};
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::Value;

use super::backend::{Backend, time};
use super::internal;
use super::storage::Refusal;

/// The region whose buckets have no location constraint.
const CLASSIC: &str = "us-east-1";

impl Backend {
    pub(super) fn make_bucket(
        &self,
        request: S3Request<CreateBucketInput>,
    ) -> S3Result<S3Response<CreateBucketOutput>> {
        let signed = request
            .region
            .map_or_else(|| CLASSIC.to_owned(), |region| region.to_string());
        let constraint = request
            .input
            .create_bucket_configuration
            .and_then(|wanted| wanted.location_constraint);
        let wanted = constraint
            .as_ref()
            .map_or(CLASSIC, BucketLocationConstraint::as_str);
        if wanted != signed {
            return Err(match constraint {
                None => S3Error::with_message(
                    S3ErrorCode::IllegalLocationConstraintException,
                    "The unspecified location constraint is incompatible for the region specific endpoint this request was sent to.",
                ),
                Some(_) => S3Error::with_message(
                    S3ErrorCode::IllegalLocationConstraintException,
                    format!(
                        "The {wanted} location constraint is incompatible for the region specific endpoint this request was sent to."
                    ),
                ),
            });
        }
        match self
            .storage()
            .create(&request.input.bucket, &signed)
            .map_err(internal)?
        {
            // Only us-east-1 answers with success when the bucket is already the caller's.
            Err(Refusal::Exists(region)) if !(region == CLASSIC && signed == CLASSIC) => {
                Err(s3_error!(
                    BucketAlreadyOwnedByYou,
                    "Your previous request to create the named bucket succeeded and you already own it."
                ))
            }
            _ => {
                let location = format!("/{}", request.input.bucket);
                Ok(S3Response::new(CreateBucketOutput {
                    location: Some(location),
                }))
            }
        }
    }

    pub(super) fn remove_bucket(&self, name: &str) -> S3Result<S3Response<DeleteBucketOutput>> {
        let bucket = self.storage().bucket(name).map_err(internal)?;
        let policy = bucket
            .as_ref()
            .and_then(|bucket| bucket.configuration.get("policy")?.as_str());
        if policy.is_some_and(denies_deletion) {
            return Err(s3_error!(AccessDenied, "Access Denied"));
        }
        match self.storage().delete(name).map_err(internal)? {
            Ok(()) => Ok(S3Response::new(DeleteBucketOutput {})),
            Err(_) => Err(s3_error!(
                BucketNotEmpty,
                "The bucket you tried to delete is not empty"
            )),
        }
    }

    pub(super) fn show_buckets(
        &self,
        input: &ListBucketsInput,
    ) -> S3Result<S3Response<ListBucketsOutput>> {
        let prefix = input.prefix.as_deref().unwrap_or_default();
        let buckets = self.storage().buckets().map_err(internal)?.into_iter();
        let buckets = buckets
            .filter(|(name, _)| name.starts_with(prefix))
            .map(|(name, bucket)| Bucket {
                name: Some(name),
                creation_date: Some(time(bucket.created)),
                bucket_region: Some(bucket.region),
            });
        Ok(S3Response::new(ListBucketsOutput {
            buckets: Some(buckets.collect()),
            owner: Some(self.owner()),
            prefix: input.prefix.clone(),
            ..Default::default()
        }))
    }

    pub(super) fn locate(&self, name: &str) -> S3Result<S3Response<GetBucketLocationOutput>> {
        let bucket = self.storage().bucket(name).map_err(internal)?;
        let region = bucket
            .map(|bucket| bucket.region)
            .filter(|region| region != CLASSIC);
        Ok(S3Response::new(GetBucketLocationOutput {
            location_constraint: region.map(BucketLocationConstraint::from),
        }))
    }

    pub(super) fn head_of_bucket(&self, name: &str) -> S3Result<S3Response<HeadBucketOutput>> {
        let bucket = self.storage().bucket(name).map_err(internal)?;
        Ok(S3Response::new(HeadBucketOutput {
            bucket_region: bucket.map(|bucket| bucket.region),
            ..Default::default()
        }))
    }

    /// A part of a bucket's configuration, as it was put.
    pub(super) fn configuration<T: DeserializeOwned>(
        &self,
        bucket: &str,
        part: &str,
    ) -> S3Result<Option<T>> {
        let bucket = self.storage().bucket(bucket).map_err(internal)?;
        let value = bucket.and_then(|mut bucket| bucket.configuration.remove(part));
        value
            .map(|value| serde_json::from_value(value).map_err(|error| internal(error.into())))
            .transpose()
    }

    /// Puts a part of a bucket's configuration; `None` removes it.
    pub(super) fn configure<T: Serialize>(
        &self,
        bucket: &str,
        part: &str,
        value: Option<&T>,
    ) -> S3Result<()> {
        let value = value
            .map(serde_json::to_value)
            .transpose()
            .map_err(|error| internal(error.into()))?;
        self.storage()
            .configure(bucket, part, value)
            .map_err(internal)
    }

    pub(super) fn put_policy(
        &self,
        input: &PutBucketPolicyInput,
    ) -> S3Result<S3Response<PutBucketPolicyOutput>> {
        let policy: Value = serde_json::from_str(&input.policy)
            .map_err(|_| malformed("This policy contains invalid Json"))?;
        if !policy
            .get("Statement")
            .is_some_and(|statement| statement.is_array() || statement.is_object())
        {
            return Err(malformed("Missing required field Statement"));
        }
        self.configure(&input.bucket, "policy", Some(&input.policy))?;
        Ok(S3Response::new(PutBucketPolicyOutput {}))
    }
}

fn malformed(message: &'static str) -> S3Error {
    S3Error::with_message(S3ErrorCode::MalformedPolicy, message)
}

/// Whether a bucket policy forbids everybody to delete the bucket, as the one that Elastic Beanstalk installs does.
fn denies_deletion(policy: &str) -> bool {
    let Ok(policy) = serde_json::from_str::<Value>(policy) else {
        return false;
    };
    let statements = match policy.get("Statement") {
        Some(Value::Array(statements)) => statements.iter().collect(),
        Some(statement) => vec![statement],
        None => Vec::new(),
    };
    let mentions = |value: Option<&Value>, wanted: &[&str]| match value {
        Some(Value::String(text)) => wanted.contains(&text.as_str()),
        Some(Value::Array(texts)) => texts
            .iter()
            .filter_map(Value::as_str)
            .any(|text| wanted.contains(&text)),
        _ => false,
    };
    statements.into_iter().any(|statement| {
        let principal = statement.get("Principal");
        let everybody =
            mentions(principal, &["*"]) || mentions(principal.and_then(|p| p.get("AWS")), &["*"]);
        statement["Effect"] == "Deny"
            && everybody
            && mentions(statement.get("Action"), &["s3:DeleteBucket", "s3:*", "*"])
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_deny_for_everybody_protects_a_bucket() {
        let policy = |effect: &str, action: &str| {
            format!(
                r#"{{"Statement":[{{"Effect":"{effect}","Principal":{{"AWS":"*"}},"Action":"{action}","Resource":"*"}}]}}"#
            )
        };
        assert!(denies_deletion(&policy("Deny", "s3:DeleteBucket")));
        assert!(!denies_deletion(&policy("Allow", "s3:DeleteBucket")));
        assert!(!denies_deletion(&policy("Deny", "s3:PutObject")));
        assert!(!denies_deletion("not json"));
    }
}
