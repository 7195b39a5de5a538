//! Telling whether a secret is still the one it was, without keeping it or a hash that could be guessed.
//!
//! What is kept in place of the secret is an HMAC. Its key lies beside it, readable by the user
//! alone, and never leaves the host but to us: state and plan hold neither.

use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;

use crate::Secret;

/// The key of the HMACs that a host keeps, made of 32 random bytes, in a file of mode 0600 there.
#[derive(Clone, Debug)]
pub struct ProofKey(Secret);

/// The key file does not hold a key.
#[derive(Clone, Copy, Debug, thiserror::Error, PartialEq, Eq)]
#[error("the key file does not hold 32 bytes in hexadecimal")]
pub struct BadKey;

impl ProofKey {
    /// A key of fresh random bytes.
    pub fn from_random(bytes: [u8; 32]) -> Self {
        Self(Secret::new(hex(&bytes)))
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
        hex(&self.mac(purpose, value).finalize().into_bytes())
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

/// Bytes as lower-case hexadecimal: what proofs, keys and digests are written as.
pub fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_proof_fits_its_value_purpose_and_key_only() {
        let key = ProofKey::from_random([7; 32]);
        let proof = key.proof("label/app", "abc");
        assert_eq!(proof.len(), 64);
        assert!(key.proves("label/app", "abc", &proof));
        assert!(!key.proves("label/app", "abd", &proof));
        assert!(!key.proves("label/db", "abc", &proof));
        assert!(!key.proves("label/app", "abc", &proof[..62]));
        assert!(!key.proves("label/app", "abc", "\u{e4}x"));
        assert!(!ProofKey::from_random([8; 32]).proves("label/app", "abc", &proof));
    }

    #[test]
    fn the_proof_is_hmac_sha256() {
        // printf '\0\0\0\0\0\0\0\x01pv' | openssl dgst -sha256 -mac HMAC -macopt key:$(printf '07%.0s' {1..32})
        assert_eq!(
            ProofKey::from_random([7; 32]).proof("p", "v"),
            "8351539a44098c62af84482471afd16972e25dbf9b21e6c9fa6fd7769f9b8b3e"
        );
    }

    #[test]
    fn a_key_survives_its_file() {
        let key = ProofKey::from_random([1; 32]);
        let again = ProofKey::parse(key.to_text().expose()).unwrap();
        assert_eq!(again.proof("p", "v"), key.proof("p", "v"));
        assert_eq!(ProofKey::parse("short").unwrap_err(), BadKey);
        assert!(!format!("{key:?}").contains("01"));
    }
}
