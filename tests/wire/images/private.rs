//! Private registries that are not ECR: what the bundle says to the instances, and the same login
//! used here.

use std::io::Read;

use super::project;
use super::registry::{Door, Registry};
use crate::support::{COMPOSE, CONFIG, Project};

const HOOK: &str = "prebuild/00_beanship_registry_login.sh";

/// The members of the bundle with their modes and content.
fn members(project: &Project) -> Vec<(String, u32, String)> {
    let run = project.beanship(&["bundle", "-o", ".beanship/out.zip"]);
    assert_eq!(run.code, Some(0), "{}", run.stderr);
    let file = std::fs::File::open(project.path().join(".beanship/out.zip")).expect("a zip");
    let mut zip = zip::ZipArchive::new(file).expect("a zip");
    let count = zip.len();
    let member = |at| {
        let mut member = zip.by_index(at).expect("a member");
        let mut text = String::new();
        member.read_to_string(&mut text).expect("text");
        let mode = member.unix_mode().unwrap_or_default();
        let name = member.name().expect("a name").into_owned();
        (name, mode & 0o777, text)
    };
    (0..count).map(member).collect()
}

#[test]
fn instances_log_in_by_hooks_in_both_trees_with_a_secret_that_they_fetch() {
    let project = Project::new();
    let set = [
        "--sandbox",
        "--yes",
        "properties",
        "set",
        "TOKEN",
        "-",
        "--secret",
        "--env",
        "production",
    ];
    assert_eq!(project.with_stdin(&set, "s3cret-c4nary").code, Some(0));
    let registry = "registry:\n  server: ghcr.io\n  username: shop\n  password: { secret: shop/shop-prod/TOKEN }\n";
    project.write("beanship.yml", &format!("{CONFIG}{registry}"));
    let (report, code) = project.deploy(&["--env", "production"]);
    let ended = (report["outcome"].as_str(), code);
    assert_eq!(ended, (Some("succeeded"), Some(0)), "{report}");
    let members = members(&project);
    let names: Vec<_> = members
        .iter()
        .map(|(name, mode, _)| format!("{name} {mode:o}"))
        .collect();
    let hook = |tree| format!(".platform/{tree}/{HOOK} 755");
    let compose = "docker-compose.yml 644".to_owned();
    assert_eq!(names, [hook("confighooks"), hook("hooks"), compose]);
    assert!(
        members[0]
            .2
            .contains("--username shop --password-stdin ghcr.io")
    );
    let list = project.sandbox(&["properties", "list", "--env", "production"]);
    assert!(
        list.stdout.contains("BEANSHIP_REGISTRY_PASSWORD"),
        "{}",
        list.stdout
    );
    let again = project.sandbox(&["deploy", "--env", "production", "-v"]);
    assert!(again.stdout.starts_with("unchanged"), "{}", again.stdout);
    let told = format!(
        "{report}{members:?}{}{}{}",
        list.stdout, again.stdout, again.stderr
    );
    assert!(!told.contains("c4nary"), "{told}");
}

#[test]
fn an_object_with_logins_is_named_in_a_dockerrun_of_version_3() {
    let registry = "registry: { credentials: 's3://my-bucket/logins/config.json' }\n";
    let project = Project::new();
    project.write("beanship.yml", &format!("{CONFIG}{registry}"));
    let members = members(&project);
    assert_eq!(members[0].0, "Dockerrun.aws.json");
    let dockerrun: serde_json::Value = serde_json::from_str(&members[0].2).expect("JSON");
    assert_eq!(dockerrun["AWSEBDockerrunVersion"], "3");
    assert_eq!(dockerrun["Authentication"]["bucket"], "my-bucket");
    assert_eq!(dockerrun["Authentication"]["key"], "logins/config.json");
    let (report, _) = project.deploy(&["--env", "production"]);
    assert_eq!(report["outcome"], "succeeded", "{report}");
    project.write("Dockerrun.aws.json", &members[0].2);
    let run = project.beanship(&["bundle"]);
    assert_eq!(run.code, Some(2), "{}", run.stderr);
    assert!(run.stderr.contains("is there already"), "{}", run.stderr);
}

#[test]
fn a_login_that_cannot_be_meant_is_refused() {
    let registry = "registry: { username: shop, password: hunter2 }\n";
    let project = Project::new();
    project.write("beanship.yml", &format!("{CONFIG}{registry}"));
    let run = project.beanship(&["check"]);
    assert_eq!(run.code, Some(2), "{}", run.stderr);
    assert!(
        run.stderr.contains("it does not stand in the file"),
        "{}",
        run.stderr
    );
    assert!(!run.stderr.contains("hunter2"), "{}", run.stderr);
    project.write("docker-compose.yml", COMPOSE);
}

#[test]
fn the_declared_login_is_used_here_where_docker_has_none() {
    let registry = Registry::start(Door::Password);
    let digest = registry.push("shop/web", "1", &["linux/amd64"], "");
    let compose = "services:\n  web: { image: 'REGISTRY/shop/web:1', ports: ['80:80'] }\n";
    let config = format!(
        "registry: {{ server: '{}', username: ship, password: {{ from_env: TOKEN }} }}\n",
        registry.name
    );
    let project = project(&registry, compose, &config).variable("TOKEN", "s3cret-c4nary");
    project.write(".beanship/docker/config.json", "{}");
    let run = project.beanship(&["images", "list", "--output", "json", "-v"]);
    assert_eq!(run.code, Some(0), "{}", run.stderr);
    assert_eq!(run.json()["images"][0]["digest"], *digest);
    assert!(!format!("{}{}", run.stdout, run.stderr).contains("c4nary"));
    let wrong = project.variable("TOKEN", "another");
    assert_eq!(wrong.beanship(&["images", "list"]).code, Some(2));
}
