//! The login at a private registry as an object of S3, which instances read before they fetch
//! images (facts 3.4): written from the declared name and password, and compared with what is
//! there, without ever being shown. What was written here bears the application's name.

use aws_sdk_s3::types::ServerSideEncryption;
use aws_smithy_types::base64;
use secrecy::{ExposeSecret, SecretString};
use serde_json::json;

use super::grants::Inline;
use super::names::Place;
use super::policy::Template;
use super::steps::BootstrapStep;
use super::wanted::Desired;
use crate::aws::Aws;
use crate::aws::error::Explain;
use crate::config::{RegistryConfig, Way};
use crate::error::{Error, Kind, Result};
use crate::images::credentials::server_key;
use crate::plan::{Change, Verb};

/// The metadata with the name of the application that an object was written for.
const MARK: &str = "beanship-app";

/// The largest object that is compared; a login is far smaller.
const LARGEST: i64 = 64 * 1024;

/// Where the object is, or shall be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Object {
    /// The bucket.
    pub bucket: String,
    /// The key.
    pub key: String,
    /// The account that must own the bucket.
    pub owner: String,
    /// The application.
    pub app: String,
}

/// The object is written.
#[derive(Debug, Clone)]
pub struct LoginStep {
    object: Object,
    server: String,
    verb: Verb,
    content: SecretString,
}

impl Object {
    /// The object of a project file, and whether beanship writes it.
    #[must_use]
    pub fn of(registry: Option<&RegistryConfig>, place: &Place) -> Option<(Self, bool)> {
        let Way::Object { bucket, key, login } = registry?.way()? else {
            return None;
        };
        let object = Self {
            bucket: bucket.to_owned(),
            key: key.to_owned(),
            owner: place.account.clone(),
            app: place.target.app.clone(),
        };
        Some((object, login.is_some()))
    }

    /// Its name for people.
    #[must_use]
    pub fn name(&self) -> String {
        format!("s3://{}/{}", self.bucket, self.key)
    }

    /// What is to be written, if anything is; `content` is what shall be there, or why that is not
    /// known. A remark where it cannot be compared.
    ///
    /// # Errors
    /// [`Kind::Check`] for an object that was not written here; else what AWS says.
    pub async fn look(
        self,
        aws: &Aws,
        server: &str,
        content: Result<SecretString>,
    ) -> Result<(Option<LoginStep>, Option<String>)> {
        let seen = self.read(aws).await?;
        let content = match (content, &seen) {
            (Ok(content), _) => content,
            (Err(why), Some(_)) => {
                let remark = format!("{} is not compared: {why}", self.name());
                return Ok((None, Some(remark)));
            }
            (Err(why), None) => return Err(why),
        };
        let verb = match seen {
            Some(seen) if seen.expose_secret() == content.expose_secret() => {
                return Ok((None, None));
            }
            Some(_) => Verb::Update,
            None => Verb::Create,
        };
        let step = LoginStep {
            server: server.to_owned(),
            object: self,
            verb,
            content,
        };
        Ok((Some(step), None))
    }

    /// What is there and was written here; none where there is nothing.
    async fn read(&self, aws: &Aws) -> Result<Option<SecretString>> {
        let call = aws.s3.get_object().bucket(&self.bucket).key(&self.key);
        let answer = call.expected_bucket_owner(&self.owner).send().await;
        let answer = match answer.explain("s3", "GetObject") {
            Err(error) if is_nothing(&error) => return Ok(None),
            Err(error) if error.kind() == Kind::Denied => {
                return Err(error.hint(
                    "S3 says so of a missing object as well, unless the caller may `s3:ListBucket`",
                ));
            }
            other => other?,
        };
        let mark = answer.metadata().and_then(|it| it.get(MARK));
        if mark != Some(&self.app) {
            let what = format!(
                "{} is there already and was not written for {}",
                self.name(),
                self.app
            );
            return Err(Error::new(Kind::Check, what).hint(
                "leave `username` and `password` out of `registry` to use it as it is, or name another key, and run `beanship bootstrap` again",
            ));
        }
        if answer.content_length().is_some_and(|it| it > LARGEST) {
            return Ok(Some(String::new().into()));
        }
        let bytes = answer.body.collect().await.map_err(|why| {
            let what = format!("{} could not be read: {why}", self.name());
            Error::new(Kind::Unreachable, what).hint("run `beanship bootstrap` again")
        })?;
        let text = String::from_utf8(bytes.to_vec()).unwrap_or_default();
        Ok(Some(text.into()))
    }

    /// Whether it is there and was written here.
    ///
    /// # Errors
    /// What AWS says.
    pub async fn stands(&self, aws: &Aws) -> Result<bool> {
        let call = aws.s3.head_object().bucket(&self.bucket).key(&self.key);
        let answer = call.expected_bucket_owner(&self.owner).send().await;
        let status = answer.as_ref().err().and_then(|it| it.raw_response());
        if status.is_some_and(|it| it.status().as_u16() == 404) {
            return Ok(false);
        }
        let answer = answer.explain("s3", "HeadObject")?;
        let mark = answer.metadata().and_then(|it| it.get(MARK));
        Ok(mark == Some(&self.app))
    }

    /// Deletes it.
    ///
    /// # Errors
    /// What AWS says.
    pub async fn delete(&self, aws: &Aws) -> Result<()> {
        let call = aws.s3.delete_object().bucket(&self.bucket).key(&self.key);
        let answer = call.expected_bucket_owner(&self.owner).send().await;
        match answer.explain("s3", "DeleteObject") {
            Err(error) if is_nothing(&error) => Ok(()),
            other => other.map(drop),
        }
    }

    /// Lets the environment's instances read just this object.
    ///
    /// # Errors
    /// [`Kind::Config`] where the template is broken.
    pub fn allow(&self, desired: &mut Desired) -> Result<()> {
        let place = &desired.place;
        let arn = place.s3(&format!("{}/{}", self.bucket, self.key));
        let document = Template::RegistryLogin.fill(&[("object", vec![arn])])?;
        let words = format!("may read the login in {}", self.name());
        let name = place.name("ec2");
        for role in desired.iam.roles.iter_mut().filter(|it| it.name == name) {
            let inline = Inline {
                document: document.clone(),
                words: words.clone(),
            };
            role.grants.inline.insert("registry".into(), inline);
        }
        Ok(())
    }
}

impl LoginStep {
    /// The line of the plan.
    #[must_use]
    pub fn change(&self) -> Change {
        let detail = match self.verb {
            Verb::Create => format!("for {}", self.server),
            _ => format!("for {}; the name or the password has changed", self.server),
        };
        Change {
            verb: self.verb,
            kind: "login object",
            name: self.object.name(),
            detail: Some(detail),
        }
    }

    /// What was done.
    #[must_use]
    pub fn done(&self) -> String {
        format!(
            "Wrote the login for {} to {}",
            self.server,
            self.object.name()
        )
    }

    /// Writes it: encrypted, and for nobody but those who are allowed to by a policy.
    ///
    /// # Errors
    /// What AWS says.
    pub async fn write(&self, aws: &Aws) -> Result<()> {
        let Object {
            bucket,
            key,
            owner,
            app,
        } = &self.object;
        let content = self.content.expose_secret().as_bytes().to_vec();
        let call = aws.s3.put_object().bucket(bucket).key(key);
        let call = call
            .expected_bucket_owner(owner)
            .server_side_encryption(ServerSideEncryption::Aes256)
            .content_type("application/json")
            .metadata(MARK, app)
            .body(content.into());
        call.send().await.explain("s3", "PutObject").map(drop)
    }
}

impl From<LoginStep> for BootstrapStep {
    fn from(step: LoginStep) -> Self {
        Self::Login(step)
    }
}

/// Docker's own file with one login.
#[must_use]
pub fn content(server: &str, username: &str, password: &str) -> SecretString {
    let auth = base64::encode(format!("{username}:{password}"));
    let file = json!({ "auths": { server_key(server): { "auth": auth } } });
    file.to_string().into()
}

fn is_nothing(error: &Error) -> bool {
    matches!(error.code(), Some("NoSuchKey" | "NoSuchBucket"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_object_is_docker_s_own_file() {
        let shown = |server| content(server, "ship", "s:hip").expose_secret().to_owned();
        assert_eq!(
            shown("ghcr.io"),
            r#"{"auths":{"ghcr.io":{"auth":"c2hpcDpzOmhpcA=="}}}"#
        );
        assert!(shown("docker.io").contains(r#"{"https://index.docker.io/v1/":"#));
    }

    #[test]
    fn a_step_shows_no_secret() {
        let step = LoginStep {
            object: Object {
                bucket: "b".into(),
                key: "k".into(),
                owner: "1".into(),
                app: "shop".into(),
            },
            server: "ghcr.io".into(),
            verb: Verb::Update,
            content: content("ghcr.io", "ship", "c4nary"),
        };
        let told = format!("{step:?} {:?} {}", step.change(), step.done());
        assert!(!told.contains(step.content.expose_secret()), "{told}");
    }
}
