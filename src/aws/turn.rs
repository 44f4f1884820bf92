//! Who may call next: calls to Elastic Beanstalk that many environments make at the same moment
//! go one after the other, verdicts before everything else, further apart while the service
//! throttles. Updates then take a third of the room, so that it lasts for their verdicts.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex as Lock, PoisonError};
use std::time::{Duration, Instant};

use tokio::sync::{Mutex, MutexGuard, Notify};

/// The distance between two calls after the first throttled one, and the largest.
const GAP: Duration = Duration::from_millis(400);
const LARGEST_GAP: Duration = Duration::from_secs(4);
/// Below this the distance is dropped.
const SMALLEST_GAP: Duration = Duration::from_millis(50);

/// What a call is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Purpose {
    /// It decides how an update has ended.
    Verdict,
    /// It prepares or explains an update.
    Look,
    /// It begins an update, which will need a verdict.
    Update,
}

/// The turns of one caller.
#[derive(Debug, Default)]
pub(super) struct Turns {
    /// Held during a call.
    call: Mutex<()>,
    /// Held by the one call that is next and no verdict.
    next: Mutex<()>,
    verdicts: AtomicUsize,
    free: Notify,
    pace: Lock<Pace>,
}

/// A turn; the next one begins after it is dropped.
#[derive(Debug)]
pub struct Turn<'a> {
    turns: &'a Turns,
    purpose: Purpose,
    _call: MutexGuard<'a, ()>,
}

/// How far calls are apart.
#[derive(Debug, Default)]
struct Pace {
    gap: Duration,
    last: Option<Instant>,
    last_update: Option<Instant>,
    widened: Option<Instant>,
}

impl Turns {
    /// Waits for a turn.
    pub(super) async fn take(&self, purpose: Purpose) -> Turn<'_> {
        let call = match purpose {
            Purpose::Verdict => {
                let _waiting = Waiting::begin(self);
                self.call.lock().await
            }
            Purpose::Look | Purpose::Update => {
                let _next = self.next.lock().await;
                if purpose == Purpose::Update {
                    let wait = self.pace().wait_of_update(Instant::now());
                    tokio::time::sleep(wait).await;
                }
                loop {
                    let free = self.free.notified();
                    if self.verdicts.load(Ordering::Relaxed) == 0 {
                        break;
                    }
                    free.await;
                }
                self.call.lock().await
            }
        };
        let wait = self.pace().wait(Instant::now());
        tokio::time::sleep(wait).await;
        Turn {
            turns: self,
            purpose,
            _call: call,
        }
    }

    /// Notes that the service throttled a call.
    pub(super) fn throttled(&self) {
        self.pace().widen(Instant::now());
    }

    /// How much further apart than usual calls should be, 1 or more.
    pub(super) fn slowness(&self) -> f64 {
        1.0 + self.pace().gap.as_secs_f64()
    }

    fn pace(&self) -> std::sync::MutexGuard<'_, Pace> {
        self.pace.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Turn<'_> {
    fn drop(&mut self) {
        self.turns.pace().ended(self.purpose, Instant::now());
    }
}

impl Pace {
    fn wait(&self, now: Instant) -> Duration {
        left(self.gap, self.last, now)
    }

    fn wait_of_update(&self, now: Instant) -> Duration {
        left(self.gap * 3, self.last_update, now)
    }

    /// Once for all attempts of a call, which follow each other quickly.
    fn widen(&mut self, now: Instant) {
        if left(GAP, self.widened, now).is_zero() {
            self.gap = self.gap.mul_f64(1.25).clamp(GAP, LARGEST_GAP);
            self.widened = Some(now);
        }
    }

    /// Every call that ends brings the next ones a little closer.
    fn ended(&mut self, purpose: Purpose, now: Instant) {
        self.last = Some(now);
        if purpose == Purpose::Update {
            self.last_update = Some(now);
        }
        self.gap = self.gap.mul_f64(0.97);
        if self.gap < SMALLEST_GAP {
            self.gap = Duration::ZERO;
        }
    }
}

/// What is left of a pause that began then.
fn left(pause: Duration, begun: Option<Instant>, now: Instant) -> Duration {
    let since = begun.map(|begun| now.saturating_duration_since(begun));
    since.map_or(Duration::ZERO, |since| pause.saturating_sub(since))
}

/// A verdict that waits for its turn, counted until it has it or is given up.
struct Waiting<'a>(&'a Turns);

impl<'a> Waiting<'a> {
    fn begin(turns: &'a Turns) -> Self {
        turns.verdicts.fetch_add(1, Ordering::Relaxed);
        Self(turns)
    }
}

impl Drop for Waiting<'_> {
    fn drop(&mut self) {
        self.0.verdicts.fetch_sub(1, Ordering::Relaxed);
        self.0.free.notify_waiters();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use futures_util::future::join_all;
    use std::sync::Arc;

    #[tokio::test]
    async fn verdicts_go_before_work_that_waits() {
        let turns = Arc::new(Turns::default());
        let order = Arc::new(Lock::new(Vec::new()));
        let first = turns.take(Purpose::Look).await;
        let call = async |purpose: Purpose| {
            let turn = turns.take(purpose).await;
            order.lock().expect("a list").push(purpose);
            drop(turn);
        };
        let all = [Purpose::Update; 3]
            .into_iter()
            .chain([Purpose::Verdict; 2]);
        let calls = join_all(all.map(call));
        tokio::join!(calls, async { drop(first) });
        let order = order.lock().expect("a list");
        // Only the update that was next in line when the verdicts came may go before them.
        assert_eq!(order[3..], [Purpose::Update; 2], "{order:?}");
    }

    #[test]
    fn a_throttled_call_keeps_the_next_ones_apart_for_a_while() {
        let mut pace = Pace::default();
        let mut now = Instant::now();
        assert_eq!(pace.wait(now), Duration::ZERO);
        pace.widen(now);
        pace.widen(now);
        pace.ended(Purpose::Update, now);
        assert_eq!(pace.wait(now), Duration::from_millis(388));
        assert_eq!(pace.wait_of_update(now), Duration::from_millis(1164));
        assert_eq!(pace.wait(now + Duration::from_secs(1)), Duration::ZERO);
        for _ in 0..20 {
            now += Duration::from_secs(1);
            pace.widen(now);
        }
        assert_eq!(pace.gap, LARGEST_GAP);
        for _ in 0..200 {
            pace.ended(Purpose::Look, now);
        }
        assert_eq!(pace.wait(now), Duration::ZERO);
    }
}
