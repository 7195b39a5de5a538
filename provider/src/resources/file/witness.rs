//! Whether a write-only file is still the one that was written, without anybody keeping its hash.
//!
//! A hash of a short secret can be guessed, so neither state nor host holds one. The host holds an
//! HMAC of the hash, and the HMAC's key beside it, both readable by the user alone:
//! `~/.windlass/key` and `~/.windlass/files/<sha256 of the path>`.

use remote::{
    Command, Executor, Input,
    files::{FileError, Files, WriteOptions},
    run,
};
use secret::ProofKey;
use sha2::{Digest as _, Sha256};

use super::plan::hex;

/// The proofs that a host keeps.
pub(super) struct Witness<'a> {
    exec: &'a dyn Executor,
    files: Files<'a>,
    directory: String,
}

const PRIVATE: WriteOptions = WriteOptions { mode: 0o600, owner: None, group: None, directory_mode: 0o700 };

impl<'a> Witness<'a> {
    /// The proofs below `home`, the home directory of the user.
    pub(super) fn on(exec: &'a dyn Executor, home: &str) -> Self {
        let directory = format!("{}/.windlass", home.trim_end_matches('/'));
        Self { exec, files: Files::on(exec), directory }
    }

    /// Keeps a proof that the file at `path` has this hash.
    pub(super) async fn keep(&self, path: &str, sha256: &str) -> Result<(), FileError> {
        let key = match self.key().await? {
            Some(key) => key,
            None => self.new_key().await?,
        };
        let proof = key.proof(&purpose(path), sha256);
        self.files.write(&self.proof_path(path), proof.into_bytes(), &PRIVATE).await.map(|_| ())
    }

    /// Whether the file at `path` still has the content that was written; false without a proof.
    pub(super) async fn vouches(&self, path: &str, sha256: &str) -> Result<bool, FileError> {
        let Some(key) = self.key().await? else { return Ok(false) };
        let proof = self.files.read_text(&self.proof_path(path)).await?;
        Ok(proof.is_some_and(|proof| key.proves(&purpose(path), sha256, proof.trim())))
    }

    /// Drops the proof of `path`.
    pub(super) async fn forget(&self, path: &str) -> Result<(), FileError> {
        self.files.remove_file(&self.proof_path(path)).await.map(|_| ())
    }

    async fn key(&self) -> Result<Option<ProofKey>, FileError> {
        let text = self.files.read_text(&format!("{}/key", self.directory)).await?;
        // A key that cannot be read proves nothing; the next write makes a new one.
        Ok(text.and_then(|text| ProofKey::parse(&text).ok()))
    }

    /// Makes the key, or takes the one that somebody else has made meanwhile: all proofs of the
    /// host need the same one.
    async fn new_key(&self) -> Result<ProofKey, FileError> {
        let mut bytes = [0; 32];
        getrandom::fill(&mut bytes).map_err(|error| FileError::Here {
            operation: "make a random key".to_owned(),
            source: std::io::Error::other(error),
        })?;
        let key = ProofKey::from_random(bytes);
        let text = key.to_text().expose().to_owned();
        let path = format!("{}/key", self.directory);
        let temporary = format!("{path}.{}", hex(&Sha256::digest(bytes)[..8]));
        self.files.write(&temporary, text.clone().into_bytes(), &PRIVATE).await?;
        // A hard link is made as a whole or not at all: of several who come first, one wins.
        let link = Command::new(["ln", "-T", "--", &temporary, &path]);
        let linked = run(self.exec, &link, Input::Nothing).await;
        self.files.remove_file(&temporary).await?;
        linked?;
        if let Some(key) = self.key().await? {
            return Ok(key);
        }
        // What is there is no key, and no link can replace it.
        self.files.write(&path, text.into_bytes(), &PRIVATE).await?;
        Ok(key)
    }

    fn proof_path(&self, path: &str) -> String {
        format!("{}/files/{}", self.directory, hex(&Sha256::digest(path.as_bytes())))
    }
}

fn purpose(path: &str) -> String {
    format!("file/{path}")
}
