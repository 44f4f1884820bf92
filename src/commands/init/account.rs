//! The account's applications and environments, where credentials can be had.

use std::collections::BTreeMap;

use crate::aws::Aws;
use crate::aws::error::Explain;
use crate::commands::Context;
use crate::deploy::environment::SERVICE;
use crate::error::Result;
use crate::output::Event;
use crate::settings::SandboxMode;

/// An application of the account.
pub(super) struct Application {
    pub(super) name: String,
    pub(super) environments: Vec<String>,
}

/// Asks AWS. Without an answer there is nothing to offer, and that is a remark.
pub(super) async fn look(cx: &Context, region: &str) -> Vec<Application> {
    let mut settings = cx.settings.clone();
    settings.region = Some(region.to_owned());
    let here = Context::new(settings, cx.out.clone());
    match all(&here).await {
        Ok(applications) => applications,
        Err(error) => {
            if cx.settings.sandbox == SandboxMode::Off {
                let text = format!("the account is not looked at: {error}");
                cx.out.event(&Event::Note(&text));
            }
            Vec::new()
        }
    }
}

async fn all(cx: &Context) -> Result<Vec<Application>> {
    let aws = cx.aws().await?;
    aws.first_contact(ask(&aws)).await
}

async fn ask(aws: &Aws) -> Result<Vec<Application>> {
    let applications = aws.eb.describe_applications().send().await;
    let applications = applications.explain(SERVICE, "DescribeApplications")?;
    let request = aws.eb.describe_environments().include_deleted(false);
    let environments = request.send().await;
    let environments = environments.explain(SERVICE, "DescribeEnvironments")?;
    let mut all: BTreeMap<String, Vec<String>> = applications
        .applications()
        .iter()
        .filter_map(|it| Some((it.application_name()?.to_owned(), Vec::new())))
        .collect();
    for it in environments.environments() {
        if let (Some(app), Some(name)) = (it.application_name(), it.environment_name()) {
            all.entry(app.to_owned()).or_default().push(name.to_owned());
        }
    }
    let application = |(name, environments)| Application { name, environments };
    Ok(all.into_iter().map(application).collect())
}
