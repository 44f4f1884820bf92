//! Who may call next: calls to Elastic Beanstalk that many environments make at the same moment
//! go one after the other, verdicts before new work, further apart while the service throttles.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex as Lock, PoisonError};
use std::time::{Duration, Instant};

use tokio::sync::{Mutex, MutexGuard, Notify};

/// The distance between two calls after the first throttled one, and the largest.
const GAP: Duration = Duration::from_millis(500);
const LARGEST_GAP: Duration = Duration::from_secs(4);
/// Below this the distance is dropped.
const SMALLEST_GAP: Duration = Duration::from_millis(50);

/// What a call is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Purpose {
    /// It decides how an update has ended.
    Verdict,
    /// It begins or prepares an update.
    Work,
}

/// The turns of one caller.
#[derive(Debug, Default)]
pub(super) struct Turns {
    /// Held during a call.
    call: Mutex<()>,
    /// Held by the one piece of work that is next.
    work: Mutex<()>,
    verdicts: AtomicUsize,
    free: Notify,
    pace: Lock<Pace>,
}

/// A turn; the next one begins after it is dropped.
#[derive(Debug)]
pub struct Turn<'a> {
    turns: &'a Turns,
    _call: MutexGuard<'a, ()>,
}

/// How far calls are apart.
#[derive(Debug, Default)]
struct Pace {
    gap: Duration,
    last: Option<Instant>,
}

impl Turns {
    /// Waits for a turn.
    pub(super) async fn take(&self, purpose: Purpose) -> Turn<'_> {
        let call = match purpose {
            Purpose::Verdict => {
                let _waiting = Waiting::begin(self);
                self.call.lock().await
            }
            Purpose::Work => {
                let _next = self.work.lock().await;
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
            _call: call,
        }
    }

    /// Notes that the service throttled a call.
    pub(super) fn throttled(&self) {
        self.pace().widen();
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
        self.turns.pace().ended(Instant::now());
    }
}

impl Pace {
    fn wait(&self, now: Instant) -> Duration {
        let since = self.last.map(|last| now.saturating_duration_since(last));
        since.map_or(Duration::ZERO, |since| self.gap.saturating_sub(since))
    }

    fn widen(&mut self) {
        self.gap = (self.gap * 2).clamp(GAP, LARGEST_GAP);
    }

    /// Every call that ends brings the next ones a little closer.
    fn ended(&mut self, now: Instant) {
        self.last = Some(now);
        self.gap = self.gap.mul_f64(0.85);
        if self.gap < SMALLEST_GAP {
            self.gap = Duration::ZERO;
        }
    }
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
        let first = turns.take(Purpose::Work).await;
        let call = async |purpose: Purpose| {
            let turn = turns.take(purpose).await;
            order.lock().expect("a list").push(purpose);
            drop(turn);
        };
        let work = [Purpose::Work; 3];
        let all = work.into_iter().chain([Purpose::Verdict; 2]);
        let calls = join_all(all.map(call));
        tokio::join!(calls, async { drop(first) });
        let order = order.lock().expect("a list");
        // The work that was next in line when the verdicts came goes first.
        assert_eq!(order[1..3], [Purpose::Verdict; 2], "{order:?}");
    }

    #[test]
    fn a_throttled_call_keeps_the_next_ones_apart_for_a_while() {
        let mut pace = Pace::default();
        let now = Instant::now();
        assert_eq!(pace.wait(now), Duration::ZERO);
        pace.widen();
        pace.ended(now);
        assert_eq!(pace.wait(now), Duration::from_millis(425));
        assert_eq!(pace.wait(now + Duration::from_secs(1)), Duration::ZERO);
        for _ in 0..20 {
            pace.widen();
        }
        assert_eq!(pace.gap, LARGEST_GAP);
        for _ in 0..40 {
            pace.ended(now);
        }
        assert_eq!(pace.wait(now), Duration::ZERO);
    }
}
