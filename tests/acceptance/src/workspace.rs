//! A directory with configuration, and a CLI that works in it.

use std::{
    collections::BTreeMap,
    fs,
    path::{Path, PathBuf},
    process::{Command, Stdio},
};

use serde_json::Value;
use tempfile::TempDir;

use crate::{Change, Cli, Run, Running, provider_binary, test_cli};

/// The block every configuration of the tests begins with.
const REQUIRED_PROVIDERS: &str = r#"
terraform {
  required_providers {
    windlass = { source = "windlass/windlass" }
  }
}
"#;

/// A directory of its own with configuration and state, and the CLI that works in it.
///
/// The provider comes through `dev_overrides`, so no `init` is needed. The CLI sees none of this
/// process's environment but PATH and what [`Workspace::env`] adds; its home is a folder here.
pub struct Workspace {
    dir: TempDir,
    cli: Cli,
    env: BTreeMap<String, String>,
}

impl Workspace {
    /// An empty workspace for the CLI of the test.
    ///
    /// # Panics
    /// As [`crate::test_cli`].
    pub fn for_test() -> Self {
        Self::with(&test_cli())
    }

    /// An empty workspace for `cli`.
    pub fn with(cli: &Cli) -> Self {
        let dir = tempfile::Builder::new().prefix("windlass-test-").tempdir().unwrap();
        let binary = provider_binary().canonicalize().unwrap();
        let overrides = format!(
            "provider_installation {{\n  dev_overrides {{\n    \"windlass/windlass\" = {:?}\n  }}\n  direct {{}}\n}}\n",
            binary.parent().unwrap()
        );
        fs::write(dir.path().join("dev.tfrc"), overrides).unwrap();
        fs::write(dir.path().join("versions.tf"), REQUIRED_PROVIDERS).unwrap();
        fs::create_dir(dir.path().join("home")).unwrap();
        Self { dir, cli: cli.clone(), env: BTreeMap::new() }
    }

    /// The directory.
    pub fn path(&self) -> &Path {
        self.dir.path()
    }

    /// The home directory that the CLI and the provider see, where `.ssh/known_hosts` would be.
    pub fn home(&self) -> PathBuf {
        self.path().join("home")
    }

    /// The CLI that runs in it.
    pub fn cli(&self) -> &Cli {
        &self.cli
    }

    /// Sets a variable of the CLI's environment for all further runs.
    pub fn env(&mut self, name: &str, value: &str) -> &mut Self {
        self.env.insert(name.to_owned(), value.to_owned());
        self
    }

    /// Writes a file below the directory, with the folders it needs.
    pub fn write(&self, name: &str, text: &str) -> PathBuf {
        let path = self.path().join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(&path, text).unwrap();
        path
    }

    /// A command of the CLI in this workspace, not yet started.
    pub fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(&self.cli.path);
        command.args(arguments).current_dir(self.path()).env_clear().stdin(Stdio::null());
        command.env("PATH", std::env::var_os("PATH").unwrap_or_default());
        command.env("HOME", self.home());
        command.env("TF_CLI_CONFIG_FILE", self.path().join("dev.tfrc"));
        command.env("CHECKPOINT_DISABLE", "1").env("TF_IN_AUTOMATION", "1").envs(&self.env);
        command
    }

    /// Runs the CLI to its end.
    ///
    /// # Panics
    /// When it does not come to an end; its output is shown.
    #[track_caller]
    pub fn run(&self, arguments: &[&str]) -> Run {
        self.spawn(arguments).finish()
    }

    /// Starts the CLI and leaves it running.
    pub fn spawn(&self, arguments: &[&str]) -> Running {
        Running::start(self.command(arguments))
    }

    /// `plan`, with diagnostics as JSON.
    pub fn plan(&self) -> Run {
        self.run(&["plan", "-input=false", "-json", "-out=plan.bin"])
    }

    /// `apply` without questions, with diagnostics as JSON.
    pub fn apply(&self) -> Run {
        self.run(&["apply", "-input=false", "-auto-approve", "-json"])
    }

    /// Applies, and fails the test unless nothing is left to do then.
    ///
    /// # Panics
    /// When the apply fails, or the plan after it is not empty.
    #[track_caller]
    pub fn converge(&self) {
        self.apply().expect_success();
        self.expect_no_changes();
    }

    /// Starts [`Workspace::apply`] and leaves it running.
    pub fn start_apply(&self) -> Running {
        self.spawn(&["apply", "-input=false", "-auto-approve", "-json"])
    }

    /// `destroy` without questions, with diagnostics as JSON.
    pub fn destroy(&self) -> Run {
        self.run(&["destroy", "-input=false", "-auto-approve", "-json"])
    }

    /// `import`, which has no JSON output.
    pub fn import(&self, address: &str, id: &str) -> Run {
        self.run(&["import", "-input=false", "-no-color", address, id])
    }

    /// Plans and gives every resource's part of the plan, by address.
    ///
    /// # Panics
    /// When the plan fails.
    #[track_caller]
    pub fn changes(&self) -> BTreeMap<String, Change> {
        self.plan().expect_success();
        let shown = self.run(&["show", "-json", "plan.bin"]).expect_success();
        let json: Value = serde_json::from_str(&shown.stdout).unwrap();
        let changes = json["resource_changes"].as_array().cloned().unwrap_or_default();
        changes.iter().map(Change::of).map(|change| (change.address.clone(), change)).collect()
    }

    /// Fails the test unless a plan changes nothing, outputs included.
    ///
    /// # Panics
    /// When the plan fails or has a change; the changes are shown.
    #[track_caller]
    pub fn expect_no_changes(&self) {
        let run = self.run(&["plan", "-input=false", "-no-color", "-detailed-exitcode"]);
        assert_eq!(run.code, Some(0), "the plan is not empty:\n{}\n{}", run.stdout, run.stderr);
    }

    /// Fails the test unless the plan has exactly this change of `address`, and gives it.
    ///
    /// # Panics
    /// When the plan fails or does something else to the resource.
    #[track_caller]
    pub fn expect_change(&self, address: &str, actions: &[&str]) -> Change {
        let mut changes = self.changes();
        let change = changes.remove(address).unwrap_or_else(|| panic!("{address} is not in the plan"));
        assert_eq!(change.actions, actions, "{change:#?}");
        change
    }

    /// The values of one resource in the state; null when it is not there.
    pub fn state(&self, address: &str) -> Value {
        let shown = self.run(&["show", "-json"]).expect_success();
        let json: Value = serde_json::from_str(&shown.stdout).unwrap();
        let resources = json["values"]["root_module"]["resources"].as_array().cloned().unwrap_or_default();
        let found = resources.into_iter().find(|resource| resource["address"] == address);
        found.map_or(Value::Null, |resource| resource["values"].clone())
    }
}
