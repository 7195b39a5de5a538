//! Control servers to test against: a strict one of Tailscale's kind in this process, because
//! Tailscale's own cannot be run, and a real Headscale.
//!
//! Both listen on loopback ports that the system chooses and end when they are dropped.

#![allow(clippy::unwrap_used, clippy::expect_used)]

mod daemon;
mod described;
mod headscale;
mod machine;
mod tailscale;
mod tools;

pub use daemon::Daemon;
pub use described::DescribedHeadscale;
pub use headscale::{HeadscaleServer, configuration};
pub use machine::Machine;
pub use tailscale::{Fault, Request, TailscaleServer, etag_of};
pub use tools::{headscale_binary, tailscale_binary};
