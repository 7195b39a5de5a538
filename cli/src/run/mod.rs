//! `windlass run`: a command of OpenTofu or Terraform whose state is encrypted in a file.
//!
//! The state is in memory only: the command gets it from an `http` backend on loopback that this
//! process is ([`session`]). What happens around the command is in [`before`] and [`after`].

mod after;
mod before;
mod child;
mod drill;
mod session;
mod told;
mod workspace;

use std::ffi::OsString;

pub use after::has_errored;
pub use before::{guard, purpose};
pub use child::{EXECUTE, Ended, Ending, Execute, Stdout, execute, run as run_child};
pub use session::{Serve, Session, Target};

use crate::exit::{Exit, Failure};

/// What the command takes.
#[derive(clap::Args, Debug)]
pub struct Arguments {
    #[command(flatten)]
    target: Target,
    /// The command, such as `tofu apply`
    #[arg(last = true, required = true, value_name = "COMMAND")]
    command: Vec<OsString>,
}

/// Runs the command and ends as it does.
///
/// # Errors
/// When the command was not started, or the state cannot be used.
pub fn run(arguments: &Arguments) -> Result<Exit, Failure> {
    let Target { state, workspace, .. } = &arguments.target;
    workspace::check(&arguments.command, workspace.as_deref(), state.is_some() || workspace.is_some())?;
    let session = Session::open(&arguments.target, &before::directory(&arguments.command), Serve::Always)?;
    let more: Vec<_> = before::plan_encryption(&arguments.command).into_iter().collect();
    let ended = session.run(&arguments.command, &more, Stdout::Shown);
    session.close()?;
    Ok(ended?.exit)
}
