//! What is in a zip, read from its central directory alone: of a file, or of an object in S3
//! of which only the end is fetched.

use std::collections::BTreeMap;
use std::io::{Error as IoError, Read, Seek, SeekFrom};

use zip::ZipArchive;
use zip::result::ZipResult;

use crate::aws::Aws;
use crate::aws::error::Explain;
use crate::error::{Error, Kind, Result};

/// How much of a zip's end is fetched first: the directory of about two hundred files.
const TAIL: u64 = 16 * 1024;

/// How far from its end the last record of a zip can begin: 22 bytes and a comment.
const FARTHEST: usize = 22 + 65_535;

/// The files of a zip by name.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Contents {
    /// The files.
    pub files: BTreeMap<String, File>,
    /// The size of the zip.
    pub bytes: u64,
}

/// A file in a zip.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct File {
    /// Its size, not compressed.
    pub bytes: u64,
    /// The checksum of its content.
    pub crc32: u32,
    /// Its Unix mode, where the zip has it.
    pub mode: Option<u32>,
}

/// Reads the directory of a zip.
///
/// # Errors
/// What is wrong with the zip.
pub fn read(zip: impl Read + Seek, bytes: u64) -> ZipResult<Contents> {
    let archive = ZipArchive::new(zip)?;
    let mut files = BTreeMap::new();
    for index in 0..archive.len() {
        let entry = archive.by_index_data(index)?;
        if entry.is_dir() {
            continue;
        }
        let file = File {
            bytes: entry.size(),
            crc32: entry.crc32(),
            mode: entry.unix_mode(),
        };
        files.insert(entry.name()?.into_owned(), file);
    }
    Ok(Contents { files, bytes })
}

/// Reads the directory of a zip in S3.
///
/// # Errors
/// What AWS says; [`Kind::Check`] for an object that is not there or no zip.
pub async fn read_object(aws: &Aws, bucket: &str, key: &str) -> Result<Contents> {
    read_remote(async |wanted| fetch(aws, bucket, key, wanted).await)
        .await
        .map_err(|error| match error.code() {
            Some("NoSuchKey" | "NoSuchBucket") => Error::new(
                Kind::Check,
                format!("the deployed bundle is gone: there is no s3://{bucket}/{key}"),
            )
            .hint("see which versions still have theirs with `beanship versions`"),
            None if error.kind() == Kind::Bundle => Error::new(
                Kind::Check,
                format!(
                    "s3://{bucket}/{key} cannot be compared: {}",
                    error.message()
                ),
            )
            .hint(format!("look at it with `aws s3 cp s3://{bucket}/{key} -`")),
            _ => error,
        })
}

/// Reads a zip of which parts can be fetched: its end, and more of it only where the directory
/// does not fit in.
async fn read_remote(mut fetch: impl AsyncFnMut(Wanted) -> Result<Part>) -> Result<Contents> {
    let mut tail = Tail::from(fetch(Wanted::Last(TAIL)).await?);
    loop {
        let (begins, whole) = (tail.start, tail.size());
        let why = match read(&mut tail, whole) {
            Ok(contents) => return Ok(contents),
            Err(why) => why,
        };
        let needed = tail.asked_before.take();
        let Some(needed) = needed.filter(|_| begins > 0 && tail.may_be_zip()) else {
            return Err(Error::new(
                Kind::Bundle,
                format!("it is no zip that can be read: {why}"),
            ));
        };
        // From where it was asked for; at least twice what there is, so that this ends soon.
        let start = needed.min(begins.saturating_sub(tail.bytes.len() as u64));
        let part = fetch(Wanted::Between(start, begins)).await?;
        tail.prepend(part.bytes);
    }
}

/// Which bytes of an object are wanted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Wanted {
    /// The last so many.
    Last(u64),
    /// From the first offset to before the second.
    Between(u64, u64),
}

/// Bytes of an object.
#[derive(Debug)]
struct Part {
    bytes: Vec<u8>,
    /// The size of the whole object.
    whole: u64,
}

async fn fetch(aws: &Aws, bucket: &str, key: &str, wanted: Wanted) -> Result<Part> {
    let range = match wanted {
        Wanted::Last(count) => format!("bytes=-{count}"),
        Wanted::Between(from, before) => format!("bytes={from}-{}", before.saturating_sub(1)),
    };
    let answer = aws
        .s3
        .get_object()
        .bucket(bucket)
        .key(key)
        .range(range)
        .send()
        .await
        .explain("s3", "GetObject")?;
    let whole = answer
        .content_range()
        .and_then(|range| range.rsplit_once('/'))
        .and_then(|(_, size)| size.parse().ok());
    let read = answer.body.collect().await.map_err(|why| {
        Error::new(
            Kind::Unreachable,
            format!("the deployed bundle could not be read: {why}"),
        )
        .hint("run the command again, with `-v` to see the calls")
    })?;
    let bytes = read.to_vec();
    let whole = whole.unwrap_or(bytes.len() as u64);
    Ok(Part { bytes, whole })
}

/// The end of a zip, to be read as if all of it were there. Remembers where it was asked for
/// bytes that are not.
#[derive(Debug)]
struct Tail {
    start: u64,
    bytes: Vec<u8>,
    position: u64,
    asked_before: Option<u64>,
}

impl From<Part> for Tail {
    fn from(part: Part) -> Self {
        Self {
            start: part.whole.saturating_sub(part.bytes.len() as u64),
            bytes: part.bytes,
            position: 0,
            asked_before: None,
        }
    }
}

impl Tail {
    fn size(&self) -> u64 {
        self.start + self.bytes.len() as u64
    }

    /// Whether a zip's last record is in it, or may still be before it.
    fn may_be_zip(&self) -> bool {
        self.bytes.len() < FARTHEST || self.bytes.windows(4).any(|four| four == b"PK\x05\x06")
    }

    fn prepend(&mut self, mut before: Vec<u8>) {
        self.start -= (before.len() as u64).min(self.start);
        before.append(&mut self.bytes);
        self.bytes = before;
    }
}

impl Read for Tail {
    fn read(&mut self, into: &mut [u8]) -> std::io::Result<usize> {
        let Some(offset) = self.position.checked_sub(self.start) else {
            let asked = self.asked_before.get_or_insert(self.position);
            *asked = self.position.min(*asked);
            return Err(IoError::other("not fetched yet"));
        };
        let rest = usize::try_from(offset)
            .ok()
            .and_then(|offset| self.bytes.get(offset..))
            .unwrap_or_default();
        let count = rest.len().min(into.len());
        into[..count].copy_from_slice(&rest[..count]);
        self.position += count as u64;
        Ok(count)
    }
}

impl Seek for Tail {
    fn seek(&mut self, to: SeekFrom) -> std::io::Result<u64> {
        let position = match to {
            SeekFrom::Start(offset) => Some(offset),
            SeekFrom::End(offset) => self.size().checked_add_signed(offset),
            SeekFrom::Current(offset) => self.position.checked_add_signed(offset),
        };
        self.position = position.ok_or_else(|| IoError::other("before the beginning"))?;
        Ok(self.position)
    }
}

#[cfg(test)]
mod tests {
    use std::io::{Cursor, Write};

    use zip::ZipWriter;
    use zip::write::SimpleFileOptions;

    use super::*;

    /// A zip of so many files of so many bytes each that do not compress.
    fn archive(files: usize, bytes: usize) -> Vec<u8> {
        let mut writer = ZipWriter::new(Cursor::new(Vec::new()));
        let stored = SimpleFileOptions::default()
            .compression_method(zip::CompressionMethod::Stored)
            .unix_permissions(0o644);
        for index in 0..files {
            let name = format!("folder/file-{index:05}.txt");
            writer.start_file(name, stored).expect("a file");
            let content: Vec<u8> = (0..bytes).map(|at| (at * 31 + index) as u8).collect();
            writer.write_all(&content).expect("its content");
        }
        writer.finish().expect("a zip").into_inner()
    }

    /// Reads an archive part by part; tells how many parts and bytes that took.
    async fn remotely(zip: &[u8]) -> (Result<Contents>, usize, usize) {
        let (mut parts, mut fetched) = (0, 0);
        let whole = zip.len() as u64;
        let contents = read_remote(async |wanted| {
            let (from, before) = match wanted {
                Wanted::Last(count) => (whole.saturating_sub(count), whole),
                Wanted::Between(from, before) => (from, before),
            };
            let bytes = zip[from as usize..before as usize].to_vec();
            parts += 1;
            fetched += bytes.len();
            Ok(Part { bytes, whole })
        })
        .await;
        (contents, parts, fetched)
    }

    #[tokio::test]
    async fn only_the_directory_is_fetched_however_large_the_zip() {
        for (files, bytes, parts, most) in [
            (3, 10, 1, 1_000),
            (40, 200_000, 1, 16 * 1024),
            (2_000, 4_000, 3, 250_000),
        ] {
            let zip = archive(files, bytes);
            let (contents, took, fetched) = remotely(&zip).await;
            let whole = read(Cursor::new(&zip), zip.len() as u64).expect("a zip");
            assert_eq!(contents.expect("a zip"), whole, "{files} files");
            assert_eq!(whole.files.len(), files);
            assert!(
                took <= parts && fetched <= most,
                "{files}: {took} parts, {fetched} bytes"
            );
        }
    }

    #[tokio::test]
    async fn what_is_no_zip_is_told_without_fetching_it_all() {
        for length in [10, 5_000_000] {
            let (contents, _, fetched) = remotely(&vec![b'x'; length]).await;
            let error = contents.expect_err("no zip");
            assert_eq!(error.kind(), Kind::Bundle, "{error}");
            assert!(fetched <= 200_000, "{fetched}");
        }
    }
}
