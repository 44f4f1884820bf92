//! What the instances must be able to read besides their bundle: the secrets and parameters that
//! properties refer to, the keys of those, images in ECR, and what the project file adds.

use std::collections::BTreeSet;
use std::path::Path;

use super::grants::Inline;
use super::names::Place;
use crate::aws::error::Explain;
use crate::aws::{Aws, rds};
use crate::compose::images::Images;
use crate::deploy::bucket::{BucketWish, Encryption};
use crate::deploy::configuration::Configuration;
use crate::error::{Error, Kind, Result};
use crate::properties::sources::RdsPart;
use crate::properties::{Database, SECRETS, Source};
use crate::settings::Settings;

/// ARNs, or patterns of them.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct References {
    /// Of secrets. AWS adds six characters to a name, whatever they are.
    pub secrets: BTreeSet<String>,
    /// Of parameters.
    pub parameters: BTreeSet<String>,
    /// Of the customer's own keys that the secrets are encrypted with.
    pub keys: BTreeSet<String>,
    /// Of repositories of ECR.
    pub repositories: BTreeSet<String>,
    /// Those of them whose images are built from the tree.
    pub built: BTreeSet<String>,
    /// Of the database that properties take something from.
    pub databases: BTreeSet<String>,
    /// Of the key that the bundles are encrypted with.
    pub bundle_key: Option<String>,
    /// Remarks on what could not be seen.
    pub notes: Vec<String>,
}

impl References {
    /// Everything that the project file and the environment as it is refer to.
    ///
    /// # Errors
    /// What AWS says.
    pub async fn find(
        aws: &Aws,
        place: &Place,
        settings: &Settings,
        seen: Option<&Configuration>,
        bucket: &BucketWish,
    ) -> Result<Self> {
        let mut found = Self::default();
        let mut ids = BTreeSet::new();
        for source in sources(place, settings) {
            match source {
                Source::Secret {
                    id, copy: false, ..
                } => drop(ids.insert(id)),
                Source::Parameter { name, copy: false } => {
                    found.parameters.insert(parameter(place, &name));
                }
                Source::Rds(part) => {
                    let database = settings.config.database(&place.target);
                    found.databases.extend(
                        database
                            .as_ref()
                            .map(|it| place.arn("rds", &format!("db:{}", it.id))),
                    );
                    if let Some(it) = database.filter(|_| part == RdsPart::Password) {
                        ids.extend(kept_by_rds(aws, &it, &mut found.notes).await?);
                    }
                }
                _ => {}
            }
        }
        for option in seen.into_iter().flat_map(|it| it.namespace(SECRETS)) {
            let value = option.value.as_deref().unwrap_or_default();
            let arn = crate::properties::resolve::without_key(value);
            match arn.split(':').nth(2) {
                Some("ssm") => drop(found.parameters.insert(arn.to_owned())),
                Some(_) => drop(ids.insert(arn.to_owned())),
                None => {}
            }
        }
        let own = place.own_secrets();
        let covered = |arn: &str| {
            own.strip_suffix('*')
                .is_some_and(|own| arn.starts_with(own))
        };
        for id in &ids {
            let arn = secret(place, id);
            if !covered(&arn) {
                found.secrets.insert(arn);
            }
            found
                .keys
                .extend(key(aws, place, id, &mut found.notes).await?);
        }
        found.secrets.insert(own);
        let file = settings.compose(place.target.key.as_deref());
        for image in Images::read(&settings.root, &file, &|_| None).services {
            if let Some(arn) = repository(place, &image.written) {
                found.built.extend(image.build.map(|_| arn.clone()));
                found.repositories.insert(arn);
            }
        }
        found.bundle_key = bundle_key(place, bucket, &mut found.notes);
        Ok(found)
    }

    /// The ARNs of databases, as a policy takes them.
    #[must_use]
    pub fn databases(&self) -> Vec<String> {
        self.databases.iter().cloned().collect()
    }

    /// What may be read, in words.
    #[must_use]
    pub fn words(&self) -> String {
        let name = |arn: &String| {
            arn.splitn(7, ':')
                .nth(6)
                .unwrap_or(arn)
                .replace("-??????", "")
        };
        let secrets: Vec<String> = self.secrets.iter().map(name).collect();
        let mut words = format!("the secrets {}", secrets.join(", "));
        let parameter = |arn: &String| {
            arn.split_once(":parameter")
                .map_or(arn.clone(), |(_, it)| it.to_owned())
        };
        let parameters: Vec<String> = self.parameters.iter().map(parameter).collect();
        if !parameters.is_empty() {
            words.push_str(&format!(", the parameters {}", parameters.join(", ")));
        }
        words
    }
}

/// The secret in which RDS keeps the password of a database that is not ours.
async fn kept_by_rds(
    aws: &Aws,
    database: &Database,
    notes: &mut Vec<String>,
) -> Result<Option<String>> {
    if database.secret.is_some() {
        return Ok(None);
    }
    let seen = rds::instance(aws, &database.id).await?;
    let secret = seen.as_ref().and_then(|it| it.secret());
    if secret.is_none() {
        notes.push(format!(
            "RDS keeps no secret with the password of {}: `{{ rds: password }}` will have no value",
            database.id
        ));
    }
    Ok(secret.map(str::to_owned))
}

fn sources(place: &Place, settings: &Settings) -> Vec<Source> {
    let key = place.target.key.as_deref();
    let sources = settings.config.property_sources(key);
    sources.into_values().collect()
}

/// The pattern of a secret's ARN, from its name or ARN.
fn secret(place: &Place, id: &str) -> String {
    if !id.starts_with("arn:") {
        return place.secret(id);
    }
    match id.rsplit_once('-') {
        Some((name, end)) if end.len() == 6 => format!("{name}-??????"),
        _ => format!("{id}-??????"),
    }
}

fn parameter(place: &Place, name: &str) -> String {
    match name.starts_with("arn:") {
        true => name.to_owned(),
        false => place.arn(
            "ssm",
            &format!("parameter/{}", name.trim_start_matches('/')),
        ),
    }
}

/// The customer's key that a secret is encrypted with, if it is not AWS's own.
async fn key(
    aws: &Aws,
    place: &Place,
    id: &str,
    notes: &mut Vec<String>,
) -> Result<Option<String>> {
    let told = aws.secrets.describe_secret().secret_id(id).send().await;
    let told = match told.explain("secretsmanager", "DescribeSecret") {
        Ok(told) => told,
        Err(error) if error.code() == Some("ResourceNotFoundException") => {
            notes.push(format!(
                "there is no secret {id} yet: make it before you deploy"
            ));
            return Ok(None);
        }
        Err(error) if error.kind() == Kind::Denied => {
            notes.push(format!("the key of the secret {id} is not known: you may not call secretsmanager:DescribeSecret"));
            return Ok(None);
        }
        Err(error) => return Err(error),
    };
    let named = told.kms_key_id().filter(|it| !it.contains("alias/aws/"));
    let Some(named) = named else {
        return Ok(None);
    };
    let arn = key_arn(place, named);
    if arn.is_none() {
        notes.push(format!(
            "the secret {id} is encrypted with {named}: allow the instances kms:Decrypt of that key with `instance_role.policies`"
        ));
    }
    Ok(arn)
}

/// The ARN of a key; an alias does not lead to it.
fn key_arn(place: &Place, named: &str) -> Option<String> {
    match named {
        arn if arn.starts_with("arn:") && arn.contains(":key/") => Some(arn.to_owned()),
        other if other.contains("alias/") => None,
        id => Some(place.arn("kms", &format!("key/{id}"))),
    }
}

fn bundle_key(place: &Place, bucket: &BucketWish, notes: &mut Vec<String>) -> Option<String> {
    let Some(Encryption::Kms(Some(named))) = &bucket.encryption else {
        return None;
    };
    let arn = key_arn(place, named);
    if arn.is_none() {
        notes.push(format!(
            "`bucket_kms_key_id` is the alias {named}: name the key by its ARN, so that the roles get the right to use it"
        ));
    }
    arn
}

/// The ARN of the repository that an image comes from, if that is ECR.
fn repository(place: &Place, image: &str) -> Option<String> {
    let (host, rest) = image.split_once('/')?;
    let (account, rest_of_host) = host.split_once(".dkr.ecr.")?;
    let (region, _) = rest_of_host.split_once(".amazonaws.com")?;
    let name = rest.split('@').next()?.split(':').next()?;
    // A variable in the name: any repository that fits the rest.
    let name = match name.split_once('$') {
        Some((start, _)) => format!("{start}*"),
        None => name.to_owned(),
    };
    let partition = place.partition();
    Some(format!(
        "arn:{partition}:ecr:{region}:{account}:repository/{name}"
    ))
}

/// A policy of the project's own: the file's name is the policy's.
///
/// # Errors
/// [`Kind::Io`] or [`Kind::Config`].
pub fn policy_file(root: &Path, file: &str) -> Result<(String, Inline)> {
    let path = root.join(file);
    let text =
        std::fs::read_to_string(&path).map_err(|why| Error::io("read", Path::new(file), &why))?;
    let document: serde_json::Value = serde_json::from_str(&text).map_err(|why| {
        Error::new(Kind::Config, format!("{file} is no policy: {why}"))
            .hint(format!("check it with `python3 -m json.tool {file}`"))
    })?;
    let words = format!("what {file} allows");
    let name = path
        .file_stem()
        .unwrap_or_default()
        .to_string_lossy()
        .into_owned();
    if ["references", "images", "bundles", "registry"].contains(&name.as_str()) {
        return Err(Error::new(
            Kind::Config,
            format!("{file} cannot be used: a policy of that name is beanship's own"),
        )
        .hint(format!("rename it: `mv {file} app-{name}.json`")));
    }
    Ok((name, Inline { document, words }))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::settings::Target;

    #[test]
    fn ids_become_arns_and_patterns() {
        let place = Place {
            account: "1".into(),
            region: "eu-west-1".into(),
            target: Target {
                app: "shop".into(),
                key: None,
                environment: "shop-prod".into(),
            },
            path: "/".into(),
            tags: super::super::names::Tags::new(),
        };
        let lines = [
            secret(&place, "prod/mysql"),
            secret(
                &place,
                "arn:aws:secretsmanager:eu-west-1:1:secret:prod/mysql-AbCdEf",
            ),
            secret(&place, "arn:aws:secretsmanager:eu-west-1:1:secret:prod"),
            parameter(&place, "/shop/key"),
            repository(
                &place,
                "2.dkr.ecr.us-east-1.amazonaws.com/team/web:1.2@sha256:x",
            )
            .unwrap_or_default(),
            repository(&place, "2.dkr.ecr.us-east-1.amazonaws.com/team/${X}").unwrap_or_default(),
            format!("{:?}", repository(&place, "nginx:1.27")),
            format!("{:?}", key_arn(&place, "1234-ab")),
            format!("{:?}", key_arn(&place, "alias/mine")),
        ];
        insta::assert_snapshot!(lines.join("\n"), @r#"
        arn:aws:secretsmanager:eu-west-1:1:secret:prod/mysql-??????
        arn:aws:secretsmanager:eu-west-1:1:secret:prod/mysql-??????
        arn:aws:secretsmanager:eu-west-1:1:secret:prod-??????
        arn:aws:ssm:eu-west-1:1:parameter/shop/key
        arn:aws:ecr:us-east-1:2:repository/team/web
        arn:aws:ecr:us-east-1:2:repository/team/*
        None
        Some("arn:aws:kms:eu-west-1:1:key/1234-ab")
        None
        "#);
    }
}
