//! The data sources, one folder each.

pub(crate) mod host;
