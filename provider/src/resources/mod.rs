//! The managed resources, one folder each.

pub(crate) mod command;
pub(crate) mod compose_stack;
pub(crate) mod file;
pub(crate) mod host;
