//! The managed resources, one folder each.

pub(crate) mod file;
pub(crate) mod host;
