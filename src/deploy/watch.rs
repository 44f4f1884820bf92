//! Follows an update until it is settled, failed or out of time: one `DescribeEnvironments` a
//! round, one `DescribeEvents` every second round, the instances once the environment is Ready.

use std::time::{Duration, Instant};

use rand::RngExt;

use super::environment::{self, Environment, Instances};
use super::events::{Event, Follower};
use super::outcome::{HealthPolicy, Look, Outcome, Verdict};
use super::report::DeployReport;
use super::steps::World;
use crate::error::{Error, Kind, Result};
use crate::output;
use crate::settings::duration;

/// How many rounds in a row may fail before the watch says so.
const PATIENCE: u32 = 3;

/// What is followed.
#[derive(Debug)]
pub struct Watch<'a> {
    /// Clients, writer and deadline.
    pub world: &'a World,
    /// The environment's name.
    pub name: &'a str,
    /// The label that is wanted; unknown where an operation is picked up that does not tell.
    pub wanted: Option<&'a str>,
    /// The label that was in place before.
    pub previous: Option<&'a str>,
    /// The update's request id, where it is known.
    pub request_id: Option<String>,
    /// What health counts as good.
    pub health: HealthPolicy,
    /// How long health may take after Ready.
    pub health_timeout: Duration,
}

/// What a watch has seen so far; kept by the caller, so that it survives an interruption.
#[derive(Debug, Default)]
pub struct Seen {
    /// The environment as last described.
    pub environment: Option<Environment>,
    /// Every event since the update was asked for, oldest first.
    pub events: Vec<Event>,
    follower: Follower,
    working: bool,
    aborting: bool,
    ready_since: Option<Instant>,
}

impl Seen {
    /// Starts behind what was there before the update.
    #[must_use]
    pub fn behind(follower: Follower) -> Self {
        Self {
            follower,
            ..Self::default()
        }
    }

    /// Starts with events that were told already; `before` are the ones from before the update,
    /// newest first.
    #[must_use]
    pub fn with(before: &[Event], events: Vec<Event>) -> Self {
        let mut follower = Follower::behind(before);
        follower.take(events.iter().rev().cloned().collect());
        Self {
            events,
            follower,
            ..Self::default()
        }
    }
}

impl Watch<'_> {
    /// Follows until there is a verdict.
    async fn until_settled(&self, seen: &mut Seen) -> Result<(Outcome, String)> {
        let begun = Instant::now();
        let mut troubles = 0;
        for round in 0.. {
            pause(round, begun.elapsed(), self.world.deadline).await;
            let last = Instant::now() >= self.world.deadline;
            let verdict = match self.look(seen, round % 2 == 1 || last).await {
                Ok(verdict) => {
                    troubles = 0;
                    verdict
                }
                Err(error) if is_final(&error) => return Err(error),
                Err(error) => {
                    troubles += 1;
                    if troubles == PATIENCE {
                        let text =
                            format!("Elastic Beanstalk does not answer, still trying: {error}");
                        self.world.out.event(&output::Event::Warning(&text));
                    }
                    Verdict::Working("waiting for an answer".into())
                }
            };
            match verdict {
                Verdict::Settled(outcome, why) => return Ok((outcome, why)),
                Verdict::Working(what) if last => return Err(self.still_working(&what)),
                Verdict::Unsettled(why) if last => return Ok((Outcome::Failed, why)),
                Verdict::Working(what) | Verdict::Unsettled(what) => self.tell(&what, begun),
            }
        }
        unreachable!("rounds end with the deadline")
    }

    /// Follows until there is a verdict and notes it; what was seen stays in the report when
    /// this is cut short.
    ///
    /// # Errors
    /// [`Kind::Timeout`] when the deadline passes while Elastic Beanstalk still works;
    /// [`Kind::Denied`] or [`Kind::Credentials`] when AWS stops answering this caller.
    pub async fn to_the_end(&self, seen: Seen, report: &mut DeployReport) -> Result<()> {
        report.seen = seen;
        let (outcome, why) = self.until_settled(&mut report.seen).await?;
        report.settle(outcome, Some(why));
        Ok(())
    }

    /// One round.
    async fn look(&self, seen: &mut Seen, with_events: bool) -> Result<Verdict> {
        let aws = &self.world.aws;
        let Some(environment) = environment::find(aws, self.name).await? else {
            let why = format!("the environment {} is gone", self.name);
            return Ok(Verdict::Settled(Outcome::Failed, why));
        };
        let ready = environment.is_ready();
        seen.working |= !ready;
        seen.aborting |= environment.status == "Aborting";
        seen.ready_since = ready.then(|| seen.ready_since.unwrap_or_else(Instant::now));
        let in_place = environment.version_label.clone();
        let wanted = self.wanted.or(in_place.as_deref()).unwrap_or_default();
        let on_label = in_place.as_deref() == Some(wanted);
        let instances = if with_events || ready {
            self.news(seen).await?;
            if ready && on_label {
                environment::instances(aws, self.name).await?
            } else {
                unasked()
            }
        } else {
            unasked()
        };
        let verdict = Look {
            environment: &environment,
            instances: &instances,
            events: &seen.events,
            request_id: self.request_id.as_deref(),
            wanted,
            previous: self.previous,
            seen_working: seen.working,
            seen_aborting: seen.aborting,
            ready_for: seen
                .ready_since
                .map(|since| since.elapsed())
                .unwrap_or_default(),
            health: self.health,
            health_timeout: self.health_timeout,
        }
        .judge();
        seen.environment = Some(environment);
        Ok(verdict)
    }

    /// Reads and tells the new events. A caller who may not read them goes on without.
    async fn news(&self, seen: &mut Seen) -> Result<()> {
        match seen.follower.poll(&self.world.aws, self.name).await {
            Ok(news) => {
                for event in news {
                    self.world.out.event(&event.told());
                    seen.events.push(event);
                }
                Ok(())
            }
            Err(error) if error.kind() == Kind::Denied => Ok(()),
            Err(error) => Err(error),
        }
    }

    fn tell(&self, what: &str, begun: Instant) {
        let text = format!(
            "{}: {what} ({})",
            self.name,
            duration::words(begun.elapsed())
        );
        self.world.out.event(&output::Event::Waiting(&text));
    }

    fn still_working(&self, what: &str) -> Error {
        Error::new(
            Kind::Timeout,
            format!(
                "timed out: Elastic Beanstalk is still working on {} ({what})",
                self.name
            ),
        )
        .hint(format!(
            "go on watching with `beanship watch --env {}`",
            self.name
        ))
        .hint("give the next deploy more time: `--timeout 40m`")
    }
}

impl Event {
    /// The event for the narrative.
    #[must_use]
    pub fn told(&self) -> output::Event<'_> {
        let (time, severity, message) = (self.time, self.severity.as_str(), self.message.as_str());
        output::Event::Environment {
            time,
            severity,
            message,
        }
    }
}

/// An error that the next round would meet again.
pub(super) fn is_final(error: &Error) -> bool {
    matches!(error.kind(), Kind::Denied | Kind::Credentials)
}

fn unasked() -> Instances {
    Instances::NotTold("not asked".into())
}

/// Waits between two rounds: quick at first, so that a short update is not held up; then at
/// the pace of two calls in four seconds; slower on long updates. Jittered, so that many
/// deploys do not ask at the same moment, and never beyond the deadline.
pub async fn pause(round: u32, elapsed: Duration, deadline: Instant) {
    let usual = match (round, elapsed.as_secs()) {
        (..8, ..6) => Duration::from_millis(650),
        (_, ..120) => Duration::from_secs(3),
        _ => Duration::from_secs(7),
    };
    let jittered = usual.mul_f64(rand::rng().random_range(0.9..1.1));
    let left = deadline.saturating_duration_since(Instant::now());
    tokio::time::sleep(jittered.min(left)).await;
}
