//! What is read at AWS before anything is written, in two looks: the environment (while the
//! bundle is being made) and, once its digest is known, the versions and the bucket.

use std::time::Instant;

use super::board::is_final;
use super::bucket::{Bucket, BucketWish};
use super::configuration::{self, Configuration};
use super::environment::{self, Environment, Instances};
use super::events::{self, Event, Scope};
use super::steps::{World, out_of_time};
use super::stored::{self, objects};
use super::version::{self, Content, Label};
use super::{Candidate, Desired, Observed};
use crate::aws::error::Explain;
use crate::aws::{Aws, Purpose};
use crate::error::{Error, Kind, Result};
use crate::output;
use crate::settings::{Target, duration};

/// How many events of an environment the first look reads, to know how the last operation ended.
const LATEST: usize = 100;
/// The same, for all environments of an application in one call.
const LATEST_OF_ALL: usize = 1000;

/// The first look at an environment.
#[derive(Debug, Clone)]
pub struct First {
    /// The caller's account.
    pub account: String,
    /// The environment.
    pub environment: Environment,
    /// Its latest events, newest first.
    pub events: Vec<Event>,
    /// Its option settings, or why they cannot be read.
    pub configuration: Result<Configuration>,
    /// The bucket, or why it cannot be used.
    pub bucket: Result<Bucket>,
    /// Remarks on what could not be seen.
    pub notes: Vec<String>,
}

/// Looks at the environments of an application and the bucket and checks that they are the right
/// ones.
///
/// # Errors
/// [`Kind::Check`] for environments that are not there or cannot be deployed to, together with
/// what is wrong with the bucket; else what AWS says.
pub async fn first_look(aws: &Aws, targets: &[Target], wish: &BucketWish) -> Result<Vec<First>> {
    let names: Vec<String> = targets.iter().map(|it| it.environment.clone()).collect();
    let bucket = async {
        let account = caller_account(aws).await?;
        let bucket = wish.look(aws, &account).await;
        Ok((account, bucket))
    };
    let looks = async {
        let (bucket, found, events, configurations) = tokio::join!(
            bucket,
            environment::describe(aws, None, &names),
            latest(aws, targets),
            futures_util::future::join_all(targets.iter().map(|target| settings(aws, target))),
        );
        Ok((bucket?, found?, events, configurations))
    };
    let ((account, bucket), found, events, configurations) = aws.first_contact(looks).await?;
    let named = |name: &str| found.iter().find(|it| it.name == name).cloned();
    let mut problems = Vec::new();
    for target in targets {
        match named(&target.environment) {
            Some(environment) => problems.extend(unfit(&environment, target)),
            None => problems.push(missing(aws, target).await),
        }
    }
    if !problems.is_empty() {
        problems.extend(bucket.err().filter(|error| error.kind() == Kind::Check));
        return Err(Error::all(problems).expect("at least one problem"));
    }
    let mut notes = Vec::new();
    if matches!(bucket, Ok(Bucket::NotTold)) {
        let name = wish.bucket(&aws.region, &account);
        notes.push(format!(
            "the bucket {name} cannot be looked at: the caller may not call s3:ListBucket"
        ));
    }
    let events = match events {
        Ok(events) => events,
        Err(error) if error.kind() == Kind::Denied => {
            let why = "the caller may not call elasticbeanstalk:DescribeEvents";
            notes.push(format!("events cannot be shown: {why}"));
            Vec::new()
        }
        Err(error) => return Err(error),
    };
    let all = targets.iter().zip(configurations);
    let firsts = all.filter_map(|(target, configuration)| {
        let own = |event: &&Event| event.environment.as_ref() == Some(&target.environment);
        Some(First {
            account: account.clone(),
            environment: named(&target.environment)?,
            events: events.iter().filter(own).cloned().collect(),
            configuration,
            bucket: bucket.clone(),
            notes: std::mem::take(&mut notes),
        })
    });
    Ok(firsts.collect())
}

/// The latest events of the environments, newest first: in one call, and once more for those of
/// which that does not tell how their last operation ended.
async fn latest(aws: &Aws, targets: &[Target]) -> Result<Vec<Event>> {
    let [first, _, ..] = targets else {
        let name = targets.first().map_or("", |it| it.environment.as_str());
        let mut events = events::read(aws, name, None, LATEST).await?;
        // The environment that was asked for, also where the service leaves its name out.
        for event in &mut events {
            event.environment = Some(name.to_owned());
        }
        return Ok(events);
    };
    let scope = Scope::Application(&first.app);
    let mut all = events::read_in(aws, scope, None, LATEST_OF_ALL).await?;
    if all.len() < LATEST_OF_ALL {
        return Ok(all);
    }
    for target in targets {
        let name = &target.environment;
        let ends = |event: &Event| {
            event.environment.as_ref() == Some(name)
                && (event.tells_success() || event.tells_failure())
        };
        if !all.iter().any(ends) {
            let _turn = aws.turn(Purpose::Look).await;
            let own = events::read(aws, name, None, LATEST).await?;
            all.retain(|event| event.environment.as_ref() != Some(name));
            all.extend(own);
        }
    }
    Ok(all)
}

async fn settings(aws: &Aws, target: &Target) -> Result<Configuration> {
    let _turn = aws.turn(Purpose::Look).await;
    configuration::read(aws, &target.app, &target.environment).await
}

/// The account of the caller.
///
/// # Errors
/// What AWS says.
pub async fn caller_account(aws: &Aws) -> Result<String> {
    let identity = aws
        .sts
        .get_caller_identity()
        .send()
        .await
        .explain("sts", "GetCallerIdentity")?;
    Ok(identity.account().unwrap_or_default().to_owned())
}

/// Why there is no such environment: the application is missing too, or just this one.
async fn missing(aws: &Aws, target: &Target) -> Error {
    let (app, name, region) = (&target.app, &target.environment, &aws.region);
    match environment::describe(aws, Some(app), &[]).await {
        Ok(others) if !others.is_empty() => {
            let names: Vec<_> = others.iter().map(|other| other.name.as_str()).collect();
            Error::new(
                Kind::Check,
                format!(
                    "no environment {name} in {region}: {app} has {}",
                    names.join(", ")
                ),
            )
            .hint("correct its `name` in beanship.yml, or see `beanship list`")
            .hint(make(target))
        }
        _ => Error::new(
            Kind::Check,
            format!("no environment {name} in {region}: the application {app} has none there"),
        )
        .hint("check the region (`--region`) and the account (`aws sts get-caller-identity`)")
        .hint(make(target)),
    }
}

/// How an environment comes to be.
fn make(target: &Target) -> String {
    let name = target.key.as_deref().unwrap_or(&target.environment);
    format!("make it with `beanship bootstrap --env {name}`")
}

/// What is wrong with the environment that was found.
fn unfit(environment: &Environment, target: &Target) -> Vec<Error> {
    let mut problems = Vec::new();
    let name = &environment.name;
    if environment.application != target.app {
        let theirs = &environment.application;
        problems.push(
            Error::new(
                Kind::Check,
                format!(
                    "{name} belongs to the application {theirs}, not to {}",
                    target.app
                ),
            )
            .hint(format!(
                "set `app: {theirs}` in beanship.yml, or pass `--app {theirs}`"
            )),
        );
    }
    if environment.is_gone() {
        problems.push(
            Error::new(
                Kind::Check,
                format!("{name} cannot be deployed to: it is {}", environment.status),
            )
            .hint("list the environments with `beanship list`"),
        );
    }
    let tier = environment
        .tier
        .as_ref()
        .map(|(name, kind)| (name.as_str(), kind.as_str()));
    if !matches!(
        tier,
        Some(("WebServer", "Standard") | ("Worker", "SQS/HTTP"))
    ) {
        let tier = tier.map_or("unknown".into(), |(name, kind)| format!("{name}/{kind}"));
        problems.push(
            Error::new(
                Kind::Check,
                format!("{name} cannot run a compose app: its tier is {tier}, not WebServer/Standard or Worker/SQS/HTTP"),
            )
            .hint("choose another environment: `beanship list`"),
        );
    }
    problems
}

/// Looks at versions and instances, now that the bundle is known. What is wanted is the same
/// version in all environments.
///
/// # Errors
/// What AWS says.
pub async fn second_look(
    aws: &Aws,
    desired: &Desired,
    firsts: Vec<First>,
) -> Result<Vec<Observed>> {
    let app = &desired.target.app;
    let Some(account) = firsts.first().map(|first| first.account.clone()) else {
        return Ok(Vec::new());
    };
    let owner = desired.bucket.owner(&account);
    let mut labels = vec![desired.label.text().to_owned()];
    labels.extend(
        firsts
            .iter()
            .filter_map(|it| it.environment.version_label.clone()),
    );
    labels.sort();
    labels.dedup();
    let versions = version::describe(aws, app, &labels).await?;
    let mut candidates = stored::candidates(aws, desired, &owner, versions).await?;
    let holds = |candidate: &Candidate| candidate.content == Content::Same;
    if !candidates.iter().any(holds) && matches!(desired.label, Label::Derived(_)) {
        let mut others = version::describe(aws, app, &[]).await?;
        others.retain(|version| {
            !labels.contains(&version.label)
                && Content::of(&version.label, None, &desired.bundle.sha256) == Content::Same
        });
        candidates.extend(stored::candidates(aws, desired, &owner, others).await?);
    }
    let bucket_name = desired.bucket.bucket(&aws.region, &account);
    let place = (bucket_name.as_str(), owner.as_str());
    let objects = objects(aws, desired, place, &firsts, &candidates).await?;
    let mut observed = Vec::new();
    for first in firsts {
        let running = first.environment.version_label.as_ref();
        let is_running = |candidate: &&Candidate| Some(&candidate.version.label) == running;
        let content = candidates
            .iter()
            .find(is_running)
            .map_or(Content::Unknown, |c| c.content);
        let instances = match content {
            Content::Same => {
                let _turn = aws.turn(Purpose::Look).await;
                environment::instances(aws, &first.environment.name).await?
            }
            _ => Instances::NotTold("not asked".into()),
        };
        observed.push(Observed {
            bucket_name: bucket_name.clone(),
            account: first.account,
            environment: first.environment,
            last_operation_failed: events::last_operation_failed(&first.events),
            running: content,
            instances,
            versions: candidates.clone(),
            objects: objects.clone(),
            bucket: first.bucket,
        });
    }
    Ok(observed)
}

/// Waits until an environment that is followed takes operations, showing its events meanwhile.
///
/// # Errors
/// [`Kind::Timeout`] when the deadline comes first; [`Kind::Check`] when the environment goes.
pub async fn wait_until_ready(world: &World, name: &str) -> Result<Environment> {
    let begun = Instant::now();
    loop {
        let found = match world.board.next(name, world.deadline).await {
            Err(error) if !is_final(&error) && Instant::now() < world.deadline => continue,
            found => found?,
        };
        for event in world.board.take_news(name) {
            world.out.event(&event.told());
        }
        let Some(environment) = found else {
            return Err(
                Error::new(Kind::Check, format!("the environment {name} is gone"))
                    .hint("list the environments with `beanship list`"),
            );
        };
        if environment.is_ready() {
            return Ok(environment);
        }
        if environment.is_gone() {
            return Err(Error::new(
                Kind::Check,
                format!("the environment {name} is being terminated"),
            )
            .hint("list the environments with `beanship list`"));
        }
        if Instant::now() >= world.deadline {
            let what = format!("is busy with another operation ({})", environment.status);
            return Err(out_of_time(name, &what));
        }
        let waited = duration::words(begun.elapsed());
        let text = format!(
            "waiting for {name} to be Ready, it is {} ({waited})",
            environment.status
        );
        world.out.event(&output::Event::Waiting(&text));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::deploy::tests::environment;

    #[test]
    fn only_an_environment_that_fits_is_deployed_to() {
        let target = Target {
            app: "shop".into(),
            key: None,
            environment: "shop-prod".into(),
        };
        let with = |tier: Option<(&str, &str)>, status: &str, application: &str| {
            let mut seen = environment(None, status, "Green");
            seen.tier = tier.map(|(name, kind)| (name.into(), kind.into()));
            seen.application = application.into();
            let problems = unfit(&seen, &target);
            let messages: Vec<_> = problems.iter().map(Error::message).collect();
            messages.join("; ")
        };
        let web = Some(("WebServer", "Standard"));
        let verdicts = [
            with(web, "Ready", "shop"),
            with(Some(("Worker", "SQS/HTTP")), "Updating", "shop"),
            with(Some(("Cluster", "EKS")), "Ready", "shop"),
            with(None, "Ready", "shop"),
            with(web, "Terminating", "other"),
        ];
        insta::assert_snapshot!(verdicts.join("\n"), @"


        shop-prod cannot run a compose app: its tier is Cluster/EKS, not WebServer/Standard or Worker/SQS/HTTP
        shop-prod cannot run a compose app: its tier is unknown, not WebServer/Standard or Worker/SQS/HTTP
        shop-prod belongs to the application other, not to shop; shop-prod cannot be deployed to: it is Terminating
        ");
    }
}
