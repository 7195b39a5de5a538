//! The lock of a state: the kernel's, on a file beside it, so that it ends with who holds it. What the
//! holder says of itself stands in that file.

use std::fs::{File, OpenOptions, TryLockError};
use std::io::{Error as IoError, Read, Seek, Write};
use std::path::{Path, PathBuf};

use rustix::io::FdFlags;
use serde::{Deserialize, Serialize};

/// What the core says of who locks, word by word.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub struct LockInfo {
    /// What tells one lock from another.
    #[serde(rename = "ID")]
    pub id: String,
    /// What is being done.
    pub operation: String,
    /// More about it.
    pub info: String,
    /// User and machine.
    pub who: String,
    /// Version of the core.
    pub version: String,
    /// When it was taken.
    pub created: String,
    /// The state.
    pub path: String,
}

/// A lock that this process holds.
pub struct Lock {
    file: File,
    info: LockInfo,
}

/// Why there is none.
#[derive(Debug, thiserror::Error)]
pub enum Held {
    #[error("the state is locked by {} ({}, since {})", .0.who, .0.operation, .0.created)]
    By(Box<LockInfo>),
    #[error("cannot lock {}", path.display())]
    Failed { path: PathBuf, source: IoError },
}

impl Lock {
    /// Takes the lock of a state.
    ///
    /// # Errors
    /// When somebody else has it, with what they say.
    pub fn take(state: &Path, info: LockInfo) -> Result<Self, Held> {
        let path = beside(state);
        let failed = |source| Held::Failed { path: path.clone(), source };
        if let Some(folder) = path.parent() {
            std::fs::create_dir_all(folder).map_err(failed)?;
        }
        let mut file = OpenOptions::new()
            .read(true)
            .write(true)
            .create(true)
            .truncate(false)
            .open(&path)
            .map_err(failed)?;
        match file.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => {
                let mut text = String::new();
                let _ = file.read_to_string(&mut text);
                return Err(Held::By(Box::new(serde_json::from_str(&text).unwrap_or_default())));
            }
            Err(TryLockError::Error(source)) => return Err(failed(source)),
        }
        let text = serde_json::to_string(&info).map_err(|error| failed(error.into()))?;
        file.set_len(0)
            .and_then(|()| file.rewind())
            .and_then(|()| file.write_all(text.as_bytes()))
            .map_err(failed)?;
        Ok(Self { file, info })
    }

    /// Whether what is started from now on holds it too: it ends with the last of them, whatever becomes of this
    /// process.
    ///
    /// # Errors
    /// When the system does not let it.
    pub fn share(&self, with_children: bool) -> std::io::Result<()> {
        let flags = if with_children { FdFlags::empty() } else { FdFlags::CLOEXEC };
        Ok(rustix::io::fcntl_setfd(&self.file, flags)?)
    }

    /// What it was taken with.
    pub const fn info(&self) -> &LockInfo {
        &self.info
    }
}

impl Drop for Lock {
    fn drop(&mut self) {
        // The file stays: removed, another process could hold a lock on one that nobody finds.
        let _ = self.file.set_len(0);
        let _ = self.file.unlock();
    }
}

/// The file of a state's lock.
fn beside(state: &Path) -> PathBuf {
    let name = state.file_name().unwrap_or_default().to_string_lossy();
    state.with_file_name(format!(".{name}.lock"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_lock_is_one_mans_and_tells_whose() {
        let folder = tempfile::tempdir().unwrap();
        let state = folder.path().join("s");
        let info = LockInfo { id: "1".into(), who: "me".into(), ..LockInfo::default() };
        let lock = Lock::take(&state, info.clone()).unwrap();
        let Err(Held::By(told)) = Lock::take(&state, LockInfo::default()) else { panic!() };
        assert_eq!(*told, info);
        drop(lock);
        Lock::take(&state, LockInfo::default()).unwrap();
    }

    #[test]
    fn a_lock_that_is_shared_is_held_until_the_last_child_has_ended() {
        let folder = tempfile::tempdir().unwrap();
        let state = folder.path().join("s");
        for with_children in [false, true] {
            let mut lock = Lock::take(&state, LockInfo::default()).unwrap();
            lock.share(with_children).unwrap();
            let mut child = std::process::Command::new("sleep").arg("60").spawn().unwrap();
            // As when this process is killed: what it has open is closed, and nothing is unlocked.
            lock.file = File::open("/dev/null").unwrap();
            if with_children {
                assert!(Lock::take(&state, LockInfo::default()).is_err());
            } else {
                taken_soon(&state);
            }
            child.kill().unwrap();
            child.wait().unwrap();
            taken_soon(&state);
        }
    }

    /// Takes a lock that a program has for a moment which another test starts just now: between its fork and its exec.
    fn taken_soon(state: &Path) {
        let begun = std::time::Instant::now();
        while Lock::take(state, LockInfo::default()).is_err() {
            assert!(begun.elapsed() < std::time::Duration::from_secs(60), "somebody holds it");
            std::thread::sleep(std::time::Duration::from_millis(10));
        }
    }
}
