//! Which files were shipped: only these are sent again, checked, and ever deleted.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use crate::FileDigest;

/// The format of the manifest.
const VERSION: u32 = 1;

/// The files that were shipped, by their paths relative to the directory that they were
/// shipped to. What is secret is never among them.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Manifest {
    /// Path to content and mode.
    pub files: BTreeMap<String, FileDigest>,
}

#[derive(Serialize, Deserialize)]
struct Raw {
    version: u32,
    files: BTreeMap<String, RawFile>,
}

#[derive(Serialize, Deserialize)]
struct RawFile {
    sha256: String,
    /// Octal, as people read modes.
    mode: String,
}

/// Why a manifest cannot be read.
#[derive(Debug, thiserror::Error)]
pub enum ManifestError {
    /// It is something else.
    #[error("not a valid manifest")]
    Json(#[from] serde_json::Error),
    /// Its mode is not an octal number.
    #[error("not a valid mode")]
    Mode(#[from] std::num::ParseIntError),
    /// It is of a newer Windlass.
    #[error("it has format {0}, known is {VERSION}")]
    Newer(u32),
}

impl Manifest {
    /// Reads what [`Manifest::to_json`] wrote.
    ///
    /// # Errors
    /// When it is something else, or of a newer Windlass.
    pub fn parse(json: &[u8]) -> Result<Self, ManifestError> {
        let raw: Raw = serde_json::from_slice(json)?;
        if raw.version > VERSION {
            return Err(ManifestError::Newer(raw.version));
        }
        let files = raw.files.into_iter().map(|(path, file)| {
            let mode = u32::from_str_radix(&file.mode, 8)?;
            Ok((path, FileDigest { sha256: file.sha256, mode }))
        });
        Ok(Self { files: files.collect::<Result<_, ManifestError>>()? })
    }

    /// The file's content, on one line: it is read with every plan, and may be of 50,000 files.
    pub fn to_json(&self) -> Vec<u8> {
        let raw =
            |file: &FileDigest| RawFile { sha256: file.sha256.clone(), mode: format!("{:04o}", file.mode) };
        let files = self.files.iter().map(|(path, file)| (path.clone(), raw(file))).collect();
        // Maps with text keys and plain fields cannot fail.
        let mut json = serde_json::to_vec(&Raw { version: VERSION, files }).unwrap_or_default();
        json.push(b'\n');
        json
    }

    /// One hash over all files: `source_hash`.
    pub fn hash(&self) -> String {
        let mut hash = Sha256::new();
        for (path, file) in &self.files {
            for field in [path.as_str(), &file.sha256, &format!("{:o}", file.mode)] {
                hash.update((field.len() as u64).to_be_bytes());
                hash.update(field);
            }
        }
        secret::hex(&hash.finalize())
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    fn files(entries: &[(&str, &str, u32)]) -> BTreeMap<String, FileDigest> {
        let digest = |sha256: &str, mode| FileDigest { sha256: sha256.to_owned(), mode };
        entries.iter().map(|(path, sha256, mode)| ((*path).to_owned(), digest(sha256, *mode))).collect()
    }

    fn set(paths: &[&str]) -> BTreeSet<String> {
        paths.iter().map(|path| (*path).to_owned()).collect()
    }

    #[test]
    fn only_what_differs_is_sent_and_only_what_was_shipped_is_deleted() {
        let last = Manifest { files: files(&[("a", "1", 0o644), ("b", "2", 0o644), ("old", "3", 0o644)]) };
        let found = files(&[("a", "1", 0o644), ("b", "edited", 0o644), ("data/x", "9", 0o600)]);
        let wanted = Manifest {
            files: files(&[
                ("a", "1", 0o644),
                ("b", "2", 0o644),
                ("new", "4", 0o755),
                ("data/y", "5", 0o644),
            ]),
        };
        let difference = last.difference(&found, &wanted);
        assert_eq!(difference.send, set(&["b", "new", "data/y"]));
        assert_eq!(difference.delete, set(&["old"]));
        let modes = Manifest { files: files(&[("a", "1", 0o755)]) };
        assert_eq!(last.difference(&found, &modes).send, set(&["a"]));
    }

    #[test]
    fn it_survives_its_file() {
        let manifest = Manifest { files: files(&[("bin/run", "1", 0o4755), ("a", "2", 0o644)]) };
        let json = manifest.to_json();
        assert!(String::from_utf8_lossy(&json).contains("\"mode\":\"4755\""));
        assert_eq!(Manifest::parse(&json).unwrap(), manifest);
        assert!(Manifest::parse(br#"{"version":2,"files":{}}"#).is_err());
        assert!(Manifest::parse(br#"{"version":1,"files":{"a":{"sha256":"1","mode":"9"}}}"#).is_err());
    }

    #[test]
    fn the_hash_sees_paths_contents_and_modes() {
        let hash = |entries: &[(&str, &str, u32)]| Manifest { files: files(entries) }.hash();
        let hashes = BTreeSet::from([
            hash(&[]),
            hash(&[("a", "1", 0o644)]),
            hash(&[("a", "1", 0o755)]),
            hash(&[("b", "1", 0o644)]),
            hash(&[("a", "2", 0o644)]),
        ]);
        assert_eq!(hashes.len(), 5);
    }
}
