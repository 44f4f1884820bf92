//! A database that was there before: here it is another environment's.

use super::network::lines;
use super::{CONFIG, bootstrap, document, project};
use crate::support::Project;

const STAGING: &str =
    "  staging:\n    name: shop-staging\n    network: {}\n    database: { engine: mysql }\n";

/// A project whose production uses this database, and whose staging has made one.
fn joining(database: &str) -> Project {
    let own = format!("    network: {{}}\n    database: {database}\n");
    let project = project(&format!("{CONFIG}{own}{STAGING}"));
    let arguments = [
        "bootstrap",
        "--env",
        "staging",
        "--only",
        "network,database",
    ];
    let run = project.beanship(&[&["--sandbox-empty"], &arguments[..]].concat());
    assert_eq!(run.code, Some(0), "{}", run.stderr);
    project.forget_calls();
    project
}

#[test]
fn a_database_of_others_lets_the_environment_in_and_is_left_again() {
    let project = joining("{ instance: shop-staging-database }");
    let only = ["--only", "network,database"];
    let plan = bootstrap(&project, &[&only[..], &["--plan"]].concat());
    insta::assert_snapshot!(lines(&plan, &["  + ", "  ~ ", "  - "]), @"
    + security group  shop-prod-app  (for the instances, in vpc-ID)
    + security group  shop-prod-database  (for the database, in vpc-ID)
    + rule            shop-prod-database  (allows mysql (3306) from shop-prod-app)
    ~ database        shop-staging-database  (gets the security group shop-prod-database beside its own)
    ");
    // The database of others is changed: that is agreed to first.
    assert_eq!(bootstrap(&project, &only).code, Some(2));
    assert_eq!(project.writes(), [""; 0]);
    let all = [
        "--sandbox-empty",
        "bootstrap",
        "--env",
        "production",
        "--yes",
    ];
    let mut child = project.start(&[&all[..], &only].concat());
    project.until("AuthorizeSecurityGroupIngress 200", 1);
    project.signal(&child, "-KILL");
    let _ = child.wait();
    let (report, code) = document(&project, &[&only[..], &["--yes"]].concat());
    assert_eq!(code, Some(0), "{report}");
    project.forget_calls();
    assert_eq!(document(&project, &only).0["outcome"], "unchanged");
    assert_eq!(project.writes(), [""; 0]);
    let plan = bootstrap(&project, &["--destroy", "--plan"]);
    insta::assert_snapshot!(lines(&plan, &["  + ", "  ~ ", "  - ", "stay"]), @"
    note: the OIDC provider, buckets and secrets stay: others may use them
      - security groups  shop-staging-database  (no longer has shop-prod-database; its others stay)
      - rule             shop-prod-database  (allows mysql (3306) from shop-prod-app)
      - security group   shop-prod-app
      - security group   shop-prod-database
    ");
    let (report, code) = document(&project, &["--destroy", "--yes"]);
    assert_eq!(code, Some(0), "{report}");
    assert_eq!(
        document(&project, &["--destroy", "--yes"]).0["outcome"],
        "unchanged"
    );
}

#[test]
fn a_database_that_does_not_fit_is_refused() {
    for (database, part) in [
        ("{ instance: others }", "there is no database others"),
        (
            "{ instance: shop-staging-database, security_group: sg-0123456789abcdef0 }",
            "the database shop-staging-database does not have the security group",
        ),
    ] {
        let project = joining(database);
        let (report, code) = document(&project, &["--only", "network,database"]);
        let message = report["error"]["message"].as_str().unwrap_or_default();
        assert!(message.starts_with(part), "{report}");
        assert_eq!((code, project.writes().len()), (Some(2), 0));
    }
    let project = joining("{ instance: shop-staging-database }");
    let (report, code) = document(&project, &["--only", "database"]);
    let message = report["error"]["message"].as_str().unwrap_or_default();
    assert!(
        message.contains("needs the security group shop-prod-app"),
        "{report}"
    );
    assert_eq!(code, Some(2));
}

#[test]
fn a_database_that_the_file_no_longer_names_gets_its_groups_back() {
    let project = joining("{ instance: shop-staging-database }");
    let only = ["--only", "network,database", "--yes"];
    assert_eq!(bootstrap(&project, &only).code, Some(0));
    let text = std::fs::read_to_string(project.path().join("beanship.yml")).expect("the file");
    let other = text.replace("    database: { instance: shop-staging-database }\n", "");
    project.write("beanship.yml", &other);
    let gone = bootstrap(&project, &["--destroy", "--yes"]);
    assert_eq!(gone.code, Some(0), "{}", gone.stderr);
    insta::assert_snapshot!(lines(&gone, &["  - "]), @"
    - security groups  shop-staging-database  (no longer has shop-prod-database; its others stay)
    - rule             shop-prod-database  (allows mysql (3306) from shop-prod-app)
    - security group   shop-prod-app
    - security group   shop-prod-database
    ");
}
