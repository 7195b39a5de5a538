//! Whether the disk has room for a run: one that fills it up fails in a hundred places, and none of them says why.

use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result, bail};

use crate::paths;

/// What a clean checkout's run takes, in bytes: what cargo builds, hosts with images, and what tests write.
const NEEDED: u64 = 16 << 30;

/// Looks for it where cargo builds to, which is where most of it goes.
///
/// # Errors
/// When there is less; the text says what can go.
pub fn ensure() -> Result<()> {
    let target = paths::target();
    let place = existing(&target);
    let found = rustix::fs::statvfs(place)
        .with_context(|| format!("cannot tell how much space is left in {}", place.display()))?;
    enough(found.f_bavail.saturating_mul(found.f_frsize) + built(&target), &target)
}

/// The directory, or the nearest one above it that is there.
fn existing(directory: &Path) -> &Path {
    directory.ancestors().find(|ancestor| ancestor.is_dir()).unwrap_or(directory)
}

/// What is built already need not be built again: its bytes, at most what a run builds.
fn built(target: &Path) -> u64 {
    const BUILDS: u64 = 10 << 30;
    let mut bytes = 0;
    let mut directories = vec![PathBuf::from(target)];
    while let Some(directory) = directories.pop() {
        for entry in directory.read_dir().into_iter().flatten().flatten() {
            match entry.metadata() {
                Ok(found) if found.is_dir() => directories.push(entry.path()),
                Ok(found) => bytes += found.len(),
                Err(_) => {}
            }
        }
    }
    bytes.min(BUILDS)
}

fn enough(bytes: u64, target: &Path) -> Result<()> {
    if bytes >= NEEDED {
        return Ok(());
    }
    bail!(
        "a run takes up to {} GiB of disk, and {} has {} GiB left: `make clean` removes what was built here before, \
         incremental/ in it alone may be half of that",
        NEEDED >> 30,
        target.display(),
        bytes >> 30,
    );
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn too_little_is_told_and_enough_is_not() {
        assert!(enough(NEEDED, Path::new("/t")).is_ok());
        let error = enough(NEEDED - 1, Path::new("/t")).unwrap_err().to_string();
        assert!(error.contains("/t has 15 GiB left"), "{error}");
    }

    #[test]
    fn what_is_not_built_yet_is_looked_for_above() {
        let directory = tempfile::tempdir().unwrap();
        assert_eq!(existing(&directory.path().join("a/b")), directory.path());
        std::fs::write(directory.path().join("file"), [0; 100]).unwrap();
        assert_eq!(built(directory.path()), 100);
    }
}
