//! A test kit for provider authors: play the core for one resource, in memory.
//!
//! [`Harness`] drives a resource through the same calls, codecs and rules as a core would, and
//! [`Matrix`] feeds it configurations that nobody thinks of: every attribute absent, known and
//! unknown, alone and in random combinations. Everything fails by panicking with the messages that
//! a person would see, which is what a test wants.

mod harness;
mod matrix;
mod random;
mod samples;

use crate::{AnyResource, Context, Diagnostics, Empty, Provider, Resource, Schema, Server, async_trait};

pub use harness::{Action, Change, Harness};
pub use matrix::{Matrix, Report};

/// Fails when a resource's schema has a mistake or differs from its model.
#[track_caller]
pub fn check_resource<R: Resource>(resource: &R) {
    let schema = resource.schema();
    let mut mistakes = schema.check();
    mistakes.extend(schema.check_model::<R::Model>());
    assert!(mistakes.is_empty(), "{}:\n{}", resource.type_name(), mistakes.join("\n"));
}

/// Fails when anything that a provider offers has a mistake in its schema or differs from its model.
#[track_caller]
pub fn check_provider(server: &Server) {
    let mistakes = server.mistakes();
    assert!(mistakes.is_empty(), "{}", mistakes.join("\n"));
}

/// A provider that offers one resource and has no configuration.
struct Only(AnyResource);

#[async_trait]
impl Provider for Only {
    type Model = Empty;

    fn schema(&self) -> Schema {
        Schema::new(0)
    }

    async fn configure(&self, _: &Context, _: Empty) -> Result<(), Diagnostics> {
        Ok(())
    }

    fn resources(&self) -> Vec<AnyResource> {
        vec![self.0.clone()]
    }
}
