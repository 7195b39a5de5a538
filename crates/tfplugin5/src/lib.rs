//! The plugin protocol on the wire: bindings, handshake, mutual TLS, logging.
//!
//! A core (OpenTofu or Terraform) starts a provider as a child process, reads one handshake
//! line from its standard output and then talks gRPC to it over a unix socket, the way
//! HashiCorp's go-plugin defines it. [`serve`] does all of that for anything that implements
//! [`pb::provider_server::Provider`]; [`hclog`] writes the log lines that a core understands.
//!
//! Start-up does nothing but the handshake: a core starts a provider three times for one plan.

mod environment;
mod error_chain;
pub mod hclog;
mod incoming;
mod lifetime;
mod reattach;
mod serve;
mod services;
mod socket;
mod tls;

pub use serve::{Options, serve};

/// Messages and service of protocol 5.10, generated from `proto/tfplugin5.proto`.
#[allow(missing_docs, clippy::all)]
pub mod pb {
    tonic::include_proto!("tfplugin5");
}

/// go-plugin's own services, generated from `proto/plugin.proto`.
#[allow(missing_docs, clippy::all, dead_code)]
pub mod plugin {
    tonic::include_proto!("plugin");
}

/// The cookie by which a provider knows that a core has started it
/// (`TF_PLUGIN_MAGIC_COOKIE`, the same in OpenTofu and Terraform).
pub const MAGIC_COOKIE: &str = "d602bf8f470bc67ca7faa0386276bbdd4330efaf76d1a219cb4d6991ca9872b2";

/// The version of go-plugin's own protocol, first field of the handshake line.
pub const CORE_PROTOCOL_VERSION: u32 = 1;

/// The version of the provider protocol, second field of the handshake line.
pub const PROTOCOL_VERSION: u32 = 5;
