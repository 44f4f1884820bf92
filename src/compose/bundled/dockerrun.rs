//! Dockerrun.aws.json: three versions, of which each fits in one place only.

use serde_json::Value;

use crate::compose::catalog::{DOCKERRUN, ECS_FILE, IGNORED_DOCKERRUN, MOVING_TAG};
use crate::compose::files;
use crate::compose::finding::{Draft, Findings, Rule};
use crate::compose::model::Surroundings;
use crate::compose::rules::moving_tag;
use crate::compose::source::{Place, Source};

/// Its name, spelt exactly so.
pub(super) const FILE: &str = "Dockerrun.aws.json";

pub(super) fn check(around: &Surroundings<'_>, compose: bool, findings: &mut Findings) {
    if !(around.in_bundle)(FILE) || !around.root.join(FILE).is_file() {
        return;
    }
    let Some(text) = files::read(&around.root.join(FILE)) else {
        tell(
            &DOCKERRUN,
            None,
            "the file cannot be read: it is not a small text file",
            findings,
        );
        return;
    };
    let source = Source::new(FILE, text);
    let content: Value = match serde_json::from_str(&source.text) {
        Ok(content) => content,
        Err(why) => {
            let place = Place {
                line: why.line().max(1),
                column: why.column().max(1),
            };
            findings.add_in(
                &DOCKERRUN,
                FILE,
                place,
                None,
                format!("this is no JSON: {}", reason(&why)),
            );
            return;
        }
    };
    let dockerfile = around.root.join("Dockerfile").is_file();
    judge(&source, &content, compose, dockerfile, findings);
}

fn reason(why: &serde_json::Error) -> String {
    let text = why.to_string();
    text.split(" at line ").next().unwrap_or(&text).to_owned()
}

fn tell<'f>(
    rule: &'static Rule,
    at: Option<(&Source, &str)>,
    message: &str,
    findings: &'f mut Findings,
) -> &'f mut Draft {
    let found =
        at.and_then(|(source, key)| Some((source, source.text.find(&format!("\"{key}\""))?)));
    let (place, shown) = match found {
        Some((source, byte)) => (source.place(byte), Some(source.excerpt(byte))),
        None => (super::START, None),
    };
    findings.add_in(rule, FILE, place, shown, message)
}

fn judge(
    source: &Source,
    content: &Value,
    compose: bool,
    dockerfile: bool,
    findings: &mut Findings,
) {
    let version = match &content["AWSEBDockerrunVersion"] {
        Value::String(version) => version.clone(),
        Value::Number(version) => version.to_string(),
        _ => String::new(),
    };
    let at = Some((source, "AWSEBDockerrunVersion"));
    match (version.as_str(), compose) {
        ("1", true) => {
            tell(
                &IGNORED_DOCKERRUN,
                at,
                "beside docker-compose.yml only `Authentication` of this file is used",
                findings,
            )
            .fix("write version 3 with nothing but `Authentication`, or remove the file");
        }
        ("1", false) => single(source, content, dockerfile, findings),
        ("2", _) => {
            tell(&ECS_FILE, at, "version 2 is for Elastic Beanstalk's ECS platform, which this tool does not ship to", findings)
                .fix("describe the containers in docker-compose.yml, on the Docker platform");
        }
        ("3", true) => login(source, content, findings),
        ("3", false) => {
            tell(&DOCKERRUN, at, "version 3 only holds a login: there is no docker-compose.yml beside it, so nothing runs", findings)
                .fix("add docker-compose.yml");
        }
        _ => {
            tell(
                &DOCKERRUN,
                at,
                "`AWSEBDockerrunVersion` must be 1 or 3",
                findings,
            )
            .fix("write \"1\" for a single container, \"3\" beside docker-compose.yml");
        }
    }
}

/// Version 1 without a compose file.
fn single(source: &Source, content: &Value, dockerfile: bool, findings: &mut Findings) {
    let image = content["Image"]["Name"].as_str();
    match image {
        Some(_) if dockerfile => {
            tell(
                &IGNORED_DOCKERRUN,
                Some((source, "Image")),
                "beside a Dockerfile the image of this file is not used",
                findings,
            )
            .fix("remove the Dockerfile or `Image`");
        }
        Some(image) if moving_tag(image).is_some() => {
            tell(
                &MOVING_TAG,
                Some((source, "Name")),
                "the image has no version: instances may run what was not tested",
                findings,
            )
            .fix("name a version, as in `nginx:1.28.0`, or a digest");
        }
        None if !dockerfile => {
            tell(
                &DOCKERRUN,
                None,
                "`Image.Name` is missing: there is nothing to run",
                findings,
            )
            .fix("add the image's name");
        }
        _ => {}
    }
    let ports = content["Ports"]
        .as_array()
        .is_some_and(|ports| !ports.is_empty());
    if !ports && !dockerfile {
        tell(
            &DOCKERRUN,
            None,
            "`Ports` is missing: Elastic Beanstalk does not know where to send traffic",
            findings,
        )
        .fix("add `\"Ports\": [{\"ContainerPort\": 8080}]` with the port that the app listens on");
    }
}

/// Version 3 beside a compose file.
fn login(source: &Source, content: &Value, findings: &mut Findings) {
    let login = &content["Authentication"];
    let has = |name: &str| {
        let keys = login.as_object().into_iter().flatten();
        keys.filter(|(key, _)| key.eq_ignore_ascii_case(name))
            .any(|(_, value)| value.as_str().is_some_and(|text| !text.is_empty()))
    };
    for key in ["bucket", "key"] {
        if !has(key) {
            tell(
                &DOCKERRUN,
                Some((source, "Authentication")),
                &format!("`Authentication.{key}` is missing: the login cannot be found in S3"),
                findings,
            )
            .fix(format!("add `{key}`"));
        }
    }
}
