//! Replacing a file so that there is always a whole one: written beside it, brought to the disk, read
//! back, and only then renamed.

use std::fs::{File, OpenOptions};
use std::io::{Error as IoError, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

/// Why a file was not replaced: the one of before is as it was.
#[derive(Debug, thiserror::Error)]
pub enum ReplaceError {
    /// The file system says no.
    #[error("cannot write the file")]
    Disk(#[from] IoError),
    /// What was written is not what should be there.
    #[error("what was written reads back as something else")]
    ReadBack,
}

/// Replaces a file when `is_good` finds in what was read back what it should be.
///
/// # Errors
/// When something fails; then the old file is as it was, and the new one is gone.
pub fn replace(path: &Path, bytes: &[u8], is_good: impl FnOnce(&[u8]) -> bool) -> Result<(), ReplaceError> {
    let folder =
        path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or_else(|| Path::new("."));
    std::fs::create_dir_all(folder)?;
    let beside = Beside(beside(path));
    let written = write(&beside.0, bytes)?;
    if !is_good(&written) {
        return Err(ReplaceError::ReadBack);
    }
    std::fs::rename(&beside.0, path)?;
    Ok(File::open(folder)?.sync_all()?)
}

/// The file beside, which goes when it does not become the file.
struct Beside(PathBuf);

impl Drop for Beside {
    fn drop(&mut self) {
        // After the rename it is not there.
        let _ = std::fs::remove_file(&self.0);
    }
}

fn beside(path: &Path) -> PathBuf {
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    path.with_file_name(format!(".{name}.{}.new", std::process::id()))
}

fn write(path: &Path, bytes: &[u8]) -> Result<Vec<u8>, IoError> {
    // One that a killed process of the same number has left.
    let _ = std::fs::remove_file(path);
    let mut file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(path)?;
    file.write_all(bytes)?;
    file.sync_all()?;
    drop(file);
    std::fs::read(path)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_does_not_read_back_replaces_nothing() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("deep/state");
        replace(&path, b"one", |_| true).unwrap();
        let error = replace(&path, b"two", |_| false).unwrap_err();
        assert!(matches!(error, ReplaceError::ReadBack));
        assert_eq!(std::fs::read(&path).unwrap(), b"one");
        assert_eq!(std::fs::read_dir(path.parent().unwrap()).unwrap().count(), 1);
    }
}
