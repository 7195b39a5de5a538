//! Schemas, typed models, plan rules and the protocol-neutral provider server.
//!
//! A provider author writes a [`Schema`], a [`Model`] that mirrors it, and a [`Resource`] (or
//! [`DataSource`], [`EphemeralResource`], [`Function`]); a [`Provider`] lists them; a [`Server`]
//! answers the core's calls. The crate knows nothing of the wire protocol: an adapter decodes a
//! message, calls one method of the server and encodes the answer.
//!
//! Three things are done here so that no resource has to:
//! - **Plans are filled by the schema.** The configuration wins, then defaults; computed attributes
//!   keep their value when nothing changes and are unknown otherwise (see [`Plan`]).
//! - **The core's own rules are checked on every answer.** A plan or result that the core would
//!   refuse becomes an error that names the resource and the attribute and asks for a report.
//! - **Nothing that was reached is lost.** Errors, panics, time limits and interruptions still
//!   answer the state that was recorded (see [`Apply`]). This relies on unwinding: a program that
//!   is built with `panic = "abort"` loses it after a panic.
//!
//! What is deliberately absent: the core's `legacy_type_system` escape, deferred responses,
//! resource identity, moving state between types.
//!
//! # A complete resource
//!
//! ```
//! use std::collections::BTreeMap;
//! use std::sync::{Arc, Mutex};
//!
//! use framework::testing::{Action, Harness, Matrix, check_resource};
//! use framework::{
//!     Apply, Attribute, Context, Diagnostic, Diagnostics, Field, Model, Plan, Resource, Rule, Schema,
//!     State, Timeouts, async_trait, validate,
//! };
//! use secret::Secret;
//!
//! /// The attributes, one field each. Those that only apply may know are `Field`s too.
//! #[derive(Clone, Model)]
//! struct Note {
//!     title: Field<String>,
//!     text: Field<String>,
//!     pin_wo: Field<Secret>,
//!     pin_version: Field<String>,
//!     id: Field<String>,
//!     length: Field<u64>,
//! }
//!
//! /// The remote system: notes by title. A real resource holds a client here.
//! #[derive(Clone, Default)]
//! struct Notes(Arc<Mutex<BTreeMap<String, String>>>);
//!
//! impl Notes {
//!     /// The one place that maps the remote thing to the model, for create, read and update.
//!     fn write(&self, apply: &mut Apply<Self>) {
//!         let mut note = apply.planned.clone();
//!         let (title, text) = (note.title.clone().known_or_default(), note.text.clone().known_or_default());
//!         note.id = format!("note/{title}").into();
//!         note.length = (text.len() as u64).into();
//!         self.0.lock().unwrap().insert(title, text);
//!         apply.record(note, ());
//!     }
//! }
//!
//! #[async_trait]
//! impl Resource for Notes {
//!     type Model = Note;
//!     type Private = ();
//!
//!     fn type_name(&self) -> &'static str {
//!         "demo_note"
//!     }
//!
//!     fn schema(&self) -> Schema {
//!         Schema::new(0)
//!             .describe("A note.")
//!             .attribute(Attribute::string("title").required().requires_replace().describe("Its title."))
//!             .attribute(Attribute::string("text").default("").describe("What it says."))
//!             .attribute(Attribute::string("pin_wo").write_only().describe("A PIN to open it."))
//!             .attribute(
//!                 Attribute::string("pin_version")
//!                     .validate(validate::non_empty())
//!                     .describe("Another value sends `pin_wo` again."),
//!             )
//!             .attribute(Attribute::string("id").computed().keep_on_update().describe("Its identifier."))
//!             .attribute(Attribute::number("length").computed().describe("Its length in bytes."))
//!             .rule(Rule::required_with("pin_wo", ["pin_version"]))
//!             .timeouts(Timeouts::new().create(5))
//!     }
//!
//!     async fn read(&self, _: &Context, mut state: State<Self>) -> Result<Option<State<Self>>, Diagnostics> {
//!         let title = state.model.title.clone().known_or_default();
//!         let text = self.0.lock().unwrap().get(&title).cloned();
//!         Ok(text.map(|text| {
//!             state.model.id = format!("note/{title}").into();
//!             state.model.length = (text.len() as u64).into();
//!             state.model.text = text.into();
//!             state
//!         }))
//!     }
//!
//!     // Optional: say more than the schema can. Pure, and the same when called again in apply.
//!     async fn plan(&self, _: &Context, plan: &mut Plan<Self>) -> Result<(), Diagnostics> {
//!         plan.planned.length = plan.planned.text.as_ref().map(|text| text.len() as u64);
//!         Ok(())
//!     }
//!
//!     async fn create(&self, _: &Context, apply: &mut Apply<Self>) -> Result<(), Diagnostics> {
//!         self.write(apply);
//!         Ok(())
//!     }
//!
//!     async fn update(&self, _: &Context, apply: &mut Apply<Self>) -> Result<(), Diagnostics> {
//!         self.write(apply);
//!         Ok(())
//!     }
//!
//!     async fn delete(&self, _: &Context, state: State<Self>) -> Result<(), Diagnostics> {
//!         self.0.lock().unwrap().remove(&state.model.title.known_or_default());
//!         Ok(())
//!     }
//!
//!     async fn import(&self, _: &Context, id: &str) -> Result<State<Self>, Diagnostics> {
//!         let Some(title) = id.strip_prefix("note/") else {
//!             let problem = Diagnostic::error(format!("Could not import note {id:?}"));
//!             return Err(problem.detail("The id has the form `note/<title>`.").into());
//!         };
//!         Ok(State::new(Note { title: title.into(), ..Note::nothing() }))
//!     }
//! }
//!
//! # tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(async {
//! // Its tests: the schema is sound, a life in memory, and configurations nobody thinks of.
//! check_resource(&Notes::default());
//!
//! let mut core = Harness::new(Notes::default());
//! let config = core.config([("title", "a".into()), ("text", "hello".into())]);
//! assert_eq!(core.apply(&config).await.unwrap().action, Action::Create);
//! core.assert_no_changes(&config).await;
//! assert_eq!(core.model::<Note>().length, Field::Known(5));
//! core.destroy().await.unwrap();
//!
//! let report = Matrix::new(Notes::default()).applying().run().await;
//! assert!(report.applied > 0);
//! # });
//! ```

// Derived code names this crate `::framework`, also in its own tests.
extern crate self as framework;

mod context;
mod data_source;
mod diagnostics;
mod ephemeral;
mod erased;
mod function;
mod model;
mod prefill;
mod provider;
mod resource;
mod rules;
pub mod schema;
pub mod server;
pub mod testing;

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
pub use provider::Provider;
pub use resource::{Apply, Plan, Private, Resource, State};
pub use schema::{Attribute, Block, Body, Operation, Rule, Schema, Timeouts, Validator, validate};
pub use server::Server;
pub use tfvalue::{Number, Path, Step, Type, Value};
