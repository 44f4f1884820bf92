//! A deployer with exactly the policy that bootstrap writes, which the sandbox holds it to.

use std::collections::BTreeSet;
use std::io::{BufRead, BufReader};
use std::process::Child;

use serde_json::Value;

use super::{CONFIG, bootstrap, iam, project};
use crate::support::Project;

/// A project file with a second environment, from which versions are promoted.
const BOTH: &str = "  staging:
    name: shop-staging
    branches: [next]
";

/// What production takes a property from.
const DATABASE: &str = "    database: { engine: mysql }
    properties: { DB_HOST: { rds: host } }
";

/// The sandbox as a server, as long as it is in use.
pub struct Server(Child);

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// Serves the sandbox and gives the project the deployer's key to it.
pub fn as_deployer(project: Project) -> (Project, Server) {
    let mut server = project.start(&["--sandbox-empty", "--output", "json", "sandbox"]);
    let stdout = BufReader::new(server.stdout.take().expect("stdout"));
    let server = Server(server);
    let mut text = String::new();
    for line in stdout.lines() {
        let line = line.expect("a line");
        text.push_str(&line);
        if line == "}" {
            break;
        }
    }
    let serving: Value = serde_json::from_str(&text).expect("JSON");
    let key = std::fs::read_to_string(project.path().join("key.json")).expect("the key");
    let key: Value = serde_json::from_str(&key).expect("JSON");
    let text = |value: &Value| value.as_str().expect("a text").to_owned();
    let project = project
        .variable("AWS_ENDPOINT_URL", &text(&serving["AWS_ENDPOINT_URL"]))
        .variable("AWS_ACCESS_KEY_ID", &text(&key["AccessKeyId"]))
        .variable("AWS_SECRET_ACCESS_KEY", &text(&key["SecretAccessKey"]));
    (project, server)
}

/// A bootstrapped account with a user that deploys, and something on staging.
pub fn bootstrapped() -> Project {
    let config = CONFIG.replace("github: acme/shop", "user: ci");
    let config = config.replace("properties:", "# ") + DATABASE + BOTH;
    let project = project(&config);
    let run = bootstrap(&project, &["--access-key-out", "key.json"]);
    assert_eq!(run.code, Some(0), "{}", run.stderr);
    let staging = ["--sandbox-empty", "bootstrap", "--env", "staging"];
    let run = project.beanship(&staging);
    assert_eq!(run.code, Some(0), "{}", run.stderr);
    let deploy = ["--sandbox-empty", "deploy", "--env", "staging"];
    let run = project.beanship(&[&deploy[..], &["--version-label", "s1"]].concat());
    assert_eq!(run.code, Some(0), "{}", run.stderr);
    project.forget_calls();
    project
}

/// The actions of the calls so far, in IAM's words.
fn actions(project: &Project) -> BTreeSet<String> {
    let log = project.path().join(".beanship/sandbox/requests.jsonl");
    let text = std::fs::read_to_string(log).expect("the requests");
    let action = |line: &str| {
        let call: Value = serde_json::from_str(line).expect("a line of JSON");
        let (service, operation) = (call["service"].as_str()?, call["operation"].as_str()?);
        let name = match (service, operation) {
            ("s3", "HeadBucket") => "ListBucket",
            ("s3", "HeadObject") => "GetObject",
            ("s3", "ListParts") => "ListMultipartUploadParts",
            ("s3", "ListMultipartUploads") => "ListBucketMultipartUploads",
            ("s3", "CreateMultipartUpload" | "UploadPart" | "CompleteMultipartUpload") => {
                "PutObject"
            }
            _ => operation,
        };
        Some(format!("{service}:{name}"))
    };
    text.lines().filter_map(action).collect()
}

/// The actions of the deployer's policy.
pub fn allowed(project: &Project) -> BTreeSet<String> {
    let books = iam(project);
    // A user's own policies are managed ones: inline they would be too long.
    let text = books["policies"]["ci-deploy"]["versions"]["1"][0].as_str();
    let policy: Value = serde_json::from_str(text.expect("a policy")).expect("JSON");
    let statements = policy["Statement"].as_array().expect("statements").iter();
    statements
        .flat_map(|statement| match &statement["Action"] {
            Value::Array(many) => many.clone(),
            one => vec![one.clone()],
        })
        .map(|action| action.as_str().expect("an action").to_owned())
        .collect()
}

/// Runs a command, which must end so without being denied anything.
fn go(project: &Project, arguments: &[&str]) {
    let run = project.beanship(arguments);
    let denied = project
        .calls()
        .into_iter()
        .find(|call| call.ends_with(" 403"));
    assert_eq!(denied, None, "{arguments:?}\n{}", run.stderr);
    assert_eq!(
        run.code,
        Some(0),
        "{arguments:?}\n{}\n{}",
        run.stdout,
        run.stderr
    );
}

/// The arguments, with production.
pub fn on<'a>(arguments: &[&'a str]) -> Vec<&'a str> {
    [arguments, &["--env", "production"]].concat()
}

/// Runs what ships and what looks.
fn ship_and_look(project: &Project) {
    go(project, &on(&["deploy", "--version-label", "v1"]));
    project.fill("large.bin", 17 << 20);
    go(project, &on(&["deploy", "--version-label", "v2"]));
    go(project, &on(&["rollback", "--to", "v1", "--yes"]));
    go(
        project,
        &[
            "promote",
            "--from",
            "staging",
            "--to",
            "production",
            "--yes",
        ],
    );
    for look in [
        "status", "events", "health", "logs", "diff", "watch", "versions",
    ] {
        go(project, &on(&[look]));
    }
    go(project, &["list"]);
}

/// Runs what changes properties, and stops an update.
fn change_and_stop(project: &Project) {
    go(project, &on(&["properties", "list"]));
    go(project, &on(&["properties", "set", "COLOUR=blue", "--yes"]));
    for value in ["first-value-of-it", "second-value-of-it"] {
        let set = on(&["properties", "set", "API_KEY", "-", "--secret", "--yes"]);
        let run = project.with_stdin(&set, value);
        assert_eq!(run.code, Some(0), "{}", run.stderr);
    }
    go(project, &on(&["properties", "refresh", "--yes"]));
    go(
        project,
        &on(&["properties", "export", "--out", "exported.env"]),
    );
    go(project, &on(&["properties", "unset", "COLOUR", "--yes"]));
    let text = std::fs::read_to_string(project.path().join("beanship.yml")).expect("the file");
    let own = "properties: { TOKEN: { secret: shop/shop-prod/API_KEY } }\n";
    let settings = "    settings: { 'aws:elasticbeanstalk:command': { Timeout: 900 } }\n  staging";
    let text = text.replace("  staging", settings);
    project.write("beanship.yml", &format!("{own}{text}"));
    go(project, &on(&["deploy"]));
    project.write(".beanship/sandbox/trouble.yml", "speed: 100\ndeploy: hang");
    project.write("change.txt", "another one");
    go(project, &on(&["deploy", "--no-wait"]));
    go(project, &on(&["abort", "--yes"]));
}

#[test]
fn a_deployer_may_do_what_its_commands_need_and_no_more() {
    let (project, _server) = as_deployer(bootstrapped());
    ship_and_look(&project);
    change_and_stop(&project);
    let used = actions(&project);
    let allowed = allowed(&project);
    let unused: Vec<_> = allowed.difference(&used).cloned().collect();
    // What no command above needs: the sandbox has no CloudWatch Logs and no parameters here, and
    // uploads that broke off are the business of the tests of uploads.
    insta::assert_snapshot!(unused.join("\n"), @"
    logs:DescribeLogGroups
    logs:FilterLogEvents
    s3:AbortMultipartUpload
    s3:ListMultipartUploadParts
    ssm:DescribeParameters
    ");
    let more: Vec<_> = used.difference(&allowed).cloned().collect();
    assert_eq!(more, ["sts:GetCallerIdentity"]);
}

#[test]
fn a_deployer_is_kept_to_its_environment() {
    let (project, _server) = as_deployer(bootstrapped());
    project.write("change.txt", "one");
    for arguments in [
        &["deploy", "--env", "staging"][..],
        &["properties", "set", "A=b", "--env", "staging", "--yes"],
        &["versions", "prune", "--keep", "0", "--yes"],
        &["bootstrap", "--env", "production"],
    ] {
        project.forget_calls();
        let run = project.beanship(arguments);
        assert_eq!(run.code, Some(3), "{arguments:?}\n{}", run.stderr);
        assert!(run.stderr.contains("not allowed to call"), "{}", run.stderr);
        let changed = project
            .writes()
            .into_iter()
            .find(|call| call.ends_with(" 200"));
        let tidy = [
            None,
            Some("PutObject 200".to_owned()),
            Some("CreateApplicationVersion 200".to_owned()),
        ];
        assert!(tidy.contains(&changed), "{arguments:?}: {changed:?}");
    }
}
