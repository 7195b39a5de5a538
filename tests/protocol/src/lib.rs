//! Drives a built provider as a core would: starts the binary, reads its handshake line,
//! connects with mutual TLS or without, and calls it over gRPC. A [`Session`] knows the schema as
//! well, and a [`Resource`] leads one resource through its life.
//!
//! ```no_run
//! # async fn example() -> anyhow::Result<()> {
//! use protocol_tests::{Core, Mode, provider_binary};
//! use tfplugin5::pb::get_provider_schema;
//!
//! let core = Core::start(provider_binary()?, Mode::Tls).await?;
//! let schema = core.client().get_schema(get_provider_schema::Request {}).await?;
//! assert!(schema.into_inner().provider.is_some());
//! assert!(core.shutdown().await?.success());
//! # Ok(())
//! # }
//! ```

mod binary;
mod connect;
mod core;
mod handshake;
mod identity;
mod launch;
mod problem;
mod process;
mod resource;
mod session;
mod shape;
pub mod values;

pub use crate::core::{Core, Mode};
pub use binary::provider_binary;
pub use connect::connect;
pub use handshake::Handshake;
pub use identity::ClientIdentity;
pub use launch::{Announced, Launch};
pub use problem::{Problem, failed};
pub use process::{ProviderProcess, Signal};
pub use resource::{Planned, Reached, Resource, Stored};
pub use session::Session;
pub use shape::{CAPABILITIES, Shape};
