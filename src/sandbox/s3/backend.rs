//! The operations of S3 that the sandbox has, each handed to the file that knows how; `s3s` answers the others with
//! NotImplemented.

use std::sync::Arc;
use std::time::SystemTime;

use s3s::dto::*;
use s3s::{S3, S3Error, S3ErrorCode, S3Request, S3Response, S3Result};

use super::super::World;
use super::internal;
use super::storage::{Head, Storage};

pub(super) struct Backend {
    pub(super) world: Arc<World>,
}

impl Backend {
    pub(super) fn storage(&self) -> &Storage {
        &self.world.storage
    }

    pub(super) fn owner(&self) -> Owner {
        Owner {
            id: Some(self.world.account.id.clone()),
            display_name: None,
        }
    }

    /// A part of the bucket's configuration, or the code S3 has for its absence.
    fn configured<T: serde::de::DeserializeOwned>(
        &self,
        bucket: &str,
        part: &str,
        missing: S3ErrorCode,
    ) -> S3Result<T> {
        let message = format!("The bucket has no {part} configuration");
        self.configuration(bucket, part)?
            .ok_or_else(|| S3Error::with_message(missing, message))
    }
}

/// A time as `s3s` wants it.
pub(super) fn time(at: jiff::Timestamp) -> Timestamp {
    Timestamp::from(SystemTime::from(at))
}

/// How an object is encrypted, and with which key of KMS: with keys of S3 unless the client said otherwise, since 2023.
pub(super) fn encrypted(head: &Head) -> (ServerSideEncryption, Option<String>) {
    match &head.encryption {
        Some(said) => (
            ServerSideEncryption::from(said.algorithm.clone()),
            said.key.clone(),
        ),
        None => (
            ServerSideEncryption::from_static(ServerSideEncryption::AES256),
            None,
        ),
    }
}

pub(super) fn etag(tag: &str) -> ETag {
    ETag::Strong(tag.to_owned())
}

/// Since 2023 every new bucket blocks public access.
fn everything_blocked() -> PublicAccessBlockConfiguration {
    PublicAccessBlockConfiguration {
        block_public_acls: Some(true),
        block_public_policy: Some(true),
        ignore_public_acls: Some(true),
        restrict_public_buckets: Some(true),
    }
}

/// Since 2023 every new bucket encrypts with keys of S3.
fn default_encryption() -> ServerSideEncryptionConfiguration {
    let rule = ServerSideEncryptionRule {
        apply_server_side_encryption_by_default: Some(ServerSideEncryptionByDefault {
            sse_algorithm: ServerSideEncryption::from_static(ServerSideEncryption::AES256),
            kms_master_key_id: None,
        }),
        bucket_key_enabled: Some(false),
    };
    ServerSideEncryptionConfiguration { rules: vec![rule] }
}

type Answer<T> = S3Result<S3Response<T>>;

#[async_trait::async_trait]
impl S3 for Backend {
    async fn create_bucket(
        &self,
        request: S3Request<CreateBucketInput>,
    ) -> Answer<CreateBucketOutput> {
        self.make_bucket(request)
    }

    async fn delete_bucket(
        &self,
        request: S3Request<DeleteBucketInput>,
    ) -> Answer<DeleteBucketOutput> {
        self.remove_bucket(&request.input.bucket)
    }

    async fn head_bucket(&self, request: S3Request<HeadBucketInput>) -> Answer<HeadBucketOutput> {
        self.head_of_bucket(&request.input.bucket)
    }

    async fn list_buckets(
        &self,
        request: S3Request<ListBucketsInput>,
    ) -> Answer<ListBucketsOutput> {
        self.show_buckets(&request.input)
    }

    async fn get_bucket_location(
        &self,
        request: S3Request<GetBucketLocationInput>,
    ) -> Answer<GetBucketLocationOutput> {
        self.locate(&request.input.bucket)
    }

    async fn put_object(&self, request: S3Request<PutObjectInput>) -> Answer<PutObjectOutput> {
        self.put(request).await
    }

    async fn get_object(&self, request: S3Request<GetObjectInput>) -> Answer<GetObjectOutput> {
        self.get(request.input).await
    }

    async fn head_object(&self, request: S3Request<HeadObjectInput>) -> Answer<HeadObjectOutput> {
        self.head(request.input)
    }

    async fn copy_object(&self, request: S3Request<CopyObjectInput>) -> Answer<CopyObjectOutput> {
        self.copy(request.input).await
    }

    async fn delete_object(
        &self,
        request: S3Request<DeleteObjectInput>,
    ) -> Answer<DeleteObjectOutput> {
        self.storage()
            .remove(&request.input.bucket, &request.input.key)
            .map_err(internal)?;
        Ok(S3Response::new(DeleteObjectOutput::default()))
    }

    async fn delete_objects(
        &self,
        request: S3Request<DeleteObjectsInput>,
    ) -> Answer<DeleteObjectsOutput> {
        self.delete_many(request.input)
    }

    async fn list_objects_v2(
        &self,
        request: S3Request<ListObjectsV2Input>,
    ) -> Answer<ListObjectsV2Output> {
        self.list(request.input)
    }

    async fn list_objects(
        &self,
        request: S3Request<ListObjectsInput>,
    ) -> Answer<ListObjectsOutput> {
        self.list_v1(request.input)
    }

    async fn create_multipart_upload(
        &self,
        request: S3Request<CreateMultipartUploadInput>,
    ) -> Answer<CreateMultipartUploadOutput> {
        self.begin(request.input)
    }

    async fn upload_part(&self, request: S3Request<UploadPartInput>) -> Answer<UploadPartOutput> {
        self.receive_part(request).await
    }

    async fn complete_multipart_upload(
        &self,
        request: S3Request<CompleteMultipartUploadInput>,
    ) -> Answer<CompleteMultipartUploadOutput> {
        self.complete(request.input).await
    }

    async fn abort_multipart_upload(
        &self,
        request: S3Request<AbortMultipartUploadInput>,
    ) -> Answer<AbortMultipartUploadOutput> {
        self.abort(&request.input)
    }

    async fn list_parts(&self, request: S3Request<ListPartsInput>) -> Answer<ListPartsOutput> {
        self.show_parts(request.input)
    }

    async fn list_multipart_uploads(
        &self,
        request: S3Request<ListMultipartUploadsInput>,
    ) -> Answer<ListMultipartUploadsOutput> {
        self.show_uploads(request.input)
    }

    async fn get_bucket_policy(
        &self,
        request: S3Request<GetBucketPolicyInput>,
    ) -> Answer<GetBucketPolicyOutput> {
        let policy = self.configured(
            &request.input.bucket,
            "policy",
            S3ErrorCode::NoSuchBucketPolicy,
        )?;
        Ok(S3Response::new(GetBucketPolicyOutput {
            policy: Some(policy),
        }))
    }

    async fn put_bucket_policy(
        &self,
        request: S3Request<PutBucketPolicyInput>,
    ) -> Answer<PutBucketPolicyOutput> {
        self.put_policy(&request.input)
    }

    async fn delete_bucket_policy(
        &self,
        request: S3Request<DeleteBucketPolicyInput>,
    ) -> Answer<DeleteBucketPolicyOutput> {
        self.configure::<()>(&request.input.bucket, "policy", None)?;
        Ok(S3Response::with_status(
            DeleteBucketPolicyOutput {},
            http::StatusCode::NO_CONTENT,
        ))
    }

    async fn get_bucket_encryption(
        &self,
        request: S3Request<GetBucketEncryptionInput>,
    ) -> Answer<GetBucketEncryptionOutput> {
        let stored = self.configuration(&request.input.bucket, "encryption")?;
        let configuration = stored.unwrap_or_else(default_encryption);
        Ok(S3Response::new(GetBucketEncryptionOutput {
            server_side_encryption_configuration: Some(configuration),
        }))
    }

    async fn put_bucket_encryption(
        &self,
        request: S3Request<PutBucketEncryptionInput>,
    ) -> Answer<PutBucketEncryptionOutput> {
        let input = request.input;
        self.configure(
            &input.bucket,
            "encryption",
            Some(&input.server_side_encryption_configuration),
        )?;
        Ok(S3Response::new(PutBucketEncryptionOutput {}))
    }

    async fn delete_bucket_encryption(
        &self,
        request: S3Request<DeleteBucketEncryptionInput>,
    ) -> Answer<DeleteBucketEncryptionOutput> {
        self.configure::<()>(&request.input.bucket, "encryption", None)?;
        Ok(S3Response::new(DeleteBucketEncryptionOutput {}))
    }

    async fn get_bucket_tagging(
        &self,
        request: S3Request<GetBucketTaggingInput>,
    ) -> Answer<GetBucketTaggingOutput> {
        let tags: Tagging =
            self.configured(&request.input.bucket, "tagging", S3ErrorCode::NoSuchTagSet)?;
        Ok(S3Response::new(GetBucketTaggingOutput {
            tag_set: tags.tag_set,
        }))
    }

    async fn put_bucket_tagging(
        &self,
        request: S3Request<PutBucketTaggingInput>,
    ) -> Answer<PutBucketTaggingOutput> {
        self.configure(
            &request.input.bucket,
            "tagging",
            Some(&request.input.tagging),
        )?;
        Ok(S3Response::with_status(
            PutBucketTaggingOutput {},
            http::StatusCode::NO_CONTENT,
        ))
    }

    async fn delete_bucket_tagging(
        &self,
        request: S3Request<DeleteBucketTaggingInput>,
    ) -> Answer<DeleteBucketTaggingOutput> {
        self.configure::<()>(&request.input.bucket, "tagging", None)?;
        Ok(S3Response::new(DeleteBucketTaggingOutput {}))
    }

    async fn get_bucket_ownership_controls(
        &self,
        request: S3Request<GetBucketOwnershipControlsInput>,
    ) -> Answer<GetBucketOwnershipControlsOutput> {
        let stored: Option<Vec<String>> = self.configuration(&request.input.bucket, "ownership")?;
        let rules =
            stored.unwrap_or_else(|| vec![ObjectOwnership::BUCKET_OWNER_ENFORCED.to_owned()]);
        let rules = rules.into_iter().map(|rule| OwnershipControlsRule {
            object_ownership: ObjectOwnership::from(rule),
        });
        let controls = OwnershipControls {
            rules: rules.collect(),
        };
        Ok(S3Response::new(GetBucketOwnershipControlsOutput {
            ownership_controls: Some(controls),
        }))
    }

    async fn put_bucket_ownership_controls(
        &self,
        request: S3Request<PutBucketOwnershipControlsInput>,
    ) -> Answer<PutBucketOwnershipControlsOutput> {
        let rules = request.input.ownership_controls.rules;
        let rules: Vec<&str> = rules
            .iter()
            .map(|rule| rule.object_ownership.as_str())
            .collect();
        self.configure(&request.input.bucket, "ownership", Some(&rules))?;
        Ok(S3Response::new(PutBucketOwnershipControlsOutput {}))
    }

    async fn get_bucket_lifecycle_configuration(
        &self,
        request: S3Request<GetBucketLifecycleConfigurationInput>,
    ) -> Answer<GetBucketLifecycleConfigurationOutput> {
        let stored: Option<BucketLifecycleConfiguration> =
            self.configuration(&request.input.bucket, "lifecycle")?;
        let configuration = stored.ok_or_else(|| s3s::s3_error!(NoSuchLifecycleConfiguration))?;
        Ok(S3Response::new(GetBucketLifecycleConfigurationOutput {
            rules: Some(configuration.rules),
            ..Default::default()
        }))
    }

    async fn put_bucket_lifecycle_configuration(
        &self,
        request: S3Request<PutBucketLifecycleConfigurationInput>,
    ) -> Answer<PutBucketLifecycleConfigurationOutput> {
        let input = request.input;
        let configuration = input.lifecycle_configuration.as_ref();
        self.configure(&input.bucket, "lifecycle", configuration)?;
        Ok(S3Response::new(
            PutBucketLifecycleConfigurationOutput::default(),
        ))
    }

    async fn get_public_access_block(
        &self,
        request: S3Request<GetPublicAccessBlockInput>,
    ) -> Answer<GetPublicAccessBlockOutput> {
        let stored = self.configuration(&request.input.bucket, "public-access-block")?;
        let configuration = stored.unwrap_or_else(everything_blocked);
        Ok(S3Response::new(GetPublicAccessBlockOutput {
            public_access_block_configuration: Some(configuration),
        }))
    }

    async fn put_public_access_block(
        &self,
        request: S3Request<PutPublicAccessBlockInput>,
    ) -> Answer<PutPublicAccessBlockOutput> {
        let input = request.input;
        self.configure(
            &input.bucket,
            "public-access-block",
            Some(&input.public_access_block_configuration),
        )?;
        Ok(S3Response::new(PutPublicAccessBlockOutput {}))
    }
}
