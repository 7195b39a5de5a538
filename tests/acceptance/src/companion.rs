//! The companion, on the hosts of a lab.

use std::{
    env,
    io::Write,
    path::{Path, PathBuf},
    process::{Command, Output, Stdio},
    thread,
};

use lab::Lab;
use serde_json::Value;
use tempfile::TempDir;

use crate::{cli::root, hcl};

/// The program `windlass`, in a folder whose `windlass.toml` lets it log in to every host of a lab.
pub struct Companion {
    folder: TempDir,
    environment: Vec<(String, String)>,
}

/// What it came to.
#[derive(Debug)]
pub struct Answer {
    /// The exit code.
    pub code: Option<i32>,
    /// What it printed.
    pub stdout: String,
    /// What it told beside that.
    pub stderr: String,
}

impl Companion {
    /// One for `lab`; `more` goes into its `windlass.toml` before the table `[[ssh]]`.
    pub fn of(lab: &Lab, more: &str) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let quoted = |path: &Path| hcl::quoted(path.to_str().unwrap());
        let text = format!(
            "{more}\n[[ssh]]\nprivate_key_file = {}\nknown_hosts_file = {}\n",
            quoted(&lab.hosts()[0].private_key_file),
            quoted(&lab.state().known_hosts_file)
        );
        std::fs::write(folder.path().join("windlass.toml"), text).unwrap();
        Self { folder, environment: Vec::new() }
    }

    /// With a variable in its environment, which has few others.
    #[must_use]
    pub fn env(mut self, name: &str, value: &str) -> Self {
        self.environment.push((name.to_owned(), value.to_owned()));
        self
    }

    /// Where it runs.
    pub fn path(&self) -> &Path {
        self.folder.path()
    }

    /// What it says to these words, with `input` on its stdin.
    pub fn answer_to(&self, words: &[&str], input: &str) -> Answer {
        let mut command = Command::new(companion_binary());
        command.args(words).current_dir(self.path()).env_clear();
        command.env("PATH", env::var_os("PATH").unwrap_or_default()).env("HOME", self.path());
        command.envs(self.environment.iter().map(|(name, value)| (name, value)));
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn().unwrap();
        let (mut stdin, input) = (child.stdin.take().unwrap(), input.to_owned());
        // Who does not read it ends before that.
        let feed = thread::spawn(move || drop(stdin.write_all(input.as_bytes())));
        let Output { status, stdout, stderr } = child.wait_with_output().unwrap();
        feed.join().unwrap();
        let text = |bytes| String::from_utf8(bytes).unwrap();
        Answer { code: status.code(), stdout: text(stdout), stderr: text(stderr) }
    }

    /// What it prints, where it ends well.
    ///
    /// # Panics
    /// When it does not.
    #[track_caller]
    pub fn told(&self, words: &[&str]) -> String {
        let answer = self.answer_to(words, "");
        assert_eq!(answer.code, Some(0), "windlass {words:?}: {answer:?}");
        answer.stdout
    }

    /// The same as JSON.
    ///
    /// # Panics
    /// When it is none, and as [`Companion::told`].
    #[track_caller]
    pub fn json(&self, words: &[&str]) -> Value {
        serde_json::from_str(&self.told(words)).unwrap()
    }
}

/// The companion under test: `WINDLASS_COMPANION`, else the build in this checkout.
pub fn companion_binary() -> PathBuf {
    env::var_os("WINDLASS_COMPANION").map_or_else(|| root().join("target/debug/windlass"), PathBuf::from)
}
