//! Building and pushing with the user's own `docker`: with buildx where it is there, which builds
//! and pushes in one go and tells the digest, else with the plain commands.

use std::path::Path;

use regex_lite::Regex;
use secrecy::SecretString;

use super::credentials::Login;
use super::run::{Run, knows};
use crate::compose::images::Build;
use crate::error::{Error, Kind, Result};
use crate::output::{Event, Out};

/// An image to be built.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Wanted {
    /// The service.
    pub service: String,
    /// How it is built.
    pub build: Build,
    /// `REPOSITORY:TAG`.
    pub image: String,
    /// The platforms, as in `linux/amd64`.
    pub platforms: Vec<String>,
}

/// The user's `docker`.
#[derive(Debug)]
pub struct Docker<'a> {
    out: &'a Out,
    root: &'a Path,
    buildx: bool,
}

impl<'a> Docker<'a> {
    /// Looks what it can do. Builds start in `root`.
    ///
    /// # Errors
    /// [`Kind::Build`] where there is no `docker`, or no engine behind it.
    pub async fn look(out: &'a Out, root: &'a Path) -> Result<Self> {
        if !knows(&["version"]).await {
            return Err(Error::new(
                Kind::Build,
                "images cannot be built: `docker version` fails, so Docker is missing or its engine does not run",
            )
            .hint("look with `docker version`, and start the engine"));
        }
        let buildx = knows(&["buildx", "version"]).await;
        Ok(Self { out, root, buildx })
    }

    /// Logs in at a registry. The password goes through stdin.
    ///
    /// # Errors
    /// [`Kind::Build`] with what `docker login` says.
    pub async fn login(&self, registry: &str, login: &Login) -> Result<()> {
        let server = match registry {
            "docker.io" => "https://index.docker.io/v1/",
            registry => registry,
        };
        let words = [
            "login",
            "--username",
            &login.username,
            "--password-stdin",
            server,
        ];
        let title = format!("Logging in at {registry}");
        self.run(&title, &words.map(str::to_owned), Some(&login.password))
            .await?;
        Ok(())
    }

    /// Builds an image and keeps it at the engine.
    ///
    /// # Errors
    /// [`Kind::Build`] with the last lines.
    pub async fn build(&self, wanted: &Wanted) -> Result<()> {
        self.warn(wanted);
        if wanted.platforms.len() > 1 {
            let platforms = wanted.platforms.join(" and ");
            let what = format!(
                "the image of service `{}` cannot be built for {platforms} without being pushed",
                wanted.service
            );
            return Err(Error::new(Kind::Build, what).hint(
                "build for one environment with `--env KEY`, or use `beanship images push`",
            ));
        }
        let end: &[&str] = if self.buildx { &["--load"] } else { &[] };
        self.make(wanted, end).await.map(|_| ())
    }

    /// Builds an image and pushes it. The answer is the digest that the registry has it by.
    ///
    /// # Errors
    /// [`Kind::Build`] with the last lines.
    pub async fn push(&self, wanted: &Wanted) -> Result<String> {
        self.warn(wanted);
        if self.buildx {
            return self.push_with_buildx(wanted).await;
        }
        if wanted.platforms.len() > 1 {
            let platforms = wanted.platforms.join(" and ");
            let what = format!(
                "images for {platforms} at once cannot be built: `docker buildx` is missing"
            );
            return Err(
                Error::new(Kind::Build, what).hint("install it, and try `docker buildx version`")
            );
        }
        self.make(wanted, &[]).await?;
        let title = format!("Pushing {}", wanted.image);
        let words = ["push".to_owned(), wanted.image.clone()];
        let last = self.run(&title, &words, None).await?;
        digest_of(&last).ok_or_else(|| untold(wanted))
    }

    async fn push_with_buildx(&self, wanted: &Wanted) -> Result<String> {
        let failed = |why: &std::io::Error| {
            let why = crate::error::reason(why);
            Error::new(Kind::Io, format!("cannot make a temporary file: {why}"))
                .hint("name another directory with `TMPDIR`")
        };
        let file = tempfile::NamedTempFile::new().map_err(|why| failed(&why))?;
        let path = file.path().to_string_lossy().into_owned();
        self.make(wanted, &["--push", "--metadata-file", &path])
            .await?;
        let text = std::fs::read_to_string(file.path()).map_err(|why| failed(&why))?;
        let metadata: serde_json::Value = serde_json::from_str(&text).unwrap_or_default();
        let digest = metadata["containerimage.digest"].as_str();
        let digest = digest.filter(|digest| is_digest(digest));
        digest.map(str::to_owned).ok_or_else(|| untold(wanted))
    }

    async fn make(&self, wanted: &Wanted, end: &[&str]) -> Result<Vec<String>> {
        let title = format!(
            "Building {} ({})",
            wanted.service,
            wanted.platforms.join(", ")
        );
        let words = words(wanted, self.buildx, end);
        let inline = wanted.build.inline.clone().map(SecretString::from);
        self.run(&title, &words, inline.as_ref()).await
    }

    async fn run(
        &self,
        title: &str,
        arguments: &[String],
        stdin: Option<&SecretString>,
    ) -> Result<Vec<String>> {
        let run = Run {
            title,
            arguments,
            stdin,
            directory: self.root,
        };
        run.go(self.out).await
    }

    fn warn(&self, wanted: &Wanted) {
        if !wanted.build.left_out.is_empty() {
            let keys = wanted.build.left_out.join(", ");
            let text = format!(
                "the build of service `{}` is done without {keys}, which `docker build` has no argument for",
                wanted.service
            );
            self.out.event(&Event::Warning(&text));
        }
    }
}

/// The arguments of a build.
fn words(wanted: &Wanted, buildx: bool, end: &[&str]) -> Vec<String> {
    let start: &[&str] = match buildx {
        true => &["buildx", "build", "--progress", "plain"],
        false => &["build"],
    };
    let mut words: Vec<String> = start.iter().map(|word| (*word).to_owned()).collect();
    words.extend(["--platform".to_owned(), wanted.platforms.join(",")]);
    words.extend(["--tag".to_owned(), wanted.image.clone()]);
    words.extend(wanted.build.arguments.iter().cloned());
    if wanted.build.inline.is_some() {
        words.extend(["--file".to_owned(), "-".to_owned()]);
    }
    words.extend(end.iter().map(|word| (*word).to_owned()));
    words.push(wanted.build.context.clone());
    words
}

/// The digest in what `docker push` prints: `TAG: digest: sha256:... size: 527`.
fn digest_of(lines: &[String]) -> Option<String> {
    let pattern = Regex::new(r"\bdigest: (sha256:[0-9a-f]{64})\b").ok()?;
    let digest = |line: &String| Some(pattern.captures(line)?[1].to_owned());
    lines.iter().rev().find_map(digest)
}

fn is_digest(text: &str) -> bool {
    let hex = text.strip_prefix("sha256:").unwrap_or_default();
    hex.len() == 64 && hex.bytes().all(|byte| byte.is_ascii_hexdigit())
}

fn untold(wanted: &Wanted) -> Error {
    let what = format!(
        "{} was pushed, but Docker did not tell its digest",
        wanted.image
    );
    Error::new(Kind::Build, what).hint("see all of its output with `-v`")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn builds_have_their_arguments_in_both_worlds() {
        let mut wanted = Wanted {
            service: "web".into(),
            build: Build {
                context: "./web".into(),
                arguments: vec!["--build-arg".into(), "A=1".into()],
                ..Build::default()
            },
            image: "ghcr.io/shop/web:v1".into(),
            platforms: vec!["linux/amd64".into()],
        };
        assert_eq!(
            words(&wanted, false, &[]).join(" "),
            "build --platform linux/amd64 --tag ghcr.io/shop/web:v1 --build-arg A=1 ./web"
        );
        wanted.build.inline = Some("FROM scratch\n".into());
        wanted.platforms.push("linux/arm64".into());
        assert_eq!(
            words(&wanted, true, &["--push"]).join(" "),
            "buildx build --progress plain --platform linux/amd64,linux/arm64 --tag ghcr.io/shop/web:v1 --build-arg A=1 --file - --push ./web"
        );
    }

    #[test]
    fn the_digest_is_found_in_the_output_of_a_push() {
        let hex = "0123456789abcdef".repeat(4);
        let lines = |last: &str| vec!["abc: Pushed".to_owned(), last.to_owned()];
        let last = format!("v1: digest: sha256:{hex} size: 527");
        assert_eq!(digest_of(&lines(&last)), Some(format!("sha256:{hex}")));
        assert_eq!(digest_of(&lines("v1: digest: sha256:abc size: 1")), None);
        assert!(is_digest(&format!("sha256:{hex}")) && !is_digest("sha256:zz"));
    }
}
