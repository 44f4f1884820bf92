//! Tables over the pure rules.

mod choice;
mod groups;

use std::fmt::Write;
use std::path::Path;

use super::*;
use crate::aws::ec2::{RouteTable, Subnet};
use crate::bootstrap::names::{Tags, sample as place};
use crate::config::Config;
use crate::deploy::configuration::{Configuration, OptionSetting};
use crate::deploy::environment::Environment;

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
