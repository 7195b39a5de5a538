//! The systems under `examples/systems`, from the first apply to the end: what somebody gets who
//! follows their README.

#![allow(clippy::unwrap_used, clippy::expect_used)]

mod always_on;
mod swarm_saas;

use std::{fs, path::Path};

use acceptance_tests::Workspace;

/// Copies everything of `examples/systems/<name>` into the workspace, modes included.
fn copy_example(name: &str, workspace: &Workspace) {
    let example = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../examples/systems").join(name);
    // It says itself where the provider comes from.
    fs::remove_file(workspace.path().join("versions.tf")).unwrap();
    copy(&example, workspace.path());
}

fn copy(from: &Path, to: &Path) {
    fs::create_dir_all(to).unwrap();
    for entry in fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        let target = to.join(entry.file_name());
        if entry.file_type().unwrap().is_dir() {
            copy(&entry.path(), &target);
        } else {
            fs::copy(entry.path(), target).unwrap();
        }
    }
}

/// Replaces a text that a file has exactly once.
fn edit(workspace: &Workspace, file: &str, old: &str, new: &str) {
    let path = workspace.path().join(file);
    let text = fs::read_to_string(&path).unwrap();
    assert_eq!(text.matches(old).count(), 1, "{old:?} in {file}");
    fs::write(path, text.replace(old, new)).unwrap();
}
