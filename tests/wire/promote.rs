//! Bringing a version from one environment to another, and opening what runs there.

use crate::support::{COMPOSE, Project};
use crate::undo::{outcome, ship};

#[test]
fn a_promotion_brings_the_same_version_without_a_build() {
    let project = Project::new();
    ship(&project, "staging", "v1", "the first");
    project.forget_calls();
    let move_on = ["promote", "--from", "staging", "--to", "production"];
    let run = project.sandbox(&move_on);
    insta::assert_snapshot!(run.shown(&project), @"
    succeeded: shop-prod runs v1 (before: Sample Application), health is Green (Ok), after N s
    http://shop-prod.eba-ID.eu-central-1.elasticbeanstalk.com
    ------- stderr -------
    Promoting shop-staging to shop-prod (eu-central-1, in the sandbox)
    Plan
      ~ environment  shop-prod  (Sample Application -> v1, within 20 m)
    Started the update of shop-prod (N s)
    TIME  INFO   Environment update is starting.
    TIME  INFO   Environment health has transitioned from Ok to Info. Application update in progress on 1 instance. 0 out of 1 instance completed (running for N seconds).
    TIME  INFO   Deploying new version to instance(s).
    TIME  INFO   Instance deployment completed successfully.
    TIME  INFO   New application version was deployed to running EC2 instances.
    TIME  INFO   Environment update completed successfully.
    TIME  INFO   Environment health has transitioned from Info to Ok.
    [exit 0]
    ");
    assert_eq!(project.writes(), ["UpdateEnvironment 200"]);
    let again = project.sandbox(&[&move_on, ["--output", "json"].as_slice()].concat());
    assert_eq!(
        (outcome(&again.json()), again.code),
        ("unchanged", Some(0)),
        "{}",
        again.stderr
    );
}

#[test]
fn a_version_that_is_there_goes_to_an_environment_by_its_label() {
    let project = Project::new();
    ship(&project, "staging", "v1", "the first");
    ship(&project, "staging", "v2", "the second");
    project.forget_calls();
    let named = |label: &str| {
        let to = ["promote", "--version-label", label, "--to", "production"];
        project.sandbox(&[&to, ["--output", "json"].as_slice()].concat())
    };
    let run = named("v1");
    assert_eq!(
        (outcome(&run.json()), run.json()["version_label"].as_str()),
        ("succeeded", Some("v1")),
        "{}",
        run.stderr
    );
    assert_eq!(project.writes(), ["UpdateEnvironment 200"]);
    assert_eq!(outcome(&named("v1").json()), "unchanged");
    let refused = named("v3");
    assert_eq!(refused.code, Some(2), "{}", refused.stderr);
    let error = &refused.json()["error"];
    assert_eq!(error["message"], "no version v3 in shop");
    let neither = project.sandbox(&["promote", "--to", "production"]);
    assert_eq!(neither.code, Some(2));
    assert!(
        neither.stderr.contains("--from <KEY>"),
        "{}",
        neither.stderr
    );
}

#[test]
fn a_doubtful_version_is_promoted_only_with_a_yes() {
    let project = Project::new().trouble("speed: 100\ndeploy: { outcome: red, times: 1 }");
    let red = [
        "--env",
        "staging",
        "--version-label",
        "v1",
        "--health-timeout",
        "1s",
    ];
    assert_eq!(project.deploy(&red).1, Some(1));
    let move_on = ["promote", "--from", "staging", "--to", "production"];
    let run = project.sandbox(&move_on);
    insta::assert_snapshot!(run.shown(&project), @"
    ------- stderr -------
    Promoting shop-staging to shop-prod (eu-central-1, in the sandbox)
    warning: the health of shop-staging is Red
    Plan
      ~ environment  shop-prod  (Sample Application -> v1, within 20 m)
    error: not done: shop-staging does not show that v1 is good, and nobody can be asked: there is no terminal
    hint: agree beforehand with `--yes`, or look first with `--plan`
    [exit 2]
    ");
    let run = project.sandbox(&[&move_on, ["--yes"].as_slice()].concat());
    assert_eq!(run.code, Some(0), "{}", run.stderr);
}

#[test]
fn what_cannot_be_promoted_is_refused() {
    let config = "app: shop\nregion: eu-central-1\nenvironments: { staging: { name: shop-staging, branches: [x] }, production: { name: shop-prod, protected: true, branches: [y] } }\n";
    let project = Project::new()
        .file("beanship.yml", config)
        .file("docker-compose.yml", COMPOSE);
    let refused = |from: &str, to: &str| {
        let run = project.sandbox(&["promote", "--from", from, "--to", to]);
        let told = run
            .stderr
            .lines()
            .filter(|line| line.starts_with("error") || line.starts_with("hint"));
        format!(
            "{}\n[exit {:?}]",
            told.collect::<Vec<_>>().join("\n"),
            run.code
        )
    };
    let mut cases = vec![
        refused("staging", "production"),
        refused("staging", "shop-staging"),
        refused("nowhere", "production"),
    ];
    ship(&project, "staging", "v1", "the first");
    cases.push(refused("staging", "production"));
    insta::assert_snapshot!(cases.join("\n\n"), @"
    error: the version Sample Application cannot be deployed: it is AWS's sample, not a version of yours
    hint: choose another: `beanship --sandbox versions`
    [exit Some(2)]

    error: `--from` and `--to` are the same environment: shop-staging
    hint: list the environments with `beanship --sandbox list`
    [exit Some(2)]

    error: no environment `nowhere`: beanship.yml declares production (from y), staging (from x)
    hint: declare it in beanship.yml under `environments`, or correct `--env`
    [exit Some(2)]

    error: not done: shop-prod is protected, and nobody can be asked: there is no terminal
    hint: agree beforehand with `--yes`, or look first with `--plan`
    [exit Some(2)]
    ");
    let run = project.sandbox(&[
        "promote",
        "--from",
        "staging",
        "--to",
        "production",
        "--yes",
    ]);
    assert_eq!(
        run.code,
        Some(0),
        "branches do not matter here: {}",
        run.stderr
    );
}

#[test]
fn the_address_is_printed_where_nothing_can_open_it() {
    let project = Project::new();
    let run = project.sandbox(&["open", "--env", "production"]);
    insta::assert_snapshot!(run.shown(&project), @"
    http://shop-prod.eba-ID.eu-central-1.elasticbeanstalk.com
    ------- stderr -------
    [exit 0]
    ");
    let run = project.sandbox(&["open", "--env", "production", "--print", "--output", "json"]);
    assert_eq!((&run.json()["opened"], run.code), (&false.into(), Some(0)));
    let missing = project.sandbox(&["open", "--env", "production", "--region", "us-west-2"]);
    assert_eq!(missing.code, Some(2), "{}", missing.stderr);
}
