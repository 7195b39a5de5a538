//! `windlass backup list`: which snapshots there are.

use backup::{Manifest, Source, inspect};
use serde::Serialize;

use super::target::targets;
use crate::exit::{Exit, Failure};
use crate::settings::Settings;
use crate::terminal;
use crate::units::bytes;

/// What the command takes.
#[derive(clap::Args, Debug)]
pub struct Arguments {
    /// Corpora by their names; default: those of `[backup.corpus]` in windlass.toml
    #[arg(value_name = "NAME")]
    names: Vec<String>,
    /// The store, by its name in windlass.toml or its URL; default: those of each corpus
    #[arg(long, value_name = "STORE")]
    store: Option<String>,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

/// A snapshot, as it is printed.
#[derive(Serialize)]
struct Line {
    corpus: String,
    snapshot: String,
    store: String,
    created_at: String,
    verified_at: Option<String>,
    keep_until: Option<String>,
    host: String,
    source: Source,
    file_count: u64,
    size_bytes: u64,
    stored_bytes: u64,
    sha256: String,
}

impl Line {
    fn of(manifest: Manifest, store: String) -> Self {
        Self {
            corpus: manifest.snapshot.name().to_string(),
            snapshot: manifest.snapshot.to_string(),
            store,
            created_at: manifest.started_at.to_string(),
            verified_at: manifest.verified_at.map(|moment| moment.to_string()),
            keep_until: manifest.keep_until.map(|moment| moment.to_string()),
            host: manifest.host.name,
            source: manifest.source,
            file_count: manifest.totals.files,
            size_bytes: manifest.totals.size_bytes,
            stored_bytes: manifest.totals.stored_bytes,
            sha256: manifest.sha256,
        }
    }

    fn told(&self) -> String {
        let mut text = format!(
            "{}  {} files, {} stored  {}",
            self.snapshot,
            self.file_count,
            bytes(self.stored_bytes),
            self.store
        );
        if self.verified_at.is_none() {
            text += "  not verified";
        }
        if let Some(moment) = &self.keep_until {
            text += &format!("  held until {moment}");
        }
        text
    }
}

/// Prints them, newest first.
///
/// # Errors
/// When a store cannot be asked.
pub async fn run(arguments: &Arguments, settings: &Settings) -> Result<Exit, Failure> {
    let mut lines = Vec::new();
    for target in targets(settings, &arguments.names, arguments.store.as_deref())? {
        for store in target.open(settings)? {
            let failed = || Failure::new(format!("Could not list the snapshots of {}", target.name));
            let stored =
                inspect(store.as_ref(), &target.name).await.map_err(|error| failed().because(&error))?;
            for error in stored.broken {
                terminal::note(Failure::new("Warning: a snapshot is broken").because(&error));
            }
            lines.extend(stored.manifests.into_iter().map(|manifest| Line::of(manifest, store.url())));
        }
    }
    if arguments.json {
        terminal::json(&lines)?;
    } else {
        lines.iter().for_each(|line| terminal::answer(line.told()));
    }
    Ok(Exit::DONE)
}
