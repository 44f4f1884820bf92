//! Enhanced health: of the environment, and of each instance with the version it really runs.

use super::super::query::{Failure, Parameters};
use super::super::xml::Xml;
use super::context::{Context, invalid};
use super::model::{Environment, Health, HealthStatus, Instance};

/// The attributes a caller may ask for one by one.
const ATTRIBUTES: [&str; 13] = [
    "All",
    "ApplicationMetrics",
    "AvailabilityZone",
    "Causes",
    "Color",
    "Deployment",
    "HealthStatus",
    "InstanceType",
    "InstancesHealth",
    "LaunchedAt",
    "RefreshedAt",
    "Status",
    "System",
];

pub(super) fn environment(cx: &mut Context<'_>, xml: &mut Xml) -> Result<(), Failure> {
    let environment = enhanced(cx)?;
    let wanted = attributes(cx.parameters())?;
    let health = &environment.health;
    xml.text("EnvironmentName", &environment.name);
    if wanted("HealthStatus") {
        xml.text("HealthStatus", health.status.name());
    }
    if wanted("Status") {
        xml.text("Status", environment.status.name());
    }
    if wanted("Color") {
        xml.text("Color", health.status.color());
    }
    if wanted("Causes") {
        xml.texts("Causes", &health.causes);
    }
    if wanted("ApplicationMetrics") {
        metrics(xml);
    }
    if wanted("InstancesHealth") {
        summary(xml, &environment.instances);
    }
    if wanted("RefreshedAt") {
        xml.time("RefreshedAt", cx.now());
    }
    Ok(())
}

pub(super) fn instances(cx: &mut Context<'_>, xml: &mut Xml) -> Result<(), Failure> {
    let environment = enhanced(cx)?;
    let wanted = attributes(cx.parameters())?;
    let kind = environment.setting("aws:autoscaling:launchconfiguration", "InstanceType");
    let kind = kind.or_else(|| {
        environment
            .setting("aws:ec2:instances", "InstanceTypes")?
            .split(',')
            .next()
    });
    let zones = ["a", "b", "c"].iter().cycle();
    let listed = environment.instances.iter().zip(zones);
    xml.list("InstanceHealthList", listed, |xml, (instance, zone)| {
        xml.text("InstanceId", &instance.id);
        health_of(xml, &instance.health, &wanted);
        if wanted("LaunchedAt") {
            xml.time("LaunchedAt", instance.launched);
        }
        if wanted("ApplicationMetrics") {
            metrics(xml);
        }
        if wanted("System") {
            system(xml);
        }
        if wanted("Deployment") {
            deployment(xml, instance);
        }
        if wanted("AvailabilityZone") {
            xml.text("AvailabilityZone", format!("{}{zone}", cx.call.region));
        }
        if wanted("InstanceType") {
            xml.text("InstanceType", kind.unwrap_or("t3.micro"));
        }
    });
    if wanted("RefreshedAt") {
        xml.time("RefreshedAt", cx.now());
    }
    Ok(())
}

fn enhanced<'a>(cx: &'a Context<'_>) -> Result<&'a Environment, Failure> {
    let parameters = cx.parameters();
    if parameters.text("EnvironmentName").is_none() && parameters.text("EnvironmentId").is_none() {
        return Err(Failure::new(
            "InvalidRequestException",
            "Missing required parameter: EnvironmentName or EnvironmentId.",
        ));
    }
    let environment = &cx.region.environments[cx.environment_index()?];
    if environment.is_enhanced() {
        return Ok(environment);
    }
    Err(Failure::new(
        "InvalidRequestException",
        "DescribeEnvironmentHealth is not supported.",
    ))
}

/// Whether an attribute was asked for; without a list it is none but the name.
fn attributes(parameters: &Parameters) -> Result<impl Fn(&str) -> bool, Failure> {
    let names: Vec<String> = parameters
        .texts("AttributeNames")
        .unwrap_or_default()
        .into_iter()
        .map(str::to_owned)
        .collect();
    if let Some(unknown) = names
        .iter()
        .find(|name| !ATTRIBUTES.contains(&name.as_str()))
    {
        return Err(invalid(format!("Unknown attribute name: {unknown}")));
    }
    Ok(move |name: &str| names.iter().any(|asked| asked == name || asked == "All"))
}

fn health_of(xml: &mut Xml, health: &Health, wanted: &impl Fn(&str) -> bool) {
    if wanted("HealthStatus") {
        xml.text("HealthStatus", health.status.name());
    }
    if wanted("Color") {
        xml.text("Color", health.status.color());
    }
    if wanted("Causes") {
        xml.texts("Causes", &health.causes);
    }
}

/// Requests to the applications of the sandbox are not counted.
fn metrics(xml: &mut Xml) {
    xml.group("ApplicationMetrics", |xml| {
        xml.text("Duration", 10);
        xml.text("RequestCount", 0);
    });
}

fn system(xml: &mut Xml) {
    xml.group("System", |xml| {
        xml.group("CPUUtilization", |xml| {
            for (name, share) in [
                ("User", 0.4),
                ("Nice", 0.0),
                ("System", 0.2),
                ("Idle", 99.3),
                ("IOWait", 0.1),
            ] {
                xml.text(name, share);
            }
            xml.text("IRQ", 0.0);
            xml.text("SoftIRQ", 0.0);
        });
        xml.texts("LoadAverage", ["0.0", "0.01"]);
    });
}

fn summary(xml: &mut Xml, instances: &[Instance]) {
    let count = |status: HealthStatus| {
        instances
            .iter()
            .filter(|instance| instance.health.status == status)
            .count()
    };
    xml.group("InstancesHealth", |xml| {
        xml.text("NoData", 0);
        for status in [
            HealthStatus::Unknown,
            HealthStatus::Pending,
            HealthStatus::Ok,
            HealthStatus::Info,
            HealthStatus::Warning,
            HealthStatus::Degraded,
            HealthStatus::Severe,
        ] {
            xml.text(status.name(), count(status));
        }
    });
}

fn deployment(xml: &mut Xml, instance: &Instance) {
    xml.group("Deployment", |xml| {
        xml.maybe("VersionLabel", instance.label.as_ref());
        xml.text("DeploymentId", instance.deployment);
        xml.text("Status", instance.outcome.name());
        xml.time("DeploymentTime", instance.deployed);
    });
}
