//! Security groups and their rules.

use super::super::group::{self, Rule};
use super::*;
use crate::aws::ec2::{Peer, Permission};
use crate::plan::Plan;

/// The group that shall be.
fn wanted() -> Group {
    Group {
        name: "shop-prod-database".into(),
        purpose: "for the database".into(),
        vpc: "vpc-1".into(),
        tags: place().all_tags(),
    }
}

/// The group that is.
fn group(tags: &Tags, peers: &[&str]) -> SecurityGroup {
    security_group("sg-db", "shop-prod-database", "vpc-1", tags, peers)
}

/// The plan to the group, with one rule for the group of this id.
fn lines(seen: Option<&SecurityGroup>, id: Option<&str>, ours: bool) -> String {
    let wanted = wanted();
    let rule = Rule {
        service: "mysql".into(),
        port: 3306,
        from: GroupRef {
            name: "shop-prod-app".into(),
            id: id.map(str::to_owned),
        },
    };
    let mut steps = match ours {
        true => group::plan(&place(), &wanted, seen).expect("ours"),
        false => Vec::new(),
    };
    steps.extend(group::rules(&wanted.reference(seen), ours, &[rule], seen));
    let changes = Plan::new(steps).changes().into_iter().map(|it| {
        let detail = it.detail.unwrap_or_default();
        format!("{} {} {} ({detail})", it.verb.sign(), it.kind, it.name)
    });
    changes.collect::<Vec<_>>().join("\n")
}

#[test]
fn a_group_gets_what_it_lacks_and_ours_nothing_else() {
    let ours = place().all_tags();
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
}

#[test]
fn a_group_is_ours_by_its_tags() {
    let (ours, wanted) = (place().all_tags(), wanted());
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
            description: None,
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
