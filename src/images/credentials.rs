//! Logins of registries as Docker keeps them: `config.json` and its credential helpers. Nothing is
//! written there.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;

use aws_smithy_types::base64;
use secrecy::SecretString;
use serde::Deserialize;
use tokio::io::AsyncWriteExt;
use tokio::process::Command;

use crate::error::{Error, Kind, Result};
use crate::settings::Environ;

/// Docker Hub, as Docker's own file names it.
const HUB: &str = "https://index.docker.io/v1/";

/// The user's name where a helper keeps an identity token.
const TOKEN: &str = "<token>";

/// How long a helper may take; some ask the user.
const HELPER: Duration = Duration::from_secs(60);

/// A user with a password, or a token that stands for both.
#[derive(Debug, Clone)]
pub struct Login {
    /// The user's name.
    pub username: String,
    /// The password or token.
    pub password: SecretString,
    /// Whether the password is an identity token, which is exchanged for others and used for
    /// nothing else.
    pub identity: bool,
}

/// What Docker knows of registries.
#[derive(Debug, Clone, Default)]
pub struct DockerConfig {
    file: ConfigFile,
}

#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
struct ConfigFile {
    auths: BTreeMap<String, Auth>,
    #[serde(rename = "credsStore")]
    store: Option<String>,
    #[serde(rename = "credHelpers")]
    helpers: BTreeMap<String, String>,
}

#[derive(Clone, Default, Deserialize)]
#[serde(default)]
struct Auth {
    auth: String,
    username: String,
    password: String,
    identitytoken: String,
}

impl std::fmt::Debug for Auth {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("(a login)")
    }
}

/// What a helper answers.
#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Helped {
    username: String,
    secret: String,
}

impl Login {
    fn of_token(token: String) -> Self {
        Self {
            username: TOKEN.to_owned(),
            password: token.into(),
            identity: true,
        }
    }
}

impl DockerConfig {
    /// Reads Docker's file: in the folder of `DOCKER_CONFIG`, else in `.docker` of the user's home.
    /// Without a file nothing is known.
    ///
    /// # Errors
    /// [`Kind::Io`] for a file that cannot be read.
    pub fn read(environ: &Environ) -> Result<Self> {
        let Some(path) = place(environ) else {
            return Ok(Self::default());
        };
        match std::fs::read(&path) {
            Ok(bytes) => Self::parse(&bytes, &path),
            Err(why) if why.kind() == std::io::ErrorKind::NotFound => Ok(Self::default()),
            Err(why) => Err(Error::io("read", &path, &why)),
        }
    }

    fn parse(bytes: &[u8], path: &Path) -> Result<Self> {
        let file = serde_json::from_slice(bytes).map_err(|why| {
            // The reader's own words may quote the file, which holds passwords.
            let (line, column) = (why.line(), why.column());
            let text = format!(
                "{}:{line}:{column}: this is no configuration of Docker",
                path.display()
            );
            Error::new(Kind::Io, text).hint("log in again: `docker login`")
        })?;
        Ok(Self { file })
    }

    /// The login for a registry; none where Docker has none.
    ///
    /// # Errors
    /// [`Kind::Registry`] where a helper fails, or what it keeps cannot be used.
    pub async fn login(&self, registry: &str) -> Result<Option<Login>> {
        let host = host(registry);
        let of = |key: &&String| self::host(key) == host;
        let helper = self.file.helpers.iter().find(|(key, _)| of(key));
        let kept = self.file.auths.iter().find(|(key, _)| of(key));
        let helper = helper
            .map(|(_, helper)| helper)
            .or(self.file.store.as_ref());
        if let Some(helper) = helper {
            let key = match (kept, host) {
                (Some((key, _)), _) => key.as_str(),
                (None, "index.docker.io") => HUB,
                (None, host) => host,
            };
            if let Some(login) = ask(helper, key).await? {
                return Ok(Some(login));
            }
        }
        kept.map_or(Ok(None), |(_, auth)| auth.login(registry))
    }
}

impl Auth {
    fn login(&self, registry: &str) -> Result<Option<Login>> {
        let unusable = |what: &str| {
            Error::new(
                Kind::Registry,
                format!("the login for {registry} in Docker's config.json cannot be used: {what}"),
            )
            .hint(format!("log in again: `docker login {registry}`"))
        };
        if !self.identitytoken.is_empty() {
            return Ok(Some(Login::of_token(self.identitytoken.clone())));
        }
        let (username, password) = if self.auth.is_empty() {
            (self.username.clone(), self.password.clone())
        } else {
            let bytes = base64::decode(self.auth.trim());
            let bytes = bytes.map_err(|_| unusable("it is not base64"))?;
            let text = String::from_utf8(bytes).map_err(|_| unusable("it is not UTF-8"))?;
            let (name, password) = text
                .split_once(':')
                .ok_or_else(|| unusable("it holds no colon"))?;
            (name.to_owned(), password.trim_end_matches('\0').to_owned())
        };
        Ok((!username.is_empty()).then(|| Login {
            username,
            password: password.into(),
            identity: false,
        }))
    }
}

fn place(environ: &Environ) -> Option<PathBuf> {
    let home = || environ.get("HOME").or_else(|| environ.get("USERPROFILE"));
    let folder = match environ.get("DOCKER_CONFIG") {
        Some(folder) => PathBuf::from(folder),
        None => Path::new(home()?).join(".docker"),
    };
    Some(folder.join("config.json"))
}

/// The host of a registry's name or address; Docker Hub has three.
fn host(name: &str) -> &str {
    let name = name.split_once("://").map_or(name, |(_, rest)| rest);
    match name.split('/').next().unwrap_or(name) {
        "docker.io" | "registry-1.docker.io" => "index.docker.io",
        host => host,
    }
}

/// The key under which Docker's file has the login for a registry.
#[must_use]
pub fn server_key(registry: &str) -> &str {
    match host(registry) {
        "index.docker.io" => HUB,
        _ => registry,
    }
}

/// Asks `docker-credential-NAME`.
async fn ask(helper: &str, key: &str) -> Result<Option<Login>> {
    let program = format!("docker-credential-{helper}");
    let failed = |why: &str| {
        Error::new(
            Kind::Registry,
            format!("{program} does not tell the login for {key}: {why}"),
        )
        .hint(format!("try it: `echo {key} | {program} get`"))
    };
    let cannot = |why: std::io::Error| failed(&crate::error::reason(&why));
    let talk = async {
        let mut child = Command::new(&program)
            .arg("get")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .kill_on_drop(true)
            .spawn()?;
        if let Some(mut stdin) = child.stdin.take() {
            // One that does not read what it is asked still answers.
            let _ = stdin.write_all(format!("{key}\n").as_bytes()).await;
        }
        child.wait_with_output().await
    };
    let output = match tokio::time::timeout(HELPER, talk).await {
        Ok(output) => output.map_err(cannot)?,
        Err(_) => return Err(failed(&format!("no answer within {} s", HELPER.as_secs()))),
    };
    if !output.status.success() {
        let said = String::from_utf8_lossy(&output.stdout);
        if said.contains("not found") {
            return Ok(None);
        }
        return Err(failed(&format!("it ended with {}", output.status)));
    }
    let Ok(Helped { username, secret }) = serde_json::from_slice(&output.stdout) else {
        return Err(failed("its answer is not JSON with Username and Secret"));
    };
    if username == TOKEN {
        return Ok(Some(Login::of_token(secret)));
    }
    Ok((!username.is_empty()).then(|| Login {
        username,
        password: secret.into(),
        identity: false,
    }))
}

#[cfg(test)]
mod tests {
    use super::*;
    use secrecy::ExposeSecret;

    async fn told(json: &str, registry: &str) -> String {
        let config = DockerConfig::parse(json.as_bytes(), Path::new("config.json"));
        match config.expect("a configuration").login(registry).await {
            Ok(Some(login)) => format!("{}:{}", login.username, login.password.expose_secret()),
            Ok(None) => "none".into(),
            Err(error) => error.to_string(),
        }
    }

    #[tokio::test]
    async fn docker_s_file_is_read() {
        // ship:s:hip, and nothing else
        let file = r#"{"auths": {"https://index.docker.io/v1/": {"auth": "c2hpcDpzOmhpcA=="},
            "localhost:5000": {"username": "a", "password": "b"}, "bad.example": {"auth": "?"},
            "ghcr.io": {}, "azurecr.io": {"identitytoken": "x"}}, "HttpHeaders": {"A": "b"}}"#;
        for (registry, expected) in [
            ("docker.io", "ship:s:hip"),
            ("localhost:5000", "a:b"),
            ("localhost", "none"),
            ("ghcr.io", "none"),
            (
                "bad.example",
                "the login for bad.example in Docker's config.json cannot be used: it is not base64",
            ),
            ("azurecr.io", "<token>:x"),
        ] {
            assert_eq!(told(file, registry).await, expected, "{registry}");
        }
        let error = DockerConfig::parse(b"{\"auths\": hunter2", Path::new("config.json"));
        let error = error.expect_err("no JSON").to_string();
        assert_eq!(
            error,
            "config.json:1:11: this is no configuration of Docker"
        );
    }

    #[tokio::test]
    async fn a_missing_helper_is_named() {
        let file = r#"{"credHelpers": {"ghcr.io": "no-such-helper"}}"#;
        let told = told(file, "ghcr.io").await;
        assert_eq!(
            told,
            "docker-credential-no-such-helper does not tell the login for ghcr.io: there is no such file"
        );
    }
}
