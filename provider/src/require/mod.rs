//! The `require` block: what people require of every service, for one stack or, in the provider's
//! own block, for all of them.

mod model;
mod schema;

pub(crate) use model::{ENV_TEMPLATE, RequireBlock};
pub(crate) use schema::{NAME, block, provider_block};
