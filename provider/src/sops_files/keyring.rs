//! Where the private key comes from.

use std::{
    path::Path,
    sync::{PoisonError, RwLock},
};

use framework::Field;
use remote::credentials::under_home;
use sops::Identities;

use crate::{failure::Stop, settings::SopsBlock};

/// What the provider knows of private keys. Nothing is read before a file has to be opened.
#[derive(Default)]
pub(crate) struct Keyring {
    blocks: RwLock<Field<Vec<SopsBlock>>>,
}

impl Keyring {
    /// Takes over the `sops` block.
    pub(crate) fn configure(&self, blocks: Field<Vec<SopsBlock>>) {
        *self.blocks.write().unwrap_or_else(PoisonError::into_inner) = blocks;
    }

    /// The keys: those of the block, else those that SOPS itself would find. Reads files and may run
    /// `SOPS_AGE_KEY_CMD`.
    ///
    /// # Errors
    /// When they cannot be read, and while the block is unknown.
    pub(crate) fn identities(&self) -> Result<Identities, Stop> {
        let blocks = self.blocks.read().unwrap_or_else(PoisonError::into_inner).clone();
        let block = match blocks {
            Field::Unknown => return Err(unknown()),
            Field::Null => None,
            Field::Known(blocks) => blocks.into_iter().next(),
        };
        let Some(block) = block else {
            return Identities::of_environment(&|name| std::env::var_os(name)).map_err(|error| {
                let next = "Correct what the SOPS_AGE_* variables say, or name the key in the provider's `sops` block.";
                unusable(&error, next)
            });
        };
        let next = "Correct the provider's `sops` block.";
        match (&block.age_key, &block.age_key_file, &block.passphrase) {
            (Field::Known(key), ..) => Identities::of_text(key, "`age_key` of the provider's `sops` block")
                .map_err(|error| unusable(&error, next)),
            (_, Field::Known(path), Field::Known(_) | Field::Null) => {
                let home = std::env::var("HOME").ok();
                let path = under_home(path.clone(), home.as_deref());
                Identities::of_file(Path::new(&path), block.passphrase.known())
                    .map_err(|error| unusable(&error, next))
            }
            _ => Err(unknown()),
        }
    }
}

fn unusable(error: &sops::Error, next: &str) -> Stop {
    Stop::new(crate::failure::sentence(&error.to_string()), next)
}

fn unknown() -> Stop {
    Stop::new(
        "The provider's `sops` block is not known before apply, so the file cannot be opened yet.",
        "Make what the block depends on first (`-target`), or let the key come from the environment (SOPS_AGE_KEY).",
    )
}

#[cfg(test)]
mod tests {
    use secret::Secret;

    use super::*;

    fn keyring(block: SopsBlock) -> Keyring {
        let keyring = Keyring::default();
        keyring.configure(Field::Known(vec![block]));
        keyring
    }

    fn told(keyring: &Keyring) -> String {
        format!("{:?}", keyring.identities().err().unwrap())
    }

    #[test]
    fn a_block_is_all_that_counts_and_its_mistakes_name_it() {
        let wrong = SopsBlock { age_key: Field::Known(Secret::new("hunter2")), ..SopsBlock::default() };
        let said = told(&keyring(wrong));
        assert!(
            said.contains("`age_key` of the provider's `sops` block") && !said.contains("hunter2"),
            "{said}"
        );
        let missing = SopsBlock { age_key_file: "/no/such/file".into(), ..SopsBlock::default() };
        assert!(told(&keyring(missing)).contains("annot read an identity from /no/such/file"));
    }

    #[test]
    fn what_is_unknown_is_waited_for() {
        let later = SopsBlock { age_key: Field::Unknown, ..SopsBlock::default() };
        assert!(told(&keyring(later)).contains("not known before apply"));
        let keyring = Keyring::default();
        keyring.configure(Field::Unknown);
        assert!(told(&keyring).contains("not known before apply"));
    }
}
