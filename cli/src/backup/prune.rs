//! `windlass backup prune`: letting go of what the retention does not keep.

use backup::{Moment, Pruned, Retention, Store, expired, prune};
use serde::Serialize;

use super::restic;
use super::target::targets;
use crate::exit::{Exit, Failure};
use crate::settings::Settings;
use crate::terminal;

/// What the command takes.
#[derive(clap::Args, Debug)]
#[command(
    after_help = "The newest snapshot that was verified, and what is held, always stay. Without a number, those of windlass.toml count."
)]
pub struct Arguments {
    /// Corpora by their names; default: those of `[backup.corpus]` in windlass.toml
    #[arg(value_name = "NAME")]
    names: Vec<String>,
    /// The store, by its name in windlass.toml or its URL; default: those of each corpus
    #[arg(long, value_name = "STORE")]
    store: Option<String>,
    /// How many of the newest stay
    #[arg(long, value_name = "COUNT")]
    last: Option<u32>,
    /// Of how many days the newest stays
    #[arg(long, value_name = "COUNT")]
    daily: Option<u32>,
    /// Of how many weeks
    #[arg(long, value_name = "COUNT")]
    weekly: Option<u32>,
    /// Of how many months
    #[arg(long, value_name = "COUNT")]
    monthly: Option<u32>,
    /// Of how many years
    #[arg(long, value_name = "COUNT")]
    yearly: Option<u32>,
    /// Only say what would go
    #[arg(long)]
    dry_run: bool,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

/// A snapshot that goes, as it is printed.
#[derive(Serialize)]
struct Gone {
    corpus: String,
    snapshot: String,
    store: String,
    removed: bool,
}

impl Arguments {
    /// The numbers of the words, if there are any.
    fn retention(&self) -> Option<Retention> {
        let numbers = [self.last, self.daily, self.weekly, self.monthly, self.yearly];
        if numbers.iter().all(Option::is_none) {
            return None;
        }
        let [last, daily, weekly, monthly, yearly] = numbers.map(Option::unwrap_or_default);
        Some(Retention { last, daily, weekly, monthly, yearly })
    }
}

/// Tells of what a store keeps, though nobody else does.
pub fn tell_held(store: &dyn Store, pruned: &Pruned) {
    for line in pruned.held_lines() {
        terminal::note(format_args!("{line}. It stays in {}.", store.url()));
    }
}

/// Removes them.
///
/// # Errors
/// When a store cannot be asked, or does not let go of one.
pub async fn run(arguments: &Arguments, settings: &Settings) -> Result<Exit, Failure> {
    let mut gone = Vec::new();
    for target in targets(settings, &arguments.names, arguments.store.as_deref())? {
        let (name, known) = (&target.name, target.settings);
        let retention = arguments.retention().or(known.map(|known| known.retention.into()));
        let retention = retention.filter(|retention| !retention.is_unlimited()).ok_or_else(|| {
            Failure::new(format!("Could not prune the snapshots of {name}")).with(
                "Nothing says how many stay, so all do. Give a number (`--daily 14`), or write `retention` into its table \
                 of windlass.toml.",
            )
        })?;
        if let Some(repository) = target.repository(settings)? {
            let ids = restic::prune(settings, &target, &repository, (retention, arguments.dry_run)).await?;
            gone.extend(ids.into_iter().map(|snapshot| Gone {
                corpus: name.to_string(),
                snapshot,
                store: repository.url(),
                removed: !arguments.dry_run,
            }));
            continue;
        }
        for store in target.open(settings)? {
            let (store, now) = (store.as_ref(), Moment::now());
            let pruned = match arguments.dry_run {
                true => expired(store, name, retention, now).await,
                false => prune(store, name, retention, now).await,
            };
            let failed =
                || Failure::new(format!("Could not prune the snapshots of {name} in {}", store.url()));
            let world = if arguments.dry_run { "Nothing was removed." } else { "Some may be gone already." };
            let pruned = pruned.map_err(|error| failed().because(&error).with(world))?;
            tell_held(store, &pruned);
            gone.extend(pruned.gone.into_iter().map(|id| Gone {
                corpus: name.to_string(),
                snapshot: id.to_string(),
                store: store.url(),
                removed: !arguments.dry_run,
            }));
        }
    }
    if arguments.json {
        terminal::json(&gone)?;
    } else {
        let word = if arguments.dry_run { "would go" } else { "removed" };
        gone.iter()
            .for_each(|one| terminal::answer(format_args!("{} in {}: {word}", one.snapshot, one.store)));
    }
    Ok(Exit::DONE)
}
