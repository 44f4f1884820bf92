//! Trouble that was ordered: whether a request is served, and in which words it is refused.

use std::sync::Arc;

use jiff::Timestamp;

use super::super::World;
use super::super::account::Key;
use super::super::faults::{Fault, When};
use super::super::iam;
use super::super::query::Failure;
use super::Gateway;

/// What a request wants, as far as ordered trouble must know it.
pub(super) struct Wanted {
    pub(super) service: String,
    pub(super) operation: String,
    /// The ARN that IAM judges it by.
    pub(super) resource: String,
    pub(super) now: Timestamp,
    pub(super) key: Option<Key>,
}

impl Gateway {
    /// Lets `work` be done, unless there is trouble with the request.
    pub(super) async fn troubled<T: Send + 'static>(
        &self,
        request: Wanted,
        work: impl FnOnce(&World) -> Result<T, Failure> + Send + 'static,
    ) -> (Result<T, Failure>, Option<Fault>) {
        let world = Arc::clone(&self.world);
        let course = move || {
            let Wanted {
                service, operation, ..
            } = &request;
            let action = format!("{service}:{operation}");
            match may(&world, &request, &action) {
                Ok(true) => {}
                Ok(false) => return (Err(denied(&world, &request, &action)), None),
                Err(error) => return (Err(error.into()), None),
            }
            let fault = match world
                .faults
                .request(service, operation, &action, request.now)
            {
                Ok(fault) => fault,
                Err(error) => return (Err(error.into()), None),
            };
            let result = match fault {
                None | Some(Fault::Cut(When::After)) => work(&world),
                Some(Fault::Cut(When::Before) | Fault::Stalled) => Err(Failure::new("Cut", "")),
                Some(Fault::Throttled) => Err(Failure::new("Throttling", "Rate exceeded")),
                Some(Fault::Broken(status)) => Err(broken(status)),
                Some(Fault::Denied) => Err(denied(&world, &request, &action)),
            };
            (result, fault)
        };
        let failed = || Failure::with_status(500, "InternalFailure", "The sandbox failed.");
        tokio::task::spawn_blocking(course)
            .await
            .unwrap_or_else(|_| (Err(failed()), None))
    }
}

/// Whether the caller's own policies allow it.
fn may(world: &World, request: &Wanted, action: &str) -> std::io::Result<bool> {
    let Some(key) = &request.key else {
        return Ok(true);
    };
    iam::allows(world, &key.arn, action, &request.resource)
}

fn broken(status: u16) -> Failure {
    match status {
        503 => Failure::with_status(
            503,
            "ServiceUnavailable",
            "Service is unavailable. Please try again later.",
        ),
        _ => Failure::with_status(
            status,
            "InternalFailure",
            "An internal error has occurred. Please retry your query.",
        ),
    }
}

fn denied(world: &World, request: &Wanted, action: &str) -> Failure {
    let who = request
        .key
        .as_ref()
        .map_or_else(|| world.account.user_arn(), |key| key.arn.clone());
    Failure::with_status(
        403,
        "AccessDenied",
        refusal(&who, action, &request.resource),
    )
}

/// IAM's sentence for an action that nothing allows.
pub(in super::super) fn refusal(who: &str, action: &str, resource: &str) -> String {
    format!(
        "User: {who} is not authorized to perform: {action} on resource: {resource} because no identity-based policy \
         allows the {action} action"
    )
}
