//! Sending a piece until it has arrived: beyond the SDK's own retries, and where nothing moves any more.

use std::time::Duration;

use aws_sdk_s3::config::retry::RetryConfig;
use aws_sdk_s3::config::timeout::TimeoutConfig;
use aws_sdk_s3::config::{Builder, StalledStreamProtectionConfig};
use rand::RngExt;

use super::body::Meter;
use crate::aws::error::is_passing;
use crate::error::{Error, Kind, Result};

/// How often the SDK tries a piece in one round; few times, as each of its waits holds up this piece alone.
const ATTEMPTS: u32 = 3;
/// How many rounds a piece gets.
const ROUNDS: u32 = 5;
/// How long a body may stand still before the SDK gives up an attempt.
const BODY_STANDS: Duration = Duration::from_secs(10);
/// How long nothing may move in the first round, the wait for the answer included. It doubles every round: on a slow
/// line the system's own buffers can take longer to drain.
const NOTHING_MOVES: Duration = Duration::from_secs(30);

/// The settings of a request that carries a piece. A time for the whole request would cut off slow lines, so what
/// counts is that something moves.
pub(super) fn of_one_piece() -> Builder {
    let stalls = StalledStreamProtectionConfig::enabled().grace_period(BODY_STANDS);
    aws_sdk_s3::Config::builder()
        .retry_config(RetryConfig::standard().with_max_attempts(ATTEMPTS))
        .timeout_config(TimeoutConfig::builder().disable_read_timeout().build())
        .stalled_stream_protection(stalls.build())
}

/// Sends a piece, again and again while what goes wrong may pass.
pub(super) async fn until_sent<T, F: Future<Output = Result<T>>>(
    meter: &Meter,
    piece: usize,
    send: impl Fn() -> F,
) -> Result<T> {
    for round in 0.. {
        meter.begins(piece);
        let error =
            match while_it_moves(meter, piece, NOTHING_MOVES * 2_u32.pow(round), send()).await {
                Ok(sent) => return Ok(sent),
                Err(error) => error,
            };
        if !is_passing(&error) || round + 1 == ROUNDS {
            return Err(error);
        }
        let pause = Duration::from_millis(400) * 2_u32.pow(round);
        let jittered = pause.mul_f64(rand::rng().random_range(0.5..1.5));
        tokio::time::sleep(jittered).await;
    }
    unreachable!("rounds end")
}

/// Waits for a request as long as something of it moves.
async fn while_it_moves<T>(
    meter: &Meter,
    piece: usize,
    patience: Duration,
    sending: impl Future<Output = Result<T>>,
) -> Result<T> {
    tokio::pin!(sending);
    loop {
        let left = patience.saturating_sub(meter.idle(piece));
        if left.is_zero() {
            return Err(Error::new(
                Kind::Unreachable,
                format!(
                    "the upload stands still: S3 has not answered for {} s",
                    patience.as_secs()
                ),
            )
            .hint("check the network, then run the command again"));
        }
        tokio::select! {
            sent = &mut sending => return sent,
            () = tokio::time::sleep(left) => {}
        }
    }
}
