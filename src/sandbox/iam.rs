//! IAM, no further than a deploy asks: instance profiles with a role of the same name, and whether a role may read a
//! secret, which every role may unless `trouble.yml` calls the secret unreadable.

use super::World;
use super::gateway::Call;
use super::query::Failure;
use super::xml::Xml;

pub(super) const NAMESPACE: &str = "https://iam.amazonaws.com/doc/2010-05-08/";

/// Carries out one call.
pub(super) fn answer(world: &World, call: &Call) -> Result<Xml, Failure> {
    let mut xml = Xml::new();
    match call.operation.as_str() {
        "GetInstanceProfile" => profile(world, call, &mut xml)?,
        "SimulatePrincipalPolicy" => simulate(world, call, &mut xml)?,
        operation => {
            let version = call.parameters.text("Version").unwrap_or_default();
            return Err(Failure::new(
                "InvalidAction",
                format!("Could not find operation {operation} for version {version}"),
            ));
        }
    }
    Ok(xml)
}

/// Every instance profile there may be exists.
fn profile(world: &World, call: &Call, xml: &mut Xml) -> Result<(), Failure> {
    let name = call.parameters.required("InstanceProfileName")?;
    let arn = |kind: &str| format!("arn:aws:iam::{}:{kind}/{name}", world.account.id);
    let common = |xml: &mut Xml| {
        xml.text("Path", "/");
        xml.time("CreateDate", jiff::Timestamp::UNIX_EPOCH);
    };
    xml.group("InstanceProfile", |xml| {
        common(xml);
        xml.text("InstanceProfileName", name);
        xml.text("InstanceProfileId", "AIPASANDBOXSANDBOX123");
        xml.text("Arn", arn("instance-profile"));
        xml.list("Roles", [()], |xml, ()| {
            common(xml);
            xml.text("RoleName", name);
            xml.text("RoleId", "AROASANDBOXSANDBOX123");
            xml.text("Arn", arn("role"));
        });
    });
    Ok(())
}

fn simulate(world: &World, call: &Call, xml: &mut Xml) -> Result<(), Failure> {
    call.parameters.required("PolicySourceArn")?;
    let actions = call.parameters.texts("ActionNames").unwrap_or_default();
    let resources = call.parameters.texts("ResourceArns");
    let resources = resources.unwrap_or_else(|| vec!["*"]);
    let pairs = actions
        .iter()
        .flat_map(|action| resources.iter().map(move |resource| (action, resource)));
    xml.list("EvaluationResults", pairs, |xml, (action, resource)| {
        let readable = world.faults.lets_read(&name_in(resource));
        xml.text("EvalActionName", action);
        xml.text("EvalResourceName", resource);
        let decision = if readable { "allowed" } else { "implicitDeny" };
        xml.text("EvalDecision", decision);
    });
    xml.text("IsTruncated", false);
    Ok(())
}

/// The name of the secret or parameter that an ARN means.
pub(super) fn name_in(arn: &str) -> String {
    let mut parts = arn.splitn(7, ':').skip(5);
    match (parts.next(), parts.next()) {
        (Some("secret"), Some(rest)) => {
            let name = rest.split(':').next().unwrap_or(rest);
            name.rsplit_once('-').map_or(name, |(name, _)| name).into()
        }
        (Some(parameter), _) if parameter.starts_with("parameter/") => {
            let name = &parameter["parameter".len()..];
            match name[1..].contains('/') {
                true => name.to_owned(),
                false => name[1..].to_owned(),
            }
        }
        _ => arn.to_owned(),
    }
}
