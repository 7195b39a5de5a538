//! Which corpora a command is about, and what is said of each.

use std::sync::Arc;

use backup::{Name, Store};

use super::settings::{CorpusSettings, name};
use super::stores::open;
use crate::exit::Failure;
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

    /// Its stores, opened.
    ///
    /// # Errors
    /// When one cannot be.
    pub fn open(&self, settings: &Settings) -> Result<Vec<Arc<dyn Store>>, Failure> {
        self.stores.iter().map(|store| open(settings, store)).collect()
    }
}
