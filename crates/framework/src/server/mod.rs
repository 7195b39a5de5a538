//! A provider as the core sees it: one method per call, in plain structs.
//!
//! Nothing here knows the wire protocol: the adapter decodes a message, calls a method, encodes the
//! answer. Every method decodes values against the schema, runs the author's code behind a guard
//! (time limit, cancellation, panic), checks the core's own rules on the answer, and never loses a
//! state that was reached.

mod apply;
mod config;
mod data_source;
mod dynamic;
mod ephemeral;
mod functions;
mod plan;
mod read;
mod schema;
mod state;
mod validate;

use std::collections::BTreeMap;
use std::fmt;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use tfvalue::{Type, Value};
use tokio_util::sync::CancellationToken;

use crate::context::GRACE;
use crate::erased::{AnyProvider, ErasedOneProvider, could_not};
use crate::schema::{Operation, Schema, Timeouts, resolve_timeouts};
use crate::{
    AnyDataSource, AnyEphemeral, AnyFunction, AnyResource, Capabilities, Context, Diagnostic, Diagnostics,
    Provider,
};

pub use apply::{ApplyRequest, ApplyResponse};
pub use config::{ConfigureRequest, PreparedConfig};
pub use data_source::{ReadDataSourceRequest, ReadDataSourceResponse};
pub use dynamic::Dynamic;
pub use ephemeral::{OpenRequest, OpenResponse, RenewResponse};
pub use plan::{PlanRequest, PlanResponse};
pub use read::{ReadRequest, ReadResponse};
pub use schema::ProviderSchema;
pub use state::{ImportResponse, Imported, MoveRequest, UpgradeRequest, UpgradeResponse};
pub use validate::ValidateRequest;

/// A provider that answers the calls of a core.
pub struct Server {
    provider: AnyProvider,
    resources: BTreeMap<&'static str, AnyResource>,
    data_sources: BTreeMap<&'static str, AnyDataSource>,
    ephemerals: BTreeMap<&'static str, AnyEphemeral>,
    functions: BTreeMap<&'static str, AnyFunction>,
    /// Names that are offered twice, as mistakes.
    duplicates: Vec<String>,
    /// Cancelled by [`Server::stop`]; every call works under a child of it.
    stop: CancellationToken,
    core: Mutex<Core>,
    grace: Duration,
}

/// What the core told about itself.
#[derive(Clone, Debug, Default)]
struct Core {
    version: String,
    capabilities: Capabilities,
}

impl fmt::Debug for Server {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Server").field("resources", &self.resources).finish_non_exhaustive()
    }
}

impl Server {
    /// A server for `provider`. Asks for all schemas once and keeps them.
    pub fn new(provider: impl Provider) -> Self {
        let mut duplicates = Vec::new();
        let resources = provider.resources().into_iter().map(|one| (one.0.type_name(), one));
        let data_sources = provider.data_sources().into_iter().map(|one| (one.0.type_name(), one));
        let ephemerals = provider.ephemerals().into_iter().map(|one| (one.0.type_name(), one));
        let functions = provider.functions().into_iter().map(|one| (one.0.name(), one));
        Self {
            resources: unique(resources, &mut duplicates),
            data_sources: unique(data_sources, &mut duplicates),
            ephemerals: unique(ephemerals, &mut duplicates),
            functions: unique(functions, &mut duplicates),
            duplicates,
            provider: Box::new(ErasedOneProvider::new(provider)),
            stop: CancellationToken::new(),
            core: Mutex::default(),
            grace: GRACE,
        }
    }

    /// How long work may take to stop after it was cancelled, before it is dropped; 30 s unless set.
    #[must_use]
    pub fn grace(mut self, grace: Duration) -> Self {
        self.grace = grace;
        self
    }

    /// Asks all running work to stop. It answers with what it reached; later calls start cancelled,
    /// except closing an ephemeral resource, which is still done.
    pub fn stop(&self) {
        tracing::debug!("stop: cancelling all running work");
        self.stop.cancel();
    }

    fn core(&self) -> Core {
        self.core.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    fn set_core(&self, core: Core) {
        *self.core.lock().unwrap_or_else(PoisonError::into_inner) = core;
    }

    /// The context of one call. `capabilities` as the message says, or as they were at configure.
    fn context(
        &self,
        operation: Operation,
        type_name: &str,
        limits: Timeouts,
        capabilities: Option<Capabilities>,
    ) -> Context {
        self.context_under(self.stop.child_token(), operation, type_name, limits, capabilities)
    }

    /// The same under a token of its own, for what must be done even after a stop.
    fn context_under(
        &self,
        token: CancellationToken,
        operation: Operation,
        type_name: &str,
        limits: Timeouts,
        capabilities: Option<Capabilities>,
    ) -> Context {
        tracing::debug!(?operation, type_name, "call");
        let core = self.core();
        let capabilities = capabilities.unwrap_or(core.capabilities);
        Context::new(operation, token, limits).called_by(&core.version, capabilities, self.grace)
    }

    /// Warnings of the call and remarks of the provider, then what went wrong.
    fn all(&self, cx: &Context, problems: Diagnostics) -> Diagnostics {
        let mut all = cx.take_warnings();
        all.append(self.provider.remarks());
        all.append(problems);
        all
    }

    fn resource(&self, type_name: &str, operation: &str) -> Result<&AnyResource, Diagnostics> {
        self.resources.get(type_name).ok_or_else(|| unsupported("resource type", type_name, operation))
    }
}

fn unique<T>(
    all: impl Iterator<Item = (&'static str, T)>,
    duplicates: &mut Vec<String>,
) -> BTreeMap<&'static str, T> {
    let mut by_name = BTreeMap::new();
    for (name, one) in all {
        if by_name.insert(name, one).is_some() {
            duplicates.push(format!("{name}: offered twice"));
        }
    }
    by_name
}

fn unsupported(kind: &str, type_name: &str, operation: &str) -> Diagnostics {
    let detail = format!("The provider has no {kind} {type_name:?}. A newer version may have it.");
    Diagnostic::error(could_not(operation, type_name)).detail(detail).into()
}

/// The time limits that apply to something with this schema and these values.
fn limits(schema: &Schema, object: &Value) -> Timeouts {
    schema.timeouts.as_ref().map(|defaults| resolve_timeouts(defaults, object)).unwrap_or_default()
}

/// Decodes a value that the core sent; what cannot be decoded is a bug on one of the two sides.
fn decode(dynamic: &Dynamic, ty: &Type, summary: &str) -> Result<Value, Diagnostics> {
    dynamic.decode(ty).map_err(|error| {
        let what =
            format!("The core sent a value that does not fit the schema: {}", crate::error_chain(&error));
        Diagnostic::bug(summary, what).into()
    })
}

/// Encodes a value for the core.
fn encode(value: &Value, ty: &Type, summary: &str) -> Result<Dynamic, Diagnostics> {
    Dynamic::encode(value, ty).map_err(|error| {
        let what = format!("The answer does not fit the schema: {}", crate::error_chain(&error));
        Diagnostic::bug(summary, what).into()
    })
}
