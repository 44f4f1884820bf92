//! Tables for the two pure parts of a deploy: what is planned, and what a look means.

mod judge;
mod plan;
mod stories;

use super::environment::{Environment, Instance};

pub(super) fn environment(label: Option<&str>, status: &str, health: &str) -> Environment {
    Environment {
        name: "shop-prod".into(),
        id: "e-abcdefghij".into(),
        application: "shop".into(),
        status: status.into(),
        health: health.into(),
        health_status: None,
        version_label: label.map(Into::into),
        url: None,
        platform: None,
        tier: Some(("WebServer".into(), "Standard".into())),
        updated: None,
        abortable: false,
        arn: None,
        operations_role: None,
    }
}

fn instance(id: &str, label: &str, deployment: &str) -> Instance {
    Instance {
        id: id.into(),
        version_label: Some(label.into()),
        deployment: Some(deployment.into()),
        health: None,
        causes: Vec::new(),
    }
}
