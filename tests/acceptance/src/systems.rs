//! The systems under `examples/systems`, and the modules that ship, as somebody has them who copies them.

use std::{
    fs,
    path::{Path, PathBuf},
};

use crate::Workspace;

/// Where systems have the modules that they stand on.
const MODULES: &str = "../../../terraform/modules/";

fn repository() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

/// Copies everything of `examples/systems/<name>` into the workspace, modes included, with the modules
/// that it stands on.
///
/// # Panics
/// When there is no such system, or the CLI does not find its modules.
pub fn copy_example(name: &str, workspace: &Workspace) {
    // It says itself where the provider comes from.
    fs::remove_file(workspace.path().join("versions.tf")).unwrap();
    copy_folder(&repository().join("examples/systems").join(name), workspace.path());
    let mut has_modules = false;
    for entry in fs::read_dir(workspace.path()).unwrap() {
        let path = entry.unwrap().path();
        if path.extension().is_none_or(|extension| extension != "tf") {
            continue;
        }
        let text = fs::read_to_string(&path).unwrap();
        for used in text.split(MODULES).skip(1) {
            let name = used.split('"').next().unwrap();
            copy_folder(
                &repository().join("terraform/modules").join(name),
                &workspace.path().join("modules").join(name),
            );
            has_modules = true;
        }
        fs::write(&path, text.replace(MODULES, "./modules/")).unwrap();
    }
    if has_modules {
        workspace.run(&["get"]).expect_success();
    }
}

/// Runs the tests of a module that ships, as its README says.
///
/// # Panics
/// When one fails.
#[track_caller]
pub fn test_module(name: &str) {
    let workspace = Workspace::for_test();
    fs::remove_file(workspace.path().join("versions.tf")).unwrap();
    copy_folder(&repository().join("terraform/modules").join(name), workspace.path());
    workspace.run(&["test"]).expect_success();
}

/// Runs the tests of a root that the workflows run, with the modules that it stands on.
///
/// # Panics
/// When one fails.
#[track_caller]
pub fn test_root(name: &str) {
    let workspace = Workspace::for_test();
    copy_folder(&repository().join("terraform"), &workspace.path().join("terraform"));
    let directory = format!("-chdir=terraform/roots/{name}");
    workspace.run(&[&directory, "get"]).expect_success();
    workspace.run(&[&directory, "test"]).expect_success();
}

/// Copies what the workflows run, with the modules that it stands on, into a folder.
///
/// # Panics
/// When it cannot.
pub fn copy_roots(to: &Path) {
    copy_folder(&repository().join("terraform"), &to.join("terraform"));
}

/// Copies what is in a folder into another one, which is made where there is none.
///
/// # Panics
/// When it cannot be copied.
pub fn copy_folder(from: &Path, to: &Path) {
    fs::create_dir_all(to).unwrap();
    for entry in fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        let target = to.join(entry.file_name());
        if entry.file_type().unwrap().is_dir() {
            copy_folder(&entry.path(), &target);
        } else {
            fs::copy(entry.path(), target).unwrap();
        }
    }
}
