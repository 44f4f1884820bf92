//! Instance profiles.

use jiff::Timestamp;

use super::super::account::{UPPER, random};
use super::super::query::Failure;
use super::super::xml::Xml;
use super::model::{Identity, Profile, Role, Tags};
use super::{
    Context, USUAL_PROFILE, conflict, exists, limit, missing, name, path, roles, write_tags,
};

pub(super) fn create(cx: &mut Context<'_>, xml: &mut Xml) -> Result<(), Failure> {
    let parameters = &cx.call.parameters;
    let name = name(parameters, "InstanceProfileName", 128)?;
    if cx.books.profiles.contains_key(name) {
        return Err(exists(format!("Instance Profile {name} already exists.")));
    }
    let profile = Profile {
        path: path(parameters)?.to_owned(),
        id: format!("AIPA{}", random(UPPER, 17)),
        created: cx.now(),
        role: None,
        tags: cx.tags()?,
    };
    xml.group("InstanceProfile", |xml| {
        write(xml, cx, name, &profile, None);
    });
    cx.books.profiles.insert(name.to_owned(), profile);
    Ok(())
}

pub(super) fn get(cx: &mut Context<'_>, xml: &mut Xml) -> Result<(), Failure> {
    let name = cx.call.parameters.required("InstanceProfileName")?;
    if name == USUAL_PROFILE && !cx.books.profiles.contains_key(name) {
        let (profile, role) = usual();
        xml.group("InstanceProfile", |xml| {
            write(xml, cx, name, &profile, Some((name, &role)));
        });
        return Ok(());
    }
    let profile = profile(cx, name)?.clone();
    let holds = |name: String| {
        let role = cx.books.roles.get(&name)?.clone();
        cx.is_settled(role.identity.created).then_some((name, role))
    };
    let role = profile.role.clone().and_then(holds);
    let role = role.as_ref().map(|(name, role)| (name.as_str(), role));
    xml.group("InstanceProfile", |xml| {
        write(xml, cx, name, &profile, role);
    });
    Ok(())
}

pub(super) fn add(cx: &mut Context<'_>, _: &mut Xml) -> Result<(), Failure> {
    let parameters = &cx.call.parameters;
    let role = parameters.required("RoleName")?;
    cx.role(role)?;
    let profile = profile(cx, parameters.required("InstanceProfileName")?)?;
    if profile.role.is_some() {
        return Err(limit(
            "Cannot exceed quota for InstanceSessionsPerInstanceProfile: 1",
        ));
    }
    profile.role = Some(role.to_owned());
    Ok(())
}

pub(super) fn remove(cx: &mut Context<'_>, _: &mut Xml) -> Result<(), Failure> {
    let parameters = &cx.call.parameters;
    let role = parameters.required("RoleName")?;
    let profile = profile(cx, parameters.required("InstanceProfileName")?)?;
    if profile.role.as_deref() != Some(role) {
        return Err(missing(format!(
            "The role with name {role} cannot be found."
        )));
    }
    profile.role = None;
    Ok(())
}

pub(super) fn delete(cx: &mut Context<'_>, _: &mut Xml) -> Result<(), Failure> {
    let name = cx.call.parameters.required("InstanceProfileName")?;
    if profile(cx, name)?.role.is_some() {
        return Err(conflict(
            "Cannot delete entity, must remove roles from instance profile first.",
        ));
    }
    cx.books.profiles.remove(name);
    Ok(())
}

fn profile<'a>(cx: &'a mut Context<'_>, name: &str) -> Result<&'a mut Profile, Failure> {
    let created = cx.books.profiles.get(name).map(|it| it.created);
    let known = created.is_some_and(|created| cx.is_settled(created));
    let found = cx.books.profiles.get_mut(name).filter(|_| known);
    found.ok_or_else(|| missing(format!("Instance Profile {name} cannot be found.")))
}

/// The profile that is always there, with a role of the same name.
fn usual() -> (Profile, Role) {
    let created = Timestamp::UNIX_EPOCH;
    let profile = Profile {
        path: "/".to_owned(),
        id: "AIPASANDBOXSANDBOX123".to_owned(),
        created,
        role: Some(USUAL_PROFILE.to_owned()),
        tags: Tags::new(),
    };
    let role = Role {
        identity: Identity {
            id: "AROASANDBOXSANDBOX123".to_owned(),
            ..Identity::new("AROA", "/", created)
        },
        trust: r#"{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":{"Service":"ec2.amazonaws.com"},"Action":"sts:AssumeRole"}]}"#.to_owned(),
        description: None,
    };
    (profile, role)
}

fn write(
    xml: &mut Xml,
    cx: &Context<'_>,
    name: &str,
    profile: &Profile,
    role: Option<(&str, &Role)>,
) {
    xml.text("Path", &profile.path);
    xml.text("InstanceProfileName", name);
    xml.text("InstanceProfileId", &profile.id);
    xml.text("Arn", cx.arn("instance-profile", &profile.path, name));
    xml.time("CreateDate", profile.created);
    xml.list("Roles", role, |xml, (name, role)| {
        roles::write(xml, cx, name, role);
    });
    write_tags(xml, &profile.tags);
}
