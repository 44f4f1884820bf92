//! Over HTTP.

use std::io::{Read, Write};
use std::net::TcpListener;
use std::time::{Duration, Instant};

use super::{asked, checked, ended, message};
use crate::support::Project;

/// Answers each connection with the next of these, the last one for ever; none keeps the
/// connection open without a word. Tells its address.
fn server(answers: Vec<Option<String>>) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let address = format!("http://{}", listener.local_addr().expect("an address"));
    std::thread::spawn(move || {
        let mut open = Vec::new();
        for (count, stream) in listener.incoming().enumerate() {
            let Ok(mut stream) = stream else { return };
            let mut request = [0; 4096];
            let _ = stream.read(&mut request);
            match &answers[count.min(answers.len() - 1)] {
                Some(answer) => drop(stream.write_all(answer.as_bytes())),
                None => open.push(stream),
            }
        }
    });
    address
}

fn answer(status: &str, header: &str, body: &str) -> Option<String> {
    let length = body.len();
    Some(format!(
        "HTTP/1.1 {status}\r\n{header}content-length: {length}\r\nconnection: close\r\n\r\n{body}"
    ))
}

#[test]
fn a_good_answer_is_told() {
    let project = checked("{ path: /health, contains: shop-prod runs }", "");
    let run = project.sandbox(&["deploy", "--env", "production"]);
    insta::assert_snapshot!(run.shown(&project), @"
    succeeded: shop-prod runs DIGEST (before: Sample Application), health is Green (Ok), smoke check passed, after N s
    http://shop-prod.eba-ID.eu-central-1.elasticbeanstalk.com
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
    TIME  INFO   Instance deployment completed successfully.
    TIME  INFO   New application version was deployed to running EC2 instances.
    TIME  INFO   Environment update completed successfully.
    TIME  INFO   Environment health has transitioned from Info to Ok.
    Smoke check passed: GET http://shop-prod.eba-ID.eu-central-1.elasticbeanstalk.com/health answered 200 (N s)
    [exit 0]
    ");
    assert_eq!(asked(&project), ["GET /health 200"]);
}

#[test]
fn a_bad_answer_is_a_failed_deploy() {
    let smoke = "{ path: /health, retries: 1, interval: 1ms }";
    let project = checked(smoke, "http: { status: 503, body: password=hunter2 down }");
    let run = project.sandbox(&["deploy", "--env", "production"]);
    insta::assert_snapshot!(run.shown(&project), @"
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
    TIME  INFO   Instance deployment completed successfully.
    TIME  INFO   New application version was deployed to running EC2 instances.
    TIME  INFO   Environment update completed successfully.
    TIME  INFO   Environment health has transitioned from Info to Ok.
    /var/log/eb-docker/containers/eb-current-app/eb-stdouterr.log (i-ID)
      | web-1  | listening
    Whole logs
      .beanship/logs/shop-prod/DATE-i-ID.log
    error: the deploy failed: the smoke check failed: GET http://shop-prod.eba-ID.eu-central-1.elasticbeanstalk.com/health (2 attempts) answered 503, not 200; the body begins: password=[redacted] down
    hint: see the instances with `beanship --sandbox health --env shop-prod`
    hint: read the instances' logs with `beanship --sandbox logs --env shop-prod`
    hint: go back to what ran before with `beanship --sandbox rollback --env shop-prod`
    [exit 1]
    ");
    assert_eq!(asked(&project), ["GET /health 503", "GET /health 503"]);
    let (report, code) = project.deploy(&["--env", "production", "--force"]);
    assert_eq!(
        (ended(&report), code),
        (("failed", "failed"), Some(1)),
        "{report}"
    );
    assert_eq!(report["smoke"]["attempts"], 2);
    assert_eq!(report["smoke"]["status"], 503);
}

#[test]
fn a_bad_answer_is_asked_for_again() {
    let trouble = "http: { status: 502, times: 2 }";
    let project = checked("{ interval: 1ms }", trouble);
    let (report, code) = project.deploy(&["--env", "production"]);
    assert_eq!(
        (ended(&report), code),
        (("succeeded", "succeeded"), Some(0)),
        "{report}"
    );
    assert_eq!(asked(&project), ["GET / 502", "GET / 502", "GET / 200"]);
    assert_eq!(report["smoke"]["attempts"], 3);
    assert!(report["smoke"]["reason"].is_null(), "{report}");
}

#[test]
fn a_red_environment_answers_as_its_proxy_would() {
    let project = checked("{ retries: 0 }", "deploy: red");
    let arguments = ["--env", "production", "--health", "any"];
    let (report, code) = project.deploy(&arguments);
    assert_eq!(
        (ended(&report), code),
        (("failed", "failed"), Some(1)),
        "{report}"
    );
    assert_eq!(asked(&project), ["GET / 502"]);
}

#[test]
fn the_deploys_time_is_the_checks_time() {
    let project = checked("{ retries: 1000000, interval: 10ms }", "http: 500");
    let begun = Instant::now();
    let (report, code) = project.deploy(&["--env", "production", "--timeout", "5s"]);
    assert_eq!(
        (ended(&report), code),
        (("failed", "failed"), Some(1)),
        "{report}"
    );
    assert!(
        message(&report).contains("the deploy's time is up"),
        "{report}"
    );
    assert!(
        begun.elapsed() < Duration::from_secs(20),
        "{:?}",
        begun.elapsed()
    );
}

#[test]
fn an_address_of_its_own_is_asked_and_redirects_are_followed() {
    let to = answer("302 Found", "location: /login\r\n", "");
    let url = server(vec![to, answer("200 OK", "", "welcome")]);
    let project = checked(
        &format!("{{ url: '{url}', path: /x, contains: welcome }}"),
        "",
    );
    let (report, code) = project.deploy(&["--env", "production"]);
    assert_eq!(
        (ended(&report), code),
        (("succeeded", "succeeded"), Some(0)),
        "{report}"
    );
    assert_eq!(report["smoke"]["url"], format!("{url}/x"));

    let url = server(vec![answer("302 Found", "location: /again\r\n", "")]);
    let project = checked(&format!("{{ url: '{url}', retries: 0 }}"), "");
    let (report, _) = project.deploy(&["--env", "production"]);
    let why = "which was redirected more than 5 times";
    assert!(message(&report).ends_with(why), "{report}");
}

#[test]
fn nothing_outside_is_asked_in_the_sandbox() {
    let project = checked("{ url: 'https://shop.example.org', path: /health }", "");
    let run = project.sandbox(&["deploy", "--env", "production"]);
    assert_eq!(run.code, Some(0), "{}", run.stderr);
    let note = "note: in the sandbox, the environment answers the smoke check in place of https://shop.example.org";
    assert!(run.stderr.contains(note), "{}", run.stderr);
    assert_eq!(asked(&project), ["GET /health 200"]);
}

#[test]
fn silence_and_a_closed_port_are_no_answer() {
    let silent = server(vec![None]);
    let free = TcpListener::bind("127.0.0.1:0").expect("a port");
    let closed = format!("http://{}", free.local_addr().expect("an address"));
    drop(free);
    let mut told = Vec::new();
    for url in [silent, closed] {
        let smoke = format!("{{ url: '{url}', retries: 0, timeout: 300ms }}");
        let project = checked(&smoke, "");
        let (report, code) = project.deploy(&["--env", "production"]);
        assert_eq!(
            (ended(&report), code),
            (("failed", "failed"), Some(1)),
            "{report}"
        );
        told.push(message(&report).replace(&url, "URL"));
    }
    insta::assert_snapshot!(told.join("\n"), @"
    the deploy failed: the smoke check failed: GET URL/ gave no answer within 0.3 s
    the deploy failed: the smoke check failed: GET URL/ got no answer: Connection refused
    ");
}

#[test]
fn an_environment_without_an_address_cannot_be_asked() {
    let text = "app: shop\nregion: eu-central-1\nenvironments:\n  jobs: { name: shop-jobs, tier: worker, smoke: { path: /x } }\n";
    let project = Project::new().file("beanship.yml", text);
    let run = project.sandbox(&["deploy"]);
    insta::assert_snapshot!(run.shown(&project), @"
    ------- stderr -------
    error: beanship.yml: `environments.jobs.smoke` asks over HTTP, but `jobs` is a worker and has no address: give a `command` and nothing else, or a `url`
    [exit 2]
    ");
    // The file says web; the environment is a worker all the same.
    let project = project.file("beanship.yml", &text.replace(", smoke: { path: /x }", ""));
    assert_eq!(project.deploy(&[]).1, Some(0));
    let project = project.file("beanship.yml", &text.replace("tier: worker, ", ""));
    let (report, code) = project.deploy(&["--force"]);
    assert_eq!(
        (ended(&report), code),
        (("failed", "failed"), Some(1)),
        "{report}"
    );
    assert!(
        message(&report).contains("the smoke check failed: the environment has no address"),
        "{report}"
    );
}
