//! The compose file: found, and read far enough to know that it is one.

use std::path::Path;

use serde_json::Value;

use crate::error::{Error, Kind, Result};
use crate::yaml;

/// The only name that Elastic Beanstalk looks for (facts 3.1).
pub const FILE_NAME: &str = "docker-compose.yml";

/// Other names that Docker's own tools find.
const OTHER_NAMES: [&str; 3] = ["docker-compose.yaml", "compose.yml", "compose.yaml"];

/// Checks that the compose file is there and holds services.
///
/// # Errors
/// [`Kind::Compose`], with the position for text that is not YAML.
pub fn check(root: &Path, file: &Path) -> Result<()> {
    let text = match std::fs::read_to_string(root.join(file)) {
        Ok(text) => text,
        Err(why) if why.kind() == std::io::ErrorKind::NotFound => return Err(missing(root, file)),
        Err(why) => return Err(Error::io("read", file, &why)),
    };
    let content: Value = yaml::parse(&text, file, Kind::Compose)?;
    let wrong = |why: &str| {
        Error::new(Kind::Compose, format!("{}: {why}", file.display()))
            .hint("see the Compose Specification, and check the file with `docker compose config`")
    };
    match content.get("services") {
        Some(Value::Object(services)) if !services.is_empty() => Ok(()),
        Some(_) => Err(wrong("`services` holds no services")),
        None => Err(wrong("there are no `services`")),
    }
}

fn missing(root: &Path, file: &Path) -> Error {
    let error = Error::new(
        Kind::Compose,
        format!(
            "no compose file: there is no {} in {}",
            file.display(),
            root.display()
        ),
    );
    match OTHER_NAMES.iter().find(|name| root.join(name).is_file()) {
        Some(other) => error.hint(format!(
            "set `compose: {other}` in beanship.yml; it goes into the bundle as {FILE_NAME}"
        )),
        None => error.hint(
            "run it where the compose file is, or name the directory: `beanship deploy -C DIR`",
        ),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn checked(files: &[(&str, &str)]) -> String {
        let directory = tempfile::tempdir().expect("a directory");
        for (name, text) in files {
            std::fs::write(directory.path().join(name), text).expect("a file");
        }
        match check(directory.path(), Path::new(FILE_NAME)) {
            Ok(()) => "fine".into(),
            Err(error) => {
                let text = format!("{error} [{}]", error.hints().join("; "));
                text.replace(&directory.path().display().to_string(), "DIR")
            }
        }
    }

    #[test]
    fn a_compose_file_is_there_and_has_services() {
        let cases = [
            checked(&[(FILE_NAME, "services: {web: {image: nginx}}")]),
            checked(&[]),
            checked(&[("compose.yaml", "services: {}")]),
            checked(&[(FILE_NAME, "services: {}")]),
            checked(&[(FILE_NAME, "web: {image: nginx}")]),
            checked(&[(FILE_NAME, "services:\n  web: {image: 'x}\n")]),
        ];
        insta::assert_snapshot!(cases.join("\n"), @"
        fine
        no compose file: there is no docker-compose.yml in DIR [run it where the compose file is, or name the directory: `beanship deploy -C DIR`]
        no compose file: there is no docker-compose.yml in DIR [set `compose: compose.yaml` in beanship.yml; it goes into the bundle as docker-compose.yml]
        docker-compose.yml: `services` holds no services [see the Compose Specification, and check the file with `docker compose config`]
        docker-compose.yml: there are no `services` [see the Compose Specification, and check the file with `docker compose config`]
        docker-compose.yml:2:16: unclosed quote []
        ");
    }
}
