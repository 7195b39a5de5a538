//! Schemas, typed models, plan rules and the protocol-neutral provider server.

// Derived code names this crate `::framework`, also in its own tests.
extern crate self as framework;

mod context;
mod data_source;
mod diagnostics;
mod ephemeral;
mod erased;
mod function;
mod model;
mod plan;
mod prefill;
mod provider;
mod resource;
mod rules;
pub mod schema;
pub mod server;

pub use async_trait::async_trait;
pub use context::{Capabilities, Context};
pub use data_source::DataSource;
pub use diagnostics::{Diagnostic, Diagnostics, IntoPath, Severity, error_chain};
pub use ephemeral::{EphemeralResource, Opened};
pub use erased::{AnyDataSource, AnyEphemeral, AnyFunction, AnyResource};
pub use framework_derive::Model;
pub use function::{
    Argument, Arguments, Documentation, Function, FunctionError, Parameter, Signature, Variadic,
};
pub use model::{DecodeError, Empty, Field, Fields, Model, ModelValue, Undecided};
pub use plan::{Apply, Plan};
pub use provider::Provider;
pub use resource::{Private, Resource, State};
pub use schema::{Attribute, Block, Operation, Rule, Schema, Timeouts, Validator, validate};
pub use server::Server;
pub use tfvalue::{Number, Path, Step, Type, Value};
