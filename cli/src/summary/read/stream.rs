//! The stream of messages that `tofu plan -json` writes (and `-json-into` into a file): a JSON object
//! in each line. It has addresses, actions and reasons, and no values.

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::plan::{Change, Plan, ResourceChange};

/// A message, as far as one has something for a summary.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Message {
    r#type: String,
    terraform: String,
    tofu: String,
    change: Planned,
    outputs: std::collections::BTreeMap<String, Output>,
    diagnostic: Diagnostic,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Planned {
    resource: Resource,
    previous_resource: Option<Resource>,
    action: String,
    reason: String,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Resource {
    addr: String,
    module: String,
    resource_type: String,
    resource_name: String,
    implied_provider: String,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Output {
    action: String,
    sensitive: bool,
}

/// A problem that was told on the way.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize, Serialize)]
#[serde(default)]
pub struct Diagnostic {
    /// `error` or `warning`.
    pub severity: String,
    /// In one line.
    pub summary: String,
    /// The rest.
    pub detail: String,
    /// The resource that it is about.
    pub address: String,
    /// Where in the configuration.
    pub range: Option<Range>,
}

/// A place in a file of the configuration.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize, Serialize)]
#[serde(default)]
pub struct Range {
    /// The file.
    pub filename: String,
    /// Where it begins.
    pub start: Position,
}

/// A place in a file.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize, Serialize)]
#[serde(default)]
pub struct Position {
    /// From 1.
    pub line: u32,
}

/// Reads a stream; lines that are no messages are passed over, as wrappers print such.
/// `None` where no line is one.
pub fn read(text: &str) -> Option<(Plan, Vec<Diagnostic>)> {
    let mut plan = Plan::default();
    let mut diagnostics = Vec::new();
    let mut seen = false;
    for message in text.lines().filter_map(|line| serde_json::from_str::<Message>(line.trim()).ok()) {
        seen |= !message.r#type.is_empty();
        match message.r#type.as_str() {
            "version" => plan.terraform_version = [message.tofu, message.terraform].concat(),
            "planned_change" => plan.resource_changes.push(planned(message.change)),
            "resource_drift" => plan.resource_drift.push(planned(message.change)),
            "outputs" => plan.output_changes.extend(message.outputs.into_iter().map(output)),
            "diagnostic" => {
                plan.errored |= message.diagnostic.severity == "error";
                diagnostics.push(message.diagnostic);
            }
            _ => {}
        }
    }
    seen.then_some((plan, diagnostics))
}

fn planned(change: Planned) -> ResourceChange {
    let words: &[&str] = match change.action.as_str() {
        "replace" => &["delete", "create"],
        "noop" => &["no-op"],
        "remove" => &["forget"],
        // Both change nothing but the state, which a plan's JSON says beside the action.
        "move" | "import" => &["no-op"],
        other => &[other],
    };
    let is_data = change.resource.addr.split('.').any(|part| part == "data");
    let importing = (change.action == "import").then_some(Value::Bool(true));
    let actions = words.iter().map(|&word| word.to_owned()).collect();
    ResourceChange {
        address: change.resource.addr,
        previous_address: change.previous_resource.map(|previous| previous.addr),
        module_address: change.resource.module,
        mode: if is_data { "data" } else { "managed" }.into(),
        r#type: change.resource.resource_type,
        name: change.resource.resource_name,
        provider_name: change.resource.implied_provider,
        change: Change { actions, importing, ..Change::default() },
        action_reason: change.reason,
        deposed: None,
    }
}

fn output((name, output): (String, Output)) -> (String, Change) {
    let action = if output.action == "noop" { "no-op" } else { &output.action };
    let change = Change {
        actions: vec![action.into()],
        after_sensitive: Value::Bool(output.sensitive),
        after_unknown: Value::Bool(!output.sensitive),
        ..Change::default()
    };
    (name, change)
}

#[cfg(test)]
mod tests {
    use super::*;

    const STREAM: &str = r#"some wrapper says this
{"@level":"info","type":"version","tofu":"1.12.6","ui":"1.2"}
{"type":"planned_change","change":{"resource":{"addr":"module.a.t.n[\"x\"]","module":"module.a","resource_type":"t","resource_name":"n","implied_provider":"t"},"action":"replace","reason":"tainted"}}
{"type":"planned_change","change":{"resource":{"addr":"t.moved"},"previous_resource":{"addr":"t.old"},"action":"move"}}
{"type":"outputs","outputs":{"o":{"action":"create","sensitive":false}}}
{"type":"diagnostic","diagnostic":{"severity":"error","summary":"No","detail":"Really"}}
"#;

    #[test]
    fn a_stream_is_a_plan_without_values() {
        let (plan, diagnostics) = read(STREAM).unwrap();
        assert_eq!(plan.terraform_version, "1.12.6");
        let told: Vec<_> = plan
            .resource_changes
            .iter()
            .map(|one| (one.address.as_str(), one.change.actions.join(",")))
            .collect();
        assert_eq!(told, [("module.a.t.n[\"x\"]", "delete,create".into()), ("t.moved", "no-op".to_owned())]);
        assert_eq!(plan.resource_changes[1].previous_address.as_deref(), Some("t.old"));
        assert!(plan.errored && plan.output_changes.contains_key("o"));
        assert_eq!(diagnostics[0].summary, "No");
    }

    #[test]
    fn text_that_is_none_is_none() {
        assert!(read("Plan: 1 to add\n{}\n").is_none());
    }
}
