//! What a host has of a stack, told by one command.

mod listing;
mod shipped;

use std::{
    collections::{BTreeMap, BTreeSet},
    time::Duration,
};

use compose::{SECRET_MODE, placeholder};
use remote::{
    Command, Executor, Input, Output, checked,
    collect::{Limits, stream},
};
use tokio_util::sync::CancellationToken;
use tree::{FileDigest, Manifest, sha256};

use crate::{
    error::Error,
    file_access,
    host_env::{self, ABSENT},
    record::{Key, Record},
    release::Release,
    service::CHANGED,
};
use listing::{Listed, Listing};
use shipped::{ENV_PURPOSE, file_purpose};
pub use shipped::{SentHostEnv, Shipped};

/// How long looking may take where the call has no limit of its own: hashing takes as long as reading.
const LOOK_LIMIT: Duration = Duration::from_secs(3600);

/// Prints what is there, in the form that [`Listing`] reads. `$1` is the stack's directory. A hundred
/// stacks are looked at in one plan, and what that costs is the processes, so there are few:
///
/// 1. by `grep`, the lines of our own files, each behind the name of its file and a colon; what is
///    absent is absent, and a NUL ends the part;
/// 2. by `sha256sum`, the hashes of the Compose file with our labels and of the shipped files; by
///    `stat`, what they are; and where a symbolic link leads to.
///
/// The list of shipped files lies beside the manifest in a form that `xargs` reads; it is never
/// empty, because `.env` is in it.
///
/// What we may not look at is not absent: `absent` tells the two apart by the nearest directory on
/// the way that exists, and a disk of `/etc/fstab` that is not mounted has nothing to tell either.
/// Then the script ends with [`HIDDEN`] and the path.
const SCRIPT: &str = concat!(include_str!("host_state/remembered.sh"), include_str!("host_state/look.sh"));

/// Where the answer is remembered, beside our other files. It is made, empty, where that is worth it.
pub(crate) const REMEMBERED: &str = "stat";

/// How the script ends where something may not be looked at.
const HIDDEN: u32 = 77;

/// The file of which only the hash is looked at.
const OVERRIDE: &str = ".windlass/override.json";

/// The file of ours that says what was sent beside the manifest.
const SENT: &str = ".windlass/source.json";

/// What a host has of a stack.
#[derive(Debug, Default)]
pub struct HostState {
    /// What `/etc/machine-id` holds.
    pub machine_id: String,
    /// The id of the very stack that is here; none where it is of a Windlass that gave none.
    pub instance: Option<String>,
    /// What the last apply made.
    pub record: Option<Record>,
    /// The shipped files as they were sent.
    pub manifest: Option<Manifest>,
    /// What was sent beside them.
    pub sent: Option<Shipped>,
    /// The key of the proofs.
    pub key: Option<Key>,
    /// A hash over what was sent last, secrets and all, which tells one shipment from another.
    pub shipped: Option<String>,
    /// The hash of the Compose file with our labels, as `sha256sum` tells it.
    pub override_sum: Option<String>,
    /// What is kept of the last good apply.
    pub release: Option<Release>,
    /// The shipped files, and `.env`, as they are now.
    pub found: BTreeMap<String, FileDigest>,
    /// Those of them that may not be read, so that nobody knows how they are.
    pub unknown: BTreeSet<String>,
    /// The seeds that are not there any more.
    pub missing_seeds: BTreeSet<String>,
    /// What tells how the server's own `.env` is now, where its values count.
    pub host_env: Option<String>,
    /// Whether not even the directory is there.
    pub vacant: bool,
    /// Where the directory is, if its name is a symbolic link.
    pub link: Option<String>,
    /// What else of ours is there: folders, and [`REMEMBERED`].
    pub folders: BTreeSet<String>,
}

/// What the host has in `directory`. Nothing there is no error. It takes as long as hashing the files
/// does; `token` ends it.
///
/// # Errors
/// When the host cannot be asked, or what it has is of a newer Windlass; [`Error::Hidden`] where it may
/// not be looked at.
pub async fn inspect(
    executor: &dyn Executor,
    token: &CancellationToken,
    directory: &str,
) -> Result<HostState, Error> {
    let command = Command::new(["sh", "-c", SCRIPT, "windlass-inspect", directory]);
    let command = command.privileged().timeout(Some(LOOK_LIMIT));
    let mut listing = Listing::default();
    let limits = Limits::cancelled_by(token);
    let ended = stream(executor, &command, Input::Nothing, &mut listing, &limits).await?;
    let output = Output { status: ended.status, stdout: Vec::new(), stderr: ended.stderr };
    if output.status == HIDDEN {
        let path = output.stderr_text().trim().to_owned();
        return Err(Error::Hidden { path, host: executor.name().to_owned() });
    }
    checked(executor, &command, &output)?;
    let mut state = state_of(listing.end())?;
    let seeds = state.sent.as_ref().map(|sent| sent.seeds.clone()).unwrap_or_default();
    let paths: BTreeSet<String> = state.paths().into_iter().collect();
    let env = state.sent.as_ref().and_then(|sent| sent.host_env.clone());
    let absent_env = env.iter().filter(|_| state.host_env.as_deref() == Some(ABSENT));
    let asked = paths.iter().filter(|path| !state.found.contains_key(*path)).chain(&seeds);
    let asked = asked.chain(absent_env.map(|env| &env.path));
    let access = file_access::inspect(executor, token, directory, asked).await?;
    state.unknown = access.hidden.intersection(&paths).cloned().collect();
    state.missing_seeds = access.absent.intersection(&seeds).cloned().collect();
    // What may not be looked at is taken for what it was.
    if let Some(env) = env.filter(|env| access.hidden.contains(&env.path)) {
        state.host_env = Some(env.mark);
        state.unknown.insert(env.path);
    }
    Ok(state)
}

fn state_of(mut listed: Listed) -> Result<HostState, Error> {
    let mut files: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
    for (name, line) in listed.ours.lines().filter_map(|line| line.split_once(':')) {
        files.entry(name).or_default().push(line);
    }
    let file = |name: &str| files.get(name).map(|lines| lines.join("\n"));
    let sent: Option<Shipped> = file("source.json").and_then(|json| serde_json::from_str(&json).ok());
    let key = file("key").and_then(|text| Key::parse(text.trim()).ok());
    let mut found = std::mem::take(&mut listed.found);
    let host_env = sent.as_ref().and_then(|sent| sent.host_env.as_ref()).map(|env| {
        let file = found.remove(&env.path).filter(|file| !file.is_link()).map(|file| file.sha256);
        let sum = file.or_else(|| listed.sum(&format!("./{}", env.path)).cloned());
        match (sum, &key) {
            (Some(sum), Some(key)) => host_env::mark(key, &sum),
            (Some(_), None) => CHANGED.to_owned(),
            (None, _) => ABSENT.to_owned(),
        }
    });
    Ok(HostState {
        machine_id: file("/etc/machine-id").unwrap_or_default().trim().to_owned(),
        instance: file("instance").map(|id| id.trim().to_owned()).filter(|id| !id.is_empty()),
        record: file("record.json").map(|json| Record::parse(json.as_bytes())).transpose()?,
        manifest: file("manifest.json")
            .map(|json| Manifest::parse(json.as_bytes()))
            .transpose()
            .map_err(unreadable)?,
        sent,
        key,
        shipped: file("source.json").map(|json| sha256(json.as_bytes())),
        override_sum: listed.sum(OVERRIDE).cloned(),
        // One that cannot be read, of a newer Windlass, is none to go back to.
        release: file("good/.windlass/generation.json").and_then(|json| Release::parse(json.as_bytes())),
        found,
        unknown: BTreeSet::new(),
        missing_seeds: BTreeSet::new(),
        host_env,
        vacant: !listed.is_ours && !files.contains_key("there"),
        link: file("link"),
        folders: files.get("folder").into_iter().flatten().map(|name| (*name).to_owned()).collect(),
    })
}

fn unreadable(source: tree::ManifestError) -> docker::Error {
    docker::Error::Parse { what: "the stack's manifest on the host".to_owned(), source: source.into() }
}

impl HostState {
    /// Whether a stack of ours is here.
    pub fn is_ours(&self) -> bool {
        self.manifest.is_some()
    }

    /// What makes it another stack than the one that `instance` is the id of: an id of its own. One
    /// without an id, of either side, is taken for the same.
    pub fn is_of_another(&self, instance: &str) -> bool {
        !instance.is_empty() && self.instance.as_deref().is_some_and(|found| found != instance)
    }

    /// Whether what is here is left of a first apply of the stack `name` that never came to its end,
    /// so that nobody has it: the next one may go on from it.
    pub(crate) fn is_leftover(&self, name: &str) -> bool {
        self.release.is_none()
            && self
                .record
                .as_ref()
                .is_none_or(|record| record.unfinished && !record.complete && record.project == name)
    }

    /// `source_hash` as it is: the one that was sent while every file is as it was sent, and the
    /// apply that sent them came to a good end.
    pub fn source_hash(&self) -> Option<String> {
        let sent = self.sent.as_ref()?;
        let whole = self.is_as_sent()? && self.record.as_ref().is_none_or(|_| self.is_settled());
        Some(if whole { sent.source_hash.clone() } else { CHANGED.to_owned() })
    }

    /// Whether the shipped files and `.env` are as they were sent.
    fn is_as_sent(&self) -> Option<bool> {
        self.manifest.as_ref()?;
        Some(self.differing().is_empty() && self.other_host_env().is_none())
    }

    /// The server's own `.env`, where it is not what it was when its values were taken, and whether it
    /// is gone.
    pub fn other_host_env(&self) -> Option<(&str, bool)> {
        let (sent, now) = (self.sent.as_ref()?.host_env.as_ref()?, self.host_env.as_ref()?);
        (sent.mark != *now).then_some((sent.path.as_str(), now == ABSENT))
    }

    /// Whether the values lie apart from `.env`.
    pub(crate) fn has_values_apart(&self) -> bool {
        self.sent.as_ref().is_some_and(|sent| sent.host_env.is_some())
    }

    /// The shipped files that are known not to be as they were sent, and seeds that are gone.
    pub fn differing(&self) -> Vec<String> {
        let Some(manifest) = &self.manifest else { return Vec::new() };
        let files = manifest.files.iter().filter(|(path, file)| self.found.get(*path) != Some(*file));
        let secret = self.sent.iter().flat_map(Shipped::secret_paths).filter(|path| !self.is_proven(path));
        let known = files.map(|(path, _)| path).chain(secret).filter(|path| !self.unknown.contains(*path));
        let mut all: Vec<String> = known.chain(&self.missing_seeds).cloned().collect();
        // A key that is gone proves nothing.
        if self.sent.is_none() {
            all.push(SENT.to_owned());
        }
        all
    }

    /// Those of `paths` that hold something now that nobody of ours has sent.
    pub(crate) fn holding_others<'p>(&self, paths: impl Iterator<Item = &'p String>) -> Vec<String> {
        let last = |path: &String| self.manifest.as_ref().and_then(|manifest| manifest.files.get(path));
        let is_other = |path: &&String| match self.found.get(*path) {
            Some(found) => last(path) != Some(found) && !self.is_proven(path),
            None => {
                let seeds = self.sent.as_ref().map(|sent| &sent.seeds);
                let seed = seeds.is_some_and(|seeds| seeds.contains(*path));
                self.unknown.contains(*path) || (seed && !self.missing_seeds.contains(*path))
            }
        };
        paths.filter(is_other).cloned().collect()
    }

    /// The shipped files as they are, as far as that is known, and else as they were sent.
    pub(crate) fn supposed(&self) -> BTreeMap<String, FileDigest> {
        let manifest = self.manifest.iter().flat_map(|manifest| &manifest.files);
        let unknown = manifest.filter(|(path, _)| self.unknown.contains(*path));
        let unknown = unknown.map(|(path, file)| (path.clone(), file.clone()));
        self.found.clone().into_iter().chain(unknown).collect()
    }

    /// Whether the record is of an apply that came to a good end, and of the one that sent the
    /// files.
    pub(crate) fn is_settled(&self) -> bool {
        self.record.as_ref().is_some_and(|record| {
            let same = record.shipped.is_empty() || Some(&record.shipped) == self.shipped.as_ref();
            !record.unfinished && same
        })
    }

    /// What was sent with the generated `.env`, while that is as it was sent.
    pub(crate) fn proven_env(&self) -> Option<&Shipped> {
        let (sent, key) = (self.sent.as_ref()?, self.key.as_ref()?);
        let env = self.found.get(&sent.env_path)?;
        let proven = env.mode == 0o600 && key.proves(ENV_PURPOSE, &env.sha256, &sent.env_proof);
        proven.then_some(sent)
    }

    /// Whether the secret file at `path` is as it was sent.
    pub(crate) fn is_proven_file(&self, path: &str) -> bool {
        let proven = || {
            let (sent, key, file) = (self.sent.as_ref()?, self.key.as_ref()?, self.found.get(path)?);
            let proof = sent.secret_files.get(path)?;
            Some(file.mode == SECRET_MODE && key.proves(&file_purpose(path), &file.sha256, proof))
        };
        proven().unwrap_or_default()
    }

    /// Whether what was sent to `path` as a secret is as it was sent.
    pub(crate) fn is_proven(&self, path: &str) -> bool {
        let is_env = self.sent.as_ref().is_some_and(|sent| sent.env_path == path);
        if is_env { self.proven_env().is_some() } else { self.is_proven_file(path) }
    }

    /// The files as they are now, in the form that hashes know: what was sent as a secret counts by
    /// what stands for it while it is as it was sent, and never by its content.
    pub fn seen(&self) -> BTreeMap<String, FileDigest> {
        let mut seen = self.supposed();
        let secret = self.sent.iter().flat_map(|sent| sent.secret_files.keys());
        for path in secret.filter(|path| self.unknown.contains(*path)) {
            seen.insert(path.clone(), FileDigest { sha256: String::new(), mode: SECRET_MODE });
        }
        for (path, file) in &mut seen {
            let Some(sent) = self.sent.as_ref().filter(|sent| sent.secret_files.contains_key(path)) else {
                continue;
            };
            file.sha256 = if self.is_proven_file(path) || self.unknown.contains(path) {
                placeholder(path, &sent.secret_files_version)
            } else {
                CHANGED.to_owned()
            };
        }
        seen
    }

    /// The paths of everything that was shipped, secret files and `.env` included.
    pub(crate) fn paths(&self) -> Vec<String> {
        let shipped = self.manifest.iter().flat_map(|manifest| manifest.files.keys().cloned());
        shipped.chain(self.sent.iter().flat_map(Shipped::secret_paths).cloned()).collect()
    }
}

#[cfg(test)]
mod tests;
