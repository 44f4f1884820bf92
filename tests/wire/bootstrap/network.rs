//! The network: security groups, and the options that say where an environment runs.

use super::{CONFIG, bootstrap, document, project};
use crate::support::Run;

/// The same project file with a network.
fn with(network: &str) -> String {
    CONFIG.replace(
        "    branches",
        &format!("    network: {network}\n    branches"),
    )
}

/// The lines on stderr with one of these in them.
pub fn lines(run: &Run, parts: &[&str]) -> String {
    let lines = run.stderr.lines();
    let fitting = lines.filter(|line| parts.iter().any(|part| line.contains(part)));
    let text = fitting.collect::<Vec<_>>().join("\n");
    let ids = regex::Regex::new(r"\b(vpc|subnet|sg)-[0-9a-f]{8,}").expect("a pattern");
    let seconds = regex::Regex::new(r"\d+\.\d s").expect("a pattern");
    let text = ids.replace_all(&text, "$1-ID").into_owned();
    seconds.replace_all(&text, "N s").into_owned()
}

#[test]
fn an_environment_gets_subnets_and_a_security_group_of_its_own() {
    let config = with("{ vpc: default }").replace("properties:", "# ");
    let project = project(&config);
    let run = bootstrap(&project, &[]);
    insta::assert_snapshot!(lines(&run, &["  + security", "  + environment", "the security group"]), @"
      + security group    shop-prod-app  (for the instances, in vpc-ID)
      + environment       shop-prod  (platform version 4.13.1, one instance: t3.small, in vpc-ID (subnet-ID, subnet-ID, subnet-ID); costs money)
    Created the security group shop-prod-app (N s)
    ");
    assert_eq!(run.code, Some(0), "{}", run.stderr);
    assert!(!run.stderr.contains("warning"), "{}", run.stderr);
    project.forget_calls();
    assert_eq!(document(&project, &[]).0["outcome"], "unchanged");
    assert_eq!(project.writes(), [""; 0]);
    let deploy = project.beanship(&["--sandbox-empty", "deploy", "--env", "production"]);
    assert_eq!(deploy.code, Some(0), "{}", deploy.stderr);
    let (report, code) = document(&project, &[]);
    assert_eq!(
        (report["outcome"].as_str(), code),
        (Some("unchanged"), Some(0)),
        "{report}"
    );
}

#[test]
fn an_environment_that_runs_gets_the_group_with_new_instances() {
    let project = project(CONFIG);
    assert_eq!(bootstrap(&project, &[]).code, Some(0));
    project.write("beanship.yml", &with("{}"));
    let plan = bootstrap(&project, &["--plan"]);
    insta::assert_snapshot!(lines(&plan, &["  + ", "  ~ ", "  - "]), @"
    + security group  shop-prod-app  (for the instances, in vpc-ID)
    ~ option setting  aws:autoscaling:launchconfiguration SecurityGroups  (not set -> shop-prod-app; replaces the instances)
    ");
    // Nobody can be asked whether the instances may be replaced.
    assert_eq!(bootstrap(&project, &[]).code, Some(2));
    project.forget_calls();
    let (report, code) = document(&project, &["--only", "network", "--yes"]);
    assert_eq!(
        (report["outcome"].as_str(), code),
        (Some("succeeded"), Some(0)),
        "{report}"
    );
    assert_eq!(
        project.writes(),
        ["CreateSecurityGroup 200", "UpdateEnvironment 200"]
    );
    project.forget_calls();
    assert_eq!(document(&project, &[]).0["outcome"], "unchanged");
    assert_eq!(project.writes(), [""; 0]);
}

#[test]
fn parts_are_made_apart_and_in_order() {
    let project = project(&with("{ vpc: default }"));
    let refused = bootstrap(&project, &["--only", "application"]);
    insta::assert_snapshot!(refused.shown(&project), @"
    ------- stderr -------
    Bootstrapping shop-prod of shop (account DIGEST, eu-central-1, in the sandbox)
    note: there is no secret prod/mysql yet: make it before you deploy
    error: shop-prod needs the security group shop-prod-app, which is not there yet
    hint: make both: `beanship --sandbox bootstrap --env production --only network,application`
    [exit 2]
    ");
    let (report, code) = document(&project, &["--only", "network"]);
    assert_eq!(code, Some(0), "{report}");
    assert_eq!(
        report["done"],
        serde_json::json!(["Created the security group shop-prod-app"])
    );
    let again = bootstrap(&project, &["--only", "network"]);
    assert!(again.stdout.starts_with("unchanged"), "{}", again.stdout);
    assert_eq!(project.writes(), ["CreateSecurityGroup 200"]);
    let (report, code) = document(&project, &["--only", "iam,application"]);
    assert_eq!(code, Some(0), "{report}");
    assert_eq!(document(&project, &[]).0["outcome"], "unchanged");
}

#[test]
fn what_is_not_there_is_refused_with_what_there_is() {
    for (network, more, part) in [
        (
            "{ vpc: vpc-0123456789abcdef0 }",
            "",
            "there is no VPC vpc-0123456789abcdef0 in eu-central-1: there is vpc-",
        ),
        (
            "{ subnets: subnet-0123456789abcdef0 }",
            "",
            "there is no subnet subnet-0123456789abcdef0 in vpc-",
        ),
        (
            "{}",
            "    security_groups: [sg-0123456789abcdef0]\n",
            "there is no security group sg-0123456789abcdef0 in eu-central-1",
        ),
    ] {
        let project = project(&format!("{}{more}", with(network)));
        let (report, code) = document(&project, &[]);
        assert_eq!(code, Some(2), "{report}");
        let message = report["error"]["message"].as_str().unwrap_or_default();
        assert!(message.starts_with(part), "{message}");
        assert_eq!(project.writes(), [""; 0]);
    }
}

#[test]
fn what_is_denied_is_named_and_a_later_run_goes_on() {
    let denied = "speed: 100\ndeny: ['ec2:CreateSecurityGroup']";
    let project = project(&with("{}")).trouble(denied);
    let run = bootstrap(&project, &["--only", "network", "--output", "json"]);
    assert!(
        lines(&run, &["warning"]).contains("you may not call ec2:CreateSecurityGroup"),
        "{}",
        run.stderr
    );
    let report = run.json();
    assert_eq!(
        (run.code, report["error"]["kind"].as_str()),
        (Some(3), Some("denied")),
        "{report}"
    );
    let project = project.trouble("speed: 100");
    assert_eq!(document(&project, &["--only", "network"]).1, Some(0));
    // Who may not see networks and asks for none is not held up.
    let project = project.trouble("speed: 100\ndeny: ['ec2:*']");
    project.write("beanship.yml", CONFIG);
    let (report, code) = document(&project, &[]);
    assert_eq!(code, Some(0), "{report}");
    let destroyed = bootstrap(&project, &["--destroy", "--plan"]);
    assert_eq!(destroyed.code, Some(0), "{}", destroyed.stderr);
    assert!(
        destroyed.stderr.contains("cannot be seen"),
        "{}",
        destroyed.stderr
    );
}

#[test]
fn a_run_that_is_killed_is_finished_and_taken_away_again() {
    let project = project(&with("{}"));
    let all = ["--sandbox-empty", "bootstrap", "--env", "production"];
    let mut child = project.start(&all);
    project.until("CreateSecurityGroup 200", 1);
    project.signal(&child, "-KILL");
    let _ = child.wait();
    let (report, code) = document(&project, &[]);
    assert_eq!(code, Some(0), "{report}");
    let created = project.calls();
    let created = created.iter().filter(|it| *it == "CreateSecurityGroup 200");
    assert_eq!(created.count(), 1);
    let plan = bootstrap(&project, &["--destroy", "--plan"]);
    insta::assert_snapshot!(lines(&plan, &["  - "]), @"
    - environment       shop-prod  (with its instances and its address)
    - security group    shop-prod-app
    - instance profile  shop-prod-eu-central-1-ec2
    - IAM role          shop-prod-eu-central-1-deployer
    - IAM role          shop-prod-eu-central-1-ops
    - IAM role          shop-prod-eu-central-1-service
    - IAM role          shop-prod-eu-central-1-ec2
    - application       shop  (with its versions; their bundles stay)
    ");
    let mut child = project.start(&[&all[..], &["--destroy", "--yes"]].concat());
    project.until("DeleteSecurityGroup 200", 1);
    project.signal(&child, "-KILL");
    let _ = child.wait();
    let (report, code) = document(&project, &["--destroy", "--yes"]);
    assert_eq!(
        (report["outcome"].as_str(), code),
        (Some("succeeded"), Some(0)),
        "{report}"
    );
    let (report, _) = document(&project, &["--destroy", "--yes"]);
    assert_eq!(report["outcome"], "unchanged", "{report}");
}
