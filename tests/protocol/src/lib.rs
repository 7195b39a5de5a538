//! Drives a built provider as a core would: starts the binary, reads its handshake line,
//! connects with mutual TLS or without, and calls it over gRPC.
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
mod process;
pub mod values;

pub use crate::core::{Core, Mode};
pub use binary::provider_binary;
pub use connect::connect;
pub use handshake::Handshake;
pub use identity::ClientIdentity;
pub use launch::{Announced, Launch};
pub use process::{ProviderProcess, Signal};
