//! What else can be done to a running environment: terminate, abort, rebuild, restart, swap.

use super::super::query::Failure;
use super::super::xml::Xml;
use super::context::{Context, invalid, ready};
use super::model::{SAMPLE, Status};
use super::timeline::{self, Ending, Lifecycle};
use super::{bundle, secrets, views};

pub(super) fn terminate(cx: &mut Context<'_>, xml: &mut Xml) -> Result<(), Failure> {
    let index = cx.environment_index()?;
    let force = cx.parameters().flag("ForceTerminate")?.unwrap_or_default();
    let environment = &cx.region.environments[index];
    let name = &environment.name;
    match environment.status {
        Status::Ready => {}
        Status::Terminating => {
            let message = format!(
                "Environment named {name} is in an invalid state for this operation. Must be Ready."
            );
            return Err(invalid(message));
        }
        _ if force => {}
        _ => {
            let message = format!(
                "Cannot terminate environment named {name}. It is currently pending deployment."
            );
            return Err(invalid(message));
        }
    }
    let steps = timeline::terminate(environment, cx.start());
    cx.region.environments[index].steps = steps;
    cx.region.advance(cx.now());
    views::environment(xml, cx, &cx.region.environments[index]);
    Ok(())
}

pub(super) fn abort(cx: &mut Context<'_>, _: &mut Xml) -> Result<(), Failure> {
    let index = cx.environment_index()?;
    let environment = &cx.region.environments[index];
    if !environment.abortable {
        let message = format!(
            "Environment named {} is in an invalid state for this operation. Must be pending deployment.",
            environment.name
        );
        return Err(invalid(message));
    }
    let steps = timeline::abort(environment, cx.start());
    cx.region.environments[index].steps = steps;
    Ok(())
}

pub(super) fn rebuild(cx: &mut Context<'_>, _: &mut Xml) -> Result<(), Failure> {
    let index = cx.ready_index()?;
    let environment = cx.region.environments[index].clone();
    let label = environment
        .label
        .clone()
        .unwrap_or_else(|| SAMPLE.to_owned());
    let ending = bundle::ending(cx, &environment, &label, &environment.settings)?;
    let bucket = cx.bucket();
    let around = Lifecycle {
        region: &cx.call.region,
        bucket: &bucket,
    };
    let steps = timeline::rebuild(&environment, &ending, &around, cx.start());
    cx.region.environments[index].steps = steps;
    Ok(())
}

pub(super) fn restart(cx: &mut Context<'_>, _: &mut Xml) -> Result<(), Failure> {
    let index = cx.ready_index()?;
    let environment = &cx.region.environments[index];
    let fetched = secrets::fetch(cx, environment, &environment.settings)?;
    let failure = match &fetched {
        Err(Ending::Fails(failure)) => Some(failure),
        _ => None,
    };
    let steps = timeline::restart(environment, failure, cx.start());
    cx.region.environments[index].steps = steps;
    Ok(())
}

/// UNVERIFIED: that both environments must be Ready.
pub(super) fn swap(cx: &mut Context<'_>, _: &mut Xml) -> Result<(), Failure> {
    let source = cx.named_environment("SourceEnvironmentId", "SourceEnvironmentName")?;
    let destination =
        cx.named_environment("DestinationEnvironmentId", "DestinationEnvironmentName")?;
    if source == destination {
        return Err(invalid("Source and destination environments must differ."));
    }
    let environments = &cx.region.environments;
    ready(&environments[source])?;
    ready(&environments[destination])?;
    let [one, other] = timeline::swap(
        &environments[source],
        &environments[destination],
        &cx.call.region,
        cx.start(),
    );
    cx.region.environments[source].steps = one;
    cx.region.environments[destination].steps = other;
    Ok(())
}
