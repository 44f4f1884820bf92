//! What is seen of all environments that are followed, however many they are: one
//! `DescribeEnvironments` a round, one `DescribeEvents` every second round. Whoever follows an
//! environment asks for the next round; the first who asks looks for all of them.

use std::collections::BTreeMap;
use std::sync::{Mutex as Lock, MutexGuard as LockGuard, PoisonError};
use std::time::{Duration, Instant};

use jiff::Timestamp;
use rand::RngExt;
use tokio::sync::{Mutex, MutexGuard};

use super::environment::{self, Environment};
use super::events::{self, Event, Follower, Scope};
use crate::aws::{Aws, Purpose};
use crate::error::{Error, Kind, Result};
use crate::output::{self, Out};
use crate::settings::duration;

/// How many rounds in a row may fail before that is said.
const PATIENCE: u32 = 3;

/// The board.
#[derive(Debug)]
pub struct Board {
    aws: Aws,
    out: Out,
    application: String,
    /// Held by who looks.
    looking: Mutex<()>,
    /// Held by who does what may wait.
    unhurried: Mutex<()>,
    state: Lock<State>,
}

#[derive(Debug)]
struct State {
    round: u64,
    followed: BTreeMap<String, Followed>,
    /// How many were followed in all.
    all: usize,
    /// The time of the newest event, by the service's clock.
    newest: Option<Timestamp>,
    outcome: Result<()>,
    failures: u32,
    begun: Instant,
}

/// One environment.
#[derive(Debug)]
struct Followed {
    /// The round that was seen last by who follows it.
    round: u64,
    begun: Instant,
    environment: Option<Environment>,
    follower: Follower,
    news: Vec<Event>,
}

impl Board {
    /// A board of an application's environments.
    #[must_use]
    pub fn new(aws: &Aws, out: &Out, application: &str) -> Self {
        Self {
            aws: aws.clone(),
            out: out.clone(),
            application: application.to_owned(),
            looking: Mutex::new(()),
            unhurried: Mutex::new(()),
            state: Lock::new(State {
                round: 0,
                followed: BTreeMap::new(),
                all: 0,
                newest: None,
                outcome: Ok(()),
                failures: 0,
                begun: Instant::now(),
            }),
        }
    }

    /// Begins to follow an environment, behind these events, newest first.
    pub fn follow(&self, name: &str, before: &[Event]) {
        let mut state = self.state();
        let follower = Follower::behind(before);
        state.newest = state.newest.max(follower.newest());
        let followed = Followed {
            round: state.round,
            begun: Instant::now(),
            environment: None,
            follower,
            news: Vec::new(),
        };
        if state.followed.insert(name.to_owned(), followed).is_none() {
            state.all += 1;
        }
    }

    /// Ends following an environment.
    pub fn leave(&self, name: &str) {
        self.state().followed.remove(name);
    }

    /// Begins to count the time anew: what comes now is to be seen soon.
    pub fn hurry(&self, name: &str) {
        if let Some(followed) = self.state().followed.get_mut(name) {
            followed.begun = Instant::now();
        }
    }

    /// Waits for the next round, `deadline` at the latest; the environment, none when it is gone.
    ///
    /// # Errors
    /// What AWS says, to everyone who waited for that round.
    pub async fn next(&self, name: &str, deadline: Instant) -> Result<Option<Environment>> {
        let looking = self.looking.lock().await;
        let waits = {
            let state = self.state();
            let behind = |followed: &Followed| followed.round == state.round;
            state.followed.get(name).is_none_or(behind)
        };
        if waits {
            self.pause(deadline).await;
            let outcome = self.look().await;
            self.note(outcome);
        }
        drop(looking);
        let mut state = self.state();
        let (round, outcome) = (state.round, state.outcome.clone());
        let Some(followed) = state.followed.get_mut(name) else {
            return Ok(None);
        };
        followed.round = round;
        outcome.map(|()| followed.environment.clone())
    }

    /// The environment's events that were not taken yet, oldest first.
    #[must_use]
    pub fn take_news(&self, name: &str) -> Vec<Event> {
        let mut state = self.state();
        let followed = state.followed.get_mut(name);
        followed.map_or_else(Vec::new, |followed| std::mem::take(&mut followed.news))
    }

    /// The environment's events that were not taken yet, as of now; they stay.
    ///
    /// # Errors
    /// What AWS says.
    pub async fn ahead(&self, name: &str) -> Result<Vec<Event>> {
        let seen = {
            let state = self.state();
            let followed = state.followed.get(name);
            followed.map(|it| (it.follower.clone(), it.news.clone()))
        };
        let (mut follower, mut news) = seen.unwrap_or_default();
        news.extend(follower.poll(&self.aws, name).await?);
        Ok(news)
    }

    /// Waits for the right to do what takes many calls and does not matter to others: one at a
    /// time.
    pub async fn unhurried(&self) -> MutexGuard<'_, ()> {
        self.unhurried.lock().await
    }

    /// Whether several environments are followed, so that one says what is being waited for.
    #[must_use]
    pub fn is_shared(&self) -> bool {
        self.state().all > 1
    }

    /// One round.
    async fn look(&self) -> Result<()> {
        let (names, events_due) = {
            let state = self.state();
            let names: Vec<String> = state.followed.keys().cloned().collect();
            (names, state.round % 2 == 1)
        };
        let turn = self.aws.turn(Purpose::Verdict).await;
        let mut found = environment::describe(&self.aws, None, &names).await?;
        drop(turn);
        let ready = found.iter().any(Environment::is_ready);
        let events = match events_due || ready || found.len() < names.len() {
            true => self.events(&names).await?,
            false => Vec::new(),
        };
        let mut state = self.state();
        let round = state.round + 1;
        state.newest = events
            .iter()
            .map(|event| event.time)
            .max()
            .max(state.newest);
        for (name, followed) in &mut state.followed {
            let ours = |event: &&Event| event.environment.as_ref() == Some(name);
            let news = events.iter().filter(ours).cloned().collect();
            followed.news.extend(followed.follower.take(news));
            if names.contains(name) {
                let at = found
                    .iter()
                    .position(|environment| environment.name == *name);
                followed.environment = at.map(|at| found.swap_remove(at));
            } else {
                // It came too late for this round.
                followed.round = round;
            }
        }
        Ok(())
    }

    /// The new events of these environments. A caller who may not read them goes on without.
    async fn events(&self, names: &[String]) -> Result<Vec<Event>> {
        let (since, first) = {
            let state = self.state();
            (state.newest, state.newest.is_none())
        };
        let scope = match names {
            [name] => Scope::Environment(name),
            _ => Scope::Application(&self.application),
        };
        let since = since.map(events::with_latecomers);
        let limit = if first { 100 } else { 5000 };
        let _turn = self.aws.turn(Purpose::Verdict).await;
        match events::read_in(&self.aws, scope, since, limit).await {
            Err(error) if error.kind() == Kind::Denied => Ok(Vec::new()),
            events => events,
        }
    }

    /// Notes how a round went. Several failures in a row are said, once.
    fn note(&self, outcome: Result<()>) {
        let mut state = self.state();
        state.round += 1;
        state.failures = match &outcome {
            Ok(()) => 0,
            Err(_) => state.failures + 1,
        };
        if let Err(error) = &outcome
            && state.failures == PATIENCE
            && !is_final(error)
        {
            let text = format!("Elastic Beanstalk does not answer, still trying: {error}");
            self.out.event(&output::Event::Warning(&text));
        }
        state.outcome = outcome;
        if state.all > 1 {
            let waiting = state.words();
            self.out.event(&output::Event::Waiting(&waiting));
        }
    }

    /// Waits between two rounds: quick at first for a single environment, so that a short update
    /// is not held up; then at a pace of less than a call in two seconds; slower on long updates and
    /// while the service throttles. Jittered, so that many deploys do not ask at the same moment,
    /// and never beyond the deadline.
    async fn pause(&self, deadline: Instant) {
        let usual = {
            let state = self.state();
            let youngest = state.followed.values().map(|it| it.begun).max();
            let age = youngest.map_or(Duration::ZERO, |begun| begun.elapsed());
            match age.as_secs() {
                ..3 if state.followed.len() == 1 => Duration::from_millis(550),
                ..120 => Duration::from_millis(3200),
                _ => Duration::from_secs(8),
            }
        };
        let slow = usual.mul_f64(self.aws.slowness());
        sleep(slow, deadline).await;
    }

    fn state(&self) -> LockGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    /// What is being waited for.
    fn words(&self) -> String {
        let ready = |followed: &&Followed| {
            let environment = followed.environment.as_ref();
            environment.is_some_and(Environment::is_ready)
        };
        let (left, all) = (self.followed.len(), self.all);
        let ready = self.followed.values().filter(ready).count();
        let begun = duration::words(self.begun.elapsed());
        let (settled, working) = (all - left, left - ready);
        format!(
            "{settled} of {all} environments settled, {working} at work, {ready} Ready ({begun})"
        )
    }
}

/// An error that the next round would meet again.
pub(super) fn is_final(error: &Error) -> bool {
    matches!(error.kind(), Kind::Denied | Kind::Credentials)
}

/// Waits about this long, never beyond the deadline.
pub async fn sleep(usual: Duration, deadline: Instant) {
    let jittered = usual.mul_f64(rand::rng().random_range(0.9..1.1));
    let left = deadline.saturating_duration_since(Instant::now());
    tokio::time::sleep(jittered.min(left)).await;
}
