//! `windlass stack`: what is on a host, seen and mended without a configuration or a state.

mod exec;
mod follow;
mod list;
mod logs;
mod project;
mod rollback;

use tokio_util::sync::CancellationToken;

use crate::exit::{Exit, Failure};
use crate::settings::Settings;
use crate::work;

/// What the command takes.
#[derive(clap::Args, Debug)]
#[command(
    after_help = "HOST is a connection, such as ssh://root@web.example.org; `[[ssh]]` of windlass.toml says how to log in, as the provider's block does."
)]
pub struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(clap::Subcommand, Debug)]
enum Command {
    /// Print the Compose projects of a host that have containers, whoever started them
    Ls(list::Arguments),
    /// Print what the containers of a project wrote last
    Logs(logs::Arguments),
    /// Run a command in a container of a project
    Exec(exec::Arguments),
    /// Go back to what the last good apply made
    Rollback(rollback::Arguments),
}

/// What an interrupted question leaves.
const NOTHING: &str = "Nothing on the host was changed by it.";

/// Does it.
///
/// # Errors
/// When it did not work.
pub fn run(arguments: &Arguments) -> Result<Exit, Failure> {
    let settings = Settings::find()?;
    let cancel = CancellationToken::new();
    match &arguments.command {
        Command::Ls(wanted) => work::finish(None, NOTHING, list::run(wanted, &settings)),
        Command::Logs(wanted) => work::finish(None, NOTHING, logs::run(wanted, &settings)),
        Command::Exec(wanted) => work::finish(None, exec::LEFT, exec::run(wanted, &settings)),
        Command::Rollback(wanted) => {
            work::finish(Some(&cancel), rollback::LEFT, rollback::run(wanted, &settings, &cancel))
        }
    }
}
