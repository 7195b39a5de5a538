//! Whether a secret file is still the one that was written, without anybody keeping its hash.
//!
//! A hash of a short secret can be guessed, so neither state nor host holds one. The host holds an
//! HMAC of the hash ([`ProofKey`]), and the HMAC's key beside it, both readable by the user alone.
//! For single files that is `~/.windlass/key` and `~/.windlass/files/<sha256 of the path>`
//! ([`Proofs`]); what owns a directory keeps a key of its own there ([`new_key`]).

use secret::{ProofKey, hex};
use sha2::{Digest as _, Sha256};

use crate::{
    Command, Executor, Input,
    files::{FileError, Files, WriteOptions, random_bytes},
    run,
};

/// A new key of random bytes.
///
/// # Errors
/// [`FileError::Here`] when this machine gives none.
pub fn new_key() -> Result<ProofKey, FileError> {
    random_bytes("make a random key").map(ProofKey::from_random)
}

/// The proofs of single files that a host keeps.
#[derive(Debug)]
pub struct Proofs<'a> {
    exec: &'a dyn Executor,
    files: Files<'a>,
    directory: String,
}

impl<'a> Proofs<'a> {
    /// Those below `home`, the home directory of the user.
    pub fn on(exec: &'a dyn Executor, home: &str) -> Self {
        let directory = format!("{}/.windlass", home.trim_end_matches('/'));
        Self { exec, files: Files::on(exec), directory }
    }

    /// Keeps a proof that the file at `path` has this hash.
    ///
    /// # Errors
    /// When it cannot be written, or no key be made.
    pub async fn keep(&self, path: &str, sha256: &str) -> Result<(), FileError> {
        let key = match self.key().await? {
            Some(key) => key,
            None => self.make_key().await?,
        };
        let proof = key.proof(&purpose(path), sha256);
        self.files.write(&self.proof_path(path), proof.into_bytes(), &WriteOptions::PRIVATE).await.map(|_| ())
    }

    /// Whether `sha256` is the hash that was kept for the file at `path`; false without a proof.
    ///
    /// # Errors
    /// When the proof or the key cannot be read though it is there.
    pub async fn matches(&self, path: &str, sha256: &str) -> Result<bool, FileError> {
        let Some(key) = self.key().await? else { return Ok(false) };
        let proof = self.files.read_text(&self.proof_path(path)).await?;
        Ok(proof.is_some_and(|proof| key.proves(&purpose(path), sha256, proof.trim())))
    }

    /// Removes the proof of `path`, if there is one.
    ///
    /// # Errors
    /// When it cannot be removed.
    pub async fn forget(&self, path: &str) -> Result<(), FileError> {
        self.files.remove_file(&self.proof_path(path)).await.map(|_| ())
    }

    async fn key(&self) -> Result<Option<ProofKey>, FileError> {
        let text = self.files.read_text(&format!("{}/key", self.directory)).await?;
        // A key that cannot be read proves nothing; the next write makes a new one.
        Ok(text.and_then(|text| ProofKey::parse(&text).ok()))
    }

    /// Makes the key, or takes the one that somebody else has made meanwhile: all proofs of the
    /// host need the same one.
    async fn make_key(&self) -> Result<ProofKey, FileError> {
        let key = new_key()?;
        let text = key.to_text().expose().to_owned();
        let path = format!("{}/key", self.directory);
        let temporary = format!("{path}.{}", hex(&Sha256::digest(&text)[..8]));
        self.files.write(&temporary, text.clone().into_bytes(), &WriteOptions::PRIVATE).await?;
        // A hard link is made as a whole or not at all: of several who come first, one wins.
        let link = Command::new(["ln", "--", &temporary, &path]);
        let linked = run(self.exec, &link, Input::Nothing).await;
        self.files.remove_file(&temporary).await?;
        linked?;
        if let Some(key) = self.key().await? {
            return Ok(key);
        }
        // What is there is no key, and no link can replace it.
        self.files.write(&path, text.into_bytes(), &WriteOptions::PRIVATE).await?;
        Ok(key)
    }

    fn proof_path(&self, path: &str) -> String {
        format!("{}/files/{}", self.directory, hex(&Sha256::digest(path.as_bytes())))
    }
}

fn purpose(path: &str) -> String {
    format!("file/{path}")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Local;

    #[tokio::test]
    async fn a_proof_is_of_one_hash_of_one_path() {
        let home = tempfile::tempdir().unwrap();
        let exec = Local::new();
        let proofs = Proofs::on(&exec, home.path().to_str().unwrap());
        assert!(!proofs.matches("/etc/a", "11").await.unwrap());
        proofs.keep("/etc/a", "11").await.unwrap();
        proofs.keep("/etc/b", "22").await.unwrap();
        for (path, sha256, expected) in
            [("/etc/a", "11", true), ("/etc/a", "22", false), ("/etc/b", "22", true), ("/etc/c", "11", false)]
        {
            assert_eq!(proofs.matches(path, sha256).await.unwrap(), expected, "{path} {sha256}");
        }
        proofs.forget("/etc/a").await.unwrap();
        assert!(!proofs.matches("/etc/a", "11").await.unwrap());
        proofs.forget("/etc/a").await.unwrap();
    }

    #[tokio::test]
    async fn those_who_come_first_together_have_one_key() {
        let home = tempfile::tempdir().unwrap();
        let exec = Local::new();
        let proofs = Proofs::on(&exec, home.path().to_str().unwrap());
        let (a, b, c) = tokio::join!(proofs.keep("/a", "1"), proofs.keep("/b", "2"), proofs.keep("/c", "3"));
        a.and(b).and(c).unwrap();
        for (path, sha256) in [("/a", "1"), ("/b", "2"), ("/c", "3")] {
            assert!(proofs.matches(path, sha256).await.unwrap(), "{path}");
        }
        let key = std::fs::read_to_string(home.path().join(".windlass/key")).unwrap();
        std::fs::write(home.path().join(".windlass/key"), new_key().unwrap().to_text().expose()).unwrap();
        assert!(!proofs.matches("/a", "1").await.unwrap());
        std::fs::write(home.path().join(".windlass/key"), key).unwrap();
        assert!(proofs.matches("/a", "1").await.unwrap());
    }
}
