//! `beanship promote`: the version of one environment, or one that is named, goes to another as it is.

use crate::cli::PromoteArgs;
use crate::deploy::environment::{self, Environment, Instances};
use crate::deploy::events;
use crate::deploy::history::History;
use crate::deploy::rollback::{plan, undeployable, without_bundle};
use crate::deploy::{World, version};
use crate::error::{Error, Exit, Kind, Result};
use crate::output::Event;
use crate::properties::Options;
use crate::settings::Target;

use super::redeploy::{Course, Plain, Redeploy, is_protected, place, reported};
use super::{Context, status};

/// How many events are read to know how the last operation ended.
const LATEST: usize = 100;

/// Runs the command and reports, whatever happens.
///
/// # Errors
/// None: what goes wrong is in the report.
pub async fn run(cx: &Context, args: &PromoteArgs) -> Result<Exit> {
    let report = Plain::default();
    Ok(reported(cx, report, async |report| promote(cx, args, report).await).await)
}

/// The runbook.
async fn promote(cx: &Context, args: &PromoteArgs, Plain(report): &mut Plain) -> Result<()> {
    let to = cx.target(args.application.app.as_deref(), Some(&args.to))?;
    let from = source(cx, args, &to)?;
    report.call("promotion");
    report.application = Some(to.app.clone());
    report.environment = Some(to.environment.clone());
    let course = Course::begin(cx, &args.follow, &to)?;
    let (world, first) = course.look(cx, &to, !args.follow.plan, report).await?;
    let place = place(cx, &world.aws.region);
    let text = format!("Promoting {} to {} ({place})", from.name(), to.environment);
    cx.out.event(&Event::Headline(&text));
    let proven = match &from {
        Source::Environment(from) => Proven::look(&world, from).await?,
        Source::Label(label) => Proven::named(&world, &to.app, label).await?,
    };
    for doubt in &proven.doubts {
        cx.out.event(&Event::Warning(doubt));
    }
    let instances = environment::instances(&world.aws, &to.environment).await?;
    let ended_badly = History::of(&first.events).ended_badly;
    let asked = match proven.doubts.is_empty() {
        false => Some(format!(
            "{} does not show that {} is good",
            from.name(),
            proven.label
        )),
        true => is_protected(cx, &to).then(|| format!("{} is protected", to.environment)),
    };
    let timeout = course.timeout(&world);
    let redeploy = Redeploy {
        course: &course,
        world,
        environment: &first.environment,
        label: &proven.label,
        plan: plan(
            &proven.label,
            &first.environment,
            &instances,
            ended_badly,
            (Options::default(), timeout),
        ),
        asked,
    };
    redeploy.run(cx, &args.follow, report).await
}

/// Where the version comes from.
enum Source {
    Environment(Target),
    Label(String),
}

impl Source {
    fn name(&self) -> &str {
        match self {
            Self::Environment(from) => &from.environment,
            Self::Label(label) => label,
        }
    }
}

fn source(cx: &Context, args: &PromoteArgs, to: &Target) -> Result<Source> {
    if let Some(label) = &args.version_label {
        return Ok(Source::Label(label.clone()));
    }
    let from = cx.target(args.application.app.as_deref(), args.from.as_deref())?;
    if from.environment == to.environment {
        let name = &to.environment;
        return Err(Error::new(
            Kind::Usage,
            format!("`--from` and `--to` are the same environment: {name}"),
        )
        .hint("list the environments with `beanship list`"));
    }
    Ok(Source::Environment(from))
}

/// A version that can be deployed, and what its environment shows of it.
struct Proven {
    /// The version.
    label: String,
    /// What speaks against it.
    doubts: Vec<String>,
}

impl Proven {
    /// Looks at the environment, its instances and the version it runs.
    async fn look(world: &World, from: &Target) -> Result<Self> {
        let (aws, name) = (&world.aws, &from.environment);
        let (found, instances, latest) = tokio::join!(
            environment::find(aws, name),
            environment::instances(aws, name),
            events::read(aws, name, None, LATEST),
        );
        let environment = found?.ok_or_else(|| status::missing(from, &aws.region))?;
        if environment.application != from.app {
            let theirs = &environment.application;
            return Err(Error::new(
                Kind::Check,
                format!("{name} belongs to the application {theirs}, not to {}: a version stays in its application", from.app),
            )
            .hint("list the environments with `beanship list`"));
        }
        let Some(label) = environment.version_label.clone() else {
            return Err(
                Error::new(Kind::Check, format!("{name} runs no version")).hint(format!(
                    "deploy to it first: `beanship deploy --env {name}`"
                )),
            );
        };
        let ended_badly = latest.is_ok_and(|latest| History::of(&latest).ended_badly);
        let doubts = doubts(&environment, &instances?, ended_badly);
        let proven = Self::named(world, &from.app, &label).await?;
        Ok(Self { doubts, ..proven })
    }

    /// Looks at a version by itself.
    async fn named(world: &World, app: &str, label: &str) -> Result<Self> {
        let aws = &world.aws;
        let versions = version::describe(aws, app, &[label.to_owned()]).await?;
        let gone = !without_bundle(aws, versions.iter()).await?.is_empty();
        let fit = versions.iter().any(|version| version.unfit().is_none());
        if gone || !fit {
            return Err(undeployable(&versions, label, gone, app));
        }
        Ok(Self {
            label: label.to_owned(),
            doubts: Vec::new(),
        })
    }
}

/// What speaks against the version that an environment runs.
fn doubts(environment: &Environment, instances: &Instances, ended_badly: bool) -> Vec<String> {
    let (name, label) = (&environment.name, environment.version_label.as_deref());
    let mut doubts = Vec::new();
    if !environment.is_ready() {
        doubts.push(format!(
            "{name} is {}: its version may change",
            environment.status
        ));
    }
    if ended_badly {
        doubts.push(format!("the last update of {name} failed or was aborted"));
    }
    if !instances.all_run(label) {
        let label = label.unwrap_or("its version");
        doubts.push(format!("not every instance of {name} runs {label}"));
    }
    if !matches!(environment.health.as_str(), "Green" | "Yellow") {
        doubts.push(format!("the health of {name} is {}", environment.health));
    }
    doubts
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_ready_healthy_environment_on_one_version_proves_it() {
        let environment = |status: &str, health: &str| Environment {
            name: "shop-staging".into(),
            status: status.into(),
            health: health.into(),
            version_label: Some("v2".into()),
            ..Environment::default()
        };
        let instance = |label: &str| environment::Instance {
            id: "i-1".into(),
            version_label: Some(label.into()),
            deployment: Some("Deployed".into()),
            health: None,
            causes: Vec::new(),
        };
        let on = |label: &str| Instances::Known(vec![instance("v2"), instance(label)]);
        assert_eq!(
            doubts(&environment("Ready", "Green"), &on("v2"), false),
            [""; 0]
        );
        assert_eq!(
            doubts(&environment("Ready", "Yellow"), &on("v2"), false),
            [""; 0]
        );
        let all = doubts(&environment("Updating", "Red"), &on("v1"), true);
        insta::assert_snapshot!(all.join("\n"), @"
        shop-staging is Updating: its version may change
        the last update of shop-staging failed or was aborted
        not every instance of shop-staging runs v2
        the health of shop-staging is Red
        ");
    }
}
