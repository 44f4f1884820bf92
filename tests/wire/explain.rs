//! Why a deploy failed, and the commands that look at logs and health.

use crate::support::{CONFIG, Project};

/// A project whose deploys end like this.
fn with(trouble: &str) -> Project {
    Project::new().trouble(&format!("speed: 100\n{trouble}"))
}

/// The files below `.beanship/logs`.
fn kept(project: &Project) -> Vec<std::path::PathBuf> {
    let folder = project.path().join(".beanship/logs/shop-prod");
    let found = std::fs::read_dir(folder).into_iter().flatten().flatten();
    found.map(|entry| entry.path()).collect()
}

#[test]
fn a_failed_deploy_is_told_in_the_instances_own_lines() {
    let project = with("deploy: fail");
    let (report, code) = project.deploy(&["--env", "production"]);
    assert_eq!(code, Some(1), "{report}");
    let explanation = &report["explanation"];
    let text = explanation.to_string();
    for part in [
        "ECONNREFUSED db:5432",
        "exit status 1",
        "web-1 exited with code 1",
    ] {
        assert!(text.contains(part), "{part}: {explanation:#}");
    }
    assert!(!text.contains("tr0ub4dor"), "{explanation:#}");
    assert_eq!(explanation["instances"][0]["deployment"], "Failed");
    assert_eq!(explanation["errors"].as_array().map(Vec::len), Some(4));
    let kept = kept(&project);
    assert_eq!(kept.len(), 1);
    let whole = std::fs::read_to_string(&kept[0]).expect("a log");
    assert!(whole.contains("CommandService Response"), "{whole}");
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        let mode = kept[0].metadata().expect("metadata").permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
    }
}

#[test]
fn a_known_cause_comes_with_its_hint() {
    let twice =
        "services:\n  a: { image: x, ports: ['80:80'] }\n  b: { image: y, ports: ['80:81'] }\n";
    // The check before the deploy would find it; here it reaches the instances.
    let config = format!("{CONFIG}check: {{ ignore: [EB302] }}\n");
    let project = Project::new()
        .file("beanship.yml", &config)
        .file("docker-compose.yml", twice);
    let (report, code) = project.deploy(&["--env", "production"]);
    assert_eq!(code, Some(1), "{report}");
    assert_eq!(report["explanation"]["causes"][0]["name"], "port_taken");
    let hint = &report["error"]["hints"][0];
    assert!(
        hint.as_str()
            .is_some_and(|hint| hint.contains("docker compose config")),
        "{hint}"
    );
}

#[test]
fn an_unhealthy_deploy_is_explained_too() {
    let project = with("deploy: red");
    let (report, code) = project.deploy(&["--env", "production", "--health-timeout", "1s"]);
    assert_eq!(code, Some(1), "{report}");
    let explanation = &report["explanation"];
    assert_eq!(explanation["causes"][0]["name"], "health_check_failing");
    assert_eq!(explanation["instances"][0]["health"], "Severe");
}

#[test]
fn a_good_deploy_is_not_explained() {
    let project = Project::new();
    let (report, _) = project.deploy(&["--env", "production"]);
    assert!(report["explanation"].is_null());
    assert!(
        !project
            .calls()
            .iter()
            .any(|call| call.contains("EnvironmentInfo"))
    );
}

#[test]
fn logs_that_cannot_be_fetched_change_nothing() {
    for trouble in [
        "deny: [elasticbeanstalk:RequestEnvironmentInfo]",
        "deny: [elasticbeanstalk:RetrieveEnvironmentInfo]",
        "deny: [elasticbeanstalk:DescribeInstancesHealth]",
        "errors: { every: 1, status: 500, operations: [RequestEnvironmentInfo] }",
        "deny: [\"s3:GetObject\"]",
    ] {
        let project = with(&format!("deploy: fail\n{trouble}"));
        let (report, code) = project.deploy(&["--env", "production", "--timeout", "12s"]);
        assert_eq!(
            (report["outcome"].as_str(), code),
            (Some("failed"), Some(1)),
            "{trouble}: {report}"
        );
        let remarks = &report["explanation"]["remarks"];
        assert_eq!(
            remarks.as_array().map(Vec::len),
            Some(1),
            "{trouble}: {remarks}"
        );
    }
}

#[test]
fn logs_shows_every_file_under_its_name() {
    let project = with("deploy: fail");
    assert_eq!(project.deploy(&["--env", "production"]).1, Some(1));
    let run = project.sandbox(&["logs", "--env", "production"]);
    insta::assert_snapshot!(run.shown(&project), @r#"
    ==> i-ID /var/log/eb-engine.log <==
    DATE [INFO] Engine received EB command cfn-hup-exec
    DATE [INFO] Running command: app-deploy
    DATE [INFO] Executing instruction: StageApplication
    DATE [INFO] Executing instruction: RunAppDeployPreBuildHooks
    DATE [INFO] Executing instruction: Docker Specific Build Application
    DATE [INFO] Running command /bin/sh -c docker compose build
    DATE [INFO] Executing instruction: Run Docker Container
    DATE [INFO] Running command /bin/sh -c docker compose up -d
    DATE [ERROR] An error occurred during execution of command [app-deploy] - [Run Docker Container]. Stop running the command. Error: failed to run docker containers: Command /bin/sh -c docker compose up -d failed with error exit status 1 (by order of the trouble file)
    DATE [INFO] Executing cleanup logic
    DATE [INFO] CommandService Response: {"status":"FAILURE","api_version":"1.0","results":[{"status":"FAILURE","msg":"Engine execution has encountered an error.","returncode":1}]}
    DATE [INFO] Platform Engine finished execution on command: app-deploy

    ==> i-ID /var/log/eb-docker/containers/eb-current-app/eb-stdouterr.log <==
    web-1  | connecting to postgres://[redacted]@db:5432/shop
    web-1  | Error: connect ECONNREFUSED db:5432
    web-1  |     at TCPConnectWrap.afterConnect (node:net:1555:16)
    web-1 exited with code 1
    ------- stderr -------
    [exit 0]
    "#);
    let logs = project
        .sandbox(&["logs", "--env", "production", "--output", "json"])
        .json();
    let instance = &logs["instances"][0];
    assert_eq!(
        instance["files"].as_array().map(Vec::len),
        Some(2),
        "{logs}"
    );
    let id = instance["instance"].as_str().expect("an id");
    let one = project.sandbox(&["logs", "--env", "production", "--instance", id]);
    assert_eq!(one.code, Some(0), "{}", one.stderr);
    let other = project.sandbox(&["logs", "--env", "production", "--instance", "i-0"]);
    assert_eq!(other.code, Some(2), "{}", other.stderr);
    assert!(
        other
            .stderr
            .contains("no instance i-0 in shop-prod: it has i-")
    );
}

#[test]
fn all_logs_come_as_a_zip_an_instance() {
    let project = Project::new();
    assert_eq!(project.deploy(&["--env", "production"]).1, Some(0));
    let full = project
        .sandbox(&["logs", "--full", "--env", "production", "--output", "json"])
        .json();
    let bundle = &full["bundles"][0];
    let path = bundle["path"].as_str().expect("a path");
    let bytes = std::fs::read(path).expect("a zip");
    assert_eq!(bundle["bytes"], bytes.len());
    assert!(bytes.starts_with(b"PK"));
    assert!(path.contains(".beanship/logs/shop-prod/"), "{path}");
}

#[test]
fn logs_that_may_not_be_read_are_refused_by_name() {
    let project = with("deny: [elasticbeanstalk:RequestEnvironmentInfo]");
    let run = project.sandbox(&["logs", "--env", "production"]);
    assert_eq!(run.code, Some(3), "{}", run.stderr);
    assert!(
        run.stderr
            .contains("elasticbeanstalk:RequestEnvironmentInfo"),
        "{}",
        run.stderr
    );
}

#[test]
fn health_shows_instances_and_what_runs_on_them() {
    let project = Project::new();
    assert_eq!(project.deploy(&["--env", "production"]).1, Some(0));
    let run = project.sandbox(&["health", "--env", "production"]);
    insta::assert_snapshot!(run.shown(&project), @"
    shop-prod  Ready  Green (Ok)  DIGEST
      0 requests/s
      instances: 1 Ok

    INSTANCE             VERSION       DEPLOYMENT  HEALTH  REQ/S  P50  P99  CPU    LOAD
    i-ID  DIGEST  Deployed    Ok      0      -    -    0.7 %  0.00 0.01
    ------- stderr -------
    [exit 0]
    ");
    let health = project
        .sandbox(&["health", "--env", "production", "--output", "json"])
        .json();
    assert_eq!(health["instances"][0]["deployment"], "Deployed");
    assert_eq!(health["instances"][0]["cpu_percent"], 0.7);
}

#[test]
fn health_that_may_not_be_read_in_full_is_one_line() {
    let project = with(
        "deny: [elasticbeanstalk:DescribeEnvironmentHealth, elasticbeanstalk:DescribeInstancesHealth]",
    );
    let run = project.sandbox(&["health", "--env", "production"]);
    insta::assert_snapshot!(run.shown(&project), @"
    shop-prod  Ready  Green (Ok)  Sample Application
    note: the caller may not call elasticbeanstalk:DescribeEnvironmentHealth
    note: the caller may not call elasticbeanstalk:DescribeInstancesHealth
    ------- stderr -------
    [exit 0]
    ");
}

/// Starts a command that ends with Ctrl-C, and gives its first lines and its end.
#[cfg(unix)]
fn until(arguments: &[&str], project: &Project, last: &str) -> (Vec<String>, Option<i32>) {
    use std::io::{BufRead, BufReader};

    let mut child = project.start(&[&["--sandbox"], arguments].concat());
    let mut lines = BufReader::new(child.stdout.take().expect("stdout")).lines();
    let mut told = Vec::new();
    for line in lines.by_ref().map_while(Result::ok) {
        told.push(line);
        if told.last().is_some_and(|line| line.contains(last)) {
            break;
        }
    }
    let sent = std::process::Command::new("kill")
        .args(["-INT", &child.id().to_string()])
        .status();
    assert!(sent.is_ok_and(|status| status.success()));
    drop(lines);
    (told, child.wait().expect("an end").code())
}

#[cfg(unix)]
#[test]
fn following_ends_with_ctrl_c_and_is_no_failure() {
    let project = Project::new();
    assert_eq!(project.deploy(&["--env", "production"]).1, Some(0));
    let (told, code) = until(
        &["logs", "-f", "--env", "production"],
        &project,
        "listening",
    );
    assert_eq!(code, Some(0), "{told:?}");
    assert!(told[0].starts_with("==> i-"), "{told:?}");
    let (told, code) = until(
        &["health", "-w", "--env", "production"],
        &project,
        "INSTANCE",
    );
    assert_eq!(code, Some(0), "{told:?}");
}
