//! The executor against a real sshd.

#![allow(clippy::unwrap_used, clippy::expect_used, missing_docs)]

mod basics;
mod server;
