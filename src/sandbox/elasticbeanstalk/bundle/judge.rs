//! The verdict on a bundle: fails on the instance, comes up but stays red, or runs.

use super::super::model::{Health, HealthStatus};
use super::super::timeline::{Ending, Failure, Trouble};
use super::compose::Project;
use super::{Contents, Surroundings};

/// EB never mentions compose when it finds none.
const NOTHING_TO_RUN: &str = "Instance deployment: Both 'Dockerfile' and 'Dockerrun.aws.json' are missing in your source bundle. \
                              Include at least one of them. The deployment failed.";

pub(super) fn ending(contents: &Contents, around: &Surroundings) -> Ending {
    let Some(text) = &contents.compose else {
        // One container behind the host's own proxy: nothing here can tell that it would not run.
        if contents.names.contains("Dockerfile") || contents.names.contains("Dockerrun.aws.json") {
            return Ending::Succeeds;
        }
        return Ending::Fails(Failure {
            explanation: Some(NOTHING_TO_RUN.to_owned()),
            engine: "there is no Dockerfile or Dockerrun.aws.json file located in source bundle"
                .to_owned(),
            app: "",
        });
    };
    let variables = variables(contents, around);
    match Project::read(text, &variables)
        .and_then(|project| project.check(contents).map(|()| project))
    {
        Ok(project) => running(&project, contents, around),
        Err(problem) => Ending::Fails(Failure {
            explanation: None,
            engine: format!("failed to run docker compose: {problem}"),
            app: "",
        }),
    }
}

/// What compose can interpolate: the `.env` of the bundle, or the one that EB generates from the properties.
fn variables(contents: &Contents, around: &Surroundings) -> Vec<(String, String)> {
    let mut variables = match &contents.dotenv {
        Some(text) => dotenv(text),
        None => around.properties.clone(),
    };
    variables.push((
        "EB_LOG_BASE_DIR".to_owned(),
        "/var/log/eb-docker/containers".to_owned(),
    ));
    variables
}

fn dotenv(text: &str) -> Vec<(String, String)> {
    let lines = text
        .lines()
        .map(str::trim)
        .filter(|line| !line.starts_with('#'));
    lines
        .filter_map(|line| line.split_once('='))
        .map(|(name, value)| (name.trim().to_owned(), value.to_owned()))
        .collect()
}

fn running(project: &Project, contents: &Contents, around: &Surroundings) -> Ending {
    let unhealthy = |status: HealthStatus, cause: &str, app: String| {
        Ending::Unhealthy(Trouble {
            health: Health::because(status, cause),
            app,
        })
    };
    if let Some(port) = around.port.filter(|port| !project.answers(*port)) {
        let app = format!("no container listens on port {port} of the host");
        return unhealthy(
            HealthStatus::Severe,
            "ELB processes are not healthy on all instances.",
            app,
        );
    }
    if let Some(text) = &contents.dotenv {
        let own = dotenv(text);
        let missing = around
            .properties
            .iter()
            .find(|(name, _)| !own.iter().any(|(other, _)| other == name));
        if let Some((name, _)) = missing {
            let app = format!("web-1  | environment variable {name} is not set");
            return unhealthy(
                HealthStatus::Degraded,
                "Impaired services on all instances.",
                app,
            );
        }
    }
    Ending::Succeeds
}

#[cfg(test)]
mod tests {
    use super::*;

    const GOOD: &str =
        "services:\n  web:\n    image: nginx\n    ports: ['80:80']\n    env_file: .env\n";

    fn contents(compose: Option<&str>, others: &[&str]) -> Contents {
        let mut names: std::collections::BTreeSet<String> =
            others.iter().map(|name| (*name).to_owned()).collect();
        names.extend(compose.map(|_| "docker-compose.yml".to_owned()));
        Contents {
            names,
            compose: compose.map(str::to_owned),
            dotenv: None,
        }
    }

    fn web(properties: &[(&str, &str)]) -> Surroundings {
        let properties = properties
            .iter()
            .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))
            .collect();
        Surroundings {
            properties,
            port: Some(80),
        }
    }

    /// The ending in a word, with what the logs say.
    fn verdict(contents: &Contents, around: &Surroundings) -> (&'static str, String) {
        match ending(contents, around) {
            Ending::Succeeds => ("runs", String::new()),
            Ending::Fails(failure) => ("fails", failure.engine),
            Ending::Unhealthy(trouble) => (trouble.health.status.name(), trouble.app),
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn the_shape_of_the_bundle_decides_first() {
        assert_eq!(verdict(&contents(Some(GOOD), &[]), &web(&[])).0, "runs");
        assert_eq!(
            verdict(&contents(None, &["Dockerfile"]), &web(&[])).0,
            "runs"
        );
        for others in [
            &["compose.yml"][..],
            &["app/docker-compose.yml"],
            &["dockerfile"],
        ] {
            let Ending::Fails(failure) = ending(&contents(None, others), &web(&[])) else {
                panic!("{others:?}")
            };
            assert_eq!(failure.explanation.as_deref(), Some(NOTHING_TO_RUN));
        }
    }

    #[test]
    fn without_the_port_it_comes_up_red() {
        let other = "services: {web: {image: nginx, ports: ['8080:80']}}";
        assert_eq!(verdict(&contents(Some(other), &[]), &web(&[])).0, "Severe");
        assert_eq!(
            verdict(&contents(Some(other), &[]), &Surroundings::default()).0,
            "runs"
        );
        let variable = "services: {web: {image: nginx, ports: ['${WEB_PORT:-8080}:80']}}";
        assert_eq!(
            verdict(&contents(Some(variable), &[]), &web(&[("WEB_PORT", "80")])).0,
            "runs"
        );
    }

    #[test]
    fn a_dotenv_in_the_bundle_hides_the_properties() {
        let bundle = Contents {
            dotenv: Some("A=1\n".to_owned()),
            ..contents(Some(GOOD), &[".env"])
        };
        assert_eq!(verdict(&bundle, &web(&[])).0, "runs");
        assert_eq!(verdict(&bundle, &web(&[("A", "2")])).0, "runs");
        let (status, log) = verdict(&bundle, &web(&[("A", "1"), ("DB_HOST", "db")]));
        assert_eq!(
            (status, log.as_str()),
            (
                "Degraded",
                "web-1  | environment variable DB_HOST is not set"
            )
        );
    }

    #[test]
    fn what_other_files_add_is_not_judged() {
        for compose in [
            "include: [db.yml]\nservices: {web: {image: nginx, depends_on: [db], networks: [back], volumes: ['data:/d']}}",
            "services: {web: {extends: {file: base.yml, service: web}}}",
        ] {
            let bundle = contents(Some(compose), &["db.yml", "base.yml"]);
            assert_eq!(verdict(&bundle, &web(&[])).0, "runs", "{compose}");
        }
    }

    #[test]
    fn what_compose_refuses_fails() {
        for (compose, part) in [
            ("services:\n  web:\n    image: [", "yaml"),
            (
                "web: {image: nginx}",
                "additional properties 'web' not allowed",
            ),
            (
                "services: {web: {ports: ['80:80']}}",
                "neither an image nor a build context",
            ),
            (
                "services: {web: {image: nginx, mem limit: 1m}}",
                "additional properties 'mem limit' not allowed",
            ),
            (
                "services: {web: {image: nginx, ports: '80:80'}}",
                "services.web.ports must be a array",
            ),
            (
                "services: {web: {image: nginx, depends_on: [db]}}",
                "depends on undefined service \"db\"",
            ),
            (
                "services: {web: {image: nginx, volumes: ['data:/x']}}",
                "refers to undefined volume data",
            ),
            (
                "services: {web: {image: 'nginx:${TAG:latest}'}}",
                "invalid interpolation format",
            ),
            (
                "services: {web: {image: 'nginx:${TAG:?set it}'}}",
                "required variable TAG is missing a value: set it",
            ),
            ("services: {web: {build: ./web}}", "/var/app/staging/web"),
            (
                "services: {web: {image: nginx, env_file: prod.env}}",
                "/var/app/staging/prod.env",
            ),
            (
                "services: {a: {image: x, ports: ['80:80']}, b: {image: y, ports: ['80:81']}}",
                "port is already allocated",
            ),
        ] {
            let (verdict, log) = verdict(&contents(Some(compose), &[]), &web(&[]));
            assert_eq!(verdict, "fails", "{compose}");
            assert!(log.contains(part), "{compose}: {log}");
        }
    }

    #[test]
    fn shared_parts_count_where_they_are_merged() {
        let compose = "x-web: &web\n  ports: ['80:80']\n  restart: always\nservices:\n  web:\n    <<: *web\n    image: nginx\n";
        assert_eq!(verdict(&contents(Some(compose), &[]), &web(&[])).0, "runs");
        let twice = "services:\n  web:\n    image: a\n    image: b\n";
        assert_eq!(verdict(&contents(Some(twice), &[]), &web(&[])).0, "fails");
    }

    #[test]
    fn what_is_built_must_be_in_the_bundle() {
        let compose =
            "services: {web: {build: {context: ./web, dockerfile: Dockerfile.prod}, ports: [80]}}";
        assert_eq!(
            verdict(&contents(Some(compose), &["web/Dockerfile"]), &web(&[])).0,
            "fails"
        );
        let compose = "services: {web: {build: web, ports: ['80:8000']}}";
        assert_eq!(
            verdict(&contents(Some(compose), &["web/Dockerfile"]), &web(&[])).0,
            "runs"
        );
    }
}
