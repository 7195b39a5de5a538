//! Data sources: what a provider author writes.

use async_trait::async_trait;

use crate::schema::Schema;
use crate::{Context, Diagnostics, Model};

/// Something that is looked up and never changed.
#[async_trait]
pub trait DataSource: Send + Sync + 'static {
    /// Its attributes and blocks.
    type Model: Model;

    /// The full name of the type, such as `windlass_host`.
    fn type_name(&self) -> &'static str;

    /// Its schema. Must be the same on every call. Only the `read` timeout has a meaning.
    fn schema(&self) -> Schema;

    /// Checks a configuration beyond what the schema can say. Anything may be unknown, and the
    /// provider is not configured.
    async fn validate(&self, _cx: &Context, _config: &Self::Model, _problems: &mut Diagnostics) {}

    /// Looks it up. `config` has defaults filled in and computed attributes unknown; the result is
    /// the same model with everything known.
    async fn read(&self, cx: &Context, config: Self::Model) -> Result<Self::Model, Diagnostics>;
}
