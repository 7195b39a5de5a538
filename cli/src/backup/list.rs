//! `windlass backup list`: which snapshots there are.

use backup::{Manifest, Moment, Name, ResticSnapshot, Source, inspect};
use serde::Serialize;

use super::restic;
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
    file_count: Option<u64>,
    size_bytes: Option<u64>,
    stored_bytes: Option<u64>,
    sha256: Option<String>,
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
            file_count: Some(manifest.totals.files),
            size_bytes: Some(manifest.totals.size_bytes),
            stored_bytes: Some(manifest.totals.stored_bytes),
            sha256: Some(manifest.sha256),
        }
    }

    fn of_restic(name: &Name, snapshot: ResticSnapshot, store: String) -> Self {
        let moment = |moment: Option<Moment>| moment.map(|moment| moment.to_string());
        let [files, size, stored] = snapshot.totals().map_or([None; 3], |totals| totals.map(Some));
        let exclude = Vec::new();
        let source = match snapshot.volume() {
            Some(volume) => Source::Volume { volume, exclude },
            None => Source::Path { path: snapshot.paths.join(":"), exclude },
        };
        Self {
            corpus: name.to_string(),
            store,
            created_at: moment(snapshot.moment()).unwrap_or_default(),
            verified_at: None,
            keep_until: moment(snapshot.keep_until()),
            host: snapshot.hostname,
            source,
            file_count: files,
            size_bytes: size,
            stored_bytes: stored,
            sha256: None,
            snapshot: snapshot.id,
        }
    }

    fn told(&self) -> String {
        let mut text = format!("{}  {}", self.snapshot, self.created_at);
        if let (Some(files), Some(stored)) = (self.file_count, self.stored_bytes) {
            text = format!("{}  {files} files, {} stored", self.snapshot, bytes(stored));
        }
        text += &format!("  {}", self.store);
        // Who checks a repository leaves no word in it.
        if self.verified_at.is_none() && self.sha256.is_some() {
            text += "  not verified";
        }
        if let Some(moment) = &self.keep_until {
            text += &format!("  held until {moment}");
        }
        text
    }
}

/// How many snapshots of each of its corpora the repository `store` has, as their hosts tell; `None` where that is
/// another kind of store.
///
/// # Errors
/// When it cannot be asked.
pub async fn in_repository(
    settings: &Settings,
    store: &str,
) -> Result<Option<Vec<(String, usize)>>, Failure> {
    if super::stores::repository(settings, store)?.is_none() {
        return Ok(None);
    }
    let own = settings.backup.corpus.iter().filter(|(_, corpus)| corpus.store == store);
    let names: Vec<String> = own.map(|(name, _)| name.clone()).collect();
    let mut found = Vec::new();
    if names.is_empty() {
        return Ok(Some(found));
    }
    for target in targets(settings, &names, None)? {
        let Some(repository) = target.repository(settings)? else { continue };
        let snapshots = restic::snapshots(settings, &target, &repository).await?;
        found.push((target.name.to_string(), snapshots.len()));
    }
    Ok(Some(found))
}

/// Prints them, newest first.
///
/// # Errors
/// When a store cannot be asked.
pub async fn run(arguments: &Arguments, settings: &Settings) -> Result<Exit, Failure> {
    let mut lines = Vec::new();
    for target in targets(settings, &arguments.names, arguments.store.as_deref())? {
        if let Some(repository) = target.repository(settings)? {
            let found = restic::snapshots(settings, &target, &repository).await?;
            let line = |one| Line::of_restic(&target.name, one, repository.url());
            lines.extend(found.into_iter().map(line));
            continue;
        }
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
