//! How soon a verdict follows when an environment has settled, and with how many calls: for one
//! environment, and for fifty at an Elastic Beanstalk that takes two requests a second. The
//! figures are shown by `cargo test --test wire fleet -- --nocapture`.

use std::collections::BTreeMap;

use serde_json::Value;

use crate::support::Project;

const ENVIRONMENTS: usize = 50;
/// How long a settled environment may wait for its verdict, in seconds, in all but one of twenty
/// cases.
const LAG: f64 = 20.0;
/// The same for a single environment.
const SINGLE_LAG: f64 = 4.0;

fn name(number: usize) -> String {
    format!("fleet-{number:02}")
}

/// How the deploy of each environment goes in the sandbox.
fn fate(number: usize) -> &'static str {
    match number % 10 {
        3 => "fail",
        7 => "red",
        _ => "succeed",
    }
}

fn fleet() -> Project {
    let numbers = || 0..ENVIRONMENTS;
    let declared: String = numbers()
        .map(|number| format!("  e{number:02}: {{ name: {} }}\n", name(number)))
        .collect();
    let with = |wanted: &str| {
        let names = numbers().filter(|number| fate(*number) == wanted).map(name);
        names.collect::<Vec<_>>().join(", ")
    };
    let project = Project::empty()
        .file("docker-compose.yml", crate::support::COMPOSE)
        .file(
            "beanship.yml",
            &format!("app: fleet\nregion: eu-central-1\nenvironments:\n{declared}"),
        )
        .trouble("speed: 100");
    // The sandbox's account is made before its API becomes slow.
    assert_eq!(project.sandbox(&["list"]).code, Some(0));
    project.forget_calls();
    project.trouble(&format!(
        "speed: 0.1\nthrottle: {{ operations: ['elasticbeanstalk:*'], rate: 2, burst: 10 }}\ndeploy:\n  - {{ outcome: fail, environments: [{}] }}\n  - {{ outcome: red, environments: [{}] }}\n",
        with("fail"),
        with("red"),
    ))
}

/// Seconds between the last event, after which nothing moves any more, and the verdict.
fn lag(deployment: &Value) -> f64 {
    let time = |value: &Value| {
        let text = value.as_str().expect("a time");
        text.parse::<jiff::Timestamp>().expect("a time")
    };
    let last = deployment["events"].as_array().and_then(|all| all.last());
    let last = last.unwrap_or_else(|| panic!("no events: {deployment}"));
    let lag = time(&deployment["finished"]) - time(&last["time"]);
    lag.total(jiff::Unit::Second).expect("seconds").max(0.0)
}

#[test]
fn fifty_environments_settle_at_two_requests_a_second() {
    let project = fleet();
    let named: Vec<String> = (0..ENVIRONMENTS)
        .flat_map(|it| ["--env".into(), name(it)])
        .collect();
    let named: Vec<&str> = named.iter().map(String::as_str).collect();
    let (report, code) = project.deploy(&[&named[..], &["--health-timeout", "1s"]].concat());
    assert_eq!(code, Some(1), "{report}");
    let deployments = report["deployments"].as_array().expect("deployments");
    assert_eq!(deployments.len(), ENVIRONMENTS);
    let mut lags = Vec::new();
    for (number, deployment) in deployments.iter().enumerate() {
        let expected = match fate(number) {
            "succeed" => "succeeded",
            _ => "failed",
        };
        assert_eq!(deployment["outcome"], expected, "{deployment}");
        lags.push(lag(deployment));
    }
    let p95 = told(&project, &mut lags);
    assert!(p95 <= LAG, "{lags:?}");
}

#[test]
fn a_single_environment_has_its_verdict_at_once() {
    let project = Project::new().trouble("speed: 0.1");
    let (report, code) = project.deploy(&["--env", "production"]);
    assert_eq!(code, Some(0), "{report}");
    let p95 = told(&project, &mut [lag(&report)]);
    assert!(p95 <= SINGLE_LAG, "{report}");
    let seconds = report["duration_seconds"].as_f64().expect("seconds");
    assert!(seconds > 10.0, "{report}");
    let calls = f64::from(u32::try_from(project.calls().len()).expect("a number"));
    assert!(calls <= 20.0 + seconds / 2.0, "{:?}", project.calls());
}

/// Shows the figures; the lag that all but one of twenty verdicts keep to.
#[expect(clippy::print_stdout, reason = "figures are to be seen")]
fn told(project: &Project, lags: &mut [f64]) -> f64 {
    lags.sort_by(f64::total_cmp);
    let calls = project.calls();
    let mut counted: BTreeMap<&str, usize> = BTreeMap::new();
    for call in &calls {
        *counted.entry(call).or_default() += 1;
    }
    let at = |percent: usize| lags[(lags.len() - 1) * percent / 100];
    println!("{} calls: {counted:?}", calls.len());
    println!(
        "lag: median {:.1} s, p95 {:.1} s, largest {:.1} s",
        at(50),
        at(95),
        at(100)
    );
    at(95)
}
