//! Instances, subnet groups and snapshots as answers show them.

use super::super::xml::Xml;
use super::model::{Instance, Snapshot, SubnetGroup};
use super::{Context, catalog, managed, write_tags};

/// The key that Secrets Manager encrypts with, where nobody names another.
const KEY: &str = "key/5ec2e75a-0000-4000-8000-000000000000";

pub(super) fn instance(xml: &mut Xml, cx: &Context<'_>, id: &str, instance: &Instance) {
    let region = &cx.call.region;
    let shape = &instance.shape;
    xml.text("DBInstanceIdentifier", id);
    xml.text("DBInstanceClass", &shape.class);
    xml.text("Engine", &instance.engine);
    xml.text("DBInstanceStatus", &instance.status);
    xml.text("MasterUsername", &instance.username);
    xml.maybe("DBName", instance.database.as_ref());
    endpoint(xml, region, id, instance);
    xml.text("AllocatedStorage", shape.storage);
    if instance.has_endpoint {
        xml.time("InstanceCreateTime", instance.created);
    }
    xml.text("PreferredBackupWindow", "03:00-03:30");
    xml.text("BackupRetentionPeriod", instance.backup_days);
    xml.group("DBSecurityGroups", |_| {});
    let groups = &instance.groups;
    xml.set(
        "VpcSecurityGroups",
        "VpcSecurityGroupMembership",
        groups,
        |xml, group| {
            xml.text("VpcSecurityGroupId", group);
            xml.text("Status", "active");
        },
    );
    if instance.has_endpoint {
        xml.text("AvailabilityZone", &instance.zone);
    }
    if let Some(group) = cx.region.groups.get(&instance.subnet_group) {
        xml.group("DBSubnetGroup", |xml| {
            subnet_group(xml, cx, &instance.subnet_group, group);
        });
    }
    xml.text("PreferredMaintenanceWindow", "sun:04:00-sun:04:30");
    pending(xml, instance);
    xml.text("MultiAZ", shape.multi_az);
    xml.text("EngineVersion", &shape.version);
    xml.text("AutoMinorVersionUpgrade", true);
    xml.text("LicenseModel", catalog::license(&instance.engine));
    xml.text("PubliclyAccessible", instance.public);
    xml.text("StorageType", &shape.storage_type);
    xml.text("DbInstancePort", 0);
    xml.text("StorageEncrypted", instance.encrypted);
    xml.text("DbiResourceId", &instance.resource_id);
    xml.text("DBInstanceArn", cx.arn("db", id));
    xml.text("DeletionProtection", instance.protected);
    write_tags(xml, &instance.tags);
    if let Some(arn) = &instance.managed {
        xml.group("MasterUserSecret", |xml| {
            xml.text("SecretArn", arn);
            xml.text("SecretStatus", managed::status(instance));
            let account = &cx.world.account.id;
            xml.text("KmsKeyId", format!("arn:aws:kms:{region}:{account}:{KEY}"));
        });
    }
}

/// Where it answers, once it does.
fn endpoint(xml: &mut Xml, region: &str, id: &str, instance: &Instance) {
    if instance.has_endpoint {
        xml.group("Endpoint", |xml| {
            let host = instance.resource_id.to_lowercase();
            let host = host.trim_start_matches("db-").get(..12).unwrap_or("host");
            xml.text("Address", format!("{id}.{host}.{region}.rds.amazonaws.com"));
            xml.text("Port", instance.port);
            xml.text("HostedZoneId", "Z0123456789SANDBOX");
        });
    }
}

/// What waits for the next maintenance window.
fn pending(xml: &mut Xml, instance: &Instance) {
    xml.group("PendingModifiedValues", |xml| {
        let (Some(to), now) = (&instance.pending, &instance.shape) else {
            return;
        };
        xml.maybe(
            "DBInstanceClass",
            (to.class != now.class).then_some(&to.class),
        );
        xml.maybe(
            "AllocatedStorage",
            (to.storage != now.storage).then_some(to.storage),
        );
        xml.maybe(
            "MultiAZ",
            (to.multi_az != now.multi_az).then_some(to.multi_az),
        );
        xml.maybe(
            "EngineVersion",
            (to.version != now.version).then_some(&to.version),
        );
        let kind = (to.storage_type != now.storage_type).then_some(&to.storage_type);
        xml.maybe("StorageType", kind);
    });
}

pub(super) fn subnet_group(xml: &mut Xml, cx: &Context<'_>, name: &str, group: &SubnetGroup) {
    xml.text("DBSubnetGroupName", name);
    xml.text("DBSubnetGroupDescription", &group.description);
    xml.text("VpcId", &group.vpc);
    xml.text("SubnetGroupStatus", "Complete");
    xml.set("Subnets", "Subnet", &group.subnets, |xml, (id, zone)| {
        xml.text("SubnetIdentifier", id);
        xml.group("SubnetAvailabilityZone", |xml| xml.text("Name", zone));
        xml.text("SubnetStatus", "Active");
    });
    xml.text("DBSubnetGroupArn", cx.arn("subgrp", name));
}

pub(super) fn snapshot(xml: &mut Xml, cx: &Context<'_>, name: &str, snapshot: &Snapshot) {
    let of = &snapshot.of;
    let ready = snapshot.ready <= cx.call.now;
    xml.text("DBSnapshotIdentifier", name);
    xml.text("DBInstanceIdentifier", &snapshot.instance);
    xml.time("SnapshotCreateTime", snapshot.taken);
    xml.text("Engine", &of.engine);
    xml.text("AllocatedStorage", of.shape.storage);
    xml.text("Status", if ready { "available" } else { "creating" });
    xml.text("Port", of.port);
    xml.text("AvailabilityZone", &of.zone);
    xml.text("VpcId", &snapshot.vpc);
    xml.time("InstanceCreateTime", of.created);
    xml.text("MasterUsername", &of.username);
    xml.text("EngineVersion", &of.shape.version);
    xml.text("LicenseModel", catalog::license(&of.engine));
    xml.text("SnapshotType", "manual");
    xml.text("PercentProgress", if ready { 100 } else { 0 });
    xml.text("StorageType", &of.shape.storage_type);
    xml.text("Encrypted", of.encrypted);
    xml.text("DBSnapshotArn", cx.arn("snapshot", name));
    xml.text("DbiResourceId", &of.resource_id);
    write_tags(xml, &snapshot.tags);
}
