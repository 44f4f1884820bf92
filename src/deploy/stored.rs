//! What is stored already: which versions hold which bundle, and what stands where a new one would go.

use super::bucket::{self, Bucket, Object};
use super::version::{Content, Version};
use super::{Candidate, Desired, First, free_labels};
use crate::aws::Aws;
use crate::error::Result;

/// How many keys are tried for a new bundle before the upload has to find out.
const KEYS: usize = 5;

/// What stands under the keys that a new version's bundle may get, up to the first that can be used. Nothing where
/// no new version is needed, or its bucket cannot be used.
pub(super) async fn objects(
    aws: &Aws,
    desired: &Desired,
    (bucket, owner): (&str, &str),
    firsts: &[First],
    versions: &[Candidate],
) -> Result<Vec<(String, Object)>> {
    let mut seen = Vec::new();
    let usable = |first: &First| matches!(first.bucket, Ok(Bucket::Fit | Bucket::NotTold));
    let holds = |candidate: &Candidate| candidate.content == Content::Same;
    if !firsts.iter().any(usable) || versions.iter().any(holds) {
        return Ok(seen);
    }
    for label in free_labels(desired, versions).take(KEYS) {
        let key = desired.bucket.key(&label);
        let object = bucket::object(aws, bucket, &key, Some(owner)).await?;
        let other = object.is_other_than(&desired.bundle.sha256);
        seen.push((key, object));
        if !other {
            break;
        }
    }
    Ok(seen)
}

/// What is known of the versions' contents: from their objects, where labels do not tell.
pub(super) async fn candidates(
    aws: &Aws,
    desired: &Desired,
    owner: &str,
    versions: Vec<Version>,
) -> Result<Vec<Candidate>> {
    let mut candidates = Vec::new();
    for version in versions {
        let by_label = Content::of(&version.label, None, &desired.bundle.sha256);
        let object = match (&version.bundle, by_label) {
            (Some(_), Content::Other) if version.label != desired.label.text() => Object::NotTold,
            (Some((bucket, key)), _) => bucket::object(aws, bucket, key, Some(owner)).await?,
            (None, _) => Object::Missing,
        };
        let seen = matches!(object, Object::There(_));
        let (recorded, there) = match object {
            Object::There(recorded) => (recorded, true),
            Object::NotTold => (None, true),
            Object::Missing => (None, false),
        };
        let content = match &recorded {
            // Who put it there without its digest may have put anything there.
            None if seen => Content::Unknown,
            recorded => Content::of(&version.label, recorded.as_deref(), &desired.bundle.sha256),
        };
        candidates.push(Candidate {
            version,
            content,
            object: there,
        });
    }
    Ok(candidates)
}
