//! S3: `s3s` speaks the protocol (signatures, aws-chunked, XML); this folder keeps the objects. Buckets have one name space
//! for all regions, and each belongs to a region.

mod backend;
mod body;
mod buckets;
mod copy;
mod keys;
mod listing;
mod multipart;
mod objects;
pub(super) mod storage;
mod uploads;

use std::sync::{Arc, OnceLock};

use http::{HeaderMap, HeaderValue, StatusCode};
use jiff::Timestamp;
use s3s::access::{S3Access, S3AccessContext};
use s3s::auth::{S3Auth, SecretKey};
use s3s::service::{S3Service, S3ServiceBuilder};
use s3s::{S3Error, S3ErrorCode, S3Result, s3_error};

use self::backend::Backend;
use super::account::Key;
use super::faults::{Fault, When};
use super::gateway::refusal;
use super::{World, iam};

/// What becomes known about a request while `s3s` handles it; the gateway reads it afterwards.
#[derive(Debug, Default)]
pub(super) struct Note {
    pub(super) operation: OnceLock<String>,
    pub(super) fault: OnceLock<Fault>,
    /// The region the client signed for.
    pub(super) region: String,
}

impl Note {
    pub(super) fn new(region: &str) -> Self {
        Self {
            region: region.to_owned(),
            ..Self::default()
        }
    }
}

/// The service, ready to answer.
pub(super) fn service(world: Arc<World>) -> S3Service {
    let mut builder = S3ServiceBuilder::new(Backend {
        world: Arc::clone(&world),
    });
    builder.set_auth(Door {
        world: Arc::clone(&world),
    });
    builder.set_access(Door { world });
    builder.build()
}

/// Whatever the state directory does not give is S3's own failure.
fn internal(error: std::io::Error) -> S3Error {
    S3Error::with_source(S3ErrorCode::InternalError, Box::new(error))
}

/// Who may come in, and what goes wrong on purpose.
struct Door {
    world: Arc<World>,
}

impl Door {
    fn key(&self, access_key_id: &str) -> S3Result<Key> {
        let key = self
            .world
            .account
            .key(&self.world.store, access_key_id)
            .map_err(internal)?;
        key.ok_or_else(|| {
            s3_error!(
                InvalidAccessKeyId,
                "The AWS Access Key Id you provided does not exist in our records."
            )
        })
    }

    /// Temporary keys need their token and live until they expire.
    fn check_session(key: &Key, cx: &S3AccessContext<'_>) -> S3Result<()> {
        let header = cx
            .headers()
            .get("x-amz-security-token")
            .and_then(|value| value.to_str().ok())
            .map(str::to_owned);
        let query = || {
            let query = cx.uri().query().unwrap_or_default();
            url::form_urlencoded::parse(query.as_bytes())
                .find(|(name, _)| name == "X-Amz-Security-Token")
                .map(|(_, value)| value.into_owned())
        };
        if key.token != header.or_else(query) {
            return Err(s3_error!(
                InvalidToken,
                "The provided token is malformed or otherwise invalid."
            ));
        }
        if key
            .expires
            .is_some_and(|expires| expires <= Timestamp::now())
        {
            return Err(s3_error!(ExpiredToken, "The provided token has expired."));
        }
        Ok(())
    }

    fn trouble(&self, who: &str, note: &Note, cx: &S3AccessContext<'_>) -> S3Result<()> {
        let operation = cx.s3_op().name();
        let action = action(operation);
        if !iam::allows(&self.world, who, action, &resource(cx)).map_err(internal)? {
            let resource = format!("\"{}\"", resource(cx));
            return Err(S3Error::with_message(
                S3ErrorCode::AccessDenied,
                refusal(who, action, &resource),
            ));
        }
        let fault = self
            .world
            .faults
            .request("s3", operation, action, Timestamp::now())
            .map_err(internal)?;
        let Some(fault) = fault else { return Ok(()) };
        let _ = note.fault.set(fault);
        match fault {
            Fault::Cut(When::After) => Ok(()),
            Fault::Cut(When::Before) | Fault::Stalled => Err(s3_error!(ServiceUnavailable)),
            Fault::Throttled => Err(s3_error!(SlowDown, "Please reduce your request rate.")),
            Fault::Broken(503) => Err(s3_error!(
                ServiceUnavailable,
                "Service is unable to handle request."
            )),
            Fault::Broken(status) => {
                let mut error = s3_error!(
                    InternalError,
                    "We encountered an internal error. Please try again."
                );
                if let Ok(status) = StatusCode::from_u16(status) {
                    error.set_status_code(status);
                }
                Err(error)
            }
            Fault::Denied => {
                let resource = format!("\"{}\"", resource(cx));
                Err(S3Error::with_message(
                    S3ErrorCode::AccessDenied,
                    refusal(who, action, &resource),
                ))
            }
        }
    }

    /// The bucket must exist, be in the region the client speaks to, and belong to whom the client expects.
    fn check_bucket(&self, note: &Note, cx: &S3AccessContext<'_>) -> S3Result<()> {
        let operation = cx.s3_op().name();
        let Some(name) = cx.s3_path().get_bucket_name() else {
            return Ok(());
        };
        if operation == "CreateBucket" {
            return Ok(());
        }
        let Some(bucket) = self.world.storage.bucket(name).map_err(internal)? else {
            return Err(s3_error!(
                NoSuchBucket,
                "The specified bucket does not exist"
            ));
        };
        // Old signatures name no region.
        let elsewhere = !note.region.is_empty() && bucket.region != note.region;
        if elsewhere && operation != "GetBucketLocation" {
            let mut error = s3_error!(
                PermanentRedirect,
                "The bucket you are attempting to access must be addressed using the specified endpoint. Please send all \
                 future requests to this endpoint."
            );
            error.set_status_code(StatusCode::MOVED_PERMANENTLY);
            if let Ok(region) = HeaderValue::from_str(&bucket.region) {
                error.set_headers(HeaderMap::from_iter([(
                    http::HeaderName::from_static("x-amz-bucket-region"),
                    region,
                )]));
            }
            return Err(error);
        }
        let owner = cx.headers().get("x-amz-expected-bucket-owner");
        if owner.is_some_and(|owner| owner.as_bytes() != self.world.account.id.as_bytes()) {
            return Err(s3_error!(AccessDenied, "Access Denied"));
        }
        Ok(())
    }
}

#[async_trait::async_trait]
impl S3Auth for Door {
    async fn get_secret_key(&self, access_key: &str) -> S3Result<SecretKey> {
        self.key(access_key).map(|key| SecretKey::from(key.secret))
    }
}

#[async_trait::async_trait]
impl S3Access for Door {
    async fn check(&self, cx: &mut S3AccessContext<'_>) -> S3Result<()> {
        let note = cx
            .extensions_mut()
            .get::<Arc<Note>>()
            .cloned()
            .unwrap_or_default();
        let _ = note.operation.set(cx.s3_op().name().to_owned());
        let Some(credentials) = cx.credentials() else {
            return Err(s3_error!(AccessDenied, "Access Denied"));
        };
        let key = self.key(&credentials.access_key)?;
        Self::check_session(&key, cx)?;
        self.trouble(&key.arn, &note, cx)?;
        self.check_bucket(&note, cx)
    }
}

/// The IAM action that allows an operation, where it has another name.
fn action(operation: &str) -> &'static str {
    match operation {
        "ListBuckets" => "s3:ListAllMyBuckets",
        "HeadBucket" | "ListObjects" | "ListObjectsV2" => "s3:ListBucket",
        "HeadObject" | "GetObject" => "s3:GetObject",
        "PutObject"
        | "CopyObject"
        | "CreateMultipartUpload"
        | "UploadPart"
        | "CompleteMultipartUpload" => "s3:PutObject",
        "UploadPartCopy" => "s3:PutObject",
        "AbortMultipartUpload" => "s3:AbortMultipartUpload",
        "ListParts" => "s3:ListMultipartUploadParts",
        "ListMultipartUploads" => "s3:ListBucketMultipartUploads",
        "DeleteObject" | "DeleteObjects" => "s3:DeleteObject",
        "CreateBucket" => "s3:CreateBucket",
        "DeleteBucket" => "s3:DeleteBucket",
        "GetBucketLocation" => "s3:GetBucketLocation",
        "GetBucketPolicy" => "s3:GetBucketPolicy",
        "PutBucketPolicy" => "s3:PutBucketPolicy",
        "DeleteBucketPolicy" => "s3:DeleteBucketPolicy",
        "GetBucketEncryption" => "s3:GetEncryptionConfiguration",
        "PutBucketEncryption" | "DeleteBucketEncryption" => "s3:PutEncryptionConfiguration",
        "GetBucketTagging" => "s3:GetBucketTagging",
        "PutBucketTagging" | "DeleteBucketTagging" => "s3:PutBucketTagging",
        "GetBucketOwnershipControls" => "s3:GetBucketOwnershipControls",
        "PutBucketOwnershipControls" | "DeleteBucketOwnershipControls" => {
            "s3:PutBucketOwnershipControls"
        }
        "GetPublicAccessBlock" => "s3:GetBucketPublicAccessBlock",
        "PutPublicAccessBlock" | "DeletePublicAccessBlock" => "s3:PutBucketPublicAccessBlock",
        "GetBucketLifecycleConfiguration" => "s3:GetLifecycleConfiguration",
        "PutBucketLifecycleConfiguration" | "DeleteBucketLifecycle" => {
            "s3:PutLifecycleConfiguration"
        }
        "GetBucketVersioning" => "s3:GetBucketVersioning",
        "PutBucketVersioning" => "s3:PutBucketVersioning",
        _ => "s3:*",
    }
}

fn resource(cx: &S3AccessContext<'_>) -> String {
    let path = cx.s3_path();
    let bucket = path.get_bucket_name().unwrap_or("*");
    match path.get_object_key() {
        Some(key) => format!("arn:aws:s3:::{bucket}/{key}"),
        None => format!("arn:aws:s3:::{bucket}"),
    }
}
