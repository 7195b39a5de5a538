//! The Windlass provider for OpenTofu and Terraform.
//!
//! [`Windlass`] is the provider as the framework sees it, [`Adapter`] puts it on the wire. A
//! resource is a folder under `resources`, all of the same shape.

mod adapter;
mod data_sources;
mod docker_objects;
mod failure;
mod functions;
mod host_key;
mod host_path;
mod hosted;
mod machine;
mod registries;
mod require;
mod resources;
mod settings;
mod windlass;

pub use adapter::Adapter;
pub use windlass::Windlass;
