//! Which corpora a command is about, and what is said of each.

use std::sync::Arc;

use backup::{Name, Repository, Store};

use super::settings::{CorpusSettings, name};
use super::stores::{open, repository};
use crate::exit::Failure;
use crate::progress::Progress;
use crate::settings::Settings;

/// A corpus of a command.
pub struct Target<'a> {
    /// Its name.
    pub name: Name,
    /// What windlass.toml says of it, if anything.
    pub settings: Option<&'a CorpusSettings>,
    /// Its stores: the first one, and those of copies.
    pub stores: Vec<String>,
}

/// The corpora of the words `names`, or all that windlass.toml has; their snapshots are in `store`, where that is said.
///
/// # Errors
/// When nothing says where the snapshots of one are.
pub fn targets<'a>(
    settings: &'a Settings,
    names: &[String],
    store: Option<&str>,
) -> Result<Vec<Target<'a>>, Failure> {
    let all = || settings.backup.corpus.keys().cloned().collect();
    let names: Vec<String> = if names.is_empty() { all() } else { names.to_vec() };
    if names.is_empty() {
        return Err(Failure::new("Could not find a corpus")
            .with("No name was given, and `[backup.corpus]` of windlass.toml has none; nothing was done."));
    }
    names.iter().map(|text| target(settings, text, store)).collect()
}

fn target<'a>(settings: &'a Settings, text: &str, store: Option<&str>) -> Result<Target<'a>, Failure> {
    let name = name(text)?;
    let known = settings.backup.corpus.get(text);
    if let Some(known) = known {
        known.check(text)?;
    }
    let stores = match (store, known) {
        (Some(store), _) => vec![store.to_owned()],
        (None, Some(known)) => std::iter::once(&known.store).chain(&known.copies).cloned().collect(),
        (None, None) => {
            return Err(Failure::new(format!("Could not find the corpus {text:?}"))
                .with("`[backup.corpus]` of windlass.toml does not have it, and no `--store` was given; nothing was done."));
        }
    };
    Ok(Target { name, settings: known, stores })
}

impl<'a> Target<'a> {
    /// What windlass.toml says of it.
    ///
    /// # Errors
    /// When it says nothing.
    pub fn settled(&self) -> Result<&'a CorpusSettings, Failure> {
        self.settings.ok_or_else(|| {
            Failure::new(format!("Could not find the corpus {:?}", self.name.as_str()))
                .with("`[backup.corpus]` of windlass.toml does not have it; nothing was done.")
        })
    }

    /// The repository of restic that its snapshots are in; `None` where they are archives in stores.
    ///
    /// # Errors
    /// When it cannot be opened, or is not for such a corpus.
    pub fn repository(&self, settings: &Settings) -> Result<Option<Repository>, Failure> {
        let Some(store) = self.stores.first() else { return Ok(None) };
        let found = repository(settings, store)?;
        match (found.is_some(), self.settings.map(CorpusSettings::uses_restic)) {
            (true, Some(false)) => {
                Err(self.wrong_store(store, "is a repository of restic, and `engine` does not say `restic`"))
            }
            (false, Some(true)) => {
                Err(self.wrong_store(store, "is not a repository of restic, and `engine` says `restic`"))
            }
            _ => Ok(found),
        }
    }

    fn wrong_store(&self, store: &str, why: &str) -> Failure {
        Failure::new(format!("Could not open the store of the corpus {:?}", self.name.as_str()))
            .with(format!("The store {store:?} {why}; nothing was done."))
    }

    /// The host that restic runs on, as a connection.
    pub fn host(&self) -> &str {
        self.settings.and_then(|known| known.host.as_deref()).unwrap_or("local://")
    }

    /// Its stores, opened and watched.
    ///
    /// # Errors
    /// When one cannot be opened.
    pub fn watched(&self, settings: &Settings, progress: &Progress) -> Result<Vec<Arc<dyn Store>>, Failure> {
        progress.about(self.name.as_str());
        Ok(self.open(settings)?.into_iter().map(|store| progress.watch(store)).collect())
    }

    /// Its stores, opened.
    ///
    /// # Errors
    /// When one cannot be.
    pub fn open(&self, settings: &Settings) -> Result<Vec<Arc<dyn Store>>, Failure> {
        self.stores.iter().map(|store| open(settings, store)).collect()
    }
}
