//! What the instances must be able to read besides their bundle: the secrets and parameters that
//! properties refer to, the keys of those, images in ECR, and what the project file adds.

mod arns;

use std::collections::BTreeSet;
use std::path::Path;

use super::database;
use super::grants::Inline;
use super::names::Place;
use super::policy::Template;
use crate::aws::error::Explain;
use crate::aws::{Aws, rds};
use crate::compose::images::Images;
use crate::deploy::bucket::{BucketWish, Encryption};
use crate::deploy::configuration::Configuration;
use crate::error::{Error, Kind, Result};
use crate::properties::resolve::without_key;
use crate::properties::sources::RdsPart;
use crate::properties::{Database, SECRETS, Source};
use crate::settings::Settings;
use arns::{key_arn, parameter, repository, secret};

/// The tag that RDS gives a secret in which it keeps a password: the ARN of the database.
const INSTANCE: &str = "aws:rds:primaryDBInstanceArn";

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
    /// Of our database, where RDS keeps its password.
    pub managed: Option<String>,
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
        let database = settings.config.database(&place.target);
        let arn = |it: &Database| place.arn("rds", &format!("db:{}", it.id));
        let mut found = Self {
            managed: database.as_ref().filter(|it| it.is_managed()).map(arn),
            ..Self::default()
        };
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
                    found.databases.extend(database.as_ref().map(arn));
                    if let Some(it) = database.as_ref().filter(|_| part == RdsPart::Password) {
                        ids.extend(kept_by_rds(aws, it, &mut found.notes).await?);
                    }
                }
                _ => {}
            }
        }
        let own = database.as_ref().filter(|it| it.names.is_some()).map(arn);
        for arn in referred(aws, seen, own.as_deref()).await? {
            match arn.split(':').nth(2) {
                Some("ssm") => drop(found.parameters.insert(arn)),
                Some(_) => drop(ids.insert(arn)),
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

    /// What names the secret of RDS with our database's password: the pattern of such secrets,
    /// and the database that its tag must name. Nothing, where RDS keeps no password of ours.
    #[must_use]
    pub fn kept(&self, place: &Place) -> [(&'static str, Vec<String>); 2] {
        let instance: Vec<String> = self.managed.iter().cloned().collect();
        let all = instance.iter();
        let all = all.map(|_| place.arn("secretsmanager", "secret:rds!db-*"));
        [("rds_secrets", all.collect()), ("rds_instance", instance)]
    }

    /// The policy that lets the instances read all this.
    ///
    /// # Errors
    /// As [`Template::fill`].
    pub fn policy(&self, place: &Place) -> Result<Inline> {
        let list = |all: &BTreeSet<String>| all.iter().cloned().collect();
        let [secrets, instance] = self.kept(place);
        let document = Template::References.fill(&[
            ("secrets", list(&self.secrets)),
            ("parameters", list(&self.parameters)),
            ("keys", list(&self.keys)),
            secrets,
            instance,
        ])?;
        let words = format!("may read {}", self.words());
        Ok(Inline { document, words })
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
        if let Some((_, id)) = self.managed.as_ref().and_then(|it| it.rsplit_once(':')) {
            words.push_str(&format!(", the password that RDS keeps of {id}"));
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
    if database.names.is_some() {
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

/// What an environment refers to, but for what RDS keeps of its own database.
async fn referred(
    aws: &Aws,
    seen: Option<&Configuration>,
    own: Option<&str>,
) -> Result<BTreeSet<String>> {
    let options = seen.into_iter().flat_map(|it| it.namespace(SECRETS));
    let values = options.map(|it| it.value.as_deref().unwrap_or_default());
    let mut all: BTreeSet<String> = values.map(without_key).map(str::to_owned).collect();
    for arn in all.clone() {
        if is_settled_otherwise(aws, &arn, own).await? {
            all.remove(&arn);
        }
    }
    Ok(all)
}

/// Whether an environment refers to a secret in which RDS keeps the password of our own database,
/// where `managed` is what counts, or kept it once: RDS deletes such a secret when it stops.
async fn is_settled_otherwise(aws: &Aws, arn: &str, own: Option<&str>) -> Result<bool> {
    let Some(own) = own.filter(|_| arn.contains(":secret:rds!db-")) else {
        return Ok(false);
    };
    match database::secret(aws, arn).await {
        Ok(None) => Ok(true),
        Ok(Some(seen)) => Ok(seen.tags.get(INSTANCE).map(String::as_str) == Some(own)),
        Err(error) if error.kind() == Kind::Denied => Ok(false),
        Err(error) => Err(error),
    }
}

fn sources(place: &Place, settings: &Settings) -> Vec<Source> {
    let key = place.target.key.as_deref();
    let sources = settings.config.property_sources(key);
    sources.into_values().collect()
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
