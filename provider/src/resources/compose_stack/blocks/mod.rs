//! The nested blocks of a stack: what they mean to the engine, and what is wrong with them.

mod job;
mod probe;
mod reload;
mod require;
mod schema;

pub(super) use job::{jobs, services, validate as validate_jobs};
pub(super) use probe::{probes, validate as validate_probes};
pub(super) use reload::{reloads, validate as validate_reloads};
pub(super) use require::{OwnEnv, Required};
pub(super) use schema::{job as job_block, probe as probe_block, reload as reload_block};
