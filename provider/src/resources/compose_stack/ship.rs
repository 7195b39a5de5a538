//! Bringing a stack's files to the host: only those that are not there as they should be.

use std::collections::{BTreeMap, BTreeSet};

use compose::{
    layout::{Layout, OURS},
    predict::SECRET_MODE,
    record::Key,
};
use remote::files::{Entry, EntryContent, Files, TreeOptions};
use secret::Secret;
use tree::{FileDigest, Manifest, null_separated, sha256};

use super::{
    failure::Failure,
    held::{Held, Sent},
    inputs::Inputs,
    secret_files,
};

/// Everything that goes to the host, and what has to go from it.
pub(super) struct Cargo {
    /// Files of ours and of the user, relative to the stack's directory.
    entries: Vec<Entry>,
    /// What was shipped once and is in the way of what is shipped now.
    first: Vec<String>,
    /// What was shipped once and is wanted no more.
    last: Vec<String>,
    /// What tells which files there are, once only the wanted ones are.
    settled: Vec<Entry>,
    /// The shipped files that were not on the host as they should be.
    pub(super) sent: BTreeSet<String>,
}

/// What decides the files beside the sources.
pub(super) struct Generated<'a> {
    pub(super) layout: &'a Layout,
    pub(super) dotenv: &'a Secret,
    pub(super) override_file: String,
    pub(super) key: &'a Key,
    /// What is sent beside the manifest tells which secrets are in `.env`.
    pub(super) secrets: &'a BTreeMap<String, Secret>,
    pub(super) secrets_version: &'a str,
    pub(super) secret_files: &'a BTreeMap<String, Secret>,
    pub(super) secret_files_version: &'a str,
}

impl Cargo {
    /// What turns `held` into what `inputs` ask for. `found` is what is now at the paths that are
    /// shipped.
    pub(super) fn new(inputs: &Inputs, generated: &Generated<'_>, held: &Held) -> Self {
        let Generated { layout, dotenv, override_file, key, .. } = generated;
        let plain = inputs.source.manifest();
        let secret: BTreeMap<String, FileDigest> = generated
            .secret_files
            .iter()
            .map(|(path, text)| (path.clone(), secret_files::digest(text)))
            .collect();
        let wanted = with(&plain, &secret);
        let last = held.manifest.clone().unwrap_or_default();
        let last_sent = held.sent.clone().unwrap_or_default();
        let difference = with_secret(&last, &last_sent).difference(&held.found, &wanted);
        let first = difference.in_the_way(&held.found, &wanted);

        let env_path = layout.env_path();
        let env_sha256 = sha256(dotenv.expose().as_bytes());
        let sent = Sent::new(inputs.source_hash(), env_path.clone(), &env_sha256, key)
            .with_secrets(generated.secrets.keys(), generated.secrets_version)
            .with_secret_files(&secret, generated.secret_files_version, key);
        let entry = |path: &String| match generated.secret_files.get(path) {
            Some(text) => Some(secret_files::entry(path, text)),
            None => Some(inputs.source.files.get(path)?.entry(path)),
        };
        let mut entries: Vec<Entry> = difference.send.iter().filter_map(entry).collect();
        let env = FileDigest { sha256: env_sha256, mode: SECRET_MODE };
        if held.found.get(&env_path) != Some(&env) {
            entries.push(private(&env_path, dotenv.expose().as_bytes().to_vec()));
        }
        let our = |name: &str| format!("{OURS}/{name}");
        let list = null_separated(wanted.files.keys().map(String::as_str).chain([env_path.as_str()]));
        entries.push(Entry { path: OURS.to_owned(), mode: 0o700, content: EntryContent::Directory });
        entries.push(private(&our("override.json"), override_file.clone().into_bytes()));
        entries.push(private(&our("manifest.json"), union(&last, &plain, &secret).to_json()));
        entries.push(private(&our("source.json"), sent.clone().and_still(&last_sent, &plain).to_json()));
        entries.push(private(&our("files"), list));
        if held.key.is_none() {
            entries.push(private(&our("key"), key.to_text().expose().as_bytes().to_vec()));
        }
        let settled = vec![
            private(&our("manifest.json"), plain.to_json()),
            private(&our("source.json"), sent.to_json()),
        ];
        let deleted = difference.delete.difference(&first.iter().cloned().collect()).cloned().collect();
        Self { entries, first, last: deleted, settled, sent: difference.send }
    }

    /// Brings it to the host. The manifest and what is beside it name, at any moment, everything that
    /// is there.
    pub(super) async fn send(&self, files: &Files<'_>, root: &str) -> Result<(), Failure> {
        if !self.first.is_empty() {
            files.remove(root, &self.first).await?;
        }
        files.upload_tree(root, &self.entries, &TreeOptions::default()).await?;
        if !self.last.is_empty() {
            files.remove(root, &self.last).await?;
        }
        if !self.last.is_empty() || !self.first.is_empty() {
            files.upload_tree(root, &self.settled, &TreeOptions::default()).await?;
        }
        Ok(())
    }
}

/// All files, the secret ones among them. Never stored: it tells hashes of secrets.
fn with(plain: &Manifest, secret: &BTreeMap<String, FileDigest>) -> Manifest {
    Manifest { files: plain.files.clone().into_iter().chain(secret.clone()).collect() }
}

/// All files that were sent last, whatever is in the secret ones.
fn with_secret(last: &Manifest, sent: &Sent) -> Manifest {
    let unknown = FileDigest { sha256: String::new(), mode: SECRET_MODE };
    with(last, &sent.secret_files.keys().map(|path| (path.clone(), unknown.clone())).collect())
}

fn private(path: &str, bytes: Vec<u8>) -> Entry {
    Entry { path: path.to_owned(), mode: 0o600, content: EntryContent::Bytes(bytes.into()) }
}

/// Everything that is there while old files are not yet removed, but what is secret now.
fn union(last: &Manifest, wanted: &Manifest, secret: &BTreeMap<String, FileDigest>) -> Manifest {
    let mut files = last.files.clone();
    files.extend(wanted.files.clone());
    files.retain(|path, _| !secret.contains_key(path));
    Manifest { files }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_manifest_names_old_and_new_until_the_old_are_gone() {
        let digest = |sha256: &str| FileDigest { sha256: sha256.into(), mode: 0o644 };
        let last = Manifest {
            files: BTreeMap::from([("a".to_owned(), digest("1")), ("b".to_owned(), digest("1"))]),
        };
        let wanted = Manifest { files: BTreeMap::from([("b".to_owned(), digest("2"))]) };
        let both = union(&last, &wanted, &BTreeMap::new());
        let secret = BTreeMap::from([("a".to_owned(), digest("3"))]);
        assert!(!union(&last, &wanted, &secret).files.contains_key("a"));
        assert_eq!(both.files.keys().collect::<Vec<_>>(), ["a", "b"]);
        assert_eq!(both.files["b"], digest("2"));
    }
}
