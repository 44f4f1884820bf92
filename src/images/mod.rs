//! Images where they are kept and made: registries and their logins, digests, the user's own
//! `docker`, and which digests a bundle names.
//!
//! ```text
//! compose::Images -> build, push (docker) -> pushed -+
//!                    registry (digest, platforms) ---+-> pins -> the compose file in the bundle
//! ```
//!
//! What the compose file says about images is [`crate::compose::images`]; nothing here reads it.

pub mod credentials;
pub mod docker;
pub mod ecr;
pub mod hooks;
pub mod identity;
pub mod pins;
pub mod pushed;
pub mod registry;
pub mod run;

/// The platform that instances of a type run: `linux/arm64`, or `linux/amd64` where the type has
/// another processor or is not known.
#[must_use]
pub fn platform(instance_type: Option<&str>) -> &'static str {
    match instance_type.is_some_and(crate::compose::images::is_arm) {
        true => "linux/arm64",
        false => "linux/amd64",
    }
}

/// A version label as the tag of an image: what a tag cannot hold becomes a hyphen.
#[must_use]
pub fn tag(label: &str) -> String {
    let fit = |c: char| match c {
        'a'..='z' | 'A'..='Z' | '0'..='9' | '_' | '.' => c,
        _ => '-',
    };
    let tag: String = label.chars().take(128).map(fit).collect();
    match tag.strip_prefix(['.', '-']) {
        Some(rest) => format!("_{rest}"),
        None => tag,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn any_label_makes_a_tag() {
        assert_eq!(
            tag("1a2b3c4-dirty-0123456789ab"),
            "1a2b3c4-dirty-0123456789ab"
        );
        assert_eq!(tag("Grüße, v1.2"), "Gr--e--v1.2");
        assert_eq!(tag(".x"), "_x");
        assert_eq!(tag(&"x".repeat(200)).len(), 128);
    }

    #[test]
    fn the_instance_type_decides_the_platform() {
        assert_eq!(platform(Some("t4g.small")), "linux/arm64");
        assert_eq!(platform(Some("t3.small")), "linux/amd64");
        assert_eq!(platform(None), "linux/amd64");
    }
}
