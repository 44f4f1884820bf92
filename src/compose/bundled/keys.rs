//! Files at the top of the project that hold keys or other environments' values.

use crate::compose::catalog::KEY_FILE;
use crate::compose::files;
use crate::compose::finding::Findings;
use crate::compose::model::Surroundings;
use crate::keys;

/// Endings of files of values that are made to be shared.
const SAMPLES: [&str; 5] = ["example", "sample", "template", "dist", "defaults"];
/// The private keys of SSH, by the names that it gives them.
const SSH: [&str; 4] = ["id_rsa", "id_ed25519", "id_ecdsa", "id_dsa"];

pub(super) fn check(around: &Surroundings<'_>, findings: &mut Findings) {
    let compose = files::read(&around.root.join(around.file)).unwrap_or_default();
    for name in files::names(around.root, "") {
        if findings.is_full() || !(around.in_bundle)(&name) || compose.contains(&name) {
            continue;
        }
        if let Some(what) = what(around, &name) {
            findings
                .add_in(
                    &KEY_FILE,
                    &name,
                    super::START,
                    None,
                    format!("{name} goes into the bundle: it {what}"),
                )
                .fix(format!(
                    "leave it out: `bundle: {{ exclude: [{name}] }}` in beanship.yml"
                ));
        }
    }
}

/// What a file holds that is nobody else's business.
fn what(around: &Surroundings<'_>, name: &str) -> Option<&'static str> {
    let lower = name.to_ascii_lowercase();
    let text = || files::read(&around.root.join(name)).unwrap_or_default();
    let ends = |endings: &[&str]| endings.iter().any(|ending| lower.ends_with(ending));
    if let Some(kind) = lower.strip_prefix(".env.") {
        let is_sample = SAMPLES.iter().any(|sample| kind.ends_with(sample));
        return (!is_sample).then_some("is a file of an environment's values");
    }
    if SSH.contains(&lower.as_str()) {
        return Some("is a private key");
    }
    if ends(&[".pem", ".key"]) && text().contains("PRIVATE KEY-----") {
        return Some("is a private key");
    }
    let may_hold = ends(&[".json", ".csv", ".env", ".txt"]) || lower == "credentials";
    (may_hold && !keys::in_clear(&text()).is_empty()).then_some("holds an AWS secret access key")
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;
    use crate::compose::{FILE_NAME, lint};

    #[test]
    fn keys_are_warned_of_and_samples_are_not() {
        let key = "\"SecretAccessKey\": \"wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY\"";
        let folder = tempfile::tempdir().expect("a directory");
        for (name, text) in [
            (
                FILE_NAME,
                "services: {web: {image: 'nginx:1.27', ports: ['80:80'], restart: always, env_file: [.env, .env.app]}}",
            ),
            (".env.production", "A=b"),
            (".env.app", "A=b"),
            (".env.example", "A="),
            ("id_rsa", "x"),
            ("server.pem", "-----BEGIN RSA PRIVATE KEY-----"),
            ("chain.pem", "-----BEGIN CERTIFICATE-----"),
            ("key.json", key),
            ("package.json", "{}"),
        ] {
            std::fs::write(folder.path().join(name), text).expect("a file");
        }
        let verdict = lint(&Surroundings {
            in_bundle: &|_| true,
            ..Surroundings::of(folder.path(), Path::new(FILE_NAME))
        });
        let found = verdict.findings.iter().filter(|it| it.rule.id == "EB521");
        let found: Vec<_> = found.map(|it| it.message.as_str()).collect();
        insta::assert_snapshot!(found.join("\n"), @"
        .env.production goes into the bundle: it is a file of an environment's values
        id_rsa goes into the bundle: it is a private key
        key.json goes into the bundle: it holds an AWS secret access key
        server.pem goes into the bundle: it is a private key
        ");
    }
}
