//! What RDS's answers say. Names of elements are those of its own protocol (facts 7).

use std::collections::BTreeMap;

use serde::Deserialize;

/// A database instance.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub struct Instance {
    /// Its name.
    #[serde(rename = "DBInstanceIdentifier")]
    pub id: String,
    /// Its ARN.
    #[serde(rename = "DBInstanceArn")]
    pub arn: String,
    /// `creating`, `available`, `deleting`...
    #[serde(rename = "DBInstanceStatus")]
    pub status: String,
    /// `mysql`, `mariadb`, `postgres`...
    pub engine: String,
    /// Its whole version.
    #[serde(rename = "EngineVersion")]
    pub version: String,
    /// `db.t4g.micro`
    #[serde(rename = "DBInstanceClass")]
    pub class: String,
    /// In GiB.
    #[serde(rename = "AllocatedStorage")]
    pub storage: u32,
    /// The name of the database that it was made with.
    #[serde(rename = "DBName")]
    pub database: Option<String>,
    /// The name of its first user.
    #[serde(rename = "MasterUsername")]
    pub username: String,
    /// Whether a second one stands by.
    #[serde(rename = "MultiAZ")]
    pub multi_az: bool,
    /// For how many days backups are kept.
    #[serde(rename = "BackupRetentionPeriod")]
    pub backup_days: u32,
    /// Whether it has a public address.
    #[serde(rename = "PubliclyAccessible")]
    pub public: bool,
    /// Whether it cannot be deleted as it is.
    #[serde(rename = "DeletionProtection")]
    pub protected: bool,
    /// Whether its storage is encrypted.
    #[serde(rename = "StorageEncrypted")]
    pub encrypted: bool,
    /// Where it answers; none before it is available.
    pub endpoint: Option<Endpoint>,
    /// What is about to change.
    #[serde(rename = "PendingModifiedValues")]
    pub pending: Pending,
    #[serde(rename = "VpcSecurityGroups")]
    groups: Memberships,
    #[serde(rename = "DBSubnetGroup")]
    subnet_group: Option<Place>,
    #[serde(rename = "MasterUserSecret")]
    secret: Option<MasterSecret>,
    #[serde(rename = "TagList")]
    tags: TagList,
}

/// Where a database answers.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub struct Endpoint {
    /// The name of its host.
    pub address: String,
    /// Its port.
    pub port: u16,
}

/// What is about to change of an instance.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub struct Pending {
    /// The class.
    #[serde(rename = "DBInstanceClass")]
    pub class: Option<String>,
    /// The storage, in GiB.
    #[serde(rename = "AllocatedStorage")]
    pub storage: Option<u32>,
    /// Whether a second one will stand by.
    #[serde(rename = "MultiAZ")]
    pub multi_az: Option<bool>,
    /// For how many days backups will be kept.
    #[serde(rename = "BackupRetentionPeriod")]
    pub backup_days: Option<u32>,
    /// The version.
    #[serde(rename = "EngineVersion")]
    pub version: Option<String>,
    /// The password, as stars.
    #[serde(rename = "MasterUserPassword")]
    password: Option<String>,
}

impl Pending {
    /// Whether nothing is.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }
}

/// Where databases may be.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub struct SubnetGroup {
    /// Its ARN.
    #[serde(rename = "DBSubnetGroupArn")]
    pub arn: String,
    /// Its VPC.
    #[serde(rename = "VpcId")]
    pub vpc: String,
    subnets: Subnets,
}

impl SubnetGroup {
    /// The ids of its subnets.
    pub fn subnets(&self) -> impl Iterator<Item = &str> {
        self.subnets.items.iter().map(|it| it.id.as_str())
    }
}

impl Instance {
    /// The ids of its security groups.
    pub fn groups(&self) -> impl Iterator<Item = &str> {
        self.groups.items.iter().map(|it| it.id.as_str())
    }

    /// The VPC that it is in.
    #[must_use]
    pub fn vpc(&self) -> Option<&str> {
        self.subnet_group.as_ref().map(|it| it.vpc.as_str())
    }

    /// The ARN of the secret that RDS keeps the password in.
    #[must_use]
    pub fn secret(&self) -> Option<&str> {
        let secret = self.secret.as_ref()?;
        Some(secret.arn.as_str()).filter(|it| !it.is_empty())
    }

    /// Its tags.
    #[must_use]
    pub fn tags(&self) -> BTreeMap<String, String> {
        self.tags.map()
    }

    /// How that secret is: `creating`, `active`, `rotating` or `impaired` (facts 7).
    #[must_use]
    pub fn secret_status(&self) -> Option<&str> {
        self.secret.as_ref().map(|it| it.status.as_str())
    }

    /// Whether it is at work for those who use it, and nothing is about to change.
    #[must_use]
    pub fn is_settled(&self) -> bool {
        let changes = matches!(self.secret_status(), Some("creating" | "rotating"));
        self.status == "available" && self.pending.is_empty() && !changes
    }
}

#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(default)]
struct Place {
    #[serde(rename = "VpcId")]
    vpc: String,
}

#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(default)]
struct MasterSecret {
    #[serde(rename = "SecretArn")]
    arn: String,
    #[serde(rename = "SecretStatus")]
    status: String,
}

#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(default)]
struct Memberships {
    #[serde(rename = "VpcSecurityGroupMembership")]
    items: Vec<Membership>,
}

#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(default)]
struct Membership {
    #[serde(rename = "VpcSecurityGroupId")]
    id: String,
}

#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(default)]
struct Subnets {
    #[serde(rename = "Subnet")]
    items: Vec<Subnet>,
}

#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(default)]
struct Subnet {
    #[serde(rename = "SubnetIdentifier")]
    id: String,
}

#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(default)]
struct TagList {
    #[serde(rename = "Tag")]
    items: Vec<Tag>,
}

#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
struct Tag {
    key: String,
    value: String,
}

impl TagList {
    fn map(&self) -> BTreeMap<String, String> {
        let tags = self.items.iter();
        tags.map(|it| (it.key.clone(), it.value.clone())).collect()
    }
}

#[derive(Deserialize)]
pub(super) struct Described {
    #[serde(rename = "DescribeDBInstancesResult")]
    pub(super) result: DescribedResult,
}

#[derive(Deserialize)]
pub(super) struct DescribedResult {
    #[serde(rename = "DBInstances", default)]
    pub(super) instances: Instances,
    #[serde(rename = "Marker", default)]
    pub(super) marker: String,
}

#[derive(Default, Deserialize)]
pub(super) struct Instances {
    #[serde(rename = "DBInstance", default)]
    pub(super) items: Vec<Instance>,
}

#[derive(Deserialize)]
pub(super) struct Groups {
    #[serde(rename = "DescribeDBSubnetGroupsResult")]
    pub(super) result: GroupsResult,
}

#[derive(Deserialize)]
pub(super) struct GroupsResult {
    #[serde(rename = "DBSubnetGroups", default)]
    pub(super) groups: GroupList,
}

#[derive(Default, Deserialize)]
pub(super) struct GroupList {
    #[serde(rename = "DBSubnetGroup", default)]
    pub(super) items: Vec<SubnetGroup>,
}

#[derive(Deserialize)]
pub(super) struct Tagged {
    #[serde(rename = "ListTagsForResourceResult")]
    pub(super) result: TaggedResult,
}

#[derive(Deserialize)]
pub(super) struct TaggedResult {
    #[serde(rename = "TagList", default)]
    list: TagList,
}

impl TaggedResult {
    pub(super) fn tags(&self) -> BTreeMap<String, String> {
        self.list.map()
    }
}

#[derive(Deserialize)]
pub(super) struct Options {
    #[serde(rename = "DescribeOrderableDBInstanceOptionsResult")]
    pub(super) result: OptionsResult,
}

#[derive(Deserialize)]
pub(super) struct OptionsResult {
    #[serde(rename = "OrderableDBInstanceOptions", default)]
    list: OptionList,
    #[serde(rename = "Marker", default)]
    pub(super) marker: String,
}

#[derive(Default, Deserialize)]
struct OptionList {
    #[serde(rename = "OrderableDBInstanceOption", default)]
    items: Vec<Offer>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Offer {
    #[serde(rename = "AvailabilityZones")]
    zones: ZoneList,
}

#[derive(Default, Deserialize)]
struct ZoneList {
    #[serde(rename = "AvailabilityZone", default)]
    items: Vec<Zone>,
}

#[derive(Deserialize)]
struct Zone {
    #[serde(rename = "Name")]
    name: String,
}

impl OptionsResult {
    pub(super) fn zones(&self) -> impl Iterator<Item = String> {
        let offers = self.list.items.iter();
        offers.flat_map(|offer| offer.zones.items.iter().map(|zone| zone.name.clone()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn instances_are_read() {
        let text = "<DescribeDBInstancesResponse xmlns=\"x\"><DescribeDBInstancesResult><DBInstances><DBInstance>\
            <DBInstanceIdentifier>shop</DBInstanceIdentifier><DBInstanceStatus>available</DBInstanceStatus>\
            <Engine>mysql</Engine><AllocatedStorage>20</AllocatedStorage><MultiAZ>true</MultiAZ>\
            <Endpoint><Address>shop.x.rds</Address><Port>3306</Port><HostedZoneId>Z</HostedZoneId></Endpoint>\
            <VpcSecurityGroups><VpcSecurityGroupMembership><VpcSecurityGroupId>sg-1</VpcSecurityGroupId>\
            <Status>active</Status></VpcSecurityGroupMembership></VpcSecurityGroups>\
            <PendingModifiedValues><AllocatedStorage>30</AllocatedStorage></PendingModifiedValues>\
            <DBSubnetGroup><VpcId>vpc-1</VpcId></DBSubnetGroup>\
            <TagList><Tag><Key>a</Key><Value>b</Value></Tag></TagList></DBInstance></DBInstances>\
            </DescribeDBInstancesResult></DescribeDBInstancesResponse>";
        let told: Described = quick_xml::de::from_str(text).expect("an answer");
        let instance = &told.result.instances.items[0];
        assert_eq!((instance.id.as_str(), instance.multi_az), ("shop", true));
        assert_eq!(instance.endpoint.as_ref().map(|it| it.port), Some(3306));
        assert_eq!(instance.groups().collect::<Vec<_>>(), ["sg-1"]);
        assert_eq!((instance.vpc(), instance.secret()), (Some("vpc-1"), None));
        assert_eq!(instance.tags()["a"], "b");
        assert_eq!(instance.pending.storage, Some(30));
        assert!(!instance.is_settled());
    }

    #[test]
    fn empty_lists_are_read() {
        let text = "<R><DescribeDBInstancesResult><DBInstances/></DescribeDBInstancesResult></R>";
        let told: Described = quick_xml::de::from_str(text).expect("an answer");
        assert!(told.result.instances.items.is_empty());
        let text = "<R><DescribeOrderableDBInstanceOptionsResult><OrderableDBInstanceOptions>\
            <OrderableDBInstanceOption><AvailabilityZones><AvailabilityZone><Name>a</Name></AvailabilityZone>\
            <AvailabilityZone><Name>b</Name></AvailabilityZone></AvailabilityZones></OrderableDBInstanceOption>\
            </OrderableDBInstanceOptions><Marker>m</Marker></DescribeOrderableDBInstanceOptionsResult></R>";
        let told: Options = quick_xml::de::from_str(text).expect("an answer");
        assert_eq!(told.result.zones().collect::<Vec<_>>(), ["a", "b"]);
        assert_eq!(told.result.marker, "m");
    }
}
