//! The artefact: an age file with a plan, what was reviewed of it, and the facts it was made from.
//!
//! age keeps it from being read and from being changed, but anybody who knows a public key can
//! encrypt for it. So all of it has an HMAC whose key is made of the state that was planned from:
//! whoever cannot read the state cannot make an artefact for it. Where there is no state yet, it
//! proves nothing.

use std::time::UNIX_EPOCH;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use secret::{ProofKey, Secret};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use sops::{Identities, Recipient};
use zeroize::Zeroizing;

use super::core::Planned;
use super::facts::Facts;
use crate::summary::read::stream::Diagnostic;

/// The format that is written.
const FORMAT: u32 = 1;
const PURPOSE: &str = "reviewed plan";

/// Why an artefact is none.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    #[error("it is not an age file")]
    NotEncrypted,
    #[error("none of the {0} identities at hand opens it, or it was changed")]
    Sealed(usize),
    #[error("it is an age file, and not of a plan that `windlass plan` has made")]
    Other,
    #[error("its format is {0}, and {FORMAT} is known here: another version of windlass has made it")]
    Format(u32),
    #[error("cannot encrypt it")]
    Encrypt(#[source] sops::Error),
}

/// What is in it.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Content {
    /// When it was made, in seconds since 1970 began.
    pub made_at: u64,
    /// What it was made from.
    pub facts: Facts,
    /// The core's plan file, in base64.
    plan: String,
    /// The plan as JSON: what was reviewed.
    plan_json: String,
    /// What the core warned of, which the plan does not say.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub warnings: Vec<Diagnostic>,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Outer {
    format: u32,
    proof: String,
    content: String,
}

/// An artefact that has been opened.
pub struct Artefact {
    /// What is in it.
    pub content: Content,
    text: Secret,
    proof: String,
}

/// Whether a text is one, encrypted.
pub fn is_one(bytes: &[u8]) -> bool {
    bytes.starts_with(b"age-encryption.org/")
}

/// The key that a state makes.
fn key(state: &Secret) -> ProofKey {
    let mut hash = Sha256::new();
    hash.update(PURPOSE);
    hash.update([0]);
    hash.update(state.expose());
    ProofKey::from_random(hash.finalize().into())
}

/// Encrypts a plan.
///
/// # Errors
/// When age cannot.
pub fn seal(
    facts: Facts,
    planned: &Planned,
    state: &Secret,
    recipients: &[Recipient],
) -> Result<Vec<u8>, Error> {
    let made_at = UNIX_EPOCH.elapsed().map_or(0, |since| since.as_secs());
    let content = Content {
        made_at,
        facts,
        plan: STANDARD.encode(&planned.file),
        plan_json: planned.json.expose().to_owned(),
        warnings: planned.warnings.clone(),
    };
    let content = Zeroizing::new(serde_json::to_string(&content).map_err(|_| Error::Other)?);
    sealed(FORMAT, &content, &key(state).proof(PURPOSE, &content), recipients)
}

fn sealed(format: u32, content: &str, proof: &str, recipients: &[Recipient]) -> Result<Vec<u8>, Error> {
    let outer = Outer { format, proof: proof.to_owned(), content: content.to_owned() };
    let text = Zeroizing::new(serde_json::to_string(&outer).map_err(|_| Error::Other)?);
    sops::encrypt(recipients, text.as_bytes()).map_err(Error::Encrypt)
}

/// Opens one.
///
/// # Errors
/// When it is none, or is for others.
pub fn open(bytes: &[u8], identities: &Identities) -> Result<Artefact, Error> {
    if !is_one(bytes) {
        return Err(Error::NotEncrypted);
    }
    let plain = identities.decrypt(bytes).ok_or_else(|| Error::Sealed(identities.count()))?;
    let format = serde_json::from_slice::<serde_json::Value>(&plain).ok();
    let format =
        format.and_then(|outer| u32::try_from(outer.get("format")?.as_u64()?).ok()).ok_or(Error::Other)?;
    if format != FORMAT {
        return Err(Error::Format(format));
    }
    let outer: Outer = serde_json::from_slice(&plain).map_err(|_| Error::Other)?;
    let content = serde_json::from_str(&outer.content).map_err(|_| Error::Other)?;
    Ok(Artefact { content, text: Secret::new(outer.content), proof: outer.proof })
}

impl Artefact {
    /// Whether it was made by somebody who could read this state.
    pub fn is_of(&self, state: &Secret) -> bool {
        key(state).proves(PURPOSE, self.text.expose(), &self.proof)
    }

    /// The plan file.
    ///
    /// # Errors
    /// When there is none in it.
    pub fn plan(&self) -> Result<Zeroizing<Vec<u8>>, Error> {
        STANDARD.decode(&self.content.plan).map(Zeroizing::new).map_err(|_| Error::Other)
    }

    /// The plan as JSON.
    pub fn plan_json(&self) -> &str {
        &self.content.plan_json
    }
}

#[cfg(test)]
pub mod tests {
    use super::*;
    use age::secrecy::ExposeSecret;

    /// Somebody's pair of keys.
    pub fn keys() -> (Identities, Recipient) {
        let key = age::x25519::Identity::generate();
        let recipient = key.to_public().to_string().parse().unwrap();
        (Identities::of_text(&Secret::new(key.to_string().expose_secret()), "a test").unwrap(), recipient)
    }

    fn made(state: &str, recipient: &Recipient) -> Vec<u8> {
        let recipients = std::slice::from_ref(recipient);
        let warnings = vec![Diagnostic { summary: "old".into(), ..Diagnostic::default() }];
        let planned = Planned {
            file: Zeroizing::new(b"plan".to_vec()),
            json: "{}".into(),
            has_changes: true,
            warnings,
        };
        seal(Facts::default(), &planned, &state.into(), recipients).unwrap()
    }

    fn why(bytes: &[u8], identities: &Identities) -> String {
        open(bytes, identities).map(|_| ()).unwrap_err().to_string()
    }

    #[test]
    fn what_was_sealed_opens_and_is_of_its_state() {
        let (identities, recipient) = keys();
        let opened = open(&made("state", &recipient), &identities).unwrap();
        assert_eq!((opened.plan().unwrap().as_slice(), opened.plan_json()), (&b"plan"[..], "{}"));
        assert_eq!(opened.content.warnings[0].summary, "old");
        assert!(opened.is_of(&"state".into()) && !opened.is_of(&"another".into()));
    }

    #[test]
    fn every_byte_counts() {
        let (identities, recipient) = keys();
        let good = made("state", &recipient);
        for at in 0..good.len() {
            let mut bad = good.clone();
            bad[at] ^= 1;
            assert!(open(&bad, &identities).is_err(), "byte {at} of {}", good.len());
        }
        assert!(open(&good[..good.len() - 1], &identities).is_err());
        assert!(open(&[&good[..], b"x"].concat(), &identities).is_err());
    }

    #[test]
    fn what_is_none_says_so() {
        let (identities, recipient) = keys();
        let recipients = std::slice::from_ref(&recipient);
        assert_eq!(why(b"", &identities), "it is not an age file");
        assert_eq!(why(b"PK\x03\x04", &identities), "it is not an age file");
        let other = sops::encrypt(recipients, b"{}").unwrap();
        assert_eq!(
            why(&other, &identities),
            "it is an age file, and not of a plan that `windlass plan` has made"
        );
        let newer = sealed(2, "{}", "", recipients).unwrap();
        assert_eq!(
            why(&newer, &identities),
            "its format is 2, and 1 is known here: another version of windlass has made it"
        );
        let (others, _) = keys();
        let sealed = made("state", &recipient);
        assert_eq!(why(&sealed, &others), "none of the 1 identities at hand opens it, or it was changed");
    }
}
