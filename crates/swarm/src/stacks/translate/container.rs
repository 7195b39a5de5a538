//! What runs in a task.

use std::collections::BTreeSet;

use serde_json::{Map, Value, json};

use super::{
    Files,
    json::{fields, is_set, list, nanoseconds, number, object, set, text},
};

/// The container of a service, but for its mounts, secrets and configs.
pub(super) fn container(files: &Files<'_>, body: &Value) -> Map<String, Value> {
    let dns = object([
        ("Nameservers", set(&body["dns"])),
        ("Search", set(&body["dns_search"])),
        ("Options", set(&body["dns_opt"])),
    ]);
    let container = object([
        ("Image", set(&body["image"])),
        ("Labels", files.labels(&body["labels"])),
        ("Command", set(&body["entrypoint"])),
        ("Args", set(&body["command"])),
        ("Hostname", set(&body["hostname"])),
        ("Env", set(&json!(environment(&body["environment"])))),
        ("Dir", set(&body["working_dir"])),
        ("User", json!(text(&body["user"]))),
        // As `docker stack deploy` says them, empty too: what it has made is then the same, and goes on.
        ("Privileges", json!({})),
        ("Groups", set(&json!(list(&body["group_add"]).filter_map(text).collect::<Vec<_>>()))),
        ("TTY", set(&body["tty"])),
        ("OpenStdin", set(&body["stdin_open"])),
        ("ReadOnly", set(&body["read_only"])),
        ("StopSignal", set(&body["stop_signal"])),
        ("StopGracePeriod", json!(nanoseconds(&body["stop_grace_period"]))),
        ("HealthCheck", health_check(&body["healthcheck"])),
        ("Hosts", set(&json!(list(&body["extra_hosts"]).filter_map(host).collect::<Vec<_>>()))),
        ("DNSConfig", set(&dns)),
        ("Isolation", set(&body["isolation"])),
        ("Init", json!(body["init"].as_bool())),
        ("Sysctls", set(&json!(super::json::texts(&body["sysctls"])))),
        ("CapabilityAdd", set(&json!(capabilities(&body["cap_add"])))),
        ("CapabilityDrop", set(&json!(capabilities(&body["cap_drop"])))),
        ("Ulimits", set(&json!(limits(&body["ulimits"])))),
    ]);
    match container {
        Value::Object(fields) => fields,
        _ => Map::new(),
    }
}

/// Variables; those without a value are not set.
pub(super) fn environment(body: &Value) -> Vec<String> {
    let mut all: Vec<String> =
        fields(body).filter_map(|(name, value)| Some(format!("{name}={}", text(value)?))).collect();
    all.sort();
    all
}

fn health_check(body: &Value) -> Value {
    if !body.is_object() {
        return Value::Null;
    }
    if is_set(&body["disable"]) {
        return json!({"Test": ["NONE"]});
    }
    object([
        ("Test", set(&body["test"])),
        ("Interval", json!(nanoseconds(&body["interval"]))),
        ("Timeout", json!(nanoseconds(&body["timeout"]))),
        ("Retries", json!(number(&body["retries"]))),
        ("StartPeriod", json!(nanoseconds(&body["start_period"]))),
        ("StartInterval", json!(nanoseconds(&body["start_interval"]))),
    ])
}

/// `name=address`, or `name:address` of older versions of Compose, in the order of a hosts file.
fn host(one: &Value) -> Option<String> {
    let one = one.as_str()?;
    let (name, address) = one.split_once('=').or_else(|| one.split_once(':'))?;
    Some(format!("{address} {name}"))
}

/// Capabilities under their full names.
fn capabilities(body: &Value) -> BTreeSet<String> {
    let full = |name: &str| {
        let name = name.to_ascii_uppercase();
        if name == "ALL" || name.starts_with("CAP_") { name } else { format!("CAP_{name}") }
    };
    list(body).filter_map(Value::as_str).map(full).collect()
}

fn limits(body: &Value) -> Vec<Value> {
    let limit = |(name, body): (&String, &Value)| {
        let single = number(body);
        let part = |key: &str| single.or_else(|| number(&body[key]));
        json!({"Name": name, "Soft": part("soft"), "Hard": part("hard")})
    };
    fields(body).map(limit).collect()
}
