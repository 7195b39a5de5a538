//! Single values: AES-256-GCM with a nonce of 32 bytes, and the text form `ENC[…]`.

use aes_gcm::aead::consts::U32;
use aes_gcm::aead::{Aead, Payload};
use aes_gcm::aes::Aes256;
use aes_gcm::{AesGcm, KeyInit};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use zeroize::Zeroizing;

use crate::error::Error;

const TAG: usize = 16;
const START: &str = "ENC[AES256_GCM,data:";

/// The key of a file's values; each recipient has it wrapped for itself.
#[derive(Clone)]
pub struct DataKey(Zeroizing<[u8; 32]>);

/// What makes ciphertext of plaintext with one data key.
pub struct Cipher(AesGcm<Aes256, U32>);

/// A value as it was opened: the bytes and what they mean.
pub struct Opened {
    /// The plaintext.
    pub plain: Zeroizing<Vec<u8>>,
    /// `str`, `int`, `float`, `bool`, `time`, `comment` or `bytes`.
    pub kind: String,
}

impl DataKey {
    /// A new one.
    ///
    /// # Errors
    /// When the system has no random numbers.
    pub fn random() -> Result<Self, Error> {
        Ok(Self(Zeroizing::new(random()?)))
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
        Cipher(AesGcm::new((&*self.0).into()))
    }
}

fn random() -> Result<[u8; 32], Error> {
    let mut bytes = [0; 32];
    getrandom::fill(&mut bytes).map_err(|_| Error::Random)?;
    Ok(bytes)
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
        let nonce = random()?;
        let payload = Payload { msg: plain, aad: place.as_bytes() };
        let sealed = self.0.encrypt(&nonce.into(), payload).map_err(|_| Error::Random)?;
        let (data, tag) = sealed.split_at(sealed.len() - TAG);
        let [data, nonce, tag] = [data, &nonce, tag].map(|bytes| STANDARD.encode(bytes));
        Ok(format!("{START}{data},iv:{nonce},tag:{tag},type:{kind}]"))
    }

    /// Opens what [`Self::seal`] made for the same place; `None` when it is anything else.
    pub fn open(&self, sealed: &str, place: &str) -> Option<Opened> {
        let (data, rest) = sealed.strip_prefix(START)?.strip_suffix(']')?.split_once(",iv:")?;
        let (nonce, rest) = rest.split_once(",tag:")?;
        let (tag, kind) = rest.split_once(",type:")?;
        let nonce: [u8; 32] = STANDARD.decode(nonce).ok()?.try_into().ok()?;
        let tag = STANDARD.decode(tag).ok().filter(|tag| tag.len() == TAG)?;
        let mut message = STANDARD.decode(data).ok()?;
        message.extend(tag);
        let payload = Payload { msg: &message, aad: place.as_bytes() };
        let plain = self.0.decrypt(&nonce.into(), payload).ok()?;
        Some(Opened { plain: Zeroizing::new(plain), kind: kind.to_owned() })
    }
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
        assert_eq!((opened.plain.as_slice(), opened.kind.as_str()), (b"foo".as_slice(), "str"));
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
