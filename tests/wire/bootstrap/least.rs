//! The deployer's policy is the least: without any one of its actions a command stops and names
//! it, or goes on without what it was for and says so.

use std::collections::BTreeSet;
use std::fmt::Write;

use serde_json::Value;

use super::deployer::{allowed, as_deployer, bootstrapped, on};
use super::iam;
use crate::support::{Project, Run};

/// Actions that no command here can be denied, and why.
const APART: &[(&str, &str)] = &[
    // The sandbox has no CloudWatch Logs, which `beanship logs --follow` asks.
    ("logs:DescribeLogGroups", "not in the sandbox"),
    ("logs:FilterLogEvents", "not in the sandbox"),
    // What only tidies up or saves time is left out without a word: see the test below.
    ("s3:AbortMultipartUpload", "tidies up"),
    ("s3:ListBucketMultipartUploads", "tidies up"),
    ("s3:ListMultipartUploadParts", "saves time"),
];

/// What is denied, and the command that cannot do without it. `deploy+` comes after a change of the
/// tree.
const NEEDS: &[(&str, &str)] = &[
    ("elasticbeanstalk:CreateApplicationVersion", "deploy+"),
    ("elasticbeanstalk:DescribeApplicationVersions", "versions"),
    (
        "elasticbeanstalk:DescribeConfigurationSettings",
        "properties list",
    ),
    ("elasticbeanstalk:DescribeEnvironmentHealth", "health"),
    ("elasticbeanstalk:DescribeEnvironments", "status"),
    ("elasticbeanstalk:DescribeEvents", "events"),
    ("elasticbeanstalk:DescribeInstancesHealth", "health"),
    ("elasticbeanstalk:DescribePlatformVersion", "deploy --plan"),
    ("elasticbeanstalk:RequestEnvironmentInfo", "logs"),
    (
        "elasticbeanstalk:RestartAppServer",
        "properties refresh --yes",
    ),
    ("elasticbeanstalk:RetrieveEnvironmentInfo", "logs"),
    (
        "elasticbeanstalk:UpdateEnvironment",
        "properties set A=b --yes",
    ),
    (
        "elasticbeanstalk:ValidateConfigurationSettings",
        "deploy --plan",
    ),
    ("iam:GetInstanceProfile", "deploy --plan"),
    ("iam:SimulatePrincipalPolicy", "deploy --plan"),
    ("rds:DescribeDBInstances", "deploy --plan"),
    ("s3:GetObject", "diff"),
    ("s3:ListBucket", "deploy --plan"),
    ("s3:PutObject", "deploy+"),
    (
        "secretsmanager:CreateSecret",
        "properties set NEW - --secret --yes",
    ),
    ("secretsmanager:DescribeSecret", "deploy --plan"),
    (
        "secretsmanager:PutSecretValue",
        "properties set API_KEY - --secret --yes",
    ),
    ("ssm:DescribeParameters", "deploy --plan"),
    // Last: an update hangs from here on.
    ("elasticbeanstalk:AbortEnvironmentUpdate", "abort --yes"),
];

/// Keeps the deployer to its policy without an action, while something is done.
fn without<T>(project: &Project, action: &str, act: impl FnOnce() -> T) -> T {
    let path = project.path().join(".beanship/sandbox/iam.json");
    let before = std::fs::read_to_string(&path).expect("the books");
    let mut books = iam(project);
    let held = &mut books["policies"]["ci-deploy"]["versions"]["1"][0];
    let mut policy: Value = serde_json::from_str(held.as_str().expect("a policy")).expect("JSON");
    for statement in policy["Statement"].as_array_mut().expect("statements") {
        let left = match &statement["Action"] {
            Value::Array(all) => all.iter().filter(|it| *it != action).cloned().collect(),
            one if one == action => Vec::new(),
            one => vec![one.clone()],
        };
        statement["Action"] = left.into();
    }
    *held = policy.to_string().into();
    std::fs::write(&path, books.to_string()).expect("the policy without it");
    let done = act();
    std::fs::write(&path, before).expect("the policy");
    done
}

/// Changes the tree, so that there is something to upload.
fn change(project: &Project) {
    let path = project.path().join("change.txt");
    let text = std::fs::read_to_string(path).unwrap_or_default();
    project.write("change.txt", &format!("{text}."));
}

/// Runs a command of the table on production.
fn run(project: &Project, command: &str) -> Run {
    if command.starts_with("deploy+") {
        change(project);
    }
    let command = command.replacen('+', "", 1);
    let words: Vec<&str> = command.split(' ').collect();
    match words.contains(&"-") {
        true => project.with_stdin(&on(&words), "a-new-value-of-it"),
        false => project.beanship(&on(&words)),
    }
}

/// How a run without an action ended: its exit code, and the word before the line that names it.
fn told(project: &Project, run: &Run, action: &str) -> String {
    let text = format!("{}\n{}", run.stderr, run.stdout);
    let line = text.lines().find(|line| line.contains(action));
    let code = run.code.unwrap_or(-1);
    match line.and_then(|line| line.split_once(':')) {
        Some((word, _)) => format!("{code} {word}"),
        None => {
            let calls = project.calls();
            assert!(calls.iter().any(|it| it.ends_with(" 403")), "{calls:?}");
            format!("{code} goes on without it")
        }
    }
}

/// Deploys two versions to production, the second with a reference to a secret; then the file has
/// a parameter and a setting more.
fn prepare(project: &Project) {
    let done = |run: Run| assert_eq!(run.code, Some(0), "{}", run.stderr);
    done(project.beanship(&on(&["deploy", "--version-label", "v1"])));
    done(run(project, "properties set API_KEY - --secret --yes"));
    let text = std::fs::read_to_string(project.path().join("beanship.yml")).expect("the file");
    let token = "TOKEN: { secret: shop/shop-prod/API_KEY }";
    project.write(
        "beanship.yml",
        &format!("properties: {{ {token} }}\n{text}"),
    );
    done(run(project, "deploy+ --version-label v2"));
    let flag = r#"{"eu-central-1":{"/shop/flag":{"arn":"arn:aws:ssm:eu-central-1:123456789012:parameter/shop/flag","kind":"String","value":"on","version":1,"changed":"2026-01-01T00:00:00Z"}}}"#;
    project.write(".beanship/sandbox/ssm.json", flag);
    let settings = "    settings: { 'aws:elasticbeanstalk:command': { Timeout: 900 } }\n  staging";
    let text = text.replace("  staging", settings);
    let flag = "FLAG: { parameter: /shop/flag }";
    project.write(
        "beanship.yml",
        &format!("properties: {{ {token}, {flag} }}\n{text}"),
    );
}

#[test]
fn without_any_one_action_a_command_stops_or_goes_on_without_it() {
    let (project, _server) = as_deployer(bootstrapped());
    prepare(&project);
    let mut text = String::new();
    for (action, command) in NEEDS {
        if *command == "abort --yes" {
            project.write(".beanship/sandbox/trouble.yml", "speed: 100\ndeploy: hang");
            let hangs = run(&project, "deploy+ --no-wait");
            assert_eq!(hangs.code, Some(0), "{}", hangs.stderr);
        }
        project.forget_calls();
        let run = without(&project, action, || run(&project, command));
        let how = told(&project, &run, action);
        let _ = writeln!(text, "{action:48} {command:44} {how}");
        let refused = run.stderr.contains("error: not allowed to call");
        assert_eq!(run.code == Some(3), refused, "{}", run.stderr);
    }
    insta::assert_snapshot!(text, @"
    elasticbeanstalk:CreateApplicationVersion        deploy+                                      3 error
    elasticbeanstalk:DescribeApplicationVersions     versions                                     3 error
    elasticbeanstalk:DescribeConfigurationSettings   properties list                              3 error
    elasticbeanstalk:DescribeEnvironmentHealth       health                                       0 note
    elasticbeanstalk:DescribeEnvironments            status                                       3 error
    elasticbeanstalk:DescribeEvents                  events                                       3 error
    elasticbeanstalk:DescribeInstancesHealth         health                                       0 note
    elasticbeanstalk:DescribePlatformVersion         deploy --plan                                0 goes on without it
    elasticbeanstalk:RequestEnvironmentInfo          logs                                         3 error
    elasticbeanstalk:RestartAppServer                properties refresh --yes                     3 error
    elasticbeanstalk:RetrieveEnvironmentInfo         logs                                         3 error
    elasticbeanstalk:UpdateEnvironment               properties set A=b --yes                     3 error
    elasticbeanstalk:ValidateConfigurationSettings   deploy --plan                                0 warning
    iam:GetInstanceProfile                           deploy --plan                                0 note
    iam:SimulatePrincipalPolicy                      deploy --plan                                0 note
    rds:DescribeDBInstances                          deploy --plan                                3 error
    s3:GetObject                                     diff                                         3 error
    s3:ListBucket                                    deploy --plan                                0 note
    s3:PutObject                                     deploy+                                      3 error
    secretsmanager:CreateSecret                      properties set NEW - --secret --yes          3 error
    secretsmanager:DescribeSecret                    deploy --plan                                3 error
    secretsmanager:PutSecretValue                    properties set API_KEY - --secret --yes      3 error
    ssm:DescribeParameters                           deploy --plan                                0 note
    elasticbeanstalk:AbortEnvironmentUpdate          abort --yes                                  3 error
    ");
    let actions = NEEDS.iter().chain(APART).map(|(action, _)| *action);
    let all: BTreeSet<String> = actions.map(str::to_owned).collect();
    assert_eq!(all, allowed(&project));
}

#[test]
fn an_upload_goes_on_without_what_tidies_up() {
    let (project, _server) = as_deployer(bootstrapped());
    let trouble = |text: &str| {
        let text = format!("speed: 100\n{text}");
        project.write(".beanship/sandbox/trouble.yml", &text);
    };
    project.fill("large.bin", 17 << 20);
    let deploy = || run(&project, "deploy --no-wait");
    let seen = without(&project, "s3:ListBucketMultipartUploads", deploy);
    assert_eq!(seen.code, Some(0), "{}", seen.stderr);
    assert!(project.calls().contains(&"ListMultipartUploads 403".into()));
    // An upload that was killed is gone on with, or begun anew.
    trouble("stall: { every: 2, operations: [UploadPart] }");
    change(&project);
    project.forget_calls();
    let mut child = project.start(&on(&["deploy", "--no-wait"]));
    project.until("UploadPart 200", 1);
    project.signal(&child, "-KILL");
    let _ = child.wait();
    trouble("");
    let run = without(&project, "s3:ListMultipartUploadParts", deploy);
    assert_eq!(run.code, Some(0), "{}", run.stderr);
    assert!(project.calls().contains(&"ListParts 403".into()));
    trouble("stall: { every: 2, operations: [UploadPart] }");
    change(&project);
    project.forget_calls();
    let stopped = || {
        let child = project.start(&on(&["deploy"]));
        project.until("UploadPart 200", 1);
        project.signal(&child, "-INT");
        Run::of(&child.wait_with_output().expect("an end"))
    };
    let run = without(&project, "s3:AbortMultipartUpload", stopped);
    assert_eq!(run.code, Some(130), "{}", run.stderr);
    assert!(project.calls().contains(&"AbortMultipartUpload 403".into()));
}
