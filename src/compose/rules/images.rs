//! Images: which one runs must not depend on the day.

use crate::compose::catalog::{MOVING_TAG, WRONG_PROCESSOR};
use crate::compose::finding::Findings;
use crate::compose::model::{Project, Service};
use crate::compose::tree::At;
use crate::compose::variables::with_defaults;

/// Tags that are moved on with each release.
const MOVING: [&str; 8] = [
    "latest", "stable", "edge", "nightly", "main", "master", "dev", "current",
];

pub(super) fn check(project: &Project<'_>, findings: &mut Findings) {
    for service in &project.services {
        if let Some(image) = service.get("image")
            && !project.is_replaced(service, "image")
        {
            tag(service, image, findings);
        }
        processor(project, service, findings);
    }
}

/// The tag of an image's name; none if it has no tag and no digest either.
pub(crate) fn moving_tag(image: &str) -> Option<Option<&str>> {
    if image.contains('@') {
        return None;
    }
    let last = image.rsplit('/').next().unwrap_or(image);
    match last.split_once(':') {
        None => Some(None),
        Some((_, tag)) if MOVING.contains(&tag) => Some(Some(tag)),
        Some(_) => None,
    }
}

fn tag(service: &Service<'_>, image: At<'_>, findings: &mut Findings) {
    let Some(name) = image
        .filled()
        .and_then(with_defaults)
        .filter(|name| !name.is_empty())
    else {
        return;
    };
    // What is built gets its name from the build.
    if service.get("build").is_some() {
        return;
    }
    let Some(tag) = moving_tag(&name) else {
        return;
    };
    let why = match tag {
        Some(tag) => format!("the tag `{tag}` moves"),
        None => "it has no tag".to_owned(),
    };
    findings
        .add(
            &MOVING_TAG,
            image.range().start,
            format!("the image of service `{}` has no version: {why}, so instances may run what was not tested", service.name),
        )
        .fix("name a version, as in `nginx:1.28.0`, or a digest");
}

/// Whether an instance type has an ARM processor: `t4g.small`, `c7gn.large`, `a1.medium`.
pub(crate) fn is_arm(instance_type: &str) -> bool {
    let family = instance_type.split('.').next().unwrap_or_default();
    let letters = family.trim_start_matches(|c: char| c.is_ascii_alphabetic());
    let behind = letters.trim_start_matches(|c: char| c.is_ascii_digit());
    family == "a1" || behind.starts_with('g')
}

fn processor(project: &Project<'_>, service: &Service<'_>, findings: &mut Findings) {
    let (Some(instance_type), Some(at)) = (project.around.instance_type, service.get("platform"))
    else {
        return;
    };
    let platform = at.text().unwrap_or_default();
    let arm = platform.contains("/arm64") || platform.contains("/aarch64");
    let intel = platform.contains("/amd64") || platform.contains("/386");
    let wanted = is_arm(instance_type);
    if (arm && !wanted) || (intel && wanted) {
        let right = if wanted { "linux/arm64" } else { "linux/amd64" };
        findings
            .add(&WRONG_PROCESSOR, at.range().start, format!("service `{}` is for {platform}, and instances of type {instance_type} are {right}", service.name))
            .fix(format!("write `{right}`, or choose another `instance_type`"));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_tag_is_told_from_a_port_and_a_digest() {
        for (image, expected) in [
            ("nginx", Some(None)),
            ("nginx:1.28", None),
            ("nginx:latest", Some(Some("latest"))),
            ("localhost:5000/app", Some(None)),
            ("localhost:5000/app:1", None),
            ("app@sha256:00", None),
        ] {
            assert_eq!(moving_tag(image), expected, "{image}");
        }
    }

    #[test]
    fn instance_types_tell_their_processor() {
        for arm in [
            "t4g.small",
            "m7g.large",
            "c7gn.large",
            "a1.medium",
            "x2gd.large",
            "im4gn.large",
        ] {
            assert!(is_arm(arm), "{arm}");
        }
        for intel in ["t3.small", "g5.xlarge", "m5.large", "t3a.micro"] {
            assert!(!is_arm(intel), "{intel}");
        }
    }
}
