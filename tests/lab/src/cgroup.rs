//! Control groups: every lab has one tree of its own, so that what engines inside of its hosts
//! leave behind can be removed without touching anything else.

use std::path::{Path, PathBuf};
use std::time::Duration;

/// Removes a tree of (empty) control groups from every hierarchy of the machine. What another
/// cache's engine still uses stays.
pub(crate) fn remove(name: &str) {
    // Processes of a killed container may take a moment to be gone.
    for _ in 0..40 {
        let directories = in_all_hierarchies(Path::new("/sys/fs/cgroup"), name);
        if directories.is_empty() {
            return;
        }
        for directory in directories {
            remove_tree(&directory);
        }
        std::thread::sleep(Duration::from_millis(25));
    }
}

/// Whether the machine has control groups of the first version.
pub(crate) fn is_legacy() -> bool {
    !Path::new("/sys/fs/cgroup/cgroup.controllers").exists()
}

/// Where this name exists: in the unified hierarchy or in each controller's own one.
fn in_all_hierarchies(top: &Path, name: &str) -> Vec<PathBuf> {
    let mut candidates = vec![top.join(name)];
    if let Ok(entries) = std::fs::read_dir(top) {
        candidates.extend(entries.flatten().map(|entry| entry.path().join(name)));
    }
    // Names like `cpu,cpuacct` come with links to them; each tree is wanted once.
    let mut found: Vec<PathBuf> = candidates.iter().filter_map(|path| path.canonicalize().ok()).collect();
    found.sort();
    found.dedup();
    found
}

/// A control group is removed like an empty directory, although it shows files.
fn remove_tree(directory: &Path) {
    if let Ok(entries) = std::fs::read_dir(directory) {
        for entry in entries.flatten() {
            if entry.file_type().is_ok_and(|kind| kind.is_dir()) {
                remove_tree(&entry.path());
            }
        }
    }
    let _ = std::fs::remove_dir(directory);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn finds_a_name_in_every_hierarchy_once() {
        let top = std::env::temp_dir().join(format!("lab-cgroup-{}", std::process::id()));
        for directory in ["x/a", "memory/x", "cpu/y"] {
            std::fs::create_dir_all(top.join(directory)).unwrap();
        }
        std::os::unix::fs::symlink("memory", top.join("link")).unwrap();
        let found = in_all_hierarchies(&top, "x");
        remove_tree(&top.join("x"));
        let removed = !top.join("x").exists();
        std::fs::remove_dir_all(&top).unwrap();
        let ends: Vec<_> = found
            .iter()
            .map(|path| path.strip_prefix(top.parent().unwrap()).unwrap().iter().skip(1).collect())
            .collect::<Vec<PathBuf>>();
        assert_eq!(ends, [PathBuf::from("memory/x"), PathBuf::from("x")]);
        assert!(removed);
    }
}
