//! Building and pushing, with a `docker` that only notes what it is told.

use super::registry::{Door, Registry};
use super::{bundled, project};
use crate::support::{Project, Run};

const COMPOSE: &str = "services:\n  web:\n    build: { context: web, args: { A: 1 } }\n    image: REGISTRY/shop/web\n    ports: ['80:80']\n    env_file: .env\n";
const DIGEST: &str = "sha256:0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef";

/// Notes its arguments; fails where a file says so.
const DOCKER: &str = r#"#!/bin/sh
here=$(dirname "$0")
echo "$*" >>"$here/log"
case "$1 $2" in
  "buildx version") test -e "$here/buildx"; exit ;;
  "buildx build")
    while [ "$1" != --metadata-file ] && [ $# -gt 0 ]; do shift; done
    [ $# -eq 0 ] || echo '{"containerimage.digest": "DIGEST"}' >"$2" ;;
  build*)
    echo "Step 1/2 : FROM scratch" >&2
    echo "::error::password=hunter2" >&2
    if [ -e "$here/fails" ]; then exit 3; fi ;;
  login*) cat >"$here/password" ;;
  push*) echo "tag: digest: DIGEST size: 527" ;;
esac
"#;

fn built(registry: &Registry, config: &str) -> Project {
    use std::os::unix::fs::PermissionsExt;
    let project = project(registry, COMPOSE, config)
        .file("web/Dockerfile", "FROM scratch\n")
        .file(".beanship/bin/docker", &DOCKER.replace("DIGEST", DIGEST));
    let bin = project.path().join(".beanship/bin");
    let mode = std::fs::Permissions::from_mode(0o755);
    std::fs::set_permissions(bin.join("docker"), mode).expect("the right to run");
    let path = std::env::var("PATH").unwrap_or_default();
    project.variable("PATH", &format!("{}:{path}", bin.display()))
}

fn shown(run: &Run, project: &Project, registry: &Registry) -> String {
    let text = run.shown(project).replace(&registry.name, "REGISTRY");
    text.replace(DIGEST, "SHA256")
}

fn log(project: &Project, registry: &Registry) -> String {
    let text = std::fs::read_to_string(project.path().join(".beanship/bin/log"));
    let text = text.unwrap_or_default().replace(&registry.name, "REGISTRY");
    let tag = regex::Regex::new(":[0-9a-f]{12}").expect("a pattern");
    tag.replace_all(&text, ":TAG").into_owned()
}

#[test]
fn a_push_is_noted_and_the_next_bundle_names_it() {
    let registry = Registry::start(Door::Open);
    let project = built(&registry, "");
    let run = project.beanship(&["images", "push", "--version-label", "v 1"]);
    let table = shown(&run, &project, &registry);
    let words: Vec<_> = table
        .lines()
        .map(|line| line.split_whitespace().collect::<Vec<_>>().join(" "))
        .collect();
    insta::assert_snapshot!(words.join("\n"), @"
    SERVICE IMAGE DIGEST PLATFORMS
    web REGISTRY/shop/web:v-1 SHA256 linux/amd64
    ------- stderr -------
    Building web (linux/amd64)
    Pushing REGISTRY/shop/web:v-1
    Pushed REGISTRY/shop/web:v-1 (N s)
    [exit 0]
    ");
    insta::assert_snapshot!(log(&project, &registry), @"
    version
    buildx version
    build --platform linux/amd64 --tag REGISTRY/shop/web:v-1 --build-arg A=1 web
    push REGISTRY/shop/web:v-1
    ");
    let text = bundled(&project, &[]).replace(&registry.name, "REGISTRY");
    insta::assert_snapshot!(text.replace(DIGEST, "SHA256"), @"
    services:
      web:
        # build: { context: web, args: { A: 1 } }
        image: REGISTRY/shop/web:v-1@SHA256
        ports: ['80:80']
        env_file: .env
    ");
    project.write("web/Dockerfile", "FROM scratch\n# another\n");
    let run = project.beanship(&["bundle"]);
    assert!(run.stderr.contains("is of another tree"), "{}", run.stderr);
}

#[test]
fn buildx_builds_and_pushes_in_one_go() {
    let registry = Registry::start(Door::Open);
    let project = built(&registry, "").file(".beanship/bin/buildx", "");
    let run = project.beanship(&["images", "push", "--output", "json"]);
    assert_eq!(run.code, Some(0), "{}", run.stderr);
    assert_eq!(run.json()["images"][0]["digest"], DIGEST);
    let run = project.beanship(&["images", "build"]);
    assert_eq!(run.code, Some(0), "{}", run.stderr);
    let log = log(&project, &registry);
    let file = regex::Regex::new("--metadata-file [^ ]+").expect("a pattern");
    insta::assert_snapshot!(file.replace_all(&log, "--metadata-file FILE"), @"
    version
    buildx version
    buildx build --progress plain --platform linux/amd64 --tag REGISTRY/shop/web:TAG --build-arg A=1 --push --metadata-file FILE web
    version
    buildx version
    buildx build --progress plain --platform linux/amd64 --tag REGISTRY/shop/web:TAG --build-arg A=1 --load web
    ");
}

#[test]
fn a_build_that_fails_shows_its_last_lines_and_touches_nothing() {
    let registry = Registry::start(Door::Open);
    let project = built(&registry, "").file(".beanship/bin/fails", "");
    let run = project.beanship(&["images", "push"]);
    insta::assert_snapshot!(shown(&run, &project, &registry), @"
    ------- stderr -------
    Building web (linux/amd64)
    error: building web (linux/amd64) failed: `docker build` ended with exit status: 3
      | Step 1/2 : FROM scratch
      | | ::error::password=[redacted]
    hint: see all of its output with `-v`
    [exit 1]
    ");
    assert_eq!(run.code, Some(1));
    let verbose = project.beanship(&["images", "push", "-v"]);
    assert!(
        verbose.stderr.contains("  | Step 1/2 : FROM scratch"),
        "{}",
        verbose.stderr
    );
    let run = project.beanship(&["images", "push", "--output", "github"]);
    let lines: Vec<_> = run.stdout.lines().take(4).collect();
    assert_eq!(lines[0], "::group::Building web (linux/amd64)");
    assert!(
        lines[1..3].iter().all(|line| line.starts_with("  | ")),
        "{lines:?}"
    );
    assert_eq!(lines[3], "::endgroup::");
    assert!(!run.stdout.contains("hunter2"), "{}", run.stdout);
}

#[test]
fn ecr_is_logged_in_to_with_the_right_of_aws() {
    let aws = Registry::start(Door::Open);
    // AWS:p4ss-c4nary
    let token = r#"{"authorizationData": [{"authorizationToken": "QVdTOnA0c3MtYzRuYXJ5"}]}"#;
    aws.keep("/", "application/x-amz-json-1.1", token.into());
    let host = "123456789012.dkr.ecr.eu-west-1.amazonaws.com";
    let project = built(&aws, "")
        .variable("AWS_ENDPOINT_URL", &format!("http://{}", aws.name))
        .variable("AWS_ACCESS_KEY_ID", "AKIDEXAMPLE")
        .variable("AWS_SECRET_ACCESS_KEY", "key");
    project.write("docker-compose.yml", &COMPOSE.replace("REGISTRY", host));
    let run = project.beanship(&["images", "push", "-v"]);
    assert_eq!(run.code, Some(0), "{}", run.stderr);
    let log = log(&project, &aws);
    let login = format!("login --username AWS --password-stdin {host}\n");
    assert!(log.contains(&login), "{log}");
    let password = std::fs::read_to_string(project.path().join(".beanship/bin/password"));
    assert_eq!(password.expect("a password"), "p4ss-c4nary");
    let told = format!("{}{}{log}", run.stdout, run.stderr);
    assert!(!told.contains("c4nary"), "{told}");
    aws.keep("/", "text/plain", b"no JSON".into());
    assert_eq!(project.beanship(&["images", "push"]).code, Some(3));
}

#[test]
fn the_declared_login_is_used_for_the_push() {
    let registry = Registry::start(Door::Password);
    let config = format!(
        "registry: {{ server: '{}', username: ship, password: {{ from_env: TOKEN }} }}\n",
        registry.name
    );
    let project = built(&registry, &config).variable("TOKEN", "s3cret-c4nary");
    project.write(".beanship/docker/config.json", "{}");
    let run = project.beanship(&["images", "push", "-v"]);
    assert_eq!(run.code, Some(0), "{}", run.stderr);
    let log = log(&project, &registry);
    assert!(
        log.contains("login --username ship --password-stdin REGISTRY\n"),
        "{log}"
    );
    let password = std::fs::read_to_string(project.path().join(".beanship/bin/password"));
    assert_eq!(password.expect("a password"), "s3cret-c4nary");
    assert!(!format!("{}{}{log}", run.stdout, run.stderr).contains("c4nary"));
}

#[test]
fn without_docker_or_anything_to_build_it_is_said() {
    let registry = Registry::start(Door::Open);
    let project = built(&registry, "").file(".beanship/bin/docker", "#!/bin/sh\nexit 1\n");
    let run = project.beanship(&["images", "build"]);
    assert_eq!(run.code, Some(1), "{}", run.stderr);
    assert!(
        run.stderr.contains("`docker version` fails"),
        "{}",
        run.stderr
    );
    let project = Project::new();
    let run = project.beanship(&["images", "push"]);
    assert_eq!(run.code, Some(2), "{}", run.stderr);
    assert!(run.stderr.contains("nothing to build"), "{}", run.stderr);
}

#[test]
fn what_an_image_is_built_from_may_stay_out_of_the_bundle() {
    let registry = Registry::start(Door::Open);
    let project = built(&registry, "bundle: { only: [docker-compose.yml] }\n");
    let run = project.beanship(&["bundle", "-o", ".beanship/out.zip"]);
    assert_eq!(run.code, Some(2), "{}", run.stderr);
    insta::assert_snapshot!(shown(&run, &project, &registry), @"
    ------- stderr -------
    error: docker-compose.yml:3:23: service `web` is built from web, which stays out of the bundle: bundle.only does not name it [EB503]
      |
    3 |     build: { context: web, args: { A: 1 } }
      |                       ^
    hint: push the image as part of the deploy: `beanship deploy --build`; or add `web` to `bundle.include` in beanship.yml, or change the rule
    [exit 2]
    ");
    let codes = [&["check"][..], &["check", "--build"]].map(|it| project.beanship(it).code);
    assert_eq!(codes, [Some(2), Some(0)]);
    let arguments = ["deploy", "--env", "production", "--build", "--plan"];
    let run = project.sandbox(&arguments);
    assert_eq!(run.code, Some(0), "{}", run.stderr);

    let run = project.beanship(&["images", "push"]);
    assert_eq!(run.code, Some(0), "{}", run.stderr);
    let text = bundled(&project, &[]);
    assert!(text.contains("    # build: {"), "{text}");
}

#[test]
fn in_the_sandbox_and_for_a_plan_nothing_is_built() {
    let registry = Registry::start(Door::Open);
    let project = built(&registry, "");
    let run = project.sandbox(&["deploy", "--env", "production", "--build"]);
    assert_eq!(run.code, Some(0), "{}", run.stderr);
    assert!(run.stderr.contains("nothing is built"), "{}", run.stderr);
    let run = project.sandbox(&["deploy", "--env", "staging", "--build", "--plan"]);
    assert!(
        run.stderr.contains("not built for a plan"),
        "{}",
        run.stderr
    );
    assert_eq!(log(&project, &registry), "");
    let project = built(&registry, "bundle: { pin_images: never }\n");
    let run = project.sandbox(&["deploy", "--env", "production", "--build"]);
    assert_eq!(run.code, Some(2), "{}", run.stderr);
}
