//! A change of an environment's properties, followed to the end like a deploy.

use crate::cli::ChangeArgs;
use crate::commands::Context;
use crate::commands::redeploy::{Course, Plain, Redeploy, place, reported};
use crate::deploy::configuration::Configuration;
use crate::deploy::environment::Environment;
use crate::deploy::outcome::Outcome;
use crate::deploy::report::DeployReport;
use crate::deploy::{DeployStep, World};
use crate::error::{Exit, Result};
use crate::output::Event;
use crate::plan::Plan;
use crate::properties::Options;
use crate::settings::Target;

/// What the steps are decided by.
pub(super) struct Around<'a> {
    pub(super) cx: &'a Context,
    pub(super) world: &'a World,
    pub(super) target: &'a Target,
    pub(super) environment: &'a Environment,
    pub(super) seen: &'a Configuration,
}

impl Around<'_> {
    /// The step that changes these options, if any change.
    pub(super) fn configure(&self, options: Options) -> Vec<DeployStep> {
        if options.is_empty() {
            return Vec::new();
        }
        vec![DeployStep::Configure {
            environment: self.environment.name.clone(),
            application: self.target.app.clone(),
            options,
        }]
    }

    pub(super) fn note(&self, text: &str) {
        self.cx.out.event(&Event::Note(text));
    }

    pub(super) fn warn(&self, text: &str) {
        self.cx.out.event(&Event::Warning(text));
    }

    /// Tells where the project file has its own word about a property.
    pub(super) fn warn_of_file(&self, name: &str) {
        let config = &self.cx.settings.config;
        let own = self.target.key.as_ref();
        let own = own.and_then(|key| config.environments.get(key)?.properties.as_ref());
        let declared = config.properties.iter().chain(own);
        if declared.flat_map(|it| it.keys()).any(|key| key == name) {
            self.warn(&format!(
                "beanship.yml names {name} too: the next deploy sets what the file says"
            ));
        }
    }
}

/// Looks, decides, shows the plan, asks, applies and follows.
///
/// # Errors
/// None: what goes wrong is in the report.
pub(super) async fn change(
    cx: &Context,
    args: &ChangeArgs,
    what: &str,
    decide: impl AsyncFnOnce(&Around<'_>) -> Result<Vec<DeployStep>>,
) -> Result<Exit> {
    let work = async |report: &mut Plain| {
        let report = &mut report.0;
        let app = args.target.application.app.as_deref();
        let target = cx.target(app, args.target.env.as_deref())?;
        report.about(&target);
        let course = Course::begin(cx, &args.follow, &target)?;
        let result = carry_out(cx, args, what, &target, &course, decide, report).await;
        result.map_err(|error| cx.hint_at_sandbox(error))
    };
    Ok(reported(cx, Plain::default(), work).await)
}

async fn carry_out(
    cx: &Context,
    args: &ChangeArgs,
    what: &str,
    target: &Target,
    course: &Course,
    decide: impl AsyncFnOnce(&Around<'_>) -> Result<Vec<DeployStep>>,
    report: &mut DeployReport,
) -> Result<()> {
    let wait = !args.follow.plan;
    let (world, first) = course.look(cx, target, wait, report).await?;
    let (name, place) = (&target.environment, place(cx, &world.aws.region));
    let text = format!("{what} of {name} ({place})");
    cx.out.event(&Event::Headline(&text));
    let seen = first.configuration.clone()?;
    let around = Around {
        cx,
        world: &world,
        target,
        environment: &first.environment,
        seen: &seen,
    };
    let steps = decide(&around).await?;
    if steps.is_empty() {
        let why = format!("{name} has it so already");
        report.settle(Outcome::Unchanged, Some(why));
        return Ok(());
    }
    let label = first.environment.version_label.clone().unwrap_or_default();
    let redeploy = Redeploy {
        course,
        world,
        environment: &first.environment,
        label: &label,
        plan: Plan::new(steps),
        asked: Some(format!("this changes what {name} runs with")),
    };
    redeploy.run(cx, &args.follow, report).await
}
