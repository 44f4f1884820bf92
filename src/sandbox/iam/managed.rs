//! Managed policies of the account's own: up to five versions each, of which one counts.

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::super::account::{UPPER, random};
use super::super::query::Failure;
use super::super::xml::Xml;
use super::model::{Identity, Tags};
use super::policies::{check, counted};
use super::{Context, conflict, encoded, exists, limit, missing, name, path, write_tags};

/// How many characters a document may have, and how many versions there may be.
const LONGEST: usize = 6_144;
const VERSIONS: usize = 5;

#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct Managed {
    path: String,
    id: String,
    created: Timestamp,
    tags: Tags,
    /// Documents by number, as they were given.
    versions: BTreeMap<u32, (String, Timestamp)>,
    default: u32,
}

pub(super) fn create(cx: &mut Context<'_>, xml: &mut Xml) -> Result<(), Failure> {
    let parameters = &cx.call.parameters;
    let name = name(parameters, "PolicyName", 128)?;
    let document = document(cx)?;
    if cx.books.policies.contains_key(name) {
        let message =
            format!("A policy called {name} already exists. Duplicate names are not allowed.");
        return Err(exists(message));
    }
    let policy = Managed {
        path: path(parameters)?.to_owned(),
        id: format!("ANPA{}", random(UPPER, 17)),
        created: cx.now(),
        tags: cx.tags()?,
        versions: BTreeMap::from([(1, (document, cx.now()))]),
        default: 1,
    };
    xml.group("Policy", |xml| write(xml, cx, name, &policy));
    cx.books.policies.insert(name.to_owned(), policy);
    Ok(())
}

pub(super) fn get(cx: &mut Context<'_>, xml: &mut Xml) -> Result<(), Failure> {
    let (name, policy) = found(cx)?;
    let policy = policy.clone();
    xml.group("Policy", |xml| write(xml, cx, &name, &policy));
    Ok(())
}

pub(super) fn version(cx: &mut Context<'_>, xml: &mut Xml) -> Result<(), Failure> {
    let number = number(cx)?;
    let (_, policy) = found(cx)?;
    let (document, made) = policy
        .versions
        .get(&number)
        .ok_or_else(|| no_version(number))?;
    xml.group("PolicyVersion", |xml| {
        xml.text("Document", encoded(document));
        write_version(xml, policy, number, *made);
    });
    Ok(())
}

pub(super) fn versions(cx: &mut Context<'_>, xml: &mut Xml) -> Result<(), Failure> {
    let (_, policy) = found(cx)?;
    xml.list(
        "Versions",
        policy.versions.iter().rev(),
        |xml, (number, (_, made))| {
            write_version(xml, policy, *number, *made);
        },
    );
    xml.text("IsTruncated", false);
    Ok(())
}

pub(super) fn create_version(cx: &mut Context<'_>, xml: &mut Xml) -> Result<(), Failure> {
    let document = document(cx)?;
    let (now, counts) = (
        cx.now(),
        cx.call.parameters.flag("SetAsDefault")? == Some(true),
    );
    let (_, policy) = found(cx)?;
    if policy.versions.len() >= VERSIONS {
        return Err(limit(
            "A managed policy can have up to 5 versions. Before you create a new version, you must delete an existing version.",
        ));
    }
    let number = policy.versions.keys().max().map_or(1, |it| it + 1);
    policy.versions.insert(number, (document, now));
    if counts {
        policy.default = number;
    }
    xml.group("PolicyVersion", |xml| {
        write_version(xml, policy, number, now);
    });
    Ok(())
}

pub(super) fn delete_version(cx: &mut Context<'_>, _: &mut Xml) -> Result<(), Failure> {
    let number = number(cx)?;
    let (_, policy) = found(cx)?;
    if number == policy.default {
        return Err(conflict("Cannot delete the default version of a policy."));
    }
    let gone = policy.versions.remove(&number);
    gone.map(drop).ok_or_else(|| no_version(number))
}

pub(super) fn delete(cx: &mut Context<'_>, _: &mut Xml) -> Result<(), Failure> {
    let arn = cx.call.parameters.required("PolicyArn")?;
    let users = cx.books.users.values().map(|it| &it.identity);
    let mut holders = users.chain(cx.books.roles.values().map(|it| &it.identity));
    if holders.any(|it| it.attached.contains(arn)) {
        return Err(conflict("Cannot delete a policy attached to entities."));
    }
    let (name, policy) = found(cx)?;
    if policy.versions.len() > 1 {
        return Err(conflict(
            "This policy has more than one version. Before you delete a policy, you must delete the policy's versions. The default version is deleted with the policy.",
        ));
    }
    cx.books.policies.remove(&name);
    Ok(())
}

/// The documents of the account's own policies that are attached to somebody.
pub(super) fn attached<'a>(
    policies: &'a BTreeMap<String, Managed>,
    identity: &'a Identity,
) -> impl Iterator<Item = &'a String> {
    let arns = identity.attached.iter();
    let own = arns.filter_map(move |arn| {
        let named = policies.get(arn.rsplit('/').next()?)?;
        let is = !arn.contains("::aws:");
        is.then(|| named.versions.get(&named.default)).flatten()
    });
    own.map(|(document, _)| document)
}

fn found<'a>(cx: &'a mut Context<'_>) -> Result<(String, &'a mut Managed), Failure> {
    let arn = cx.call.parameters.required("PolicyArn")?;
    let name = arn.rsplit('/').next().unwrap_or(arn).to_owned();
    let policy = cx.books.policies.get_mut(&name);
    let policy = policy.ok_or_else(|| missing(format!("Policy {arn} was not found.")))?;
    Ok((name, policy))
}

fn document(cx: &Context<'_>) -> Result<String, Failure> {
    let document = cx.call.parameters.required("PolicyDocument")?;
    check(document)?;
    match counted(document) > LONGEST {
        true => Err(limit(&format!(
            "Cannot exceed quota for PolicySize: {LONGEST}"
        ))),
        false => Ok(document.to_owned()),
    }
}

/// The number of `v3`.
fn number(cx: &Context<'_>) -> Result<u32, Failure> {
    let id = cx.call.parameters.required("VersionId")?;
    let number = id.strip_prefix('v').and_then(|it| it.parse().ok());
    number.ok_or_else(|| {
        Failure::constraint(
            Some(id),
            "VersionId",
            "Member must satisfy regular expression pattern: v[1-9][0-9]*",
        )
    })
}

fn no_version(number: u32) -> Failure {
    missing(format!("Policy version v{number} does not exist."))
}

fn write(xml: &mut Xml, cx: &Context<'_>, name: &str, policy: &Managed) {
    let arn = cx.arn("policy", &policy.path, name);
    let users = cx.books.users.values().map(|it| &it.identity);
    let holders = users.chain(cx.books.roles.values().map(|it| &it.identity));
    let count = holders.filter(|it| it.attached.contains(&arn)).count();
    xml.text("PolicyName", name);
    xml.text("PolicyId", &policy.id);
    xml.text("Arn", arn);
    xml.text("Path", &policy.path);
    xml.text("DefaultVersionId", format!("v{}", policy.default));
    xml.text("AttachmentCount", count);
    xml.text("IsAttachable", true);
    xml.time("CreateDate", policy.created);
    write_tags(xml, &policy.tags);
}

fn write_version(xml: &mut Xml, policy: &Managed, number: u32, made: Timestamp) {
    xml.text("VersionId", format!("v{number}"));
    xml.text("IsDefaultVersion", number == policy.default);
    xml.time("CreateDate", made);
}
