//! Deploys that do not go well, and what is told of them.

use std::time::{Duration, Instant};

use crate::support::{Project, Run};

fn deployed(trouble: &str) -> (Run, Project) {
    let project = Project::new().trouble(&format!("speed: 100\n{trouble}"));
    let arguments = ["deploy", "--env", "production", "--health-timeout", "2s"];
    (project.sandbox(&arguments), project)
}

#[test]
fn a_failing_deploy_exits_1_and_names_the_error_events() {
    let (run, project) = deployed("deploy: fail");
    insta::assert_snapshot!(run.shown(&project), @r#"
    ------- stderr -------
    Deploying shop to shop-prod (eu-central-1, in the sandbox)
    Plan
      + source bundle        s3://elasticbeanstalk-eu-central-1-DIGEST/shop/DIGEST.zip  (N B)
      + application version  DIGEST
      ~ environment          shop-prod  (Sample Application -> DIGEST, within 20 m)
    Uploaded N B (N s)
    Created the version DIGEST (N s)
    Started the update of shop-prod (N s)
    TIME  INFO   Environment update is starting.
    TIME  INFO   Environment health has transitioned from Ok to Info. Application update in progress on 1 instance. 0 out of 1 instance completed (running for N seconds).
    TIME  INFO   Deploying new version to instance(s).
    TIME  ERROR  Instance deployment failed. For details, see 'eb-engine.log'.
    TIME  ERROR  [Instance: i-ID] Command failed on instance. Return code: 1 Output: Engine execution has encountered an error..
    TIME  INFO   Command execution completed on all instances. Summary: [Successful: 0, Failed: 1].
    TIME  ERROR  Unsuccessful command execution on instance id(s) 'i-ID'. Aborting the operation.
    TIME  ERROR  Failed to deploy application.
    TIME  WARN   Environment health has transitioned from Info to Degraded. Incorrect application version found on all instances. Expected version "Sample Application" (deployment 1).
    Failed instances
      i-ID  health Degraded, deployment of DIGEST failed
        Incorrect application version "DIGEST" (deployment 2). Expected version "Sample Application" (deployment 1).
    /var/log/eb-engine.log (i-ID)
      | DATE [INFO] Running command /bin/sh -c docker compose build
      | DATE [INFO] Executing instruction: Run Docker Container
      | DATE [INFO] Running command /bin/sh -c docker compose up -d
      | DATE [ERROR] An error occurred during execution of command [app-deploy] - [Run Docker Container]. Stop running the command. Error: failed to run docker containers: Command /bin/sh -c docker compose up -d failed with error exit status 1 (by order of the trouble file)
    /var/log/eb-docker/containers/eb-current-app/eb-stdouterr.log (i-ID)
      | web-1  | connecting to postgres://[redacted]@db:5432/shop
      | web-1  | Error: connect ECONNREFUSED db:5432
      | web-1  |     at TCPConnectWrap.afterConnect (node:net:1555:16)
      | web-1 exited with code 1
    Whole logs
      .beanship/logs/shop-prod/DATE-i-ID.log
    error: the deploy failed: Instance deployment failed. For details, see 'eb-engine.log'.
    hint: see the instances with `beanship --sandbox health --env shop-prod`
    hint: read the instances' logs with `beanship --sandbox logs --env shop-prod`
    hint: go back to what ran before with `beanship --sandbox rollback --env shop-prod`
    [exit 1]
    "#);
}

#[test]
fn a_red_environment_is_a_failed_deploy() {
    let (run, project) = deployed("deploy: red");
    assert_eq!(run.code, Some(1), "{}", run.stderr);
    assert!(
        run.stderr
            .contains("error: the deploy failed: health is Red"),
        "{}",
        run.shown(&project)
    );
}

#[test]
fn a_yellow_environment_succeeds_with_warnings() {
    let (run, _) = deployed("deploy: yellow");
    assert_eq!(run.code, Some(0), "{}", run.stderr);
    assert!(
        run.stdout.starts_with("succeeded_with_warnings: "),
        "{}",
        run.stdout
    );
}

#[test]
fn command_timeouts_are_failures_although_told_at_info() {
    let (run, project) = deployed("deploy: timeout-event");
    assert_eq!(run.code, Some(1), "{}", run.shown(&project));
}

#[test]
fn a_failed_deploy_is_not_unchanged_when_run_again() {
    let project = Project::new().trouble("speed: 100\ndeploy: { outcome: fail, times: 1 }");
    assert_eq!(project.deploy(&["--env", "production"]).1, Some(1));
    let (report, code) = project.deploy(&["--env", "production"]);
    assert_eq!(
        (report["outcome"].as_str(), code),
        (Some("succeeded"), Some(0)),
        "{report}"
    );
    assert_eq!(report["bundle"]["reused"], true);
}

#[test]
fn the_timeout_holds_and_says_what_goes_on() {
    let project = Project::new().trouble("speed: 100\ndeploy: hang");
    let begun = Instant::now();
    let (report, code) = project.deploy(&["--env", "production", "--timeout", "3s"]);
    assert_eq!(
        (report["outcome"].as_str(), code),
        (Some("timed_out"), Some(4)),
        "{report}"
    );
    assert!(
        begun.elapsed() < Duration::from_secs(6),
        "{:?}",
        begun.elapsed()
    );
    insta::assert_snapshot!(report["error"]["message"].as_str().expect("a message"), @"timed out: Elastic Beanstalk is still working on shop-prod (Updating, health Green)");
}

#[test]
fn a_busy_environment_is_waited_for_only_so_long() {
    let project = Project::new().trouble("speed: 100\ndeploy: hang");
    assert_eq!(
        project.deploy(&["--env", "production", "--no-wait"]).1,
        Some(0)
    );
    project.write("new.txt", "new");
    project.forget_calls();
    let (report, code) = project.deploy(&["--env", "production", "--timeout", "2s"]);
    assert_eq!(
        (report["outcome"].as_str(), code),
        (Some("timed_out"), Some(4)),
        "{report}"
    );
    assert_eq!(project.writes(), [""; 0]);
}

/// Sends a signal to a child and waits for its end.
#[cfg(unix)]
fn interrupted(signal: &str, arguments: &[&str]) -> (String, Project) {
    use std::io::{BufRead, BufReader};

    let project = Project::new().trouble("speed: 100\ndeploy: hang");
    let deploy = ["--sandbox", "deploy", "--env", "production"];
    let mut child = project.start(&[&deploy, arguments].concat());
    let mut lines = BufReader::new(child.stderr.take().expect("stderr")).lines();
    let mut told = String::new();
    for line in lines.by_ref().map_while(Result::ok) {
        told.push_str(&line);
        if line.contains("Environment update is starting") {
            break;
        }
    }
    let sent = std::process::Command::new("kill")
        .args([signal, &child.id().to_string()])
        .status();
    assert!(sent.is_ok_and(|status| status.success()));
    told.extend(lines.map_while(Result::ok));
    assert_eq!(child.wait().expect("an end").code(), Some(130), "{told}");
    (told, project)
}

#[cfg(unix)]
#[test]
fn an_interrupted_deploy_says_that_the_update_goes_on_and_how_to_watch_it() {
    for signal in ["-INT", "-TERM"] {
        let (told, project) = interrupted(signal, &[]);
        let goes_on = "Elastic Beanstalk goes on with the update of shop-prod";
        assert!(told.contains(goes_on), "{told}");
        assert!(
            told.contains("`beanship --sandbox watch --env shop-prod`"),
            "{told}"
        );

        // Another environment takes the same version.
        let project = project.trouble("speed: 100");
        let (report, code) = project.deploy(&["--env", "staging"]);
        assert_eq!(
            (report["outcome"].as_str(), code),
            (Some("succeeded"), Some(0)),
            "{report}"
        );
        assert_eq!(report["bundle"]["reused"], true);
    }
}

#[cfg(unix)]
#[test]
fn an_interruption_aborts_the_update_where_that_was_asked_for() {
    let (told, project) = interrupted("-INT", &["--abort-on-interrupt"]);
    assert!(
        told.contains("the update of shop-prod is being aborted"),
        "{told}"
    );
    let run = project.sandbox(&[
        "watch",
        "--env",
        "production",
        "--output",
        "json",
        "--timeout",
        "10s",
    ]);
    assert_eq!(
        (run.json()["outcome"].as_str(), run.code),
        (Some("aborted"), Some(1)),
        "{}",
        run.stdout
    );
    let (report, code) = project
        .trouble("speed: 100")
        .deploy(&["--env", "production"]);
    assert_eq!(
        (report["outcome"].as_str(), code),
        (Some("succeeded"), Some(0)),
        "{report}"
    );
}

#[cfg(unix)]
#[test]
fn somebody_elses_deploy_in_between_is_told_without_a_long_second_look() {
    use std::io::{BufRead, BufReader};

    let project = Project::new();
    let arguments = [
        "--sandbox",
        "deploy",
        "--env",
        "production",
        "--version-label",
        "ours",
    ];
    let mut child = project.start(&[&arguments[..], &["--output", "json"]].concat());
    let pid = child.id().to_string();
    let signal = |signal: &str| {
        let sent = std::process::Command::new("kill")
            .args([signal, pid.as_str()])
            .status();
        assert!(sent.is_ok_and(|status| status.success()));
    };
    let mut stderr = BufReader::new(child.stderr.take().expect("stderr")).lines();
    let begun = stderr.find(|line| line.as_ref().is_ok_and(|line| line.starts_with("Started")));
    assert!(begun.is_some());
    signal("-STOP");
    project.write("theirs.txt", "theirs");
    let theirs = ["--env", "production", "--version-label", "theirs"];
    let (report, code) = project.deploy(&theirs);
    let since = Instant::now();
    signal("-CONT");
    assert_eq!(code, Some(0), "{report}");
    let run = Run::of(&child.wait_with_output().expect("an end"));
    let report = run.json();
    assert_eq!(
        (report["outcome"].as_str(), run.code),
        (Some("superseded"), Some(1)),
        "{report}"
    );
    assert!(
        since.elapsed() < Duration::from_secs(20),
        "{:?}",
        since.elapsed()
    );
    insta::assert_snapshot!(report["error"]["message"].as_str().expect("a message"), @"the deploy was superseded: the environment now runs theirs, from another deploy");
}
