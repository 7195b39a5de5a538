//! Backups and restores of directories on real hosts.

#![allow(clippy::unwrap_used, clippy::expect_used)]

mod buckets;
mod databases;
mod faults;
mod life;
mod managed;
mod overlay;
mod proofs;
mod quiesced;
mod recipes;
mod repositories;
mod streams;
mod trees;
mod volumes;

use std::{fs, path::PathBuf};

use acceptance_tests::{Scratch, Workspace, hcl};
use lab::{Host, Lab, Variant};

/// A corpus on one host, a store beside the configuration, and a place on another host.
struct Corpus<'a> {
    workspace: Workspace,
    from: Scratch<'a>,
    to: Scratch<'a>,
    /// What `store` says in the configuration, where it is not that directory.
    elsewhere: Option<String>,
    /// What it is called: those of one name on one host wait for each other.
    name: &'static str,
}

impl<'a> Corpus<'a> {
    /// One with a few files, some of which only root may read.
    fn new(lab: &'a Lab) -> Self {
        Self::on(lab, Variant::Sudo)
    }

    /// The same, on a host of this kind.
    fn on(lab: &'a Lab, variant: Variant) -> Self {
        Self::at(lab, lab.host(variant).unwrap())
    }

    /// The same, on this host.
    fn at(lab: &'a Lab, host: &'a Host) -> Self {
        let workspace = Workspace::for_test();
        workspace.write("provider.tf", &hcl::provider_block(lab, ""));
        fs::create_dir(workspace.path().join("store")).unwrap();
        let from = Scratch::on(lab, host);
        let to = Scratch::on(lab, lab.host(Variant::Root).unwrap());
        let corpus = Self { workspace, from, to, elsewhere: None, name: "prod" };
        let path = corpus.from.path("data");
        corpus.from.root_runs(&["sh", "-c", MAKE, "make", &path]);
        corpus
    }

    fn store(&self) -> PathBuf {
        self.workspace.path().canonicalize().unwrap().join("store")
    }

    fn url(&self) -> String {
        format!("file://{}", self.store().display())
    }

    /// The snapshots in the store.
    fn snapshots(&self) -> Vec<String> {
        let entries = fs::read_dir(self.store()).unwrap();
        let mut names: Vec<_> =
            entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
        names.sort();
        names
    }

    /// Writes the backup of `path`, with more attributes.
    fn back_up(&self, path: &str, attributes: &str) {
        self.back_up_from(self.from.host(), &format!("path = {}\n  {attributes}", hcl::quoted(path)));
    }

    /// Writes the backup of what `attributes` say, from a host.
    fn back_up_from(&self, host: &Host, attributes: &str) {
        self.write("backup", host, attributes);
    }

    /// Writes the restore to the other host, with more attributes.
    fn restore(&self, attributes: &str) {
        let path = hcl::quoted(&self.to.path("restored/data"));
        self.restore_to(self.to.host(), &format!("path = {path}\n  {attributes}"));
    }

    /// Writes the restore to what `attributes` say, on a host.
    fn restore_to(&self, host: &Host, attributes: &str) {
        self.write("restore", host, attributes);
    }

    fn write(&self, kind: &str, host: &Host, attributes: &str) {
        let store = self.elsewhere.clone().unwrap_or_else(|| self.url());
        let (host, url) = (hcl::quoted(&hcl::connection(host)), hcl::quoted(&store));
        let text = format!(
            "resource \"windlass_corpus_{kind}\" \"it\" {{\n  host = {host}\n  name = \"{}\"\n  store = {url}\n  \
             {attributes}\n}}\n",
            self.name
        );
        self.workspace.write(&format!("{kind}.tf"), &text);
    }

    /// What is below a directory of a host: kind, mode, owner, time, hash, name of everything.
    fn tree(place: &Scratch<'_>, path: &str) -> String {
        place.root_runs(&["sh", "-c", TREE, "tree", path])
    }
}

/// Makes a corpus in `$1`.
const MAKE: &str = r#"
set -e
umask 022
mkdir -p "$1/deep/er" "$1/cache" && cd "$1"
printf one >a.txt
printf secret >deep/root-only && chmod 600 deep/root-only
printf 'odd' >"$(printf 'line\nbreak')"
printf 'odd' >"$(printf 'latin-\351')"
ln a.txt deep/again
ln -s ../a.txt deep/link
head -c 3000000 /dev/urandom >deep/er/large
truncate -s 5M sparse
printf x >cache/left-out
chown -R 1234:4321 deep/er
touch -d 2001-02-03T04:05:06Z deep/er/large
"#;

/// Lists what is below `$1`.
const TREE: &str = r#"
cd "$1" || exit
export LC_ALL=C
find . ! -type d -printf '%y %m %U:%G %Ts %l %p\0' | sort -z | tr '\0' '\n'
find . -type d -printf '%y %m %U:%G %p\0' | sort -z | tr '\0' '\n'
find . -type f -print0 | sort -z | xargs -0 sha256sum
"#;
