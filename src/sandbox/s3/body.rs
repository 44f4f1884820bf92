//! The bytes of objects: from a request to a file, checked while they pass, and from a file to an answer. Memory stays
//! bounded by the size of a chunk.

use std::io;
use std::ops::Range;
use std::path::Path;

use aws_smithy_types::base64;
use bytes::Bytes;
use futures_util::{StreamExt, stream};
use http::HeaderMap;
use s3s::checksum::ChecksumHasher;
use s3s::crypto::{Checksum as _, Crc32, Crc32c, Crc64Nvme, Md5, Sha1, Sha256};
use s3s::dto::{Checksum, StreamingBlob};
use s3s::{S3Result, TrailingHeaders, s3_error};
use tokio::io::{AsyncReadExt, AsyncSeekExt, AsyncWriteExt, SeekFrom};

use super::internal;
use super::storage::{Sums, hex};

const CHUNK: usize = 64 * 1024;

/// What a request that carries bytes says about them; the requests have these fields in common but no type.
macro_rules! claims {
    ($input:ident) => {
        $crate::sandbox::s3::body::Claims {
            length: $input.content_length,
            md5: $input.content_md5.take(),
            sums: $crate::sandbox::s3::storage::Sums {
                crc32: $input.checksum_crc32.take(),
                crc32c: $input.checksum_crc32c.take(),
                crc64nvme: $input.checksum_crc64nvme.take(),
                sha1: $input.checksum_sha1.take(),
                sha256: $input.checksum_sha256.take(),
            },
        }
    };
}

/// What a request says about the object it makes.
macro_rules! head {
    ($input:ident) => {
        $crate::sandbox::s3::storage::Head {
            content_type: $input.content_type.take(),
            content_encoding: $input.content_encoding.take(),
            content_disposition: $input.content_disposition.take(),
            content_language: $input.content_language.take(),
            cache_control: $input.cache_control.take(),
            encryption: $input.server_side_encryption.take().map(|algorithm| {
                $crate::sandbox::s3::storage::Encryption {
                    algorithm: algorithm.as_str().to_owned(),
                    key: $input.ssekms_key_id.take(),
                }
            }),
            metadata: $input
                .metadata
                .take()
                .unwrap_or_default()
                .into_iter()
                .collect(),
        }
    };
}

/// An answer with the checksums of an object.
macro_rules! with_sums {
    ($answer:ident { $($fields:tt)* }, $sums:expr) => {{
        let sums = $sums;
        $answer {
            checksum_crc32: sums.crc32,
            checksum_crc32c: sums.crc32c,
            checksum_crc64nvme: sums.crc64nvme,
            checksum_sha1: sums.sha1,
            checksum_sha256: sums.sha256,
            $($fields)*
            ..Default::default()
        }
    }};
}

pub(super) use {claims, head, with_sums};

/// What was received and is now in the file.
pub(super) struct Received {
    pub(super) size: u64,
    pub(super) md5: String,
    pub(super) sums: Sums,
}

/// What the client says the bytes are.
pub(super) struct Claims {
    pub(super) length: Option<i64>,
    pub(super) md5: Option<String>,
    pub(super) sums: Sums,
}

/// Writes a body to `path` and checks it against what the client claims; a refused body leaves no file.
pub(super) async fn receive(
    path: &Path,
    body: Option<StreamingBlob>,
    claims: Claims,
    headers: &HeaderMap,
    trailers: Option<TrailingHeaders>,
) -> S3Result<Received> {
    let result = write_and_check(path, body, claims, headers, trailers).await;
    if result.is_err() {
        let _ = tokio::fs::remove_file(path).await;
    }
    result
}

async fn write_and_check(
    path: &Path,
    body: Option<StreamingBlob>,
    claims: Claims,
    headers: &HeaderMap,
    trailers: Option<TrailingHeaders>,
) -> S3Result<Received> {
    let mut file = tokio::fs::File::create(path).await.map_err(internal)?;
    let mut md5 = Md5::new();
    let mut hasher = hasher(&claims.sums, headers);
    let mut size = 0_u64;
    if let Some(mut body) = body {
        while let Some(chunk) = body.next().await {
            let chunk = chunk.map_err(|error| {
                s3_error!(IncompleteBody, "The request body ended early: {error}")
            })?;
            size += chunk.len() as u64;
            md5.update(&chunk);
            hasher.update(&chunk);
            file.write_all(&chunk).await.map_err(internal)?;
        }
    }
    file.flush().await.map_err(internal)?;
    if claims
        .length
        .is_some_and(|length| u64::try_from(length) != Ok(size))
    {
        return Err(s3_error!(
            IncompleteBody,
            "You did not provide the number of bytes specified by the Content-Length HTTP header."
        ));
    }
    let md5 = md5.finalize();
    if claims
        .md5
        .is_some_and(|claimed| claimed != base64::encode(md5))
    {
        return Err(s3_error!(
            BadDigest,
            "The Content-MD5 you specified did not match what we received."
        ));
    }
    let sums = Sums::from(hasher.finalize());
    let trailed = trailers
        .and_then(|trailers| trailers.take())
        .unwrap_or_default();
    check(&claims.sums, &sums)?;
    check(&Sums::from_headers(&trailed), &sums)?;
    Ok(Received {
        size,
        md5: hex(&md5),
        sums,
    })
}

/// Computes each checksum that the request gives or announces; S3's own CRC64NVME when it gives none.
pub(super) fn hasher(claimed: &Sums, headers: &HeaderMap) -> ChecksumHasher {
    let header = |name: &str| {
        headers
            .get(name)
            .and_then(|value| value.to_str().ok())
            .unwrap_or_default()
    };
    let trailers = header("x-amz-trailer");
    let algorithm = header("x-amz-sdk-checksum-algorithm");
    let wanted = |claimed: &Option<String>, name: &str| {
        let trailed = trailers
            .split(',')
            .filter_map(|item| item.trim().strip_prefix("x-amz-checksum-"));
        claimed.is_some()
            || trailed
                .chain([algorithm])
                .any(|other| other.eq_ignore_ascii_case(name))
    };
    let mut hasher = ChecksumHasher {
        crc32: wanted(&claimed.crc32, "crc32").then(Crc32::new),
        crc32c: wanted(&claimed.crc32c, "crc32c").then(Crc32c::new),
        sha1: wanted(&claimed.sha1, "sha1").then(Sha1::new),
        sha256: wanted(&claimed.sha256, "sha256").then(Sha256::new),
        crc64nvme: wanted(&claimed.crc64nvme, "crc64nvme").then(Crc64Nvme::new),
    };
    let none = hasher.crc32.is_none()
        && hasher.crc32c.is_none()
        && hasher.sha1.is_none()
        && hasher.sha256.is_none();
    if none && hasher.crc64nvme.is_none() {
        hasher.crc64nvme = Some(Crc64Nvme::new());
    }
    hasher
}

pub(super) fn check(claimed: &Sums, computed: &Sums) -> S3Result<()> {
    for (name, claimed, computed) in [
        ("CRC32", &claimed.crc32, &computed.crc32),
        ("CRC32C", &claimed.crc32c, &computed.crc32c),
        ("CRC64NVME", &claimed.crc64nvme, &computed.crc64nvme),
        ("SHA1", &claimed.sha1, &computed.sha1),
        ("SHA256", &claimed.sha256, &computed.sha256),
    ] {
        if claimed.is_some() && claimed != computed {
            return Err(s3_error!(
                BadDigest,
                "The {name} you specified did not match the calculated checksum."
            ));
        }
    }
    Ok(())
}

impl Sums {
    fn from_headers(headers: &HeaderMap) -> Self {
        let sum = |name: &str| {
            headers
                .get(name)
                .and_then(|value| value.to_str().ok())
                .map(str::to_owned)
        };
        Self {
            crc32: sum("x-amz-checksum-crc32"),
            crc32c: sum("x-amz-checksum-crc32c"),
            crc64nvme: sum("x-amz-checksum-crc64nvme"),
            sha1: sum("x-amz-checksum-sha1"),
            sha256: sum("x-amz-checksum-sha256"),
        }
    }
}

impl From<Checksum> for Sums {
    fn from(sums: Checksum) -> Self {
        Self {
            crc32: sums.checksum_crc32,
            crc32c: sums.checksum_crc32c,
            crc64nvme: sums.checksum_crc64nvme,
            sha1: sums.checksum_sha1,
            sha256: sums.checksum_sha256,
        }
    }
}

/// The bytes `range` of a file, chunk by chunk.
pub(super) async fn send(path: &Path, range: Range<u64>) -> S3Result<StreamingBlob> {
    let mut file = tokio::fs::File::open(path).await.map_err(internal)?;
    file.seek(SeekFrom::Start(range.start))
        .await
        .map_err(internal)?;
    let file = file.take(range.end - range.start);
    let chunks = stream::try_unfold(file, |mut file| async move {
        let mut buffer = vec![0; CHUNK];
        let count = file.read(&mut buffer).await?;
        buffer.truncate(count);
        Ok::<_, io::Error>((count > 0).then(|| (Bytes::from(buffer), file)))
    });
    Ok(StreamingBlob::wrap(chunks))
}
