//! Single values: AES-256-GCM with a nonce of 32 bytes, and the text form `ENC[…]`.

use std::cell::RefCell;

use aes_gcm::aead::AeadInOut;
use aes_gcm::aead::consts::U32;
use aes_gcm::aes::Aes256;
use aes_gcm::{AesGcm, KeyInit};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use zeroize::Zeroizing;

use crate::error::Error;

const TAG: usize = 16;
const NONCE: usize = 32;
/// How many nonces are asked of the system at once: a state has tens of thousands of values.
const NONCES: usize = 64;
const START: &str = "ENC[AES256_GCM,data:";

/// The key of a file's values; each recipient has it wrapped for itself.
#[derive(Clone)]
pub struct DataKey(Zeroizing<[u8; 32]>);

/// What makes ciphertext of plaintext with one data key.
pub struct Cipher {
    aes: AesGcm<Aes256, U32>,
    nonces: RefCell<Nonces>,
}

/// Random numbers for nonces, each for one use.
struct Nonces {
    bytes: [u8; NONCE * NONCES],
    used: usize,
}

impl Nonces {
    const fn new() -> Self {
        Self { bytes: [0; NONCE * NONCES], used: NONCE * NONCES }
    }

    fn next(&mut self) -> Result<[u8; NONCE], Error> {
        if self.used == self.bytes.len() {
            getrandom::fill(&mut self.bytes).map_err(|_| Error::Random)?;
            self.used = 0;
        }
        let end = self.used + NONCE;
        let fresh = self.bytes.get(self.used..end).and_then(|bytes| bytes.try_into().ok());
        self.used = end;
        fresh.ok_or(Error::Random)
    }
}

/// A value as it was opened: the bytes and what they mean.
pub struct Opened<'t> {
    /// The plaintext.
    pub plain: Zeroizing<Vec<u8>>,
    /// `str`, `int`, `float`, `bool`, `time`, `comment` or `bytes`.
    pub kind: &'t str,
}

impl DataKey {
    /// A new one.
    ///
    /// # Errors
    /// When the system has no random numbers.
    pub fn random() -> Result<Self, Error> {
        let mut bytes = Zeroizing::new([0; 32]);
        getrandom::fill(&mut bytes[..]).map_err(|_| Error::Random)?;
        Ok(Self(bytes))
    }

    /// The one that was wrapped.
    pub fn from_bytes(bytes: &[u8]) -> Option<Self> {
        Some(Self(Zeroizing::new(bytes.try_into().ok()?)))
    }

    /// For wrapping.
    pub fn bytes(&self) -> &[u8] {
        &self.0[..]
    }

    /// What works with it.
    pub fn cipher(&self) -> Cipher {
        Cipher { aes: AesGcm::new((&*self.0).into()), nonces: RefCell::new(Nonces::new()) }
    }
}

impl Cipher {
    /// Encrypts with a fresh nonce. What is empty stays empty, as SOPS has it.
    ///
    /// # Errors
    /// When the system has no random numbers.
    pub fn seal(&self, plain: &[u8], kind: &str, place: &str) -> Result<String, Error> {
        if plain.is_empty() {
            return Ok(String::new());
        }
        let nonce = self.nonces.borrow_mut().next()?;
        let mut data = plain.to_vec();
        let tag = self
            .aes
            .encrypt_inout_detached(&nonce.into(), place.as_bytes(), data.as_mut_slice().into())
            .map_err(|_| Error::Random)?;
        // Nonce, tag and the words between take some hundred letters.
        let mut text = String::with_capacity(START.len() + data.len().div_ceil(3) * 4 + 100);
        text.push_str(START);
        STANDARD.encode_string(&data, &mut text);
        text.push_str(",iv:");
        STANDARD.encode_string(nonce, &mut text);
        text.push_str(",tag:");
        STANDARD.encode_string(tag, &mut text);
        text.push_str(",type:");
        text.push_str(kind);
        text.push(']');
        Ok(text)
    }

    /// Opens what [`Self::seal`] made for the same place; `None` when it is anything else.
    pub fn open<'t>(&self, sealed: &'t str, place: &str) -> Option<Opened<'t>> {
        let (data, rest) = sealed.strip_prefix(START)?.strip_suffix(']')?.split_once(",iv:")?;
        let (nonce, rest) = rest.split_once(",tag:")?;
        let (tag, kind) = rest.split_once(",type:")?;
        let nonce: [u8; NONCE] = bytes(nonce)?;
        let tag: [u8; TAG] = bytes(tag)?;
        let mut plain = Zeroizing::new(STANDARD.decode(data).ok()?);
        let buffer = plain.as_mut_slice().into();
        self.aes.decrypt_inout_detached(&nonce.into(), place.as_bytes(), buffer, &tag.into()).ok()?;
        Some(Opened { plain, kind })
    }
}

/// As many bytes as there have to be.
fn bytes<const N: usize>(text: &str) -> Option<[u8; N]> {
    // Room for what the longer of the two may decode to.
    let mut room = [0; NONCE + 4];
    let length = STANDARD.decode_slice(text, &mut room).ok()?;
    room.get(..length)?.try_into().ok()
}

/// Whether a text has the form of an encrypted value.
pub fn is_sealed(text: &str) -> bool {
    text.starts_with(START) && text.ends_with(']')
}

#[cfg(test)]
mod tests {
    use super::*;

    /// From the tests of SOPS itself.
    const OF_SOPS: &str = "ENC[AES256_GCM,data:oYyi,iv:MyIDYbT718JRr11QtBkcj3Dwm4k1aCGZBVeZf0EyV8o=,tag:t5z2Z023Up0kxwCgw1gNxg==,type:str]";

    #[test]
    fn a_value_of_sops_opens_in_its_place_alone() {
        let cipher = DataKey::from_bytes(&[b'f'; 32]).unwrap().cipher();
        let opened = cipher.open(OF_SOPS, "bar:").unwrap();
        assert_eq!((opened.plain.as_slice(), opened.kind), (b"foo".as_slice(), "str"));
        assert!(cipher.open(OF_SOPS, "baz:").is_none());
        assert!(cipher.open(&OF_SOPS.replace("oYyi", "oYyj"), "bar:").is_none());
    }

    #[test]
    fn what_is_sealed_opens_and_never_looks_the_same_twice() {
        let cipher = DataKey::random().unwrap().cipher();
        let sealed = cipher.seal(b"x", "str", "a:").unwrap();
        assert!(is_sealed(&sealed));
        assert_ne!(sealed, cipher.seal(b"x", "str", "a:").unwrap());
        assert_eq!(cipher.open(&sealed, "a:").unwrap().plain.as_slice(), b"x");
        assert_eq!(cipher.seal(b"", "str", "a:").unwrap(), "");
    }
}
