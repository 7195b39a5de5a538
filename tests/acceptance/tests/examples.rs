//! Every configuration under `examples/` is valid, for every CLI.

#![allow(clippy::unwrap_used, clippy::expect_used)]

use std::{
    fs,
    path::{Path, PathBuf},
};

use acceptance_tests::{Workspace, every_cli};

/// The folders with configuration.
fn folders() -> Vec<PathBuf> {
    let examples = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../examples");
    let inside =
        |folder: &str| fs::read_dir(examples.join(folder)).unwrap().map(|entry| entry.unwrap().path());
    let mut folders = vec![examples.join("provider"), examples.join("demo")];
    folders.extend(
        inside("resources").chain(inside("data-sources")).chain(inside("functions")).chain(inside("systems")),
    );
    folders.extend(inside("ephemeral-resources"));
    folders.retain(|folder| folder.is_dir());
    folders.sort();
    folders
}

/// Where the modules are that we ship.
fn modules() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../terraform").canonicalize().unwrap()
}

#[test]
fn every_example_is_valid() {
    let folders = folders();
    assert!(folders.len() >= 6, "{folders:?}");
    for cli in every_cli() {
        for folder in &folders {
            // Provider functions came with 1.8, ephemeral resources with 1.11 of both.
            let is_in = |kind: &str| folder.parent().is_some_and(|parent| parent.ends_with(kind));
            if cli.version() < (1, 8) && is_in("functions")
                || cli.version() < (1, 11) && is_in("ephemeral-resources")
            {
                continue;
            }
            let workspace = Workspace::with(&cli);
            let mut has_modules = false;
            for entry in fs::read_dir(folder).unwrap() {
                let path = entry.unwrap().path();
                if path.extension().is_some_and(|extension| extension == "tf") {
                    let text = fs::read_to_string(&path).unwrap();
                    // Some say themselves where the provider comes from.
                    if text.contains("required_providers") {
                        fs::remove_file(workspace.path().join("versions.tf")).unwrap();
                    }
                    // Modules of ours are named by their place in the tree, and have to be looked up.
                    let text = text.replace("\"../../../terraform/", &format!("\"{}/", modules().display()));
                    has_modules |= text.contains("\nmodule \"");
                    workspace.write(path.file_name().unwrap().to_str().unwrap(), &text);
                }
            }
            if has_modules {
                workspace.run(&["get"]).expect_success();
            }
            let run = workspace.run(&["validate", "-no-color"]);
            assert_eq!(
                run.code,
                Some(0),
                "{} with {}:\n{}{}",
                folder.display(),
                cli.name,
                run.stdout,
                run.stderr
            );
        }
    }
}
