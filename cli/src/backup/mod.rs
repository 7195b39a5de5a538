//! `windlass backup`: snapshots of what a product cannot lose, by hand and by a scheduler, with the provider's own code.

mod adopt;
mod list;
mod machine;
mod pattern;
mod prune;
mod readdress;
mod restore;
mod run;
mod settings;
mod stores;
mod target;
mod verify;

use std::future::Future;

use tokio_util::sync::CancellationToken;

use crate::exit::{Exit, Failure};
use crate::settings::Settings;

pub use settings::BackupSettings;

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
    Restore(restore::Arguments),
    /// Remove what the retention does not keep
    Prune(prune::Arguments),
    /// Give encrypted snapshots to other recipients, without uploading them again
    Readdress(readdress::Arguments),
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
        Command::Run(wanted) => finish(&cancel, run::run(wanted, &settings, &cancel)),
        Command::List(wanted) => finish(&cancel, list::run(wanted, &settings)),
        Command::Verify(wanted) => finish(&cancel, verify::run(wanted, &settings)),
        Command::Restore(wanted) => finish(&cancel, restore::run(wanted, &settings, &cancel)),
        Command::Prune(wanted) => finish(&cancel, prune::run(wanted, &settings)),
        Command::Readdress(wanted) => finish(&cancel, readdress::run(wanted, &settings)),
        Command::Adopt(wanted) => finish(&cancel, adopt::run(wanted, &settings)),
    }
}

/// Does `work` to its end. Who interrupts it once, or ends it by a signal, has it clean up after itself.
fn finish(
    cancel: &CancellationToken,
    work: impl Future<Output = Result<Exit, Failure>>,
) -> Result<Exit, Failure> {
    let failed = |error: std::io::Error| Failure::new("Could not begin").because(&error);
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().map_err(failed)?;
    runtime.block_on(async {
        use tokio::signal::unix::{SignalKind, signal};

        let mut interrupt = signal(SignalKind::interrupt()).map_err(failed)?;
        let mut terminate = signal(SignalKind::terminate()).map_err(failed)?;
        tokio::pin!(work);
        loop {
            tokio::select! {
                ended = &mut work => return ended,
                _ = interrupt.recv(), if !cancel.is_cancelled() => cancel.cancel(),
                _ = terminate.recv(), if !cancel.is_cancelled() => cancel.cancel(),
            }
        }
    })
}

/// Prints an answer as JSON.
fn print_json(answer: &impl serde::Serialize) -> Result<(), Failure> {
    let text = serde_json::to_string_pretty(answer);
    let text = text.map_err(|error| Failure::new("Could not write JSON").because(&error))?;
    crate::terminal::answer(text);
    Ok(())
}
