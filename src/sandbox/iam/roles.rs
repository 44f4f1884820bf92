//! Roles.

use super::super::query::Failure;
use super::super::xml::Xml;
use super::model::{Identity, Role};
use super::{Context, conflict, encoded, exists, name, path, policies, write_tags};

pub(super) fn create(cx: &mut Context<'_>, xml: &mut Xml) -> Result<(), Failure> {
    let parameters = &cx.call.parameters;
    let name = name(parameters, "RoleName", 64)?;
    let trust = parameters.required("AssumeRolePolicyDocument")?;
    policies::check(trust)?;
    if cx.books.roles.contains_key(name) {
        return Err(exists(format!("Role with name {name} already exists.")));
    }
    let mut identity = Identity::new("AROA", path(parameters)?, cx.now());
    identity.boundary = parameters.text("PermissionsBoundary").map(str::to_owned);
    identity.tags = cx.tags()?;
    let role = Role {
        identity,
        trust: trust.to_owned(),
        description: parameters.text("Description").map(str::to_owned),
    };
    xml.group("Role", |xml| write(xml, cx, name, &role));
    cx.books.roles.insert(name.to_owned(), role);
    Ok(())
}

pub(super) fn get(cx: &mut Context<'_>, xml: &mut Xml) -> Result<(), Failure> {
    let name = cx.call.parameters.required("RoleName")?;
    let role = cx.role(name)?.clone();
    xml.group("Role", |xml| write(xml, cx, name, &role));
    Ok(())
}

pub(super) fn delete(cx: &mut Context<'_>, _: &mut Xml) -> Result<(), Failure> {
    let name = cx.call.parameters.required("RoleName")?;
    let role = cx.role(name)?;
    policies::removable(&role.identity)?;
    let holds = |profile: &super::Profile| profile.role.as_deref() == Some(name);
    if cx.books.profiles.values().any(holds) {
        return Err(conflict(
            "Cannot delete entity, must remove roles from instance profile first.",
        ));
    }
    cx.books.roles.remove(name);
    Ok(())
}

/// UpdateAssumeRolePolicy.
pub(super) fn trust(cx: &mut Context<'_>, _: &mut Xml) -> Result<(), Failure> {
    let parameters = &cx.call.parameters;
    let trust = parameters.required("PolicyDocument")?;
    policies::check(trust)?;
    cx.role(parameters.required("RoleName")?)?.trust = trust.to_owned();
    Ok(())
}

/// A role as every answer shows it.
pub(super) fn write(xml: &mut Xml, cx: &Context<'_>, name: &str, role: &Role) {
    let identity = &role.identity;
    xml.text("Path", &identity.path);
    xml.text("RoleName", name);
    xml.text("RoleId", &identity.id);
    xml.text("Arn", cx.arn("role", &identity.path, name));
    xml.time("CreateDate", identity.created);
    xml.text("AssumeRolePolicyDocument", encoded(&role.trust));
    xml.maybe("Description", role.description.as_ref());
    xml.text("MaxSessionDuration", 3600);
    if let Some(boundary) = &identity.boundary {
        xml.group("PermissionsBoundary", |xml| {
            xml.text("PermissionsBoundaryType", "Policy");
            xml.text("PermissionsBoundaryArn", boundary);
        });
    }
    write_tags(xml, &identity.tags);
}
