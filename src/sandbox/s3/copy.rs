//! Copies of objects inside S3.

use jiff::Timestamp as Instant;
use s3s::dto::*;
use s3s::{S3Response, S3Result, s3_error};

use super::backend::{Backend, etag, time};
use super::body::head;
use super::internal;
use super::objects::{meets, precondition};
use super::storage;

impl Backend {
    pub(super) async fn copy(
        &self,
        mut input: CopyObjectInput,
    ) -> S3Result<S3Response<CopyObjectOutput>> {
        let CopySource::Bucket { bucket, key, .. } = &input.copy_source else {
            return Err(s3_error!(
                NotImplemented,
                "The sandbox copies only from buckets."
            ));
        };
        if self.storage().bucket(bucket).map_err(internal)?.is_none() {
            return Err(s3_error!(
                NoSuchBucket,
                "The specified bucket does not exist"
            ));
        }
        let source = self.find(bucket, key)?;
        let misses = |condition: &ETagCondition| !meets(&source.etag, condition);
        if input.copy_source_if_match.as_ref().is_some_and(misses)
            || input
                .copy_source_if_none_match
                .as_ref()
                .is_some_and(|condition| !misses(condition))
        {
            return Err(precondition());
        }
        let replace = input
            .metadata_directive
            .as_ref()
            .is_some_and(|directive| directive.as_str() == MetadataDirective::REPLACE);
        if !replace && **bucket == *input.bucket && **key == *input.key {
            return Err(s3_error!(
                InvalidRequest,
                "This copy request is illegal because it is trying to copy an object to itself without changing the object's \
                 metadata, storage class, website redirect location or encryption attributes."
            ));
        }
        let (folder, file) = self.storage().place(&input.bucket);
        let from = self.storage().data(bucket, &source.file);
        tokio::fs::copy(from, folder.join(&file))
            .await
            .map_err(internal)?;
        let mut object = storage::Object {
            file,
            modified: Instant::now(),
            ..source
        };
        if replace {
            object.head = head!(input);
        }
        let result = CopyObjectResult {
            e_tag: Some(etag(&object.etag)),
            last_modified: Some(time(object.modified)),
            ..Default::default()
        };
        self.place(&input.bucket, &input.key, object, None, None)?;
        Ok(S3Response::new(CopyObjectOutput {
            copy_object_result: Some(result),
            ..Default::default()
        }))
    }
}
