//! `windlass backup`: snapshots of what a product cannot lose, by hand and by a scheduler, with the provider's own code.

mod adopt;
mod list;
mod machine;
mod pattern;
mod prune;
mod rekey;
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
        Command::Run(wanted) => finish(Some(&cancel), run::run(wanted, &settings, &cancel)),
        Command::List(wanted) => finish(None, list::run(wanted, &settings)),
        Command::Verify(wanted) => finish(None, verify::run(wanted, &settings)),
        Command::Restore(wanted) => finish(Some(&cancel), restore::run(wanted, &settings, &cancel)),
        Command::Prune(wanted) => finish(None, prune::run(wanted, &settings)),
        Command::Rekey(wanted) => finish(None, rekey::run(wanted, &settings)),
        Command::Adopt(wanted) => finish(None, adopt::run(wanted, &settings)),
    }
}

/// Does `work` to its end. Where `cancel` is given, the first signal asks it to clean up after itself;
/// any other one ends it where it is.
fn finish(
    cancel: Option<&CancellationToken>,
    work: impl Future<Output = Result<Exit, Failure>>,
) -> Result<Exit, Failure> {
    use tokio::signal::unix::{SignalKind, signal};

    let failed = |error: std::io::Error| Failure::new("Could not begin").because(&error);
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().map_err(failed)?;
    let outcome = runtime.block_on(async {
        let mut interrupt = signal(SignalKind::interrupt()).map_err(failed)?;
        let mut terminate = signal(SignalKind::terminate()).map_err(failed)?;
        tokio::pin!(work);
        loop {
            tokio::select! {
                ended = &mut work => return ended,
                _ = interrupt.recv() => {}
                _ = terminate.recv() => {}
            }
            match cancel {
                Some(cancel) if !cancel.is_cancelled() => cancel.cancel(),
                _ => return Err(interrupted()),
            }
        }
    });
    // What still reads a file or waits for a command is not waited for.
    runtime.shutdown_background();
    outcome
}

fn interrupted() -> Failure {
    Failure::new("The command was interrupted").with(
        "What it had finished stays as it is; a snapshot that it had begun does not exist. Run it again.",
    )
}

/// Prints an answer as JSON.
fn print_json(answer: &impl serde::Serialize) -> Result<(), Failure> {
    let text = serde_json::to_string_pretty(answer);
    let text = text.map_err(|error| Failure::new("Could not write JSON").because(&error))?;
    crate::terminal::answer(text);
    Ok(())
}
