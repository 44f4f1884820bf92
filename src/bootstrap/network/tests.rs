//! Tables over the pure rules.

use std::fmt::Write;
use std::path::Path;

use super::group::Rule;
use super::*;
use crate::aws::ec2::{Peer, Permission, RouteTable, Subnet};
use crate::bootstrap::names::Tags;
use crate::config::Config;
use crate::deploy::configuration::{Configuration, OptionSetting};
use crate::deploy::environment::Environment;
use crate::plan::Plan;
use crate::settings::Target;

fn place() -> Place {
    Place {
        account: "1".into(),
        region: "eu-west-1".into(),
        target: Target {
            app: "shop".into(),
            key: Some("production".into()),
            environment: "shop-prod".into(),
        },
        path: "/".into(),
        tags: Tags::new(),
    }
}

fn declared(yaml: &str) -> EnvironmentConfig {
    let text = format!("environments: {{ production: {yaml} }}");
    let config = Config::parse(&text, Path::new("f")).expect("a project file");
    config.environments["production"].clone()
}

fn environment(options: &[(&str, &str, &str)]) -> SeenEnvironment {
    let option = |(namespace, name, value): &(&str, &str, &str)| OptionSetting {
        namespace: (*namespace).into(),
        name: (*name).into(),
        value: Some((*value).into()),
    };
    SeenEnvironment {
        description: Environment::default(),
        configuration: Configuration::new(options.iter().map(option).collect()),
        ours: true,
    }
}

fn vpcs(xml: &[(&str, bool, &str)]) -> Vec<Vpc> {
    let vpc = |(id, is_default, name): &(&str, bool, &str)| {
        let tag = format!("<item><key>Name</key><value>{name}</value></item>");
        let xml = format!(
            "<item><vpcId>{id}</vpcId><cidrBlock>10.0.0.0/16</cidrBlock><isDefault>{is_default}</isDefault><tagSet>{tag}</tagSet></item>"
        );
        quick_xml::de::from_str(&xml).expect("a VPC")
    };
    xml.iter().map(vpc).collect()
}

fn security_group(id: &str, name: &str, vpc: &str, tags: &Tags, peers: &[&str]) -> SecurityGroup {
    let mut xml = format!(
        "<item><groupId>{id}</groupId><groupName>{name}</groupName><vpcId>{vpc}</vpcId><tagSet>"
    );
    for (key, value) in tags {
        let _ = write!(xml, "<item><key>{key}</key><value>{value}</value></item>");
    }
    xml.push_str("</tagSet><ipPermissions>");
    for peer in peers {
        let list = match peer.starts_with("sg-") {
            true => format!("<groups><item><groupId>{peer}</groupId></item></groups>"),
            false => format!("<ipRanges><item><cidrIp>{peer}</cidrIp></item></ipRanges>"),
        };
        let _ = write!(
            xml,
            "<item><ipProtocol>tcp</ipProtocol><fromPort>3306</fromPort><toPort>3306</toPort>{list}</item>"
        );
    }
    xml.push_str("</ipPermissions></item>");
    quick_xml::de::from_str(&xml).expect("a group")
}

/// Three zones: `a` public, `b` public, `c` behind a NAT gateway; and a shut one in `a`.
fn sites() -> Vec<Site> {
    let subnets: Vec<Subnet> = ["a", "b", "c", "shut"]
        .iter()
        .map(|it| {
            let zone = if *it == "shut" { "a" } else { it };
            let xml = format!("<item><subnetId>subnet-{it}</subnetId><availabilityZone>z-{zone}</availabilityZone><defaultForAz>false</defaultForAz></item>");
            quick_xml::de::from_str(&xml).expect("a subnet")
        })
        .collect();
    let table = |target: &str, of: &str| -> RouteTable {
        let route = format!(
            "<routeSet><item><destinationCidrBlock>0.0.0.0/0</destinationCidrBlock>{target}</item></routeSet>"
        );
        let xml = format!("<item>{route}<associationSet>{of}</associationSet></item>");
        quick_xml::de::from_str(&xml).expect("a route table")
    };
    let of = |subnet: &str| format!("<item><subnetId>{subnet}</subnetId><main>false</main></item>");
    let tables = [
        table(
            "<gatewayId>igw-1</gatewayId><state>active</state>",
            "<item><main>true</main></item>",
        ),
        table(
            "<natGatewayId>nat-1</natGatewayId><state>active</state>",
            &of("subnet-c"),
        ),
        table(
            "<gatewayId>igw-0</gatewayId><state>blackhole</state>",
            &of("subnet-shut"),
        ),
    ];
    subnets::sites(&subnets, &tables)
}

fn ground(groups: Vec<SecurityGroup>) -> Ground {
    Ground {
        vpc: vpcs(&[("vpc-1", true, "")]).remove(0),
        sites: sites(),
        zones: None,
        groups,
        notes: Vec::new(),
    }
}

fn told(error: &Error) -> String {
    let each = error.problems().map(|it| {
        let hints: Vec<String> = it.hints().iter().map(ToString::to_string).collect();
        format!("{}\n  {}", it.message(), hints.join("\n  "))
    });
    each.collect::<Vec<_>>().join("\n")
}

#[test]
fn the_vpc_is_the_named_one_else_the_environments_else_the_default() {
    let two = vpcs(&[("vpc-1", true, ""), ("vpc-2", false, "main")]);
    let none = vpcs(&[("vpc-2", false, "main"), ("vpc-3", false, "")]);
    let inside = environment(&[(VPC, "VPCId", "vpc-2")]);
    let outside = environment(&[]);
    let asks = |yaml: &str, there: Option<&SeenEnvironment>, vpcs: &[Vpc]| match vpc(
        &place(),
        &declared(yaml),
        there,
        vpcs,
    ) {
        Ok(found) => found.id.clone(),
        Err(error) => told(&error),
    };
    let own = "{ settings: { 'aws:ec2:vpc': { VPCId: vpc-2 } } }";
    for (yaml, there, expected) in [
        ("{ network: {} }", None, "vpc-1"),
        ("{ network: {} }", Some(&outside), "vpc-1"),
        ("{ network: { vpc: vpc-2 } }", None, "vpc-2"),
        ("{ network: { vpc: vpc-2 } }", Some(&inside), "vpc-2"),
        ("{ security_groups: sg-1 }", None, "vpc-1"),
        ("{ security_groups: sg-1 }", Some(&inside), "vpc-2"),
        (own, None, "vpc-2"),
    ] {
        assert_eq!(asks(yaml, there, &two), expected, "{yaml}");
    }
    let refused = [
        asks("{ network: {} }", None, &none),
        asks("{ network: { vpc: vpc-9 } }", None, &two),
        asks("{ network: {} }", None, &[]),
        asks("{ network: {} }", Some(&inside), &two),
    ];
    insta::assert_snapshot!(refused.join("\n"), @"
    there is no default VPC in eu-west-1: there is vpc-2 (main, 10.0.0.0/16), vpc-3 (10.0.0.0/16)
      choose one: write `network: { vpc: vpc-2 }` under `environments.production` in beanship.yml, and run `beanship bootstrap --env production` again
    there is no VPC vpc-9 in eu-west-1: there is vpc-1 (10.0.0.0/16), vpc-2 (main, 10.0.0.0/16)
      choose one: write `network: { vpc: vpc-1 }` under `environments.production` in beanship.yml, and run `beanship bootstrap --env production` again
    there is no default VPC in eu-west-1, nor any other
      make one with `aws ec2 create-default-vpc`
    shop-prod is in vpc-2, and beanship.yml says vpc-1: beanship moves no environment
      write `network: { vpc: vpc-2 }`, or make it anew: `beanship bootstrap --destroy --env production`
    ");
}

#[test]
fn subnets_are_in_zones_that_fit_and_lead_out() {
    let chosen = |yaml: &str, zones: Option<&[&str]>| {
        let mut ground = ground(Vec::new());
        ground.zones = zones.map(|it| it.iter().map(|it| format!("z-{it}")).collect());
        let wanted = match wanted(&place(), &declared(yaml), &ground, None) {
            Ok(wanted) => wanted,
            Err(error) => return told(&error),
        };
        let settings = wanted.settings.iter();
        let settings = settings.map(|it| format!("{}={}", it.name, it.value));
        settings
            .chain(wanted.warnings)
            .collect::<Vec<_>>()
            .join("\n")
    };
    insta::assert_snapshot!(chosen("{ network: {} }", None), @"
    VPCId=vpc-1
    Subnets=subnet-a,subnet-b
    AssociatePublicIpAddress=true
    SecurityGroups=shop-prod-app
    ");
    insta::assert_snapshot!(chosen("{ network: {}, instance_type: 't9.big, t9.small' }", Some(&["a"])), @"
    VPCId=vpc-1
    Subnets=subnet-a
    AssociatePublicIpAddress=true
    SecurityGroups=shop-prod-app
    ");
    insta::assert_snapshot!(chosen("{ network: {}, type: load-balanced }", None), @"
    VPCId=vpc-1
    Subnets=subnet-a,subnet-b
    ELBSubnets=subnet-a,subnet-b
    AssociatePublicIpAddress=true
    SecurityGroups=shop-prod-app
    ");
    let named = "network: { subnets: [subnet-c, subnet-a] }, type: load-balanced";
    insta::assert_snapshot!(chosen(&format!("{{ {named} }}"), None), @"
    VPCId=vpc-1
    Subnets=subnet-c,subnet-a
    ELBSubnets=subnet-a,subnet-b
    AssociatePublicIpAddress=true
    SecurityGroups=shop-prod-app
    the load balancer has no subnet in the zone of subnet-c (z-c): instances there get no requests
    ");
    let inner =
        "settings: { 'aws:ec2:vpc': { ELBScheme: internal, AssociatePublicIpAddress: 'false' } }";
    insta::assert_snapshot!(chosen(&format!("{{ {named}, {inner} }}"), None), @"
    VPCId=vpc-1
    Subnets=subnet-c,subnet-a
    ELBSubnets=subnet-c,subnet-a
    SecurityGroups=shop-prod-app
    ");
    insta::assert_snapshot!(chosen("{ network: { subnets: [subnet-c] } }", None), @"
    VPCId=vpc-1
    Subnets=subnet-c
    AssociatePublicIpAddress=false
    SecurityGroups=shop-prod-app
    no internet gateway leads into subnet-c (z-c): the environment cannot be reached there
    ");
    insta::assert_snapshot!(chosen("{ network: { subnets: [subnet-shut, subnet-b] } }", None), @"
    VPCId=vpc-1
    Subnets=subnet-shut,subnet-b
    AssociatePublicIpAddress=true
    SecurityGroups=shop-prod-app
    no route leads out of subnet-shut (z-a): instances there reach neither Elastic Beanstalk nor a registry
    ");
    insta::assert_snapshot!(chosen("{ network: { subnets: [subnet-c, subnet-x] }, instance_type: t9.big }", Some(&["a"])), @"
    the subnet subnet-c is in z-c, where t9.big is not offered
      choose other subnets or another `instance_type` in beanship.yml; where it is offered says `aws ec2 describe-instance-type-offerings --location-type availability-zone --filters Name=instance-type,Values=t9.big`
    there is no subnet subnet-x in vpc-1: it has subnet-a (z-a), subnet-shut (z-a), subnet-b (z-b), subnet-c (z-c)
      correct `network.subnets` in beanship.yml, and run `beanship bootstrap` again
    ");
    insta::assert_snapshot!(chosen("{ network: {}, instance_type: t9.big }", Some(&["x"])), @"
    no subnet of vpc-1 is in a zone that offers t9.big: it has subnet-a (z-a), subnet-shut (z-a), subnet-b (z-b), subnet-c (z-c)
      choose other subnets or another `instance_type` in beanship.yml; where it is offered says `aws ec2 describe-instance-type-offerings --location-type availability-zone --filters Name=instance-type,Values=t9.big`
    ");
    insta::assert_snapshot!(chosen("{ network: { subnets: subnet-a }, type: load-balanced }", None), @"
    VPCId=vpc-1
    Subnets=subnet-a
    ELBSubnets=subnet-a,subnet-b
    AssociatePublicIpAddress=true
    SecurityGroups=shop-prod-app
    ");
    insta::assert_snapshot!(chosen("{ network: { subnets: subnet-c }, tier: worker }", None), @"
    VPCId=vpc-1
    Subnets=subnet-c
    AssociatePublicIpAddress=false
    SecurityGroups=shop-prod-app
    ");
}

#[test]
fn an_environment_that_is_there_gets_our_group_and_keeps_the_rest() {
    let own = security_group("sg-own", "shop-prod-app", "vpc-1", &place().all_tags(), &[]);
    let other = security_group("sg-2", "other", "vpc-1", &Tags::new(), &[]);
    let made = security_group(
        "sg-eb",
        "awseb-e-1-stack-AWSEBSecurityGroup-X",
        "vpc-1",
        &Tags::new(),
        &[],
    );
    let ground = ground(vec![own, other, made]);
    let groups = |seen: &str, yaml: &str| {
        let there = environment(&[
            (LAUNCH, SECURITY_GROUPS, seen),
            (VPC, "Subnets", "subnet-a"),
        ]);
        let wanted = wanted(&place(), &declared(yaml), &ground, Some(&there)).expect("a network");
        let settings: Vec<String> = wanted
            .settings
            .iter()
            .map(|it| format!("{}={}", it.name, it.value))
            .collect();
        settings.join(" ")
    };
    for (seen, yaml, expected) in [
        ("", "{ network: {} }", "SecurityGroups=sg-own"),
        (
            "awseb-e-1-X, sg-1",
            "{ network: {} }",
            "SecurityGroups=sg-1,sg-own",
        ),
        (
            "sg-eb,sg-1",
            "{ network: {} }",
            "SecurityGroups=sg-1,sg-own",
        ),
        (
            "sg-1",
            "{ network: {}, security_groups: sg-2 }",
            "SecurityGroups=sg-1,sg-2,sg-own",
        ),
        (
            "sg-own,sg-1,sg-2",
            "{ network: {}, security_groups: sg-2 }",
            "",
        ),
        (
            "shop-prod-app,other",
            "{ network: {}, security_groups: sg-2 }",
            "",
        ),
        (
            "sg-own",
            "{ network: { subnets: subnet-b } }",
            "VPCId=vpc-1 Subnets=subnet-b AssociatePublicIpAddress=true",
        ),
    ] {
        assert_eq!(groups(seen, yaml), expected, "{seen} {yaml}");
    }
}

#[test]
fn groups_are_there_and_in_the_vpc() {
    let ground = ground(vec![security_group(
        "sg-2",
        "x",
        "vpc-2",
        &Tags::new(),
        &[],
    )]);
    let error = wanted(
        &place(),
        &declared("{ network: {}, security_groups: [sg-1, sg-2] }"),
        &ground,
        None,
    )
    .expect_err("two problems");
    insta::assert_snapshot!(told(&error), @"
    there is no security group sg-1 in eu-west-1
      correct `security_groups` in beanship.yml; see those of the VPC with `aws ec2 describe-security-groups --filters Name=vpc-id,Values=vpc-1`
    the security group sg-2 is in vpc-2, and shop-prod in vpc-1
      correct `security_groups` in beanship.yml; see those of the VPC with `aws ec2 describe-security-groups --filters Name=vpc-id,Values=vpc-1`
    ");
}

#[test]
fn a_group_gets_what_it_lacks_and_ours_nothing_else() {
    let wanted = Group {
        name: "shop-prod-database".into(),
        purpose: "for the database".into(),
        vpc: "vpc-1".into(),
        tags: place().all_tags(),
    };
    let from = |id: Option<&str>| GroupRef {
        name: "shop-prod-app".into(),
        id: id.map(str::to_owned),
    };
    let rule = |id: Option<&str>| Rule {
        service: "mysql".into(),
        port: 3306,
        from: from(id),
    };
    let lines = |seen: Option<&SecurityGroup>, id: Option<&str>, ours: bool| {
        let mut steps = match ours {
            true => group::plan(&place(), &wanted, seen).expect("ours"),
            false => Vec::new(),
        };
        steps.extend(group::rules(
            &wanted.reference(seen),
            ours,
            &[rule(id)],
            seen,
        ));
        let changes = Plan::new(steps).changes().into_iter().map(|it| {
            format!(
                "{} {} {} ({})",
                it.verb.sign(),
                it.kind,
                it.name,
                it.detail.unwrap_or_default()
            )
        });
        changes.collect::<Vec<_>>().join("\n")
    };
    let group = |tags: &Tags, peers: &[&str]| {
        security_group("sg-db", "shop-prod-database", "vpc-1", tags, peers)
    };
    let ours = place().all_tags();
    let mut fewer = ours.clone();
    fewer.insert("beanship:app".into(), "shop".into());
    let cases = [
        lines(None, None, true),
        lines(Some(&group(&ours, &[])), Some("sg-app"), true),
        lines(Some(&group(&ours, &["sg-app"])), Some("sg-app"), true),
        lines(
            Some(&group(&ours, &["sg-app", "0.0.0.0/0"])),
            Some("sg-app"),
            true,
        ),
        lines(
            Some(&group(&Tags::new(), &["10.0.0.0/8"])),
            Some("sg-app"),
            false,
        ),
    ];
    insta::assert_snapshot!(cases.join("\n---\n"), @"
    + security group shop-prod-database (for the database, in vpc-1)
    + rule shop-prod-database (allows mysql (3306) from shop-prod-app)
    ---
    + rule shop-prod-database (allows mysql (3306) from shop-prod-app)
    ---

    ---
    - rule shop-prod-database (allows mysql (3306) from everywhere (0.0.0.0/0), which beanship.yml does not name)
    ---
    + rule shop-prod-database (allows mysql (3306) from shop-prod-app)
    ");
    let tagged = Group {
        tags: [ours.clone(), Tags::from([("team".into(), "x".into())])]
            .into_iter()
            .flatten()
            .collect(),
        ..wanted.clone()
    };
    let seen = group(&ours, &[]);
    let steps = Plan::new(group::plan(&place(), &tagged, Some(&seen)).expect("ours"));
    assert_eq!(steps.changes()[0].detail.as_deref(), Some("tags team=x"));
    let stranger = group(&Tags::new(), &[]);
    let error = group::plan(&place(), &wanted, Some(&stranger)).expect_err("not ours");
    assert!(
        error.message().contains("was not made for shop-prod"),
        "{error}"
    );
}

#[test]
fn rules_are_told_in_words() {
    let words = |protocol: &str, from: Option<i32>, to: Option<i32>, peer: Peer| {
        group::words(&Permission {
            protocol: protocol.into(),
            from,
            to,
            peer,
        })
    };
    let everywhere = || Peer::V4("0.0.0.0/0".into());
    let all = [
        words("tcp", Some(22), Some(22), everywhere()),
        words("tcp", Some(8000), Some(8010), Peer::Group("sg-1".into())),
        words("tcp", Some(9999), Some(9999), Peer::V6("::/0".into())),
        words("-1", None, None, Peer::Prefixes("pl-1".into())),
        words("udp", Some(53), Some(53), Peer::V4("10.0.0.0/8".into())),
        words("icmp", Some(-1), Some(-1), everywhere()),
        words("50", None, None, everywhere()),
    ];
    insta::assert_snapshot!(all.join("\n"), @"
    ssh (22) from everywhere (0.0.0.0/0)
    ports 8000 to 8010 from sg-1
    port 9999 from everywhere (::/0)
    everything from pl-1
    udp 53 from 10.0.0.0/8
    all icmp from everywhere (0.0.0.0/0)
    all 50 from everywhere (0.0.0.0/0)
    ");
}
