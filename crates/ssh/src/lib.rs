//! Reaching hosts over SSH: a [`remote::Executor`] on russh and ring.
//!
//! A [`Pool`] holds the connections of a process.
mod auth;
mod backoff;
mod channel;
mod connect;
mod dial_error;
mod executor;
mod handshake;
mod host;
mod keys;
mod kill;
mod known_hosts;
mod link;
mod pipe;
mod pool;
mod process;
mod shared_error;
mod socket;
mod stdin;
mod target;
mod trust;

pub use dial_error::{DialFailure, may_be_forbidden};
pub use pool::{OfferedKey, Pool};
