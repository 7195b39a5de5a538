//! The nested blocks that only a project on a host has: what they mean to the engine, and what is wrong
//! with them.

mod reload;
mod schema;

pub(super) use reload::{reloads, validate as validate_reloads};
pub(super) use schema::{job as job_block, probe as probe_block, reload as reload_block};
