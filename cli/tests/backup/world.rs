//! A corpus on this machine, and what the companion makes of it.

use std::fs;
use std::path::PathBuf;
use std::process::{Command, Output, Stdio};

use serde_json::Value;
use tempfile::TempDir;

/// A directory with a corpus, two stores and a `windlass.toml`.
pub struct World(TempDir);

impl World {
    /// One whose corpus `prod` has more settings.
    pub fn new(settings: &str) -> Self {
        let dir = tempfile::tempdir().unwrap();
        let world = Self(dir);
        for name in ["data", "store", "copy"] {
            fs::create_dir(world.path(name)).unwrap();
        }
        fs::write(world.path("data/a"), "one").unwrap();
        world.settle(settings);
        world
    }

    pub fn settle(&self, settings: &str) {
        let [data, store, copy] = ["data", "store", "copy"].map(|name| self.path(name));
        let text = format!(
            "[backup.store.disk]\nurl = \"file://{}\"\n\n[backup.corpus.prod]\nhost = \"local://\"\npath = \"{}\"\n\
             store = \"disk\"\ncopies = [\"file://{}\"]\n{settings}\n",
            store.display(),
            data.display(),
            copy.display()
        );
        fs::write(self.path("windlass.toml"), text).unwrap();
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.0.path().canonicalize().unwrap().join(name)
    }

    pub fn command(&self, words: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_windlass"));
        command.arg("backup").args(words).current_dir(self.0.path()).stdin(Stdio::null());
        command
    }

    pub fn told(&self, words: &[&str]) -> (String, String, Option<i32>) {
        let Output { stdout, stderr, status } = self.command(words).output().unwrap();
        let text = |bytes| String::from_utf8(bytes).unwrap();
        (text(stdout), text(stderr), status.code())
    }

    /// What a command answers in JSON, and how it ends.
    pub fn json(&self, words: &[&str]) -> (Value, Option<i32>) {
        let (out, err, status) = self.told(&[words, &["--json"]].concat());
        (serde_json::from_str(&out).unwrap_or_else(|_| panic!("{out}\n{err}")), status)
    }

    /// Takes a snapshot, and says which.
    pub fn take(&self) -> String {
        let (done, status) = self.json(&["run"]);
        assert_eq!(status, Some(0), "{done}");
        done[0]["snapshot"].as_str().unwrap().to_owned()
    }

    pub fn snapshots(&self, store: &str) -> Vec<String> {
        let entries = fs::read_dir(self.path(store)).unwrap();
        let mut names: Vec<String> =
            entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
        names.sort();
        names
    }

    /// What `verify` finds: its exit code, and a word for each finding.
    pub fn found(&self, words: &[&str]) -> (Option<i32>, Vec<String>) {
        let (report, status) = self.json(&[&["verify"], words].concat());
        let findings = report["findings"].as_array().unwrap();
        (status, findings.iter().map(|one| one["problem"].as_str().unwrap().to_owned()).collect())
    }
}
