//! What becomes of a database: its password changes, it goes, others use it.

use super::{MYSQL, books, config, instance, outcome, secret};
use crate::bootstrap::{bootstrap, project};

#[test]
fn a_password_changes_in_both_places() {
    let file = config(MYSQL) + "    properties: { DB_PASSWORD: { rds: password } }\n";
    let project = project(&file);
    assert_eq!(outcome(&project, &[]).1, Some(0));
    let before = secret(&project);
    project.write(
        ".beanship/sandbox/trouble.yml",
        "speed: 100\ndeny: ['rds:ModifyDBInstance']",
    );
    let rotate = ["--rotate-database-password", "--yes"];
    let none = bootstrap(&project, &["--rotate-database-password", "--only", "iam"]);
    assert_eq!(none.code, Some(2), "{}", none.stderr);
    let denied = bootstrap(&project, &rotate);
    assert_eq!(denied.code, Some(3), "{}", denied.stderr);
    assert_eq!(instance(&project)["password"], before["password"]);
    assert_ne!(secret(&project), before);
    // The next run sees that the database has not got it yet.
    project.write(".beanship/sandbox/trouble.yml", "speed: 100");
    let run = bootstrap(&project, &["--yes"]);
    insta::assert_snapshot!(run.shown(&project), @"
    succeeded: 2 changes made, shop-prod is ready for `beanship --sandbox deploy --env production`
    GitHub deploys with the role arn:aws:iam::DIGEST:role/shop-prod-eu-central-1-deployer
    http://shop-prod.eba-ID.eu-central-1.elasticbeanstalk.com
    ------- stderr -------
    Bootstrapping shop-prod of shop (account DIGEST, eu-central-1, in the sandbox)
    Plan
      ~ database  shop-prod-database  (the password of the secret shop/shop-prod/database)
    Changed the password of shop-prod-database (N s)
    The database shop-prod-database is available (N s)
    [exit 0]
    ");
    assert_eq!(instance(&project)["password"], secret(&project)["password"]);
    assert_eq!(outcome(&project, &[]), ("unchanged 0".into(), Some(0)));
    let middle = secret(&project);
    assert_eq!(outcome(&project, &rotate).1, Some(0));
    assert_ne!(secret(&project), middle);
    assert_eq!(instance(&project)["password"], secret(&project)["password"]);
}

#[test]
fn a_database_stays_unless_it_is_named() {
    let project = project(&config(MYSQL));
    assert_eq!(outcome(&project, &[]).1, Some(0));
    let wrong = bootstrap(
        &project,
        &["--destroy", "--delete-database", "shop", "--plan"],
    );
    insta::assert_snapshot!(wrong.shown(&project), @"
    ------- stderr -------
    Taking away shop-prod of shop (account DIGEST, eu-central-1, in the sandbox)
    error: the database that was made for shop-prod is called shop-prod-database, not shop
    hint: name it: `beanship --sandbox bootstrap --destroy --env production --delete-database shop-prod-database`
    [exit 2]
    ");
    let stays = bootstrap(&project, &["--destroy", "--yes"]);
    insta::assert_snapshot!(stays.shown(&project), @"
    succeeded: what was made for shop-prod is gone, but for its database
    ------- stderr -------
    Taking away shop-prod of shop (account DIGEST, eu-central-1, in the sandbox)
    note: the database shop-prod-database stays, with its security group and its subnets: `--delete-database shop-prod-database` takes it away, after a last snapshot
    note: the OIDC provider, buckets and secrets stay: others may use them
    Plan
      - environment       shop-prod  (with its instances and its address)
      - rule              shop-prod-database  (allows mysql (3306) from shop-prod-app)
      - security group    shop-prod-app
      - instance profile  shop-prod-eu-central-1-ec2
      - IAM role          shop-prod-eu-central-1-deployer
      - IAM role          shop-prod-eu-central-1-ops
      - IAM role          shop-prod-eu-central-1-service
      - IAM role          shop-prod-eu-central-1-ec2
      - application       shop  (with its versions; their bundles stay)
    TIME  INFO   terminateEnvironment is starting.
    TIME  INFO   Deleted Auto Scaling group named: awseb-e-ID-stack-AWSEBAutoScalingGroup
    TIME  INFO   Deleted security group named: awseb-e-ID-stack-AWSEBSecurityGroup
    TIME  INFO   Deleting SNS topic for environment shop-prod.
    TIME  INFO   terminateEnvironment completed successfully.
    Terminated shop-prod (N s)
    Took mysql (3306) from shop-prod-app out of shop-prod-database (N s)
    Deleted the security group shop-prod-app (N s)
    Deleted the instance profile shop-prod-eu-central-1-ec2 (N s)
    Deleted the role shop-prod-eu-central-1-deployer (N s)
    Deleted the role shop-prod-eu-central-1-ops (N s)
    Deleted the role shop-prod-eu-central-1-service (N s)
    Deleted the role shop-prod-eu-central-1-ec2 (N s)
    Deleted the application shop (N s)
    [exit 0]
    ");
    assert_eq!(instance(&project)["status"], "available");
}

#[test]
fn a_database_goes_last_and_leaves_a_snapshot() {
    let project = project(&config(MYSQL));
    assert_eq!(
        outcome(&project, &["--only", "network,database"]).1,
        Some(0)
    );
    let goes = [
        "--destroy",
        "--yes",
        "--delete-database",
        "shop-prod-database",
    ];
    let gone = bootstrap(&project, &goes);
    insta::assert_snapshot!(gone.shown(&project), @"
    succeeded: what was made for shop-prod is gone
    ------- stderr -------
    Taking away shop-prod of shop (account DIGEST, eu-central-1, in the sandbox)
    note: the OIDC provider, buckets and secrets stay: others may use them
    note: a secret that RDS made for the database goes with it
    Plan
      - rule            shop-prod-database  (allows mysql (3306) from shop-prod-app)
      - security group  shop-prod-app
      - database        shop-prod-database  (with its backups; the snapshot shop-prod-database-final-DATE stays, and costs money)
      - subnet group    shop-prod-database
      - security group  shop-prod-database
    Took mysql (3306) from shop-prod-app out of shop-prod-database (N s)
    Deleted the security group shop-prod-app (N s)
    Deleted the database shop-prod-database (N s)
    Deleted the subnet group shop-prod-database (N s)
    Deleted the security group shop-prod-database (N s)
    [exit 0]
    ");
    let left = books(&project, "rds");
    assert_eq!(left["instances"], serde_json::json!({}));
    let snapshots = left["snapshots"].as_object().expect("snapshots");
    assert!(
        snapshots
            .keys()
            .all(|it| it.starts_with("shop-prod-database-final-"))
    );
    assert_eq!(snapshots.len(), 1);
    assert_eq!(outcome(&project, &goes), ("unchanged 0".into(), Some(0)));
}

#[test]
fn somebody_elses_database_is_left_alone() {
    let project = project(&config(MYSQL));
    assert_eq!(
        outcome(&project, &["--only", "network,database"]).1,
        Some(0)
    );
    let path = project.path().join(".beanship/sandbox/rds.json");
    let books = std::fs::read_to_string(&path).expect("the books");
    std::fs::write(&path, books.replace("beanship:app", "other:app")).expect("other tags");
    let run = bootstrap(&project, &["--only", "network,database"]);
    insta::assert_snapshot!(run.shown(&project), @"
    ------- stderr -------
    Bootstrapping shop-prod of shop (account DIGEST, eu-central-1, in the sandbox)
    error: the subnet group shop-prod-database is there already and was not made for shop-prod
    hint: if it may be used, give it the tags beanship:app=shop and beanship:environment=shop-prod; else delete it, and run `beanship --sandbox bootstrap` again
    [exit 2]
    ");
}

#[test]
fn a_database_that_is_there_lets_the_application_in() {
    let project = project(&config(MYSQL));
    assert_eq!(
        outcome(&project, &["--only", "network,database"]).1,
        Some(0)
    );
    // Staging uses the database of production.
    let staging = |database: &str| {
        let file = config(database).replace("name: shop-prod", "name: shop-staging");
        file + "    properties: { HOST: { rds: host }, NAME: { rds: database }, WORD: { rds: password } }\n"
    };
    let only = ["--only", "network,database"];
    let groups = instance(&project)["groups"].clone();
    let group = groups[0].as_str().expect("a group");
    for wrong in [
        "{ instance: nowhere, security_group: sg-1 }",
        "{ instance: shop-prod-database, security_group: sg-1 }",
    ] {
        project.write("beanship.yml", &staging(wrong));
        let run = bootstrap(&project, &only);
        assert_eq!(run.code, Some(2), "{}", run.stderr);
    }
    let named = format!("{{ instance: Shop-Prod-Database, security_group: {group} }}");
    project.write("beanship.yml", &staging(&named));
    let run = bootstrap(&project, &only);
    insta::assert_snapshot!(run.shown(&project), @"
    succeeded: 2 changes made; shop-staging itself was left out
    ------- stderr -------
    Bootstrapping shop-staging of shop (account DIGEST, eu-central-1, in the sandbox)
    note: RDS keeps no secret with the password of shop-prod-database: `{ rds: password }` will have no value
    Plan
      + security group  shop-staging-app  (for the instances, in vpc-ID)
      + rule            shop-prod-database  (allows mysql (3306) from shop-staging-app)
    Created the security group shop-staging-app (N s)
    Let mysql (3306) from shop-staging-app into shop-prod-database (N s)
    [exit 0]
    ");
    assert_eq!(outcome(&project, &only), ("unchanged 0".into(), Some(0)));
    assert_eq!(
        outcome(&project, &["--only", "iam,network,application"]).1,
        Some(0)
    );
    let deploy = project.beanship(&["--sandbox-empty", "deploy", "--env", "production"]);
    insta::assert_snapshot!(deploy.stderr.lines().skip(1).collect::<Vec<_>>().join("\n"), @"
    error: the property WORD has no value: RDS keeps no secret with the password of shop-prod-database
    hint: name the secret that has it, `{ secret: NAME }`, or store it with `beanship --sandbox properties set NAME - --secret`
    ");
    let destroy = bootstrap(&project, &["--destroy", "--yes"]);
    assert_eq!(destroy.code, Some(0), "{}", destroy.stderr);
    assert!(
        !destroy.stderr.contains("database shop-prod"),
        "{}",
        destroy.stderr
    );
    assert_eq!(instance(&project)["status"], "available");
}

#[test]
fn a_group_that_was_taken_away_comes_back_beside_others() {
    let project = project(&config(MYSQL));
    let part = ["--only", "network,database"];
    assert_eq!(outcome(&project, &part).1, Some(0));
    let groups = books(&project, "ec2")["groups"].clone();
    let all = groups.as_object().expect("groups");
    let (other, _) = all
        .iter()
        .find(|it| it.1["name"] == "default")
        .expect("one");
    let ours = instance(&project)["groups"][0].clone();
    let ours = ours.as_str().expect("a group");
    let path = project.path().join(".beanship/sandbox/rds.json");
    let text = std::fs::read_to_string(&path).expect("the books");
    std::fs::write(&path, text.replace(ours, other)).expect("another group");
    let run = bootstrap(&project, &["--only", "network,database", "--yes"]);
    insta::assert_snapshot!(run.shown(&project), @"
    succeeded: 2 changes made; shop-prod itself was left out
    ------- stderr -------
    Bootstrapping shop-prod of shop (account DIGEST, eu-central-1, in the sandbox)
    Plan
      ~ database  shop-prod-database  (has the security group shop-prod-database)
    Changed the database shop-prod-database (N s)
    The database shop-prod-database is available (N s)
    [exit 0]
    ");
    assert_eq!(
        instance(&project)["groups"],
        serde_json::json!([other, ours])
    );
    assert_eq!(outcome(&project, &part), ("unchanged 0".into(), Some(0)));
}
