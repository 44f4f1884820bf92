//! No value that may be a secret is ever written: not to stdout, stderr or files, whatever the
//! command, the format and the level.

use super::{CANARY, CONFIG, project, project_of};
use crate::support::{Project, Run};

/// What every canary has in it.
const MARK: &str = "c4nary";

/// Every command that comes near properties, with what it reads from stdin.
const COMMANDS: [(&[&str], Option<&str>); 23] = [
    (&["deploy", "--plan"], None),
    (&["deploy"], None),
    (&["deploy", "--force", "--read-secrets"], None),
    (&["properties", "list"], None),
    (
        &["properties", "set", "TOKEN", "-", "--secret"],
        Some("c4nary-on-stdin\n"),
    ),
    (
        &["properties", "set", "TOKEN", "-", "--secret"],
        Some("c4nary-rotated\n"),
    ),
    (
        &["properties", "set", "PLAIN", "-"],
        Some("c4nary-plain\nc4nary second line"),
    ),
    (&["properties", "set", "PLAIN=c4nary-as-an-argument"], None),
    (&["properties", "set", "WRONG NAME=c4nary-wrong"], None),
    (&["properties", "import", "canary.env"], None),
    (&["properties", "list"], None),
    (&["properties", "refresh"], None),
    (&["properties", "unset", "PLAIN"], None),
    (&["config"], None),
    (&["config", "--from-aws"], None),
    (&["status"], None),
    (&["events"], None),
    (&["health"], None),
    (&["diff"], None),
    (&["check"], None),
    (&["rollback"], None),
    (&["logs"], None),
    (&["deploy", "--prune-properties"], None),
];

fn run(project: &Project, mode: &[&str], command: &[&str], stdin: Option<&str>) -> Run {
    let around = ["--sandbox", "--yes"];
    let arguments = [&around[..], command, &["--env", "production"], mode].concat();
    project.with_stdin(&arguments, stdin.unwrap_or_default())
}

/// Text in which no canary is, but for the commands that have GitHub's runner hide it.
fn is_clean(what: &str, text: &str) {
    let lines = text
        .lines()
        .filter(|line| !line.starts_with("::add-mask::"));
    let found: Vec<_> = lines.filter(|line| line.contains(MARK)).collect();
    assert!(found.is_empty(), "{what}: {found:?}");
}

#[test]
fn no_value_is_ever_written() {
    let modes: [&[&str]; 4] = [
        &["--output", "human", "-vv"],
        &["--output", "json", "-v"],
        &["--output", "github"],
        &["--output", "human", "--quiet"],
    ];
    std::thread::scope(|scope| {
        for mode in modes {
            scope.spawn(move || every_command(mode));
        }
    });
}

/// Literals are not hidden like values that may be secrets, and not shown either: they would tell
/// of a leak that the hiding covers.
fn with_a_literal() -> Project {
    let literal = "properties:\n  LITERAL: c4nary-in-the-project-file\n";
    project_of(&CONFIG.replace("properties:\n  LOG", &format!("{literal}  LOG")))
}

fn every_command(mode: &[&str]) {
    let project = with_a_literal()
        .file(
            "canary.env",
            "IMPORTED=c4nary-in-a-file\nOTHER=\"c4nary two\nc4nary lines\"\n",
        )
        .variable("RUST_LOG", "trace")
        .variable("RUST_BACKTRACE", "1");
    for (command, stdin) in COMMANDS {
        let run = run(&project, mode, command, stdin);
        let what = format!("{mode:?} {command:?} ({:?})", run.code);
        is_clean(&what, &run.stdout);
        is_clean(&what, &run.stderr);
        if command == ["deploy"] {
            assert_eq!(run.code, Some(0), "{what}: {}", run.stderr);
        }
    }
    broken(&project, mode);
    files(&project);
}

/// What goes wrong tells no more.
fn broken(project: &Project, mode: &[&str]) {
    for trouble in [
        "speed: 100\nunreadable: ['*']",
        "speed: 100\ndeploy: fail",
        "speed: 100\ndeny: [elasticbeanstalk:UpdateEnvironment]",
    ] {
        project.write(".beanship/sandbox/trouble.yml", trouble);
        for command in [
            &["deploy", "--force"][..],
            &["properties", "set", "N=c4nary-new"],
        ] {
            let run = run(project, mode, command, None);
            let what = format!("{trouble} {mode:?} {command:?}");
            assert_ne!(run.code, Some(0), "{what}: {}", run.stderr);
            is_clean(&what, &run.stdout);
            is_clean(&what, &run.stderr);
        }
    }
}

/// Nothing but the inputs and the books of the sandbox, which are AWS, holds a value.
fn files(project: &Project) {
    let books = |name: &str| {
        let path = project.path().join(".beanship/sandbox").join(name);
        std::fs::read_to_string(path).expect("the books")
    };
    assert!(books("elasticbeanstalk.json").contains("c4nary-in-the-project-file"));
    assert!(books("elasticbeanstalk.json").contains(CANARY));
    assert!(books("secretsmanager.json").contains("c4nary-rotated"));
    let may = [
        "beanship.yml",
        "canary.env",
        "sandbox/elasticbeanstalk.json",
        "sandbox/secretsmanager.json",
        "sandbox/ssm.json",
    ];
    let mut seen = 0;
    for file in project.files() {
        if may.iter().any(|name| file.ends_with(name)) {
            continue;
        }
        seen += 1;
        let bytes = std::fs::read(&file).expect("a file");
        let text = String::from_utf8_lossy(&bytes);
        assert!(!text.contains(MARK), "{}", file.display());
    }
    assert!(seen > 5, "{seen}");
}

#[test]
fn githubs_runner_is_told_what_to_hide() {
    let project = project();
    let run = run(&project, &["--output", "github"], &["deploy"], None);
    let masks: Vec<_> = run
        .stdout
        .lines()
        .filter(|line| line.starts_with("::add-mask::"))
        .collect();
    assert_eq!(masks, [format!("::add-mask::{CANARY}")]);
    let first = run
        .stdout
        .lines()
        .position(|line| line.starts_with("::add-mask::"));
    assert_eq!(first, Some(0), "before anything else: {}", run.stdout);
}

/// Apps print what they are configured with.
#[test]
fn logs_are_kept_without_what_is_known_or_looks_like_a_secret() {
    let project = project();
    let run = run(&project, &[], &["deploy"], None);
    assert_eq!(run.code, Some(0), "{}", run.stderr);
    let path = project
        .path()
        .join(".beanship/sandbox/elasticbeanstalk.json");
    let text = std::fs::read_to_string(&path).expect("the books");
    let mut books: serde_json::Value = serde_json::from_str(&text).expect("JSON");
    let environments = books["eu-central-1"]["environments"].as_array_mut();
    for environment in environments.into_iter().flatten() {
        let journal = environment["journal"].as_array_mut().expect("a journal");
        let mut line = journal.last().expect("a line").clone();
        for text in [
            format!("backend-1  | called with {CANARY} by the app"),
            "backend-1  | OTHER_TOKEN=c4nary-of-the-app".to_owned(),
        ] {
            line["text"] = text.into();
            journal.push(line.clone());
        }
    }
    project.write(
        ".beanship/sandbox/elasticbeanstalk.json",
        &books.to_string(),
    );
    project.write(".beanship/sandbox/trouble.yml", "speed: 100\ndeploy: fail");
    let arguments = [
        "--sandbox",
        "--yes",
        "deploy",
        "--force",
        "--env",
        "production",
    ];
    let failed = project.with_stdin(&arguments, "");
    assert_eq!(failed.code, Some(1), "{}", failed.stderr);
    let logs = project.files().into_iter();
    let kept: Vec<String> = logs
        .filter(|file| file.extension().is_some_and(|it| it == "log"))
        .map(|file| std::fs::read_to_string(file).expect("a log"))
        .collect();
    assert!(!kept.is_empty());
    for log in kept {
        assert!(log.contains("called with *** by the app"), "{log}");
        is_clean("a kept log", &log);
    }
}
