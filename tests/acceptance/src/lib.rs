//! Drives the built provider with the real CLIs against the real hosts of the lab.
//!
//! A test takes each CLI that is there ([`clis`]), makes a [`Workspace`] in a directory of its
//! own, writes configuration into it and runs plan, apply, import and destroy as a person would.
//! What the host really looks like is asked out of band, through the lab.
//!
//! Tests run at the same time, on the same hosts: each works in a [`Scratch`] of its own, and what
//! disturbs a host happens on one that the test has added itself.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::print_stderr)]

mod archive;
mod bounded;
mod change;
mod cli;
mod compose;
pub mod hcl;
mod repository;
mod run;
mod scratch;
mod secrets;
mod stack;
mod workspace;

pub use bounded::Running;
pub use change::Change;
pub use cli::{Cli, clis, provider_binary};
pub use compose::CurrentCompose;
pub use repository::Repository;
pub use run::{Diagnostic, Run};
pub use scratch::{Scratch, unique};
pub use secrets::{SecretHunt, Watch};
pub use stack::{STACK, Stack};
pub use workspace::Workspace;

/// The CLI for tests that need no more than one: what differs between them is tested elsewhere.
pub fn any_cli() -> Cli {
    clis().swap_remove(0)
}
