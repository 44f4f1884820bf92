//! Database instances: made, listed, deleted.

use super::super::account::{UPPER, random};
use super::super::ec2::Network;
use super::super::query::Failure;
use super::super::xml::Xml;
use super::model::{Change, Instance, Shape, Snapshot, SubnetGroup, Tags};
use super::{
    Context, catalog, checks, combination, invalid, managed, required, tags, texts, views,
};

/// Seconds until an instance is there, and until its first backup is done.
const CREATING: f64 = 3.0;
const BACKUP: f64 = 1.5;
/// Seconds that it takes to go.
const DELETING: f64 = 2.0;

/// The subnet group of instances for which none is named.
const DEFAULT_GROUP: &str = "default";

pub(super) fn create(cx: &mut Context<'_>, xml: &mut Xml) -> Result<(), Failure> {
    let call = cx.call;
    let parameters = &call.parameters;
    let id = checks::identifier(parameters, "DBInstanceIdentifier")?;
    if cx.region.instances.contains_key(&id) {
        let message = "DB instance already exists";
        return Err(Failure::new("DBInstanceAlreadyExists", message));
    }
    let engine = required(parameters, "Engine")?;
    let (port, _) = catalog::engine(engine)?;
    let username = required(parameters, "MasterUsername")?;
    checks::username(engine, username)?;
    let database = parameters.text("DBName");
    if let Some(name) = database {
        checks::database(engine, name)?;
    }
    let (given, is_managed) = password(cx, engine)?;
    let network = Network::of(cx.world, &call.region)?;
    let (subnet_group, group) = subnet_group(cx, &network)?;
    let shape = shape(cx, engine, &group)?;
    let backup_days = checks::number(parameters, "BackupRetentionPeriod", 0, 35)?.unwrap_or(1);
    let zone = group
        .subnets
        .values()
        .find(|it| catalog::offers(&shape.class, it));
    let mut instance = Instance {
        resource_id: format!("db-{}", random(UPPER, 26)),
        created: call.now,
        status: "creating".to_owned(),
        future: Vec::new(),
        has_endpoint: false,
        engine: engine.to_owned(),
        username: username.to_owned(),
        password: given.unwrap_or_default(),
        managed: None,
        database: database.map(str::to_owned),
        port: checks::number(parameters, "Port", 1150, 65535)?.unwrap_or(port),
        encrypted: parameters.flag("StorageEncrypted")? == Some(true),
        public: parameters.flag("PubliclyAccessible")? == Some(true),
        protected: parameters.flag("DeletionProtection")? == Some(true),
        backup_days,
        groups: security_groups(cx, &network, &group.vpc)?,
        subnet_group,
        zone: zone.cloned().unwrap_or_default(),
        shape,
        pending: None,
        tags: tags::read(parameters)?,
    };
    begin(cx, &mut instance);
    if is_managed {
        managed::begin(cx, &id, &mut instance)?;
    }
    cx.region
        .groups
        .entry(instance.subnet_group.clone())
        .or_insert(group);
    xml.group("DBInstance", |xml| views::instance(xml, cx, &id, &instance));
    cx.region.instances.insert(id, instance);
    Ok(())
}

/// The password, or whether RDS shall keep one itself.
fn password(cx: &Context<'_>, engine: &str) -> Result<(Option<String>, bool), Failure> {
    let given = checks::secret(cx.parameters(), engine)?;
    let managed = cx.parameters().flag("ManageMasterUserPassword")? == Some(true);
    match given.is_none() && !managed {
        true => Err(invalid(
            "The parameter MasterUserPassword must be provided and must not be blank.",
        )),
        false => Ok((given, managed)),
    }
}

/// Its first minutes, which are seconds here.
fn begin(cx: &Context<'_>, instance: &mut Instance) {
    let status = |seconds: f64, status: &str| cx.after(seconds, Change::Status(status.to_owned()));
    instance.future.push(cx.after(CREATING, Change::Endpoint));
    let mut ready = CREATING;
    if instance.backup_days > 0 {
        instance.future.push(status(CREATING, "backing-up"));
        ready += BACKUP;
    }
    instance.future.push(status(ready, "available"));
}

/// The subnet group that is named, or the one of the default VPC.
fn subnet_group(cx: &Context<'_>, network: &Network) -> Result<(String, SubnetGroup), Failure> {
    if let Some(name) = cx.parameters().text("DBSubnetGroupName") {
        let name = name.to_lowercase();
        let found = cx.region.groups.get(&name).cloned();
        let found = found.ok_or_else(|| super::subnets::missing(&name))?;
        return Ok((name, found));
    }
    let subnets = network.default_subnets().into_iter();
    let subnets: Vec<_> = subnets
        .filter_map(|id| {
            let (vpc, zone) = network.subnet(&id)?;
            Some((vpc.to_owned(), id.clone(), zone.to_owned()))
        })
        .collect();
    let Some((vpc, ..)) = subnets.first().cloned() else {
        let message = "No default subnet detected in VPC. Please contact AWS Support to recreate default Subnets.";
        return Err(Failure::new("InvalidSubnet", message));
    };
    let group = SubnetGroup {
        description: "default".to_owned(),
        vpc,
        subnets: subnets
            .into_iter()
            .map(|(_, id, zone)| (id, zone))
            .collect(),
        tags: Tags::new(),
    };
    Ok((DEFAULT_GROUP.to_owned(), group))
}

/// Class, storage and version, which must go together.
fn shape(cx: &Context<'_>, engine: &str, group: &SubnetGroup) -> Result<Shape, Failure> {
    let parameters = cx.parameters();
    let class = required(parameters, "DBInstanceClass")?;
    let version = catalog::version(engine, parameters.text("EngineVersion"))?;
    let zones = super::super::ec2::zones(&cx.call.region);
    if !zones.iter().any(|zone| catalog::offers(class, zone)) {
        return Err(combination(format!(
            "RDS does not support creating a DB instance with the following combination: DBInstanceClass={class}, \
             Engine={engine}, EngineVersion={version}, LicenseModel={}.",
            catalog::license(engine)
        )));
    }
    let multi_az = parameters.flag("MultiAZ")? == Some(true);
    let here = group
        .subnets
        .values()
        .filter(|zone| catalog::offers(class, zone));
    if here.count() < 1 + usize::from(multi_az) {
        let message =
            format!("The DB subnet group has too few subnets in zones that offer {class}.");
        return Err(Failure::new("InsufficientDBInstanceCapacity", message));
    }
    let storage = checks::number(parameters, "AllocatedStorage", 20, 65_536)?;
    Ok(Shape {
        class: class.to_owned(),
        storage: storage
            .ok_or_else(|| invalid("The parameter AllocatedStorage must be provided"))?,
        storage_type: parameters.text("StorageType").unwrap_or("gp2").to_owned(),
        version,
        multi_az,
    })
}

/// The security groups of a call, or the VPC's own; they must be of the network that the instance is in.
pub(super) fn security_groups(
    cx: &Context<'_>,
    network: &Network,
    vpc: &str,
) -> Result<Vec<String>, Failure> {
    let named = texts(cx.parameters(), "VpcSecurityGroupIds", "VpcSecurityGroupId");
    for id in &named {
        match network.group(id) {
            None => {
                let message = format!("Invalid security group , groupId= {id}, groupName=.");
                return Err(invalid(message));
            }
            Some(other) if other != vpc => {
                return Err(combination(format!(
                    "The DB instance and EC2 security group are in different VPCs. The DB instance is in {vpc} and the EC2 \
                     security group is in {other}"
                )));
            }
            Some(_) => {}
        }
    }
    if named.is_empty() {
        return Ok(network.default_group(vpc).cloned().into_iter().collect());
    }
    Ok(named.into_iter().map(str::to_owned).collect())
}

pub(super) fn describe(cx: &mut Context<'_>, xml: &mut Xml) -> Result<(), Failure> {
    let wanted = cx.parameters().text("DBInstanceIdentifier");
    let wanted = wanted.map(str::to_lowercase);
    if let Some(id) = &wanted {
        cx.instance(id)?;
    }
    let all = cx.region.instances.iter();
    let named = all.filter(|(id, _)| wanted.as_ref().is_none_or(|wanted| wanted == *id));
    let (page, marker) = cx.page(named.collect())?;
    xml.set("DBInstances", "DBInstance", page, |xml, (id, instance)| {
        views::instance(xml, cx, id, instance);
    });
    xml.maybe("Marker", marker);
    Ok(())
}

pub(super) fn delete(cx: &mut Context<'_>, xml: &mut Xml) -> Result<(), Failure> {
    let call = cx.call;
    let parameters = &call.parameters;
    let id = required(parameters, "DBInstanceIdentifier")?.to_lowercase();
    let skips = parameters.flag("SkipFinalSnapshot")? == Some(true);
    let snapshot = match parameters.text("FinalDBSnapshotIdentifier") {
        Some(_) if skips => {
            let message =
                "FinalDBSnapshotIdentifier can't be specified when SkipFinalSnapshot is true.";
            return Err(combination(message));
        }
        Some(_) => Some(checks::identifier(parameters, "FinalDBSnapshotIdentifier")?),
        None if skips => None,
        None => {
            let message =
                "FinalDBSnapshotIdentifier is required unless SkipFinalSnapshot is specified.";
            return Err(combination(message));
        }
    };
    let mut instance = cx.instance(&id)?.clone();
    if instance.protected {
        return Err(combination(
            "Cannot delete protected DB Instance, please disable deletion protection and try again.",
        ));
    }
    if instance.status == "deleting" {
        let message = format!("Instance {id} is already being deleted.");
        return Err(Failure::new("InvalidDBInstanceState", message));
    }
    if let Some(name) = snapshot {
        if instance.status != "available" {
            let message = format!(
                "Instance {id} is {}, a final snapshot cannot be taken.",
                instance.status
            );
            return Err(Failure::new("InvalidDBInstanceState", message));
        }
        take(cx, &id, &instance, name)?;
    }
    let deleting = Change::Status("deleting".to_owned());
    instance.future = vec![cx.after(0.0, deleting), cx.after(DELETING, Change::Gone)];
    instance.status = "deleting".to_owned();
    managed::end(cx, &mut instance)?;
    xml.group("DBInstance", |xml| views::instance(xml, cx, &id, &instance));
    cx.region.instances.insert(id, instance);
    Ok(())
}

/// Takes the final snapshot.
fn take(cx: &mut Context<'_>, id: &str, instance: &Instance, name: String) -> Result<(), Failure> {
    if cx.region.snapshots.contains_key(&name) {
        let message = format!(
            "Cannot create the snapshot because a snapshot with the identifier {name} already exists."
        );
        return Err(Failure::new("DBSnapshotAlreadyExists", message));
    }
    let group = cx.region.groups.get(&instance.subnet_group);
    let snapshot = Snapshot {
        instance: id.to_owned(),
        taken: cx.call.now,
        ready: cx.after(DELETING, Change::Gone).at,
        vpc: group.map(|it| it.vpc.clone()).unwrap_or_default(),
        of: instance.clone(),
        tags: Tags::new(),
    };
    cx.region.snapshots.insert(name, snapshot);
    Ok(())
}

impl Context<'_> {
    pub(super) fn instance(&self, id: &str) -> Result<&Instance, Failure> {
        let found = self.region.instances.get(id);
        found.ok_or_else(|| {
            let message = format!("DBInstance {id} not found.");
            Failure::with_status(404, "DBInstanceNotFound", message)
        })
    }
}
