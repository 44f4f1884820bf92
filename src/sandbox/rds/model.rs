//! What RDS keeps: database instances with their planned future, subnet groups, snapshots.

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

/// Tags by key.
pub(super) type Tags = BTreeMap<String, String>;

/// Everything, by region.
pub(super) type Books = BTreeMap<String, Region>;

/// Everything of a region, by name.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub(super) struct Region {
    pub(super) instances: BTreeMap<String, Instance>,
    pub(super) groups: BTreeMap<String, SubnetGroup>,
    pub(super) snapshots: BTreeMap<String, Snapshot>,
}

#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct Instance {
    pub(super) resource_id: String,
    pub(super) created: Timestamp,
    pub(super) status: String,
    /// What it will be, soonest first.
    pub(super) future: Vec<Moment>,
    /// Whether its address is known by now.
    pub(super) has_endpoint: bool,
    pub(super) engine: String,
    pub(super) username: String,
    /// Nobody can log in here; tests look whether it was changed.
    pub(super) password: String,
    /// The secret that RDS itself keeps the password in.
    pub(super) managed: Option<String>,
    pub(super) database: Option<String>,
    pub(super) port: u32,
    pub(super) encrypted: bool,
    pub(super) public: bool,
    pub(super) protected: bool,
    pub(super) backup_days: u32,
    pub(super) groups: Vec<String>,
    pub(super) subnet_group: String,
    pub(super) zone: String,
    pub(super) shape: Shape,
    /// What it is to become in the next maintenance window, which never comes here.
    pub(super) pending: Option<Shape>,
    pub(super) tags: Tags,
}

/// What can only be changed with a pause.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Shape {
    pub(super) class: String,
    pub(super) storage: u32,
    pub(super) storage_type: String,
    pub(super) version: String,
    pub(super) multi_az: bool,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(super) struct Moment {
    pub(super) at: Timestamp,
    pub(super) change: Change,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(super) enum Change {
    Status(String),
    Endpoint,
    Shape(Shape),
    Gone,
}

#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct SubnetGroup {
    pub(super) description: String,
    pub(super) vpc: String,
    /// Subnets and their zones.
    pub(super) subnets: BTreeMap<String, String>,
    pub(super) tags: Tags,
}

/// A copy of a whole instance, as it was.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct Snapshot {
    pub(super) instance: String,
    pub(super) taken: Timestamp,
    /// From when on it is available.
    pub(super) ready: Timestamp,
    pub(super) vpc: String,
    pub(super) of: Instance,
    pub(super) tags: Tags,
}

impl Region {
    /// Lets everything happen that is due.
    pub(super) fn advance(&mut self, now: Timestamp) {
        self.instances
            .retain(|_, instance| instance.advance(now).is_some());
    }
}

impl Instance {
    /// Nothing is left of one that is gone.
    fn advance(&mut self, now: Timestamp) -> Option<()> {
        let due = self.future.iter().take_while(|it| it.at <= now).count();
        for moment in self.future.drain(..due) {
            match moment.change {
                Change::Status(status) => self.status = status,
                Change::Endpoint => self.has_endpoint = true,
                Change::Shape(shape) => self.shape = shape,
                Change::Gone => return None,
            }
        }
        Some(())
    }
}
