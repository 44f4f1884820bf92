//! The access key of a user that deploys: when one is made, and how it gets to who asked for it.
//! A tag of the user is the receipt: it names the key that somebody has received. A key without it
//! was made by a run that ended before it could hand it over; nobody has it.

use std::io::Write;
use std::path::{Path, PathBuf};

use aws_sdk_iam::types::{StatusType, Tag};
use serde_json::json;

use super::names::{RECEIPT, Tags};
use super::steps::BootstrapStep;
use crate::aws::Aws;
use crate::aws::error::Explain;
use crate::deploy::World;
use crate::error::{Error, Kind, Result};

/// What becomes of the access key.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct KeyOrder {
    /// Where a new one goes.
    pub to: Option<KeyOut>,
    /// Whether a new one is made although there is one.
    pub rotate: bool,
}

/// Where an access key goes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum KeyOut {
    /// Into a file that only its owner may read.
    File(PathBuf),
    /// To stdout, in place of the result.
    Stdout,
}

/// An access key that is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SeenKey {
    /// Its id.
    pub id: String,
    /// Whether it can be used.
    pub active: bool,
}

/// The steps to a key that somebody has received.
///
/// # Errors
/// [`Kind::Usage`] where one would be made and nobody said where it goes.
pub fn plan(
    user: &str,
    order: &KeyOrder,
    tags: &Tags,
    keys: &[SeenKey],
) -> Result<Vec<BootstrapStep>> {
    let receipt = tags.get(RECEIPT);
    let received = keys.iter().find(|key| Some(&key.id) == receipt);
    if received.is_some_and(|key| key.active) && !order.rotate {
        return Ok(Vec::new());
    }
    let Some(to) = order.to.clone() else {
        return Err(Error::new(
            Kind::Usage,
            format!("the user {user} needs an access key, and nobody said where it goes"),
        )
        .hint("name a file for it: `beanship bootstrap --access-key-out deployer.json`, or `-` for stdout"));
    };
    let user = user.to_owned();
    let mut steps = Vec::new();
    for key in keys.iter().filter(|key| Some(&key.id) != receipt) {
        steps.push(BootstrapStep::DeleteKey {
            user: user.clone(),
            id: key.id.clone(),
            why: match key.active {
                true => "nobody has received it",
                false => "it was replaced before",
            },
        });
    }
    if let Some(key) = received.filter(|key| key.active) {
        steps.push(BootstrapStep::DeactivateKey {
            user: user.clone(),
            id: key.id.clone(),
        });
    }
    steps.push(BootstrapStep::CreateKey { user, to });
    Ok(steps)
}

/// Makes a key, hands it over, and notes the receipt. The answer is the key's id.
///
/// # Errors
/// [`Kind::Io`] where the file cannot be written, before a key is made if possible; else what AWS
/// says.
pub(super) async fn create(world: &World, user: &str, to: &KeyOut) -> Result<String> {
    let file = match to {
        KeyOut::File(path) => Some((prepared(path)?, path)),
        KeyOut::Stdout => None,
    };
    let made = world
        .aws
        .iam
        .create_access_key()
        .user_name(user)
        .customize()
        // A second try would make a second key, where only the answer was lost.
        .config_override(
            aws_sdk_iam::config::Builder::default()
                .retry_config(aws_config::retry::RetryConfig::disabled()),
        )
        .send()
        .await
        .explain("iam", "CreateAccessKey")?;
    let key = made
        .access_key()
        .ok_or_else(|| Error::new(Kind::Aws, "iam:CreateAccessKey was answered without a key"))?;
    let document = json!({
        "AccessKeyId": key.access_key_id(),
        "SecretAccessKey": key.secret_access_key(),
    });
    let text = format!("{document:#}\n");
    match file {
        Some((file, path)) => keep(file, path, text.as_bytes())?,
        None => {
            let told = world.out.raw(&mut text.as_bytes());
            told.map_err(|why| Error::io("write", Path::new("stdout"), &why))?;
        }
    }
    world.out.hide(key.secret_access_key());
    note(&world.aws, user, key.access_key_id()).await?;
    Ok(key.access_key_id().to_owned())
}

/// A file beside the one that is meant, which only its owner may read.
fn prepared(path: &Path) -> Result<tempfile::NamedTempFile> {
    let folder = path.parent().filter(|it| *it != Path::new(""));
    let folder = folder.unwrap_or_else(|| Path::new("."));
    tempfile::NamedTempFile::new_in(folder).map_err(|why| Error::io("write", path, &why))
}

fn keep(mut file: tempfile::NamedTempFile, path: &Path, text: &[u8]) -> Result<()> {
    let written = file
        .write_all(text)
        .and_then(|()| file.as_file().sync_all());
    let kept = written.and_then(|()| file.persist(path).map(drop).map_err(|it| it.error));
    kept.map_err(|why| Error::io("write", path, &why))
}

async fn note(aws: &Aws, user: &str, id: &str) -> Result<()> {
    let tag = Tag::builder().key(RECEIPT).value(id).build();
    let tag = tag.map_err(|why| Error::new(Kind::Aws, why.to_string()))?;
    let noted = aws.iam.tag_user().user_name(user).tags(tag).send().await;
    noted.explain("iam", "TagUser").map(drop)
}

pub(super) async fn delete(aws: &Aws, user: &str, id: &str) -> Result<()> {
    let call = aws
        .iam
        .delete_access_key()
        .user_name(user)
        .access_key_id(id);
    match call.send().await.explain("iam", "DeleteAccessKey") {
        Err(error) if error.code() == Some("NoSuchEntity") => Ok(()),
        other => other.map(drop),
    }
}

pub(super) async fn deactivate(aws: &Aws, user: &str, id: &str) -> Result<()> {
    let call = aws
        .iam
        .update_access_key()
        .user_name(user)
        .access_key_id(id)
        .status(StatusType::Inactive);
    let done = call.send().await.explain("iam", "UpdateAccessKey");
    done.map(drop)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::plan::Step;

    #[test]
    fn a_key_is_made_where_nobody_has_received_one() {
        let planned = |keys: &str, receipt: &str, rotate: bool| {
            let seen: Vec<SeenKey> = keys
                .split_whitespace()
                .map(|key| SeenKey {
                    id: key.trim_end_matches('!').into(),
                    active: !key.ends_with('!'),
                })
                .collect();
            let tags = Tags::from([(RECEIPT.to_owned(), receipt.to_owned())]);
            let order = KeyOrder {
                to: Some(KeyOut::Stdout),
                rotate,
            };
            let steps = plan("ci", &order, &tags, &seen).expect("a plan");
            let words: Vec<_> = steps.iter().map(Step::past).collect();
            format!("{keys} / {receipt} / {rotate}: {}", words.join(", "))
        };
        let cases = [
            planned("", "", false),
            planned("A", "", false),
            planned("A", "A", false),
            planned("A B", "A", false),
            planned("A! B", "A", false),
            planned("A!", "A", false),
            planned("A", "gone", false),
            planned("A", "A", true),
            planned("A! B", "B", true),
        ];
        insta::assert_snapshot!(cases.join("\n"), @"
         /  / false: Handed over an access key of ci
        A /  / false: Deleted the access key A, Handed over an access key of ci
        A / A / false: 
        A B / A / false: 
        A! B / A / false: Deleted the access key B, Handed over an access key of ci
        A! / A / false: Handed over an access key of ci
        A / gone / false: Deleted the access key A, Handed over an access key of ci
        A / A / true: Deactivated the access key A, Handed over an access key of ci
        A! B / B / true: Deleted the access key A, Deactivated the access key B, Handed over an access key of ci
        ");
        let nowhere = plan("ci", &KeyOrder::default(), &Tags::new(), &[]);
        assert_eq!(nowhere.expect_err("nowhere").kind(), Kind::Usage);
    }
}
