//! Ephemeral resources: what a provider author writes. Their values are in no plan and no state.

use std::time::SystemTime;

use async_trait::async_trait;

use crate::schema::Schema;
use crate::{Context, Diagnostics, Model, Private};

/// Something that is open for the time of one run, such as a token.
#[async_trait]
pub trait EphemeralResource: Sized + Send + Sync + 'static {
    /// Its attributes and blocks.
    type Model: Model;
    /// What renew and close need. Kept in the core's memory during the run, never stored.
    type Private: Private;

    /// The full name of the type.
    fn type_name(&self) -> &'static str;

    /// Its schema. Must be the same on every call.
    fn schema(&self) -> Schema;

    /// Checks a configuration beyond what the schema can say. Anything may be unknown, and the
    /// provider is not configured.
    async fn validate(&self, _cx: &Context, _config: &Self::Model, _problems: &mut Diagnostics) {}

    /// Opens it. `config` has defaults filled in and computed attributes unknown; the result is the
    /// same model with everything known.
    async fn open(&self, cx: &Context, config: Self::Model) -> Result<Opened<Self>, Diagnostics>;

    /// Keeps it open; returns when to be called next. Called only when [`Opened::renew_at`] was set.
    async fn renew(
        &self,
        _cx: &Context,
        _private: &mut Self::Private,
    ) -> Result<Option<SystemTime>, Diagnostics> {
        Ok(None)
    }

    /// Closes it; also called at the end of a run that was interrupted.
    async fn close(&self, _cx: &Context, _private: Self::Private) -> Result<(), Diagnostics> {
        Ok(())
    }
}

/// An open ephemeral resource.
pub struct Opened<E: EphemeralResource> {
    /// Its attributes, all known.
    pub model: E::Model,
    /// What renew and close need.
    pub private: E::Private,
    /// When it must be renewed, if at all.
    pub renew_at: Option<SystemTime>,
}
