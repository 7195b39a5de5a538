//! What an apply leaves on the host, so that the next read can tell whether anything was changed
//! behind its back without knowing any secret.
//!
//! Compose's own label on a container hashes its real values, secrets included: it may be neither
//! planned nor stored in state. State holds the hash that was planned with placeholders; the
//! record holds, beside it, an HMAC of the label that the apply really produced. A container whose
//! label fits the HMAC still is what the planned hash stands for.

use std::collections::{BTreeMap, BTreeSet};

use hmac::{Hmac, KeyInit, Mac};
use secret::Secret;
use serde::{Deserialize, Serialize};
use sha2::Sha256;

use super::stack::Steady;
use crate::Error;

/// The format of the record.
const VERSION: u32 = 1;

/// What the last apply made.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Record {
    /// The format; ours is 1.
    pub version: u32,
    /// The project's name.
    pub project: String,
    /// The Compose version that did it.
    pub compose: String,
    /// What became of each service.
    pub services: BTreeMap<String, Recorded>,
}

/// A service as an apply left it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Recorded {
    /// The image reference.
    pub image: String,
    /// The hash that was planned.
    pub config_hash: String,
    /// The hash of its environment that was planned.
    pub environment_hash: String,
    /// The hash of the shipped files that it uses.
    pub files_hash: Option<String>,
    /// Those files.
    pub files: BTreeSet<String>,
    /// What it is when all is well.
    pub steady: Steady,
    /// How many containers it has then.
    pub replicas: u32,
    /// HMAC of the label that its containers got; none where it has no containers.
    pub proof: Option<String>,
    /// The containers (by id) of other services that it shares something with.
    pub shares: BTreeMap<String, String>,
}

impl Record {
    /// An empty record.
    pub fn new(project: impl Into<String>, compose: impl Into<String>) -> Self {
        Self { version: VERSION, project: project.into(), compose: compose.into(), services: BTreeMap::new() }
    }

    /// Reads what [`Record::to_json`] wrote.
    ///
    /// # Errors
    /// [`Error::Parse`] when it is something else, or of a newer Windlass.
    pub fn parse(json: &[u8]) -> Result<Self, Error> {
        let unreadable = |source| Error::Parse { what: "the stack's record on the host".to_owned(), source };
        let record: Self = serde_json::from_slice(json).map_err(|err| unreadable(err.into()))?;
        if record.version > VERSION {
            return Err(unreadable(format!("it has format {}, known is {VERSION}", record.version).into()));
        }
        Ok(record)
    }

    /// The file's content.
    pub fn to_json(&self) -> Vec<u8> {
        // Maps with text keys and plain fields cannot fail.
        let mut json = serde_json::to_vec_pretty(self).unwrap_or_default();
        json.push(b'\n');
        json
    }
}

/// The key of a stack's HMACs, made of 32 random bytes, kept on the host with mode 0600.
#[derive(Clone, Debug)]
pub struct Key(Secret);

/// The key file does not hold a key.
#[derive(Clone, Copy, Debug, thiserror::Error, PartialEq, Eq)]
#[error("the key file does not hold 32 bytes in hexadecimal")]
pub struct BadKey;

impl Key {
    /// A key of fresh random bytes.
    pub fn from_random(bytes: [u8; 32]) -> Self {
        Self(Secret::new(super::hex(&bytes)))
    }

    /// Reads the key file.
    ///
    /// # Errors
    /// [`BadKey`] when it holds something else.
    pub fn parse(text: &str) -> Result<Self, BadKey> {
        let text = text.trim();
        let good = text.len() == 64 && text.chars().all(|c| c.is_ascii_hexdigit());
        if good { Ok(Self(Secret::new(text))) } else { Err(BadKey) }
    }

    /// The key file's content.
    pub fn to_text(&self) -> Secret {
        Secret::new(format!("{}\n", self.0.expose()))
    }

    /// The HMAC of `value`; `purpose` (`label/<service>`, `file/<path>`) keeps equal values of
    /// different things apart.
    pub fn proof(&self, purpose: &str, value: &str) -> String {
        super::hex(&self.mac(purpose, value).finalize().into_bytes())
    }

    /// Whether `proof` is the HMAC of `value`.
    pub fn proves(&self, purpose: &str, value: &str, proof: &str) -> bool {
        let bytes: Option<Vec<u8>> = (0..proof.len())
            .step_by(2)
            .map(|at| proof.get(at..at + 2).and_then(|pair| u8::from_str_radix(pair, 16).ok()))
            .collect();
        bytes.is_some_and(|bytes| self.mac(purpose, value).verify_slice(&bytes).is_ok())
    }

    fn mac(&self, purpose: &str, value: &str) -> Hmac<Sha256> {
        // The text of a key, 64 digits, is exactly one block of SHA-256.
        let mut block = [0; 64];
        block.iter_mut().zip(self.0.expose().bytes()).for_each(|(to, from)| *to = from);
        let mut mac = <Hmac<Sha256> as KeyInit>::new(&block.into());
        mac.update(&(purpose.len() as u64).to_be_bytes());
        mac.update(purpose.as_bytes());
        mac.update(value.as_bytes());
        mac
    }
}

/// What stands for a secret wherever a hash is planned.
pub fn placeholder(name: &str, version: &str) -> String {
    format!("{name}#{version}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_proof_fits_its_value_purpose_and_key_only() {
        let key = Key::from_random([7; 32]);
        let proof = key.proof("label/app", "abc");
        assert_eq!(proof.len(), 64);
        assert!(key.proves("label/app", "abc", &proof));
        assert!(!key.proves("label/app", "abd", &proof));
        assert!(!key.proves("label/db", "abc", &proof));
        assert!(!key.proves("label/app", "abc", &proof[..62]));
        assert!(!key.proves("label/app", "abc", "\u{e4}x"));
        assert!(!Key::from_random([8; 32]).proves("label/app", "abc", &proof));
    }

    #[test]
    fn the_proof_is_hmac_sha256() {
        // printf '\0\0\0\0\0\0\0\x01pv' | openssl dgst -sha256 -mac HMAC -macopt key:$(printf '07%.0s' {1..32})
        assert_eq!(
            Key::from_random([7; 32]).proof("p", "v"),
            "8351539a44098c62af84482471afd16972e25dbf9b21e6c9fa6fd7769f9b8b3e"
        );
    }

    #[test]
    fn a_key_survives_its_file() {
        let key = Key::from_random([1; 32]);
        let again = Key::parse(key.to_text().expose()).unwrap();
        assert_eq!(again.proof("p", "v"), key.proof("p", "v"));
        assert_eq!(Key::parse("short").unwrap_err(), BadKey);
        assert!(!format!("{key:?}").contains("01"));
    }

    #[test]
    fn a_record_survives_its_file_and_newer_ones_are_refused() {
        let mut record = Record::new("web", "2.26.1");
        record.services.insert(
            "app".into(),
            Recorded {
                image: "nginx:1".into(),
                config_hash: "c".into(),
                environment_hash: "e".into(),
                files_hash: None,
                files: BTreeSet::new(),
                steady: Steady::Healthy,
                replicas: 1,
                proof: Some("p".into()),
                shares: BTreeMap::new(),
            },
        );
        assert_eq!(Record::parse(&record.to_json()).unwrap(), record);
        record.version = 2;
        assert!(Record::parse(&record.to_json()).is_err());
    }
}
