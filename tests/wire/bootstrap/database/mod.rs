//! The database: made, changed, referred to, taken away.

mod later;
mod managed;

use serde_json::Value;

use super::{CONFIG, bootstrap, document, project};
use crate::support::Project;

/// A project file with a database for production.
fn config(database: &str) -> String {
    format!("{CONFIG}    network: {{ vpc: default }}\n    database: {database}\n")
        .replace("properties:", "# properties:")
}

const MYSQL: &str = "{ engine: mysql, name: shop }";

/// What the sandbox has written down about a service of the region.
fn books(project: &Project, service: &str) -> Value {
    super::books(project, service)["eu-central-1"].clone()
}

fn instance(project: &Project) -> Value {
    books(project, "rds")["instances"]["shop-prod-database"].clone()
}

/// What the database's secret holds.
fn secret(project: &Project) -> Value {
    let books = books(project, "secretsmanager");
    let text = books["shop/shop-prod/database"]["current"][1].as_str();
    serde_json::from_str(text.unwrap_or("null")).expect("JSON")
}

fn outcome(project: &Project, arguments: &[&str]) -> (String, Option<i32>) {
    let (report, code) = document(project, arguments);
    let outcome = report["outcome"].as_str().unwrap_or_default();
    let plan = &report["plan"];
    assert!(code == Some(0) || !report["error"].is_null(), "{report}");
    (
        format!("{outcome} {}", plan.as_array().map_or(0, Vec::len)),
        code,
    )
}

/// The password of a database that is as it shall be, and its secret as well.
fn kept(project: &Project) -> String {
    let (instance, held) = (instance(project), secret(project));
    assert_eq!(instance["password"], held["password"]);
    assert_eq!(
        (&held["username"], &held["dbname"]),
        (&"app".into(), &"shop".into())
    );
    let flags = ["encrypted", "protected", "public"].map(|it| instance[it] == true);
    assert_eq!(flags, [true, true, false]);
    let password = held["password"].as_str().expect("a password");
    assert_eq!(password.len(), 32);
    password.to_owned()
}

#[test]
fn a_database_is_made_once_and_referred_to() {
    let mut file = config(MYSQL);
    file.push_str(
        "    properties: { DB_HOST: { rds: host }, DB_PORT: { rds: port }, DB_NAME: { rds: database }, DB_USER: { rds: username }, DB_PASSWORD: { rds: password } }\n",
    );
    let project = project(&file);
    let run = bootstrap(&project, &["--only", "network,database"]);
    insta::assert_snapshot!(run.shown(&project), @"
    succeeded: 7 changes made; shop-prod itself was left out
    ------- stderr -------
    Bootstrapping shop-prod of shop (account DIGEST, eu-central-1, in the sandbox)
    Plan
      + security group  shop-prod-app  (for the instances, in vpc-ID)
      + security group  shop-prod-database  (for the database, in vpc-ID)
      + rule            shop-prod-database  (allows mysql (3306) from shop-prod-app)
      + subnet group    shop-prod-database  (in eu-central-1a, eu-central-1b, eu-central-1c)
      + secret          shop/shop-prod/database  (a new password, with the names of user and database; costs money)
      + database        shop-prod-database  (mysql, db.t4g.micro, 20 GB encrypted, backups of 7 days, not public; costs money)
    Created the security group shop-prod-app (N s)
    Created the security group shop-prod-database (N s)
    Let mysql (3306) from shop-prod-app into shop-prod-database (N s)
    Created the subnet group shop-prod-database (N s)
    Created the secret shop/shop-prod/database (N s)
    Started to make the database shop-prod-database (N s)
    The database shop-prod-database is available (N s)
    [exit 0]
    ");
    let password = kept(&project);
    assert!(!run.stderr.contains(&password), "{}", run.stderr);
    project.forget_calls();
    let again = bootstrap(&project, &["--only", "network,database"]);
    insta::assert_snapshot!(again.shown(&project), @"
    unchanged: nothing to do: everything for shop-prod is there
    ------- stderr -------
    Bootstrapping shop-prod of shop (account DIGEST, eu-central-1, in the sandbox)
    [exit 0]
    ");
    assert_eq!(project.writes(), [""; 0]);

    // The rest of the account, and a deploy that takes its properties from the database.
    let all = bootstrap(&project, &[]);
    assert_eq!(all.code, Some(0), "{}", all.stderr);
    let deploy = project.beanship(&["--sandbox-empty", "deploy", "--env", "production"]);
    assert_eq!(deploy.code, Some(0), "{}", deploy.stderr);
    let settings = books(&project, "elasticbeanstalk")["environments"][0]["settings"].to_string();
    for part in [
        "\"DB_HOST\":\"shop-prod-database.",
        "\"DB_PORT\":\"3306\"",
        "\"DB_NAME\":\"shop\"",
        "\"DB_USER\":\"app\"",
        ":password\"",
    ] {
        assert!(settings.contains(part), "{part}: {settings}");
    }
    assert!(!settings.contains(&password));
    assert_eq!(outcome(&project, &[]), ("unchanged 0".into(), Some(0)));
}

#[test]
fn a_database_that_is_not_there_has_no_host() {
    let file = config(MYSQL) + "    properties: { DB_HOST: { rds: host } }\n";
    let project = Project::new().file(
        "beanship.yml",
        &file.replace("shop-prod", "shop-production"),
    );
    let run = project.sandbox(&["deploy", "--env", "production", "--plan"]);
    insta::assert_snapshot!(run.shown(&project), @"
    ------- stderr -------
    Deploying shop to shop-production (eu-central-1, in the sandbox)
    error: the property DB_HOST has no value: there is no database shop-production-database
    hint: make it with `beanship --sandbox bootstrap --env production`
    [exit 2]
    ");
    let undeclared = file.replace("    database", "    # database");
    project.write(
        "beanship.yml",
        &undeclared.replace("shop-prod", "shop-production"),
    );
    let run = project.sandbox(&["deploy", "--env", "production", "--plan"]);
    insta::assert_snapshot!(run.shown(&project), @"
    ------- stderr -------
    Deploying shop to shop-production (eu-central-1, in the sandbox)
    error: the property DB_HOST has no value: beanship.yml declares no database for the environment
    hint: declare one as `database: { engine: mysql }` under the environment, and make it with `beanship --sandbox bootstrap`
    [exit 2]
    ");
}

#[test]
fn a_run_that_ended_early_is_finished_with_the_same_password() {
    let project = project(&config(MYSQL)).trouble("speed: 100\ndeny: ['rds:CreateDBInstance']");
    let run = bootstrap(&project, &["--only", "network,database"]);
    insta::assert_snapshot!(run.shown(&project), @"
    ------- stderr -------
    Bootstrapping shop-prod of shop (account DIGEST, eu-central-1, in the sandbox)
    Plan
      + security group  shop-prod-app  (for the instances, in vpc-ID)
      + security group  shop-prod-database  (for the database, in vpc-ID)
      + rule            shop-prod-database  (allows mysql (3306) from shop-prod-app)
      + subnet group    shop-prod-database  (in eu-central-1a, eu-central-1b, eu-central-1c)
      + secret          shop/shop-prod/database  (a new password, with the names of user and database; costs money)
      + database        shop-prod-database  (mysql, db.t4g.micro, 20 GB encrypted, backups of 7 days, not public; costs money)
    warning: by your policies you may not call rds:CreateDBInstance: unless they allow it for these names, this will stop there
    Created the security group shop-prod-app (N s)
    Created the security group shop-prod-database (N s)
    Let mysql (3306) from shop-prod-app into shop-prod-database (N s)
    Created the subnet group shop-prod-database (N s)
    Created the secret shop/shop-prod/database (N s)
    error: not allowed to call rds:CreateDBInstance: User: arn:aws:iam::DIGEST:user/sandbox is not authorized to perform: rds:CreateDBInstance on resource: arn:aws:rds:eu-central-1:DIGEST:db:shop-prod-database because no identity-based policy allows the rds:CreateDBInstance action
    hint: allow the action `rds:CreateDBInstance` in the caller's IAM policy
    hint: what was done stays done (5 of 6 changes); run `beanship --sandbox bootstrap` again and it goes on from there
    request id: IDDIGEST
    [exit 3]
    ");
    let held = secret(&project);
    project.write(".beanship/sandbox/trouble.yml", "speed: 100\ncut: { every: 1, times: 1, when: after, operations: ['rds:CreateDBInstance'] }");
    assert_eq!(
        outcome(&project, &["--only", "network,database"]),
        ("succeeded 1".into(), Some(0))
    );
    assert_eq!(instance(&project)["password"], held["password"]);
    assert_eq!(secret(&project), held);
}

#[test]
fn waiting_ends_and_goes_on() {
    let project = project(&config(MYSQL)).trouble("speed: 0.5");
    let arguments = ["--only", "network,database", "--timeout", "1s"];
    let run = bootstrap(&project, &arguments);
    assert_eq!(run.code, Some(4), "{}", run.stderr);
    let end: Vec<&str> = run.stderr.lines().rev().take(2).collect();
    insta::assert_snapshot!(end.join("\n"), @"
    hint: what was done stays done (6 of 6 changes); run `beanship --sandbox bootstrap` again and it goes on from there
    hint: run `beanship --sandbox bootstrap` again: it goes on where it stopped; a longer time gives `--timeout 1h`
    ");
    let plan = bootstrap(&project, &["--only", "network,database", "--plan"]);
    insta::assert_snapshot!(plan.shown(&project), @"
    planned: 1 change for shop-prod; nothing was changed
    ------- stderr -------
    Bootstrapping shop-prod of shop (account DIGEST, eu-central-1, in the sandbox)
    Plan
      + database  shop-prod-database  (is begun: waits until it is available)
    [exit 0]
    ");
    assert_eq!(
        outcome(&project, &["--only", "database"]),
        ("succeeded 1".into(), Some(0))
    );
}

#[test]
fn what_differs_is_shown_and_changed() {
    let project = project(&config(MYSQL));
    let part = ["--only", "network,database"];
    assert_eq!(outcome(&project, &part).1, Some(0));
    let file = "{ engine: mysql, name: shop, class: db.t4g.small, storage_gb: 50, multi_az: true, backup_days: 0, engine_version: 8.4.7 }";
    project.write("beanship.yml", &config(file));
    let plan = bootstrap(&project, &["--only", "network,database", "--plan"]);
    insta::assert_snapshot!(plan.shown(&project), @"
    planned: 4 changes for shop-prod; nothing was changed
    ------- stderr -------
    Bootstrapping shop-prod of shop (account DIGEST, eu-central-1, in the sandbox)
    Plan
      ~ database  shop-prod-database  (class db.t4g.micro -> db.t4g.small; it is away for some minutes)
      ~ database  shop-prod-database  (storage 20 -> 50 GB; costs money)
      ~ database  shop-prod-database  (gets a second one in another zone; costs money)
      ~ database  shop-prod-database  (backups of 7 days -> none; those that are there are deleted)
    [exit 0]
    ");
    let refused = bootstrap(&project, &part);
    assert_eq!(refused.code, Some(2), "{}", refused.stderr);
    assert_eq!(
        outcome(&project, &["--only", "network,database", "--yes"]).1,
        Some(0)
    );
    assert_eq!(outcome(&project, &part), ("unchanged 0".into(), Some(0)));
    for (file, part) in [
        ("{ engine: postgres, name: shop }", "engine mysql"),
        ("{ engine: mysql, name: other }", "name shop"),
        (
            "{ engine: mysql, name: shop, engine_version: '9.1' }",
            "engine_version 8.4.7",
        ),
    ] {
        project.write("beanship.yml", &config(file));
        let refused = bootstrap(&project, &["--only", "network,database", "--plan"]);
        assert_eq!(refused.code, Some(2), "{}", refused.stderr);
        assert!(refused.stderr.contains(part), "{}", refused.stderr);
    }
}
