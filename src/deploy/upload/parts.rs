//! An upload in parts: begun or gone on with, sent several parts at a time, completed; or aborted, however it ends.
//!
//! The checksum of every part is computed here and checked by S3, and so is the one of the whole, so that parts of
//! anything else can never become the object.

use std::collections::BTreeMap;
use std::fs::File;
use std::sync::Arc;
use std::time::Duration;

use aws_sdk_s3::types::{
    ChecksumAlgorithm, ChecksumType, CompletedMultipartUpload, CompletedPart, Part,
};
use aws_smithy_types::base64;
use crc32fast::Hasher;
use futures_util::{StreamExt, TryStreamExt, stream};
use tokio::runtime::Handle;

use super::body::{Meter, Piece, Span};
use super::record::{self, Record};
use super::{Upload, goes_on, leftovers, retry};
use crate::aws::Aws;
use crate::aws::error::Explain;
use crate::deploy::bucket::DIGEST;
use crate::deploy::zip::read_at;
use crate::error::{Error, Kind, Result, reason};
use crate::output::{Event, Out};

/// The size of a part: little enough to send again, and 63 of them hold the largest bundle.
const PART: u64 = 8 << 20;
/// How many parts are under way at a time.
const AT_A_TIME: usize = 8;
/// How much is read at a time for a checksum.
const CHUNK: usize = 256 << 10;
/// How long an end that was not planned waits for S3 to abort the upload.
const ABORT: Duration = Duration::from_secs(5);

/// A part that has arrived.
struct Arrived {
    part: CompletedPart,
    /// Its CRC32, which knows its length.
    crc: Hasher,
}

/// Sends the zip in parts, and cleans up behind earlier uploads meanwhile.
///
/// # Errors
/// What AWS says, or why the zip cannot be read. The upload is then aborted.
pub(super) async fn send(upload: &Upload, aws: &Aws, out: &Out, file: Arc<File>) -> Result<()> {
    let (unfinished, there) = begin(upload, aws).await?;
    let spans = spans(upload.bytes);
    let size = |number: &i32| spans.get(*number as usize - 1).map_or(0, |span| span.bytes);
    let known: u64 = there.keys().map(size).sum();
    if known > 0 {
        out.event(&Event::Note(&goes_on(known, upload.bytes)));
    }
    let course = Course {
        aws,
        upload,
        id: &unfinished.id,
        meter: Arc::new(Meter::new(out.clone(), upload.bytes, spans.len())),
        file,
        there,
    };
    let parts = stream::iter(spans.into_iter().enumerate())
        .map(|(index, span)| course.part(index, span))
        .buffered(AT_A_TIME)
        .try_collect::<Vec<Arrived>>();
    let (arrived, ()) = tokio::join!(parts, leftovers::clean(upload, course.id, aws));
    course.complete(arrived?).await?;
    unfinished.finished();
    Ok(())
}

/// An upload that is begun, with the parts that have arrived already.
async fn begin(upload: &Upload, aws: &Aws) -> Result<(Unfinished, BTreeMap<i32, Part>)> {
    let unfinished = |id: String| Unfinished {
        aws: aws.clone(),
        upload: upload.clone(),
        id,
        over: false,
    };
    if let Some(id) = record::begun(upload, PART)
        && let Some(there) = parts_of(upload, aws, &id).await
    {
        return Ok((unfinished(id), there));
    }
    let (encryption, key) = upload.encryption();
    let begun = aws
        .s3
        .create_multipart_upload()
        .bucket(&upload.bucket)
        .key(&upload.key)
        .expected_bucket_owner(&upload.owner)
        .content_type("application/zip")
        .metadata(DIGEST, &upload.sha256)
        .checksum_algorithm(ChecksumAlgorithm::Crc32)
        .checksum_type(ChecksumType::FullObject)
        .set_server_side_encryption(encryption)
        .set_ssekms_key_id(key)
        .send()
        .await
        .explain("s3", "CreateMultipartUpload")?;
    let unfinished = unfinished(begun.upload_id().unwrap_or_default().to_owned());
    if let Some(folder) = upload.zip.folder() {
        Record::of(upload, &unfinished.id, PART).write(folder);
    }
    Ok((unfinished, BTreeMap::new()))
}

/// The parts of an upload that was left; `None` where it is over or may not be looked at.
async fn parts_of(upload: &Upload, aws: &Aws, id: &str) -> Option<BTreeMap<i32, Part>> {
    let listed = aws
        .s3
        .list_parts()
        .bucket(&upload.bucket)
        .key(&upload.key)
        .upload_id(id)
        .expected_bucket_owner(&upload.owner)
        .send()
        .await
        .ok()?;
    let numbered = |part: &Part| Some((part.part_number()?, part.clone()));
    Some(listed.parts().iter().filter_map(numbered).collect())
}

/// The parts of a zip of this size.
fn spans(bytes: u64) -> Vec<Span> {
    let starts = (0..bytes).step_by(PART as usize);
    let span = |at| Span {
        at,
        bytes: PART.min(bytes - at),
    };
    starts.map(span).collect()
}

/// What all parts have in common.
struct Course<'a> {
    aws: &'a Aws,
    upload: &'a Upload,
    id: &'a str,
    meter: Arc<Meter>,
    file: Arc<File>,
    /// What has arrived in a run before this one.
    there: BTreeMap<i32, Part>,
}

impl Course<'_> {
    /// Sends a part, unless the very same has arrived already.
    async fn part(&self, index: usize, span: Span) -> Result<Arrived> {
        let (number, crc) = (index as i32 + 1, self.sum(span).await?);
        let sum = in_base64(&crc);
        let same = |there: &&Part| {
            there.size() == i64::try_from(span.bytes).ok()
                && there.checksum_crc32() == Some(sum.as_str())
        };
        let known = self.there.get(&number).filter(same);
        let tag = match known.and_then(Part::e_tag) {
            Some(tag) => {
                self.meter.sent(index, span.bytes);
                Some(tag.to_owned())
            }
            None => {
                let sending = || self.send(index, span, &sum);
                retry::until_sent(&self.meter, index, sending).await?
            }
        };
        let part = CompletedPart::builder()
            .part_number(number)
            .set_e_tag(tag)
            .checksum_crc32(sum)
            .build();
        Ok(Arrived { part, crc })
    }

    async fn send(&self, index: usize, span: Span, sum: &str) -> Result<Option<String>> {
        let answer = self
            .aws
            .s3
            .upload_part()
            .bucket(&self.upload.bucket)
            .key(&self.upload.key)
            .upload_id(self.id)
            .part_number(index as i32 + 1)
            .expected_bucket_owner(&self.upload.owner)
            .checksum_crc32(sum)
            .body(Piece::of(&self.file, span, index, &self.meter))
            .customize()
            .config_override(retry::of_one_piece())
            .send()
            .await
            .explain("s3", "UploadPart")?;
        Ok(answer.e_tag().map(str::to_owned))
    }

    /// The CRC32 of a part.
    async fn sum(&self, span: Span) -> Result<Hasher> {
        let file = Arc::clone(&self.file);
        let sum = tokio::task::spawn_blocking(move || {
            let (mut crc, mut at, end) = (Hasher::new(), span.at, span.at + span.bytes);
            let mut buffer = vec![0; CHUNK];
            while at < end {
                let count = (end - at).min(CHUNK as u64) as usize;
                read_at(&file, &mut buffer[..count], at)?;
                crc.update(&buffer[..count]);
                at += count as u64;
            }
            Ok(crc)
        });
        let sum = sum.await.map_err(std::io::Error::other).flatten();
        sum.map_err(|why| {
            Error::new(
                Kind::Io,
                format!("cannot read the bundle: {}", reason(&why)),
            )
        })
    }

    async fn complete(&self, arrived: Vec<Arrived>) -> Result<()> {
        let mut whole = Hasher::new();
        for part in &arrived {
            whole.combine(&part.crc);
        }
        let parts = arrived.into_iter().map(|arrived| arrived.part).collect();
        self.aws
            .s3
            .complete_multipart_upload()
            .bucket(&self.upload.bucket)
            .key(&self.upload.key)
            .upload_id(self.id)
            .expected_bucket_owner(&self.upload.owner)
            .if_none_match("*")
            .checksum_crc32(in_base64(&whole))
            .checksum_type(ChecksumType::FullObject)
            .set_mpu_object_size(i64::try_from(self.upload.bytes).ok())
            .multipart_upload(
                CompletedMultipartUpload::builder()
                    .set_parts(Some(parts))
                    .build(),
            )
            .send()
            .await
            .explain("s3", "CompleteMultipartUpload")?;
        Ok(())
    }
}

fn in_base64(crc: &Hasher) -> String {
    base64::encode(crc.clone().finalize().to_be_bytes())
}

/// An upload that has begun. Dropped before it is finished (an error, a signal, the deadline), it is aborted.
struct Unfinished {
    aws: Aws,
    upload: Upload,
    id: String,
    over: bool,
}

impl Unfinished {
    fn finished(mut self) {
        self.over = true;
    }

    async fn abort(&self) {
        let asked = self
            .aws
            .s3
            .abort_multipart_upload()
            .bucket(&self.upload.bucket)
            .key(&self.upload.key)
            .upload_id(&self.id)
            .expected_bucket_owner(&self.upload.owner)
            .send();
        // What S3 does not hear of now is cleaned up by a later upload.
        tokio::select! {
            _ = tokio::time::timeout(ABORT, asked) => {}
            _ = tokio::signal::ctrl_c() => {}
        }
    }
}

impl Drop for Unfinished {
    fn drop(&mut self) {
        if !self.over
            && let Ok(runtime) = Handle::try_current()
        {
            // Whoever drops a future does not wait for it, so the waiting is done here.
            tokio::task::block_in_place(|| runtime.block_on(self.abort()));
        }
        if let Some(folder) = self.upload.zip.folder() {
            record::remove(folder);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts_hold_the_whole_and_nothing_twice() {
        for bytes in [0, 1, PART, PART + 1, 3 * PART, 63 * PART - 5] {
            let spans = spans(bytes);
            assert_eq!(spans.iter().map(|span| span.bytes).sum::<u64>(), bytes);
            let mut end = 0;
            for span in &spans {
                assert_eq!((span.at, span.bytes > 0), (end, true), "{bytes}");
                end += span.bytes;
            }
        }
        assert_eq!(spans(500 << 20).len(), 63);
    }

    #[test]
    fn the_sum_of_the_whole_comes_from_the_parts() {
        let of = |bytes: &[u8]| {
            let mut crc = Hasher::new();
            crc.update(bytes);
            crc
        };
        let mut whole = Hasher::new();
        whole.combine(&of(b"1234"));
        whole.combine(&of(b"56789"));
        assert_eq!(in_base64(&whole), in_base64(&of(b"123456789")));
        assert_eq!(in_base64(&whole), "y/Q5Jg==");
    }
}
