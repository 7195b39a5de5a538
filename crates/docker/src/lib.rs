//! The Docker Engine on a host: its API, registries, image references, builds.
//!
//! Everything goes through an `Executor`: this crate knows neither SSH nor Terraform.

mod cidr;
mod cli;
mod error;
mod privileges;

pub mod build;
pub mod engine;
mod reference;
pub mod registry;

pub use build::Build;
pub use cidr::{Cidr, CidrError};
pub use cli::Cli;
pub use engine::Engine;
pub use error::Error;
pub use privileges::{Privileges, missing};
pub use reference::Reference;
pub use registry::Registry;
