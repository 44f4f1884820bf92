//! An environment as the API describes it.

use super::super::xml::Xml;
use super::context::Context;
use super::model::{Environment, Status};
use super::platforms;

/// The fields of an EnvironmentDescription.
pub(super) fn environment(xml: &mut Xml, cx: &Context<'_>, environment: &Environment) {
    let region = &cx.call.region;
    let name = &environment.name;
    xml.text("EnvironmentName", name);
    xml.text("EnvironmentId", &environment.id);
    xml.text("ApplicationName", &environment.application);
    xml.maybe("VersionLabel", environment.label.as_ref());
    xml.text(
        "SolutionStackName",
        platforms::stack_of(&environment.platform),
    );
    xml.text("PlatformArn", &environment.platform);
    xml.maybe("Description", environment.description.as_ref());
    if !environment.worker && environment.status != Status::Launching {
        xml.text("EndpointURL", endpoint(environment, region));
    }
    if !environment.worker {
        xml.text("CNAME", environment.cname(region));
    }
    xml.time("DateCreated", environment.created);
    xml.time("DateUpdated", environment.updated);
    xml.text("Status", environment.status.name());
    xml.text("AbortableOperationInProgress", environment.abortable);
    xml.text("Health", environment.health.status.color());
    if environment.is_enhanced() {
        xml.text("HealthStatus", environment.health.status.name());
    }
    tier(xml, environment.worker);
    xml.texts("EnvironmentLinks", [""; 0]);
    xml.text(
        "EnvironmentArn",
        cx.arn(
            "environment",
            &format!("{}/{name}", environment.application),
        ),
    );
    xml.maybe("OperationsRole", environment.operations_role.as_ref());
}

pub(super) fn tier(xml: &mut Xml, worker: bool) {
    xml.group("Tier", |xml| {
        xml.text("Name", if worker { "Worker" } else { "WebServer" });
        xml.text("Type", if worker { "SQS/HTTP" } else { "Standard" });
        xml.text("Version", "1.0");
    });
}

/// The address of a single instance, otherwise the name of the load balancer.
fn endpoint(environment: &Environment, region: &str) -> String {
    if environment.is_single() {
        return "192.0.2.10".to_owned();
    }
    format!("awseb-{}.{region}.elb.amazonaws.com", environment.id)
}
