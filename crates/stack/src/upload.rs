//! Bringing a stack's files to the host: only those that are not there as they should be.

use std::collections::{BTreeMap, BTreeSet};

use compose::{
    Layout, SECRET_MODE,
    layout::{OURS, OWN_ENV, assignment},
};
use remote::files::{Entry, EntryContent, Files, TreeOptions};
use secret::Secret;
use tree::{FileDigest, Manifest, null_separated, sha256};

use crate::{
    error::Error,
    file_access::FileAccess,
    host_state::{HostState, REMEMBERED, Shipped},
    options::Secrets,
    record::Key,
    spec::{SourceSize, StackSpec},
};

/// What a staged file sets, followed by a number: Compose reads those that a service names as its
/// `env_file`, and then the placeholder shows in its environment.
const STAGED: &str = "WINDLASS_SECRET_FILE_";

/// So many bytes are hashed in no time.
const FEW_BYTES: u64 = 8 << 20;
/// So many files are, if they are small.
const FEW_FILES: u64 = 1000;

/// Everything that goes to the host, and what has to go from it.
pub(crate) struct Upload {
    /// Files of ours and of the user, relative to the stack's directory.
    entries: Vec<Entry>,
    /// What was shipped once and is in the way of what is shipped now.
    first: Vec<String>,
    /// What was shipped once and is wanted no more.
    last: Vec<String>,
    /// What tells which files there are, once only the wanted ones are.
    settled: Vec<Entry>,
    /// The shipped files that were not on the host as they should be.
    pub(crate) sent: BTreeSet<String>,
    /// What is replaced or removed although it is not what was sent.
    pub(crate) changed: Vec<String>,
    /// What is wanted no more, and stays because it may not be looked at.
    pub(crate) left: Vec<String>,
}

/// What decides the files beside the sources.
pub(crate) struct Generated<'a> {
    pub(crate) layout: &'a Layout,
    pub(crate) dotenv: &'a Secret,
    pub(crate) override_file: String,
    pub(crate) key: &'a Key,
    /// What is sent beside the manifest tells which secrets are in `.env`.
    pub(crate) secrets: &'a Secrets,
    /// The id of the stack.
    pub(crate) instance: &'a str,
    /// What can be told of seeds, and of files that are wanted no more.
    pub(crate) access: &'a FileAccess,
}

impl Upload {
    /// What turns `state` into what `spec` ask for. `found` is what is now at the paths that are
    /// shipped.
    pub(crate) fn new(spec: &StackSpec, generated: &Generated<'_>, state: &HostState) -> Self {
        let Generated { layout, dotenv, override_file, key, .. } = generated;
        let plain = spec.source.manifest();
        let own_env = spec.own_text().map(|text| (OWN_ENV.to_owned(), Secret::new(text)));
        let secret_files: BTreeMap<String, Secret> =
            generated.secrets.files.clone().into_iter().chain(own_env).collect();
        let secret: BTreeMap<String, FileDigest> =
            secret_files.iter().map(|(path, text)| (path.clone(), secret_digest(text))).collect();
        let wanted = with(&plain, &secret);
        let last = state.manifest.clone().unwrap_or_default();
        let last_sent = state.sent.clone().unwrap_or_default();
        let seeds = &spec.source.seeds;
        let found = supposed(state, &secret, &generated.secrets.files_version);
        let mut difference = with_secret(&last, &last_sent).difference(&found, &wanted);
        difference.delete.retain(|path| !seeds.contains(path));
        let stays = |path: &String| state.unknown.contains(path) || generated.access.stuck.contains(path);
        let left: Vec<String> = difference.delete.iter().filter(|path| stays(path)).cloned().collect();
        difference.delete.retain(|path| !stays(path));
        let first = difference.in_the_way(&found, &wanted);

        let env_path = layout.values_path();
        let env_sha256 = sha256(dotenv.expose().as_bytes());
        let sent = Shipped::new(spec.source_hash(), env_path.clone(), &env_sha256, key)
            .with_secrets(generated.secrets.values.keys(), &generated.secrets.version)
            .with_secret_files(&secret, &generated.secrets.files_version, key)
            .with_seeds(seeds)
            .with_host_env(layout.env_path(), spec.host_env.as_ref())
            .of_size(spec.source_size());
        let entry = |path: &String| match secret_files.get(path) {
            Some(text) => Some(secret_entry(path, text)),
            None => Some(spec.source.files.get(path)?.entry(path)),
        };
        let new_seeds = seeds.intersection(&generated.access.absent);
        let mut entries: Vec<Entry> = difference.send.iter().chain(new_seeds).filter_map(entry).collect();
        let env = FileDigest { sha256: env_sha256, mode: SECRET_MODE };
        if state.found.get(&env_path) != Some(&env) {
            entries.push(private(&env_path, dotenv.expose().as_bytes().to_vec()));
        }
        let our = |name: &str| format!("{OURS}/{name}");
        let looked_at = sent.host_env.iter().map(|env| env.path.as_str()).chain([env_path.as_str()]);
        let list = null_separated(wanted.files.keys().map(String::as_str).chain(looked_at));
        entries.push(Entry { path: OURS.to_owned(), mode: 0o700, content: EntryContent::Directory });
        entries.push(private(&our("override.json"), override_file.clone().into_bytes()));
        entries.push(private(&our("manifest.json"), union(&last, &plain, &secret, seeds).to_json()));
        entries.push(private(&our("source.json"), sent.clone().and_still(&last_sent, &plain).to_json()));
        entries.push(private(&our("files"), list));
        if state.key.is_none() {
            entries.push(private(&our("key"), key.to_text().expose().as_bytes().to_vec()));
        }
        if state.instance.as_deref() != Some(generated.instance) {
            entries.push(private(&our("instance"), format!("{}\n", generated.instance).into_bytes()));
        }
        if is_worth_remembering(spec.source_size()) && !state.folders.contains(REMEMBERED) {
            entries.push(private(&our(REMEMBERED), Vec::new()));
        }
        let settled = vec![
            private(&our("manifest.json"), plain.to_json()),
            private(&our("source.json"), sent.to_json()),
        ];
        // The generated `.env` may have been somewhere else.
        let left_env = last_sent.left_env(&env_path).filter(|path| !wanted.files.contains_key(*path));
        difference.delete.extend(left_env.cloned());
        let gone = difference.send.iter().chain(&difference.delete).chain([&env_path]);
        let changed = state.holding_others(
            gone.filter(|path| **path != env_path || state.found.get(&env_path) != Some(&env)),
        );
        let deleted = difference.delete.difference(&first.iter().cloned().collect()).cloned().collect();
        Self { entries, first, last: deleted, settled, sent: difference.send, changed, left }
    }

    /// Brings it to the host. The manifest and what is beside it name, at any moment, everything that
    /// is there.
    pub(crate) async fn send(&self, files: &Files<'_>, root: &str) -> Result<(), Error> {
        if !self.first.is_empty() {
            files.remove(root, &self.first).await?;
        }
        files.upload_tree(root, &self.entries, &TreeOptions::default()).await?;
        if !self.last.is_empty() {
            files.remove(root, &self.last).await?;
        }
        if [&self.last, &self.first, &self.left].into_iter().any(|gone| !gone.is_empty()) {
            files.upload_tree(root, &self.settled, &TreeOptions::default()).await?;
        }
        Ok(())
    }
}

/// Whether it takes longer to hash the files than to compare what `stat` tells with the last look.
fn is_worth_remembering(SourceSize { files, bytes }: SourceSize) -> bool {
    bytes > FEW_BYTES || files > FEW_FILES
}

/// What is at the paths that are shipped, as far as anybody knows: what may not be looked at is taken
/// for what was sent. A secret file then is what it shall be, while its version is the same.
fn supposed(
    state: &HostState,
    secret: &BTreeMap<String, FileDigest>,
    version: &str,
) -> BTreeMap<String, FileDigest> {
    let mut found = state.supposed();
    let same = state.sent.as_ref().filter(|sent| sent.secret_files_version == version);
    let unknown = same.iter().flat_map(|sent| sent.secret_files.keys());
    for path in unknown.filter(|path| state.unknown.contains(*path)) {
        found.extend(secret.get(path).map(|file| (path.clone(), file.clone())));
    }
    found
}

/// How a secret file counts while files are compared. It is never stored so.
pub(crate) fn secret_digest(content: &Secret) -> FileDigest {
    FileDigest { sha256: sha256(content.expose().as_bytes()), mode: SECRET_MODE }
}

/// A secret file for an upload.
fn secret_entry(path: &str, content: &Secret) -> Entry {
    let bytes = content.expose().as_bytes().to_vec();
    Entry { path: path.to_owned(), mode: SECRET_MODE, content: EntryContent::Bytes(bytes.into()) }
}

/// What is staged for Compose in the place of secret files.
pub(crate) fn staged_secret_files(placeholders: &BTreeMap<String, String>) -> Vec<Entry> {
    let lines = placeholders.iter().enumerate();
    lines
        .map(|(index, (path, placeholder))| {
            secret_entry(path, &Secret::new(assignment(&format!("{STAGED}{index}"), placeholder)))
        })
        .collect()
}

/// All files, the secret ones among them. Never stored: it tells hashes of secrets.
fn with(plain: &Manifest, secret: &BTreeMap<String, FileDigest>) -> Manifest {
    Manifest { files: plain.files.clone().into_iter().chain(secret.clone()).collect() }
}

/// All files that were sent last, whatever is in the secret ones.
fn with_secret(last: &Manifest, sent: &Shipped) -> Manifest {
    let unknown = FileDigest { sha256: String::new(), mode: SECRET_MODE };
    with(last, &sent.secret_files.keys().map(|path| (path.clone(), unknown.clone())).collect())
}

fn private(path: &str, bytes: Vec<u8>) -> Entry {
    Entry { path: path.to_owned(), mode: 0o600, content: EntryContent::Bytes(bytes.into()) }
}

/// Everything that is there while old files are not yet removed, but what is secret or the host's now.
fn union(
    last: &Manifest,
    wanted: &Manifest,
    secret: &BTreeMap<String, FileDigest>,
    seeds: &BTreeSet<String>,
) -> Manifest {
    let mut files = last.files.clone();
    files.extend(wanted.files.clone());
    files.retain(|path, _| !secret.contains_key(path) && !seeds.contains(path));
    Manifest { files }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::host_env::HostEnv;

    #[test]
    fn the_manifest_names_old_and_new_until_the_old_are_gone() {
        let digest = |sha256: &str| FileDigest { sha256: sha256.into(), mode: 0o644 };
        let last = Manifest {
            files: BTreeMap::from([("a".to_owned(), digest("1")), ("b".to_owned(), digest("1"))]),
        };
        let wanted = Manifest { files: BTreeMap::from([("b".to_owned(), digest("2"))]) };
        let both = union(&last, &wanted, &BTreeMap::new(), &BTreeSet::new());
        let secret = BTreeMap::from([("a".to_owned(), digest("3"))]);
        assert!(!union(&last, &wanted, &secret, &BTreeSet::new()).files.contains_key("a"));
        // What has become a seed is the host's from then on.
        let seeds = BTreeSet::from(["a".to_owned()]);
        assert!(!union(&last, &wanted, &BTreeMap::new(), &seeds).files.contains_key("a"));
        assert_eq!(both.files.keys().collect::<Vec<_>>(), ["a", "b"]);
        assert_eq!(both.files["b"], digest("2"));
    }

    #[test]
    fn a_generated_env_gives_way_to_the_servers_own() {
        let key = Key::from_random([7; 32]);
        let access = FileAccess::default();
        let dotenv = Secret::new("A='1'\n");
        let upload = |spec: &StackSpec, state: &HostState| {
            let generated = Generated {
                layout: &spec.layout("/srv/web"),
                dotenv: &dotenv,
                override_file: String::new(),
                key: &key,
                secrets: &Secrets::default(),
                instance: "id",
                access: &access,
            };
            Upload::new(spec, &generated, state)
        };
        let paths = |upload: &Upload| upload.entries.iter().map(|one| one.path.clone()).collect::<Vec<_>>();
        let ours = StackSpec { files: vec!["compose.yaml".into()], ..StackSpec::default() };
        let apart = StackSpec { host_env: Some(HostEnv::marked("m")), ..ours.clone() };
        let fresh = upload(&apart, &HostState::default());
        assert!(paths(&fresh).contains(&".windlass/given.env".to_owned()), "{:?}", paths(&fresh));
        assert!(!paths(&fresh).contains(&".env".to_owned()) && fresh.last.is_empty());
        let list = fresh.entries.iter().find(|one| one.path == ".windlass/files").unwrap();
        let EntryContent::Bytes(list) = &list.content else { panic!("no bytes") };
        let list = String::from_utf8_lossy(list);
        assert!(list.contains("./.env\0") && list.contains("./.windlass/given.env\0"), "{list:?}");
        // Before, `.env` was generated; and it is again afterwards.
        let sent = |path: &str| Some(Shipped::new(String::new(), path.into(), "22", &key));
        let before = HostState { sent: sent(".env"), ..HostState::default() };
        assert_eq!(upload(&apart, &before).last, [".env"]);
        let after = HostState { sent: sent(".windlass/given.env"), ..HostState::default() };
        let back = upload(&ours, &after);
        assert_eq!(back.last, [".windlass/given.env"]);
        assert!(paths(&back).contains(&".env".to_owned()));
    }

    #[test]
    fn what_takes_long_to_hash_is_remembered() {
        let worth = |files, bytes| is_worth_remembering(SourceSize { files, bytes });
        assert!(worth(200, 200 << 20) && worth(1, 9 << 20) && worth(50_000, 1 << 20));
        assert!(!worth(12, 1 << 20) && !worth(1000, 8 << 20));
    }

    #[test]
    fn placeholders_are_staged_in_the_place_of_secret_files() {
        let files = ["b", "secrets/it's"].map(|path| (path.to_owned(), format!("{path}#2")));
        let entries = staged_secret_files(&files.into());
        let texts: Vec<_> = entries
            .iter()
            .map(|entry| match &entry.content {
                EntryContent::Bytes(bytes) => String::from_utf8(bytes.to_vec()).unwrap(),
                _ => panic!("{entry:?}"),
            })
            .collect();
        assert_eq!(texts, ["WINDLASS_SECRET_FILE_0='b#2'\n", "WINDLASS_SECRET_FILE_1=\"secrets/it's#2\"\n"]);
    }
}
