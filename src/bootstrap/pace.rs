//! How long `bootstrap` waits for what AWS does in its own time. Every wait here is for a condition
//! and has an end: the deadline of the command (`--timeout`), or one of these.

use std::time::{Duration, Instant};

use crate::aws::Aws;

/// How long IAM, EC2 and Elastic Beanstalk may take until they know everywhere what was just made.
pub(super) const SETTLES: Duration = Duration::from_secs(60);
/// How long a security group may still be in use after its instances are gone.
pub(super) const RELEASED: Duration = Duration::from_secs(5 * 60);

/// How long to wait before a change that was just asked for is looked for again.
const SOON: Duration = Duration::from_secs(1);
/// How long it is looked for: at AWS it shows within seconds (UNVERIFIED), in the sandbox at once.
const SHOWS: Duration = Duration::from_secs(10);

/// How long to wait before IAM and the like are asked again, at first and at most.
const FIRST: Duration = Duration::from_millis(250);
const MOST: Duration = Duration::from_secs(4);
/// How long to wait before a database or a security group is looked at again.
const SLOW: Duration = Duration::from_secs(10);

/// Asks again with growing pauses, up to an end.
pub(super) struct Patience {
    end: Instant,
    pause: Duration,
    most: Duration,
}

impl Patience {
    /// For what settles within a minute.
    pub(super) fn short(aws: &Aws) -> Self {
        Self {
            end: Instant::now() + SETTLES,
            pause: aws.pause(FIRST),
            most: aws.pause(MOST),
        }
    }

    /// Waits before the next try; false once there is none.
    pub(super) async fn again(&mut self) -> bool {
        if Instant::now() >= self.end {
            return false;
        }
        tokio::time::sleep(self.pause).await;
        self.pause = (self.pause * 2).min(self.most.max(self.pause));
        true
    }
}

/// The pause before something slow is looked at again.
pub(super) fn slow(aws: &Aws) -> Duration {
    aws.pause(SLOW)
}

/// The pause before a change that was just asked for is looked for again.
pub(super) fn soon(aws: &Aws) -> Duration {
    aws.pause(SOON)
}

/// How long it is looked for.
pub(super) fn shows(aws: &Aws) -> Duration {
    match aws.sandbox {
        Some(_) => Duration::ZERO,
        None => SHOWS,
    }
}
