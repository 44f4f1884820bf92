//! Uploads in parts that nobody finished: S3 keeps, and charges for, their parts until somebody aborts them.

use std::time::{Duration, SystemTime};

use futures_util::future::join_all;

use super::Upload;
use crate::aws::Aws;

/// Younger ones may be under way somewhere.
const OLD: Duration = Duration::from_secs(24 * 60 * 60);
/// How long looking and cleaning may take in all.
const TIME: Duration = Duration::from_secs(10);
/// How many are cleaned at a time; the next upload goes on.
const MOST: usize = 20;

/// Aborts old unfinished uploads of bundles in the upload's own folder, other than the one with the id `own`. What
/// cannot be seen or done is left alone.
pub(super) async fn clean(upload: &Upload, own: &str, aws: &Aws) {
    let _ = tokio::time::timeout(TIME, abort_old(upload, own, aws)).await;
}

async fn abort_old(upload: &Upload, own: &str, aws: &Aws) {
    let folder = folder(&upload.key);
    let listed = aws
        .s3
        .list_multipart_uploads()
        .bucket(&upload.bucket)
        .prefix(folder)
        .expected_bucket_owner(&upload.owner)
        .send()
        .await;
    let Ok(listed) = listed else { return };
    let old = listed.uploads().iter().filter(|left| {
        let begun = left
            .initiated()
            .and_then(|time| SystemTime::try_from(*time).ok());
        left.upload_id() != Some(own)
            && left.key().is_some_and(|key| is_ours(folder, key))
            && begun.is_some_and(|begun| begun.elapsed().is_ok_and(|age| age > OLD))
    });
    let aborts = old.take(MOST).map(|left| {
        aws.s3
            .abort_multipart_upload()
            .bucket(&upload.bucket)
            .set_key(left.key().map(str::to_owned))
            .set_upload_id(left.upload_id().map(str::to_owned))
            .expected_bucket_owner(&upload.owner)
            .send()
    });
    join_all(aborts).await;
}

/// The folder of a key, with its `/`; empty at the top of the bucket.
fn folder(key: &str) -> &str {
    key.rfind('/').map_or("", |slash| &key[..=slash])
}

/// Whether a key is a bundle's, directly in the folder.
fn is_ours(folder: &str, key: &str) -> bool {
    key.strip_prefix(folder)
        .is_some_and(|name| name.ends_with(".zip") && !name.contains('/'))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_bundles_directly_in_the_folder_are_ours() {
        for (upload, left, ours) in [
            ("shop/v2.zip", "shop/v1.zip", true),
            ("shop/v2.zip", "shop/assets/film.zip", false),
            ("shop/v2.zip", "shop/film.mp4", false),
            ("shop/v2.zip", "shop-two/v1.zip", false),
            ("v2.zip", "v1.zip", true),
            ("v2.zip", "shop/v1.zip", false),
        ] {
            assert_eq!(is_ours(folder(upload), left), ours, "{upload} {left}");
        }
    }
}
