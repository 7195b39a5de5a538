//! The systems under `examples/systems`, from the first apply to the end: what somebody gets who
//! follows their README.

#![allow(clippy::unwrap_used, clippy::expect_used)]

mod always_on;
mod drill;
mod drilled;
mod swarm_saas;

use std::fs;

use acceptance_tests::Workspace;

/// Replaces a text that a file has exactly once.
fn edit(workspace: &Workspace, file: &str, old: &str, new: &str) {
    let path = workspace.path().join(file);
    let text = fs::read_to_string(&path).unwrap();
    assert_eq!(text.matches(old).count(), 1, "{old:?} in {file}");
    fs::write(path, text.replace(old, new)).unwrap();
}
