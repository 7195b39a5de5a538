//! A state that OpenTofu itself has encrypted, by a method that makes age files: tofu-age-encryption, or
//! `windlass encryption-method`.

use std::collections::BTreeMap;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde::Deserialize;
use serde::de::IgnoredAny;
use sops::Identities;

use crate::store::{Error, State};

/// The only layout that OpenTofu has had.
const LAYOUT: &str = "v0";

/// What OpenTofu puts around what a method has encrypted.
#[derive(Deserialize)]
pub struct Envelope {
    serial: i64,
    lineage: String,
    /// What key providers keep for later, by their addresses.
    #[serde(default)]
    meta: BTreeMap<String, IgnoredAny>,
    encrypted_data: String,
    encryption_version: String,
}

/// Why there is no state in it.
#[derive(Debug, thiserror::Error)]
pub enum Problem {
    #[error("OpenTofu has encrypted it in the layout {0:?}, and {LAYOUT:?} is known here")]
    Layout(String),
    #[error("what OpenTofu has encrypted in it is damaged: it is not in base64")]
    Base64,
    #[error("OpenTofu has encrypted it with a key of {0}, and not for age")]
    Keys(String),
    #[error(
        "none of the {0} identities at hand opens what OpenTofu has encrypted in it, or it is not an age file"
    )]
    WrongKey(usize),
    #[error("what OpenTofu has encrypted in it does not open as a state")]
    Inside(#[source] Error),
    #[error("it was changed after it was encrypted: its serial and lineage are others than those inside")]
    Changed,
}

impl Envelope {
    /// The envelope, where a text is one.
    pub fn of(text: &str) -> Option<Self> {
        serde_json::from_str(text).ok()
    }

    /// The state in it.
    ///
    /// # Errors
    /// When it does not open.
    pub fn open(&self, identities: &Identities) -> Result<State, Problem> {
        if self.encryption_version != LAYOUT {
            return Err(Problem::Layout(self.encryption_version.clone()));
        }
        let sealed = STANDARD.decode(&self.encrypted_data).map_err(|_| Problem::Base64)?;
        let Some(plain) = identities.decrypt(&sealed) else {
            // Methods that make age files have no key of OpenTofu's.
            return Err(match self.meta.keys().next() {
                Some(provider) => Problem::Keys(provider.clone()),
                None => Problem::WrongKey(identities.count()),
            });
        };
        let not_text = || Problem::Inside(Error::NotState("it is not text".into()));
        let text = std::str::from_utf8(&plain).map_err(|_| not_text())?;
        let state = State::parse(text).map_err(Problem::Inside)?;
        // What is around it stands there in clear, and nothing vouches for it.
        if (state.serial(), state.lineage()) == (self.serial, self.lineage.as_str()) {
            Ok(state)
        } else {
            Err(Problem::Changed)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use age::secrecy::ExposeSecret;
    use secret::Secret;
    use std::io::Write;

    const STATE: &str = r#"{"version":4,"serial":3,"lineage":"l","outputs":{"a":{"value":"hunter2"}}}"#;

    fn identities(key: &age::x25519::Identity) -> Identities {
        Identities::of_text(&Secret::new(key.to_string().expose_secret()), "a test").unwrap()
    }

    /// As tofu-age-encryption has age do it: one file for all recipients, in binary.
    fn sealed(keys: &[&age::x25519::Identity], text: &str) -> Vec<u8> {
        let keys: Vec<_> = keys.iter().map(|key| key.to_public()).collect();
        let encryptor =
            age::Encryptor::with_recipients(keys.iter().map(|key| key as &dyn age::Recipient)).unwrap();
        let mut writer = encryptor.wrap_output(Vec::new()).unwrap();
        writer.write_all(text.as_bytes()).unwrap();
        writer.finish().unwrap()
    }

    fn envelope(serial: i64, meta: &str, sealed: &[u8]) -> String {
        format!(
            r#"{{"serial":{serial},"lineage":"l","meta":{{{meta}}},"encrypted_data":"{}","encryption_version":"v0"}}"#,
            STANDARD.encode(sealed)
        )
    }

    fn opened(text: &str, key: &age::x25519::Identity) -> Result<State, Problem> {
        Envelope::of(text).unwrap().open(&identities(key))
    }

    #[test]
    fn what_was_encrypted_for_one_of_several_opens() {
        let (mine, other) = (age::x25519::Identity::generate(), age::x25519::Identity::generate());
        let text = envelope(3, "", &sealed(&[&other, &mine], STATE));
        assert_eq!(opened(&text, &mine).unwrap().text(), STATE);
        assert!(Envelope::of(STATE).is_none() && Envelope::of("x").is_none());
    }

    #[test]
    fn what_does_not_open_is_told() {
        let (mine, other) = (age::x25519::Identity::generate(), age::x25519::Identity::generate());
        let good = sealed(&[&mine], STATE);
        for (text, key, expected) in [
            (
                envelope(3, "", &good),
                &other,
                "none of the 1 identities at hand opens what OpenTofu has encrypted in it, or it is not an age file",
            ),
            (
                envelope(3, r#""key_provider.pbkdf2.mine":"e30=""#, b"other"),
                &mine,
                "OpenTofu has encrypted it with a key of key_provider.pbkdf2.mine, and not for age",
            ),
            (
                envelope(4, "", &good),
                &mine,
                "it was changed after it was encrypted: its serial and lineage are others than those inside",
            ),
            (
                envelope(3, "", &sealed(&[&mine], "{}")),
                &mine,
                "what OpenTofu has encrypted in it does not open as a state",
            ),
            (
                envelope(3, "", &good).replace("\"v0\"", "\"v1\""),
                &mine,
                "OpenTofu has encrypted it in the layout \"v1\", and \"v0\" is known here",
            ),
        ] {
            assert_eq!(opened(&text, key).err().unwrap().to_string(), expected);
        }
    }
}
