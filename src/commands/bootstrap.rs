//! `beanship bootstrap`: look, plan, agree, make, follow the environment to Green, report.

mod destroy;
mod look;

use std::time::{Duration, Instant};

use crate::aws::Aws;
use crate::aws::error::Explain;
use crate::bootstrap::access_key::{KeyOrder, KeyOut};
use crate::bootstrap::application::{self, SeenEnvironment};
use crate::bootstrap::names::Place;
use crate::bootstrap::permissions;
use crate::bootstrap::wanted::guard;
use crate::bootstrap::{BootstrapReport, BootstrapStep, Made, Part, plan};
use crate::cli::{BootstrapArgs, DeployArgs, FollowingArgs, Format};
use crate::deploy::events;
use crate::deploy::outcome::Outcome;
use crate::deploy::report::DeployReport;
use crate::deploy::watch::{Seen, Watch};
use crate::deploy::{World, wait_until_ready};
use crate::error::{Error, Exit, Kind, Result};
use crate::output::Event;
use crate::plan::{Moment, Plan, Step, Verb};
use crate::settings::{DeploySettings, Target};

use super::redeploy::place as whereabouts;
use super::{Context, signal};

/// How long the launch of an environment may take (facts 11.3, with room).
const TIMEOUT: Duration = Duration::from_secs(30 * 60);

/// Runs the command and reports, whatever happens.
///
/// # Errors
/// None: what goes wrong is in the report.
pub async fn run(cx: &Context, args: &BootstrapArgs) -> Result<Exit> {
    let begun = Instant::now();
    let mut report = BootstrapReport::default();
    let result = tokio::select! {
        result = carry_out(cx, args, &mut report) => result,
        () = signal() => Err(interrupted(args)),
    };
    report.duration_seconds = (begun.elapsed().as_secs_f64() * 1000.0).round() / 1000.0;
    if let Some(error) = report.close(result.err()) {
        cx.out.problem(&error);
    }
    let key_on_stdout = args
        .access_key_out
        .as_deref()
        .is_some_and(|it| it.as_os_str() == "-");
    match key_on_stdout && report.access_key_id.is_some() {
        true => cx.out.event(&Event::Note(
            &crate::output::Report::human(&report).replace('\n', "; "),
        )),
        false => cx.out.result(&report),
    }
    Ok(report.exit())
}

fn interrupted(args: &BootstrapArgs) -> Error {
    let destroy = if args.destroy { " --destroy" } else { "" };
    Error::new(
        Kind::Interrupted,
        "interrupted: what was begun at AWS goes on",
    )
    .hint(format!(
        "run `beanship bootstrap{destroy}` again: it goes on where it stopped"
    ))
}

/// The runbook.
async fn carry_out(cx: &Context, args: &BootstrapArgs, report: &mut BootstrapReport) -> Result<()> {
    let app = args.target.application.app.as_deref();
    let target = cx.target(app, args.target.env.as_deref())?;
    let key = key_order(cx, args)?;
    let settings = deploy_settings(cx, args, &target)?;
    let aws = cx.aws().await?;
    let (place, caller) = aws.first_contact(place(cx, &aws, target)).await?;
    report.about(&place);
    headline(cx, args, &place);
    let deadline = Instant::now() + settings.following.given.unwrap_or(TIMEOUT);
    let world = World::new(aws, &cx.out, &place.target.app, deadline);
    if args.destroy {
        return destroy::run(cx, args, &place, &world, report).await;
    }
    let job = Job {
        cx,
        args,
        settings,
        place,
        world,
        key,
    };
    let mut seen = application::look(&job.world.aws, &job.place.target).await?;
    if !args.plan {
        let looks = seen
            .environment
            .as_ref()
            .filter(|it| !it.description.is_ready());
        if let Some(busy) = looks {
            job.wait(busy).await?;
            seen = application::look(&job.world.aws, &job.place.target).await?;
        }
    }
    let (desired, observed) = job.look(seen).await?;
    let plan = plan(&desired, &observed, &args.only)?;
    let made = args.only.is_empty() || args.only.contains(&Part::Iam);
    report.wants(&desired, &observed, made, plan.changes());
    if plan.is_empty() {
        report.outcome = Outcome::Unchanged;
        report.url = observed
            .application
            .environment
            .and_then(|it| it.description.url);
        return Ok(());
    }
    cx.out.event(&Event::Plan(&report.plan));
    job.check_permissions(&caller, &plan).await;
    report.outcome = Outcome::Planned;
    if args.plan || !cx.agree(&report.plan, &why(&plan, &job.place)).await? {
        return Ok(());
    }
    if let Some(KeyOut::File(path)) = &job.key.to {
        cx.keep_out(path);
    }
    job.make(&plan, observed.application.environment.as_ref(), report)
        .await
}

/// Where bundles go, and how long the launch may take.
fn deploy_settings(cx: &Context, args: &BootstrapArgs, target: &Target) -> Result<DeploySettings> {
    let following = FollowingArgs {
        timeout: args.timeout,
        ..FollowingArgs::default()
    };
    let deploy = DeployArgs {
        following,
        ..DeployArgs::default()
    };
    DeploySettings::resolve(&deploy, &cx.settings, target)
}

/// One run, once it is known what it is about.
struct Job<'a> {
    cx: &'a Context,
    args: &'a BootstrapArgs,
    settings: DeploySettings,
    place: Place,
    world: World,
    key: KeyOrder,
}

impl Job<'_> {
    /// Waits until the environment takes operations, showing its events.
    async fn wait(&self, busy: &SeenEnvironment) -> Result<()> {
        let description = &busy.description;
        let text = format!(
            "{} is {}: waiting until it is Ready",
            description.name, description.status
        );
        self.cx.out.event(&Event::Note(&text));
        self.world.board.follow(&description.name, &[]);
        wait_until_ready(&self.world, &description.name).await?;
        self.world.board.leave(&description.name);
        Ok(())
    }

    /// Tells what the caller seems not to be allowed.
    async fn check_permissions(&self, caller: &str, plan: &Plan<BootstrapStep>) {
        match permissions::missing(&self.world.aws, caller, plan).await {
            Ok(missing) if missing.is_empty() => {}
            Ok(missing) => {
                let missing: Vec<_> = missing.into_iter().collect();
                let text = format!(
                    "by your policies you may not call {}: unless they allow it for these names, this will stop there",
                    missing.join(", ")
                );
                self.cx.out.event(&Event::Warning(&text));
            }
            Err(error) => {
                let text = format!("whether you may do all this cannot be checked: {error}");
                self.cx.out.event(&Event::Note(&text));
            }
        }
    }

    /// Makes the changes and follows the environment, where it is at work then.
    async fn make(
        &self,
        plan: &Plan<BootstrapStep>,
        before: Option<&SeenEnvironment>,
        report: &mut BootstrapReport,
    ) -> Result<()> {
        let name = &self.place.target.environment;
        let past = match before {
            Some(_) => events::read(&self.world.aws, name, None, 100)
                .await
                .unwrap_or_default(),
            None => Vec::new(),
        };
        let mut made = Made::default();
        let tell = |moment: Moment<'_, BootstrapStep>| {
            if let Moment::Done(step, took) = moment {
                self.cx.out.event(&Event::Done(&step.past(), took));
            }
        };
        let applied = plan.apply(&self.world, &mut made, tell).await;
        report.made(&made);
        report.outcome = Outcome::Failed;
        applied?;
        report.outcome = Outcome::Succeeded;
        report.ready = before.is_some() || made.at_work;
        report.url = before.and_then(|it| it.description.url.clone());
        if !made.at_work {
            return Ok(());
        }
        self.world.board.follow(name, &past);
        let watch = Watch {
            world: &self.world,
            name,
            wanted: None,
            previous: before.and_then(|it| it.description.version_label.as_deref()),
            request_id: made.request_id,
            health: self.settings.following.health,
            health_timeout: self.settings.following.health_timeout,
        };
        let mut launch = DeployReport::default();
        launch.about(&self.place.target);
        launch.call("launch");
        let result = watch.to_the_end(Seen::default(), &mut launch).await;
        report.followed(launch, result).map_or(Ok(()), Err)
    }
}

/// Where everything goes; refuses an account that the file does not name.
async fn place(cx: &Context, aws: &Aws, target: Target) -> Result<(Place, String)> {
    let identity = aws.sts.get_caller_identity().send().await;
    let identity = identity.explain("sts", "GetCallerIdentity")?;
    let account = identity.account().unwrap_or_default().to_owned();
    guard(&cx.settings.config, &account)?;
    let infra = &cx.settings.config.infra;
    let caller = identity.arn().unwrap_or_default().to_owned();
    let place = Place {
        account,
        region: aws.region.clone(),
        target,
        path: infra.iam.path.clone().unwrap_or_else(|| "/".into()),
        tags: infra.tags.clone(),
    };
    Ok((place, caller))
}

fn key_order(cx: &Context, args: &BootstrapArgs) -> Result<KeyOrder> {
    let to = match args.access_key_out.as_deref() {
        Some(path) if path.as_os_str() == "-" => {
            if cx.out.format() != Format::Human {
                return Err(Error::new(
                    Kind::Usage,
                    "the access key cannot go to stdout: there the result, or a log, is",
                )
                .hint("name a file: `--access-key-out deployer.json`"));
            }
            Some(KeyOut::Stdout)
        }
        Some(path) => Some(KeyOut::File(path.to_owned())),
        None => None,
    };
    Ok(KeyOrder {
        to,
        rotate: args.rotate_key,
    })
}

fn headline(cx: &Context, args: &BootstrapArgs, place: &Place) {
    let text = format!(
        "{} {} of {} (account {}, {})",
        if args.destroy {
            "Taking away"
        } else {
            "Bootstrapping"
        },
        place.target.environment,
        place.target.app,
        place.account,
        whereabouts(cx, &place.region)
    );
    cx.out.event(&Event::Headline(&text));
}

/// Why the plan is asked about.
fn why(plan: &Plan<BootstrapStep>, place: &Place) -> String {
    let changes = plan.changes();
    let others = changes.iter().filter(|it| it.verb != Verb::Create).count();
    let account = &place.account;
    let things = |count: usize| match count {
        1 => "one thing".to_owned(),
        count => format!("{count} things"),
    };
    match others {
        0 => format!("this makes {} in account {account}", things(changes.len())),
        _ => format!(
            "this changes or removes {} in account {account}",
            things(others)
        ),
    }
}
