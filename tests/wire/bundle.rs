//! The bundle command, and the examples.

use std::path::Path;
use std::process::Command;

use crate::support::Project;

#[test]
fn the_bundle_is_written_where_it_is_asked_for() {
    let project = Project::new().file(".env", "SECRET=1");
    let run = project.beanship(&["bundle", "-o", "out.zip"]);
    assert_eq!(run.code, Some(0), "{}", run.stderr);
    assert!(
        run.stderr.contains(".env"),
        "one line says that it stays out: {}",
        run.stderr
    );
    let zip = std::fs::read(project.path().join("out.zip")).expect("a zip");
    std::fs::remove_file(project.path().join("out.zip")).expect("it is there");
    let streamed = Command::new(env!("CARGO_BIN_EXE_beanship"))
        .args(["bundle", "-o", "-", "-C"])
        .arg(project.path())
        .output()
        .expect("beanship runs");
    assert!(streamed.stdout == zip, "the same bytes");
    let listing = project
        .beanship(&["bundle", "--list", "--output", "json"])
        .json();
    let files: Vec<_> = listing["files"]
        .as_array()
        .expect("files")
        .iter()
        .map(|f| f["path"].clone())
        .collect();
    assert_eq!(files, ["docker-compose.yml"]);
}

#[test]
fn the_default_place_is_out_of_git_and_of_the_bundle() {
    let project = Project::new();
    let made = project.beanship(&["bundle", "--output", "json"]).json();
    let again = project.beanship(&["bundle", "--output", "json"]).json();
    assert_eq!(made["sha256"], again["sha256"]);
    assert!(project.path().join(".beanship/bundle.zip").exists());
    let ignore =
        std::fs::read_to_string(project.path().join(".beanship/.gitignore")).expect("a file");
    assert_eq!(ignore, "*\n");
}

#[test]
fn what_stays_out_is_explained() {
    let project = Project::new()
        .file(".ebignore", "docs/\n")
        .file("docs/a.md", "a");
    let run = project.beanship(&["bundle", "--why", "docs/a.md"]);
    insta::assert_snapshot!(run.shown(&project), @"
    docs/a.md stays out with docs/: `docs/` in .ebignore line 1
    ------- stderr -------
    [exit 0]
    ");
}

#[test]
fn the_examples_deploy_as_they_are() {
    let examples = Path::new(env!("CARGO_MANIFEST_DIR")).join("examples");
    for example in ["fullstack", "minimal"] {
        let project = Project::empty().trouble("speed: 100");
        copy(&examples.join(example), project.path());
        let (report, code) = project.deploy(&["--env", "production"]);
        assert_eq!(
            (report["outcome"].as_str(), code),
            (Some("succeeded"), Some(0)),
            "{example}: {report}"
        );
    }
}

fn copy(from: &Path, to: &Path) {
    std::fs::create_dir_all(to).expect("a directory");
    for entry in std::fs::read_dir(from).expect("the example").flatten() {
        let (path, target) = (entry.path(), to.join(entry.file_name()));
        if entry.file_name() == ".beanship" {
            continue;
        }
        if path.is_dir() {
            copy(&path, &target);
        } else {
            std::fs::copy(&path, &target).expect("a copy");
        }
    }
}
