//! `windlass backup run`: what a scheduler calls.

use std::collections::BTreeMap;

use backup::{
    Error, Manifest, Moment, Proof, Retention, Store, Taking, check_places, heartbeat, missing_copies, prune,
    replicate, snapshot,
};
use tokio_util::sync::CancellationToken;

use super::prune::tell_held;
use super::restic;
use super::settings::{CorpusSettings, Verify};
use super::taken::{Done, not_taken, quiesce};
use super::target::{Target, targets};
use crate::exit::{Exit, Failure};
use crate::machine::Machine;
use crate::progress::{Progress, Shown};
use crate::settings::Settings;
use crate::terminal;

/// What the command takes.
#[derive(clap::Args, Debug)]
#[command(
    after_help = "Older snapshots that the retention keeps and that a store of copies does not have are copied as well.\n\nExit codes: 0 every corpus is in all of its stores, read back from each; 1 something went wrong. The heartbeat of a corpus is called when all that is asked for it was done, and not otherwise."
)]
pub struct Arguments {
    /// Corpora by their names; default: all of `[backup.corpus]` in windlass.toml
    #[arg(value_name = "NAME")]
    names: Vec<String>,
    /// How much is proven of a snapshot before it counts; default: `verify` of the corpus, or checksum
    #[arg(long, value_enum, value_name = "HOW")]
    verify: Option<Verify>,
    /// Print JSON
    #[arg(long)]
    json: bool,
    /// Make the repository of restic, where there is none: a disk that is not mounted looks like that as well
    #[arg(long)]
    init: bool,
}

/// What was not done for a corpus, and what was.
struct Undone {
    done: Option<Box<Done>>,
    failure: Failure,
}

impl From<Failure> for Undone {
    fn from(failure: Failure) -> Self {
        Self { done: None, failure }
    }
}

/// Backs them up.
///
/// # Errors
/// When one could not be; the others are, all the same.
pub async fn run(
    arguments: &Arguments,
    settings: &Settings,
    cancel: &CancellationToken,
) -> Result<Exit, Failure> {
    let targets = targets(settings, &arguments.names, None)?;
    let progress = Progress::begin(Shown::of_process(arguments.json));
    let (mut done, mut exit) = (Vec::new(), Exit::DONE);
    for target in &targets {
        let (taken, ended) = match one((arguments, settings), target, &progress, cancel).await {
            Ok(one) => (Some(one), None),
            Err(Undone { done, failure }) => (done.map(|done| *done), Some(failure)),
        };
        if let Some(taken) = taken {
            if !arguments.json {
                terminal::answer(taken.told());
            }
            done.push(taken);
        }
        if let Some(failure) = ended {
            if let Some(last) = done.last_mut().filter(|last| last.corpus == target.name.as_str()) {
                last.failed = Some(failure.to_string());
            }
            terminal::error(failure);
            exit = Exit::FAILED;
        }
        if cancel.is_cancelled() {
            break;
        }
    }
    drop(progress);
    if arguments.json {
        terminal::json(&done)?;
    }
    if cancel.is_cancelled() {
        return Err(
            Failure::new("The backup was interrupted").with("What was done before is as it is told above.")
        );
    }
    Ok(exit)
}

async fn one(
    (arguments, settings): (&Arguments, &Settings),
    target: &Target<'_>,
    progress: &Progress,
    cancel: &CancellationToken,
) -> Result<Done, Undone> {
    let known = target.settled()?;
    let name = target.name.as_str();
    // What is wrong with these should be known before the work is done.
    let url = known.heartbeat(name)?;
    let done = match target.repository(settings)? {
        Some(repository) => {
            restic::run(settings, (target, known), (&repository, arguments.init), cancel).await?
        }
        None => archive((arguments, settings), (target, known), progress, cancel).await?,
    };
    if let Some(url) = url
        && let Err(error) = heartbeat(&url).await
    {
        let failure = Failure::new(format!("Could not call the heartbeat of {name}"))
            .because(&error)
            .with("The backup itself is done: the snapshot is there, in all stores.");
        return Err(undone(done, failure));
    }
    Ok(done)
}

/// A failure behind which something is done already.
fn undone(done: Done, failure: Failure) -> Undone {
    Undone { done: Some(Box::new(done)), failure }
}

/// Takes an archive, copies it, and removes what is not kept.
async fn archive(
    (arguments, settings): (&Arguments, &Settings),
    (target, known): (&Target<'_>, &CorpusSettings),
    progress: &Progress,
    cancel: &CancellationToken,
) -> Result<Done, Undone> {
    let name = target.name.as_str();
    let stores = target.watched(settings, progress)?;
    let (first, copies) = stores.split_first().ok_or_else(|| not_taken(target))?;
    let places: Vec<&dyn Store> = copies.iter().map(AsRef::as_ref).collect();
    check_places(first.as_ref(), &places).map_err(|error| {
        not_taken(target).because(&error).with("Nothing was done; correct `copies` in windlass.toml.")
    })?;
    let verify = arguments.verify.map_or_else(|| known.verify(name), Ok)?;
    let proof = (verify == Verify::Restore).then(|| known.proof());
    let manifest = take(settings, target, (known, proof.as_ref()), (first.as_ref(), cancel)).await?;
    let mut done = Done {
        corpus: name.to_owned(),
        snapshot: manifest.snapshot.to_string(),
        store: first.url(),
        size_bytes: manifest.totals.size_bytes,
        stored_bytes: manifest.totals.stored_bytes,
        file_count: manifest.totals.files,
        sha256: Some(manifest.sha256.clone()),
        verified_at: manifest.verified_at.map(|moment| moment.to_string()),
        copies_verified_at: BTreeMap::new(),
        copied_again: Vec::new(),
        removed: Vec::new(),
        failed: None,
    };
    let mut failed = None;
    for copy in copies {
        match replicate(first.as_ref(), copy.as_ref(), &manifest).await {
            Ok(copied) => {
                let verified = copied.verified_at.unwrap_or_else(Moment::now).to_string();
                done.copies_verified_at.insert(copy.url(), verified);
            }
            // The others are made all the same, and the first failure is told.
            Err(error) if failed.is_none() => failed = Some((error, copy.url())),
            Err(_) => {}
        }
    }
    if let Some((error, copy)) = failed {
        let failure = Failure::new(format!("Could not copy {} to {copy}", manifest.snapshot))
            .because(&error)
            .with(format!(
                "The snapshot is in {}, and nothing was removed. The next run takes and copies another one.",
                first.url()
            ));
        return Err(undone(done, failure));
    }
    let retention: Retention = known.retention.into();
    for copy in copies {
        let missing = copy_missing((first.as_ref(), copy.as_ref()), target, retention).await;
        done.copied_again.extend(missing.map_err(|error| {
            Failure::new(format!("Could not copy older snapshots of {name} to {}", copy.url()))
                .because(&error)
                .with("The new snapshot is there, in all stores, and nothing was removed.")
        })?);
    }
    for store in &stores {
        let pruned = match prune(store.as_ref(), &target.name, retention, Moment::now()).await {
            Ok(pruned) => pruned,
            Err(error) => {
                let failure =
                    Failure::new(format!("Could not remove old snapshots of {name} from {}", store.url()));
                return Err(undone(
                    done,
                    failure.because(&error).with("The new snapshot is there, in all stores."),
                ));
            }
        };
        tell_held(store.as_ref(), &pruned);
        done.removed.extend(pruned.gone.into_iter().map(|id| format!("{}/{id}", store.url())));
    }
    Ok(done)
}

/// Copies the older snapshots that are missing in a store of copies, and says which.
async fn copy_missing(
    (first, copy): (&dyn Store, &dyn Store),
    target: &Target<'_>,
    retention: Retention,
) -> Result<Vec<String>, Error> {
    let mut copied = Vec::new();
    for id in missing_copies((first, copy), &target.name, retention, Moment::now()).await? {
        let manifest = snapshot(first, &target.name, &id).await?;
        replicate(first, copy, &manifest).await?;
        copied.push(format!("{}/{id}", copy.url()));
    }
    Ok(copied)
}

async fn take(
    settings: &Settings,
    target: &Target<'_>,
    (known, proof): (&CorpusSettings, Option<&Proof>),
    (store, cancel): (&dyn Store, &CancellationToken),
) -> Result<Manifest, Failure> {
    let name = target.name.as_str();
    let host = known.host.as_deref().unwrap_or("local://");
    let (wanted, format, links) = (known.wanted_with_secrets(name)?, known.format(name)?, known.links(name)?);
    let (exclude, compress) = (known.exclude(name)?, known.compress(name)?);
    let (keep_for, encrypt_to, now) = (known.keep_for(name)?, known.recipients(name)?, Moment::now());
    let machine = Machine::open(settings, host).await?;
    let quiesce = quiesce(&machine, target, known).await?;
    let taken = async {
        let corpus = machine.find(&wanted).await?;
        let taking = Taking {
            exec: machine.executor.as_ref(),
            host: machine.host(),
            name: &target.name,
            corpus: &corpus,
            exclude,
            store,
            format,
            compress,
            links,
            quiesce: quiesce.as_ref(),
            encrypt_to: &encrypt_to,
            keep_until: keep_for.map(|hold| now.after(hold)),
            verify: true,
            proof,
            cancel: cancel.clone(),
        };
        taking.take(now).await
    };
    let taken = taken.await;
    machine.close().await;
    taken.map_err(|error: Error| {
        not_taken(target).because(&error).with(
            "There is no new snapshot, and nothing of one is left in the store; older ones are as they were.",
        )
    })
}
