//! How a deploy went, for a summary: its phases, and the commits that it brings.

use std::time::{Duration, Instant};

/// Phases and commits of a deploy.
#[derive(Debug)]
pub struct Story {
    /// When each phase began.
    phases: Vec<(&'static str, Instant)>,
    /// When the last one ended.
    ended: Option<Instant>,
    /// The commits since the version before, newest first: id and subject.
    pub commits: Vec<String>,
}

impl Default for Story {
    fn default() -> Self {
        Self {
            phases: vec![("look and bundle", Instant::now())],
            ended: None,
            commits: Vec::new(),
        }
    }
}

impl Story {
    /// Ends the phase before and begins this one.
    pub fn phase(&mut self, name: &'static str) {
        self.phases.push((name, Instant::now()));
    }

    /// Ends the last phase.
    pub fn end(&mut self) {
        self.ended.get_or_insert_with(Instant::now);
    }

    /// Each phase with its begin and end, from the beginning of the first.
    #[must_use]
    pub fn phases(&self) -> Vec<(&'static str, Duration, Duration)> {
        let zero = self.phases[0].1;
        let last = self.ended.unwrap_or_else(Instant::now);
        let ends = self.phases.iter().skip(1).map(|(_, begun)| *begun);
        let ends = ends.chain([last]);
        let phase = |((name, begun), end): (&(&'static str, Instant), Instant)| {
            (*name, *begun - zero, end - zero)
        };
        self.phases.iter().zip(ends).map(phase).collect()
    }
}
