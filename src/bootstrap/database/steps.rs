//! The changes of a database, as the plan shows them. How each is made is in `apply`.

use super::super::names::Tags;
use super::super::network::group::GroupRef;
pub use super::drift::{Drift, GROUPS};
use super::{DATABASE, Wanted};
use crate::aws::rds::NewInstance;
use crate::plan::{Change, Verb};

/// What it means that RDS keeps the password.
const BY_RDS: &str = "RDS makes the password and changes it every 7 days; instances read it only when they start or are deployed to, so the app must read it itself or be refreshed each time";
/// How RDS calls its secrets: the rest is known only once it is there.
const RDS_NAMES_IT: &str = "rds!db-...";
/// What holds until the environment refers to the other secret.
const UNTIL_DEPLOYED: &str = "the app has the old password until the next `beanship deploy`";

/// One change.
#[derive(Debug, Clone)]
pub enum DatabaseStep {
    /// A subnet group is made.
    CreateSubnets {
        /// Its name.
        name: String,
        /// The ids of its subnets.
        subnets: Vec<String>,
        /// Its tags.
        tags: Tags,
        /// Where, in words.
        words: String,
    },
    /// A subnet group gets other subnets.
    ChangeSubnets {
        /// Its name.
        name: String,
        /// Their ids.
        subnets: Vec<String>,
    },
    /// Tags are set.
    Tag {
        /// What it is.
        what: &'static str,
        /// Its name.
        name: String,
        /// Its ARN.
        arn: String,
        /// Those that differ.
        tags: Tags,
    },
    /// A password is made, and kept in a secret.
    Keep {
        /// The secret's name.
        name: String,
        /// Its tags.
        tags: Tags,
        /// The name of the user.
        username: String,
        /// The name of the database.
        database: String,
    },
    /// An instance is begun.
    Create {
        /// As what.
        wanted: Box<NewInstance>,
        /// Its security group.
        group: GroupRef,
        /// The name of the secret with its password; none where RDS makes one.
        secret: Option<String>,
        /// What it is, in words.
        words: String,
    },
    /// An instance changes.
    Change {
        /// Which.
        id: String,
        /// What differs.
        drift: Vec<Drift>,
    },
    /// An instance gets the password of its secret.
    Password {
        /// Which.
        id: String,
        /// The secret's name.
        secret: String,
        /// Whether the secret gets a new one before.
        fresh: bool,
        /// Whether RDS has kept the password until now.
        by_rds: bool,
        /// The name of the user.
        username: String,
        /// The name of the database.
        database: String,
    },
    /// RDS makes a password, and keeps it from now on.
    HandOver {
        /// Which instance.
        id: String,
    },
    /// RDS makes another password.
    Renew {
        /// Which instance.
        id: String,
    },
    /// The instances of the environment read the secret again.
    Refresh {
        /// The environment.
        environment: String,
    },
    /// Waits until an instance is at work.
    Await {
        /// Which.
        id: String,
        /// Whether that is all there is to do.
        shown: bool,
    },
}

impl DatabaseStep {
    /// The lines of the plan.
    #[must_use]
    pub fn changes(&self) -> Vec<Change> {
        use Verb::{Create, Update};
        const GROUP: &str = "subnet group";
        match self {
            Self::CreateSubnets { name, words, .. } => one(Create, GROUP, name, words.clone()),
            Self::ChangeSubnets { name, subnets } => {
                let detail = format!("subnets {}", subnets.join(", "));
                one(Update, GROUP, name, detail)
            }
            Self::Tag {
                what, name, tags, ..
            } => {
                let tags: Vec<String> =
                    tags.iter().map(|(key, it)| format!("{key}={it}")).collect();
                one(Update, what, name, format!("tags {}", tags.join(", ")))
            }
            Self::Create {
                wanted,
                words,
                secret,
                ..
            } => {
                let mut lines = one(Create, DATABASE, &wanted.id, words.clone());
                if secret.is_none() {
                    let detail = format!("{BY_RDS}; costs money");
                    lines.extend(one(Create, "secret", RDS_NAMES_IT, detail));
                }
                lines
            }
            Self::Change { id, drift } => drift
                .iter()
                .flat_map(|it| one(Update, DATABASE, id, it.words.clone()))
                .collect(),
            // Nothing changes: nobody needs to agree.
            Self::Await { id, shown: true } => one(
                Create,
                DATABASE,
                id,
                "is begun: waits until it is available".into(),
            ),
            Self::Await { .. } => Vec::new(),
            _ => self.of_passwords(),
        }
    }

    /// The lines of who keeps the password, and of what follows from a new one.
    fn of_passwords(&self) -> Vec<Change> {
        use Verb::{Create, Update};
        match self {
            Self::Keep { name, .. } => {
                let detail = "a new password, with the names of user and database; costs money";
                one(Create, "secret", name, detail.into())
            }
            Self::Password {
                id,
                fresh,
                secret,
                by_rds,
                ..
            } => {
                let mut detail = match fresh {
                    true => format!("a new password, in the secret {secret} as well"),
                    false => format!("the password of the secret {secret}"),
                };
                if *by_rds {
                    detail = format!("{detail}; RDS deletes its own; {UNTIL_DEPLOYED}");
                }
                one(Update, DATABASE, id, detail)
            }
            Self::HandOver { id } => {
                let detail = format!("{BY_RDS}; {UNTIL_DEPLOYED}; costs money");
                one(Update, DATABASE, id, detail)
            }
            Self::Renew { id } => {
                let detail = "a new password, made by RDS, in its secret as well";
                one(Update, DATABASE, id, detail.into())
            }
            Self::Refresh { environment } => {
                let detail = "restart of the application: until then it has the old password";
                one(Update, "environment", environment, detail.into())
            }
            _ => Vec::new(),
        }
    }

    /// What was done.
    #[must_use]
    pub fn done(&self) -> String {
        match self {
            Self::CreateSubnets { name, .. } => format!("Created the subnet group {name}"),
            Self::ChangeSubnets { name, .. } => format!("Changed the subnets of {name}"),
            Self::Tag { name, .. } => format!("Tagged {name}"),
            Self::Keep { name, .. } => format!("Created the secret {name}"),
            Self::Create { wanted, .. } => format!("Started to make the database {}", wanted.id),
            Self::Change { id, .. } => format!("Changed the database {id}"),
            Self::Password { id, .. } | Self::Renew { id } => {
                format!("Changed the password of {id}")
            }
            Self::HandOver { id } => format!("Let RDS keep the password of {id}"),
            Self::Refresh { environment } => format!("Started the restart of {environment}"),
            Self::Await { id, .. } => format!("The database {id} is available"),
        }
    }

    /// The actions that it needs.
    #[must_use]
    pub fn needs(&self) -> &'static [&'static str] {
        match self {
            Self::CreateSubnets { .. } => &["rds:CreateDBSubnetGroup", "rds:AddTagsToResource"],
            Self::ChangeSubnets { .. } => &["rds:ModifyDBSubnetGroup"],
            Self::Tag { .. } => &["rds:AddTagsToResource"],
            Self::Keep { .. } => &["secretsmanager:CreateSecret", "secretsmanager:TagResource"],
            Self::Create { secret: None, .. } => &[
                "rds:CreateDBInstance",
                "rds:AddTagsToResource",
                "kms:DescribeKey",
                "secretsmanager:CreateSecret",
                "secretsmanager:TagResource",
            ],
            Self::Create { .. } => &[
                "rds:CreateDBInstance",
                "rds:AddTagsToResource",
                "secretsmanager:GetSecretValue",
            ],
            Self::Change { .. } => &["rds:ModifyDBInstance"],
            Self::Password { .. } => &[
                "rds:ModifyDBInstance",
                "secretsmanager:GetSecretValue",
                "secretsmanager:PutSecretValue",
                "secretsmanager:TagResource",
            ],
            Self::HandOver { .. } => &[
                "rds:ModifyDBInstance",
                "kms:DescribeKey",
                "secretsmanager:CreateSecret",
                "secretsmanager:TagResource",
            ],
            Self::Renew { .. } => &["rds:ModifyDBInstance", "secretsmanager:RotateSecret"],
            Self::Refresh { .. } => &["elasticbeanstalk:RestartAppServer"],
            Self::Await { .. } => &["rds:DescribeDBInstances"],
        }
    }
}

/// A single line.
fn one(verb: Verb, kind: &'static str, name: &str, detail: String) -> Vec<Change> {
    vec![Change {
        verb,
        kind,
        name: name.to_owned(),
        detail: Some(detail),
    }]
}

/// What the instance is, in words: it costs money.
pub(super) fn words(wanted: &Wanted) -> String {
    let instance = &wanted.instance;
    let version = instance.version.as_ref();
    let version = version.map(|it| format!(" {it}")).unwrap_or_default();
    let standby = match instance.multi_az {
        true => ", a second one in another zone",
        false => "",
    };
    let backups = match instance.backup_days {
        0 => "no backups".to_owned(),
        1 => "backups of one day".to_owned(),
        days => format!("backups of {days} days"),
    };
    format!(
        "{}{version}, {}, {} GB encrypted{standby}, {backups}, not public; costs money",
        wanted.engine, instance.class, instance.storage
    )
}
