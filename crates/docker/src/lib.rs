//! The Docker Engine and Compose on a host.
//!
//! Compose is driven by the host's own `docker compose`, the reference implementation; this crate
//! builds its command lines, reads its output and compares what it says with what the [`Engine`]
//! shows. Everything goes through an `Executor`: this crate knows neither SSH nor Terraform.

mod cidr;
mod cli;
mod ending;
mod error;
mod version;

pub mod build;
pub mod compose;
pub mod engine;
pub mod reference;
pub mod registry;

pub use build::Build;
pub use cidr::{Cidr, CidrError};
pub use cli::Cli;
pub use engine::Engine;
pub use error::Error;
pub use reference::Reference;
pub use registry::Registry;
pub use version::ComposeVersion;
