//! The provider as people get it: `init` from a mirror, a lock file, a plan. And the development
//! override that needs no `init`.

#![allow(clippy::unwrap_used, clippy::expect_used)]

use std::{env, fs, path::PathBuf};

use acceptance_tests::{Workspace, every_cli};

/// Needs no host: a file on this machine.
const CONFIGURATION: &str = r#"
resource "windlass_file" "hello" {
  host    = "local://"
  path    = "/tmp/windlass-never-written"
  content = "hello"
}
"#;

/// A file that `cargo xtask test` (or `make install`, `make mirror`) has written.
fn written(variable: &str, name: &str) -> String {
    let root = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../..");
    let path = env::var_os(variable).map_or_else(|| root.join("target").join(name), PathBuf::from);
    let path =
        path.canonicalize().unwrap_or_else(|_| panic!("{name} is not there: run `make install mirror`"));
    path.display().to_string()
}

#[test]
fn init_from_the_mirror_locks_the_provider() {
    for cli in every_cli() {
        let mut workspace = Workspace::with(&cli);
        workspace.env("TF_CLI_CONFIG_FILE", &written("WINDLASS_MIRROR_CONFIG", "mirror.tfrc"));
        workspace.write("main.tf", CONFIGURATION);
        workspace.run(&["init", "-input=false", "-no-color"]).expect_success();
        let lock = fs::read_to_string(workspace.path().join(".terraform.lock.hcl")).unwrap();
        assert!(lock.contains("windlass/windlass") && lock.contains("h1:"), "{lock}");
        let plan = workspace.run(&["plan", "-input=false", "-no-color"]).expect_success();
        assert!(plan.stdout.contains("windlass_file.hello will be created"), "{}", plan.stdout);
    }
}

#[test]
fn the_development_override_needs_no_init() {
    for cli in every_cli() {
        let mut workspace = Workspace::with(&cli);
        workspace.env("TF_CLI_CONFIG_FILE", &written("WINDLASS_DEV_CONFIG", "dev.tfrc"));
        workspace.write("main.tf", CONFIGURATION);
        let plan = workspace.run(&["plan", "-input=false", "-no-color"]).expect_success();
        assert!(plan.stdout.contains("windlass_file.hello will be created"), "{}", plan.stdout);
    }
}
