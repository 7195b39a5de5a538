//! The real provider, every call of it, driven as a core would through the built binary.
//!
//! No host is needed: what lives on a host lives on `local://` here, below a home directory that
//! is made for each provider.

#![allow(clippy::unwrap_used, clippy::expect_used)]

mod apply;
mod configure;
mod data_source;
mod hostile;
mod large;
mod offered;
mod plan;
mod read;
mod start;
mod state;
mod stop;
mod subject;
mod validate;
