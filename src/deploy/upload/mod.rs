//! The bundle's way into the bucket: in one request if it is small, else in parts, several at a time.
//!
//! Whatever is sent is sent again on its own where the connection drops, stalls or S3 has no time, so that what has
//! arrived stays. Nothing is ever overwritten, and every request names the account that must own the bucket.

mod body;
mod leftovers;
mod parts;
mod record;
mod retry;

use std::fs::File;
use std::sync::Arc;

use aws_sdk_s3::types::ServerSideEncryption;

use super::bucket::{DIGEST, Encryption, object};
use super::zip::Zip;
use crate::aws::Aws;
use crate::aws::error::Explain;
use crate::error::{Error, Kind, Result};
use crate::output::{Event, Out, bytes};

use body::{Meter, Piece};

/// Bundles of at least this size go in parts. Below, a second request costs more than sending a little again.
const IN_PARTS: u64 = 16 << 20;

/// A bundle on its way into the bucket.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Upload {
    /// The bucket.
    pub bucket: String,
    /// The key.
    pub key: String,
    /// The account that must own the bucket.
    pub owner: String,
    /// How S3 shall encrypt it.
    pub encryption: Option<Encryption>,
    /// The zip.
    pub zip: Zip,
    /// Its sha256.
    pub sha256: String,
    /// Its size.
    pub bytes: u64,
}

impl Upload {
    /// Uploads it. Something else under the key is an error, the same content is not.
    ///
    /// # Errors
    /// Why the zip cannot be made; what AWS says; [`Kind::Check`] where the key is taken.
    pub async fn run(&self, aws: &Aws, out: &Out) -> Result<()> {
        let zip = self.zip.clone();
        let file = tokio::task::spawn_blocking(move || zip.file())
            .await
            .map_err(|why| Error::new(Kind::Bundle, format!("the bundle was not made: {why}")))??;
        let sent = if self.bytes < IN_PARTS {
            self.in_one(aws, out, file).await
        } else {
            parts::send(self, aws, out, file).await
        };
        out.event(&Event::ProgressEnd);
        match sent {
            Err(error) if is_taken(&error) => self.is_there(aws).await,
            sent => sent,
        }
    }

    /// In one request.
    async fn in_one(&self, aws: &Aws, out: &Out, file: Arc<File>) -> Result<()> {
        let meter = Arc::new(Meter::new(out.clone(), self.bytes, 1));
        retry::until_sent(&meter, 0, || self.put(aws, &file, &meter)).await
    }

    /// The SDK adds the checksum.
    async fn put(&self, aws: &Aws, file: &Arc<File>, meter: &Arc<Meter>) -> Result<()> {
        let (encryption, key) = self.encryption();
        aws.s3
            .put_object()
            .bucket(&self.bucket)
            .key(&self.key)
            .expected_bucket_owner(&self.owner)
            .content_type("application/zip")
            .metadata(DIGEST, &self.sha256)
            .if_none_match("*")
            .set_server_side_encryption(encryption)
            .set_ssekms_key_id(key)
            .body(Piece::whole(file, self.bytes, meter))
            .customize()
            .config_override(retry::of_one_piece())
            .send()
            .await
            .explain("s3", "PutObject")
            .map(|_| ())
    }

    /// What stands under the key already must be this very bundle: an earlier run's, or this
    /// one's whose answer was lost. Nothing is ever overwritten.
    async fn is_there(&self, aws: &Aws) -> Result<()> {
        let (bucket, key) = (&self.bucket, &self.key);
        match object(aws, bucket, key, Some(&self.owner)).await? {
            object if object.is(&self.sha256) => Ok(()),
            _ => Err(taken(bucket, key)),
        }
    }

    /// The encryption in S3's words, and the key of KMS.
    fn encryption(&self) -> (Option<ServerSideEncryption>, Option<String>) {
        match &self.encryption {
            None => (None, None),
            Some(Encryption::S3) => (Some(ServerSideEncryption::Aes256), None),
            Some(Encryption::Kms(key)) => (Some(ServerSideEncryption::AwsKms), key.clone()),
        }
    }
}

/// The error of a key that holds something else.
pub(super) fn taken(bucket: &str, key: &str) -> Error {
    Error::new(
        Kind::Check,
        format!("s3://{bucket}/{key} is taken: it holds another bundle"),
    )
    .hint("give another label: `--version-label LABEL`, or none to have one made")
}

/// Whether an object stood under the key already, or the upload was completed by a request whose answer was lost.
fn is_taken(error: &Error) -> bool {
    let code = error.code();
    matches!(
        code,
        Some("PreconditionFailed" | "ConditionalRequestConflict" | "HTTP 412")
    ) || (code == Some("NoSuchUpload") && completes(error))
}

fn completes(error: &Error) -> bool {
    let operation = error.aws().and_then(|fault| fault.operation.as_deref());
    operation == Some("CompleteMultipartUpload")
}

/// How much of an upload that was left is there already, in words.
fn goes_on(there: u64, total: u64) -> String {
    let (there, total) = (bytes(there), bytes(total));
    format!("going on with an upload that was left: {there} of {total} have arrived")
}
