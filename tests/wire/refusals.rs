//! Wrong input: a clear error with a position or a hint, exit 2, and nothing written.

use std::time::{Duration, Instant};

use crate::support::{COMPOSE, CONFIG, Project, Run};

fn told(project: &Project, run: &Run) -> String {
    assert_eq!(run.stdout, "");
    run.shown(project).replace("------- stderr -------\n", "")
}

#[test]
#[expect(clippy::too_many_lines, reason = "a table")]
fn wrong_files_are_refused_with_position_or_hint() {
    let with = |files: &[(&str, &str)], arguments: &[&str]| {
        let project = files
            .iter()
            .fold(Project::empty(), |project, (name, text)| {
                project.file(name, text)
            });
        let before = project.files();
        let run = project.beanship(&[&["deploy"], arguments].concat());
        assert_eq!(project.files(), before, "nothing may be written");
        told(&project, &run)
    };
    let compose = ("docker-compose.yml", COMPOSE);
    let config = ("beanship.yml", CONFIG);
    let cases = [
        with(&[], &[]),
        with(
            &[compose, ("beanship.yml", "app: shop\nenvironments: [\n")],
            &[],
        ),
        with(
            &[
                compose,
                ("beanship.yml", "app: shop\nregon: eu-central-1\n"),
            ],
            &[],
        ),
        with(&[compose, config], &["--env", "prodution"]),
        with(&[compose, config], &[]),
        with(
            &[compose, config],
            &["--env", "production", "-C", "nowhere"],
        ),
        with(
            &[compose, config],
            &["--env", "production", "--config", "other.yml"],
        ),
        with(
            &[compose, config],
            &["--env", "production", "--timeout", "soon"],
        ),
    ];
    insta::assert_snapshot!(cases.join("\n\n"), @"
    error: no application: nothing names one
    hint: have a beanship.yml written with `beanship init`, or pass `--app NAME --region REGION --env NAME`
    [exit 2]

    error: beanship.yml:2:15: expected mapping start
      |
    2 | environments: [
      |               ^
    [exit 2]

    error: beanship.yml:2:1: unknown key `regon`: did you mean `region`?
      |
    2 | regon: eu-central-1
      | ^
    [exit 2]

    error: no environment `prodution`: beanship.yml declares production, staging
    hint: try `--env production`
    [exit 2]

    error: no environment chosen: the project file declares several: production, staging
    hint: choose one: `--env production`
    [exit 2]

    error: cannot use the directory nowhere: there is no such directory
    hint: name one that exists: `-C DIR`
    [exit 2]

    error: cannot read other.yml: there is no such file
    hint: see what is there with `ls .`
    [exit 2]

    error: invalid value 'soon' for '--timeout <TIME>': `soon` is not a time: write it like 90s, 20m or 1h

    For more information, try '--help'.
    [exit 2]
    ");
}

#[test]
fn problems_of_bundle_and_environment_are_told_together() {
    let project = Project::empty()
        .file(
            "beanship.yml",
            "app: shop\nregion: eu-central-1\nenvironments: { production: { name: shop-prod } }\n",
        )
        .file("compose.yaml", COMPOSE);
    assert_eq!(
        project.sandbox(&["list"]).code,
        Some(0),
        "the sandbox is seeded"
    );
    let project = project.file(
        "beanship.yml",
        "app: shop\nregion: eu-central-1\nenvironments: { production: { name: shop-other } }\n",
    );
    let run = project.sandbox(&["deploy", "--version-label", "a/b"]);
    insta::assert_snapshot!(told(&project, &run), @"
    Deploying shop to shop-other (eu-central-1, in the sandbox)
    error: `a/b` cannot be a version label: 1 to 100 characters without `/` and without spaces around are allowed
    hint: give another: `--version-label LABEL`, or none to have one made
    error: no compose file: there is no docker-compose.yml in DIR
    hint: set `compose: compose.yaml` in beanship.yml; it goes into the bundle as docker-compose.yml
    error: no environment shop-other in eu-central-1: shop has shop-prod
    hint: correct its `name` in beanship.yml, or see `beanship --sandbox list`
    hint: make it with `beanship --sandbox bootstrap --env production`
    [exit 2]
    ");
    assert_eq!(project.writes(), [""; 0]);
}

#[test]
fn a_broken_compose_file_shows_the_place() {
    let project = Project::new().file(
        "docker-compose.yml",
        "services:\n  web:\n    image: 'nginx\n",
    );
    let run = project.sandbox(&["deploy", "--env", "production"]);
    insta::assert_snapshot!(told(&project, &run), @"
    Deploying shop to shop-prod (eu-central-1, in the sandbox)
    error: docker-compose.yml:3:18: this is no YAML: invalid indentation in multiline quoted scalar [EB002]
      |
    3 |     image: 'nginx
      |                  ^
    [exit 2]
    ");
}

#[test]
fn the_wrong_region_or_application_is_named() {
    let project = Project::new();
    let wrong = |arguments: &[&str]| {
        let run = project.sandbox(&[&["deploy", "--env", "production"], arguments].concat());
        told(&project, &run)
    };
    let cases = [
        wrong(&["--region", "us-west-2"]),
        wrong(&["--app", "other"]),
    ];
    insta::assert_snapshot!(cases.join("\n\n"), @"
    Deploying shop to shop-prod (us-west-2, in the sandbox)
    error: no environment shop-prod in us-west-2: the application shop has none there
    hint: check the region (`--region`) and the account (`aws sts get-caller-identity`)
    hint: make it with `beanship --region us-west-2 --sandbox bootstrap --env production`
    hint: let the sandbox begin anew from beanship.yml: `beanship --region us-west-2 --sandbox sandbox --reset`
    [exit 2]

    Deploying other to shop-prod (eu-central-1, in the sandbox)
    error: shop-prod belongs to the application shop, not to other
    hint: set `app: shop` in beanship.yml, or pass `--app shop`
    [exit 2]
    ");
}

#[test]
fn without_credentials_it_says_how_to_get_some() {
    let project = Project::new();
    let run = project.beanship(&["deploy", "--env", "production"]);
    assert_eq!(run.code, Some(3), "{}", run.stderr);
    assert!(run.stderr.contains("credentials"), "{}", run.stderr);
    assert!(run.stderr.contains("hint: "), "{}", run.stderr);
}

#[test]
fn a_dead_endpoint_is_given_up_within_seconds() {
    let project = Project::new()
        .variable("AWS_ENDPOINT_URL", "http://127.0.0.1:9")
        .variable("AWS_ACCESS_KEY_ID", "a")
        .variable("AWS_SECRET_ACCESS_KEY", "b");
    let begun = Instant::now();
    let run = project.beanship(&["deploy", "--env", "production", "--output", "json"]);
    assert!(
        begun.elapsed() < Duration::from_secs(20),
        "{:?}",
        begun.elapsed()
    );
    assert_eq!(run.code, Some(3), "{}", run.stderr);
    let report = run.json();
    assert_eq!(
        (&report["outcome"], &report["error"]["kind"]),
        (&"failed".into(), &"unreachable".into())
    );
    assert!(
        report["error"]["message"]
            .as_str()
            .is_some_and(|text| text.contains("http://127.0.0.1:9")),
        "{report}"
    );
}

#[test]
fn branches_decide_where_they_are_declared() {
    let config = "app: shop\nregion: eu-central-1\nenvironments:\n  production: { name: shop-prod, branches: [main] }\n  staging: { name: shop-staging, branches: [develop] }\n";
    let project = Project::new().file("beanship.yml", config).git("main");
    let (report, code) = project.deploy(&[]);
    assert_eq!(
        (report["environment"].as_str(), code),
        (Some("shop-prod"), Some(0))
    );

    let refused = project.sandbox(&["deploy", "--env", "staging"]);
    assert_eq!(refused.code, Some(2), "{}", refused.stderr);
    assert!(
        refused.stderr.contains("`--env staging --any-branch`"),
        "{}",
        refused.stderr
    );
    assert_eq!(
        project.deploy(&["--env", "staging", "--any-branch"]).1,
        Some(0)
    );

    project.run_git(&["switch", "-q", "-c", "topic"]);
    let lost = project.sandbox(&["deploy"]);
    assert_eq!(lost.code, Some(2));
    assert!(
        lost.stderr
            .contains("production (from main), staging (from develop)"),
        "{}",
        lost.stderr
    );

    let project = project.variable("CI", "true");
    let (report, code) = project.deploy(&[]);
    assert_eq!(
        (report["outcome"].as_str(), code),
        (Some("skipped"), Some(0)),
        "{report}"
    );
}

#[test]
fn a_protected_environment_wants_a_yes() {
    let config = "app: shop\nregion: eu-central-1\nenvironments: { production: { name: shop-prod, protected: true } }\n";
    let project = Project::new().file("beanship.yml", config);
    let run = project.sandbox(&["deploy"]);
    assert_eq!(run.code, Some(2), "{}", run.stderr);
    assert!(
        run.stderr.contains("shop-prod is protected"),
        "{}",
        run.stderr
    );
    assert_eq!(project.writes(), [""; 0]);
    assert_eq!(project.sandbox(&["deploy", "--yes"]).code, Some(0));
}

#[test]
fn json_has_one_document_even_for_a_wrong_command_line() {
    let project = Project::new();
    let run = project.beanship(&["deploy", "--output", "json", "--no-such-flag"]);
    assert_eq!(run.code, Some(2));
    assert_eq!(run.json()["error"]["kind"], "usage");
}

#[test]
fn settings_that_may_not_be_read_leave_the_usual_time() {
    let project = Project::new()
        .trouble("speed: 100\ndeny: [elasticbeanstalk:DescribeConfigurationSettings]");
    let run = project.sandbox(&["deploy", "--env", "production"]);
    assert_eq!(run.code, Some(0), "{}", run.stderr);
    let note = "note: the settings of shop-prod cannot be read, so its update may take 20 m: ";
    assert!(run.stderr.contains(note), "{}", run.stderr);
    let told = project.sandbox(&[
        "deploy",
        "--env",
        "production",
        "--timeout",
        "5m",
        "--force",
    ]);
    assert!(!told.stderr.contains("note: "), "{}", told.stderr);
}

#[cfg(target_os = "linux")]
#[test]
fn a_result_that_cannot_be_written_is_not_passed_over() {
    let project = Project::new();
    for arguments in [&["status", "--env", "production"][..], &["list"]] {
        for format in ["human", "json"] {
            let all = [&["--sandbox", "--output", format], arguments].concat();
            let run = project.with_full_disk(&all);
            assert_eq!(run.code, Some(1), "{}", run.stderr);
            let told = "error: the result could not be written to stdout";
            assert!(run.stderr.contains(told), "{}", run.stderr);
        }
    }
}
