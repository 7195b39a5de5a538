//! `windlass backup`: snapshots of what a product cannot lose, by hand and by a scheduler, with the provider's own code.

mod adopt;
mod list;
mod pattern;
mod prune;
mod rekey;
mod restic;
mod restore;
mod restoring;
mod run;
mod settings;
mod stores;
mod taken;
mod target;
mod verify;

use tokio_util::sync::CancellationToken;

use crate::exit::{Exit, Failure};
use crate::settings::Settings;
use crate::work;

pub use list::in_repository;
pub use restoring::{Done as Restored, Order as RestoreOrder, Which as WhichSnapshot};
pub use settings::{BackupSettings, secret};
pub use stores::open as open_store;

/// What the command takes.
#[derive(clap::Args, Debug)]
pub struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(clap::Subcommand, Debug)]
enum Command {
    /// Take a snapshot of each corpus, copy it, and remove what the retention does not keep
    Run(run::Arguments),
    /// Print which snapshots there are
    List(list::Arguments),
    /// Check that snapshots are there, young enough, what they should be, and whole
    Verify(verify::Arguments),
    /// Bring a snapshot back
    Restore(Box<restore::Arguments>),
    /// Remove what the retention does not keep
    Prune(prune::Arguments),
    /// Give encrypted snapshots to other recipients, without uploading them again
    Rekey(rekey::Arguments),
    /// Make a snapshot of a file that something else has made
    Adopt(adopt::Arguments),
}

/// Something is not as it should be.
const FOUND: Exit = Exit(2);

/// Does it.
///
/// # Errors
/// When it did not work.
pub fn run(arguments: &Arguments) -> Result<Exit, Failure> {
    let settings = Settings::find()?;
    let cancel = CancellationToken::new();
    match &arguments.command {
        Command::Run(wanted) => work::finish(Some(&cancel), LEFT, run::run(wanted, &settings, &cancel)),
        Command::List(wanted) => work::finish(None, LEFT, list::run(wanted, &settings)),
        Command::Verify(wanted) => work::finish(None, LEFT, verify::run(wanted, &settings)),
        Command::Restore(wanted) => {
            work::finish(Some(&cancel), LEFT, restore::run(wanted, &settings, &cancel))
        }
        Command::Prune(wanted) => work::finish(None, LEFT, prune::run(wanted, &settings)),
        Command::Rekey(wanted) => work::finish(None, LEFT, rekey::run(wanted, &settings)),
        Command::Adopt(wanted) => work::finish(None, LEFT, adopt::run(wanted, &settings)),
    }
}

/// What an interrupted command leaves.
const LEFT: &str =
    "What it had finished stays as it is; a snapshot that it had begun does not exist. Run it again.";
