//! Multipart uploads: parts are files of their own until the upload is completed.

use std::path::Path;

use http::HeaderMap;
use jiff::Timestamp;
use s3s::crypto::{Checksum, Md5};
use s3s::dto::*;
use s3s::{S3Error, S3ErrorCode, S3Request, S3Response, S3Result, s3_error};
use tokio::fs::File;
use tokio::io::{AsyncReadExt, AsyncWriteExt};

use super::backend::{Backend, encrypted, etag};
use super::body::{self, claims, head, with_sums};
use super::internal;
use super::storage::{self, Sums, Upload, hex};
use crate::sandbox::account::{LOWER, random};

/// Every part but the last has at least this size.
const LEAST_PART: u64 = 5 * 1024 * 1024;
const BUFFER: usize = 256 * 1024;

impl Backend {
    pub(super) fn begin(
        &self,
        mut input: CreateMultipartUploadInput,
    ) -> S3Result<S3Response<CreateMultipartUploadOutput>> {
        let id = random(LOWER, 40);
        let upload = Upload {
            key: input.key.clone(),
            created: Timestamp::now(),
            head: head!(input),
            algorithm: input
                .checksum_algorithm
                .as_ref()
                .map(|named| named.as_str().to_owned()),
            parts: Default::default(),
        };
        let (encryption, kms_key) = encrypted(&upload.head);
        self.storage()
            .uploads(&input.bucket, |uploads| uploads.insert(id.clone(), upload))
            .map_err(internal)?;
        Ok(S3Response::new(CreateMultipartUploadOutput {
            bucket: Some(input.bucket),
            key: Some(input.key),
            upload_id: Some(id),
            checksum_algorithm: input.checksum_algorithm,
            checksum_type: input.checksum_type,
            server_side_encryption: Some(encryption),
            ssekms_key_id: kms_key,
            ..Default::default()
        }))
    }

    pub(super) async fn receive_part(
        &self,
        request: S3Request<UploadPartInput>,
    ) -> S3Result<S3Response<UploadPartOutput>> {
        let S3Request {
            mut input,
            headers,
            trailing_headers,
            ..
        } = request;
        if !(1..=10_000).contains(&input.part_number) {
            return Err(s3_error!(
                InvalidArgument,
                "Part number must be an integer between 1 and 10000, inclusive"
            ));
        }
        self.upload(&input.bucket, &input.upload_id, &input.key)?;
        let claims = claims!(input);
        let (folder, file) = self.storage().place(&input.bucket);
        let body = input.body.take();
        let received = body::receive(
            &folder.join(&file),
            body,
            claims,
            &headers,
            trailing_headers,
        )
        .await?;
        let part = storage::Part {
            file: file.clone(),
            size: received.size,
            etag: received.md5.clone(),
            modified: Timestamp::now(),
            sums: received.sums.clone(),
        };
        let stored = self.storage().uploads(&input.bucket, |uploads| {
            known(uploads, &input.upload_id, &input.key)
                .map(|upload| upload.parts.insert(input.part_number, part))
        });
        let unused = stored
            .map_err(internal)
            .flatten()
            .inspect_err(|_| self.storage().discard(&input.bucket, &[file]))?;
        self.storage()
            .discard(&input.bucket, unused.map(|part| part.file).as_slice());
        let answer = with_sums!(
            UploadPartOutput {
                e_tag: Some(etag(&received.md5)),
            },
            received.sums
        );
        Ok(S3Response::new(answer))
    }

    /// The upload with this id, which must be for this key.
    pub(super) fn upload(&self, bucket: &str, id: &str, key: &str) -> S3Result<Upload> {
        self.storage()
            .uploads(bucket, |uploads| known(uploads, id, key).cloned())
            .map_err(internal)?
    }

    pub(super) async fn complete(
        &self,
        mut input: CompleteMultipartUploadInput,
    ) -> S3Result<S3Response<CompleteMultipartUploadOutput>> {
        let upload = self.upload(&input.bucket, &input.upload_id, &input.key)?;
        let claimed = whole(&mut input);
        let wanted = input
            .multipart_upload
            .and_then(|upload| upload.parts)
            .unwrap_or_default();
        let parts = chosen(&upload, &wanted)?;
        let size: u64 = parts.iter().map(|part| part.size).sum();
        let told = input.mpu_object_size;
        if told.is_some_and(|told| u64::try_from(told) != Ok(size)) {
            return Err(s3_error!(
                InvalidRequest,
                "The provided 'x-amz-mp-object-size' header does not match what was computed"
            ));
        }
        let (folder, file) = self.storage().place(&input.bucket);
        let target = folder.join(&file);
        let joined = self.join(&input.bucket, &parts, &target, &claimed);
        let sums = joined.await.inspect_err(|_| {
            self.storage()
                .discard(&input.bucket, std::slice::from_ref(&file));
        })?;
        let mut digests = Md5::new();
        for part in &parts {
            digests.update(&unhex(&part.etag));
        }
        let tag = format!("{}-{}", hex(digests.finalize().as_ref()), parts.len());
        let object = storage::Object {
            file,
            size,
            etag: tag.clone(),
            modified: Timestamp::now(),
            head: upload.head.clone(),
            sums: sums.clone(),
        };
        let (encryption, kms_key) = encrypted(&object.head);
        self.place(
            &input.bucket,
            &input.key,
            object,
            input.if_match.as_ref(),
            input.if_none_match.as_ref(),
        )?;
        self.forget(&input.bucket, &input.upload_id)?;
        let location = format!("{}/{}/{}", self.world.endpoint, input.bucket, input.key);
        Ok(S3Response::new(with_sums!(
            CompleteMultipartUploadOutput {
                location: Some(location),
                bucket: Some(input.bucket),
                key: Some(input.key),
                e_tag: Some(etag(&tag)),
                server_side_encryption: Some(encryption),
                ssekms_key_id: kms_key,
            },
            sums
        )))
    }

    /// Writes the parts one behind the other and checks them against what the client says the whole is.
    async fn join(
        &self,
        bucket: &str,
        parts: &[&storage::Part],
        to: &Path,
        claimed: &Sums,
    ) -> S3Result<Sums> {
        let mut target = File::create(to).await.map_err(internal)?;
        let mut hasher = body::hasher(claimed, &HeaderMap::new());
        let mut buffer = vec![0; BUFFER];
        for part in parts {
            let file = self.storage().data(bucket, &part.file);
            let mut source = File::open(file).await.map_err(internal)?;
            loop {
                let count = source.read(&mut buffer).await.map_err(internal)?;
                if count == 0 {
                    break;
                }
                hasher.update(&buffer[..count]);
                target.write_all(&buffer[..count]).await.map_err(internal)?;
            }
        }
        target.flush().await.map_err(internal)?;
        let sums = Sums::from(hasher.finalize());
        body::check(claimed, &sums)?;
        Ok(sums)
    }

    pub(super) fn abort(
        &self,
        input: &AbortMultipartUploadInput,
    ) -> S3Result<S3Response<AbortMultipartUploadOutput>> {
        self.upload(&input.bucket, &input.upload_id, &input.key)?;
        self.forget(&input.bucket, &input.upload_id)?;
        Ok(S3Response::new(AbortMultipartUploadOutput::default()))
    }

    /// Ends an upload and removes the files of its parts.
    fn forget(&self, bucket: &str, id: &str) -> S3Result<()> {
        let upload = self
            .storage()
            .uploads(bucket, |uploads| uploads.remove(id))
            .map_err(internal)?;
        let files: Vec<String> = upload
            .into_iter()
            .flat_map(|upload| upload.parts.into_values())
            .map(|part| part.file)
            .collect();
        self.storage().discard(bucket, &files);
        Ok(())
    }
}

/// What the client says about the whole object; a sum of sums (`...-3`) is not looked at.
fn whole(input: &mut CompleteMultipartUploadInput) -> Sums {
    let whole = |sum: Option<String>| sum.filter(|sum| !sum.contains('-'));
    Sums {
        crc32: whole(input.checksum_crc32.take()),
        crc32c: whole(input.checksum_crc32c.take()),
        crc64nvme: whole(input.checksum_crc64nvme.take()),
        sha1: whole(input.checksum_sha1.take()),
        sha256: whole(input.checksum_sha256.take()),
    }
}

fn known<'a>(uploads: &'a mut storage::Uploads, id: &str, key: &str) -> S3Result<&'a mut Upload> {
    uploads.get_mut(id).filter(|upload| upload.key == key).ok_or_else(|| {
        s3_error!(
            NoSuchUpload,
            "The specified upload does not exist. The upload ID may be invalid, or the upload may have been aborted or completed."
        )
    })
}

/// The parts a client names, which must exist with these ETags, ascend, and be large enough.
fn chosen<'a>(upload: &'a Upload, wanted: &[CompletedPart]) -> S3Result<Vec<&'a storage::Part>> {
    if wanted.is_empty() {
        return Err(S3Error::with_message(
            S3ErrorCode::MalformedXML,
            "You must specify at least one part",
        ));
    }
    let numbers: Vec<i32> = wanted
        .iter()
        .map(|part| part.part_number.unwrap_or_default())
        .collect();
    if !numbers.is_sorted_by(|a, b| a < b) {
        return Err(s3_error!(
            InvalidPartOrder,
            "The list of parts was not in ascending order. Parts must be ordered by part number."
        ));
    }
    let parts = wanted.iter().zip(&numbers).map(|(wanted, number)| {
        let same = |part: &&storage::Part| wanted.e_tag.as_ref().is_some_and(|tag| tag.value() == part.etag);
        upload.parts.get(number).filter(same).ok_or_else(|| {
            s3_error!(
                InvalidPart,
                "One or more of the specified parts could not be found.  The part may not have been uploaded, or the specified \
                 entity tag may not match the part's entity tag."
            )
        })
    });
    let parts: Vec<&storage::Part> = parts.collect::<S3Result<_>>()?;
    if parts
        .iter()
        .rev()
        .skip(1)
        .any(|part| part.size < LEAST_PART)
    {
        return Err(s3_error!(
            EntityTooSmall,
            "Your proposed upload is smaller than the minimum allowed size"
        ));
    }
    Ok(parts)
}

fn unhex(text: &str) -> Vec<u8> {
    (0..text.len())
        .step_by(2)
        .filter_map(|at| u8::from_str_radix(text.get(at..at + 2)?, 16).ok())
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn upload(sizes: &[u64]) -> Upload {
        let part = |(number, size): (i32, &u64)| {
            let part = storage::Part {
                file: String::new(),
                size: *size,
                etag: format!("tag{number}"),
                modified: Timestamp::UNIX_EPOCH,
                sums: Sums::default(),
            };
            (number, part)
        };
        let parts = (1..).zip(sizes).map(part).collect();
        Upload {
            key: "k".into(),
            created: Timestamp::UNIX_EPOCH,
            head: storage::Head::default(),
            algorithm: None,
            parts,
        }
    }

    fn code(upload: &Upload, wanted: &[(i32, &str)]) -> Option<String> {
        let wanted: Vec<_> = wanted
            .iter()
            .map(|&(number, tag)| CompletedPart {
                part_number: Some(number),
                e_tag: Some(etag(tag)),
                ..Default::default()
            })
            .collect();
        chosen(upload, &wanted)
            .err()
            .map(|error| error.code().as_str().to_owned())
    }

    #[test]
    fn parts_are_checked() {
        let upload = upload(&[LEAST_PART, LEAST_PART, 1]);
        assert_eq!(
            code(&upload, &[(1, "tag1"), (2, "tag2"), (3, "tag3")]),
            None
        );
        assert_eq!(
            code(&upload, &[(2, "tag2"), (1, "tag1")]).as_deref(),
            Some("InvalidPartOrder")
        );
        assert_eq!(
            code(&upload, &[(1, "tag2")]).as_deref(),
            Some("InvalidPart")
        );
        assert_eq!(
            code(&upload, &[(4, "tag4")]).as_deref(),
            Some("InvalidPart")
        );
        assert_eq!(code(&upload, &[]).as_deref(), Some("MalformedXML"));
        let small = super::tests::upload(&[1, 1]);
        assert_eq!(
            code(&small, &[(1, "tag1"), (2, "tag2")]).as_deref(),
            Some("EntityTooSmall")
        );
    }
}
