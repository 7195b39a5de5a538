//! The nested blocks of a stack: what they mean to the engine, and what is wrong with them.

mod job;
mod model;
mod probe;
mod require;
mod schema;

pub(crate) use job::{jobs, services, validate as validate_jobs};
pub(crate) use model::{JobBlock, ProbeBlock};
pub(crate) use probe::{probes, validate as validate_probes};
pub(crate) use require::{OwnEnv, Required};
pub(crate) use schema::{JobWords, ProbeWords, job as job_block, probe as probe_block};
