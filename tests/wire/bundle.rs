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

#[cfg(unix)]
#[test]
fn a_bundle_that_is_not_finished_leaves_what_was_there() {
    let project = Project::new().file("out.zip", "the one before");
    project.fill("film.bin", 64 << 20);
    let own = project.path().join(".beanship");
    let unfinished = || {
        let files = std::fs::read_dir(&own).into_iter().flatten().flatten();
        let names = files.map(|file| file.file_name().to_string_lossy().into_owned());
        names
            .filter(|name| name.starts_with("unfinished-"))
            .collect::<Vec<_>>()
    };
    let mut child = project.start(&["bundle", "-o", "out.zip"]);
    while unfinished().is_empty() {
        assert_eq!(child.try_wait().expect("it runs"), None, "it ended before");
    }
    child.kill().expect("it is killed");
    child.wait().expect("an end");
    let out = || std::fs::read(project.path().join("out.zip")).expect("a file");
    assert_eq!(out(), b"the one before");
    let left = own.join(&unfinished()[0]);
    let file = std::fs::File::options()
        .write(true)
        .open(&left)
        .expect("what is left");
    file.set_modified(std::time::UNIX_EPOCH)
        .expect("an old time");
    let run = project.beanship(&["bundle", "-o", "out.zip"]);
    assert_eq!(run.code, Some(0), "{}", run.stderr);
    assert_eq!(unfinished(), [""; 0], "what was left is gone");
    assert_eq!(out()[..2], *b"PK");
}

#[cfg(unix)]
#[test]
fn devices_pipes_and_links_stay_what_they_are() {
    use std::os::unix::fs::{FileTypeExt, PermissionsExt, symlink};
    let project = Project::new();
    let run = project.beanship(&["bundle", "-o", "/dev/null"]);
    assert_eq!(run.code, Some(0), "{}", run.stderr);
    let device = std::fs::metadata("/dev/null").expect("it is there");
    assert!(device.file_type().is_char_device());
    std::fs::create_dir(project.path().join("elsewhere")).expect("a folder");
    project.write("elsewhere/real.zip", "");
    let link = project.path().join("link.zip");
    symlink("elsewhere/real.zip", &link).expect("a link");
    assert_eq!(
        project.beanship(&["bundle", "-o", "link.zip"]).code,
        Some(0)
    );
    assert!(link.is_symlink());
    let real = std::fs::metadata(project.path().join("elsewhere/real.zip")).expect("a file");
    assert!(real.len() > 100);
    assert_eq!(real.permissions().mode() & 0o600, 0o600);
    if std::path::Path::new("/dev/full").exists() {
        let run = project.beanship(&["bundle", "-o", "/dev/full"]);
        assert_eq!(run.code, Some(2), "{}", run.stderr);
    }
}

#[cfg(unix)]
#[test]
fn a_reader_that_leaves_early_is_no_failure() {
    let project = Project::new();
    project.fill("film.bin", 4 << 20);
    let mut child = project.start(&["bundle", "-o", "-"]);
    drop(child.stdout.take());
    let output = child.wait_with_output().expect("an end");
    let said = String::from_utf8_lossy(&output.stderr);
    assert_eq!((output.status.code(), &*said), (Some(0), ""));
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
fn a_lone_dockerfile_or_dockerrun_is_deployed() {
    let dockerrun = r#"{"AWSEBDockerrunVersion": "1", "Image": {"Name": "nginx:1.27"}, "Ports": [{"ContainerPort": 80}]}"#;
    for (file, content) in [
        ("Dockerfile", "FROM nginx:1.27\nEXPOSE 80\n"),
        ("Dockerrun.aws.json", dockerrun),
    ] {
        let project = Project::empty()
            .file("beanship.yml", crate::support::CONFIG)
            .file(file, content)
            .trouble("speed: 100");
        let check = project.beanship(&["check"]);
        assert_eq!(check.code, Some(0), "{}", check.stdout);
        let (report, code) = project.deploy(&["--env", "production"]);
        let ending = (report["outcome"].as_str(), code);
        assert_eq!(ending, (Some("succeeded"), Some(0)), "{file}: {report}");
        assert_eq!(report["bundle"]["files"], 1);
        project.write(".ebignore", &format!("# nothing\n{file}\n"));
        let run = project.beanship(&["bundle"]);
        assert_eq!(run.code, Some(2));
        let why = format!("{file} stays out of the bundle: `{file}` in .ebignore line 2");
        assert!(run.stderr.contains(&why), "{}", run.stderr);
    }
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
