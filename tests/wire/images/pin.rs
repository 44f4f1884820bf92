//! The compose file of the bundle names images by digest.

use super::registry::{Door, Registry};
use super::{bundled, project};
use crate::support::Project;

const COMPOSE: &str = "# The shop.\nservices:\n  web:   # front\n    image: REGISTRY/shop/web:latest   # moves\n    ports: [ \"80:80\" ]\n    env_file: .env\n";
const ALWAYS: &str = "bundle: { pin_images: always }\n";
const AMD: [&str; 1] = ["linux/amd64"];

#[test]
fn always_names_the_digest_and_touches_nothing_else() {
    let registry = Registry::start(Door::Token);
    let project = project(&registry, COMPOSE, ALWAYS);
    let first = registry.push("shop/web", "latest", &AMD, "one");
    let text = bundled(&project, &[]);
    let written = COMPOSE.replace("REGISTRY", &registry.name);
    let expected = written.replace("web:latest", &format!("web:latest@{first}"));
    assert_eq!(text, expected);
    let on_disk = std::fs::read_to_string(project.path().join("docker-compose.yml"));
    assert_eq!(on_disk.expect("a file"), written);
    let second = registry.push("shop/web", "latest", &AMD, "two");
    assert!(
        bundled(&project, &[]).contains(&second),
        "a moved tag changes the bundle"
    );
    assert_ne!(first, second);
}

#[test]
fn built_and_never_ask_nobody() {
    for config in [
        "",
        "bundle: { pin_images: built }\n",
        "bundle: { pin_images: never }\n",
    ] {
        let registry = Registry::start(Door::Open);
        let project = project(&registry, COMPOSE, config);
        assert_eq!(
            bundled(&project, &[]),
            COMPOSE.replace("REGISTRY", &registry.name)
        );
        assert_eq!(registry.asked(), [""; 0]);
    }
}

#[test]
fn what_cannot_be_asked_for_stops_unless_it_is_allowed() {
    let registry = Registry::start(Door::Open);
    let project = project(&registry, COMPOSE, ALWAYS);
    let run = project.beanship(&["bundle"]);
    assert_eq!(run.code, Some(2));
    insta::assert_snapshot!(run.stderr.replace(&registry.name, "REGISTRY"), @"
    error: REGISTRY has no REGISTRY/shop/web:latest
    hint: correct the name in the compose file, or push it: `beanship images push`
    hint: leave such images as they are, for this once, with `--allow-unpinned`
    ");
    let text = bundled(&project, &["--allow-unpinned"]);
    assert!(text.contains("web:latest   # moves"), "{text}");
}

#[test]
fn the_architecture_of_the_instances_must_be_in_it() {
    let compose = "services:\n  web: { image: 'REGISTRY/shop/web:1', ports: ['80:80'] }\n";
    let registry = Registry::start(Door::Open);
    registry.push("shop/web", "1", &AMD, "");
    let arm = "app: shop\nregion: eu-central-1\nenvironments:\n  production: { name: shop-prod, instance_type: t4g.small }\nbundle: { pin_images: always }\n";
    let project = project(&registry, compose, "").file("beanship.yml", arm);
    let run = project.beanship(&["bundle", "--env", "production"]);
    assert_eq!(run.code, Some(2), "{}", run.stderr);
    insta::assert_snapshot!(run.stderr.replace(&registry.name, "REGISTRY"), @"
    error: the image of service `web` is not for linux/arm64: REGISTRY/shop/web:1 is for linux/amd64
    hint: name an image for that platform, or another `instance_type`, and look with `beanship images list`
    ");
    let index = registry.push("shop/web", "1", &["linux/amd64", "linux/arm64"], "");
    assert!(bundled(&project, &["--env", "production"]).contains(&index));
}

#[test]
fn what_cannot_be_pinned_for_certain_is_said() {
    let compose = "include: ['https://example.com/more.yml']\nservices:\n  web: { image: 'REGISTRY/web:${TAG:-1}', ports: ['80:80'] }\n";
    let registry = Registry::start(Door::Open);
    let project = project(&registry, compose, ALWAYS);
    let run = project.beanship(&["bundle"]);
    assert_eq!(run.code, Some(2), "{}", run.stderr);
    insta::assert_snapshot!(run.stderr.replace(&registry.name, "REGISTRY"), @"
    error: the image of service `web` depends on a variable of the instance: REGISTRY/web:${TAG:-1}
    hint: write its name out, or use `bundle: { pin_images: built }` in beanship.yml
    hint: leave such images as they are, for this once, with `--allow-unpinned`
    error: the images of another file cannot be pinned: `include` of https://example.com/more.yml
    hint: write the services into the compose file itself, then run `beanship images list`
    hint: leave such images as they are, for this once, with `--allow-unpinned`
    ");
}

#[test]
fn images_of_files_that_the_compose_file_takes_in_are_pinned_in_them() {
    let compose = "include: [db/db.yml]\nservices:\n  web:\n    extends: { file: base.yml, service: app }\n    ports: ['80:80']\n";
    let registry = Registry::start(Door::Open);
    let db = format!(
        "services:\n  db:\n    image: {}/db:1 # theirs\n",
        registry.name
    );
    let base = format!("services:\n  app:\n    image: {}/app:1\n", registry.name);
    let project = project(&registry, compose, ALWAYS)
        .file("db/db.yml", &db)
        .file("base.yml", &base);
    let one = registry.push("db", "1", &AMD, "db");
    let two = registry.push("app", "1", &AMD, "app");
    assert_eq!(bundled(&project, &[]), compose);
    let listed = project.beanship(&["images", "list", "--output", "json"]);
    let rows = listed.json();
    assert_eq!(rows["images"][1]["service"], "db", "{}", listed.stdout);
    assert_eq!(rows["images"][1]["digest"], one.as_str());
    let file = std::fs::File::open(project.path().join(".beanship/out.zip")).expect("a zip");
    let mut zip = zip::ZipArchive::new(file).expect("a zip");
    for (name, before, tag, digest) in [
        ("db/db.yml", &db, "db:1", one),
        ("base.yml", &base, "app:1", two),
    ] {
        let mut text = String::new();
        let mut member = zip.by_name(name).expect("it");
        std::io::Read::read_to_string(&mut member, &mut text).expect("text");
        assert_eq!(text, before.replace(tag, &format!("{tag}@{digest}")));
        let on_disk = std::fs::read_to_string(project.path().join(name)).expect("a file");
        assert_eq!(on_disk, *before);
    }
}

#[test]
fn a_moving_tag_is_never_unchanged() {
    let registry = Registry::start(Door::Open);
    let project = project(&registry, COMPOSE, ALWAYS);
    for expected in ["succeeded", "succeeded"] {
        let (report, code) = project.deploy(&["--env", "production"]);
        let ended = (report["outcome"].as_str(), code);
        assert_eq!(ended, (Some(expected), Some(0)), "{report}");
    }
    let run = project.sandbox(&["deploy", "--env", "production", "--plan"]);
    assert!(run.stderr.contains("may have changed"), "{}", run.stderr);
    assert_eq!(registry.asked(), [""; 0], "the sandbox asks no registry");
    let fixed = COMPOSE
        .replace("REGISTRY", &registry.name)
        .replace("latest", "1");
    project.write("docker-compose.yml", &fixed);
    let (report, _) = project.deploy(&["--env", "production"]);
    assert_eq!(report["outcome"], "succeeded");
    let (report, _) = project.deploy(&["--env", "production"]);
    assert_eq!(report["outcome"], "unchanged");
}

#[test]
fn a_deploy_to_aws_pins_and_is_unchanged_until_the_tag_moves() {
    let registry = Registry::start(Door::Password);
    registry.push("shop/web", "latest", &AMD, "one");
    let (project, mut serving) = served(project(&registry, COMPOSE, ALWAYS));
    let outcome = |arguments: &[&str]| {
        let all = [
            &["deploy", "--env", "production", "--output", "json"],
            arguments,
        ]
        .concat();
        let run = project.beanship(&all);
        let report = run.json();
        (report["outcome"].as_str().map(str::to_owned), run.code)
    };
    let told = |word: &str, code| (Some(word.to_owned()), Some(code));
    assert_eq!(outcome(&[]), told("succeeded", 0));
    assert_eq!(outcome(&[]), told("unchanged", 0));
    registry.push("shop/web", "latest", &AMD, "two");
    assert_eq!(outcome(&["--plan"]), told("planned", 0));
    assert_eq!(outcome(&[]), told("succeeded", 0));
    let diff = project.beanship(&["diff", "--env", "production", "--output", "json"]);
    assert_eq!(diff.json()["same_digest"], true, "{}", diff.stderr);
    registry.fail(&[401, 401, 401]);
    assert_eq!(outcome(&[]), told("failed", 2));
    project.signal(&serving, "-TERM");
    serving.wait().expect("an end");
}

/// The project with an AWS that is not its own sandbox, as far as it knows.
fn served(project: Project) -> (Project, std::process::Child) {
    use std::io::{BufRead, BufReader};
    let mut child = project.start(&["--sandbox", "sandbox", "--output", "json"]);
    let lines = BufReader::new(child.stdout.take().expect("stdout")).lines();
    let lines = lines.map_while(Result::ok);
    let mut text = String::new();
    for line in lines {
        text.push_str(&line);
        if line == "}" {
            break;
        }
    }
    let told: serde_json::Value = serde_json::from_str(&text).expect("where it serves");
    let mut project = project;
    for (name, value) in told.as_object().expect("variables") {
        project = project.variable(name, value.as_str().expect("a text"));
    }
    (project, child)
}
