//! What a machine offers to its tailnet (`tailscale serve`): handlers, and the configuration that
//! Tailscale's daemon has of them. Pure.
//!
//! The daemon keeps one configuration, for the machine's own name and for each service that it hosts.
//! What somebody serves in a terminal for the moment (`Foreground`) is theirs and never touched.

mod config;
mod handler;

pub use config::{Names, ServeConfig};
pub use handler::{Handler, Protocol};
