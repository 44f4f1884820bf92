//! By a command.

use std::time::{Duration, Instant};

use super::{asked, checked, ended, message};
use crate::support::{Project, Run};

#[test]
fn a_command_is_run_in_the_project_and_told_what_it_is_about() {
    let line = "echo \\\"$BEANSHIP_ENVIRONMENT $BEANSHIP_VERSION_LABEL $BEANSHIP_URL $http_proxy\\\" > told.txt";
    let project = checked(&format!("{{ command: \"{line}\" }}"), "");
    let (report, code) = project.deploy(&["--env", "production", "--version-label", "v1"]);
    assert_eq!(
        (ended(&report), code),
        (("succeeded", "succeeded"), Some(0)),
        "{report}"
    );
    let told = std::fs::read_to_string(project.path().join("told.txt")).expect("a file");
    let url = report["url"].as_str().expect("an address");
    let expected = format!("shop-prod v1 {url} http://127.0.0.1:");
    assert!(told.starts_with(&expected), "{told}");
    assert_eq!(asked(&project), [""; 0]);
}

#[test]
fn a_failing_command_shows_its_last_lines() {
    let line = "seq 1 30; echo token=abcdefgh; echo no cart >&2; exit 3";
    let project = checked(&format!("{{ path: /, command: '{line}' }}"), "");
    let run = project.sandbox(&["deploy", "--env", "production"]);
    let shown = run.shown(&project);
    let from = shown.find("Smoke check").expect("its output");
    insta::assert_snapshot!(&shown[from..], @"
    Smoke check
      | 13
      | 14
      | 15
      | 16
      | 17
      | 18
      | 19
      | 20
      | 21
      | 22
      | 23
      | 24
      | 25
      | 26
      | 27
      | 28
      | 29
      | 30
      | token=[redacted]
      | no cart
    /var/log/eb-docker/containers/eb-current-app/eb-stdouterr.log (i-ID)
      | web-1  | listening
    Whole logs
      .beanship/logs/shop-prod/DATE-i-ID.log
    error: the deploy failed: the smoke check failed: `seq 1 30; echo token=[redacted]; echo no cart >&2; exit 3` exited with 3: no cart
    hint: see the instances with `beanship --sandbox health --env shop-prod`
    hint: read the instances' logs with `beanship --sandbox logs --env shop-prod`
    hint: go back to what ran before with `beanship --sandbox rollback --env shop-prod`
    [exit 1]
    ");
    let (report, _) = project.deploy(&["--env", "production", "--force"]);
    assert_eq!(report["smoke"]["exit_code"], 3, "{report}");
    assert_eq!(report["smoke"]["output"].as_array().map(Vec::len), Some(20));
}

#[test]
fn a_command_that_does_not_end_is_stopped_with_all_its_children() {
    let line = "sleep 600 & echo $! > pid; wait";
    let project = checked(
        &format!("{{ command: '{line}', command_timeout: 500ms }}"),
        "",
    );
    let (report, code) = project.deploy(&["--env", "production"]);
    assert_eq!(
        (ended(&report), code),
        (("failed", "failed"), Some(1)),
        "{report}"
    );
    assert!(
        message(&report).contains("did not end within 0.5 s"),
        "{report}"
    );
    assert!(!runs(&project), "the command's child goes on");
}

/// Whether the process whose number was written down still runs.
fn runs(project: &Project) -> bool {
    let pid = std::fs::read_to_string(project.path().join("pid")).expect("a number");
    let status = std::fs::read_to_string(format!("/proc/{}/stat", pid.trim()));
    status.is_ok_and(|status| !status.contains(") Z "))
}

#[test]
fn an_interrupted_check_is_no_success() {
    let line = "echo $$ > pid; exec sleep 600";
    let project = checked(&format!("{{ command: '{line}' }}"), "");
    let arguments = [
        "--sandbox",
        "deploy",
        "--env",
        "production",
        "--abort-on-interrupt",
        "--output",
        "json",
    ];
    let child = project.start(&arguments);
    let begun = Instant::now();
    while !std::fs::read_to_string(project.path().join("pid")).is_ok_and(|pid| pid.ends_with('\n'))
    {
        assert!(
            begun.elapsed() < Duration::from_secs(60),
            "the command does not begin"
        );
        std::thread::sleep(Duration::from_millis(20));
    }
    let sent = std::process::Command::new("kill")
        .args(["-INT", &child.id().to_string()])
        .status();
    assert!(sent.is_ok_and(|status| status.success()));
    let run = Run::of(&child.wait_with_output().expect("an end"));
    let report = run.json();
    assert_eq!(
        (ended(&report), run.code),
        (("interrupted", "interrupted"), Some(130)),
        "{report}"
    );
    let why = "interrupted: shop-prod was updated, but its smoke check has not ended";
    assert_eq!(message(&report), why);
    assert!(!runs(&project), "the command goes on");
    let writes = project.writes();
    assert!(
        !writes.iter().any(|call| call.starts_with("Abort")),
        "{writes:?}"
    );
}
