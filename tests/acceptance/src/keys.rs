//! Keys of age, and files of SOPS that are encrypted for them.

use age::secrecy::ExposeSecret as _;
use sops::{File, Format, Recipient, Rules};

use crate::Workspace;

/// A pair of keys.
pub struct Keys {
    /// The private one.
    pub identity: String,
    /// The public one.
    pub recipient: String,
}

impl Keys {
    /// New ones.
    pub fn generate() -> Self {
        let identity = age::x25519::Identity::generate();
        let recipient = identity.to_public().to_string();
        Self { identity: identity.to_string().expose_secret().to_owned(), recipient }
    }

    /// Encrypts a plain text for these keys alone.
    ///
    /// # Panics
    /// When it is not of this format.
    pub fn seal(&self, format: Format, plain: &str) -> String {
        let recipient: Recipient = self.recipient.parse().unwrap();
        let mut file = File::new(format, &[recipient], Rules::default()).unwrap();
        file.write(&format.read_plain(plain).unwrap()).unwrap()
    }

    /// Writes a plain text, encrypted, into a workspace; the name says in which format.
    ///
    /// # Panics
    /// As [`Keys::seal`].
    pub fn write(&self, workspace: &Workspace, name: &str, plain: &str) {
        workspace.write(name, &self.seal(Format::of_path(name), plain));
    }
}
