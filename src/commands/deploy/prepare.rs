//! What comes before the plan: which environment, the bundle, the first look, the wait.

use std::time::{Duration, Instant};

use crate::cli::DeployArgs;
use crate::commands::Context;
use crate::commands::bundle::{Bundled, Job, stopped};
use crate::commands::images::{Ask, pin};
use crate::commands::redeploy::place;
use crate::deploy::configuration;
use crate::deploy::deployments::Deployments;
use crate::deploy::outcome::Outcome;
use crate::deploy::source::Source;
use crate::deploy::version::Label;
use crate::deploy::{self, Desired, First, World, first_look, wait_until_ready};
use crate::error::{Error, Kind, Result};
use crate::output::Event;
use crate::properties::Options;
use crate::settings::{Choice, Chosen, DeploySettings, SandboxMode, Target, duration};

/// How long a deploy whose bundle is wrong waits for what the checks at AWS say as well.
const ALSO_AT_AWS: Duration = Duration::from_secs(3);

/// What there is before anything is planned.
#[derive(Debug)]
pub(super) struct Ground {
    pub(super) bundled: Bundled,
    pub(super) world: World,
    /// The first look at each environment.
    pub(super) firsts: Vec<First>,
    /// How long each environment's deploy may take.
    timeouts: Vec<Duration>,
    /// The images that may be others tomorrow, in words.
    moving: Vec<String>,
}

impl Ground {
    /// What is wanted of each environment: the same version.
    pub(super) fn desired(
        &self,
        args: &DeployArgs,
        source: &Source,
        targets: &[Target],
        settings: &[DeploySettings],
    ) -> Vec<Desired> {
        let file = &self.bundled.file;
        let all = targets.iter().zip(settings).zip(&self.timeouts);
        all.map(|((target, settings), timeout)| Desired {
            options: Options::default(),
            undo: Options::default(),
            label: Label::of(settings.label.as_deref(), source, &file.sha256),
            description: source.description(settings.message.as_deref()),
            bundle: file.clone(),
            bucket: settings.bucket.clone(),
            force: args.force,
            moving: self.moving.clone(),
            timeout: *timeout,
            target: target.clone(),
        })
        .collect()
    }
}

/// The environments; none where no environment belongs to the branch and CI runs this.
pub(super) fn choose(
    cx: &Context,
    args: &DeployArgs,
    source: &Source,
    all: &mut Deployments,
) -> Result<Vec<Target>> {
    if let Some(trouble) = &source.trouble {
        let text = format!("git does not tell about this tree: {trouble}");
        cx.out.event(&Event::Warning(&text));
    }
    let app = cx.settings.app(args.application.app.as_deref())?;
    all.reports[0].application = Some(app.clone());
    let branch = cx.settings.branch(source.branch.as_deref());
    let choice = |wanted| Choice {
        config: &cx.settings.config,
        app: &app,
        wanted,
        branch: branch.as_deref(),
        any_branch: args.any_branch,
    };
    let wanted = cx.settings.environ.all_wanted(&args.env);
    let by_branch = wanted.is_empty().then_some(None);
    let (mut targets, mut problems) = (Vec::new(), Vec::new());
    for wanted in by_branch.into_iter().chain(wanted.into_iter().map(Some)) {
        let choice = choice(wanted);
        match choice.choose() {
            Ok(Chosen::Target(target)) if targets.contains(&target) => {}
            Ok(Chosen::Target(target)) => targets.push(target),
            Ok(Chosen::NoneForBranch) if cx.settings.knows_branch(branch.as_deref()) => {
                let why = choice.none_for_branch().message().to_owned();
                cx.out
                    .event(&Event::Note(&format!("nothing is deployed: {why}")));
                all.reports[0].settle(Outcome::Skipped, Some(why));
                return Ok(Vec::new());
            }
            Ok(Chosen::NoneForBranch) => problems.push(choice.none_for_branch()),
            Err(error) => problems.push(error),
        }
    }
    problems.extend(different_compose_files(cx, &targets));
    if let Some(problem) = Error::all(problems) {
        return Err(problem);
    }
    all.about(&targets);
    cx.about(&targets[0]);
    Ok(targets)
}

/// One bundle has one compose file.
fn different_compose_files(cx: &Context, targets: &[Target]) -> Option<Error> {
    let file = |target: &Target| cx.settings.compose(target.key.as_deref());
    let (first, rest) = targets.split_first()?;
    let other = rest.iter().find(|other| file(other) != file(first))?;
    let text = format!(
        "{} and {} cannot be deployed together: their compose files differ ({} and {})",
        first.environment,
        other.environment,
        file(first).display(),
        file(other).display()
    );
    Some(Error::new(Kind::Usage, text).hint(format!(
        "deploy them one after the other: `beanship deploy --env {}`",
        first.key.as_ref().unwrap_or(&first.environment)
    )))
}

/// What is bundled: with `--build`, images are made first, once it is certain that there is an
/// environment for them.
pub(super) async fn job(
    cx: &Context,
    args: &DeployArgs,
    source: &Source,
    targets: &[Target],
    settings: &[DeploySettings],
) -> Result<(Job, Vec<String>)> {
    let keys: Vec<_> = targets.iter().map(|it| it.key.as_deref()).collect();
    let mut job = Job::new(cx, &keys, None);
    let mut ask = Ask {
        build: None,
        plans_to_build: args.images.build && args.plan,
        allow_unpinned: args.images.allow_unpinned,
    };
    if args.images.build && args.plan {
        let text = "images are not built for a plan: it shows the bundle as it is without them";
        cx.out.event(&Event::Note(text));
    } else if args.images.build {
        if cx.settings.sandbox == SandboxMode::Off {
            first_look(&cx.aws().await?, targets, &settings[0].bucket).await?;
        }
        ask.build = Some((settings[0].label.as_deref(), source));
    }
    let moving = pin(cx, &mut job, &keys, ask).await?;
    Ok((job, moving))
}

/// Makes the bundle while the environments are looked at. A bundle that cannot be made ends the
/// deploy before AWS matters; what our checks have found there by then is told as well.
pub(super) async fn prepare(
    cx: &Context,
    targets: &[Target],
    settings: &[DeploySettings],
    (job, moving): (Job, Vec<String>),
    begun: Instant,
) -> Result<Ground> {
    let out = cx.out.clone();
    let mut bundling = tokio::task::spawn_blocking(move || job.make(&out));
    let looking = async {
        let aws = cx.aws().await?;
        headline(cx, targets, &aws.region);
        let firsts = first_look(&aws, targets, &settings[0].bucket).await?;
        Ok((aws, firsts))
    };
    tokio::pin!(looking);
    let (bundled, looked) = tokio::select! {
        bundled = &mut bundling => (bundled, None),
        looked = &mut looking => ((&mut bundling).await, Some(looked)),
    };
    let mut problems = Vec::new();
    problems.extend(
        settings[0]
            .label
            .as_deref()
            .and_then(|label| Label::check(label).err()),
    );
    match bundled.map_err(|why| stopped(&why))? {
        Ok(bundled) if problems.is_empty() => {
            let (aws, firsts) = match looked {
                Some(looked) => looked?,
                None => looking.await?,
            };
            let timeouts = timeouts(cx, settings, &firsts);
            let longest = timeouts.iter().max().copied().unwrap_or_default();
            let world = World::new(aws, &cx.out, &targets[0].app, begun + longest);
            Ok(Ground {
                bundled,
                world,
                firsts,
                timeouts,
                moving,
            })
        }
        bundled => {
            problems.extend(bundled.err());
            let looked = match looked {
                Some(looked) => Some(looked),
                None => tokio::time::timeout(ALSO_AT_AWS, looking).await.ok(),
            };
            let at_aws = looked.and_then(|looked| match looked {
                Ok((_, firsts)) => firsts.into_iter().find_map(|first| first.bucket.err()),
                Err(error) => Some(error),
            });
            problems.extend(at_aws.filter(|error| error.kind() == Kind::Check));
            Err(Error::all(problems).expect("at least one problem"))
        }
    }
}

/// How long each deploy may take; tells what could not be seen.
fn timeouts(cx: &Context, settings: &[DeploySettings], firsts: &[First]) -> Vec<Duration> {
    for note in firsts.iter().flat_map(|first| &first.notes) {
        cx.out.event(&Event::Note(note));
    }
    let timeout = |(settings, first): (&DeploySettings, &First)| {
        let timeout = settings
            .following
            .timeout(first.configuration.as_ref().ok());
        if let (Err(why), None) = (&first.configuration, settings.following.given) {
            let name = &first.environment.name;
            let within = duration::words(timeout);
            let text = format!(
                "the settings of {name} cannot be read, so its update may take {within}: {why}"
            );
            cx.out.event(&Event::Note(&text));
        }
        timeout
    };
    settings.iter().zip(firsts).map(timeout).collect()
}

fn headline(cx: &Context, targets: &[Target], region: &str) {
    let names: Vec<&str> = targets.iter().map(|it| it.environment.as_str()).collect();
    let text = format!(
        "Deploying {} to {} ({})",
        targets[0].app,
        names.join(", "),
        place(cx, region)
    );
    cx.out.event(&Event::Headline(&text));
}

/// Waits for a busy environment, before anything is used up, and looks again.
pub(in crate::commands) async fn ready(world: &World, first: First) -> Result<First> {
    if first.environment.is_ready() {
        return Ok(first);
    }
    let name = first.environment.name.clone();
    let text = format!(
        "{name} is {}: waiting until it is Ready",
        first.environment.status
    );
    world.out.event(&Event::Note(&text));
    let environment = wait_until_ready(world, &name).await?;
    let events = deploy::events::read(&world.aws, &name, None, 100)
        .await
        .unwrap_or_default();
    // What it was busy with may have changed its settings.
    let configuration = configuration::read(&world.aws, &environment.application, &name).await;
    Ok(First {
        environment,
        events,
        configuration,
        ..first
    })
}
