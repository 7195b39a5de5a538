//! How secrets and configs are called. What is in one never changes, so that another content is another
//! object: its name says which. That of a secret says the version that the user gives it, and never
//! what it is.

use tree::sha256;

use crate::stacks::wanted::FileKind;

/// How many characters a name has at most.
pub(in crate::stacks) const LONGEST: usize = 64;
/// How much of a hash goes into a name.
const SHORT: usize = 10;
/// How much a swarm takes of a secret, in bytes.
const LARGEST_SECRET: usize = 500 * 1024 - 1;
/// How much of a config.
const LARGEST_CONFIG: usize = 1000 * 1024 - 1;

/// What the name of a secret ends with, from its version: the version itself where a name can have it.
pub fn version_suffix(version: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.');
    let fits = (1..=20).contains(&version.len())
        && version.chars().all(plain)
        && version.ends_with(|c: char| c.is_ascii_alphanumeric());
    if fits { format!("v{version}") } else { hash_suffix(&sha256(version.as_bytes())) }
}

/// What the name of a config ends with, from its content.
pub fn content_suffix(content: &[u8]) -> String {
    hash_suffix(&sha256(content))
}

/// The same, from the hash of the content.
pub(in crate::stacks) fn hash_suffix(hash: &str) -> String {
    hash[..SHORT].to_owned()
}

/// The name of the object, which begins with `name`.
///
/// # Errors
/// Its name, where that is longer than a name may be.
pub fn full_name(name: &str, suffix: &str) -> Result<String, TooLong> {
    let full = format!("{name}-{suffix}");
    if full.len() > LONGEST { Err(TooLong { name: full }) } else { Ok(full) }
}

/// A name is longer than a swarm takes.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the name {name:?} would have {} characters, and a swarm takes {LONGEST}", .name.len())]
pub struct TooLong {
    /// It.
    pub name: String,
}

/// Checks what names begin with.
///
/// # Errors
/// What is wrong, as the end of a sentence about it.
pub fn check_prefix(name: &str) -> Result<(), String> {
    let inside = name.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"_.-".contains(&byte));
    if inside && name.starts_with(|first: char| first.is_ascii_alphanumeric()) {
        return Ok(());
    }
    Err("must be letters, digits, `_`, `.` or `-`, and begin with a letter or digit".to_owned())
}

/// Checks how much goes into one.
///
/// # Errors
/// What is wrong, as the end of a sentence about it.
pub fn check_size(kind: FileKind, bytes: usize) -> Result<(), String> {
    let most = match kind {
        FileKind::Secret => LARGEST_SECRET,
        FileKind::Config => LARGEST_CONFIG,
    };
    match bytes {
        0 => Err(format!("must not be empty: a swarm takes no empty {}", kind.word())),
        bytes if bytes > most => {
            Err(format!("must have at most {most} bytes, which is what a swarm takes of a {}", kind.word()))
        }
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_version_is_in_a_name_where_names_can_have_it() {
        assert_eq!(version_suffix("2026-11"), "v2026-11");
        assert_eq!(version_suffix("x y").len(), SHORT);
        assert_ne!(version_suffix("a b"), version_suffix("a  b"));
        assert_eq!(version_suffix("1-"), hash_suffix(&sha256(b"1-")));
        assert_eq!(version_suffix(""), hash_suffix(&sha256(b"")));
    }

    #[test]
    fn names_have_room_for_what_follows() {
        assert_eq!(full_name("db", "v1").unwrap(), "db-v1");
        let long = "x".repeat(60);
        assert_eq!(full_name(&long, "v1").unwrap().len(), 63);
        let error = full_name(&long, "v123").unwrap_err().to_string();
        assert!(error.ends_with("would have 65 characters, and a swarm takes 64"), "{error}");
        assert!(check_prefix("db.pass_word-1").is_ok());
        for wrong in ["", "-a", "a b", "ü"] {
            assert!(check_prefix(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn sizes_are_those_that_a_swarm_takes() {
        assert!(check_size(FileKind::Secret, 0).is_err() && check_size(FileKind::Config, 0).is_err());
        assert!(
            check_size(FileKind::Secret, 511_999).is_ok() && check_size(FileKind::Secret, 512_000).is_err()
        );
        assert!(
            check_size(FileKind::Config, 1_023_999).is_ok()
                && check_size(FileKind::Config, 1_024_000).is_err()
        );
    }
}
