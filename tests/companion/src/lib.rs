//! What the companion is tested with: a folder with a configuration, keys, and the programs.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

pub mod github;

use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::sync::OnceLock;
use std::time::Duration;

use age::secrecy::ExposeSecret;
use tempfile::TempDir;

/// Stands in every state of these tests, and nowhere else.
pub const SECRET: &str = "correct-horse-battery-staple";

/// A pair of keys.
pub struct Keys {
    /// The private one.
    pub identity: String,
    /// The public one.
    pub recipient: String,
}

/// New ones.
pub fn keys() -> Keys {
    let identity = age::x25519::Identity::generate();
    let recipient = identity.to_public().to_string();
    Keys { identity: identity.to_string().expose_secret().to_owned(), recipient }
}

/// The companion under test: `WINDLASS_COMPANION`, else a fresh build.
pub fn windlass() -> &'static Path {
    static BINARY: OnceLock<PathBuf> = OnceLock::new();
    BINARY.get_or_init(|| {
        if let Some(path) = std::env::var_os("WINDLASS_COMPANION") {
            return path.into();
        }
        let built = cargo().args(["build", "--quiet", "--package", "cli"]).status().unwrap();
        assert!(built.success(), "the companion does not compile");
        root().join("target/debug/windlass")
    })
}

/// Real sops: `WINDLASS_SOPS`, else what `cargo xtask tools` has.
pub fn sops() -> &'static Path {
    static BINARY: OnceLock<PathBuf> = OnceLock::new();
    BINARY.get_or_init(|| tool("WINDLASS_SOPS", "sops"))
}

/// The plugin of a current Docker Compose: `WINDLASS_COMPOSE`, else what `cargo xtask tools` has.
pub fn compose() -> &'static Path {
    static BINARY: OnceLock<PathBuf> = OnceLock::new();
    BINARY.get_or_init(|| tool("WINDLASS_COMPOSE", "compose"))
}

/// The linter of workflows: `WINDLASS_ACTIONLINT`, else what `cargo xtask tools` has.
pub fn actionlint() -> &'static Path {
    static BINARY: OnceLock<PathBuf> = OnceLock::new();
    BINARY.get_or_init(|| tool("WINDLASS_ACTIONLINT", "actionlint"))
}

fn tool(variable: &str, name: &str) -> PathBuf {
    if let Some(path) = std::env::var_os(variable) {
        return path.into();
    }
    let told = cargo().args(["run", "--quiet", "--package", "xtask", "--", "tools", name]).output().unwrap();
    assert!(told.status.success(), "{}", String::from_utf8_lossy(&told.stderr));
    PathBuf::from(String::from_utf8(told.stdout).unwrap().trim())
}

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR")).ancestors().nth(2).unwrap()
}

fn cargo() -> Command {
    let mut cargo = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    cargo.current_dir(root());
    cargo
}

/// Every CLI: those of `WINDLASS_CLIS`, else those on `PATH`.
pub fn clis() -> Vec<PathBuf> {
    let found: Vec<PathBuf> = match std::env::var_os("WINDLASS_CLIS") {
        Some(list) => std::env::split_paths(&list).collect(),
        None => {
            let path = std::env::var_os("PATH").unwrap_or_default();
            let there = |name: &str| {
                std::env::split_paths(&path).map(|folder| folder.join(name)).find(|file| file.is_file())
            };
            ["tofu", "terraform"].into_iter().filter_map(there).collect()
        }
    };
    assert!(!found.is_empty(), "neither tofu nor terraform is there");
    found
}

/// What is deployed: nothing but the state itself. While it is created it waits for the file `go`.
const CONFIGURATION: &str = r#"
terraform {
  backend "http" {}
}
variable "secret" {
  type      = string
  sensitive = true
}
variable "count_of" { default = 1 }
variable "gate" { default = "" }
resource "terraform_data" "one" {
  count = var.count_of
  input = { secret = var.secret, number = count.index }
}
resource "terraform_data" "gated" {
  count      = var.gate == "" ? 0 : 1
  depends_on = [terraform_data.one]
  provisioner "local-exec" {
    command = "touch begun; while [ ! -e ${var.gate} ]; do sleep 0.05; done"
  }
}
"#;

/// A folder with a configuration, for one CLI.
pub struct Workspace {
    folder: TempDir,
    /// Whose state it is.
    pub keys: Keys,
    cli: PathBuf,
}

impl Workspace {
    /// One that is ready for `apply`.
    pub fn new(cli: &Path) -> Self {
        let one = Self::without_init(cli);
        let ready = one.run(&["init", "-input=false"]);
        assert!(ready.status.success(), "{}", both(&ready));
        one
    }

    /// One whose configuration nobody has initialised yet.
    pub fn without_init(cli: &Path) -> Self {
        let one = Self { folder: tempfile::tempdir().unwrap(), keys: keys(), cli: cli.to_owned() };
        std::fs::create_dir(one.path("home")).unwrap();
        std::fs::write(one.path("main.tf"), CONFIGURATION).unwrap();
        one.git(&["init", "-q", "-b", "main", "."]);
        let begun = one.windlass(&["state", "init", "--recipient", &one.keys.recipient]).output().unwrap();
        assert!(begun.status.success(), "{}", both(&begun));
        one
    }

    /// The CLI that it is for.
    pub fn cli(&self) -> &str {
        self.cli.to_str().unwrap()
    }

    /// A file in it, written; what was there before, if anything was.
    pub fn write(&self, name: &str, bytes: impl AsRef<[u8]>) -> Option<Vec<u8>> {
        let path = self.path(name);
        let before = std::fs::read(&path).ok();
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, bytes).unwrap();
        before
    }

    /// A file in it.
    pub fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// The state's file.
    pub fn state(&self) -> PathBuf {
        self.path("default.tfstate.sops.json")
    }

    fn clean(&self, program: &Path) -> Command {
        let mut command = Command::new(program);
        command
            .env_clear()
            .env("PATH", std::env::var_os("PATH").unwrap_or_default())
            .env("HOME", self.path("home"))
            .env("SOPS_AGE_KEY", &self.keys.identity)
            .env("TF_VAR_secret", SECRET)
            .env("CHECKPOINT_DISABLE", "1")
            .env("GIT_CONFIG_GLOBAL", "/dev/null")
            .current_dir(self.folder.path())
            .stdin(Stdio::null());
        command
    }

    /// The companion, with words.
    pub fn windlass(&self, words: &[&str]) -> Command {
        let mut command = self.clean(windlass());
        command.args(words);
        command
    }

    /// The CLI without the companion, in the same environment.
    pub fn alone(&self, words: &[&str]) -> Command {
        let mut command = self.clean(&self.cli);
        command.args(words);
        command
    }

    /// `windlass run -- <cli> words…`, to be started.
    pub fn command(&self, words: &[&str]) -> Command {
        let mut command = self.windlass(&["run", "--"]);
        command.arg(&self.cli).args(words).stdout(Stdio::piped()).stderr(Stdio::piped());
        command
    }

    /// The same, to its end.
    pub fn run(&self, words: &[&str]) -> Output {
        self.command(words).output().unwrap()
    }

    /// An apply that has to succeed.
    pub fn apply(&self, words: &[&str]) {
        let done = self.run(&[&["apply", "-auto-approve", "-input=false", "-no-color"], words].concat());
        assert!(done.status.success(), "{}", both(&done));
    }

    /// An apply that has got as far as its gate, which `open` opens.
    pub fn gated(&self) -> Child {
        let child =
            self.command(&["apply", "-auto-approve", "-input=false", "-var", "gate=go"]).spawn().unwrap();
        self.wait_for("begun");
        child
    }

    /// Waits until a file is there.
    pub fn wait_for(&self, name: &str) {
        while !self.path(name).exists() {
            std::thread::sleep(Duration::from_millis(20));
        }
    }

    /// Lets an apply go on.
    pub fn open_gate(&self) {
        std::fs::write(self.path("go"), "").unwrap();
    }

    /// What `windlass state` says, which has to succeed.
    pub fn told(&self, words: &[&str]) -> String {
        let told = self.windlass(&[&["state"], words].concat()).output().unwrap();
        assert!(told.status.success(), "{}", both(&told));
        String::from_utf8(told.stdout).unwrap()
    }

    /// What real sops says of the state.
    pub fn of_sops(&self) -> String {
        let told = self.clean(sops()).arg("decrypt").arg(self.state()).output().unwrap();
        assert!(told.status.success(), "{}", both(&told));
        String::from_utf8(told.stdout).unwrap()
    }

    /// git, in it.
    pub fn git(&self, words: &[&str]) -> String {
        let identity = ["-c", "user.name=t", "-c", "user.email=t@example.org"];
        let told = self.clean(Path::new("git")).args(identity).args(words).output().unwrap();
        assert!(told.status.success(), "git {words:?}: {}", both(&told));
        String::from_utf8(told.stdout).unwrap()
    }

    /// Files that have a text in them, anywhere in the folder.
    pub fn files_with(&self, text: &str) -> Vec<PathBuf> {
        let mut found = Vec::new();
        let mut folders = vec![self.folder.path().to_owned()];
        while let Some(folder) = folders.pop() {
            for entry in std::fs::read_dir(folder).unwrap() {
                let path = entry.unwrap().path();
                if path.is_dir() && !path.is_symlink() {
                    folders.push(path);
                } else if std::fs::read(&path).is_ok_and(|bytes| has(&bytes, text)) {
                    found.push(path);
                }
            }
        }
        found
    }
}

/// Whether bytes have a text in them.
pub fn has(bytes: &[u8], text: &str) -> bool {
    bytes.windows(text.len()).any(|window| window == text.as_bytes())
}

/// Whether this is the run with the long matrices.
pub fn is_full_run() -> bool {
    std::env::var_os("WINDLASS_FULL").is_some()
}

/// Both streams.
pub fn both(output: &Output) -> String {
    let streams = [&output.stdout, &output.stderr].map(|bytes| String::from_utf8_lossy(bytes).into_owned());
    // A core breaks its messages into lines of the terminal's width.
    streams.join("\n").split_whitespace().collect::<Vec<_>>().join(" ")
}

/// A small file system that is full soon, for as long as this lives.
pub struct Small(PathBuf);

impl Small {
    /// At a folder, with room for so many bytes.
    pub fn at(folder: &Path, bytes: usize) -> Self {
        std::fs::create_dir_all(folder).unwrap();
        let done = Command::new("mount")
            .args(["-t", "tmpfs", "-o", &format!("size={bytes}"), "tmpfs"])
            .arg(folder)
            .status()
            .unwrap();
        assert!(done.success(), "root can mount a tmpfs");
        Self(folder.to_owned())
    }
}

impl Drop for Small {
    fn drop(&mut self) {
        let _ = Command::new("umount").arg(&self.0).status();
    }
}
