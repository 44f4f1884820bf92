//! A password that RDS makes, keeps and changes.

use serde_json::Value;

use super::{MYSQL, books, config, instance, outcome, secret};
use crate::bootstrap::network::lines;
use crate::bootstrap::{bootstrap, project};
use crate::support::{Project, Run};

const MANAGED: &str = "{ engine: mysql, name: shop, managed_password: true }";
const PROPERTIES: &str =
    "    properties: { DB_PASSWORD: { rds: password }, DB_SECRET: { rds: secret } }\n";

/// The project file with properties from its database.
fn file(database: &str) -> String {
    config(database) + PROPERTIES
}

fn deploy(project: &Project) -> Run {
    project.beanship(&["--sandbox-empty", "deploy", "--env", "production"])
}

/// The ARN of the secret that RDS keeps.
fn arn(project: &Project) -> String {
    let arn = instance(project)["managed"].as_str().map(str::to_owned);
    arn.expect("a secret of RDS")
}

/// What that secret holds, which must be the database's password.
fn kept(project: &Project) -> String {
    let arn = arn(project);
    let secrets = books(project, "secretsmanager");
    let mut all = secrets.as_object().expect("secrets").values();
    let found = all
        .find(|it| it["arn"] == arn.as_str())
        .expect("the secret");
    let text = found["current"][1].as_str().expect("a text");
    let held: Value = serde_json::from_str(text).expect("JSON");
    assert_eq!(held["username"], "app");
    assert_eq!(held["password"], instance(project)["password"]);
    held["password"].as_str().expect("a password").to_owned()
}

/// The changes of a plan.
fn changes(run: &Run) -> String {
    lines(run, &["  + ", "  ~ ", "  - "])
}

#[test]
fn rds_keeps_the_password_from_the_first_run_on() {
    let project = project(&file(MANAGED));
    let run = bootstrap(&project, &[]);
    assert_eq!(run.code, Some(0), "{}", run.stderr);
    insta::assert_snapshot!(lines(&run, &["may read", " database ", " secret "]), @"
      + permission        shop-prod-eu-central-1-ec2  (may read the secrets shop/shop-prod/*, the password that RDS keeps of shop-prod-database)
      + database          shop-prod-database  (mysql, db.t4g.micro, 20 GB encrypted, backups of 7 days, not public; costs money)
      + secret            rds!db-...  (RDS makes the password and changes it every 7 days; instances read it only when they start or are deployed to, so the app must read it itself or be refreshed each time; costs money)
    Started to make the database shop-prod-database (N s)
    The database shop-prod-database is available (N s)
    ");
    let password = kept(&project);
    assert!(!run.stderr.contains(&password), "{}", run.stderr);
    assert_eq!(secret(&project), Value::Null);
    project.forget_calls();
    assert_eq!(outcome(&project, &[]), ("unchanged 0".into(), Some(0)));
    assert_eq!(project.writes(), [""; 0]);
    // The instances may read it, although nobody knew its name when their role was made.
    let run = deploy(&project);
    assert_eq!(run.code, Some(0), "{}", run.stderr);
    assert!(!run.stderr.contains("warning"), "{}", run.stderr);
    let settings = books(&project, "elasticbeanstalk")["environments"][0]["settings"].to_string();
    let arn = arn(&project);
    for part in [
        format!("\"DB_PASSWORD\":\"{arn}:password\""),
        format!("\"DB_SECRET\":\"{arn}\""),
    ] {
        assert!(settings.contains(&part), "{part}: {settings}");
    }
    assert_eq!(outcome(&project, &[]), ("unchanged 0".into(), Some(0)));
    // Those of another database they may not read.
    let books = project.path().join(".beanship/sandbox/secretsmanager.json");
    let text = std::fs::read_to_string(&books).expect("the books");
    let other = text.replace(":db:shop-prod-database", ":db:another");
    std::fs::write(&books, other).expect("another database's");
    project.write("change.txt", "one");
    let run = deploy(&project);
    assert_eq!(run.code, Some(1), "{}", run.stderr);
    assert!(
        run.stderr.contains("failed to get one or more secrets"),
        "{}",
        run.stderr
    );
}

#[test]
fn rds_is_asked_for_another_password() {
    let project = project(&file(MANAGED));
    assert_eq!(outcome(&project, &[]).1, Some(0));
    assert_eq!(deploy(&project).code, Some(0));
    let before = kept(&project);
    let rotate = ["--rotate-database-password", "--yes"];
    let run = bootstrap(&project, &rotate);
    assert_eq!(run.code, Some(0), "{}", run.stderr);
    insta::assert_snapshot!(changes(&run), @"
    ~ database     shop-prod-database  (a new password, made by RDS, in its secret as well)
    ~ environment  shop-prod  (restart of the application: until then it has the old password)
    ");
    assert_ne!(kept(&project), before);
    assert_eq!(outcome(&project, &[]), ("unchanged 0".into(), Some(0)));
}

#[test]
fn the_password_changes_hands() {
    let project = project(&file(MYSQL));
    assert_eq!(outcome(&project, &[]).1, Some(0));
    assert_eq!(deploy(&project).code, Some(0));
    let ours = secret(&project);
    project.write("beanship.yml", &file(MANAGED));
    let early = deploy(&project);
    insta::assert_snapshot!(lines(&early, &["error", "hint"]), @"
    error: the property DB_PASSWORD has no value: RDS keeps no secret with the password of shop-prod-database
    hint: let RDS keep one: `beanship --sandbox bootstrap --env production`
    error: the property DB_SECRET has no value: RDS keeps no secret with the password of shop-prod-database
    hint: let RDS keep one: `beanship --sandbox bootstrap --env production`
    ");
    let plan = bootstrap(&project, &["--plan"]);
    insta::assert_snapshot!(changes(&plan), @"
    ~ permission  shop-prod-eu-central-1-ec2  (now: may secretsmanager:GetSecretValue on arn:aws:secretsmanager:eu-central-1:123456789012:secret:rds!db-* if aws:ResourceTag/aws:rds:primaryDBInstanceArn StringEquals arn:aws:rds:eu-central-1:123456789012:db:shop-prod-database)
    ~ permission  shop-prod-eu-central-1-deployer  (now: may secretsmanager:DescribeSecret on arn:aws:secretsmanager:eu-central-1:123456789012:secret:rds!db-* if aws:ResourceTag/aws:rds:primaryDBInstanceArn StringEquals arn:aws:rds:eu-central-1:123456789012:db:shop-prod-database)
    ~ database    shop-prod-database  (RDS makes the password and changes it every 7 days; instances read it only when they start or are deployed to, so the app must read it itself or be refreshed each time; the app has the old password until the next `beanship --sandbox deploy`; costs money)
    ");
    // Nobody can be asked.
    assert_eq!(bootstrap(&project, &[]).code, Some(2));
    assert_eq!(outcome(&project, &["--yes"]).1, Some(0));
    assert_ne!(
        kept(&project),
        ours["password"].as_str().unwrap_or_default()
    );
    assert_eq!(outcome(&project, &[]), ("unchanged 0".into(), Some(0)));
    assert_eq!(deploy(&project).code, Some(0));
    assert_eq!(outcome(&project, &[]), ("unchanged 0".into(), Some(0)));

    // And back: the secret of ours has been kept.
    project.write("beanship.yml", &file(MYSQL));
    let plan = bootstrap(&project, &["--plan"]);
    insta::assert_snapshot!(changes(&plan), @"
    ~ permission  shop-prod-eu-central-1-ec2  (no longer: may secretsmanager:GetSecretValue on arn:aws:secretsmanager:eu-central-1:123456789012:secret:rds!db-* if aws:ResourceTag/aws:rds:primaryDBInstanceArn StringEquals arn:aws:rds:eu-central-1:123456789012:db:shop-prod-database)
    ~ permission  shop-prod-eu-central-1-deployer  (no longer: may secretsmanager:DescribeSecret on arn:aws:secretsmanager:eu-central-1:123456789012:secret:rds!db-* if aws:ResourceTag/aws:rds:primaryDBInstanceArn StringEquals arn:aws:rds:eu-central-1:123456789012:db:shop-prod-database)
    ~ database    shop-prod-database  (the password of the secret shop/shop-prod/database; RDS deletes its own; the app has the old password until the next `beanship --sandbox deploy`)
    ");
    assert_eq!(outcome(&project, &["--yes"]).1, Some(0));
    assert_eq!(instance(&project)["managed"], Value::Null);
    assert_eq!(secret(&project), ours);
    assert_eq!(instance(&project)["password"], ours["password"]);
    assert_eq!(outcome(&project, &[]), ("unchanged 0".into(), Some(0)));
    assert_eq!(deploy(&project).code, Some(0));
    assert_eq!(outcome(&project, &[]), ("unchanged 0".into(), Some(0)));
}
