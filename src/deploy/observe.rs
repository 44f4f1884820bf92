//! What is read at AWS before anything is written, in two looks: the environment (while the
//! bundle is being made) and, once its digest is known, the versions and the bucket.

use std::time::Instant;

use super::bucket::{self, Bucket, BucketWish, Object};
use super::environment::{self, Environment, Instances};
use super::events::{self, Event, Follower};
use super::steps::{World, out_of_time};
use super::version::{self, Content, Label, Version};
use super::watch::{is_final, pause};
use super::{Candidate, Desired, Observed, free_labels};
use crate::aws::Aws;
use crate::aws::error::Explain;
use crate::error::{Error, Kind, Result};
use crate::output;
use crate::settings::{Target, duration};

/// How many events the first look reads, to know how the last operation ended.
const LATEST: usize = 100;
/// How many keys are tried for a new bundle before the upload has to find out.
const KEYS: usize = 5;

/// The first look.
#[derive(Debug, Clone)]
pub struct First {
    /// The caller's account.
    pub account: String,
    /// The environment.
    pub environment: Environment,
    /// Its latest events, newest first.
    pub events: Vec<Event>,
    /// The bucket, or why it cannot be used.
    pub bucket: Result<Bucket>,
    /// Remarks on what could not be seen.
    pub notes: Vec<String>,
}

/// Looks at the environment and the bucket and checks that they are the right ones.
///
/// # Errors
/// [`Kind::Check`] for an environment that is not there or cannot be deployed to, together with
/// what is wrong with the bucket; else what AWS says.
pub async fn first_look(aws: &Aws, target: &Target, wish: &BucketWish) -> Result<First> {
    let bucket = async {
        let account = account(aws).await?;
        let bucket = wish.look(aws, &account).await;
        Ok((account, bucket))
    };
    let looks = async {
        let (bucket, found, events) = tokio::join!(
            bucket,
            environment::find(aws, &target.environment),
            events::read(aws, &target.environment, None, LATEST),
        );
        Ok((bucket?, found?, events))
    };
    let ((account, bucket), found, events) = aws.first_contact(looks).await?;
    let (environment, mut problems) = match found {
        Some(environment) => {
            let problems = unfit(&environment, target);
            (Some(environment), problems)
        }
        None => (None, vec![missing(aws, target).await]),
    };
    let Some(environment) = environment.filter(|_| problems.is_empty()) else {
        problems.extend(bucket.err().filter(|error| error.kind() == Kind::Check));
        return Err(Error::all(problems).expect("at least one problem"));
    };
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
    Ok(First {
        account,
        environment,
        events,
        bucket,
        notes,
    })
}

async fn account(aws: &Aws) -> Result<String> {
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
                format!("no environment {name} in {region}: {app} has {}", names.join(", ")),
            )
            .hint("correct its `name` in beanship.yml, or see `beanship list`")
        }
        _ => Error::new(
            Kind::Check,
            format!("no environment {name} in {region}: the application {app} has none there"),
        )
        .hint("check the region (`--region`), the account (`aws sts get-caller-identity`) and `beanship list`"),
    }
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

/// Looks at versions and instances, now that the bundle is known.
///
/// # Errors
/// What AWS says.
pub async fn second_look(aws: &Aws, desired: &Desired, first: First) -> Result<Observed> {
    let app = &desired.target.app;
    let running = first.environment.version_label.clone();
    let owner = desired.bucket.owner(&first.account);
    let mut labels = vec![desired.label.text().to_owned()];
    labels.extend(running.clone());
    labels.dedup();
    let versions = version::describe(aws, app, &labels).await?;
    let mut candidates = candidates(aws, desired, &owner, versions).await?;
    let holds = |candidate: &Candidate| candidate.content == Content::Same;
    if !candidates.iter().any(holds) && matches!(desired.label, Label::Derived(_)) {
        let mut others = version::describe(aws, app, &[]).await?;
        others.retain(|version| {
            !labels.contains(&version.label)
                && Content::of(&version.label, None, &desired.bundle.sha256) == Content::Same
        });
        candidates.extend(self::candidates(aws, desired, &owner, others).await?);
    }
    let is_running = |candidate: &&Candidate| Some(&candidate.version.label) == running.as_ref();
    let content = candidates
        .iter()
        .find(is_running)
        .map_or(Content::Unknown, |c| c.content);
    let instances = match content {
        Content::Same => environment::instances(aws, &first.environment.name).await?,
        _ => Instances::NotTold("not asked".into()),
    };
    let bucket_name = desired.bucket.bucket(&aws.region, &first.account);
    let objects = match &first.bucket {
        Ok(Bucket::Fit | Bucket::NotTold) if !candidates.iter().any(holds) => {
            objects(aws, desired, (&bucket_name, &owner), &candidates).await?
        }
        _ => Vec::new(),
    };
    Ok(Observed {
        objects,
        bucket_name,
        account: first.account,
        environment: first.environment,
        last_operation_failed: events::last_operation_failed(&first.events),
        running: content,
        instances,
        versions: candidates,
        bucket: first.bucket,
    })
}

/// What stands under the keys that a new version's bundle may get, up to the first that can be used.
async fn objects(
    aws: &Aws,
    desired: &Desired,
    (bucket, owner): (&str, &str),
    versions: &[Candidate],
) -> Result<Vec<(String, Object)>> {
    let mut seen = Vec::new();
    for label in free_labels(desired, versions).take(KEYS) {
        let key = desired.bucket.key(&label);
        let object = bucket::object(aws, bucket, &key, Some(owner)).await?;
        let other = object.is_other_than(&desired.bundle.sha256);
        seen.push((key, object));
        if !other {
            break;
        }
    }
    Ok(seen)
}

/// What is known of the versions' contents: from their objects, where labels do not tell.
async fn candidates(
    aws: &Aws,
    desired: &Desired,
    owner: &str,
    versions: Vec<Version>,
) -> Result<Vec<Candidate>> {
    let mut candidates = Vec::new();
    for version in versions {
        let by_label = Content::of(&version.label, None, &desired.bundle.sha256);
        let object = match (&version.bundle, by_label) {
            (Some(_), Content::Other) if version.label != desired.label.text() => Object::NotTold,
            (Some((bucket, key)), _) => bucket::object(aws, bucket, key, Some(owner)).await?,
            (None, _) => Object::Missing,
        };
        let seen = matches!(object, Object::There(_));
        let (recorded, there) = match object {
            Object::There(recorded) => (recorded, true),
            Object::NotTold => (None, true),
            Object::Missing => (None, false),
        };
        let content = match &recorded {
            // Who put it there without its digest may have put anything there.
            None if seen => Content::Unknown,
            recorded => Content::of(&version.label, recorded.as_deref(), &desired.bundle.sha256),
        };
        candidates.push(Candidate {
            version,
            content,
            object: there,
        });
    }
    Ok(candidates)
}

/// Waits until the environment takes operations, showing its events meanwhile.
///
/// # Errors
/// [`Kind::Timeout`] when the deadline comes first; [`Kind::Check`] when the environment goes.
pub async fn wait_until_ready(
    world: &World,
    name: &str,
    follower: &mut Follower,
) -> Result<Environment> {
    let begun = Instant::now();
    let mut round = 0_u32;
    loop {
        let found = match environment::find(&world.aws, name).await {
            Err(error) if !is_final(&error) && Instant::now() < world.deadline => {
                pause(round, begun.elapsed(), world.deadline).await;
                round += 1;
                continue;
            }
            found => found?,
        };
        let Some(environment) = found else {
            return Err(
                Error::new(Kind::Check, format!("the environment {name} is gone"))
                    .hint("list the environments with `beanship list`"),
            );
        };
        for event in follower.poll(&world.aws, name).await.unwrap_or_default() {
            world.out.event(&event.told());
        }
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
            return Err(out_of_time(&format!(
                "{name} is busy with another operation ({})",
                environment.status
            )));
        }
        let waited = duration::words(begun.elapsed());
        let text = format!(
            "waiting for {name} to be Ready, it is {} ({waited})",
            environment.status
        );
        world.out.event(&output::Event::Waiting(&text));
        pause(round, begun.elapsed(), world.deadline).await;
        round += 1;
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
