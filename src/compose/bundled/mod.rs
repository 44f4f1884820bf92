//! EB5xx: the other files of the bundle that Elastic Beanstalk reads, and which of them decides
//! what runs.

mod configs;
mod dockerrun;
mod hooks;
mod keys;

use super::catalog::{DOCKERFILE, NO_COMPOSE_FILE, NO_EXPOSE, NO_NGINX, OTHER_COMPOSE, OWN_ENV};
use super::finding::Findings;
use super::model::Surroundings;
use super::source::Place;
use super::{FILE_NAME, OTHER_NAMES, Subject, files};

/// The start of a file.
const START: Place = Place { line: 1, column: 1 };

/// What every bundle is checked for, whatever it runs.
pub(super) fn check(around: &Surroundings<'_>, findings: &mut Findings) {
    if (around.in_bundle)(".env") && around.root.join(".env").is_file() {
        findings
            .add_in(&OWN_ENV, ".env", START, None, "the bundle holds a .env: Elastic Beanstalk writes none then, and no property of the environment arrives")
            .fix("take it out of `bundle.include`, and set its values as properties of the environment");
    }
    let compose = around.root.join(around.file).is_file();
    if compose {
        for name in OTHER_NAMES {
            let other = std::path::Path::new(name);
            if other != around.file && (around.in_bundle)(name) && around.root.join(other).is_file()
            {
                findings
                    .add_in(&OTHER_COMPOSE, name, START, None, format!("Docker's tools read this file instead of {FILE_NAME}, Elastic Beanstalk does not"))
                    .fix(format!("keep one of the two, or name this one under `compose` in beanship.yml: it goes into the bundle as {FILE_NAME}"));
            }
        }
        if (around.in_bundle)(".platform/nginx") && around.root.join(".platform/nginx").exists() {
            findings
                .add_in(&NO_NGINX, ".platform/nginx", START, None, "this has no effect: with a compose file Elastic Beanstalk runs no nginx of its own")
                .fix("run the proxy as a service");
        }
    }
    dockerrun::check(around, compose, findings);
    configs::check(around, findings);
    hooks::check(around, findings);
    keys::check(around, findings);
}

/// Judges a bundle without a compose file.
pub(super) fn without_compose(
    around: &Surroundings<'_>,
    name: &str,
    findings: &mut Findings,
) -> Subject {
    let names = files::names(around.root, "");
    let has = |name: &str| names.iter().any(|other| other == name) && (around.in_bundle)(name);
    if has("Dockerfile") && name == FILE_NAME {
        dockerfile(around, findings);
        return Subject::Single("Dockerfile");
    }
    if has(dockerrun::FILE) && name == FILE_NAME {
        return Subject::Single(dockerrun::FILE);
    }
    let single = ["Dockerfile", dockerrun::FILE];
    let kept_out = single
        .iter()
        .filter(|single| name == FILE_NAME && names.iter().any(|other| other == *single))
        .find_map(|single| Some((single, (around.left_out)(single)?)));
    if let Some((single, rule)) = kept_out {
        let message = format!("there is nothing to run: {single} stays out of the bundle: {rule}");
        findings
            .add_in(&NO_COMPOSE_FILE, *single, START, None, message)
            .fix(format!(
                "add `{single}` to `bundle.include` in beanship.yml, or change the rule"
            ));
        return Subject::Nothing;
    }
    let message = format!(
        "no compose file: there is no {name} in {}",
        around.root.display()
    );
    let draft = findings.add_in(&NO_COMPOSE_FILE, name, START, None, message);
    if let Some(other) = OTHER_NAMES.into_iter().find(|other| has(other)) {
        draft.fix(format!(
            "set `compose: {other}` in beanship.yml; it goes into the bundle as {FILE_NAME}"
        ));
    } else if let Some(other) = names.iter().find(|other| is_misnamed(other)) {
        draft.fix(format!("rename {other}: Elastic Beanstalk looks for {FILE_NAME}, Dockerfile and {}, spelt exactly so", dockerrun::FILE));
    } else if let Some(folder) = folder_with_compose(around, &names) {
        draft.fix(format!("it is in {folder}: run `beanship check -C {folder}`, as the file must be at the root of the bundle"));
    } else {
        draft.fix("run it where the compose file is, or name its directory with `-C DIR`");
    }
    Subject::Nothing
}

fn is_misnamed(name: &str) -> bool {
    [
        FILE_NAME,
        "docker-compose.yaml",
        "dockerfile",
        "dockerrun.aws.json",
    ]
    .iter()
    .any(|right| name.eq_ignore_ascii_case(right))
        || name.eq_ignore_ascii_case("docker_compose.yml")
}

fn folder_with_compose<'a>(around: &Surroundings<'_>, names: &'a [String]) -> Option<&'a str> {
    let holds = |name: &&String| around.root.join(name).join(FILE_NAME).is_file();
    names.iter().take(200).find(holds).map(String::as_str)
}

/// A Dockerfile that is all there is.
fn dockerfile(around: &Surroundings<'_>, findings: &mut Findings) {
    let name = "Dockerfile";
    let Some(text) = files::read(&around.root.join(name)) else {
        findings.add_in(
            &DOCKERFILE,
            name,
            START,
            None,
            "the Dockerfile cannot be read: it is not a small text file",
        );
        return;
    };
    let begins = |word: &str| {
        text.lines().any(|line| {
            line.trim_start()
                .get(..word.len())
                .is_some_and(|start| start.eq_ignore_ascii_case(word))
        })
    };
    if !begins("FROM ") {
        findings
            .add_in(
                &DOCKERFILE,
                name,
                START,
                None,
                "the Dockerfile has no FROM: Docker builds nothing without an image to begin with",
            )
            .fix("begin it with `FROM image:version`");
    }
    if around.serves && !begins("EXPOSE ") {
        findings
            .add_in(&NO_EXPOSE, name, START, None, "the Dockerfile exposes no port: Elastic Beanstalk does not know where to send traffic")
            .fix("add `EXPOSE PORT` with the port that the app listens on");
    }
}
