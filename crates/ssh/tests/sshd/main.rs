//! The executor against a real sshd.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, missing_docs)]

mod authentication;
mod basics;
mod failures;
mod host_keys;
mod jump;
mod limits;
mod logins;
mod proxy;
mod server;
mod soak;
mod streams;
