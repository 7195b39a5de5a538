//! The provider itself: what a provider author writes.

use async_trait::async_trait;

use crate::schema::Schema;
use crate::{AnyDataSource, AnyEphemeral, AnyFunction, AnyResource, Context, Diagnostics, Model};

/// A provider: its own configuration and everything it offers.
///
/// What configuring yields is shared with the resources by the provider's own means (an `Arc` with
/// a cell that `configure` fills): the framework has no opinion on it.
#[async_trait]
pub trait Provider: Send + Sync + 'static {
    /// The attributes and blocks of the provider's configuration.
    type Model: Model;

    /// The schema of the provider's configuration.
    fn schema(&self) -> Schema;

    /// Checks a configuration beyond what the schema can say. Anything may be unknown.
    async fn validate(&self, _cx: &Context, _config: &Self::Model, _problems: &mut Diagnostics) {}

    /// Takes the configuration. Called before anything but validation, with unknown values where
    /// they depend on something that is created in the same run: accept those and let what needs
    /// them say so. Nothing remote is contacted here.
    async fn configure(&self, cx: &Context, config: Self::Model) -> Result<(), Diagnostics>;

    /// What a person should know that came up on the way, whatever was asked for. It is told with
    /// the answer to the call under way, so every remark is made once.
    fn remarks(&self) -> Diagnostics {
        Diagnostics::new()
    }

    /// Its resources.
    fn resources(&self) -> Vec<AnyResource> {
        Vec::new()
    }

    /// Its data sources.
    fn data_sources(&self) -> Vec<AnyDataSource> {
        Vec::new()
    }

    /// Its ephemeral resources.
    fn ephemerals(&self) -> Vec<AnyEphemeral> {
        Vec::new()
    }

    /// Its functions.
    fn functions(&self) -> Vec<AnyFunction> {
        Vec::new()
    }
}
