//! The JSON of a plan, as `tofu show -json` and `terraform show -json` write it: the parts that a
//! summary needs. What a core does not tell, or an older one, is empty here.

use std::collections::BTreeMap;

use serde::Deserialize;
use serde_json::Value;

/// A plan.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct Plan {
    /// The format; nothing else has one that begins with `1.` and has changes.
    pub format_version: String,
    /// The core's version.
    pub terraform_version: String,
    /// Values of the configuration's variables.
    pub variables: BTreeMap<String, Variable>,
    /// What becomes of each resource.
    pub resource_changes: Vec<ResourceChange>,
    /// What has been changed behind the state's back.
    pub resource_drift: Vec<ResourceChange>,
    /// What becomes of each output.
    pub output_changes: BTreeMap<String, Change>,
    /// The configuration.
    pub configuration: Configuration,
    /// The state before, for what is sensitive in it.
    pub prior_state: Value,
    /// Whether the plan ended early.
    pub errored: bool,
}

/// The value of a variable.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct Variable {
    /// It.
    pub value: Value,
}

/// What becomes of one resource.
#[derive(Debug, Default, Clone, Deserialize)]
#[serde(default)]
pub struct ResourceChange {
    /// Its address.
    pub address: String,
    /// The address that it had.
    pub previous_address: Option<String>,
    /// The module that it is in.
    pub module_address: String,
    /// `managed` or `data`.
    pub mode: String,
    /// Its type.
    pub r#type: String,
    /// Its name.
    pub name: String,
    /// The provider's source.
    pub provider_name: String,
    /// The key of an object that is only to be removed.
    pub deposed: Option<String>,
    /// What changes.
    pub change: Change,
    /// Why, as the core says it.
    pub action_reason: String,
}

/// Values before and after.
#[derive(Debug, Default, Clone, Deserialize)]
#[serde(default)]
pub struct Change {
    /// The words of the core.
    pub actions: Vec<String>,
    /// The value before; null for what is created.
    pub before: Value,
    /// The value after, without what is not known yet.
    pub after: Value,
    /// `true` in the places of what is not known yet.
    pub after_unknown: Value,
    /// `true` in the places of what is sensitive.
    pub before_sensitive: Value,
    /// The same after.
    pub after_sensitive: Value,
    /// The paths that make a replacement of a change.
    pub replace_paths: Vec<Vec<Value>>,
    /// Where it is imported.
    pub importing: Option<Value>,
}

/// The configuration.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct Configuration {
    /// The root module.
    pub root_module: Module,
}

/// A module.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct Module {
    /// Resources in it.
    pub resources: Vec<ConfiguredResource>,
    /// Modules that it calls.
    pub module_calls: BTreeMap<String, ModuleCall>,
    /// What it takes.
    pub variables: BTreeMap<String, ConfiguredVariable>,
    /// What it gives.
    pub outputs: BTreeMap<String, ConfiguredOutput>,
}

/// A resource as it is written.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct ConfiguredResource {
    /// Its address in its module.
    pub address: String,
    /// Its arguments.
    pub expressions: Value,
    /// What it names as what it depends on.
    pub depends_on: Vec<String>,
}

/// The call of a module.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct ModuleCall {
    /// Its arguments.
    pub expressions: Value,
    /// What is called.
    pub module: Module,
}

/// A variable as it is written.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct ConfiguredVariable {
    /// Whether it is sensitive.
    pub sensitive: bool,
}

/// An output as it is written.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct ConfiguredOutput {
    /// Where its value comes from.
    pub expression: Value,
}
