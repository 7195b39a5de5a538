//! Drives the built provider with the real CLIs against the real hosts of the lab.
//!
//! A test takes each CLI that is there ([`clis`]), makes a [`Workspace`] in a directory of its
//! own, writes configuration into it and runs plan, apply, import and destroy as a person would.
//! What the host really looks like is asked out of band, through the lab.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::print_stderr)]

mod change;
mod cli;
mod run;
mod workspace;

pub use change::Change;
pub use cli::{Cli, clis, provider_binary};
pub use run::{Diagnostic, Run};
pub use workspace::Workspace;
