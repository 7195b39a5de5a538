//! `windlass version`: which one this is.

use crate::exit::{Exit, Failure};
use crate::terminal;

/// The version of the workspace, which the provider has as well.
pub const VERSION: &str = env!("CARGO_PKG_VERSION");

/// What the command takes.
#[derive(clap::Args, Debug)]
pub struct Arguments {}

/// Tells the version.
///
/// # Errors
/// Never; it has the shape of every command.
pub fn run(_: &Arguments) -> Result<Exit, Failure> {
    terminal::answer(format_args!("windlass {VERSION}"));
    Ok(Exit::DONE)
}
