//! The companion, on the hosts of a lab.

use std::{
    collections::BTreeMap,
    env,
    io::Write,
    path::{Path, PathBuf},
    process::{Command, Output, Stdio},
    thread,
};

use lab::Lab;
use serde_json::Value;
use tempfile::TempDir;

use crate::{cli::root, hcl, provider_binary};

/// The program `windlass`, in a folder whose `windlass.toml` lets it log in to every host of a lab.
pub struct Companion {
    folder: TempDir,
    env: BTreeMap<String, String>,
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
        Self { folder, env: BTreeMap::new() }
    }

    /// Sets a variable of its environment from now on.
    pub fn env(&mut self, name: &str, value: &str) -> &mut Self {
        self.env.insert(name.to_owned(), value.to_owned());
        self
    }

    /// Lets the CLIs that it runs find the provider under test, also where they are initialised.
    ///
    /// # Panics
    /// When it is not there.
    pub fn with_provider(&mut self) -> &mut Self {
        let mirror = self.path().join("mirror");
        for registry in ["registry.opentofu.org", "registry.terraform.io"] {
            let folder = mirror.join(registry).join("windlass/windlass/0.0.1/linux_amd64");
            std::fs::create_dir_all(&folder).unwrap();
            std::os::unix::fs::symlink(
                provider_binary().canonicalize().unwrap(),
                folder.join("terraform-provider-windlass"),
            )
            .unwrap();
        }
        let settings = self.path().join("mirror.tfrc");
        let text =
            format!("provider_installation {{\n  filesystem_mirror {{\n    path = {mirror:?}\n  }}\n}}\n");
        std::fs::write(&settings, text).unwrap();
        let settings = settings.display().to_string();
        self.env("TF_CLI_CONFIG_FILE", &settings).env("CHECKPOINT_DISABLE", "1")
    }

    /// Where it runs.
    pub fn path(&self) -> &Path {
        self.folder.path()
    }

    /// What it says to these words, with `input` on its stdin.
    pub fn answer_to(&self, words: &[&str], input: &str) -> Answer {
        let mut command = Command::new(companion_binary());
        command.args(words).current_dir(self.path()).env_clear();
        command.env("PATH", env::var_os("PATH").unwrap_or_default()).env("HOME", self.path()).envs(&self.env);
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
