//! How instances get in at a private registry that is not ECR: files that are generated into the
//! bundle (facts 3.4). None of them holds the password.

use crate::config::{PASSWORD, RegistryConfig, Way};

/// Hooks have to be in both trees: the second one runs where only settings change (facts 3.6).
const TREES: [&str; 2] = [".platform/hooks", ".platform/confighooks"];

/// Before Elastic Beanstalk fetches images, and before hooks of the app's own.
const HOOK: &str = "prebuild/00_beanship_registry_login.sh";

/// What names an object with logins beside a compose file.
const DOCKERRUN: &str = "Dockerrun.aws.json";

/// A file of the bundle.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Made {
    /// Its path in the bundle.
    pub name: String,
    /// Whether it may be run.
    pub executable: bool,
    /// What it holds.
    pub content: String,
}

/// The files that have the instances log in.
#[must_use]
pub fn files(registry: &RegistryConfig) -> Vec<Made> {
    match registry.way() {
        Some(Way::Hooks { username, .. }) => {
            let content = hook(registry.server(), username);
            let made = |tree: &str| Made {
                name: format!("{tree}/{HOOK}"),
                executable: true,
                content: content.clone(),
            };
            TREES.into_iter().map(made).collect()
        }
        Some(Way::Object { bucket, key, .. }) => {
            // The two pages of AWS on this write the names in lower case and capitalised; which one
            // version 3 wants was never seen on real AWS. Lower case is version 3's own example.
            let content = serde_json::json!({
                "AWSEBDockerrunVersion": "3",
                "Authentication": { "bucket": bucket, "key": key },
            });
            vec![Made {
                name: DOCKERRUN.to_owned(),
                executable: false,
                content: format!("{content:#}\n"),
            }]
        }
        None => Vec::new(),
    }
}

fn hook(server: &str, username: &str) -> String {
    let server = match server {
        "docker.io" => "https://index.docker.io/v1/",
        server => server,
    };
    // Only a NUL cannot be quoted, and the project file is refused with one.
    let quoted = |text| shlex::try_quote(text).unwrap_or_default();
    let (server, username) = (quoted(server), quoted(username));
    format!(
        r#"#!/bin/sh
# Written by beanship: logs in at the registry before images are fetched.
set -eu
password=${{{PASSWORD}:-}}
if [ -z "$password" ]; then
  password=$(/opt/elasticbeanstalk/bin/get-config environment -k {PASSWORD})
fi
printf '%s' "$password" | docker login --username {username} --password-stdin {server}
"#
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::Config;

    fn made(registry: &str) -> Vec<Made> {
        let text = format!("registry: {registry}\n");
        let config = Config::parse(&text, std::path::Path::new("beanship.yml"));
        files(&config.expect("a file").registry.expect("a registry"))
    }

    #[test]
    fn hooks_log_in_in_both_trees_and_hold_no_password() {
        let made = made(r#"{ server: ghcr.io, username: "o'shop", password: { from_env: HOME } }"#);
        let names: Vec<_> = made.iter().map(|it| it.name.as_str()).collect();
        assert_eq!(
            names,
            [
                ".platform/hooks/prebuild/00_beanship_registry_login.sh",
                ".platform/confighooks/prebuild/00_beanship_registry_login.sh",
            ]
        );
        assert!(made.iter().all(|it| it.executable));
        insta::assert_snapshot!(made[0].content, @r#"
        #!/bin/sh
        # Written by beanship: logs in at the registry before images are fetched.
        set -eu
        password=${BEANSHIP_REGISTRY_PASSWORD:-}
        if [ -z "$password" ]; then
          password=$(/opt/elasticbeanstalk/bin/get-config environment -k BEANSHIP_REGISTRY_PASSWORD)
        fi
        printf '%s' "$password" | docker login --username "o'shop" --password-stdin ghcr.io
        "#);
    }

    #[test]
    fn an_object_with_logins_is_named_beside_the_compose_file() {
        let made = made("{ credentials: s3://my-bucket/logins/config.json }");
        assert_eq!(
            (made.len(), made[0].name.as_str()),
            (1, "Dockerrun.aws.json")
        );
        insta::assert_snapshot!(made[0].content, @r#"
        {
          "AWSEBDockerrunVersion": "3",
          "Authentication": {
            "bucket": "my-bucket",
            "key": "logins/config.json"
          }
        }
        "#);
    }
}
