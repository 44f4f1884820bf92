//! Objects: put, get, head, copy, delete, list.

use std::collections::BTreeMap;
use std::ops::Range as Bytes;

use jiff::Timestamp as Instant;
use s3s::dto::*;
use s3s::{S3Error, S3ErrorCode, S3Request, S3Response, S3Result, s3_error};

use super::backend::{Backend, etag, time};
use super::body::{self, Claims};
use super::internal;
use super::listing::{self, Page, Query};
use super::storage::{self, Head, Sums};

/// The most keys a page of a listing has.
const PAGE: usize = 1000;

impl Backend {
    pub(super) async fn put(
        &self,
        request: S3Request<PutObjectInput>,
    ) -> S3Result<S3Response<PutObjectOutput>> {
        let S3Request {
            input,
            headers,
            trailing_headers,
            ..
        } = request;
        let claims = Claims {
            length: input.content_length,
            md5: input.content_md5,
            sums: Sums {
                crc32: input.checksum_crc32,
                crc32c: input.checksum_crc32c,
                crc64nvme: input.checksum_crc64nvme,
                sha1: input.checksum_sha1,
                sha256: input.checksum_sha256,
            },
        };
        let (folder, file) = self.storage().place(&input.bucket);
        let received = body::receive(
            &folder.join(&file),
            input.body,
            claims,
            &headers,
            trailing_headers,
        )
        .await?;
        let head = Head {
            content_type: input.content_type,
            content_encoding: input.content_encoding,
            content_disposition: input.content_disposition,
            content_language: input.content_language,
            cache_control: input.cache_control,
            metadata: input.metadata.unwrap_or_default().into_iter().collect(),
        };
        let object = storage::Object {
            file,
            size: received.size,
            etag: received.md5,
            modified: Instant::now(),
            head,
            sums: received.sums,
        };
        let (tag, sums) = (object.etag.clone(), object.sums.clone());
        self.place(
            &input.bucket,
            &input.key,
            object,
            input.if_match.as_ref(),
            input.if_none_match.as_ref(),
        )?;
        Ok(S3Response::new(PutObjectOutput {
            e_tag: Some(etag(&tag)),
            checksum_crc32: sums.crc32,
            checksum_crc32c: sums.crc32c,
            checksum_crc64nvme: sums.crc64nvme,
            checksum_sha1: sums.sha1,
            checksum_sha256: sums.sha256,
            server_side_encryption: Some(ServerSideEncryption::from_static(
                ServerSideEncryption::AES256,
            )),
            ..Default::default()
        }))
    }

    /// Puts an object into the index unless a condition of the request says no.
    pub(super) fn place(
        &self,
        bucket: &str,
        key: &str,
        object: storage::Object,
        if_match: Option<&ETagCondition>,
        if_none_match: Option<&ETagCondition>,
    ) -> S3Result<()> {
        let file = object.file.clone();
        let placed = self.storage().index(bucket, |index, unused| {
            let old = index.get(key);
            if if_match.is_some() && old.is_none() {
                return Err(no_such_key());
            }
            let holds =
                |condition: &ETagCondition| old.is_some_and(|old| meets(&old.etag, condition));
            if if_match.is_some_and(|condition| !holds(condition))
                || if_none_match.is_some_and(holds)
            {
                return Err(precondition());
            }
            unused.extend(index.insert(key.to_owned(), object).map(|old| old.file));
            Ok(())
        });
        let placed = placed.map_err(internal).flatten();
        if placed.is_err() {
            self.storage().discard(bucket, &[file]);
        }
        placed
    }

    pub(super) async fn get(&self, input: GetObjectInput) -> S3Result<S3Response<GetObjectOutput>> {
        let object = self.find(&input.bucket, &input.key)?;
        let conditions = (input.if_match.as_ref(), input.if_none_match.as_ref());
        conditional(
            &object,
            conditions,
            input.if_modified_since,
            input.if_unmodified_since,
        )?;
        let (range, content_range) = span(&object, input.range.as_ref())?;
        let length = range.end - range.start;
        let whole = content_range.is_none();
        let body = body::send(&self.storage().data(&input.bucket, &object.file), range).await?;
        let checked = input.checksum_mode.is_some() && whole;
        let sums = if checked {
            object.sums.clone()
        } else {
            Sums::default()
        };
        Ok(S3Response::new(GetObjectOutput {
            body: Some(body),
            accept_ranges: Some("bytes".to_owned()),
            content_length: i64::try_from(length).ok(),
            content_range,
            content_type: input.response_content_type.or(object.head.content_type),
            content_encoding: input
                .response_content_encoding
                .or(object.head.content_encoding),
            content_disposition: input
                .response_content_disposition
                .or(object.head.content_disposition),
            content_language: input
                .response_content_language
                .or(object.head.content_language),
            cache_control: input.response_cache_control.or(object.head.cache_control),
            e_tag: Some(etag(&object.etag)),
            last_modified: Some(time(object.modified)),
            metadata: metadata(object.head.metadata),
            checksum_crc32: sums.crc32,
            checksum_crc32c: sums.crc32c,
            checksum_crc64nvme: sums.crc64nvme,
            checksum_sha1: sums.sha1,
            checksum_sha256: sums.sha256,
            server_side_encryption: Some(ServerSideEncryption::from_static(
                ServerSideEncryption::AES256,
            )),
            ..Default::default()
        }))
    }

    pub(super) fn head(&self, input: HeadObjectInput) -> S3Result<S3Response<HeadObjectOutput>> {
        let object = self.find(&input.bucket, &input.key)?;
        let conditions = (input.if_match.as_ref(), input.if_none_match.as_ref());
        conditional(
            &object,
            conditions,
            input.if_modified_since,
            input.if_unmodified_since,
        )?;
        let (range, content_range) = span(&object, input.range.as_ref())?;
        let sums = if input.checksum_mode.is_some() {
            object.sums
        } else {
            Sums::default()
        };
        Ok(S3Response::new(HeadObjectOutput {
            accept_ranges: Some("bytes".to_owned()),
            content_length: i64::try_from(range.end - range.start).ok(),
            content_range,
            content_type: object.head.content_type,
            content_encoding: object.head.content_encoding,
            content_disposition: object.head.content_disposition,
            content_language: object.head.content_language,
            cache_control: object.head.cache_control,
            e_tag: Some(etag(&object.etag)),
            last_modified: Some(time(object.modified)),
            metadata: metadata(object.head.metadata),
            checksum_crc32: sums.crc32,
            checksum_crc32c: sums.crc32c,
            checksum_crc64nvme: sums.crc64nvme,
            checksum_sha1: sums.sha1,
            checksum_sha256: sums.sha256,
            server_side_encryption: Some(ServerSideEncryption::from_static(
                ServerSideEncryption::AES256,
            )),
            ..Default::default()
        }))
    }

    pub(super) async fn copy(
        &self,
        input: CopyObjectInput,
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
            object.head = Head {
                content_type: input.content_type,
                content_encoding: input.content_encoding,
                content_disposition: input.content_disposition,
                content_language: input.content_language,
                cache_control: input.cache_control,
                metadata: input.metadata.unwrap_or_default().into_iter().collect(),
            };
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

    /// Deletes many objects; what was not there counts as deleted.
    pub(super) fn delete_many(
        &self,
        input: DeleteObjectsInput,
    ) -> S3Result<S3Response<DeleteObjectsOutput>> {
        if input.delete.objects.len() > PAGE {
            return Err(s3_error!(
                MalformedXML,
                "The XML you provided was not well-formed or did not validate against our published schema"
            ));
        }
        let keys: Vec<String> = input
            .delete
            .objects
            .into_iter()
            .map(|object| object.key)
            .collect();
        self.storage()
            .index(&input.bucket, |index, unused| {
                unused.extend(
                    keys.iter()
                        .filter_map(|key| index.remove(key))
                        .map(|object| object.file),
                );
            })
            .map_err(internal)?;
        let loud = !input.delete.quiet.unwrap_or_default();
        let deleted = keys.into_iter().map(|key| DeletedObject {
            key: Some(key),
            ..Default::default()
        });
        Ok(S3Response::new(DeleteObjectsOutput {
            deleted: loud.then(|| deleted.collect()),
            ..Default::default()
        }))
    }

    pub(super) fn list(
        &self,
        input: ListObjectsV2Input,
    ) -> S3Result<S3Response<ListObjectsV2Output>> {
        let index = self.storage().objects(&input.bucket).map_err(internal)?;
        let encode = Encode(input.encoding_type.is_some());
        let token = input
            .continuation_token
            .as_deref()
            .map(untoken)
            .transpose()?;
        let query = Query {
            prefix: input.prefix.as_deref().unwrap_or_default(),
            delimiter: input.delimiter.as_deref(),
            after: token.as_deref().or(input.start_after.as_deref()),
            most: page_size(input.max_keys)?,
        };
        let page = listing::page(&index, &query);
        let count = page.contents.len() + page.common_prefixes.len();
        Ok(S3Response::new(ListObjectsV2Output {
            is_truncated: Some(page.next.is_some()),
            next_continuation_token: page.next.map(|next| storage::hex(next.as_bytes())),
            contents: Some(encode.contents(&page)),
            common_prefixes: Some(encode.prefixes(&page)),
            key_count: i32::try_from(count).ok(),
            max_keys: i32::try_from(query.most).ok(),
            prefix: Some(encode.text(query.prefix)),
            delimiter: input
                .delimiter
                .as_deref()
                .map(|delimiter| encode.text(delimiter)),
            start_after: input.start_after.as_deref().map(|after| encode.text(after)),
            name: Some(input.bucket),
            continuation_token: input.continuation_token,
            encoding_type: input.encoding_type,
            ..Default::default()
        }))
    }

    pub(super) fn list_v1(
        &self,
        input: ListObjectsInput,
    ) -> S3Result<S3Response<ListObjectsOutput>> {
        let index = self.storage().objects(&input.bucket).map_err(internal)?;
        let encode = Encode(input.encoding_type.is_some());
        let query = Query {
            prefix: input.prefix.as_deref().unwrap_or_default(),
            delimiter: input.delimiter.as_deref(),
            after: input.marker.as_deref(),
            most: page_size(input.max_keys)?,
        };
        let page = listing::page(&index, &query);
        Ok(S3Response::new(ListObjectsOutput {
            is_truncated: Some(page.next.is_some()),
            next_marker: page.next.map(|next| encode.text(next)),
            contents: Some(encode.contents(&page)),
            common_prefixes: Some(encode.prefixes(&page)),
            max_keys: i32::try_from(query.most).ok(),
            prefix: Some(encode.text(query.prefix)),
            marker: Some(encode.text(query.after.unwrap_or_default())),
            delimiter: input
                .delimiter
                .as_deref()
                .map(|delimiter| encode.text(delimiter)),
            name: Some(input.bucket),
            encoding_type: input.encoding_type,
            ..Default::default()
        }))
    }

    fn find(&self, bucket: &str, key: &str) -> S3Result<storage::Object> {
        self.storage()
            .object(bucket, key)
            .map_err(internal)?
            .ok_or_else(no_such_key)
    }
}

pub(super) fn no_such_key() -> S3Error {
    S3Error::with_message(S3ErrorCode::NoSuchKey, "The specified key does not exist.")
}

fn precondition() -> S3Error {
    S3Error::with_message(
        S3ErrorCode::PreconditionFailed,
        "At least one of the pre-conditions you specified did not hold",
    )
}

fn meets(tag: &str, condition: &ETagCondition) -> bool {
    condition.is_any()
        || condition
            .as_etag()
            .is_some_and(|wanted| wanted.value() == tag)
}

fn conditional(
    object: &storage::Object,
    (if_match, if_none_match): (Option<&ETagCondition>, Option<&ETagCondition>),
    since: Option<Timestamp>,
    until: Option<Timestamp>,
) -> S3Result<()> {
    let modified = whole_second(object.modified);
    let stale = if_match.is_none() && until.is_some_and(|until| modified > until);
    if stale || if_match.is_some_and(|condition| !meets(&object.etag, condition)) {
        return Err(precondition());
    }
    let unchanged = if_none_match.is_none() && since.is_some_and(|since| modified <= since);
    if unchanged || if_none_match.is_some_and(|condition| meets(&object.etag, condition)) {
        return Err(S3Error::new(S3ErrorCode::NotModified));
    }
    Ok(())
}

/// HTTP dates have no fractions.
fn whole_second(at: Instant) -> Timestamp {
    time(Instant::from_second(at.as_second()).unwrap_or(at))
}

/// The bytes to send and, for a part, the `Content-Range` that says so.
fn span(object: &storage::Object, range: Option<&Range>) -> S3Result<(Bytes<u64>, Option<String>)> {
    let Some(range) = range else {
        return Ok((0..object.size, None));
    };
    let span = range.check(object.size)?;
    let header = format!(
        "bytes {}-{}/{}",
        span.start,
        span.end.saturating_sub(1),
        object.size
    );
    Ok((span, Some(header)))
}

fn metadata(metadata: BTreeMap<String, String>) -> Option<Metadata> {
    (!metadata.is_empty()).then(|| metadata.into_iter().collect())
}

fn page_size(asked: Option<i32>) -> S3Result<usize> {
    match asked.map(usize::try_from) {
        None => Ok(PAGE),
        Some(Ok(asked)) => Ok(asked.min(PAGE)),
        Some(Err(_)) => Err(s3_error!(
            InvalidArgument,
            "Argument maxKeys must be an integer between 0 and 2147483647"
        )),
    }
}

/// Where a listing goes on, as it was given out: the hexadecimal of a key.
fn untoken(token: &str) -> S3Result<String> {
    let pairs = (0..token.len()).step_by(2).map(|at| {
        token
            .get(at..at + 2)
            .and_then(|pair| u8::from_str_radix(pair, 16).ok())
    });
    let key = pairs
        .collect::<Option<Vec<u8>>>()
        .and_then(|bytes| String::from_utf8(bytes).ok());
    key.ok_or_else(|| {
        s3_error!(
            InvalidArgument,
            "The continuation token provided is incorrect"
        )
    })
}

/// Percent-encodes keys when the client asked for it, because XML cannot carry every key.
struct Encode(bool);

impl Encode {
    fn text(&self, text: &str) -> String {
        if !self.0 {
            return text.to_owned();
        }
        let encoded: String = url::form_urlencoded::byte_serialize(text.as_bytes()).collect();
        encoded.replace('+', "%20").replace("%2F", "/")
    }

    fn contents(&self, page: &Page<'_, storage::Object>) -> Vec<Object> {
        let object = |&(key, object): &(&str, &storage::Object)| Object {
            key: Some(self.text(key)),
            size: i64::try_from(object.size).ok(),
            e_tag: Some(etag(&object.etag)),
            last_modified: Some(time(object.modified)),
            storage_class: Some(ObjectStorageClass::from_static(
                ObjectStorageClass::STANDARD,
            )),
            ..Default::default()
        };
        page.contents.iter().map(object).collect()
    }

    fn prefixes(&self, page: &Page<'_, storage::Object>) -> Vec<CommonPrefix> {
        page.common_prefixes
            .iter()
            .map(|prefix| CommonPrefix {
                prefix: Some(self.text(prefix)),
            })
            .collect()
    }
}
