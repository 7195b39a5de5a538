//! A host key as people write it.

use remote::connection::HostKey;
use sha2::{Digest as _, Sha256};

/// The key that `text` pins: an OpenSSH public key (`ssh-ed25519 AAAA… comment`) or a fingerprint
/// (`ssh-ed25519:SHA256:…`, also as `ssh-keygen -l` prints it).
///
/// # Errors
/// What is wrong with it, as a verb phrase.
pub(crate) fn pinned(text: &str) -> Result<HostKey, String> {
    let text = text.trim();
    match text.split_whitespace().collect::<Vec<_>>()[..] {
        // `ssh-keygen -l`: bits, fingerprint, comment, type in brackets.
        [_, fingerprint, .., algorithm] if fingerprint.starts_with("SHA256:") => {
            format!("{}:{fingerprint}", algorithm.trim_matches(['(', ')'])).parse()
        }
        // As messages about a changed key show it.
        [algorithm, fingerprint] if fingerprint.starts_with("SHA256:") => {
            format!("{algorithm}:{fingerprint}").parse()
        }
        [algorithm, blob, ..] => public_key(algorithm, blob),
        _ => text
            .parse()
            .map_err(|error| format!("{error}, and is not an OpenSSH public key (ssh-ed25519 AAAA…) either")),
    }
}

/// The fingerprint of a public key: RFC 4253 §6.6 puts the type in front of the blob as well.
fn public_key(algorithm: &str, blob: &str) -> Result<HostKey, String> {
    let bytes = decode(blob)
        .ok_or("is not a valid OpenSSH public key, because the part behind the type is not base64")?;
    let named = bytes.get(4..).is_some_and(|rest| rest.starts_with(algorithm.as_bytes()));
    if !named {
        return Err(format!(
            "is not a valid OpenSSH public key, because it says {algorithm:?}, but the key is of another type"
        ));
    }
    Ok(HostKey::new(algorithm, Sha256::digest(&bytes).into()))
}

fn decode(blob: &str) -> Option<Vec<u8>> {
    use base64::Engine as _;
    base64::engine::general_purpose::STANDARD.decode(blob).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    // GitHub's published host key, which everybody can look up together with its fingerprint.
    const PUBLIC: &str =
        "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIOMqqnkVzrm0SdG6UOoqKLsabgH5C9okWi0dh2l9GKJl test";

    #[test]
    fn the_public_key_and_its_fingerprint_are_the_same_key() {
        let key = pinned(PUBLIC).unwrap();
        assert_eq!(key, pinned(&key.to_string()).unwrap());
        let shown = format!("{} {}", key.algorithm(), key.fingerprint());
        assert_eq!(key, pinned(&shown).unwrap());
        let listed = format!("256 {} somebody@somewhere (ED25519)", key.fingerprint());
        assert_eq!(key, pinned(&listed).unwrap());
        // From `ssh-keygen -l`.
        assert_eq!(key.fingerprint(), "SHA256:+DiY3wvvV6TuJJhbpZisF/zLDA0zPMSvHdkr4UvCOqU");
    }

    #[test]
    fn what_is_no_key_is_refused() {
        for text in [
            "",
            "ssh-ed25519",
            "ssh-rsa AAAAC3NzaC1lZDI1NTE5AAAAIOMqqnkVzrm0",
            "ssh-ed25519 %%%",
            "SHA256:abc",
        ] {
            assert!(pinned(text).is_err(), "{text:?}");
        }
    }
}
