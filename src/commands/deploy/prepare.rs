//! What comes before the plan: which environment, the bundle, the first look, the wait.

use std::time::{Duration, Instant};

use crate::cli::DeployArgs;
use crate::commands::Context;
use crate::commands::bundle::{Bundled, Job, stopped};
use crate::deploy::events::Follower;
use crate::deploy::outcome::Outcome;
use crate::deploy::report::DeployReport;
use crate::deploy::source::Source;
use crate::deploy::version::Label;
use crate::deploy::{self, First, World, first_look, wait_until_ready};
use crate::error::{Error, Kind, Result};
use crate::output::Event;
use crate::settings::{Choice, Chosen, DeploySettings, SandboxMode, Target};

/// How long a deploy whose bundle is wrong waits for what the checks at AWS say as well.
const ALSO_AT_AWS: Duration = Duration::from_secs(3);

/// The environment; none where no environment belongs to the branch and CI runs this.
pub(super) fn choose(
    cx: &Context,
    args: &DeployArgs,
    source: &Source,
    report: &mut DeployReport,
) -> Result<Option<Target>> {
    if let Some(trouble) = &source.trouble {
        let text = format!("git does not tell about this tree: {trouble}");
        cx.out.event(&Event::Warning(&text));
    }
    let app = cx.settings.app(args.target.application.app.as_deref())?;
    report.application = Some(app.clone());
    let branch = cx.settings.branch(source.branch.as_deref());
    let choice = Choice {
        config: &cx.settings.config,
        app: &app,
        wanted: cx.settings.wanted(args.target.env.as_deref()),
        branch: branch.as_deref(),
        any_branch: args.any_branch,
    };
    match choice.choose()? {
        Chosen::Target(target) => {
            report.about(&target);
            cx.about(&target);
            Ok(Some(target))
        }
        Chosen::NoneForBranch if cx.settings.knows_branch(branch.as_deref()) => {
            let why = choice.none_for_branch().message().to_owned();
            cx.out
                .event(&Event::Note(&format!("nothing is deployed: {why}")));
            report.settle(Outcome::Skipped, Some(why));
            Ok(None)
        }
        Chosen::NoneForBranch => Err(choice.none_for_branch()),
    }
}

/// Makes the bundle while the environment is looked at. A bundle that cannot be made ends the
/// deploy before AWS matters; what our checks have found there by then is told as well.
pub(super) async fn prepare(
    cx: &Context,
    target: &Target,
    settings: &DeploySettings,
    deadline: Instant,
) -> Result<(Bundled, World, First)> {
    let (job, out) = (Job::new(cx, target.key.as_deref(), None), cx.out.clone());
    let mut bundling = tokio::task::spawn_blocking(move || job.make(&out));
    let looking = async {
        let aws = cx.aws().await?;
        headline(cx, target, &aws.region);
        let first = first_look(&aws, target, &settings.bucket).await?;
        Ok((
            World {
                aws,
                out: cx.out.clone(),
                deadline,
            },
            first,
        ))
    };
    tokio::pin!(looking);
    let (bundled, looked) = tokio::select! {
        bundled = &mut bundling => (bundled, None),
        looked = &mut looking => ((&mut bundling).await, Some(looked)),
    };
    let mut problems = Vec::new();
    problems.extend(
        settings
            .label
            .as_deref()
            .and_then(|label| Label::check(label).err()),
    );
    match bundled.map_err(|why| stopped(&why))? {
        Ok(bundled) if problems.is_empty() => {
            let (world, first) = match looked {
                Some(looked) => looked?,
                None => looking.await?,
            };
            for note in &first.notes {
                cx.out.event(&Event::Note(note));
            }
            Ok((bundled, world, first))
        }
        bundled => {
            problems.extend(bundled.err());
            let looked = match looked {
                Some(looked) => Some(looked),
                None => tokio::time::timeout(ALSO_AT_AWS, looking).await.ok(),
            };
            let at_aws = looked.and_then(|looked| match looked {
                Ok((_, first)) => first.bucket.err(),
                Err(error) => Some(error),
            });
            problems.extend(at_aws.filter(|error| error.kind() == Kind::Check));
            Err(Error::all(problems).expect("at least one problem"))
        }
    }
}

fn headline(cx: &Context, target: &Target, region: &str) {
    let place = match cx.settings.sandbox {
        SandboxMode::Off => region.to_owned(),
        _ => format!("{region}, in the sandbox"),
    };
    let text = format!(
        "Deploying {} to {} ({place})",
        target.app, target.environment
    );
    cx.out.event(&Event::Headline(&text));
    for key in cx.settings.config.without_effect() {
        let text = format!("`{key}` in beanship.yml has no effect yet");
        cx.out.event(&Event::Warning(&text));
    }
}

/// Waits for a busy environment, before anything is used up, and looks again.
pub(in crate::commands) async fn ready(
    world: &World,
    first: First,
    follower: &mut Follower,
) -> Result<First> {
    if first.environment.is_ready() {
        return Ok(first);
    }
    let name = first.environment.name.clone();
    let text = format!(
        "{name} is {}: waiting until it is Ready",
        first.environment.status
    );
    world.out.event(&Event::Note(&text));
    let environment = wait_until_ready(world, &name, follower).await?;
    let events = deploy::events::read(&world.aws, &name, None, 100)
        .await
        .unwrap_or_default();
    Ok(First {
        environment,
        events,
        ..first
    })
}
