//! Users and their access keys.

use super::super::account::{MIXED, UPPER, random};
use super::super::query::Failure;
use super::super::xml::Xml;
use super::model::{AccessKey, Identity, User};
use super::{Context, conflict, exists, limit, missing, name, path, policies, write_tags};

/// How many keys a user may have.
const KEYS: usize = 2;

pub(super) fn create(cx: &mut Context<'_>, xml: &mut Xml) -> Result<(), Failure> {
    let parameters = &cx.call.parameters;
    let name = name(parameters, "UserName", 64)?;
    if cx.books.users.contains_key(name) {
        return Err(exists(format!("User with name {name} already exists.")));
    }
    let mut identity = Identity::new("AIDA", path(parameters)?, cx.now());
    identity.boundary = parameters.text("PermissionsBoundary").map(str::to_owned);
    identity.tags = cx.tags()?;
    let user = User {
        identity,
        keys: Default::default(),
    };
    xml.group("User", |xml| write(xml, cx, name, &user));
    cx.books.users.insert(name.to_owned(), user);
    Ok(())
}

pub(super) fn get(cx: &mut Context<'_>, xml: &mut Xml) -> Result<(), Failure> {
    let name = cx.call.parameters.required("UserName")?;
    let user = cx.user(name)?.clone();
    xml.group("User", |xml| write(xml, cx, name, &user));
    Ok(())
}

pub(super) fn delete(cx: &mut Context<'_>, _: &mut Xml) -> Result<(), Failure> {
    let name = cx.call.parameters.required("UserName")?;
    let user = cx.user(name)?;
    policies::removable(&user.identity)?;
    if !user.keys.is_empty() {
        return Err(conflict(
            "Cannot delete entity, must delete access keys first.",
        ));
    }
    cx.books.users.remove(name);
    Ok(())
}

pub(super) fn create_key(cx: &mut Context<'_>, xml: &mut Xml) -> Result<(), Failure> {
    let name = cx.call.parameters.required("UserName")?;
    let now = cx.now();
    let user = cx.user(name)?;
    if user.keys.len() >= KEYS {
        return Err(limit("Cannot exceed quota for AccessKeysPerUser: 2"));
    }
    let key = AccessKey {
        secret: random(MIXED, 40),
        active: true,
        created: now,
    };
    let id = format!("AKIA{}", random(UPPER, 16));
    xml.group("AccessKey", |xml| {
        write_key(xml, name, &id, &key);
        xml.text("SecretAccessKey", &key.secret);
    });
    user.keys.insert(id, key);
    Ok(())
}

pub(super) fn keys(cx: &mut Context<'_>, xml: &mut Xml) -> Result<(), Failure> {
    let name = cx.call.parameters.required("UserName")?;
    let user = cx.user(name)?;
    xml.list("AccessKeyMetadata", &user.keys, |xml, (id, key)| {
        write_key(xml, name, id, key);
    });
    xml.text("IsTruncated", false);
    Ok(())
}

pub(super) fn update_key(cx: &mut Context<'_>, _: &mut Xml) -> Result<(), Failure> {
    let parameters = &cx.call.parameters;
    let active = parameters.required("Status")? == "Active";
    let (name, id) = (
        parameters.required("UserName")?,
        parameters.required("AccessKeyId")?,
    );
    let key = cx.user(name)?.keys.get_mut(id);
    key.ok_or_else(|| no_key(id))?.active = active;
    Ok(())
}

pub(super) fn delete_key(cx: &mut Context<'_>, _: &mut Xml) -> Result<(), Failure> {
    let parameters = &cx.call.parameters;
    let (name, id) = (
        parameters.required("UserName")?,
        parameters.required("AccessKeyId")?,
    );
    let gone = cx.user(name)?.keys.remove(id);
    gone.map(drop).ok_or_else(|| no_key(id))
}

fn no_key(id: &str) -> Failure {
    missing(format!("The Access Key with id {id} cannot be found."))
}

fn write(xml: &mut Xml, cx: &Context<'_>, name: &str, user: &User) {
    let identity = &user.identity;
    xml.text("Path", &identity.path);
    xml.text("UserName", name);
    xml.text("UserId", &identity.id);
    xml.text("Arn", cx.arn("user", &identity.path, name));
    xml.time("CreateDate", identity.created);
    if let Some(boundary) = &identity.boundary {
        xml.group("PermissionsBoundary", |xml| {
            xml.text("PermissionsBoundaryType", "Policy");
            xml.text("PermissionsBoundaryArn", boundary);
        });
    }
    write_tags(xml, &identity.tags);
}

fn write_key(xml: &mut Xml, user: &str, id: &str, key: &AccessKey) {
    xml.text("UserName", user);
    xml.text("AccessKeyId", id);
    xml.text("Status", if key.active { "Active" } else { "Inactive" });
    xml.time("CreateDate", key.created);
}
