//! `windlass backup verify`: what nobody would notice until the day of a restore.

use std::sync::Arc;
use std::time::Duration;

use backup::store::manifest_of;
use backup::{
    Expected, Manifest, Moment, Repository, ResticCheck, Store, Stored, inspect, judge, judge_copy,
};
use serde::Serialize;

use super::FOUND;

use super::restic;
use super::target::{Target, targets};
use crate::exit::{Exit, Failure};
use crate::opening::identities;
use crate::progress::{Progress, Shown};
use crate::settings::Settings;
use crate::terminal;
use crate::units::duration;

/// What the command takes.
#[derive(clap::Args, Debug)]
#[command(
    after_help = "Exit codes: 0 all is well, 1 it could not be checked (the store does not answer), 2 something is not as it should be."
)]
pub struct Arguments {
    /// Corpora by their names; default: those of `[backup.corpus]` in windlass.toml
    #[arg(value_name = "NAME")]
    names: Vec<String>,
    /// The store, by its name in windlass.toml or its URL; default: those of each corpus
    #[arg(long, value_name = "STORE")]
    store: Option<String>,
    /// How old the newest snapshot may be, such as 26h; default: `max_age` of the corpus
    #[arg(long, value_name = "DURATION", value_parser = duration)]
    max_age: Option<Duration>,
    /// Read back every snapshot; default: the newest of each corpus
    #[arg(long, conflicts_with = "quick")]
    all: bool,
    /// Read nothing back but manifests, and look only whether the archives are there
    #[arg(long)]
    quick: bool,
    /// Open encrypted snapshots too, with the private keys at hand (SOPS_AGE_KEY, SOPS_AGE_KEY_FILE, …)
    #[arg(long, conflicts_with = "quick")]
    open: bool,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

/// Something that is not as it should be, as it is printed.
#[derive(Serialize)]
struct Told {
    corpus: String,
    store: String,
    problem: String,
    message: String,
}

/// What was looked at, as it is printed.
#[derive(Default, Serialize)]
struct Report {
    /// The snapshots whose every byte was read back.
    verified: Vec<Whole>,
    findings: Vec<Told>,
}

#[derive(Serialize)]
struct Whole {
    snapshot: String,
    store: String,
}

/// Checks them.
///
/// # Errors
/// When a store cannot be asked; the others are checked all the same.
pub async fn run(arguments: &Arguments, settings: &Settings) -> Result<Exit, Failure> {
    let targets = targets(settings, &arguments.names, arguments.store.as_deref())?;
    let (mut report, mut failure) = (Report::default(), None);
    let progress = Progress::begin(Shown::of_process(arguments.json));
    for target in &targets {
        let mut checking = Checking { arguments, target, progress: &progress, report: &mut report };
        if let Err(error) = checking.run(settings).await {
            failure = match failure {
                None => Some(error),
                Some(first) => {
                    terminal::error(first);
                    Some(error)
                }
            };
        }
    }
    drop(progress);
    report.print(arguments.json)?;
    match failure {
        Some(failure) => Err(failure),
        None if report.findings.is_empty() => Ok(Exit::DONE),
        None => Ok(FOUND),
    }
}

impl Report {
    fn print(&self, json: bool) -> Result<(), Failure> {
        if json {
            return terminal::json(self);
        }
        for Whole { snapshot, store } in &self.verified {
            terminal::answer(format_args!("{snapshot} in {store}: whole"));
        }
        for Told { corpus, store, message, .. } in &self.findings {
            terminal::answer(format_args!("{corpus} in {store}: {message}"));
        }
        Ok(())
    }
}

struct Checking<'a> {
    arguments: &'a Arguments,
    target: &'a Target<'a>,
    progress: &'a Progress,
    report: &'a mut Report,
}

impl Checking<'_> {
    async fn run(&mut self, settings: &Settings) -> Result<(), Failure> {
        let name = &self.target.name;
        let known = self.target.settings;
        let of = known.and_then(|known| known.wanted());
        let max_age = match self.arguments.max_age {
            Some(max_age) => Some(max_age),
            None => known.map(|known| known.max_age(name.as_str())).transpose()?.flatten(),
        };
        if let Some(repository) = self.target.repository(settings)? {
            return self.restic(settings, &repository, max_age).await;
        }
        let retention = known.map(|known| known.retention.into());
        let encrypted = known.is_some_and(|known| !known.encrypt_to.is_empty());
        let expected = Expected { max_age, retention, of: of.as_ref(), encrypted };
        let mut first: Option<Stored> = None;
        for store in self.target.watched(settings, self.progress)? {
            let failed = || Failure::new(format!("Could not verify the snapshots of {name}"));
            let stored = inspect(store.as_ref(), name).await.map_err(|error| failed().because(&error))?;
            for finding in judge(&stored, &expected, Moment::now()) {
                self.tell(store.as_ref(), finding.word(), finding.to_string());
            }
            if let Some(finding) = first.as_ref().and_then(|first| judge_copy(first, &stored)) {
                self.tell(store.as_ref(), finding.word(), finding.to_string());
            }
            self.read_back(&store, &stored).await?;
            first.get_or_insert(stored);
        }
        Ok(())
    }

    fn tell(&mut self, store: &dyn Store, problem: &str, message: String) {
        self.tell_of(store.url(), problem, message);
    }

    fn tell_of(&mut self, store: String, problem: &str, message: String) {
        let corpus = self.target.name.to_string();
        self.report.findings.push(Told { corpus, store, problem: problem.to_owned(), message });
    }

    /// Looks after a repository of restic: how old the newest snapshot is, and whether it is whole.
    async fn restic(
        &mut self,
        settings: &Settings,
        repository: &Repository,
        max_age: Option<Duration>,
    ) -> Result<(), Failure> {
        let how = match (self.arguments.quick, self.arguments.all) {
            (true, _) => None,
            (false, true) => Some(ResticCheck::All),
            (false, false) => Some(ResticCheck::Some),
        };
        let checked = restic::verify(settings, self.target, repository, (max_age, how)).await?;
        for (problem, message) in checked.findings {
            self.tell_of(repository.url(), problem, message);
        }
        if let Some(snapshot) = checked.whole {
            self.report.verified.push(Whole { snapshot, store: repository.url() });
        }
        Ok(())
    }

    /// Reads the content of snapshots.
    async fn read_back(&mut self, store: &Arc<dyn Store>, stored: &Stored) -> Result<(), Failure> {
        if self.arguments.quick {
            return self.look(store.as_ref(), stored).await;
        }
        let count = if self.arguments.all { usize::MAX } else { 1 };
        for manifest in stored.manifests.iter().take(count) {
            let failed =
                || Failure::new(format!("Could not verify {} in {}", manifest.snapshot, store.url()));
            let whole = manifest_of(store.as_ref(), &manifest.snapshot).await;
            let whole = whole.map_err(|error| failed().because(&error))?;
            self.progress.expect(whole.totals.stored_bytes);
            let checked = match self.arguments.open {
                true => self.open(store.as_ref(), &whole).await?,
                false => backup::verify(store.as_ref(), &whole).await,
            };
            match checked {
                Ok(()) => {
                    let snapshot = manifest.snapshot.to_string();
                    self.report.verified.push(Whole { snapshot, store: store.url() });
                }
                Err(error @ backup::Error::Locked { .. }) => {
                    self.tell(store.as_ref(), "locked", error.to_string());
                }
                Err(error @ (backup::Error::Corrupt { .. } | backup::Error::Archive(_))) => {
                    self.tell(store.as_ref(), "corrupt", error.to_string());
                }
                Err(error) => return Err(failed().because(&error)),
            }
        }
        Ok(())
    }

    /// Looks whether what the manifests vouch for is there at all.
    async fn look(&mut self, store: &dyn Store, stored: &Stored) -> Result<(), Failure> {
        for manifest in &stored.manifests {
            match backup::check_parts(store, manifest).await {
                Ok(()) => {}
                Err(error @ backup::Error::Corrupt { .. }) => self.tell(store, "corrupt", error.to_string()),
                Err(error) => {
                    let title = format!("Could not look for {} in {}", manifest.snapshot, store.url());
                    return Err(Failure::new(title).because(&error));
                }
            }
        }
        Ok(())
    }

    /// Goes through what is in a snapshot, as a restore would.
    async fn open(
        &self,
        store: &dyn Store,
        manifest: &Manifest,
    ) -> Result<Result<(), backup::Error>, Failure> {
        let key = match &manifest.encryption {
            None => None,
            Some(_) => match manifest.unlock(&identities()?) {
                Ok(key) => key,
                Err(error) => return Ok(Err(error)),
            },
        };
        Ok(backup::prove(store, manifest, key.as_ref()).await)
    }
}
