//! What passes over the wire: whether anything has answered yet, whether calls come too
//! fast, and, with `-v`, a line a call.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use aws_smithy_runtime_api::box_error::BoxError;
use aws_smithy_runtime_api::client::interceptors::context::{
    BeforeDeserializationInterceptorContextRef, FinalizerInterceptorContextRef,
};
use aws_smithy_runtime_api::client::interceptors::{Intercept, dyn_dispatch_hint};
use aws_smithy_runtime_api::client::orchestrator::Metadata;
use aws_smithy_runtime_api::client::runtime_components::RuntimeComponents;
use aws_smithy_types::config_bag::ConfigBag;

use super::turn::Turns;
use crate::output::{Event, Out};

/// What is known of the traffic of all clients.
#[derive(Debug)]
pub(super) struct Wire {
    answered: AtomicBool,
    pub(super) turns: Turns,
    out: Out,
}

impl Wire {
    pub(super) fn new(out: Out) -> Self {
        Self {
            answered: AtomicBool::new(false),
            turns: Turns::default(),
            out,
        }
    }

    /// Whether any call has had any HTTP answer, be it an error.
    pub(super) fn answered(&self) -> bool {
        self.answered.load(Ordering::Relaxed)
    }
}

/// Taps one client's traffic.
#[derive(Debug)]
pub(super) struct Tap(pub(super) Arc<Wire>);

#[dyn_dispatch_hint]
impl Intercept for Tap {
    fn name(&self) -> &'static str {
        "beanship"
    }

    fn read_before_deserialization(
        &self,
        context: &BeforeDeserializationInterceptorContextRef<'_>,
        _: &RuntimeComponents,
        bag: &mut ConfigBag,
    ) -> Result<(), BoxError> {
        self.0.answered.store(true, Ordering::Relaxed);
        let response = context.response();
        if !response.status().is_success() && response.body().bytes().is_some_and(is_throttle) {
            self.0.turns.throttled();
        }
        self.call(bag, &response.status().as_u16().to_string());
        Ok(())
    }

    fn read_after_attempt(
        &self,
        context: &FinalizerInterceptorContextRef<'_>,
        _: &RuntimeComponents,
        bag: &mut ConfigBag,
    ) -> Result<(), BoxError> {
        if context.response().is_none() {
            self.call(bag, "no answer");
        }
        Ok(())
    }
}

/// Whether an answer says that calls come too fast: `Throttling` with `Rate exceeded` at Elastic
/// Beanstalk (facts 1.4).
fn is_throttle(body: &[u8]) -> bool {
    let holds = |text: &[u8]| body.windows(text.len()).any(|part| part == text);
    holds(b"<Code>Throttl") || holds(b"Rate exceeded") || holds(b"RequestLimitExceeded")
}

impl Tap {
    fn call(&self, bag: &ConfigBag, answer: &str) {
        if let Some(metadata) = bag.load::<Metadata>() {
            let (service, operation) = (metadata.service(), metadata.name());
            self.0.out.event(&Event::Call {
                service,
                operation,
                answer,
            });
        }
    }
}
