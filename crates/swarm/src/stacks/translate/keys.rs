//! Keys of a service that a swarm does not know: what is lost with each.

use std::collections::BTreeSet;

use serde_json::{Map, Value};

use super::{json::is_set, problem::Problem};

/// What is translated.
const TAKEN: [&str; 34] = [
    "cap_add",
    "cap_drop",
    "command",
    "configs",
    "cpus",
    "deploy",
    "dns",
    "dns_opt",
    "dns_search",
    "entrypoint",
    "environment",
    "extra_hosts",
    "group_add",
    "healthcheck",
    "hostname",
    "image",
    "init",
    "isolation",
    "labels",
    "logging",
    "mem_limit",
    "mem_reservation",
    "networks",
    "pids_limit",
    "ports",
    "read_only",
    "restart",
    "scale",
    "secrets",
    "stdin_open",
    "stop_grace_period",
    "stop_signal",
    "sysctls",
    "tmpfs",
];

/// What is translated as well.
const TAKEN_TOO: [&str; 6] = ["tty", "ulimits", "user", "volumes", "working_dir", "name"];

/// What Compose itself has dealt with, or what is not about running: nothing is lost.
const SETTLED: [&str; 8] =
    ["profiles", "env_file", "label_file", "extends", "develop", "annotations", "attach", "pull_policy"];

/// What makes a container another one: without it, something else would run than what the files say.
const REFUSED: [(&str, &str); 20] = [
    ("privileged", "a task never gets these rights"),
    ("network_mode", "a task is on the networks of its service and on no other"),
    ("devices", "a task gets no devices"),
    ("device_cgroup_rules", "a task gets no devices"),
    ("gpus", "a task gets no devices; nodes offer graphics processors as generic resources"),
    ("pid", "a task has processes of its own"),
    ("ipc", "a task has memory of its own"),
    ("uts", "a task has a host name of its own"),
    ("cgroup", "a task has control groups of its own"),
    ("cgroup_parent", "a task has control groups of its own"),
    ("userns_mode", "a task has the users that the engine gives it"),
    ("security_opt", "a task is confined as the engine has it by default"),
    ("runtime", "a task is run by the default runtime of its node"),
    ("credential_spec", "Windlass does not hand it on"),
    ("volumes_from", "tasks share volumes by name, and are on any node"),
    ("use_api_socket", "a task does not get the engine's socket by this"),
    ("post_start", "no command is run in a task after its start"),
    ("pre_stop", "no command is run in a task before its end"),
    ("provider", "a swarm runs containers only"),
    ("models", "a swarm runs containers only"),
];

/// What is said by the absence of the key.
const USUAL: [(&str, &str); 3] = [("network_mode", "default"), ("ipc", "private"), ("cgroup", "private")];

/// Judges the keys of a service: what changes the meaning and is not in `accepted` is a problem, and
/// what is merely not done is returned.
pub(super) fn judge(
    service: &str,
    body: &Map<String, Value>,
    accepted: &BTreeSet<String>,
    problems: &mut Vec<Problem>,
) -> BTreeSet<String> {
    let mut ignored = BTreeSet::new();
    for (key, value) in body {
        let says_nothing = !is_set(value)
            || key.starts_with("x-")
            || [&TAKEN[..], &TAKEN_TOO, &SETTLED].iter().any(|known| known.contains(&key.as_str()))
            || USUAL.iter().any(|(usual, word)| key == usual && value == word);
        if says_nothing {
            continue;
        }
        match REFUSED.iter().find(|(refused, _)| refused == key) {
            Some((_, why)) if !is_accepted(service, key, accepted) => {
                problems.push(Problem::changes(service, key, why));
            }
            _ => drop(ignored.insert(key.clone())),
        }
    }
    ignored
}

/// Whether the user knows that `key` of `service` is lost.
pub(super) fn is_accepted(service: &str, key: &str, accepted: &BTreeSet<String>) -> bool {
    accepted.contains(key) || accepted.contains(&format!("{service}.{key}"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn judged(body: &Value, accepted: &[&str]) -> (Vec<String>, Vec<String>) {
        let accepted = accepted.iter().map(|key| (*key).to_owned()).collect();
        let mut problems = Vec::new();
        let ignored = judge("app", body.as_object().unwrap(), &accepted, &mut problems);
        (ignored.into_iter().collect(), problems.iter().map(ToString::to_string).collect())
    }

    #[test]
    fn what_is_lost_is_ignored_or_refused() {
        let body = json!({"image": "a", "build": {"context": "."}, "container_name": "x", "x-y": 1, "pid": "host",
            "depends_on": {"db": {}}, "privileged": false, "ipc": "private", "devices": [], "new_key": true});
        let (ignored, problems) = judged(&body, &[]);
        assert_eq!(ignored, ["build", "container_name", "depends_on", "new_key"]);
        assert_eq!(problems, ["service \"app\" has `pid`: a task has processes of its own"]);
        for accepted in ["pid", "app.pid"] {
            let (ignored, problems) = judged(&body, &[accepted]);
            assert!(ignored.contains(&"pid".to_owned()) && problems.is_empty());
        }
        assert_eq!(judged(&body, &["web.pid"]).1.len(), 1);
    }
}
