//! The fingerprint of a host's key.

use std::{fmt, str::FromStr};

use base64::{
    Engine,
    alphabet::{STANDARD, URL_SAFE},
    engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig},
};

/// Fingerprints carry no padding; when it was added by hand, it is no reason to refuse them.
const CONFIG: GeneralPurposeConfig = GeneralPurposeConfig::new()
    .with_encode_padding(false)
    .with_decode_padding_mode(DecodePaddingMode::Indifferent);
const BASE64: GeneralPurpose = GeneralPurpose::new(&STANDARD, CONFIG);
const BASE64URL: GeneralPurpose = GeneralPurpose::new(&URL_SAFE, CONFIG);

/// The type and the SHA-256 fingerprint of a host's public key.
///
/// Written `ssh-ed25519:SHA256:<base64url>`; read also with OpenSSH's own base64 alphabet, so
/// that what `ssh-keygen -l` shows can be pasted.
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct HostKey {
    algorithm: String,
    sha256: [u8; 32],
}

impl HostKey {
    /// The key of type `algorithm` (`ssh-ed25519`) whose public blob has this SHA-256.
    pub fn new(algorithm: &str, sha256: [u8; 32]) -> Self {
        Self { algorithm: long_name(&algorithm.to_ascii_lowercase()).to_owned(), sha256 }
    }

    /// The type as OpenSSH names it in a public key: `ssh-ed25519`, `ecdsa-sha2-nistp256`, `ssh-rsa`.
    pub fn algorithm(&self) -> &str {
        &self.algorithm
    }

    /// SHA-256 over the public key's blob.
    pub fn sha256(&self) -> &[u8; 32] {
        &self.sha256
    }

    /// As OpenSSH shows it: `SHA256:<base64>`.
    pub fn fingerprint(&self) -> String {
        format!("SHA256:{}", BASE64.encode(self.sha256))
    }
}

/// The name in a public key for the names people use, and for RSA's signature algorithms, which
/// are often taken for key types.
fn long_name(algorithm: &str) -> &str {
    match algorithm {
        "ed25519" => "ssh-ed25519",
        "rsa" | "rsa-sha2-256" | "rsa-sha2-512" => "ssh-rsa",
        "ecdsa" => "ecdsa-sha2-nistp256",
        other => other,
    }
}

impl FromStr for HostKey {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let shape = || "is not of the form <type>:SHA256:<fingerprint>".to_owned();
        let (algorithm, fingerprint) = text.split_once(':').ok_or_else(shape)?;
        let is_name = |byte: u8| byte.is_ascii_alphanumeric() || b"-.@".contains(&byte);
        if algorithm.is_empty() || !algorithm.bytes().all(is_name) {
            return Err(shape());
        }
        let encoded = fingerprint.strip_prefix("SHA256:").ok_or_else(shape)?;
        let decoded = BASE64URL.decode(encoded).or_else(|_| BASE64.decode(encoded));
        let sha256 = decoded
            .ok()
            .and_then(|bytes| bytes.try_into().ok())
            .ok_or("has a fingerprint that is not 43 characters of base64")?;
        Ok(Self::new(algorithm, sha256))
    }
}

impl fmt::Display for HostKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:SHA256:{}", self.algorithm, BASE64URL.encode(self.sha256))
    }
}

impl fmt::Debug for HostKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}
