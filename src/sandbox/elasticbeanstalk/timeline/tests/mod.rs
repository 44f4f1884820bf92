//! Operations in, dated steps out: what is said, when, and how the environment ends.

mod endings;
mod stories;

use super::super::environments::blank;
use super::super::model::Region;
use super::*;

/// An environment that runs version `v1` as its second deployment.
fn environment(settings: &[(&str, &str, &str)]) -> Environment {
    let now = at(-1000);
    let mut environment = blank(
        "shop-env",
        "shop",
        "arn/Docker running on x/1",
        "shop".to_owned(),
        now,
    );
    environment.id = "e-abcdefghij".to_owned();
    let enhanced = (
        "aws:elasticbeanstalk:healthreporting:system",
        "SystemType",
        "enhanced",
    );
    for (namespace, name, value) in settings.iter().chain([&enhanced]) {
        let names = environment
            .settings
            .entry((*namespace).to_owned())
            .or_default();
        names.insert((*name).to_owned(), (*value).to_owned());
    }
    launched(&mut environment, "v1");
    let names = ["i-1", "i-2", "i-3", "i-4"];
    for (instance, name) in environment.instances.iter_mut().zip(names) {
        instance.id = name.to_owned();
    }
    environment
}

fn single() -> Environment {
    environment(&[(
        "aws:elasticbeanstalk:environment",
        "EnvironmentType",
        "SingleInstance",
    )])
}

fn balanced(policy: &str, batch: &str) -> Environment {
    environment(&[
        ("aws:autoscaling:asg", "MinSize", "2"),
        ("aws:elasticbeanstalk:command", "DeploymentPolicy", policy),
        ("aws:elasticbeanstalk:command", "BatchSize", batch),
    ])
}

fn at(millis: i64) -> Timestamp {
    Timestamp::from_millisecond(1_800_000_000_000 + millis).unwrap()
}

fn start() -> Start<'static> {
    Start {
        now: at(0),
        speed: 1.0,
        request_id: "r-1",
    }
}

fn deploy(environment: &Environment, ending: &Ending) -> Vec<Step> {
    let wanted = Update {
        label: Some("v2".to_owned()),
        ..Update::default()
    };
    update(environment, &wanted, ending, start())
}

fn failure() -> Ending {
    Ending::Fails(Failure {
        explanation: None,
        engine: "boom".to_owned(),
        app: "",
    })
}

/// The steps as text: milliseconds, what happened. New instances are named by their order.
fn story(steps: &[Step]) -> Vec<String> {
    let mut lines = Vec::new();
    let mut new = Vec::new();
    for Step { at: when, change } in steps {
        let line = match change {
            Change::Status(status) => format!("= {}", status.name()),
            Change::Label(label) => format!("= label {}", label.as_deref().unwrap_or("none")),
            Change::Health(health) => {
                format!("= {} {}", health.status.name(), health.causes.join(" "))
            }
            Change::Event(said) => format!("{} {}", said.severity.name(), said.message),
            Change::Instances(instances) => {
                let unknown = instances
                    .iter()
                    .map(|instance| &instance.id)
                    .filter(|id| id.len() > 10);
                for id in unknown.cloned().collect::<Vec<_>>() {
                    if !new.contains(&id) {
                        new.push(id);
                    }
                }
                continue;
            }
            _ => continue,
        };
        let millis = when.as_millisecond() - at(0).as_millisecond();
        lines.push(format!("{millis} {}", line.trim_end()));
    }
    for (index, id) in new.iter().enumerate() {
        for line in &mut lines {
            *line = line.replace(id, &format!("new-{}", index + 1));
        }
    }
    lines
}

/// The environment after all steps, with the versions its instances run.
fn after(mut environment: Environment, steps: Vec<Step>) -> (Environment, Vec<String>) {
    environment.steps = steps;
    let mut region = Region::default();
    region.environments.push(environment);
    region.advance(at(60_000));
    let environment = region.environments.remove(0);
    let versions = environment.instances.iter().map(|instance| {
        let label = instance.label.as_deref().unwrap_or("none");
        format!(
            "{label}/{} {}",
            instance.deployment,
            instance.outcome.name()
        )
    });
    let versions = versions.collect();
    (environment, versions)
}
