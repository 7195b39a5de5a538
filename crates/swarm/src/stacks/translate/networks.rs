//! Networks.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Value, json};

use super::{
    Files, LABEL_NETWORK, hash,
    json::{fields, is_set, list, object, set, text, texts},
    problem::Problem,
};
use crate::stacks::wanted::NewNetwork;

/// The driver of networks on one machine, which Compose files name without need.
const BRIDGE: &str = "bridge";
/// The driver of networks of a swarm.
const OVERLAY: &str = "overlay";
/// What options of that other driver begin with.
const BRIDGE_OPTIONS: &str = "com.docker.network.bridge.";
/// Keys of a network in use by a service that a swarm takes.
const ATTACHMENT: [&str; 2] = ["aliases", "driver_opts"];

/// The networks of the files, by their keys.
pub(super) fn all(
    files: &Files<'_>,
    ignored: &mut BTreeMap<String, BTreeSet<String>>,
    problems: &mut Vec<Problem>,
) -> BTreeMap<String, NewNetwork> {
    let all = fields(&files.document["networks"]);
    all.map(|(key, body)| {
        let (network, lost) = network(files, key, body, problems);
        if !lost.is_empty() {
            ignored.entry(format!("networks.{key}")).or_default().extend(lost);
        }
        (key.clone(), network)
    })
    .collect()
}

fn network(
    files: &Files<'_>,
    key: &str,
    body: &Value,
    problems: &mut Vec<Problem>,
) -> (NewNetwork, BTreeSet<String>) {
    let name = text(&body["name"]).unwrap_or_else(|| files.scoped(key));
    let named = name != files.scoped(key);
    let mut lost = BTreeSet::new();
    if is_set(&body["external"]) {
        let network = NewNetwork { name, external: true, named, spec: Value::Null, hash: String::new() };
        return (network, lost);
    }
    let mut driver = body["driver"].as_str().filter(|driver| !driver.is_empty()).unwrap_or(OVERLAY);
    let mut options = texts(&body["driver_opts"]);
    if driver == BRIDGE {
        lost.insert("driver".to_owned());
        driver = OVERLAY;
        options.retain(|option, _| !option.starts_with(BRIDGE_OPTIONS));
    }
    if matches!(driver, "host" | "none") {
        problems.push(Problem::value(
            &format!("network {key:?}"),
            "driver",
            &body["driver"],
            "is on no swarm",
        ));
    }
    let ranges: Vec<Value> = list(&body["ipam"]["config"])
        .map(|range| {
            object([
                ("Subnet", set(&range["subnet"])),
                ("Gateway", set(&range["gateway"])),
                ("IPRange", set(&range["ip_range"])),
            ])
        })
        .filter(is_set)
        .collect();
    let ipam = object([("Driver", set(&body["ipam"]["driver"])), ("Config", set(&json!(ranges)))]);
    let spec = object([
        ("Name", json!(name)),
        ("Driver", json!(driver)),
        ("Internal", json!(is_set(&body["internal"]))),
        ("Attachable", json!(is_set(&body["attachable"]))),
        ("EnableIPv6", json!(is_set(&body["enable_ipv6"]))),
        ("Options", set(&json!(options))),
        ("IPAM", set(&ipam)),
        ("Labels", files.labels(&body["labels"])),
    ]);
    let hash = hash(&spec);
    let mut spec = spec;
    spec["Labels"][LABEL_NETWORK] = json!(hash);
    (NewNetwork { name, external: false, named, spec, hash }, lost)
}

/// How a service is on its networks, their keys, and what is lost.
pub(super) fn attachments(
    service: &str,
    body: &Value,
    networks: &BTreeMap<String, NewNetwork>,
) -> (Vec<Value>, BTreeSet<String>, BTreeSet<String>) {
    let (mut attachments, mut keys, mut lost) = (BTreeMap::new(), BTreeSet::new(), BTreeSet::new());
    for (key, body) in fields(body) {
        let Some(network) = networks.get(key) else { continue };
        let mut aliases: Vec<Value> = list(&body["aliases"]).cloned().collect();
        if !aliases.iter().any(|alias| alias == service) {
            aliases.push(json!(service));
        }
        let attachment = object([
            ("Target", json!(network.name)),
            ("Aliases", json!(aliases)),
            ("DriverOpts", set(&body["driver_opts"])),
        ]);
        attachments.insert(network.name.clone(), attachment);
        keys.insert(key.clone());
        let others = fields(body).filter(|(key, value)| is_set(value) && !ATTACHMENT.contains(&key.as_str()));
        lost.extend(others.map(|(other, _)| format!("networks.{key}.{other}")));
    }
    (attachments.into_values().collect(), keys, lost)
}
