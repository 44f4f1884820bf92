//! Application versions: labels, what is known of a version's content, listing and creating.

use aws_sdk_elasticbeanstalk::types::{ApplicationVersionDescription, S3Location};
use jiff::Timestamp;

use super::bucket::{self, Object};
use super::environment::{SERVICE, time};
use super::source::Source;
use crate::aws::Aws;
use crate::aws::error::Explain;
use crate::error::{Error, Kind, Result};

/// The label of the version that AWS runs where there is none of the customer's.
pub const SAMPLE: &str = "Sample Application";

/// How many characters of the bundle's sha256 a derived label ends with.
const DIGEST: usize = 12;

/// The label that a deploy wants.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Label {
    /// Given by the user; another content under it is an error.
    Given(String),
    /// Derived from commit and content.
    Derived(String),
}

impl Label {
    /// Checks a given label against what Elastic Beanstalk takes (facts 1.2) and what makes a
    /// plain S3 key.
    ///
    /// # Errors
    /// [`Kind::Usage`].
    pub fn check(given: &str) -> Result<()> {
        let fits = (1..=100).contains(&given.chars().count())
            && !given.contains('/')
            && !given.contains(char::is_control)
            && given.trim() == given;
        if fits {
            return Ok(());
        }
        Err(Error::new(
            Kind::Usage,
            format!(
                "`{given}` cannot be a version label: 1 to 100 characters without `/` and \
                 without spaces around are allowed"
            ),
        )
        .hint("give another: `--version-label LABEL`, or none to have one made"))
    }

    /// The given label, or `<commit>[-dirty]-<first 12 of the digest>`.
    #[must_use]
    pub fn of(given: Option<&str>, source: &Source, sha256: &str) -> Self {
        if let Some(given) = given {
            return Self::Given(given.to_owned());
        }
        let digest: String = sha256.chars().take(DIGEST).collect();
        let dirty = if source.dirty { "-dirty" } else { "" };
        Self::Derived(match &source.commit {
            Some(commit) => format!("{}{dirty}-{digest}", commit.short),
            None => digest,
        })
    }

    /// The text.
    #[must_use]
    pub fn text(&self) -> &str {
        match self {
            Self::Given(text) | Self::Derived(text) => text,
        }
    }

    /// A derived label with a number in it, for when the plain one is used up by a version that
    /// cannot be deployed. Still ends with the digest.
    #[must_use]
    pub fn numbered(&self, number: usize) -> String {
        let text = self.text();
        match text.rsplit_once('-') {
            Some((commit, digest)) => format!("{commit}-{number}-{digest}"),
            None => format!("{number}-{text}"),
        }
    }
}

/// Whether a version holds a bundle.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Content {
    /// It holds this bundle.
    Same,
    /// It holds another one.
    Other,
    /// Nothing tells.
    Unknown,
}

impl Content {
    /// From what is recorded at the object (which counts most) and from the label's end.
    #[must_use]
    pub fn of(label: &str, recorded: Option<&str>, sha256: &str) -> Self {
        if let Some(recorded) = recorded {
            return if recorded == sha256 {
                Self::Same
            } else {
                Self::Other
            };
        }
        match digest_in(label) {
            Some(digest) if sha256.starts_with(digest) => Self::Same,
            Some(_) => Self::Other,
            None => Self::Unknown,
        }
    }
}

/// The commit that a derived label begins with.
#[must_use]
pub fn commit_in(label: &str) -> Option<&str> {
    digest_in(label)?;
    let (commit, _) = label.split_once('-')?;
    (commit.len() == 7 && commit.bytes().all(|b| b.is_ascii_hexdigit())).then_some(commit)
}

/// The digest that a derived label ends with: `[<7 hex>[-dirty][-<number>]-]<12 hex>`.
fn digest_in(label: &str) -> Option<&str> {
    let hex = |text: &str, length: usize| {
        text.len() == length && text.bytes().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f'))
    };
    let Some((front, digest)) = label.rsplit_once('-') else {
        return hex(label, DIGEST).then_some(label);
    };
    let numbered = |text: &str| text.bytes().all(|b| b.is_ascii_digit());
    let mut parts = front.split('-');
    let first = parts.next().unwrap_or_default();
    let derived = (hex(first, 7) || numbered(first)) && parts.all(|p| p == "dirty" || numbered(p));
    (derived && hex(digest, DIGEST)).then_some(digest)
}

/// An application version, as far as a deploy cares.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Version {
    /// Its label.
    pub label: String,
    /// Its status in capitals: `PROCESSED`, `UNPROCESSED`, `FAILED`, ... (facts 1.3)
    pub status: String,
    /// Bucket and key of its bundle; AWS's sample has none.
    pub bundle: Option<(String, String)>,
    /// When it was created.
    pub created: Option<Timestamp>,
    /// What was said about it.
    pub description: Option<String>,
}

impl Version {
    /// Why it cannot be deployed, as far as its own record tells.
    #[must_use]
    pub fn unfit(&self) -> Option<&'static str> {
        match (self.label.as_str(), &self.bundle, self.status.as_str()) {
            (SAMPLE, _, _) | (_, None, _) => Some("it is AWS's sample, not a version of yours"),
            (_, _, "FAILED") => Some("its processing failed"),
            (_, _, "PROCESSING" | "BUILDING") => Some("it is still being processed"),
            _ => None,
        }
    }
}

impl From<&ApplicationVersionDescription> for Version {
    fn from(seen: &ApplicationVersionDescription) -> Self {
        let bundle = seen.source_bundle().and_then(|location| {
            Some((
                location.s3_bucket()?.to_owned(),
                location.s3_key()?.to_owned(),
            ))
        });
        Self {
            label: seen.version_label().unwrap_or_default().to_owned(),
            status: seen
                .status()
                .map(|s| s.as_str().to_ascii_uppercase())
                .unwrap_or_default(),
            bundle,
            created: seen.date_created().and_then(time),
            description: seen
                .description()
                .filter(|text| !text.is_empty())
                .map(str::to_owned),
        }
    }
}

/// The application's versions: those with the labels, or all of them.
///
/// # Errors
/// What AWS says.
pub async fn describe(aws: &Aws, app: &str, labels: &[String]) -> Result<Vec<Version>> {
    let mut found = Vec::new();
    let mut next: Option<String> = None;
    loop {
        let page = aws
            .eb
            .describe_application_versions()
            .application_name(app)
            .set_version_labels((!labels.is_empty()).then(|| labels.to_vec()))
            .set_next_token(next.take())
            .send()
            .await
            .explain(SERVICE, "DescribeApplicationVersions")?;
        found.extend(page.application_versions().iter().map(Version::from));
        next = page
            .next_token()
            .filter(|token| !token.is_empty())
            .map(str::to_owned);
        if next.is_none() {
            return Ok(found);
        }
    }
}

/// What a new version is made of.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewVersion {
    /// The application.
    pub app: String,
    /// The label.
    pub label: String,
    /// The description, at most 200 characters.
    pub description: Option<String>,
    /// The bundle's bucket.
    pub bucket: String,
    /// The bundle's key.
    pub key: String,
    /// The account that owns the bucket.
    pub owner: String,
    /// The bundle's sha256.
    pub sha256: String,
}

impl NewVersion {
    /// Creates it. When the answer to an earlier attempt was lost after AWS had served it, the
    /// next one is told that the label exists: with our own bundle behind it, that is success.
    ///
    /// # Errors
    /// What AWS says; a full quota with how to free it.
    pub async fn create(&self, aws: &Aws) -> Result<()> {
        let bundle = S3Location::builder()
            .s3_bucket(&self.bucket)
            .s3_key(&self.key)
            .build();
        let answer = aws
            .eb
            .create_application_version()
            .application_name(&self.app)
            .version_label(&self.label)
            .set_description(self.description.clone())
            .source_bundle(bundle)
            .send()
            .await
            .explain(SERVICE, "CreateApplicationVersion");
        match answer {
            Ok(_) => Ok(()),
            Err(error) if error.message().contains("already exists") => {
                if self.is_ours(aws).await? {
                    Ok(())
                } else {
                    Err(error)
                }
            }
            Err(error) if error.code() == Some("TooManyApplicationVersionsException") => Err(error
                .hint("delete old versions that no environment runs: `beanship versions prune --keep 50`")),
            Err(error) => Err(error),
        }
    }

    /// Whether the version that stands under the label holds this very bundle.
    async fn is_ours(&self, aws: &Aws) -> Result<bool> {
        let found = describe(aws, &self.app, std::slice::from_ref(&self.label)).await?;
        let here = Some((self.bucket.clone(), self.key.clone()));
        if !found.iter().any(|version| version.bundle == here) {
            return Ok(false);
        }
        let object = bucket::object(aws, &self.bucket, &self.key, Some(&self.owner)).await?;
        let recorded = match &object {
            Object::There(recorded) => recorded.as_deref(),
            _ => None,
        };
        Ok(Content::of(&self.label, recorded, &self.sha256) == Content::Same)
    }
}

#[cfg(test)]
mod tests {
    use super::super::source::Commit;
    use super::*;

    const SHA: &str = "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef";

    fn source(dirty: bool) -> Source {
        let commit = Commit {
            short: "1a2b3c4".into(),
            subject: "fix".into(),
        };
        Source {
            commit: Some(commit),
            dirty,
            ..Source::default()
        }
    }

    #[test]
    fn labels_are_made_of_commit_and_digest() {
        let label = |given, source: &Source| Label::of(given, source, SHA).text().to_owned();
        assert_eq!(label(None, &source(false)), "1a2b3c4-0123456789ab");
        assert_eq!(label(None, &source(true)), "1a2b3c4-dirty-0123456789ab");
        assert_eq!(label(None, &Source::default()), "0123456789ab");
        assert_eq!(label(Some("v1.2"), &source(true)), "v1.2");
        let numbered = Label::of(None, &source(false), SHA).numbered(2);
        assert_eq!(numbered, "1a2b3c4-2-0123456789ab");
    }

    #[test]
    fn given_labels_are_checked() {
        let too_long = "x".repeat(101);
        for wrong in ["", "a/b", " a", "a\nb", too_long.as_str()] {
            assert!(Label::check(wrong).is_err(), "{wrong}");
        }
        for right in ["v1", "release 2", &"x".repeat(100)] {
            assert!(Label::check(right).is_ok(), "{right}");
        }
    }

    #[test]
    fn content_is_known_by_record_or_label() {
        for (label, recorded, content) in [
            ("1a2b3c4-0123456789ab", None, Content::Same),
            ("1a2b3c4-dirty-0123456789ab", None, Content::Same),
            ("1a2b3c4-2-0123456789ab", None, Content::Same),
            ("0123456789ab", None, Content::Same),
            ("1a2b3c4-ffffffffffff", None, Content::Other),
            ("v1.2", None, Content::Unknown),
            ("release-0123456789ab", None, Content::Unknown),
            ("Sample Application", None, Content::Unknown),
            ("v1.2", Some(SHA), Content::Same),
            ("1a2b3c4-0123456789ab", Some("other"), Content::Other),
        ] {
            assert_eq!(
                Content::of(label, recorded, SHA),
                content,
                "{label} {recorded:?}"
            );
        }
    }
}
