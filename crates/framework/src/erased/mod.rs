//! The author's typed traits behind one form that the server can hold in a list.
//!
//! Here values become models and models values; the rules are checked one level up, on values.

mod data_source;
mod ephemeral;
mod function;
mod guard;
mod private;
mod provider;
mod resource;

pub use data_source::AnyDataSource;
pub use ephemeral::AnyEphemeral;
pub use function::AnyFunction;
pub use resource::AnyResource;

pub(crate) use ephemeral::OpenedValue;
pub(crate) use guard::guard;
pub(crate) use private::of_prior as private_of_prior;
pub(crate) use provider::{AnyProvider, Erased as ErasedOneProvider};
pub(crate) use resource::{Applied, Planned, Stored, empty, with_blocks};

use tfvalue::{Path, Value};

use crate::{Context, DecodeError, Diagnostics, Model, Schema};

/// Reads a model for validation: `None` when something is unknown that it cannot hold, which is
/// checked again when it is known.
pub(crate) fn model_to_validate<M: Model>(
    config: &Value,
    type_name: &str,
    problems: &mut Diagnostics,
) -> Option<M> {
    match M::from_value(config, &Path::root()) {
        Ok(model) => Some(model),
        Err(DecodeError::Unknown(_)) => None,
        Err(error) => {
            problems.push(error.diagnostic(type_name));
            None
        }
    }
}

/// Reads a model that must be readable.
pub(crate) fn model<M: Model>(value: &Value, type_name: &str) -> Result<M, Diagnostics> {
    M::from_value(value, &Path::root()).map_err(|error| error.diagnostic(type_name).into())
}

/// The title of a failed operation.
pub(crate) fn could_not(operation: &str, type_name: &str) -> String {
    format!("Could not {operation} {type_name}")
}

/// Runs a validation that reports through its diagnostics.
pub(crate) async fn guarded_validation(
    cx: &Context,
    type_name: &str,
    work: impl Future<Output = Diagnostics>,
) -> Diagnostics {
    let work = async { Ok(work.await) };
    guard(cx, &could_not("validate", type_name), work).await.unwrap_or_else(|error| error)
}

/// Every mistake in a schema and every difference to its model.
pub(crate) fn mistakes<M: Model>(schema: &Schema) -> Vec<String> {
    let mut mistakes = schema.check();
    mistakes.extend(schema.check_model::<M>());
    mistakes
}
