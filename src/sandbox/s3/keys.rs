//! Many objects at once: listings as answers, and deletion by the list.

use s3s::dto::*;
use s3s::{S3Response, S3Result, s3_error};

use super::backend::{Backend, etag, time};
use super::internal;
use super::listing::{self, Page, Query};
use super::storage;

/// The most keys a page of a listing has.
const PAGE: usize = 1000;

impl Backend {
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
