//! Putting a release back in its place.

use std::collections::BTreeSet;

use compose::layout::{GOOD, OURS};
use remote::files::{Entry, EntryContent, TreeOptions};
use tokio_util::sync::CancellationToken;
use tree::Manifest;

use super::keep::copy_back;
use crate::{
    error::Error,
    host::Host,
    host_state::{HostState, Shipped},
    replaced::set_aside,
};

/// The files of ours that are put back. The key is the same all along, the record is written anew.
const OUR_FILES: [&str; 4] = ["override.json", "source.json", "files", "manifest.json"];

/// What turns the files that an apply left into those that are kept.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Restoration {
    /// The files that have to be put back.
    put: BTreeSet<String>,
    /// What was shipped since then and has to go.
    delete: BTreeSet<String>,
    /// Whether the files of ours are others.
    ours: bool,
}

impl Restoration {
    /// What turns `state` into `kept`, which is what lies where the release is kept.
    ///
    /// # Errors
    /// The files that are not as they were kept and cannot be put back.
    pub(crate) fn of(state: &HostState, kept: &HostState) -> Result<Self, BTreeSet<String>> {
        let (now, then) =
            (state.manifest.clone().unwrap_or_default(), kept.manifest.clone().unwrap_or_default());
        // What may not be looked at, and what has become the host's, stays as it is.
        let seeds = state.sent.as_ref().map(|sent| sent.seeds.clone()).unwrap_or_default();
        let untouched = |path: &String| state.unknown.contains(path) || seeds.contains(path);
        let differing = then.files.iter().filter(|(path, file)| state.found.get(*path) != Some(file));
        let differing = differing.filter(|(path, _)| !untouched(path));
        let mut put: BTreeSet<String> = differing.map(|(path, _)| path.clone()).collect();
        let mut damaged: BTreeSet<String> =
            put.iter().filter(|path| kept.found.get(*path) != then.files.get(*path)).cloned().collect();
        // What is secret is known by its proof, not by the manifest.
        let secret: BTreeSet<String> = kept.sent.iter().flat_map(Shipped::secret_paths).cloned().collect();
        for path in secret.iter().filter(|path| !untouched(path)) {
            let proven = kept.is_proven(path);
            if state.found.get(path) != kept.found.get(path) || !proven {
                put.insert(path.clone());
            }
            if !proven {
                damaged.insert(path.clone());
            }
        }
        if !damaged.is_empty() {
            return Err(damaged);
        }
        let delete = now.files.keys().chain(state.sent.iter().flat_map(Shipped::secret_paths));
        let delete =
            delete.filter(|path| !then.files.contains_key(*path) && !secret.contains(*path)).cloned();
        let delete = delete.filter(|path| !state.unknown.contains(path));
        let ours =
            |state: &HostState| (state.manifest.clone(), state.shipped.clone(), state.override_sum.clone());
        // What was started by hand has no files of ours to be put back.
        let ours = kept.sent.is_some() && ours(state) != ours(kept);
        Ok(Self { put, delete: delete.collect(), ours })
    }

    /// Does it in `root`, out of what is kept there. The manifest names, at any moment, everything that is
    /// there.
    pub(crate) async fn carry_out(
        &self,
        host: &Host,
        token: &CancellationToken,
        root: &str,
        (state, kept): (&HostState, &HostState),
    ) -> Result<(), Error> {
        let files = host.files().cancelled_by(token);
        let changed = state.holding_others(self.put.iter().chain(&self.delete));
        if let Some(kept) = set_aside(host, token, root, &changed).await? {
            tracing::warn!(host = host.name(), ?changed, kept, "kept what had changed since it was shipped");
        }
        if !self.put.is_empty() || !self.delete.is_empty() {
            let manifest = both(state, kept).to_json();
            let content = EntryContent::Bytes(manifest.into());
            let entry = Entry { path: format!("{OURS}/manifest.json"), mode: 0o600, content };
            files.upload_tree(root, &[entry], &TreeOptions::default()).await?;
        }
        if !self.delete.is_empty() {
            files.remove(root, &self.delete.iter().collect::<Vec<_>>()).await?;
        }
        if !self.put.is_empty() {
            copy_back(host, token, root, GOOD, self.put.iter()).await?;
        }
        if kept.sent.is_some() && (self.ours || !self.put.is_empty() || !self.delete.is_empty()) {
            let ours = OUR_FILES.map(|name| format!("{OURS}/{name}"));
            copy_back(host, token, root, GOOD, ours.iter()).await?;
        }
        Ok(())
    }
}

/// Everything that is there in between.
fn both(state: &HostState, kept: &HostState) -> Manifest {
    let manifests = [&state.manifest, &kept.manifest];
    let files = manifests.into_iter().flatten().flat_map(|manifest| manifest.files.clone());
    Manifest { files: files.collect() }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use crate::record::Key;
    use tree::FileDigest;

    use super::*;

    fn digest(sha256: &str, mode: u32) -> FileDigest {
        FileDigest { sha256: sha256.into(), mode }
    }

    fn state(files: &[(&str, &str)], env: (&str, &str)) -> HostState {
        let key = Key::from_random([1; 32]);
        let files: BTreeMap<String, FileDigest> =
            files.iter().map(|(path, sum)| ((*path).to_owned(), digest(sum, 0o644))).collect();
        let mut found = files.clone();
        found.insert(env.0.to_owned(), digest(env.1, 0o600));
        HostState {
            sent: Some(Shipped::new("s".into(), env.0.into(), env.1, &key)),
            manifest: Some(Manifest { files }),
            key: Some(key),
            found,
            ..HostState::default()
        }
    }

    fn set(paths: &[&str]) -> BTreeSet<String> {
        paths.iter().map(|path| (*path).to_owned()).collect()
    }

    #[test]
    fn what_is_new_goes_and_what_differs_comes_back() {
        let kept = state(&[("a", "1"), ("b", "1"), ("c", "1")], (".env", "1"));
        let now = state(&[("a", "1"), ("b", "2"), ("n/d", "2")], (".env", "2"));
        let restoration = Restoration::of(&now, &kept).unwrap();
        let expected = Restoration { put: set(&[".env", "b", "c"]), delete: set(&["n/d"]), ours: true };
        assert_eq!(restoration, expected);
        assert_eq!(Restoration::of(&kept, &kept).unwrap(), Restoration::default());
        let elsewhere = state(&[("a", "1"), ("b", "1"), ("c", "1")], ("deploy/.env", "1"));
        let restoration = Restoration::of(&elsewhere, &kept).unwrap();
        let expected = Restoration { put: set(&[".env"]), delete: set(&["deploy/.env"]), ours: false };
        assert_eq!(restoration, expected);
    }

    #[test]
    fn what_was_changed_where_it_is_kept_is_reported_if_it_is_needed() {
        let mut kept = state(&[("a", "1"), ("b", "1")], (".env", "1"));
        kept.found.insert("b".into(), digest("x", 0o644));
        let same = state(&[("a", "1"), ("b", "1")], (".env", "1"));
        assert!(Restoration::of(&same, &kept).is_ok());
        let other = state(&[("a", "1"), ("b", "2")], (".env", "1"));
        assert_eq!(Restoration::of(&other, &kept), Err(set(&["b"])));
        kept.found.insert(".env".into(), digest("x", 0o600));
        assert_eq!(Restoration::of(&same, &kept), Err(set(&[".env"])));
    }
}
