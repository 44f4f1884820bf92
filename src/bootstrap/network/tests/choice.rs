//! Which subnets are chosen, and what will not work there.

use super::*;

/// The settings and warnings, or the refusal.
fn chosen(yaml: &str, zones: Option<&[&str]>) -> String {
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
}

#[test]
fn those_that_lead_out_and_offer_the_instance_type_are_chosen() {
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
}

#[test]
fn named_ones_are_taken_and_load_balancers_are_where_they_can_be_reached() {
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
}

#[test]
fn what_leads_nowhere_is_told() {
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
    insta::assert_snapshot!(chosen("{ network: { subnets: subnet-c }, tier: worker }", None), @"
    VPCId=vpc-1
    Subnets=subnet-c
    AssociatePublicIpAddress=false
    SecurityGroups=shop-prod-app
    ");
}

#[test]
fn what_does_not_fit_is_refused() {
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
}
