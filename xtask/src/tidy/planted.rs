//! The whole check on real workspaces in a temporary folder: one that keeps
//! every rule, and the same one with a violation planted.

use super::{Violation, check, documents_for_tests};
use std::fs;
use std::path::Path;
use std::process::Command;
use tempfile::TempDir;

const ROOT: &str = r#"[workspace]
resolver = "3"
members = ["crates/remote", "crates/docker", "crates/ssh"]
[workspace.package]
version = "0.1.0"
edition = "2024"
rust-version = "1.95"
license = "Apache-2.0"
publish = false
[workspace.dependencies]
remote = { path = "crates/remote" }
ssh = { path = "crates/ssh" }
[workspace.lints.rust]
unsafe_code = "forbid"
"#;

struct Checkout(TempDir);

impl Checkout {
    /// A workspace of three crates that keeps every rule.
    fn new() -> Self {
        let checkout = Self(tempfile::tempdir().unwrap());
        let git =
            Command::new("git").args(["init", "--quiet"]).current_dir(checkout.root()).status().unwrap();
        assert!(git.success());
        checkout.write("Cargo.toml", ROOT);
        checkout.member("remote", "");
        checkout.member("ssh", "remote.workspace = true");
        checkout.member("docker", "remote.workspace = true");
        for (path, text) in documents_for_tests() {
            checkout.write(path, &text);
        }
        checkout
    }

    fn root(&self) -> &Path {
        self.0.path()
    }

    fn write(&self, path: &str, text: &str) {
        let full = self.root().join(path);
        fs::create_dir_all(full.parent().unwrap()).unwrap();
        fs::write(full, text).unwrap();
    }

    fn member(&self, name: &str, dependencies: &str) {
        let manifest = format!(
            "[package]\nname = \"{name}\"\nversion.workspace = true\nedition.workspace = true\n\
             rust-version.workspace = true\nlicense.workspace = true\npublish.workspace = true\n\
             [dependencies]\n{dependencies}\n[lints]\nworkspace = true\n"
        );
        self.write(&format!("crates/{name}/Cargo.toml"), &manifest);
        self.write(&format!("crates/{name}/src/lib.rs"), "//! A crate.\n");
    }

    fn violations(&self) -> Vec<String> {
        let found = check(self.root()).unwrap();
        found.iter().map(Violation::to_string).collect()
    }
}

#[test]
fn a_workspace_that_keeps_the_rules_passes() {
    assert_eq!(Checkout::new().violations(), Vec::<String>::new());
}

#[test]
fn a_forbidden_arrow_is_found_through_cargo() {
    let checkout = Checkout::new();
    checkout.member("docker", "remote.workspace = true\n[dev-dependencies]\nssh.workspace = true");
    assert_eq!(checkout.violations(), ["docker: uses ssh; it may use remote, secret"]);
}

#[test]
fn a_version_outside_the_workspace_is_found_in_the_manifest() {
    let checkout = Checkout::new();
    checkout.member("docker", "remote = { path = \"../remote\" }");
    assert_eq!(
        checkout.violations(),
        [
            "crates/docker/Cargo.toml: gives remote a version of its own: name it in the workspace and say `remote.workspace = true`"
        ]
    );
}

#[test]
fn a_source_rule_fires_on_a_file_git_does_not_know_yet() {
    let checkout = Checkout::new();
    checkout.write("crates/docker/src/new.rs", "use ssh::Client;\n");
    assert_eq!(
        checkout.violations(),
        ["crates/docker/src/new.rs:1: names ssh; it works through an Executor, whatever is behind it"]
    );
}

#[test]
fn a_ci_that_runs_something_else_is_found() {
    let checkout = Checkout::new();
    checkout.write(".ci/run", "cargo test\n");
    assert_eq!(checkout.violations(), [".ci/run: does not run `make test`: CI runs what developers run"]);
}
