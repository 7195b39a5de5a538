//! What files were hashed to before, in this process: reading the state, the plan, the plan inside of an apply and
//! the apply want the same files hashed, and so do stacks that share a directory.
//!
//! A file counts as the same one while `stat` tells the same of it, the times to the nanosecond. File systems have
//! coarser clocks than that, so that two changes in one tick look like one: what has changed just now is
//! not remembered.

use std::{
    collections::HashMap,
    fs::Metadata,
    os::unix::fs::MetadataExt as _,
    path::{Path, PathBuf},
    sync::{Arc, LazyLock, Mutex, PoisonError},
    time::{Duration, SystemTime, UNIX_EPOCH},
};

/// How long ago the last change of a file has to be: the coarsest clock of a file system has two seconds.
const SETTLED: Duration = Duration::from_secs(3);

/// So many are remembered, with about 200 bytes each; then it begins anew.
const MOST: usize = 500_000;

static HASHED: LazyLock<Mutex<HashMap<Identity, Arc<Hashed>>>> = LazyLock::new(Mutex::default);
static TURNS: LazyLock<Mutex<HashMap<PathBuf, Arc<Mutex<()>>>>> = LazyLock::new(Mutex::default);

/// What is known of a file's content.
#[derive(Debug)]
pub(crate) struct Hashed {
    /// Its SHA-256, hexadecimal.
    pub(crate) sha256: String,
    /// Whether it is a state or a plan.
    pub(crate) is_of_core: bool,
}

/// What tells one content of one file from another.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Identity {
    device: u64,
    inode: u64,
    size: u64,
    modified: (i64, i64),
    changed: (i64, i64),
}

impl Identity {
    pub(crate) fn of(facts: &Metadata) -> Self {
        Self {
            device: facts.dev(),
            inode: facts.ino(),
            size: facts.len(),
            modified: (facts.mtime(), facts.mtime_nsec()),
            changed: (facts.ctime(), facts.ctime_nsec()),
        }
    }

    /// Whether the last change was long enough before `now` that the next one will have another time.
    fn is_settled(&self, now: SystemTime) -> bool {
        let now = now.duration_since(UNIX_EPOCH).unwrap_or_default();
        let newest = self.modified.0.max(self.changed.0);
        u64::try_from(newest).is_ok_and(|newest| newest + SETTLED.as_secs() <= now.as_secs())
    }

    /// What is known of it.
    pub(crate) fn known(&self) -> Option<Arc<Hashed>> {
        HASHED.lock().unwrap_or_else(PoisonError::into_inner).get(self).cloned()
    }

    /// Remembers what it was `hashed` to, which began at `since`; `after` is what `stat` told at the end.
    pub(crate) fn remember(&self, hashed: Arc<Hashed>, (since, after): (SystemTime, Self)) {
        if *self != after || !self.is_settled(since) {
            return;
        }
        let mut all = HASHED.lock().unwrap_or_else(PoisonError::into_inner);
        if all.len() >= MOST {
            all.clear();
        }
        all.insert(*self, hashed);
    }
}

/// Who hashes `directory` next: everybody else waits, and finds what was remembered.
pub(crate) fn turn(directory: &Path) -> Arc<Mutex<()>> {
    let mut all = TURNS.lock().unwrap_or_else(PoisonError::into_inner);
    Arc::clone(all.entry(directory.to_owned()).or_default())
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    fn hashed(sha256: &str) -> Arc<Hashed> {
        Arc::new(Hashed { sha256: sha256.to_owned(), is_of_core: false })
    }

    #[test]
    fn what_changed_just_now_or_meanwhile_is_not_remembered() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("a");
        fs::write(&path, "1").unwrap();
        let identity = || Identity::of(&fs::metadata(&path).unwrap());
        let (first, now) = (identity(), SystemTime::now());
        first.remember(hashed("1"), (now, first));
        assert!(first.known().is_none(), "two writes of one tick look like one");

        let later = now + SETTLED + Duration::from_secs(1);
        let link = dir.path().join("b");
        fs::hard_link(&path, link).unwrap();
        first.remember(hashed("1"), (later, identity()));
        assert!(first.known().is_none(), "it has changed while it was read");

        let second = identity();
        second.remember(hashed("1"), (later, second));
        assert_eq!(second.known().unwrap().sha256, "1");
        let times = fs::File::options().append(true).open(&path).unwrap();
        fs::write(&path, "2").unwrap();
        times.set_modified(UNIX_EPOCH + Duration::new(second.modified.0.unsigned_abs(), 0)).unwrap();
        assert!(identity().known().is_none(), "who sets a time cannot set when");
    }
}
