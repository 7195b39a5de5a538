//! `windlass_sops_file`: an encrypted file on the machine that runs tofu, such as one in the repository.
//!
//! It owns the file at its path, from a create that found none there. Its content comes from the configuration
//! alone, as a write-only value; what is in the file is opened only to keep the ciphertext of what has not
//! changed, so that a change of one value is a small change of the file.
//!
//! Life: Read looks at what needs no key (recipients, hash). Plan writes it again when the version, the
//! recipients or the rules change, and when somebody else has written it. Recipients that change mean a new data
//! key: who has left cannot read what is written from then on. Destroy deletes it, unless `on_destroy` says
//! otherwise. No host is contacted.

mod apply;
mod content;
mod model;
mod schema;
#[cfg(test)]
mod tests;

use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::sops_files::Keyring;

/// The files of `windlass_sops_file`.
pub(crate) struct EncryptedFile {
    keyring: Arc<Keyring>,
}

impl EncryptedFile {
    /// The resource, with the keys that the provider knows.
    pub(crate) fn new(keyring: Arc<Keyring>) -> Self {
        Self { keyring }
    }
}

/// What the resource remembers besides its attributes.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct FilePrivate {
    /// The hash of the file as it was written last: another one is of somebody else.
    #[serde(default)]
    written: String,
}
