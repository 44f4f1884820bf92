//! Follows an update until it is settled, failed or out of time, on the board that all
//! environments share; the instances are asked for once the environment is Ready.

use std::time::{Duration, Instant};

use super::board::is_final;
use super::environment::{self, Environment, Instances};
use super::events::Event;
use super::outcome::{HealthPolicy, Look, Outcome, Verdict};
use super::report::DeployReport;
use super::steps::World;
use crate::aws::Purpose;
use crate::error::{Error, Kind, Result};
use crate::output;
use crate::settings::duration;

/// How much older than the instances the environment may be when both are judged.
const STALE: Duration = Duration::from_secs(2);
/// How long it counts that all instances run what they should.
const FRESH: Duration = Duration::from_secs(30);

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
    /// The instances, and when they were told.
    instances: Option<(Instant, Instances)>,
    working: bool,
    aborting: bool,
    ready_since: Option<Instant>,
}

impl Seen {
    /// Starts with events that were told already, oldest first.
    #[must_use]
    pub fn with(events: Vec<Event>) -> Self {
        Self {
            events,
            ..Self::default()
        }
    }
}

impl Watch<'_> {
    /// Follows until there is a verdict.
    async fn until_settled(&self, seen: &mut Seen) -> Result<(Outcome, String)> {
        let begun = Instant::now();
        self.world.board.hurry(self.name);
        loop {
            let verdict = match self.look(seen).await {
                Ok(verdict) => verdict,
                Err(error) if is_final(&error) => return Err(error),
                Err(_) => Verdict::Working("waiting for an answer".into()),
            };
            let last = Instant::now() >= self.world.deadline;
            match verdict {
                Verdict::Settled(outcome, why) => return Ok((outcome, why)),
                Verdict::Working(what) if last => return Err(self.still_working(&what)),
                Verdict::Unsettled(why) if last => return Ok((Outcome::Failed, why)),
                Verdict::Working(what) | Verdict::Unsettled(what) => self.tell(&what, begun),
            }
        }
    }

    /// Follows until there is a verdict and notes it; what was seen stays in the report when
    /// this is cut short.
    ///
    /// # Errors
    /// [`Kind::Timeout`] when the deadline passes while Elastic Beanstalk still works;
    /// [`Kind::Denied`] or [`Kind::Credentials`] when AWS stops answering this caller.
    pub async fn to_the_end(&self, seen: Seen, report: &mut DeployReport) -> Result<()> {
        report.seen = seen;
        let settled = self.until_settled(&mut report.seen).await;
        if settled.as_ref().is_ok_and(|it| it.0.is_failure()) {
            self.last_words(&mut report.seen).await;
        }
        self.world.board.leave(self.name);
        let (outcome, why) = settled.map_err(|error| self.cut_off(error))?;
        report.settle(outcome, Some(why));
        Ok(())
    }

    /// Events arrive late, and what Elastic Beanstalk says last tells most about a failure: one
    /// more round, whose trouble changes nothing.
    async fn last_words(&self, seen: &mut Seen) {
        let World { out, board, .. } = self.world;
        if let Ok(Some(environment)) = board.next(self.name, self.world.deadline).await {
            seen.environment = Some(environment);
        }
        for event in board.take_news(self.name) {
            out.event(&event.told());
            seen.events.push(event);
        }
    }

    /// An error that ends the watch, but not what it watched.
    fn cut_off(&self, error: Error) -> Error {
        if !is_final(&error) {
            return error;
        }
        let name = self.name;
        let what = format!(
            "{}; Elastic Beanstalk goes on with the update of {name}",
            error.message()
        );
        let follow = format!("follow it again with `beanship watch --env {name}`");
        let told = Error::new(error.kind(), what).fault(error.aws().cloned().unwrap_or_default());
        let told = error.hints().iter().fold(told, Error::hint);
        told.hint(follow)
    }

    /// One round.
    async fn look(&self, seen: &mut Seen) -> Result<Verdict> {
        let World { out, board, .. } = self.world;
        let found = board.next(self.name, self.world.deadline).await?;
        for event in board.take_news(self.name) {
            out.event(&event.told());
            seen.events.push(event);
        }
        let Some(environment) = found else {
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
        let instances = match seen.instances.take() {
            _ if !ready || !on_label => Instances::NotTold("not asked".into()),
            Some((told, instances)) if told.elapsed() < FRESH => {
                if instances.all_run(Some(wanted)) {
                    seen.instances = Some((told, instances.clone()));
                }
                instances
            }
            _ => {
                let asked = Instant::now();
                let instances = self.instances().await?;
                seen.instances = Some((Instant::now(), instances.clone()));
                if asked.elapsed() > STALE {
                    let why = "the environment is looked at once more, the instances took a while";
                    return Ok(Verdict::Unsettled(why.into()));
                }
                instances
            }
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

    async fn instances(&self) -> Result<Instances> {
        let _turn = self.world.aws.turn(Purpose::Verdict).await;
        environment::instances(&self.world.aws, self.name).await
    }

    /// Says what is being waited for; of several environments, the board does.
    fn tell(&self, what: &str, begun: Instant) {
        if self.world.board.is_shared() {
            return;
        }
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
            "go on watching with `beanship watch --env {0}`, or stop the update with `beanship abort --env {0}`",
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
