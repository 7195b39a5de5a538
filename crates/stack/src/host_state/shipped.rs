//! What was sent last, beside the manifest.

use std::{
    collections::{BTreeMap, BTreeSet},
    iter,
};

use serde::{Deserialize, Serialize};
use tree::{FileDigest, Manifest};

use crate::{host_env::HostEnv, record::Key, spec::SourceSize};

/// Where a proof is about `.env`.
pub(super) const ENV_PURPOSE: &str = "env";

/// What a proof of a secret file is about.
pub(super) fn file_purpose(path: &str) -> String {
    format!("file/{path}")
}

/// What was sent last, beside the manifest.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[allow(missing_docs, reason = "the fields that have no comment are what their names say")]
pub struct Shipped {
    pub source_hash: String,
    /// Where the generated `.env` is, relative to the stack's directory.
    pub env_path: String,
    /// HMAC of the hash of the generated `.env`.
    pub env_proof: String,
    /// The names of the secrets in it.
    #[serde(default)]
    pub secrets: BTreeSet<String>,
    /// `secrets_wo_version`.
    #[serde(default)]
    pub secrets_version: String,
    /// The secret files: path to HMAC of the hash of the content.
    #[serde(default)]
    pub secret_files: BTreeMap<String, String>,
    /// `secret_files_wo_version`.
    #[serde(default)]
    pub secret_files_version: String,
    /// The paths of the files that were put there once, and are the host's since then.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub seeds: BTreeSet<String>,
    /// The server's own `.env`, where its values count.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub host_env: Option<SentHostEnv>,
    /// How much it is; none where it was sent by a Windlass that did not tell.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub size: Option<SourceSize>,
}

/// The server's own `.env`, as it was when its values were taken.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[allow(missing_docs, reason = "the fields that have no comment are what their names say")]
pub struct SentHostEnv {
    /// Relative to the stack's directory.
    pub path: String,
    /// What tells its content from others.
    pub mark: String,
}

impl Shipped {
    pub(crate) fn new(source_hash: String, env_path: String, env_sha256: &str, key: &Key) -> Self {
        let env_proof = key.proof(ENV_PURPOSE, env_sha256);
        Self { source_hash, env_path, env_proof, ..Self::default() }
    }

    /// The same, with secrets of a version in `.env`.
    pub(crate) fn with_secrets<'n>(self, names: impl Iterator<Item = &'n String>, version: &str) -> Self {
        Self { secrets: names.cloned().collect(), secrets_version: version.to_owned(), ..self }
    }

    /// The same, with these secret files of a version.
    pub(crate) fn with_secret_files(
        self,
        files: &BTreeMap<String, FileDigest>,
        version: &str,
        key: &Key,
    ) -> Self {
        let proofs =
            files.iter().map(|(path, file)| (path.clone(), key.proof(&file_purpose(path), &file.sha256)));
        Self { secret_files: proofs.collect(), secret_files_version: version.to_owned(), ..self }
    }

    /// The same, with these files put there once.
    pub(crate) fn with_seeds(self, seeds: &BTreeSet<String>) -> Self {
        Self { seeds: seeds.clone(), ..self }
    }

    /// The same, with values of the server's own `.env` at `path`.
    pub(crate) fn with_host_env(self, path: String, env: Option<&HostEnv>) -> Self {
        Self { host_env: env.map(|env| SentHostEnv { path, mark: env.mark().to_owned() }), ..self }
    }

    /// The same, of this size.
    pub(crate) fn of_size(self, size: SourceSize) -> Self {
        Self { size: Some(size), ..self }
    }

    /// The same, while secret files of `last` are still there that are not wanted any more; those
    /// that are plain now are in the manifest.
    pub(crate) fn and_still(mut self, last: &Self, plain: &Manifest) -> Self {
        let old = last.secret_files.iter().filter(|(path, _)| !plain.files.contains_key(*path));
        for (path, proof) in old {
            self.secret_files.entry(path.clone()).or_insert_with(|| proof.clone());
        }
        if let Some(path) = last.left_env(&self.env_path) {
            self.secret_files.entry(path.clone()).or_insert_with(|| last.env_proof.clone());
        }
        self
    }

    /// Where the generated `.env` was, if it is at `now` from now on.
    pub(crate) fn left_env(&self, now: &str) -> Option<&String> {
        Some(&self.env_path).filter(|path| !path.is_empty() && *path != now)
    }

    /// Everything secret that was sent: the paths of `.env` and of the secret files.
    pub(crate) fn secret_paths(&self) -> impl Iterator<Item = &String> {
        iter::once(&self.env_path).chain(self.secret_files.keys())
    }

    pub(crate) fn to_json(&self) -> Vec<u8> {
        // Plain fields cannot fail.
        serde_json::to_vec(self).unwrap_or_default()
    }
}
