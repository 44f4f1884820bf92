//! `beanship bootstrap`: from an account with nothing in it to a first deploy.

mod database;
mod deployer;
mod destroy;
mod identities;
mod joined;
mod least;
mod network;
mod own_policy;
mod registry;

use serde_json::Value;

use crate::support::{COMPOSE, Project, Run};

/// A project file whose production is deployed by GitHub.
pub const CONFIG: &str = "app: shop
region: eu-central-1
infra: { tags: { team: shop } }
properties: { MYSQL_PASSWORD: { secret: 'prod/mysql#password' } }
environments:
  production:
    name: shop-prod
    branches: [main]
    instance_type: t3.small
    deployer: { github: acme/shop }
";

/// A project of this file in an account with nothing in it.
pub fn project(config: &str) -> Project {
    Project::empty()
        .file("beanship.yml", config)
        .file("docker-compose.yml", COMPOSE)
        .trouble("speed: 100")
}

/// Runs a bootstrap of production.
pub fn bootstrap(project: &Project, arguments: &[&str]) -> Run {
    let all = ["--sandbox-empty", "bootstrap", "--env", "production"];
    project.beanship(&[&all, arguments].concat())
}

/// Runs a bootstrap of production and reads its document.
pub fn document(project: &Project, arguments: &[&str]) -> (Value, Option<i32>) {
    let run = bootstrap(project, &[&["--output", "json"], arguments].concat());
    (run.json(), run.code)
}

/// What the sandbox has written down about a service.
pub fn books(project: &Project, service: &str) -> Value {
    let books = format!(".beanship/sandbox/{service}.json");
    let text = std::fs::read_to_string(project.path().join(books)).expect("the books");
    serde_json::from_str(&text).expect("JSON")
}

/// What the sandbox has written down about IAM.
pub fn iam(project: &Project) -> Value {
    books(project, "iam")
}

/// A policy in the sandbox's books.
pub fn policy(project: &Project, role: &str, name: &str) -> Value {
    let books = iam(project);
    let text = books["roles"][role]["identity"]["inline"][name].as_str();
    serde_json::from_str(text.unwrap_or("null")).expect("a policy")
}

#[test]
fn an_empty_account_becomes_one_that_can_be_deployed_to() {
    let project = project(&CONFIG.replace("properties:", "# "));
    let run = bootstrap(&project, &[]);
    insta::assert_snapshot!(run.shown(&project), @"
    succeeded: 17 changes made, shop-prod is ready for `beanship --sandbox deploy --env production`
    GitHub deploys with the role arn:aws:iam::DIGEST:role/shop-prod-eu-central-1-deployer
    http://shop-prod.eba-ID.eu-central-1.elasticbeanstalk.com
    ------- stderr -------
    Bootstrapping shop-prod of shop (account DIGEST, eu-central-1, in the sandbox)
    Plan
      + OIDC provider     token.actions.githubusercontent.com  (for all repositories; what each may is in the roles)
      + IAM role          shop-prod-eu-central-1-ec2  (for the instances)
      + permission        shop-prod-eu-central-1-ec2  (AWS's policy AWSElasticBeanstalkWebTier)
      + permission        shop-prod-eu-central-1-ec2  (may read the secrets shop/shop-prod/*)
      + instance profile  shop-prod-eu-central-1-ec2
      + instance profile  shop-prod-eu-central-1-ec2  (holds the role of its name)
      + IAM role          shop-prod-eu-central-1-service  (for Elastic Beanstalk to watch and maintain it)
      + permission        shop-prod-eu-central-1-service  (AWS's policy AWSElasticBeanstalkManagedUpdatesCustomerRolePolicy)
      + permission        shop-prod-eu-central-1-service  (AWS's policy AWSElasticBeanstalkEnhancedHealth)
      + IAM role          shop-prod-eu-central-1-ops  (for Elastic Beanstalk to update it)
      + permission        shop-prod-eu-central-1-ops  (AWS's policy AWSElasticBeanstalkRoleCWL)
      + permission        shop-prod-eu-central-1-ops  (AWS's policy AWSElasticBeanstalkRoleCore)
      + permission        shop-prod-eu-central-1-ops  (may pass on shop-prod-eu-central-1-ec2, shop-prod-eu-central-1-service)
      + IAM role          shop-prod-eu-central-1-deployer  (for GitHub: repo:acme/shop:ref:refs/heads/main)
      + permission        shop-prod-eu-central-1-deployer  (may deploy to shop-prod, look at it, change its properties, and use s3://elasticbeanstalk-eu-central-1-DIGEST/shop/*; may not read secrets)
      + application       shop  (keeps 200 versions, and what is deployed)
      + environment       shop-prod  (platform version 4.13.1, one instance: t3.small; costs money)
    Created the OIDC provider token.actions.githubusercontent.com (N s)
    Created the role shop-prod-eu-central-1-ec2 (N s)
    Attached AWSElasticBeanstalkWebTier to shop-prod-eu-central-1-ec2 (N s)
    Wrote the policy references of shop-prod-eu-central-1-ec2 (N s)
    Created the instance profile shop-prod-eu-central-1-ec2 (N s)
    Put the role into the instance profile shop-prod-eu-central-1-ec2 (N s)
    Created the role shop-prod-eu-central-1-service (N s)
    Attached AWSElasticBeanstalkManagedUpdatesCustomerRolePolicy to shop-prod-eu-central-1-service (N s)
    Attached AWSElasticBeanstalkEnhancedHealth to shop-prod-eu-central-1-service (N s)
    Created the role shop-prod-eu-central-1-ops (N s)
    Attached AWSElasticBeanstalkRoleCWL to shop-prod-eu-central-1-ops (N s)
    Attached AWSElasticBeanstalkRoleCore to shop-prod-eu-central-1-ops (N s)
    Wrote the policy pass-roles of shop-prod-eu-central-1-ops (N s)
    Created the role shop-prod-eu-central-1-deployer (N s)
    Wrote the policy deploy of shop-prod-eu-central-1-deployer (N s)
    Created the application shop (N s)
    Started the launch of shop-prod (N s)
    TIME  INFO   createEnvironment is starting.
    TIME  INFO   Using elasticbeanstalk-eu-central-1-DIGEST as Amazon S3 storage bucket for environment data.
    TIME  INFO   Created security group named: awseb-e-ID-stack-AWSEBSecurityGroup
    TIME  INFO   Created EIP: 192.0.2.10
    TIME  INFO   Created Auto Scaling group named: awseb-e-ID-stack-AWSEBAutoScalingGroup
    TIME  INFO   Waiting for EC2 instances to launch. This may take a few minutes.
    TIME  INFO   Instance deployment completed successfully.
    TIME  INFO   Application available at shop-prod.eba-ID.eu-central-1.elasticbeanstalk.com.
    TIME  INFO   Successfully launched environment: shop-prod
    TIME  INFO   Environment health has transitioned from Pending to Ok.
    [exit 0]
    ");
    project.forget_calls();
    let again = bootstrap(&project, &[]);
    insta::assert_snapshot!(again.shown(&project), @"
    unchanged: nothing to do: everything for shop-prod is there
    GitHub deploys with the role arn:aws:iam::DIGEST:role/shop-prod-eu-central-1-deployer
    http://shop-prod.eba-ID.eu-central-1.elasticbeanstalk.com
    ------- stderr -------
    Bootstrapping shop-prod of shop (account DIGEST, eu-central-1, in the sandbox)
    [exit 0]
    ");
    assert_eq!(project.writes(), [""; 0]);
    let deploy = project.beanship(&["--sandbox-empty", "deploy", "--env", "production"]);
    assert_eq!(deploy.code, Some(0), "{}", deploy.stderr);
    // The deploy has not made anything drift.
    let (report, code) = document(&project, &[]);
    assert_eq!(
        (report["outcome"].as_str(), code),
        (Some("unchanged"), Some(0)),
        "{report}"
    );
}

#[test]
fn a_plan_and_a_part_stop_where_they_are_told() {
    let project = project(CONFIG);
    let plan = bootstrap(&project, &["--plan"]);
    insta::assert_snapshot!(plan.shown(&project), @"
    planned: 17 changes for shop-prod; nothing was changed
    ------- stderr -------
    Bootstrapping shop-prod of shop (account DIGEST, eu-central-1, in the sandbox)
    note: there is no secret prod/mysql yet: make it before you deploy
    Plan
      + OIDC provider     token.actions.githubusercontent.com  (for all repositories; what each may is in the roles)
      + IAM role          shop-prod-eu-central-1-ec2  (for the instances)
      + permission        shop-prod-eu-central-1-ec2  (AWS's policy AWSElasticBeanstalkWebTier)
      + permission        shop-prod-eu-central-1-ec2  (may read the secrets prod/mysql, shop/shop-prod/*)
      + instance profile  shop-prod-eu-central-1-ec2
      + instance profile  shop-prod-eu-central-1-ec2  (holds the role of its name)
      + IAM role          shop-prod-eu-central-1-service  (for Elastic Beanstalk to watch and maintain it)
      + permission        shop-prod-eu-central-1-service  (AWS's policy AWSElasticBeanstalkManagedUpdatesCustomerRolePolicy)
      + permission        shop-prod-eu-central-1-service  (AWS's policy AWSElasticBeanstalkEnhancedHealth)
      + IAM role          shop-prod-eu-central-1-ops  (for Elastic Beanstalk to update it)
      + permission        shop-prod-eu-central-1-ops  (AWS's policy AWSElasticBeanstalkRoleCWL)
      + permission        shop-prod-eu-central-1-ops  (AWS's policy AWSElasticBeanstalkRoleCore)
      + permission        shop-prod-eu-central-1-ops  (may pass on shop-prod-eu-central-1-ec2, shop-prod-eu-central-1-service)
      + IAM role          shop-prod-eu-central-1-deployer  (for GitHub: repo:acme/shop:ref:refs/heads/main)
      + permission        shop-prod-eu-central-1-deployer  (may deploy to shop-prod, look at it, change its properties, and use s3://elasticbeanstalk-eu-central-1-DIGEST/shop/*; may not read secrets)
      + application       shop  (keeps 200 versions, and what is deployed)
      + environment       shop-prod  (platform version 4.13.1, one instance: t3.small; costs money)
    [exit 0]
    ");
    assert_eq!(project.writes(), [""; 0]);
    let (report, code) = document(&project, &["--only", "iam"]);
    assert_eq!(
        (report["outcome"].as_str(), code),
        (Some("succeeded"), Some(0))
    );
    assert!(!project.calls().contains(&"CreateEnvironment 200".into()));
    let plan = bootstrap(&project, &["--plan", "--only", "iam"]);
    assert!(plan.stdout.starts_with("unchanged"), "{}", plan.stdout);
    let none = bootstrap(&project, &["--only", "network"]);
    assert!(
        none.stderr.contains("no `network` is declared"),
        "{}",
        none.stderr
    );
    assert!(none.stdout.starts_with("unchanged"), "{}", none.stdout);
}

#[test]
fn another_account_than_the_files_is_refused() {
    let config = CONFIG.replace("infra: {", "infra: { account: '210987654321',");
    let project = project(&config);
    let run = bootstrap(&project, &[]);
    insta::assert_snapshot!(run.shown(&project), @"
    ------- stderr -------
    error: these credentials are of account DIGEST, and beanship.yml says `infra.account: DIGEST`
    hint: choose the profile of that account: `beanship --sandbox bootstrap --profile NAME`
    [exit 2]
    ");
    assert_eq!(project.calls(), ["GetCallerIdentity 200"]);
}

#[test]
fn a_denied_change_is_named_and_a_later_run_goes_on() {
    let denied = "speed: 100\ndeny: [iam:PutRolePolicy, 'elasticbeanstalk:Create*']";
    let project = project(CONFIG).trouble(denied);
    let run = bootstrap(&project, &["--output", "json"]);
    let warned = run.stderr.lines().filter(|line| line.contains("warning"));
    insta::assert_snapshot!(warned.collect::<Vec<_>>().join("\n"), @"warning: by your policies you may not call elasticbeanstalk:CreateApplication, elasticbeanstalk:CreateEnvironment, iam:PutRolePolicy: unless they allow it for these names, this will stop there");
    let report = run.json();
    assert_eq!(
        (run.code, report["error"]["kind"].as_str()),
        (Some(3), Some("denied")),
        "{}",
        run.stderr
    );
    assert_eq!(report["done"].as_array().map(Vec::len), Some(3), "{report}");
    let hints = report["error"]["hints"].to_string();
    assert!(
        hints.contains("iam:PutRolePolicy") && hints.contains("3 of 17 changes"),
        "{hints}"
    );
    let project = project.trouble("speed: 100");
    let (report, code) = document(&project, &[]);
    assert_eq!(
        (
            report["outcome"].as_str(),
            code,
            report["plan"].as_array().map(Vec::len)
        ),
        (Some("succeeded"), Some(0), Some(14)),
        "{report}"
    );
}

#[test]
fn a_killed_run_is_finished_by_the_next() {
    let project = project(CONFIG);
    for call in [
        "CreateRole 200",
        "CreateInstanceProfile 200",
        "CreateApplication 200",
    ] {
        let all = ["--sandbox-empty", "bootstrap", "--env", "production"];
        let mut child = project.start(&all);
        project.until(call, 1);
        project.signal(&child, "-KILL");
        let _ = child.wait();
    }
    let (report, code) = document(&project, &[]);
    assert_eq!(code, Some(0), "{report}");
    project.forget_calls();
    let (report, _) = document(&project, &[]);
    assert_eq!(report["outcome"], "unchanged", "{report}");
    assert_eq!(project.writes(), [""; 0]);
}

#[test]
fn an_interrupted_launch_is_followed_by_the_next_run() {
    let project = project(CONFIG).trouble("speed: 2");
    let all = [
        "--sandbox-empty",
        "bootstrap",
        "--env",
        "production",
        "--output",
        "json",
    ];
    let child = project.start(&all);
    project.until("CreateEnvironment 200", 1);
    project.signal(&child, "-TERM");
    let run = Run::of(&child.wait_with_output().expect("it ends"));
    assert_eq!(
        (run.code, run.json()["outcome"].as_str()),
        (Some(130), Some("interrupted"))
    );
    let again = bootstrap(&project, &["--output", "json"]);
    assert_eq!(again.json()["outcome"], "unchanged", "{}", again.stderr);
    assert!(
        again.stderr.contains("shop-prod is Launching: waiting"),
        "{}",
        again.stderr
    );
}

#[test]
fn a_launch_that_failed_is_repaired_and_not_made_twice() {
    let project = project(CONFIG).trouble("speed: 100\ndeploy: { outcome: fail, times: 1 }");
    let (report, code) = document(&project, &[]);
    assert_eq!(
        (report["outcome"].as_str(), code),
        (Some("failed"), Some(1)),
        "{report}"
    );
    let project = project.trouble("speed: 100");
    project.forget_calls();
    let refused = bootstrap(&project, &[]);
    assert_eq!(refused.code, Some(2), "{}", refused.stderr);
    let (report, code) = document(&project, &["--yes"]);
    assert_eq!(
        (report["outcome"].as_str(), code),
        (Some("succeeded"), Some(0)),
        "{report}"
    );
    assert_eq!(project.writes(), ["UpdateEnvironment 200"]);
}

#[test]
fn an_environment_of_others_keeps_its_roles() {
    let project = project(CONFIG);
    let all = ["--sandbox", "bootstrap", "--env", "production", "--yes"];
    let run = project.beanship(&all);
    let before_events = run.stderr.split("Created the").next().unwrap_or_default();
    insta::assert_snapshot!(before_events, @"
    Bootstrapping shop-prod of shop (account 123456789012, eu-central-1, in the sandbox)
    note: there is no secret prod/mysql yet: make it before you deploy
    note: the instance profile aws-elasticbeanstalk-ec2-role is used as it is: its role gets nothing from beanship
    note: the service role aws-elasticbeanstalk-service-role is used as it is
    Plan
      + OIDC provider   token.actions.githubusercontent.com  (for all repositories; what each may is in the roles)
      + IAM role        shop-prod-eu-central-1-ops  (for Elastic Beanstalk to update it)
      + permission      shop-prod-eu-central-1-ops  (AWS's policy AWSElasticBeanstalkRoleCWL)
      + permission      shop-prod-eu-central-1-ops  (AWS's policy AWSElasticBeanstalkRoleCore)
      + permission      shop-prod-eu-central-1-ops  (may pass on aws-elasticbeanstalk-ec2-role, aws-elasticbeanstalk-service-role)
      + IAM role        shop-prod-eu-central-1-deployer  (for GitHub: repo:acme/shop:ref:refs/heads/main)
      + permission      shop-prod-eu-central-1-deployer  (may deploy to shop-prod, look at it, change its properties, and use s3://elasticbeanstalk-eu-central-1-123456789012/shop/*; may not read secrets)
      ~ environment     shop-prod  (Elastic Beanstalk updates it with the role shop-prod-eu-central-1-ops)
      ~ option setting  aws:ec2:instances InstanceTypes  (not set -> t3.small; replaces the instances)
    ");
    assert_eq!(run.code, Some(0), "{}", run.stderr);
    project.forget_calls();
    let again = project.beanship(&all);
    assert!(again.stdout.starts_with("unchanged"), "{}", again.stdout);
    assert_eq!(project.writes(), [""; 0]);
}

#[test]
fn changed_settings_are_shown_with_old_and_new_values() {
    let project = project(CONFIG);
    assert_eq!(bootstrap(&project, &[]).code, Some(0));
    let config = CONFIG.replace("t3.small", "t3.large");
    let settings = "    settings: { 'aws:elasticbeanstalk:command': { Timeout: 900 } }\n";
    project.write("beanship.yml", &format!("{config}{settings}"));
    let plan = bootstrap(&project, &["--plan"]);
    insta::assert_snapshot!(plan.shown(&project), @"
    planned: 2 changes for shop-prod; nothing was changed
    ------- stderr -------
    Bootstrapping shop-prod of shop (account DIGEST, eu-central-1, in the sandbox)
    note: there is no secret prod/mysql yet: make it before you deploy
    Plan
      ~ option setting  aws:ec2:instances InstanceTypes  (t3.small -> t3.large; replaces the instances)
      ~ option setting  aws:elasticbeanstalk:command Timeout  (600 -> 900)
    [exit 0]
    ");
    let (report, code) = document(&project, &["--yes"]);
    assert_eq!(code, Some(0), "{report}");
    let (report, _) = document(&project, &[]);
    assert_eq!(report["outcome"], "unchanged", "{report}");
}

#[test]
fn a_bucket_of_ones_own_is_made_and_can_be_deployed_to() {
    let project = project(&format!(
        "bucket_name: shop-bundles\n{}",
        CONFIG.replace("properties:", "# ")
    ));
    let run = bootstrap(&project, &[]);
    let told = run.shown(&project);
    let lines = told.lines().filter(|line| line.contains("shop-bundles"));
    insta::assert_snapshot!(lines.collect::<Vec<_>>().join("\n"), @"
      + permission        shop-prod-eu-central-1-ec2  (may read the bundles in s3://shop-bundles/shop/*)
      + permission        shop-prod-eu-central-1-service  (may read the bundles in s3://shop-bundles/shop/*)
      + permission        shop-prod-eu-central-1-ops  (may read the bundles in s3://shop-bundles/shop/*)
      + permission        shop-prod-eu-central-1-deployer  (may deploy to shop-prod, look at it, change its properties, and use s3://shop-bundles/shop/*; may not read secrets)
      + bucket            shop-bundles
      + bucket            shop-bundles  (nothing in it can become public)
      + bucket            shop-bundles  (uploads that never ended go after 7 days)
    Created the bucket shop-bundles (N s)
    Closed the bucket shop-bundles to the public (N s)
    Set the rule for uploads to shop-bundles (N s)
    ");
    assert_eq!(run.code, Some(0), "{}", run.stderr);
    let deploy = project.beanship(&["--sandbox-empty", "deploy", "--env", "production"]);
    assert_eq!(deploy.code, Some(0), "{}", deploy.stderr);
    project.forget_calls();
    assert_eq!(document(&project, &[]).0["outcome"], "unchanged");
    assert_eq!(project.writes(), [""; 0]);
}
