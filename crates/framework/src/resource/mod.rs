//! Managed resources: what a provider author writes.

mod plan;

use async_trait::async_trait;
use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::schema::Schema;
use crate::{Context, Diagnostic, Diagnostics, Model};

pub use plan::{Apply, Plan};

/// What a resource remembers besides its attributes. Stored with the state **in clear** and never
/// shown: for facts about the remote side that a plan needs, not for secrets. `()` for none.
///
/// Stored as JSON. Fields that come later need `#[serde(default)]`.
pub trait Private: Serialize + DeserializeOwned + Clone + Default + Send + Sync + 'static {}

impl<T: Serialize + DeserializeOwned + Clone + Default + Send + Sync + 'static> Private for T {}

/// What is known about something that exists: its attributes, and what the resource remembers.
pub struct State<R: Resource> {
    /// The attributes. Nothing unknown, write-only attributes null.
    pub model: R::Model,
    /// What the resource remembers.
    pub private: R::Private,
}

impl<R: Resource> State<R> {
    /// A state that remembers nothing.
    pub fn new(model: R::Model) -> Self {
        Self { model, private: R::Private::default() }
    }
}

impl<R: Resource> Clone for State<R> {
    fn clone(&self) -> Self {
        Self { model: self.model.clone(), private: self.private.clone() }
    }
}

/// One kind of thing that the provider creates, changes and takes down.
///
/// The framework has checked the configuration against the schema before any of these is called,
/// fills what the schema decides (defaults, what stays, what becomes unknown), and checks every
/// answer against the core's rules. `Err` always holds at least one error; warnings go to
/// [`Context::warn`].
#[async_trait]
pub trait Resource: Sized + Send + Sync + 'static {
    /// Its attributes and blocks.
    type Model: Model;
    /// What it remembers besides; `()` for nothing.
    type Private: Private;

    /// The full name of the type, such as `windlass_file`.
    fn type_name(&self) -> &'static str;

    /// Its schema. Must be the same on every call.
    fn schema(&self) -> Schema;

    /// Checks a configuration beyond what validators and rules of the schema can say. Anything may
    /// be unknown, and the provider is not configured: nothing remote, no files.
    async fn validate(&self, _cx: &Context, _config: &Self::Model, _problems: &mut Diagnostics) {}

    /// Finds out what there is now. `None` when it is gone. On `Err` the prior state is kept.
    async fn read(&self, cx: &Context, state: State<Self>) -> Result<Option<State<Self>>, Diagnostics>;

    /// Decides what will change; the default accepts what the schema decides. Called for create and
    /// update, again inside apply, and must then give the same answer for everything known.
    async fn plan(&self, _cx: &Context, _plan: &mut Plan<Self>) -> Result<(), Diagnostics> {
        Ok(())
    }

    /// Looks at a planned destruction: the place to warn, or to refuse with an error.
    async fn plan_destroy(&self, _cx: &Context, _state: &State<Self>) -> Result<(), Diagnostics> {
        Ok(())
    }

    /// Makes it. Record what exists in `apply.state` as soon as it exists: on `Err`, cancellation or
    /// panic the recorded state is saved and the resource is marked as tainted.
    async fn create(&self, cx: &Context, apply: &mut Apply<Self>) -> Result<(), Diagnostics>;

    /// Changes it in place. `apply.state` starts as the prior state.
    async fn update(&self, cx: &Context, apply: &mut Apply<Self>) -> Result<(), Diagnostics>;

    /// Takes it down; already gone is success. On `Err` the prior state is kept.
    async fn delete(&self, cx: &Context, state: State<Self>) -> Result<(), Diagnostics>;

    /// Adopts what `id` names. Read is called next with the result, so only what Read needs to find
    /// it must be filled in.
    async fn import(&self, _cx: &Context, id: &str) -> Result<State<Self>, Diagnostics> {
        Err(Diagnostic::error(format!("Could not import {id:?}"))
            .detail(format!("{} does not support import.", self.type_name()))
            .into())
    }

    /// Brings the JSON of a state of schema version `from` to the current schema. Called only for an
    /// older version. Attributes that are missing in the result become null, those that the schema
    /// does not have are dropped; the default does nothing else.
    async fn upgrade(&self, _from: i64, state: serde_json::Value) -> Result<serde_json::Value, Diagnostics> {
        Ok(state)
    }
}
