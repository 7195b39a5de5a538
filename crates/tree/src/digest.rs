//! How a file counts in hashes and manifests.

use sha2::{Digest as _, Sha256};

/// The type bits that tell a symbolic link from a file, as `stat` has them.
pub const LINK: u32 = 0o120_000;

/// A file, as far as a comparison is concerned.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FileDigest {
    /// SHA-256 of its content, hexadecimal; of the target, where it is a symbolic link.
    pub sha256: String,
    /// Its permission bits, and [`LINK`] where it is a symbolic link.
    pub mode: u32,
}

/// Which permission bits of shipped files count.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Modes {
    /// What version control keeps: whether the owner may run a file. 0755 where they may, else 0644.
    #[default]
    Git,
    /// All, as the files have them here.
    Exact,
}

impl Modes {
    /// The words for it.
    pub const WORDS: [&str; 2] = ["git", "exact"];

    /// What a word stands for; another one, or none, stands for the default.
    pub fn of_word(word: Option<&str>) -> Self {
        if word == Some(Self::WORDS[1]) { Self::Exact } else { Self::Git }
    }

    /// The mode of a file that has `mode` here.
    pub fn of(self, mode: u32) -> u32 {
        match self {
            Self::Git if mode & 0o100 == 0 => 0o644,
            Self::Git => 0o755,
            Self::Exact => mode,
        }
    }
}

impl FileDigest {
    /// Whether it is a symbolic link.
    pub fn is_link(&self) -> bool {
        self.mode & LINK == LINK
    }
}

/// How a symbolic link to `target` counts.
pub fn link_digest(target: &str) -> FileDigest {
    FileDigest { sha256: sha256(target.as_bytes()), mode: LINK | 0o777 }
}

/// The SHA-256 of a content, hexadecimal.
pub fn sha256(bytes: &[u8]) -> String {
    secret::hex(&Sha256::digest(bytes))
}
