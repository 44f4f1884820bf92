//! Updates without a version: option settings alone, and restarts.

use std::time::Instant;

use super::configuration;
use super::environment;
use super::observe::wait_until_ready;
use super::steps::{Made, World, out_of_time};
use crate::aws::Purpose;
use crate::error::{Error, Result};
use crate::properties::Options;

/// Starts an update of the settings. Where the environment is not Ready (another operation slipped
/// in, or our own began and its answer was lost), it waits, and looks whether the settings are in
/// place by then.
pub(super) async fn configure(
    world: &World,
    made: &mut Made,
    (application, name): (&str, &str),
    options: &Options,
) -> Result<()> {
    loop {
        let turn = world.aws.turn(Purpose::Update).await;
        let asked = environment::update(&world.aws, name, None, options).await;
        drop(turn);
        match asked {
            Ok(request_id) => {
                made.request_id = request_id;
                made.updated = true;
                return Ok(());
            }
            Err(error) => not_ready(world, name, error).await?,
        }
        let seen = configuration::read(&world.aws, application, name).await?;
        if options.missing(&seen).is_empty() {
            made.updated = true;
            return Ok(());
        }
    }
}

/// Starts a restart; waits where the environment is not Ready. One restart too many, after an
/// answer that was lost, does no harm.
pub(super) async fn restart(world: &World, made: &mut Made, name: &str) -> Result<()> {
    loop {
        let turn = world.aws.turn(Purpose::Update).await;
        let asked = environment::restart(&world.aws, name).await;
        drop(turn);
        match asked {
            Ok(request_id) => {
                made.request_id = request_id;
                made.updated = true;
                return Ok(());
            }
            Err(error) => not_ready(world, name, error).await?,
        }
    }
}

/// Waits after an answer that the environment is not Ready; any other error is one.
async fn not_ready(world: &World, name: &str, error: Error) -> Result<()> {
    if !error.message().contains("Must be Ready") {
        return Err(error);
    }
    if Instant::now() >= world.deadline {
        let what = format!("takes no update: {}", error.message());
        return Err(out_of_time(name, &what));
    }
    wait_until_ready(world, name).await.map(drop)
}
