//! Drives the built provider with the real CLIs against the real hosts of the lab.
//!
//! A test makes a [`Workspace`] in a directory of its own, where the CLI works that its name
//! chooses ([`test_cli`]), writes configuration into it and runs plan, apply, import and destroy as
//! a person would.
//! What the host really looks like is asked out of band, through the lab. A [`Fixture`] is all of
//! that in one: workspace, host, a name, and the end of what is left under it.
//!
//! Tests run at the same time, on the same hosts: each works in a [`Scratch`] of its own, and what
//! disturbs a host happens on one that the test has added itself.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::print_stderr)]

mod archive;
mod bounded;
mod change;
mod choice;
mod cli;
mod companion;
mod compose;
mod compose_file;
mod fixture;
pub mod hcl;
mod keys;
mod patience;
mod reach;
mod repository;
mod run;
mod scratch;
mod secrets;
mod stack;
mod systems;
mod tools;
mod workspace;

pub use bounded::Running;
pub use change::Change;
pub use choice::{is_full_run, test_cli, test_cli_since};
pub use cli::{Cli, every_cli, provider_binary};
pub use companion::{Answer, Companion, companion_binary};
pub use compose::CurrentCompose;
pub use compose_file::compose_file;
pub use fixture::{CleanUp, Fixture};
pub use keys::Keys;
pub use patience::{eventually, eventually_every};
pub use reach::executor;
pub use repository::Repository;
pub use run::{Diagnostic, Run};
pub use scratch::{Scratch, unique};
pub use secrets::{SecretHunt, Watch};
pub use stack::{STACK, Stack};
pub use systems::{copy_example, copy_folder, copy_roots, test_module, test_root};
pub use tools::restic_binary;
pub use workspace::Workspace;
