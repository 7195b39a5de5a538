//! `windlass backup rekey`: encrypted snapshots get other recipients.

use backup::{SnapshotId, inspect, rekey, store::manifest_of};

use super::settings::recipients;
use super::target::targets;
use crate::exit::{Exit, Failure};
use crate::opening::identities;
use crate::settings::Settings;
use crate::terminal;

/// What the command takes.
#[derive(clap::Args, Debug)]
#[command(
    after_help = "Only an envelope of a few hundred bytes is written anew. Who could open a snapshot before and has kept its key, or a copy, still can."
)]
pub struct Arguments {
    /// Corpora by their names; default: those of `[backup.corpus]` in windlass.toml
    #[arg(value_name = "NAME")]
    names: Vec<String>,
    /// The store, by its name in windlass.toml or its URL; default: those of each corpus
    #[arg(long, value_name = "STORE")]
    store: Option<String>,
    /// For whom they are from now on, an age recipient or SSH public key, repeatable; default: `encrypt_to` of the corpus
    #[arg(long, value_name = "RECIPIENT")]
    to: Vec<String>,
    /// The snapshot; default: all that are encrypted
    #[arg(long, value_name = "ID")]
    snapshot: Option<SnapshotId>,
}

/// Gives them to the recipients.
///
/// # Errors
/// When one cannot be opened; those before it are for the new recipients already.
pub async fn run(arguments: &Arguments, settings: &Settings) -> Result<Exit, Failure> {
    let identities = identities()?;
    for target in targets(settings, &arguments.names, arguments.store.as_deref())? {
        let failed = || Failure::new(format!("Could not give the snapshots of {} to others", target.name));
        let known = target.settings.map(|known| known.encrypt_to.clone()).unwrap_or_default();
        let texts = if arguments.to.is_empty() { known } else { arguments.to.clone() };
        let to = recipients(&texts).map_err(|error| failed().because(&error))?;
        if to.is_empty() {
            return Err(
                failed().with("Nobody is named that they would be for. Use `--to`; nothing was changed.")
            );
        }
        for store in target.open(settings)? {
            let stored =
                inspect(store.as_ref(), &target.name).await.map_err(|error| failed().because(&error))?;
            let in_clear = stored.manifests.iter().filter(|one| one.encryption.is_none()).count();
            if in_clear > 0 {
                terminal::note(format_args!(
                    "{in_clear} snapshots of {} in {} are not encrypted, and stay so: only a new snapshot is encrypted.",
                    target.name,
                    store.url()
                ));
            }
            let is_meant = |id: &SnapshotId| arguments.snapshot.as_ref().is_none_or(|wanted| wanted == id);
            for one in
                stored.manifests.iter().filter(|one| one.encryption.is_some() && is_meant(&one.snapshot))
            {
                let whole = manifest_of(store.as_ref(), &one.snapshot).await;
                let whole = whole.map_err(|error| failed().because(&error))?;
                rekey(store.as_ref(), &whole, &identities, &to).await.map_err(|error| {
                    failed()
                        .because(&error)
                        .with("Those that were told above are for the new recipients already.")
                })?;
                terminal::answer(format_args!("{} in {}", one.snapshot, store.url()));
            }
        }
    }
    Ok(Exit::DONE)
}
