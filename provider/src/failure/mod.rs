//! From errors to diagnostics: the one place where failures of the crates below become text that
//! a person reads.
//!
//! A caller gives the title (the operation and the thing) and one sentence about what the world
//! looks like now; what happened and what to do next follow from the error.

mod docker;
mod file;
mod host;
pub(crate) use lock::lock_error;
