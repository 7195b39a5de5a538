//! What of a plan is to be looked at first: what cannot be taken back, or lets others in or us out.

use serde_json::Value;

use super::action::Action;
use super::read::plan::ResourceChange;
use super::services::{ServiceChange, keeps_data};
use super::values::spelled;

/// What may go wrong, the gravest first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Risk {
    /// Data go.
    DataLoss,
    /// A machine goes, with all that is on it.
    Machine,
    /// The managers of a swarm may lose their majority.
    Quorum,
    /// Others may reach or do something else than before.
    Policy,
    /// Something that keeps data is made anew.
    Stateful,
}

impl Risk {
    /// As a heading.
    pub const fn name(self) -> &'static str {
        match self {
            Self::DataLoss => "data loss",
            Self::Machine => "machine replaced",
            Self::Quorum => "quorum",
            Self::Policy => "access",
            Self::Stateful => "stateful service",
        }
    }
}

/// One reason to look.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Danger {
    /// What may go wrong.
    pub risk: Risk,
    /// What happens, as a sentence.
    pub text: String,
}

/// The dangers of one change.
pub fn of(of: &ResourceChange, action: Action, services: &[ServiceChange]) -> Vec<Danger> {
    let mut found = Vec::new();
    let mut add = |risk, text: &str| found.push(Danger { risk, text: text.to_owned() });
    match of.r#type.as_str() {
        "windlass_docker_volume" => volume(of, action, &mut add),
        "windlass_compose_stack" | "windlass_swarm_stack" => stack(of, action, services, &mut add),
        "windlass_corpus_backup" if action.removes() && text(&of.change.before, "on_destroy") == "delete" => {
            add(Risk::DataLoss, "All of its snapshots that are not held are removed from its stores.");
        }
        "windlass_corpus_restore" if is_true(&of.change.after, "overwrite") && is_due(of, action) => {
            add(Risk::DataLoss, "A snapshot takes the place of the data that are there.");
        }
        "windlass_swarm" => swarm(of, action, &mut add),
        "windlass_swarm_node" => node(of, action, &mut add),
        "windlass_tailnet_policy" => policy(of, action, &mut add),
        "windlass_host" => host(of, action, &mut add),
        kind if !kind.starts_with("windlass_") => foreign(of, kind, action, &mut add),
        _ => {}
    }
    found
}

fn text<'a>(value: &'a Value, name: &str) -> &'a str {
    value.get(name).and_then(Value::as_str).unwrap_or_default()
}

fn is_true(value: &Value, name: &str) -> bool {
    value.get(name) == Some(&Value::Bool(true))
}

/// Whether a value is another one afterwards, or not known.
fn differs(of: &ResourceChange, name: &str) -> bool {
    let unknown = of.change.after_unknown.get(name).is_some_and(|mark| *mark == Value::Bool(true));
    unknown || of.change.before.get(name) != of.change.after.get(name)
}

fn volume(of: &ResourceChange, action: Action, add: &mut impl FnMut(Risk, &str)) {
    if action.removes() && is_true(&of.change.before, "remove_on_destroy") {
        add(Risk::DataLoss, "The volume is removed with all data in it (`remove_on_destroy`).");
    } else if action == Action::Update && differs(of, "host") {
        add(Risk::Stateful, "On another machine the volume is a new, empty one; its data do not move.");
    }
}

/// A restore is made once, and again when something of it is another one.
fn is_due(of: &ResourceChange, action: Action) -> bool {
    let told_after = of.change.after_unknown.get("restored_at").is_some();
    matches!(action, Action::Create | Action::Replace { .. }) || action == Action::Update && told_after
}

fn stack(of: &ResourceChange, action: Action, services: &[ServiceChange], add: &mut impl FnMut(Risk, &str)) {
    if action.removes() && is_true(&of.change.before, "remove_volumes_on_destroy") {
        add(
            Risk::DataLoss,
            "The stack's volumes are removed with all data in them (`remove_volumes_on_destroy`).",
        );
    }
    if action == Action::Update && is_elsewhere(of) {
        add(
            Risk::Stateful,
            "The stack may move to another machine; data in its volumes stay where they are.",
        );
    }
    for service in services.iter().filter(|service| service.replaces && keeps_data(&service.image)) {
        let text = format!(
            "The service `{}` is {}, whose image `{}` keeps data.",
            service.name, service.what, service.image
        );
        add(Risk::Stateful, &text);
    }
    if services.is_empty() && matches!(action, Action::Replace { .. }) {
        add(Risk::Stateful, "The whole stack is taken down and made anew.");
    }
}

/// Another host, by name: another user or port of the same one is none.
fn is_elsewhere(of: &ResourceChange) -> bool {
    let machine = |value: &Value| super::place::machine_of(text(value, "host"));
    match (machine(&of.change.before), machine(&of.change.after)) {
        (Some(before), Some(after)) => before != after,
        (Some(_), None) => of.change.after_unknown.get("host") == Some(&Value::Bool(true)),
        _ => false,
    }
}

fn swarm(of: &ResourceChange, action: Action, add: &mut impl FnMut(Risk, &str)) {
    if action.removes() {
        add(Risk::Quorum, "The managers leave the swarm: its services, secrets and networks are gone.");
    } else if action == Action::Update
        && !text(&of.change.after, "force_new_cluster").is_empty()
        && differs(of, "force_new_cluster")
    {
        add(Risk::Quorum, "One manager goes on alone (`force_new_cluster`): what it did not know is lost.");
    }
}

fn node(of: &ResourceChange, action: Action, add: &mut impl FnMut(Risk, &str)) {
    let was_manager = text(&of.change.before, "role") == "manager";
    if was_manager && action.removes() {
        add(Risk::Quorum, "A manager leaves the swarm: fewer failures are survived.");
    } else if was_manager && action == Action::Update && text(&of.change.after, "role") != "manager" {
        add(Risk::Quorum, "A manager becomes a worker: fewer failures are survived.");
    } else if action == Action::Update && !was_manager && text(&of.change.after, "role") == "manager" {
        add(Risk::Quorum, "A worker becomes a manager.");
    }
    if action.removes() && is_true(&of.change.before, "force_remove_unreachable") {
        add(
            Risk::Quorum,
            "The node is removed although its machine may not answer (`force_remove_unreachable`).",
        );
    }
}

fn policy(of: &ResourceChange, action: Action, add: &mut impl FnMut(Risk, &str)) {
    if action.removes() && is_true(&of.change.before, "reset_on_destroy") {
        add(Risk::Policy, "Without the policy everybody reaches everything (`reset_on_destroy`).");
    } else if action == Action::Create && is_true(&of.change.after, "adopt_existing") {
        add(Risk::Policy, "The policy takes the place of one that is there (`adopt_existing`).");
    } else if matches!(action, Action::Update | Action::Replace { .. }) && differs(of, "policy") {
        add(Risk::Policy, "Who reaches what in the tailnet changes.");
    }
}

fn host(of: &ResourceChange, action: Action, add: &mut impl FnMut(Risk, &str)) {
    if matches!(action, Action::Replace { .. }) {
        add(
            Risk::Machine,
            "It is another machine: all that lives on it is made there anew, and data do not move.",
        );
    } else if action == Action::Update && differs(of, "host_key") {
        add(Risk::Policy, "Another host key is trusted.");
    }
}

/// What the types of other providers are, as far as their names tell.
fn foreign(of: &ResourceChange, kind: &str, action: Action, add: &mut impl FnMut(Risk, &str)) {
    const DATA: [&str; 13] = [
        "volume",
        "database",
        "_db_",
        "_rds_",
        "bucket",
        "_disk",
        "postgres",
        "mysql",
        "redis",
        "storage",
        "filesystem",
        "_efs_",
        "snapshot",
    ];
    const MACHINES: [&str; 7] =
        ["_server", "_instance", "_droplet", "_machine", "_vm", "_linode", "_compute"];
    const ACCESS: [&str; 7] =
        ["_acl", "firewall", "security_group", "_policy", "_iam_", "_role", "_dns_record"];
    let names = |words: &[&str]| words.iter().any(|word| kind.contains(word));
    let is_attachment = kind.ends_with("_attachment");
    let user_data = of.change.replace_paths.iter().map(|path| spelled(path)).find(|path| {
        ["user_data", "cloud_init", "metadata_startup_script", "custom_data"]
            .iter()
            .any(|one| path.starts_with(one))
    });
    match action {
        Action::Replace { .. } if user_data.is_some() => {
            let path = user_data.unwrap_or_default();
            add(
                Risk::Machine,
                &format!(
                    "The server is replaced because of its user data (`{path}`): what is on its disk goes."
                ),
            );
        }
        _ if action.removes() && !is_attachment && names(&DATA) => {
            add(Risk::DataLoss, "What it keeps goes with it, as far as the name of its type tells.");
        }
        _ if action.removes() && !is_attachment && names(&MACHINES) => {
            add(Risk::Machine, "The machine goes, with what is on its disk.");
        }
        Action::Update | Action::Destroy | Action::Replace { .. } if names(&ACCESS) => {
            add(Risk::Policy, "Who may reach or do what may change.");
        }
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn risks(kind: &str, action: Action, change: Value) -> Vec<(Risk, String)> {
        let change: ResourceChange =
            serde_json::from_value(json!({ "type": kind, "change": change })).unwrap();
        of(&change, action, &super::super::services::changes(&change))
            .into_iter()
            .map(|danger| (danger.risk, danger.text))
            .collect()
    }

    const REPLACE: Action = Action::Replace { new_first: false };

    #[test]
    fn data_go_only_where_somebody_has_said_so() {
        let with = json!({ "before": { "remove_on_destroy": true } });
        assert_eq!(risks("windlass_docker_volume", Action::Destroy, with)[0].0, Risk::DataLoss);
        assert_eq!(risks("windlass_docker_volume", Action::Destroy, json!({ "before": {} })), []);
        let with = json!({ "before": { "remove_volumes_on_destroy": true } });
        assert_eq!(risks("windlass_compose_stack", Action::Destroy, with)[0].0, Risk::DataLoss);
        let with = json!({ "before": { "on_destroy": "delete" } });
        assert_eq!(risks("windlass_corpus_backup", REPLACE, with)[0].0, Risk::DataLoss);
        let with = json!({ "after": { "overwrite": true } });
        assert_eq!(risks("windlass_corpus_restore", Action::Create, with.clone())[0].0, Risk::DataLoss);
        assert_eq!(risks("windlass_corpus_restore", Action::Update, with), []);
    }

    #[test]
    fn a_server_that_goes_because_of_its_user_data_is_named() {
        let change = json!({ "replace_paths": [["user_data"]] });
        let found = risks("hcloud_server", REPLACE, change);
        assert_eq!(found[0].0, Risk::Machine);
        assert!(found[0].1.contains("because of its user data (`user_data`)"), "{found:?}");
        assert_eq!(
            risks("hcloud_server", REPLACE, json!({ "replace_paths": [["image"]] }))[0].0,
            Risk::Machine
        );
        assert_eq!(risks("hcloud_volume", Action::Destroy, json!({}))[0].0, Risk::DataLoss);
        assert_eq!(risks("hcloud_volume_attachment", Action::Destroy, json!({})), []);
        assert_eq!(risks("hcloud_firewall", Action::Update, json!({}))[0].0, Risk::Policy);
    }

    #[test]
    fn managers_policies_and_databases_are_looked_at() {
        let demoted = json!({ "before": { "role": "manager" }, "after": { "role": "worker" } });
        assert_eq!(risks("windlass_swarm_node", Action::Update, demoted)[0].0, Risk::Quorum);
        assert_eq!(
            risks("windlass_swarm_node", Action::Destroy, json!({ "before": { "role": "worker" } })),
            []
        );
        let alone = json!({ "before": {}, "after": { "force_new_cluster": "id" } });
        assert_eq!(risks("windlass_swarm", Action::Update, alone)[0].0, Risk::Quorum);
        let policy = json!({ "before": { "policy": "a" }, "after": { "policy": "b" } });
        assert_eq!(risks("windlass_tailnet_policy", Action::Update, policy)[0].0, Risk::Policy);
        let stack = json!({
            "before": { "services": { "db": { "image": "postgres:15" }, "web": { "image": "nginx:1" } } },
            "after": { "services": { "db": { "image": "postgres:16" }, "web": { "image": "nginx:2" } } },
        });
        let found = risks("windlass_compose_stack", Action::Update, stack);
        assert_eq!(found.len(), 1);
        assert_eq!(found[0].1, "The service `db` is replaced, whose image `postgres:16` keeps data.");
    }

    #[test]
    fn another_machine_is_a_move_and_another_user_is_not() {
        let to = |before: &str, after: &str| {
            let change = json!({ "before": { "host": before }, "after": { "host": after } });
            risks("windlass_compose_stack", Action::Update, change).len()
        };
        assert_eq!(to("ssh://a@web.example.org", "ssh://b@web.example.org:2222"), 0);
        assert_eq!(to("ssh://a@web.example.org", "ssh://a@db.example.org"), 1);
    }
}
