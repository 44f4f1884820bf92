//! Multipart uploads that are under way, listed.

use s3s::dto::*;
use s3s::{S3Response, S3Result};

use super::backend::{Backend, etag, time};
use super::internal;

impl Backend {
    pub(super) fn show_parts(
        &self,
        input: ListPartsInput,
    ) -> S3Result<S3Response<ListPartsOutput>> {
        let upload = self.upload(&input.bucket, &input.upload_id, &input.key)?;
        let after = input.part_number_marker.unwrap_or_default();
        let most = input
            .max_parts
            .and_then(|most| usize::try_from(most).ok())
            .unwrap_or(1000)
            .min(1000);
        let mut parts = upload
            .parts
            .into_iter()
            .filter(|(number, _)| *number > after)
            .map(|(number, part)| Part {
                part_number: Some(number),
                e_tag: Some(etag(&part.etag)),
                size: i64::try_from(part.size).ok(),
                last_modified: Some(time(part.modified)),
                checksum_crc32: part.sums.crc32,
                checksum_crc32c: part.sums.crc32c,
                checksum_crc64nvme: part.sums.crc64nvme,
                checksum_sha1: part.sums.sha1,
                checksum_sha256: part.sums.sha256,
            });
        let shown: Vec<Part> = parts.by_ref().take(most).collect();
        let truncated = parts.next().is_some();
        Ok(S3Response::new(ListPartsOutput {
            next_part_number_marker: shown
                .last()
                .and_then(|part| part.part_number)
                .filter(|_| truncated),
            is_truncated: Some(truncated),
            parts: Some(shown),
            part_number_marker: input.part_number_marker,
            checksum_algorithm: upload.algorithm.map(ChecksumAlgorithm::from),
            max_parts: i32::try_from(most).ok(),
            bucket: Some(input.bucket),
            key: Some(input.key),
            upload_id: Some(input.upload_id),
            owner: Some(self.owner()),
            storage_class: Some(StorageClass::from_static(StorageClass::STANDARD)),
            ..Default::default()
        }))
    }

    pub(super) fn show_uploads(
        &self,
        input: ListMultipartUploadsInput,
    ) -> S3Result<S3Response<ListMultipartUploadsOutput>> {
        let uploads = self
            .storage()
            .uploads(&input.bucket, |uploads| uploads.clone())
            .map_err(internal)?;
        let prefix = input.prefix.clone().unwrap_or_default();
        let mut shown: Vec<MultipartUpload> = uploads
            .into_iter()
            .filter(|(_, upload)| upload.key.starts_with(&prefix))
            .map(|(id, upload)| MultipartUpload {
                key: Some(upload.key),
                upload_id: Some(id),
                initiated: Some(time(upload.created)),
                owner: Some(self.owner()),
                storage_class: Some(StorageClass::from_static(StorageClass::STANDARD)),
                ..Default::default()
            })
            .collect();
        shown.sort_by(|a, b| a.key.cmp(&b.key));
        Ok(S3Response::new(ListMultipartUploadsOutput {
            bucket: Some(input.bucket),
            is_truncated: Some(false),
            prefix: input.prefix,
            uploads: Some(shown),
            ..Default::default()
        }))
    }
}
