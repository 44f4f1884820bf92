//! Values that should not stand in a file, and host names that cannot be right.

use crate::compose::catalog::{NO_RDS_NAME, PLAIN_SECRET, UNKNOWN_REGION};
use crate::compose::finding::Findings;
use crate::compose::model::{Pair, Project, Service};
use crate::compose::tree::At;
use crate::yaml::nearest;

/// The regions of AWS.
const REGIONS: [&str; 41] = [
    "af-south-1",
    "ap-east-1",
    "ap-east-2",
    "ap-northeast-1",
    "ap-northeast-2",
    "ap-northeast-3",
    "ap-south-1",
    "ap-south-2",
    "ap-southeast-1",
    "ap-southeast-2",
    "ap-southeast-3",
    "ap-southeast-4",
    "ap-southeast-5",
    "ap-southeast-6",
    "ap-southeast-7",
    "ca-central-1",
    "ca-west-1",
    "cn-north-1",
    "cn-northwest-1",
    "eu-central-1",
    "eu-central-2",
    "eu-north-1",
    "eu-south-1",
    "eu-south-2",
    "eu-west-1",
    "eu-west-2",
    "eu-west-3",
    "eusc-de-east-1",
    "il-central-1",
    "me-central-1",
    "me-south-1",
    "me-west-1",
    "mx-central-1",
    "sa-east-1",
    "sa-west-1",
    "us-east-1",
    "us-east-2",
    "us-gov-east-1",
    "us-gov-west-1",
    "us-west-1",
    "us-west-2",
];

/// Words whose value is nobody else's business.
const SECRET_WORDS: [&str; 12] = [
    "PASSWORD",
    "PASSWD",
    "PASS",
    "PWD",
    "SECRET",
    "TOKEN",
    "APIKEY",
    "CREDENTIALS",
    "API_KEY",
    "ACCESS_KEY",
    "PRIVATE_KEY",
    "SECRET_KEY",
];

pub(super) fn check(project: &Project<'_>, findings: &mut Findings) {
    for service in &project.services {
        let build = service.body.dig(&["build", "args"]);
        let arguments = build.map(crate::compose::model::pairs).unwrap_or_default();
        for pair in service.pairs("environment").into_iter().chain(arguments) {
            if findings.is_full() {
                return;
            }
            secret(project, service, &pair, findings);
            region(&pair, findings);
        }
        for text in service
            .texts("command")
            .into_iter()
            .chain(service.texts("entrypoint"))
        {
            credentials_in_url(service, text, findings);
        }
    }
}

/// Whether a variable's name says that its value is secret.
pub fn is_secret_name(name: &str) -> bool {
    let name = name.to_ascii_uppercase().replace('-', "_");
    let points_elsewhere = [
        "_FILE",
        "_PATH",
        "_NAME",
        "_ID",
        "_ARN",
        "_LENGTH",
        "_TTL",
        "_EXPIRY",
        "_POLICY",
        "_EXPIRES_IN",
        "_EXPIRATION",
    ];
    let only_chooses = name.contains("ALLOW_EMPTY") || name.contains("RANDOM");
    if points_elsewhere.iter().any(|end| name.ends_with(end)) || only_chooses {
        return false;
    }
    SECRET_WORDS.iter().any(|word| {
        name.match_indices(word).any(|(at, _)| {
            let before = name[..at].chars().next_back();
            let after = name[at + word.len()..].chars().next();
            let long = word.len() > 4;
            let ends = |c: Option<char>| c.is_none_or(|c| c == '_' || c.is_ascii_digit());
            (long || ends(before)) && ends(after)
        })
    })
}

fn secret(project: &Project<'_>, service: &Service<'_>, pair: &Pair<'_>, findings: &mut Findings) {
    let Some(value) = pair
        .value
        .filter(|value| !value.is_empty() && !value.contains('$'))
    else {
        return;
    };
    let by_name = is_secret_name(pair.name)
        && !value.starts_with("/run/secrets")
        && !matches!(value, "true" | "false" | "yes" | "no");
    if !by_name && !has_credentials(value) {
        return;
    }
    let range = pair.at.range();
    let written = project.source.text.get(range.clone()).unwrap_or_default();
    findings.hide(match written.rfind(value) {
        Some(skip) => range.start + skip..range.start + skip + value.len(),
        None => range,
    });
    findings
        .add(
            &PLAIN_SECRET,
            pair.value_start,
            format!("`{}` of service `{}` stands here as plain text: whoever reads the file or the bundle knows it", pair.name, service.name),
        )
        .fix(format!("write `${{{}}}` here, and set it as a property of the environment that comes from Secrets Manager", pair.name));
}

/// `postgres://user:password@host`.
fn has_credentials(value: &str) -> bool {
    let Some((scheme, rest)) = value.split_once("://") else {
        return false;
    };
    let authority = rest.split(['/', '?', '#', ' ']).next().unwrap_or_default();
    let user = authority.rsplit_once('@').map(|(user, _)| user);
    let password = user
        .and_then(|user| user.split_once(':'))
        .map(|(_, password)| password);
    scheme
        .bytes()
        .next_back()
        .is_some_and(|byte| byte.is_ascii_alphanumeric())
        && password.is_some_and(|password| !password.is_empty() && !password.contains('$'))
}

fn credentials_in_url(service: &Service<'_>, at: At<'_>, findings: &mut Findings) {
    if at.text().is_some_and(has_credentials) {
        findings.hide(at.range());
        findings
            .add(
                &PLAIN_SECRET,
                at.range().start,
                format!(
                    "a password stands in a command of service `{}` as plain text",
                    service.name
                ),
            )
            .fix("read it from a variable, and set that as a property of the environment");
    }
}

/// Whether a part of a host name is meant as a region.
fn looks_like_region(label: &str) -> bool {
    let mut parts = label.split('-');
    let letters = |part: &str| !part.is_empty() && part.bytes().all(|b| b.is_ascii_lowercase());
    let area = parts
        .next()
        .is_some_and(|part| part.len() == 2 && letters(part));
    let number = parts
        .next_back()
        .is_some_and(|part| part.len() == 1 && part.bytes().all(|b| b.is_ascii_digit()));
    let middle: Vec<&str> = parts.collect();
    area && number
        && !middle.is_empty()
        && middle.iter().all(|part| letters(part) && part.len() > 2)
}

fn region(pair: &Pair<'_>, findings: &mut Findings) {
    let Some(value) = pair.value.filter(|value| !value.contains('$')) else {
        return;
    };
    let host = value.split_once("://").map_or(value, |(_, rest)| rest);
    let host = host.rsplit_once('@').map_or(host, |(_, host)| host);
    let host = host.split(['/', ':', '?', ',']).next().unwrap_or_default();
    let labels: Vec<&str> = host.split('.').collect();
    let of_aws = host.ends_with(".amazonaws.com") || host.ends_with(".amazonaws.com.cn");
    let of_rds = labels.contains(&"rds") && labels.len() > 3;
    let named = matches!(pair.name, "AWS_REGION" | "AWS_DEFAULT_REGION");
    if !(of_aws || of_rds || named) {
        return;
    }
    let start = pair.value_start;
    for label in labels.iter().filter(|label| looks_like_region(label)) {
        if REGIONS.contains(label) {
            continue;
        }
        let near = nearest(label, REGIONS.into_iter());
        let guess = near.map_or_else(String::new, |near| format!(": did you mean `{near}`?"));
        let draft = findings.add(
            &UNKNOWN_REGION,
            start,
            format!(
                "`{}` names the region `{label}`, which AWS does not have{guess}",
                pair.name
            ),
        );
        draft.fix(near.map_or_else(
            || "correct the region".to_owned(),
            |near| format!("write `{near}`"),
        ));
    }
    if of_rds && !of_aws {
        findings
            .add(
                &NO_RDS_NAME,
                start,
                format!(
                    "`{}` is no host name of RDS: these end in REGION.rds.amazonaws.com",
                    pair.name
                ),
            )
            .fix("copy the endpoint from RDS");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn secrets_are_known_by_their_names() {
        for name in [
            "MYSQL_ROOT_PASSWORD",
            "SECRET_KEY_BASE",
            "API_KEY",
            "JWT_SECRET",
            "DB_PASS",
            "GITHUB_TOKEN",
            "PGPASSWORD",
            "AWS_SECRET_ACCESS_KEY",
        ] {
            assert!(is_secret_name(name), "{name}");
        }
        for name in [
            "MYSQL_PASSWORD_FILE",
            "COMPASS_URL",
            "PASSENGER_APP",
            "MYSQL_ALLOW_EMPTY_PASSWORD",
            "KEYBOARD",
            "TOKENIZER",
            "SECRET_ARN",
            "POSTGRES_USER",
            "MYSQL_RANDOM_ROOT_PASSWORD",
        ] {
            assert!(!is_secret_name(name), "{name}");
        }
        assert!(has_credentials("postgres://u:p@db/x") && !has_credentials("http://u@h:80/a"));
        assert!(!has_credentials("redis://cache:6379") && !has_credentials("a:b@c"));
    }

    #[test]
    fn regions_are_told_from_other_names() {
        for label in ["ap-northest-2", "us-east-9", "us-gov-west-1"] {
            assert!(looks_like_region(label), "{label}");
        }
        for label in ["db-1", "my-app-12", "eu-1", "shop-db-eu"] {
            assert!(!looks_like_region(label), "{label}");
        }
        assert!(REGIONS.is_sorted());
    }
}
