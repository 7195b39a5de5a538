//! What the `provider "windlass"` block says.

mod model;
mod schema;
mod sops;
mod store;
mod tailnet;

use docker::Registry;
use remote::credentials::SshSettings;

pub(crate) use model::ProviderModel;
pub(crate) use schema::schema;
pub(crate) use sops::SopsBlock;
pub(crate) use store::{StoreBlock, check_store_name, check_store_url};
pub(crate) use tailnet::TailnetBlock;

use crate::require::RequireBlock;

/// The environment variable beside the `on_unreachable` attribute.
const ON_UNREACHABLE: &str = "WINDLASS_ON_UNREACHABLE";

/// What happens when a host that something lives on cannot be reached.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum OnUnreachable {
    /// The operation fails.
    #[default]
    Error,
    /// Reading keeps the last known state, with a warning.
    Keep,
    /// What lived there is dropped from the state, with a warning.
    Forget,
}

impl OnUnreachable {
    /// The spellings, in the order in which the documentation lists them.
    pub(crate) const WORDS: [&str; 3] = ["error", "keep", "forget"];

    fn from_word(word: &str) -> Option<Self> {
        match word {
            "error" => Some(Self::Error),
            "keep" => Some(Self::Keep),
            "forget" => Some(Self::Forget),
            _ => None,
        }
    }
}

/// The provider's settings, once they are known.
#[derive(Clone, Debug, Default)]
pub(crate) struct Settings {
    /// The `ssh` blocks.
    pub(crate) ssh: Vec<SshSettings>,
    /// The `registry` blocks.
    pub(crate) registries: Vec<Registry>,
    /// The `store` blocks, as they are written.
    pub(crate) stores: Vec<StoreBlock>,
    /// What an unreachable host means.
    pub(crate) on_unreachable: OnUnreachable,
    /// The `require` block: what is unknown in it makes nothing else unknown.
    pub(crate) require: RequireBlock,
}

impl Settings {
    /// The settings of a configuration; `None` while a part of it is unknown (a key made in the
    /// same apply): nothing can be reached then, and nothing is a mistake yet.
    ///
    /// # Errors
    /// When the environment holds a word that `on_unreachable` does not know.
    pub(crate) fn new(
        config: &ProviderModel,
        variable: impl Fn(&str) -> Option<String>,
    ) -> Result<Option<Self>, UnknownWord> {
        let Some((ssh, registries, on_unreachable)) = config.parts() else { return Ok(None) };
        let word = on_unreachable.or_else(|| variable(ON_UNREACHABLE).filter(|word| !word.is_empty()));
        let on_unreachable = match word {
            None => OnUnreachable::default(),
            Some(word) => OnUnreachable::from_word(&word).ok_or(UnknownWord(word))?,
        };
        let require = RequireBlock::of(&config.require);
        let stores = config.store.known().cloned().unwrap_or_default();
        Ok(Some(Self { ssh, registries, stores, on_unreachable, require }))
    }
}

/// A word for `on_unreachable` that means nothing.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
#[error("{ON_UNREACHABLE} is {0:?}; it must be one of error, keep, forget")]
pub(crate) struct UnknownWord(String);

#[cfg(test)]
mod tests {
    use framework::Field;

    use super::*;

    fn settings(config: &ProviderModel, environment: Option<&str>) -> Result<Option<Settings>, UnknownWord> {
        Settings::new(config, |name| environment.filter(|_| name == ON_UNREACHABLE).map(str::to_owned))
    }

    #[test]
    fn an_unknown_part_makes_the_whole_unknown() {
        let mut config = ProviderModel::default();
        assert!(settings(&config, None).unwrap().is_some());
        let block = model::SshBlock { private_key: Field::Unknown, ..Default::default() };
        config.ssh = Field::Known(vec![block]);
        assert!(settings(&config, None).unwrap().is_none());
        config.ssh = Field::Unknown;
        assert!(settings(&config, None).unwrap().is_none());
    }

    #[test]
    fn the_block_wins_over_the_environment() {
        let mut config = ProviderModel::default();
        assert_eq!(settings(&config, None).unwrap().unwrap().on_unreachable, OnUnreachable::Error);
        assert_eq!(settings(&config, Some("keep")).unwrap().unwrap().on_unreachable, OnUnreachable::Keep);
        config.on_unreachable = Field::Known("forget".into());
        assert_eq!(settings(&config, Some("keep")).unwrap().unwrap().on_unreachable, OnUnreachable::Forget);
    }

    #[test]
    fn a_word_that_means_nothing_is_named() {
        let error = settings(&ProviderModel::default(), Some("ignore")).unwrap_err();
        assert_eq!(
            error.to_string(),
            "WINDLASS_ON_UNREACHABLE is \"ignore\"; it must be one of error, keep, forget"
        );
    }
}
