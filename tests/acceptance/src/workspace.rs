//! A directory with configuration, and a CLI that works in it.

use std::{
    collections::BTreeMap,
    fs,
    io::ErrorKind,
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

/// The file of the last plan in a workspace.
const PLAN: &str = "plan.bin";

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
        self.run(&["plan", "-input=false", "-json", &format!("-out={PLAN}")])
    }

    /// `apply` without questions, with diagnostics as JSON.
    pub fn apply(&self) -> Run {
        self.run(&["apply", "-input=false", "-auto-approve", "-json"])
    }

    /// Applies what the last [`Workspace::plan`] or [`Workspace::expect_change`] has planned: what was
    /// looked at is what is done, and nothing is planned a second time.
    pub fn apply_planned(&self) -> Run {
        self.run(&["apply", "-input=false", "-json", PLAN])
    }

    /// [`Workspace::apply_planned`], and fails the test unless nothing is left to do then.
    ///
    /// # Panics
    /// When the apply fails, or the plan after it is not empty.
    #[track_caller]
    pub fn converge_as_planned(&self) {
        self.apply_planned().expect_success();
        self.expect_no_changes();
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
        self.planned_changes()
    }

    /// Every resource's part of the last [`Workspace::plan`], by address.
    ///
    /// # Panics
    /// When there is no such plan.
    #[track_caller]
    pub fn planned_changes(&self) -> BTreeMap<String, Change> {
        let shown = self.run(&["show", "-json", PLAN]).expect_success();
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
        self.plan().expect_success();
        self.expect_planned_change(address, actions)
    }

    /// [`Workspace::expect_change`] of the last [`Workspace::plan`], for a test that has looked at what
    /// the plan said.
    ///
    /// # Panics
    /// When that plan does something else to the resource.
    #[track_caller]
    pub fn expect_planned_change(&self, address: &str, actions: &[&str]) -> Change {
        let mut changes = self.planned_changes();
        let change = changes.remove(address).unwrap_or_else(|| panic!("{address} is not in the plan"));
        assert_eq!(change.actions, actions, "{change:#?}");
        change
    }

    /// The values of one resource of the root module in the state; null when it is not there.
    ///
    /// Read from the file that the CLI has written: to have them shown starts the CLI and the
    /// provider, and is a third of what a plan costs.
    ///
    /// # Panics
    /// When there is a file that is no state.
    pub fn state(&self, address: &str) -> Value {
        match fs::read(self.path().join("terraform.tfstate")) {
            // What a CLI that was killed before its first write has made to lock it.
            Ok(text) if text.is_empty() => Value::Null,
            Ok(text) => values_of(&serde_json::from_slice(&text).unwrap(), address),
            Err(error) if error.kind() == ErrorKind::NotFound => Value::Null,
            Err(error) => panic!("{}: {error}", self.path().display()),
        }
    }
}

/// What a state, in the fourth version of its format, has at an address of its root module.
fn values_of(state: &Value, address: &str) -> Value {
    assert_eq!(state["version"], 4, "{state}");
    let resources = state["resources"].as_array().unwrap().iter();
    let mut instances = resources.filter(|resource| resource["module"].is_null()).flat_map(|resource| {
        let data = if resource["mode"] == "data" { "data." } else { "" };
        let (kind, name) = (resource["type"].as_str().unwrap(), resource["name"].as_str().unwrap());
        let address = format!("{data}{kind}.{name}");
        resource["instances"].as_array().unwrap().iter().map(move |instance| (address.clone(), instance))
    });
    let found = instances.find(|(of, instance)| {
        let key = &instance["index_key"];
        let index = if key.is_null() { String::new() } else { format!("[{key}]") };
        instance["deposed"].is_null() && format!("{of}{index}") == address
    });
    found.map_or(Value::Null, |(_, instance)| instance["attributes"].clone())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn values_are_found_by_the_address_of_their_resource() {
        let resource = |mode: &str, name: &str, instances: Value| json!({ "mode": mode, "type": "t", "name": name, "instances": instances });
        let mut inner = resource("managed", "one", json!([{ "attributes": "of a module" }]));
        inner["module"] = "module.m".into();
        let state = json!({ "version": 4, "resources": [
            inner,
            resource("managed", "one", json!([{ "deposed": "01", "attributes": "old" }, { "attributes": 1 }])),
            resource("managed", "two", json!([{ "index_key": "a", "attributes": 2 }, { "index_key": 0, "attributes": 3 }])),
            resource("data", "one", json!([{ "attributes": 4 }])),
        ] });
        let found = |address| values_of(&state, address);
        assert_eq!(
            (found("t.one"), found("t.two[\"a\"]"), found("t.two[0]")),
            (1.into(), 2.into(), 3.into())
        );
        assert_eq!(
            (found("data.t.one"), found("t.two"), found("t.three")),
            (4.into(), Value::Null, Value::Null)
        );
    }
}
