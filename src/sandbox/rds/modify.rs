//! Changes of an instance: some at once, some with a pause, or in the next maintenance window.

use super::super::ec2::Network;
use super::super::query::Failure;
use super::super::xml::Xml;
use super::model::{Change, Instance, Shape};
use super::{Context, catalog, checks, combination, invalid, managed, required, views};

/// Seconds that a change with a pause, and a new password, take.
const MODIFYING: f64 = 2.0;
const RESETTING: f64 = 1.0;

pub(super) fn modify(cx: &mut Context<'_>, xml: &mut Xml) -> Result<(), Failure> {
    let call = cx.call;
    let parameters = &call.parameters;
    let id = required(parameters, "DBInstanceIdentifier")?.to_lowercase();
    let mut instance = cx.instance(&id)?.clone();
    if instance.status != "available" {
        let message = "Database instance is not in available state.";
        return Err(Failure::new("InvalidDBInstanceState", message));
    }
    let shape = shape(cx, &instance)?;
    if let Some(days) = checks::number(parameters, "BackupRetentionPeriod", 0, 35)? {
        instance.backup_days = days;
    }
    if let Some(protected) = parameters.flag("DeletionProtection")? {
        instance.protected = protected;
    }
    if let Some(public) = parameters.flag("PubliclyAccessible")? {
        instance.public = public;
    }
    if parameters
        .text("VpcSecurityGroupIds.VpcSecurityGroupId.1")
        .is_some()
    {
        let group = cx.region.groups.get(&instance.subnet_group);
        let vpc = group.map(|it| it.vpc.clone()).unwrap_or_default();
        let network = Network::of(cx.world, &call.region)?;
        instance.groups = super::instances::security_groups(cx, &network, &vpc)?;
    }
    let mut busy: Option<(&str, f64)> = None;
    let at_once = parameters.flag("ApplyImmediately")? == Some(true);
    if set_password(cx, &id, &mut instance, at_once)? {
        busy = Some(("resetting-master-credentials", RESETTING));
    }
    match shape == instance.shape {
        true => {}
        false if at_once => {
            busy = Some(("modifying", MODIFYING));
            let moment = cx.after(MODIFYING, Change::Shape(shape));
            instance.future.push(moment);
        }
        false => instance.pending = Some(shape),
    }
    xml.group("DBInstance", |xml| views::instance(xml, cx, &id, &instance));
    if let Some((status, seconds)) = busy {
        // The answer still shows the old status, as AWS' does.
        instance.status = status.to_owned();
        let ready = Change::Status("available".to_owned());
        instance.future.push(cx.after(seconds, ready));
    }
    cx.region.instances.insert(id, instance);
    Ok(())
}

fn shape(cx: &Context<'_>, instance: &Instance) -> Result<Shape, Failure> {
    let parameters = cx.parameters();
    let mut shape = instance.shape.clone();
    if let Some(class) = parameters.text("DBInstanceClass") {
        if !catalog::offers(class, &instance.zone) {
            let message = format!("Invalid DB Instance class: {class}");
            return Err(invalid(message));
        }
        shape.class = class.to_owned();
    }
    if let Some(storage) = checks::number(parameters, "AllocatedStorage", 20, 65_536)? {
        if storage < shape.storage {
            return Err(combination(
                "Invalid max storage size or requested storage size is less than the current one.",
            ));
        }
        shape.storage = storage;
    }
    if let Some(version) = parameters.text("EngineVersion") {
        let version = catalog::version(&instance.engine, Some(version))?;
        let major = |version: &str| catalog::major(&instance.engine, version).to_owned();
        let allowed = parameters.flag("AllowMajorVersionUpgrade")? == Some(true);
        if major(&version) != major(&shape.version) && !allowed {
            return Err(combination(
                "The AllowMajorVersionUpgrade flag must be present when upgrading to a new major version.",
            ));
        }
        shape.version = version;
    }
    if let Some(multi_az) = parameters.flag("MultiAZ")? {
        shape.multi_az = multi_az;
    }
    if let Some(kind) = parameters.text("StorageType") {
        shape.storage_type = kind.to_owned();
    }
    Ok(shape)
}

/// Whether the password changes: to the one that is given, or to one that RDS keeps itself.
fn set_password(
    cx: &Context<'_>,
    id: &str,
    instance: &mut Instance,
    at_once: bool,
) -> Result<bool, Failure> {
    let call = cx.call;
    let given = checks::secret(&call.parameters, &instance.engine)?;
    let managed = call.parameters.flag("ManageMasterUserPassword")?;
    if call.parameters.flag("RotateMasterUserPassword")? == Some(true) {
        if !at_once || instance.managed.is_none() {
            return Err(combination(
                "RotateMasterUserPassword needs ApplyImmediately, and an instance with ManageMasterUserPassword enabled.",
            ));
        }
        managed::renew(cx, instance)?;
        return Ok(true);
    }
    if managed == Some(false) && given.is_none() && instance.managed.is_some() {
        return Err(combination(
            "You must specify MasterUserPassword when you set ManageMasterUserPassword to false.",
        ));
    }
    if let Some(given) = given {
        if instance.managed.is_some() && managed != Some(false) {
            return Err(combination(
                "You can't specify MasterUserPassword for an instance with ManageMasterUserPassword enabled.",
            ));
        }
        instance.password = given;
    } else if managed.is_none() {
        return Ok(false);
    }
    match (managed, &instance.managed) {
        (Some(true), None) => managed::begin(cx, id, instance)?,
        (Some(false), Some(_)) => managed::end(cx, instance)?,
        _ => {}
    }
    Ok(true)
}
