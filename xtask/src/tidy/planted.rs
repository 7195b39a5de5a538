//! The whole check on real workspaces in a temporary folder: one that keeps
//! every rule, and the same one with a violation planted.

use super::exceptions::{self, Advice, Circle, Exceptions};
use super::{Violation, check, documents_for_tests};
use std::collections::BTreeSet;
use std::fs;
use std::path::Path;
use std::process::Command;
use tempfile::TempDir;

const ROOT: &str = r#"[workspace]
resolver = "3"
members = ["crates/remote", "crates/docker", "crates/ssh", "tests/lab"]
[workspace.package]
version = "0.1.0"
edition = "2024"
rust-version = "1.95"
license = "Apache-2.0"
publish = false
[workspace.dependencies]
remote = { path = "crates/remote" }
ssh = { path = "crates/ssh" }
lab = { path = "tests/lab" }
tonic = "0.14"
[workspace.lints.rust]
unsafe_code = "forbid"
"#;

struct Checkout(TempDir);

impl Checkout {
    /// A workspace of a few crates that keeps every rule.
    fn new() -> Self {
        let checkout = Self(tempfile::tempdir().unwrap());
        let git =
            Command::new("git").args(["init", "--quiet"]).current_dir(checkout.root()).status().unwrap();
        assert!(git.success());
        checkout.write("Cargo.toml", ROOT);
        checkout.member("crates/remote", "");
        checkout.member("crates/ssh", "remote.workspace = true");
        checkout.member("crates/docker", "remote.workspace = true");
        checkout.member("tests/lab", "");
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

    fn member(&self, folder: &str, dependencies: &str) {
        let name = folder.rsplit('/').next().unwrap();
        let manifest = format!(
            "[package]\nname = \"{name}\"\nversion.workspace = true\nedition.workspace = true\n\
             rust-version.workspace = true\nlicense.workspace = true\npublish.workspace = true\n\
             [dependencies]\n{dependencies}\n[lints]\nworkspace = true\n"
        );
        self.write(&format!("{folder}/Cargo.toml"), &manifest);
        self.write(&format!("{folder}/src/lib.rs"), "//! A crate.\n");
    }

    /// Without this file.
    fn remove(&self, path: &str) {
        fs::remove_file(self.root().join(path)).unwrap();
    }

    fn violations(&self) -> Vec<String> {
        self.violations_but(&exceptions::NONE)
    }

    fn violations_but(&self, exceptions: &Exceptions) -> Vec<String> {
        let found = check(self.root(), exceptions).unwrap();
        found.iter().map(Violation::to_string).collect()
    }
}

#[test]
fn a_workspace_that_keeps_the_rules_passes() {
    assert_eq!(Checkout::new().violations(), Vec::<String>::new());
}

/// One file of a rule that reads files, and what is said of it.
const PLANTED: &[(&str, &str, &str)] = &[
    (
        "crates/docker/src/new.rs",
        "use ssh::Client;\n",
        "crates/docker/src/new.rs:1: names ssh; it works through an Executor, whatever is behind it",
    ),
    (
        "crates/compose/src/new.rs",
        "fn f() { ssh::Pool::new(); }\n",
        "crates/compose/src/new.rs:1: names ssh; it works through an Executor, whatever is behind it",
    ),
    (
        "crates/docker/src/new.rs",
        "fn f() { tokio::select! { _ = x => println!(\"x\") } }\n",
        "crates/docker/src/new.rs:1: println! is not for here: use tracing",
    ),
    (
        "crates/docker/src/new.rs",
        "use std::io::{\n    Write,\n    stdout,\n};\n",
        "crates/docker/src/new.rs:3: stdout belongs to the plugin handshake",
    ),
    (
        "provider/src/settings.rs",
        "#[tonic::async_trait]\nimpl X for Y {}\n",
        "provider/src/settings.rs:1: names tonic; only main.rs and the adapter know the wire",
    ),
    (
        "crates/framework/src/a.rs",
        "fn f() { format!(\"a docker host\"); }\n",
        "crates/framework/src/a.rs:1: names docker; the protocol crates know nothing of it",
    ),
    (
        "crates/http/src/a.rs",
        "struct TerraformState;\n",
        "crates/http/src/a.rs:1: names terraform; the domain crates know nothing of it",
    ),
    (
        "provider/src/resources/file/apply.rs",
        "use super::super::host::{model, schema};\n",
        "provider/src/resources/file/apply.rs:1: uses the resource folder host; share through a domain crate or \
         the provider's own modules",
    ),
    ("crates/docker/src/new.rs", "fn f() {\n", "crates/docker/src/new.rs:1: cannot be read as Rust: "),
    (
        "crates/docker/src/new.rs",
        "\nconst A: &str = \"set `on_unreachable`\";\n",
        "crates/docker/src/new.rs:2: says \"`on_unreachable`\": what the provider's user can do is said by the provider",
    ),
    (".ci/run", "cargo test\n", ".ci/run: does not run `make test`: CI runs what developers run"),
    (
        "README.md",
        concat!("cp /wo", "rk/x .\n"),
        concat!("README.md:1: names a path of one machine (/wo", "rk/…)"),
    ),
    (
        "tests/x.sh",
        concat!("curl crat", "es.io\n"),
        concat!(
            "tests/x.sh:1: names the package registry crat",
            "es.io; take it from the machine's configuration"
        ),
    ),
];

#[test]
fn every_rule_about_a_file_fires_on_one_git_does_not_know_yet() {
    let checkout = Checkout::new();
    checkout.write("docs/resources/host.md", "- `on_unreachable` (String) What then.\n");
    checkout.write("provider/src/resources/host/mod.rs", "");
    for (path, text, expected) in PLANTED {
        let before = fs::read(checkout.root().join(path)).ok();
        checkout.write(path, text);
        let found = checkout.violations();
        let all: BTreeSet<&String> = found.iter().collect();
        assert!(all.len() == 1 && found[0].starts_with(expected), "{expected}\n{found:#?}");
        match before {
            Some(before) => fs::write(checkout.root().join(path), before).unwrap(),
            None => checkout.remove(path),
        }
    }
    assert_eq!(checkout.violations(), Vec::<String>::new());
}

#[test]
fn a_long_file_is_found() {
    let checkout = Checkout::new();
    checkout.write("crates/docker/src/new.rs", &"//\n".repeat(601));
    assert_eq!(
        checkout.violations(),
        ["crates/docker/src/new.rs: has 601 lines; 600 is the limit, about 200 the aim"]
    );
}

#[test]
fn an_architecture_that_lacks_a_promise_is_found() {
    let checkout = Checkout::new();
    let (path, text) = documents_for_tests().swap_remove(0);
    checkout.write(path, text.split_once('\n').unwrap().1);
    assert_eq!(
        checkout.violations(),
        [
            "ARCHITECTURE.md: lacks the line `**Invariant:** only `tfplugin5` and the adapter name tonic or prost`"
        ]
    );
}

/// What the docker crate's manifest says instead of something else, and what is said of it.
const MANIFESTS: &[(&str, &str, &str)] = &[
    (
        "[lints]",
        "[dev-dependencies]\nssh.workspace = true\n[lints]",
        "docker: uses ssh; it may use remote, http, tree, secret",
    ),
    ("remote.workspace", "lab.workspace", "docker: uses lab, which only tests and xtask may use"),
    (
        "remote.workspace",
        "tonic.workspace",
        "docker: depends on tonic; only tfplugin5 and the provider's adapter may",
    ),
    (
        "name = \"docker\"",
        "name = \"extra\"",
        "extra: has no row in the table of allowed arrows (xtask/src/tidy/arrows.rs)",
    ),
    (
        "remote.workspace = true",
        "remote = { path = \"../remote\" }",
        "crates/docker/Cargo.toml: gives remote a version of its own: name it in the workspace and say `remote.workspace = true`",
    ),
    (
        "edition.workspace = true",
        "edition = \"2024\"",
        "crates/docker/Cargo.toml: does not inherit its edition: `edition.workspace = true`",
    ),
    (
        "[lints]\nworkspace = true\n",
        "",
        "crates/docker/Cargo.toml: does not inherit the lints: `[lints]` needs `workspace = true`",
    ),
];

#[test]
fn every_rule_about_a_manifest_fires_through_cargo() {
    let checkout = Checkout::new();
    let manifest = "crates/docker/Cargo.toml";
    let good = fs::read_to_string(checkout.root().join(manifest)).unwrap();
    for (right, wrong, expected) in MANIFESTS {
        assert!(good.contains(right), "{right}");
        checkout.write(manifest, &good.replace(right, wrong));
        assert_eq!(checkout.violations(), [*expected]);
    }
}

/// Two modules that use each other through a front, and a third by way of one's child.
fn with_a_circle() -> Checkout {
    let checkout = Checkout::new();
    checkout.write("crates/docker/src/lib.rs", "mod a;\nmod b;\nmod c;\npub use a::Thing;\n");
    checkout.write("crates/docker/src/a.rs", "mod part;\npub struct Thing;\nfn f() { part::f(); }\n");
    checkout.write("crates/docker/src/a/part.rs", "use super::Thing;\npub fn f() { crate::b::g(); }\n");
    checkout.write("crates/docker/src/b.rs", "pub fn g() {}\nfn h(_: crate::Thing) {}\n");
    checkout.write("crates/docker/src/c.rs", "use crate::b;\nfn i() { b::g(); }\n");
    checkout
}

const CIRCLE: &str = "crates/docker/src: modules import in a circle: crate::b uses Thing of crate::a \
    (crates/docker/src/b.rs:2), crate::a uses f of crate::a::part (crates/docker/src/a.rs:3), \
    crate::a::part uses g of crate::b (crates/docker/src/a/part.rs:2)";

#[test]
fn a_circle_of_imports_is_found_with_its_way() {
    let checkout = with_a_circle();
    assert_eq!(checkout.violations(), [CIRCLE]);
    checkout.write("crates/docker/src/b.rs", "pub fn g() {}\n");
    assert_eq!(checkout.violations(), Vec::<String>::new());
}

#[test]
fn an_exception_is_for_one_import_and_for_as_long_as_it_lasts() {
    const ROOT: &str = "crates/docker/src";
    const NEEDED: Circle = Circle { root: ROOT, from: "crate::a::part", to: "crate::b" };
    const NOT_NEEDED: Circle = Circle { root: ROOT, from: "crate::c", to: "crate::b" };
    let checkout = with_a_circle();
    let only = |circles| Exceptions { circles, ..exceptions::NONE };
    assert_eq!(checkout.violations_but(&only(&[NEEDED])), Vec::<String>::new());
    let stale = |name: &str| {
        format!(
            "xtask/src/tidy/exceptions.rs: excepts the import of crate::b by crate::{name} in {ROOT}, which breaks \
             no rule: remove the entry"
        )
    };
    assert_eq!(checkout.violations_but(&only(&[NOT_NEEDED])), [CIRCLE.to_owned(), stale("c")]);
    checkout.write("crates/docker/src/b.rs", "pub fn g() {}\n");
    assert_eq!(checkout.violations_but(&only(&[NEEDED])), [stale("a::part")]);
}

#[test]
fn an_exception_for_advice_is_stale_when_the_advice_is_gone() {
    const ADVICE: Advice = Advice { file: "crates/docker/src/new.rs", says: "the provider" };
    let checkout = Checkout::new();
    let excepted = Exceptions { advice: &[ADVICE], ..exceptions::NONE };
    checkout.write("crates/docker/src/new.rs", "const A: &str = \"ask the provider\";\n");
    assert_eq!(checkout.violations_but(&excepted), Vec::<String>::new());
    checkout.remove("crates/docker/src/new.rs");
    assert_eq!(
        checkout.violations_but(&excepted),
        [
            "xtask/src/tidy/exceptions.rs: excepts \"the provider\" in crates/docker/src/new.rs, which breaks no \
             rule: remove the entry"
        ]
    );
}
