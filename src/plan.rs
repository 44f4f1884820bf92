//! Plan, then apply: a [`Plan`] holds only what will change, in order. The plan that is shown
//! is the value that is applied; an empty one means there is nothing to do.

use std::future::Future;
use std::time::{Duration, Instant};

use serde::Serialize;

use crate::error::Result;

/// How a change treats what exists.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Verb {
    /// Makes something that is not there.
    Create,
    /// Changes something that is there.
    Update,
    /// Takes something away.
    Delete,
}

impl Verb {
    /// The sign in front of a plan's line.
    #[must_use]
    pub fn sign(self) -> char {
        match self {
            Self::Create => '+',
            Self::Update => '~',
            Self::Delete => '-',
        }
    }
}

/// One line of a plan, as every renderer shows it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Change {
    /// What happens to it.
    pub verb: Verb,
    /// What sort of thing it is, in the service's words (`application version`).
    pub kind: &'static str,
    /// Its name.
    pub name: String,
    /// More about the change (`Sample Application -> 1a2b3c4`).
    pub detail: Option<String>,
}

/// One intended change and the call that makes it.
pub trait Step {
    /// What the steps need to run.
    type World;
    /// What the steps found out or made, for the following ones and for who watches.
    type Made: Default;

    /// The line of the plan; pure.
    fn change(&self) -> Change;

    /// What was done, once it is: `Uploaded s3://...`.
    fn past(&self) -> String;

    /// Makes the change.
    fn apply(
        &self,
        world: &Self::World,
        made: &mut Self::Made,
    ) -> impl Future<Output = Result<()>> + Send;
}

/// The changes that lead from what is to what is wanted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Plan<S> {
    steps: Vec<S>,
}

impl<S> Plan<S> {
    /// A plan of these steps, in this order.
    #[must_use]
    pub fn new(steps: Vec<S>) -> Self {
        Self { steps }
    }

    /// Whether there is nothing to do.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.steps.is_empty()
    }

    /// Gives the steps away.
    #[must_use]
    pub fn into_steps(self) -> Vec<S> {
        self.steps
    }

    /// The steps, in order.
    #[must_use]
    pub fn steps(&self) -> &[S] {
        &self.steps
    }
}

impl<S: Step> Plan<S> {
    /// The plan as data for people and machines.
    #[must_use]
    pub fn changes(&self) -> Vec<Change> {
        self.steps.iter().map(Step::change).collect()
    }

    /// Makes the changes one after the other and tells of each. Stops at the first that fails;
    /// `made` keeps what the earlier ones left, and names are deterministic, so that a later run
    /// goes on where this one stopped.
    ///
    /// # Errors
    /// The failing step's own error.
    pub async fn apply(
        &self,
        world: &S::World,
        made: &mut S::Made,
        mut tell: impl FnMut(Moment<'_, S>),
    ) -> Result<()> {
        for step in &self.steps {
            tell(Moment::Begins(step));
            let begun = Instant::now();
            step.apply(world, made).await?;
            tell(Moment::Done(step, begun.elapsed()));
        }
        Ok(())
    }
}

/// A moment while a plan is carried out.
#[derive(Debug)]
pub enum Moment<'a, S> {
    /// A step begins.
    Begins(&'a S),
    /// A step is done, after this time.
    Done(&'a S, Duration),
}
