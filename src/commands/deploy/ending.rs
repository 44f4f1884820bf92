//! How a deploy ends that did not get to its end: out of time, or interrupted.

use crate::commands::{Context, signal};
use crate::deploy::environment;
use crate::deploy::report::{DeployReport, Update};
use crate::error::{Error, Kind};
use crate::output::Event;

/// The error of a deploy whose time ran out while AWS left a call unanswered.
pub(in crate::commands) fn unanswered(report: &DeployReport) -> Error {
    let environment = report.environment.as_deref().unwrap_or("NAME");
    if report.update() != Update::NotAsked {
        Error::new(
            Kind::Timeout,
            format!("timed out: AWS has not told in time how the update of {environment} goes on"),
        )
        .hint(format!(
            "see how it went with `beanship status --env {environment}`"
        ))
    } else {
        Error::new(
            Kind::Unreachable,
            "timed out before the update: AWS has not answered in time",
        )
        .hint("see the calls with `-v`, or give it more time: `--timeout 40m`")
    }
}

/// The error of a deploy that a signal ended: what goes on without us, and how to come back.
pub(in crate::commands) fn interrupted(report: &DeployReport) -> Error {
    let environment = report.environment.as_deref().unwrap_or("NAME");
    let what = match report.update() {
        Update::NotAsked => {
            return Error::new(
                Kind::Interrupted,
                "interrupted: the environment was not touched",
            )
            .hint("run the same command again; it goes on where it stopped");
        }
        Update::Asked => format!("the update of {environment} may have been started"),
        Update::Done => {
            format!("{environment} was updated, but its smoke check has not ended")
        }
        Update::Started => format!("Elastic Beanstalk goes on with the update of {environment}"),
    };
    let error = Error::new(Kind::Interrupted, format!("interrupted: {what}")).hint(format!(
        "go on watching with `beanship watch --env {environment}`"
    ));
    match report.update() {
        Update::Asked | Update::Started => error.hint(format!(
            "or stop the update with `beanship abort --env {environment}`"
        )),
        Update::NotAsked | Update::Done => error,
    }
}

/// Aborts the update after an interruption; a second signal leaves at once.
pub(super) async fn abort(cx: &Context, report: &DeployReport) -> Error {
    let environment = report.environment.as_deref().unwrap_or_default();
    let asked = async {
        let aws = cx.aws().await?;
        environment::abort(&aws, environment).await
    };
    let asked = tokio::select! {
        asked = asked => asked,
        () = signal() => return interrupted(report),
    };
    match asked {
        Ok(()) => Error::new(
            Kind::Interrupted,
            format!("interrupted: the update of {environment} is being aborted, instances may run different versions"),
        )
        .hint(format!("see what they run with `beanship status --env {environment}`")),
        Err(error) => {
            let text = format!("the update of {environment} cannot be aborted: {error}");
            cx.out.event(&Event::Warning(&text));
            interrupted(report)
        }
    }
}
