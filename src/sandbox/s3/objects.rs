//! Objects: put, get, head.

use std::collections::BTreeMap;
use std::ops::Range as Bytes;

use jiff::Timestamp as Instant;
use s3s::dto::*;
use s3s::{S3Error, S3ErrorCode, S3Request, S3Response, S3Result};

use super::backend::{Backend, encrypted, etag, time};
use super::body::{self, claims, head, with_sums};
use super::internal;
use super::storage::{self, Sums};

impl Backend {
    pub(super) async fn put(
        &self,
        request: S3Request<PutObjectInput>,
    ) -> S3Result<S3Response<PutObjectOutput>> {
        let S3Request {
            mut input,
            headers,
            trailing_headers,
            ..
        } = request;
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
        let object = storage::Object {
            file,
            size: received.size,
            etag: received.md5.clone(),
            modified: Instant::now(),
            head: head!(input),
            sums: received.sums.clone(),
        };
        let (encryption, key) = encrypted(&object.head);
        self.place(
            &input.bucket,
            &input.key,
            object,
            input.if_match.as_ref(),
            input.if_none_match.as_ref(),
        )?;
        Ok(S3Response::new(with_sums!(
            PutObjectOutput {
                e_tag: Some(etag(&received.md5)),
                server_side_encryption: Some(encryption),
                ssekms_key_id: key,
            },
            received.sums
        )))
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
        let checked = input.checksum_mode.is_some() && content_range.is_none();
        let body = body::send(&self.storage().data(&input.bucket, &object.file), range).await?;
        let head = object.head;
        let (encryption, key) = encrypted(&head);
        Ok(S3Response::new(with_sums!(
            GetObjectOutput {
                body: Some(body),
                accept_ranges: Some("bytes".to_owned()),
                content_length: i64::try_from(length).ok(),
                content_range,
                content_type: input.response_content_type.or(head.content_type),
                content_encoding: input.response_content_encoding.or(head.content_encoding),
                content_disposition: input
                    .response_content_disposition
                    .or(head.content_disposition),
                content_language: input.response_content_language.or(head.content_language),
                cache_control: input.response_cache_control.or(head.cache_control),
                e_tag: Some(etag(&object.etag)),
                last_modified: Some(time(object.modified)),
                metadata: metadata(head.metadata),
                server_side_encryption: Some(encryption),
                ssekms_key_id: key,
            },
            if checked {
                object.sums
            } else {
                Sums::default()
            }
        )))
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
        let head = object.head;
        let (encryption, key) = encrypted(&head);
        Ok(S3Response::new(with_sums!(
            HeadObjectOutput {
                accept_ranges: Some("bytes".to_owned()),
                content_length: i64::try_from(range.end - range.start).ok(),
                content_range,
                content_type: head.content_type,
                content_encoding: head.content_encoding,
                content_disposition: head.content_disposition,
                content_language: head.content_language,
                cache_control: head.cache_control,
                e_tag: Some(etag(&object.etag)),
                last_modified: Some(time(object.modified)),
                metadata: metadata(head.metadata),
                server_side_encryption: Some(encryption),
                ssekms_key_id: key,
            },
            if input.checksum_mode.is_some() {
                object.sums
            } else {
                Sums::default()
            }
        )))
    }

    pub(super) fn find(&self, bucket: &str, key: &str) -> S3Result<storage::Object> {
        self.storage()
            .object(bucket, key)
            .map_err(internal)?
            .ok_or_else(no_such_key)
    }
}

pub(super) fn no_such_key() -> S3Error {
    S3Error::with_message(S3ErrorCode::NoSuchKey, "The specified key does not exist.")
}

pub(super) fn precondition() -> S3Error {
    S3Error::with_message(
        S3ErrorCode::PreconditionFailed,
        "At least one of the pre-conditions you specified did not hold",
    )
}

pub(super) fn meets(tag: &str, condition: &ETagCondition) -> bool {
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
