//! Tables over the pure rules: from a project file and what there is to the plan as it is shown.

use std::path::Path;

use super::subnets::Way;
use super::*;
use crate::aws::ec2::SecurityGroup;
use crate::bootstrap::names::sample;
use crate::config::Config;
use crate::plan::Plan;

/// What there is of our own database, unless a case says otherwise.
const SEEN: &str = "<DBInstanceStatus>available</DBInstanceStatus><Engine>mysql</Engine>\
    <EngineVersion>8.0.43</EngineVersion><DBInstanceClass>db.t4g.micro</DBInstanceClass>\
    <AllocatedStorage>20</AllocatedStorage><DBName>app</DBName><MasterUsername>app</MasterUsername>\
    <MultiAZ>false</MultiAZ><BackupRetentionPeriod>7</BackupRetentionPeriod>\
    <PubliclyAccessible>false</PubliclyAccessible><DeletionProtection>true</DeletionProtection>";

/// One case: what differs from a database that is as it shall be.
struct Case {
    file: &'static str,
    /// Elements of the instance in place of those above; none where there is no instance.
    instance: Option<&'static [(&'static str, &'static str)]>,
    /// The zones of the subnets.
    zones: &'static [&'static str],
    /// The VPC of the subnet group.
    vpc: &'static str,
    /// Whose database it is.
    ours: bool,
    rotate: bool,
}

/// A database that is as it shall be.
const SETTLED: Case = Case {
    file: "{ engine: mysql }",
    instance: Some(&[]),
    zones: &["a", "b"],
    vpc: "vpc-1",
    ours: true,
    rotate: false,
};

fn tags(ours: bool) -> Tags {
    match ours {
        true => sample().all_tags(),
        false => Tags::new(),
    }
}

fn read<T: serde::de::DeserializeOwned>(xml: &str) -> T {
    quick_xml::de::from_str(xml).expect("what AWS says")
}

/// Tags as lists of EC2 and of RDS have them.
fn listed(tags: &Tags, item: &str, key: &str, value: &str) -> String {
    let each = tags.iter();
    each.map(|(k, v)| format!("<{item}><{key}>{k}</{key}><{value}>{v}</{value}></{item}>"))
        .collect()
}

fn security_group(id: &str, name: &str, peer: &str) -> SecurityGroup {
    let tags = listed(&sample().all_tags(), "item", "key", "value");
    read(&format!(
        "<item><groupId>{id}</groupId><groupName>{name}</groupName><vpcId>vpc-1</vpcId><tagSet>{tags}</tagSet>\
         <ipPermissions><item><ipProtocol>tcp</ipProtocol><fromPort>3306</fromPort><toPort>3306</toPort>\
         <groups><item><groupId>{peer}</groupId></item></groups></item></ipPermissions></item>"
    ))
}

impl Case {
    fn ground(&self) -> Ground {
        let site = |zone: &&str| Site {
            id: format!("subnet-{zone}"),
            zone: (*zone).into(),
            is_default: true,
            way: Way::Public,
        };
        let mut groups = vec![security_group("sg-app", "shop-prod-app", "sg-x")];
        if self.instance.is_some() {
            groups.push(security_group("sg-db", "shop-prod-database", "sg-app"));
        }
        Ground {
            vpc: read("<item><vpcId>vpc-1</vpcId></item>"),
            sites: self.zones.iter().map(site).collect(),
            zones: None,
            groups,
            notes: Vec::new(),
        }
    }

    fn instance(&self) -> Option<Instance> {
        let mut xml = SEEN.to_owned();
        for (element, value) in self.instance? {
            let (open, close) = (format!("<{element}>"), format!("</{element}>"));
            match xml.find(&open).zip(xml.find(&close)) {
                Some((from, to)) => xml.replace_range(from + open.len()..to, value),
                None => xml.push_str(&format!("{open}{value}{close}")),
            }
        }
        let tags = listed(&tags(self.ours), "Tag", "Key", "Value");
        Some(read(&format!(
            "<DBInstance><DBInstanceIdentifier>shop-prod-database</DBInstanceIdentifier>{xml}<TagList>{tags}</TagList>\
             <VpcSecurityGroups><VpcSecurityGroupMembership><VpcSecurityGroupId>sg-db</VpcSecurityGroupId>\
             </VpcSecurityGroupMembership></VpcSecurityGroups></DBInstance>"
        )))
    }

    fn seen(&self) -> Seen {
        let instance = self.instance();
        let subnets = self.zones.iter();
        let subnets = subnets
            .map(|it| format!("<Subnet><SubnetIdentifier>subnet-{it}</SubnetIdentifier></Subnet>"));
        let group = format!(
            "<DBSubnetGroup><VpcId>{}</VpcId><Subnets>{}</Subnets></DBSubnetGroup>",
            self.vpc,
            subnets.collect::<String>()
        );
        Seen {
            subnet_group: instance.as_ref().map(|_| (read(&group), tags(self.ours))),
            secret: instance.as_ref().map(|_| SeenSecret {
                arn: "arn".into(),
                tags: tags(self.ours),
                deleted: false,
            }),
            instance,
            ..Seen::default()
        }
    }

    /// The plan's lines, or why there is none.
    fn planned(&self) -> String {
        let text = format!(
            "environments: {{ production: {{ database: {} }} }}",
            self.file
        );
        let config = Config::parse(&text, Path::new("f")).expect("a project file");
        let declared = &config.environments["production"];
        let (ground, seen, place) = (self.ground(), self.seen(), sample());
        let wanted = wanted(&place, declared, &ground, &seen, self.rotate);
        let planned = wanted.and_then(|wanted| {
            let wanted = wanted.expect("a database");
            plan(&place, &wanted, &seen, &ground)
        });
        match planned {
            Ok(steps) => {
                let lines = Plan::new(steps).changes().into_iter().map(|it| {
                    let detail = it.detail.unwrap_or_default();
                    format!("{} {} {} ({detail})", it.verb.sign(), it.kind, it.name)
                });
                lines.collect::<Vec<_>>().join("\n")
            }
            Err(error) => {
                let hints: Vec<String> = error.hints().iter().map(ToString::to_string).collect();
                format!("{}\n  {}", error.message(), hints.join("\n  "))
            }
        }
    }
}

#[test]
fn names_are_fit_for_rds() {
    for (environment, expected) in [
        ("shop-prod", "shop-prod-database"),
        ("Shop--Prod", "shop-prod-database"),
        ("2nd-shop", "db-2nd-shop-database"),
    ] {
        assert_eq!(id(environment), expected);
    }
    assert!(id(&"9".repeat(40)).len() <= 63);
}

#[test]
fn a_new_database_comes_with_all_that_it_needs() {
    let new = Case {
        instance: None,
        ..SETTLED
    };
    insta::assert_snapshot!(new.planned(), @"
    + security group shop-prod-database (for the database, in vpc-1)
    + rule shop-prod-database (allows mysql (3306) from shop-prod-app)
    + subnet group shop-prod-database (in a, b)
    + secret shop/shop-prod/database (a new password, with the names of user and database; costs money)
    + database shop-prod-database (mysql, db.t4g.micro, 20 GB encrypted, backups of 7 days, not public; costs money)
    ");
    let large = Case {
        file: "{ engine: postgres, engine_version: '17', multi_az: true, backup_days: 0, managed_password: true }",
        ..new
    };
    insta::assert_snapshot!(large.planned(), @"
    + security group shop-prod-database (for the database, in vpc-1)
    + rule shop-prod-database (allows postgres (5432) from shop-prod-app)
    + subnet group shop-prod-database (in a, b)
    + database shop-prod-database (postgres 17, db.t4g.micro, 20 GB encrypted, a second one in another zone, no backups, not public; costs money)
    + secret rds!db-... (RDS makes the password and changes it every 7 days; instances read it only when they start or are deployed to, so the app must read it itself or be refreshed each time; costs money)
    ");
}

#[test]
fn one_that_is_as_it_shall_be_is_left_alone() {
    assert_eq!(SETTLED.planned(), "");
    // RDS itself gives more storage, and newer versions.
    let grown = Case {
        file: "{ engine: mysql, engine_version: '8.0' }",
        instance: Some(&[("AllocatedStorage", "35"), ("EngineVersion", "8.0.44")]),
        ..SETTLED
    };
    assert_eq!(grown.planned(), "");
    // What was asked for before is on its way.
    let pending = Case {
        file: "{ engine: mysql, class: db.t4g.large }",
        instance: Some(&[(
            "PendingModifiedValues",
            "<DBInstanceClass>db.t4g.large</DBInstanceClass>",
        )]),
        ..SETTLED
    };
    insta::assert_snapshot!(pending.planned(), @"+ database shop-prod-database (is begun: waits until it is available)");
}

#[test]
fn what_the_file_says_anew_is_changed() {
    let changed = Case {
        file: "{ engine: mysql, class: db.m7g.large, storage_gb: 50, multi_az: true, backup_days: 14, engine_version: 8.0.44 }",
        ..SETTLED
    };
    insta::assert_snapshot!(changed.planned(), @"
    ~ database shop-prod-database (class db.t4g.micro -> db.m7g.large; it is away for some minutes)
    ~ database shop-prod-database (storage 20 -> 50 GB; costs money)
    ~ database shop-prod-database (gets a second one in another zone; costs money)
    ~ database shop-prod-database (backups of 7 -> 14 days)
    ~ database shop-prod-database (version 8.0.43 -> 8.0.44; it is away for some minutes)
    ");
    let unsafe_one = Case {
        instance: Some(&[
            ("MultiAZ", "true"),
            ("PubliclyAccessible", "true"),
            ("DeletionProtection", "false"),
        ]),
        ..SETTLED
    };
    insta::assert_snapshot!(unsafe_one.planned(), @"
    ~ database shop-prod-database (no second one in another zone any more)
    ~ database shop-prod-database (is protected from being deleted)
    ~ database shop-prod-database (has no public address any more)
    ");
}

#[test]
fn passwords_change_where_they_are_kept() {
    const KEPT: &[(&str, &str)] = &[(
        "MasterUserSecret",
        "<SecretArn>arn:rds</SecretArn><SecretStatus>active</SecretStatus>",
    )];
    let by_rds = "{ engine: mysql, managed_password: true }";
    let case = |file, instance, rotate| {
        let case = Case {
            file,
            instance: Some(instance),
            rotate,
            ..SETTLED
        };
        case.planned()
    };
    let told = [
        case(SETTLED.file, &[], true),
        case(by_rds, KEPT, false),
        case(by_rds, KEPT, true),
        case(by_rds, &[], false),
        case(SETTLED.file, KEPT, false),
    ];
    insta::assert_snapshot!(told.join("\n---\n"), @"
    ~ database shop-prod-database (a new password, in the secret shop/shop-prod/database as well)
    ---

    ---
    ~ database shop-prod-database (a new password, made by RDS, in its secret as well)
    ---
    ~ database shop-prod-database (RDS makes the password and changes it every 7 days; instances read it only when they start or are deployed to, so the app must read it itself or be refreshed each time; the app has the old password until the next `beanship deploy`; costs money)
    ---
    ~ database shop-prod-database (the password of the secret shop/shop-prod/database; RDS deletes its own; the app has the old password until the next `beanship deploy`)
    ");
}

#[test]
fn what_cannot_become_the_database_is_refused() {
    let cases = [
        Case {
            vpc: "vpc-2",
            ..SETTLED
        },
        Case {
            instance: None,
            zones: &["a"],
            ..SETTLED
        },
        Case {
            ours: false,
            ..SETTLED
        },
        Case {
            file: "{ engine: postgres }",
            ..SETTLED
        },
        Case {
            file: "{ engine: mysql, username: other }",
            ..SETTLED
        },
        Case {
            file: "{ engine: mysql, engine_version: '8.4' }",
            ..SETTLED
        },
        Case {
            instance: Some(&[("DBInstanceStatus", "deleting")]),
            ..SETTLED
        },
    ];
    let told: Vec<String> = cases.iter().map(Case::planned).collect();
    insta::assert_snapshot!(told.join("\n"), @"
    the subnet group shop-prod-database is in vpc-2, and the environment in vpc-1
      write that VPC as `network.vpc` in beanship.yml, or delete the database first: see `beanship bootstrap --help`
    a database needs subnets in two zones that offer db.t4g.micro: vpc-1 has only subnet-a (a)
      choose another `class` or `network.vpc` under `environments.production` in beanship.yml; see the subnets with `aws ec2 describe-subnets --filters Name=vpc-id,Values=vpc-1`
    the subnet group shop-prod-database is there already and was not made for shop-prod
      if it may be used, give it the tags beanship:app=shop and beanship:environment=shop-prod; else delete it, and run `beanship bootstrap` again
    the database shop-prod-database has the engine mysql, and beanship.yml says postgres: beanship does not change that
      write `engine: mysql` under `database` in beanship.yml
    the database shop-prod-database has the username app, and beanship.yml says other: beanship does not change that
      write `username: app` under `database` in beanship.yml
    the database shop-prod-database has the engine_version 8.0.43, and beanship.yml says 8.4: beanship does not change that
      a new major version is yours to take: `aws rds modify-db-instance --db-instance-identifier shop-prod-database --engine-version 8.4 --allow-major-version-upgrade`
    the database shop-prod-database is being deleted
      wait until it is gone: `aws rds wait db-instance-deleted --db-instance-identifier shop-prod-database`, and run `beanship bootstrap` again
    ");
}
