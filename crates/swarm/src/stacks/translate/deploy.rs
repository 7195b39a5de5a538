//! How many tasks of a service there are, where, with what resources, and how they are replaced.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use super::{
    json::{is_set, list, nano_cpus, nanoseconds, number, object, set, text},
    problem::Problem,
};
use crate::stacks::wanted::ServiceMode;

/// The mode of a service, and how many tasks it has where the nodes do not decide.
pub(super) fn mode(service: &str, body: &Value, problems: &mut Vec<Problem>) -> (ServiceMode, Option<u64>) {
    let deploy = &body["deploy"];
    let mode = ServiceMode::parse(deploy["mode"].as_str().unwrap_or_default()).unwrap_or_else(|| {
        problems.push(Problem::value(
            &format!("service {service:?}"),
            "deploy.mode",
            &deploy["mode"],
            "is not a mode of a service",
        ));
        ServiceMode::Replicated
    });
    let count = number(&deploy["replicas"]).or_else(|| number(&body["scale"]));
    let count = count.and_then(|count| u64::try_from(count).ok()).unwrap_or(1);
    let counts = matches!(mode, ServiceMode::Replicated | ServiceMode::ReplicatedJob);
    (mode, counts.then_some(count))
}

/// The same as the swarm is told.
pub(super) fn mode_spec(mode: ServiceMode, replicas: Option<u64>) -> Value {
    match mode {
        ServiceMode::Replicated => json!({"Replicated": {"Replicas": replicas}}),
        ServiceMode::Global => json!({"Global": {}}),
        ServiceMode::ReplicatedJob => {
            json!({"ReplicatedJob": {"MaxConcurrent": replicas, "TotalCompletions": replicas}})
        }
        ServiceMode::GlobalJob => json!({"GlobalJob": {}}),
    }
}

/// How tasks are replaced, in an update or when one is rolled back.
pub(super) fn update(body: &Value) -> Value {
    if !body.is_object() {
        return Value::Null;
    }
    object([
        ("Parallelism", json!(number(&body["parallelism"]).unwrap_or(1))),
        ("Delay", json!(nanoseconds(&body["delay"]))),
        ("FailureAction", set(&body["failure_action"])),
        ("Monitor", json!(nanoseconds(&body["monitor"]))),
        ("MaxFailureRatio", set(&body["max_failure_ratio"])),
        ("Order", set(&body["order"])),
    ])
}

/// What a task may use, and what a node has to have for it.
pub(super) fn resources(service: &str, body: &Value, problems: &mut Vec<Problem>) -> Value {
    let (limits, reserved) =
        (&body["deploy"]["resources"]["limits"], &body["deploy"]["resources"]["reservations"]);
    let of = format!("service {service:?}");
    let mut cpus = |value: &Value, key: &str| {
        let cpus = nano_cpus(value);
        if is_set(value) && cpus.is_none() {
            problems.push(Problem::value(&of, key, value, "is not a number of processors"));
        }
        cpus
    };
    let limit_cpus =
        cpus(&limits["cpus"], "deploy.resources.limits.cpus").or_else(|| cpus(&body["cpus"], "cpus"));
    let reserved_cpus = cpus(&reserved["cpus"], "deploy.resources.reservations.cpus");
    let either =
        |one: &Value, other: &Value| number(one).or_else(|| number(other)).filter(|number| *number != 0);
    let generic: Vec<Value> = list(&reserved["generic_resources"])
        .map(|one| &one["discrete_resource_spec"])
        .map(|one| json!({"DiscreteResourceSpec": {"Kind": one["kind"], "Value": one["value"]}}))
        .collect();
    let limits = object([
        ("NanoCPUs", json!(limit_cpus)),
        ("MemoryBytes", json!(either(&limits["memory"], &body["mem_limit"]))),
        ("Pids", json!(either(&limits["pids"], &body["pids_limit"]))),
    ]);
    let reserved_spec = object([
        ("NanoCPUs", json!(reserved_cpus)),
        ("MemoryBytes", json!(either(&reserved["memory"], &body["mem_reservation"]))),
        ("GenericResources", set(&json!(generic))),
    ]);
    object([("Limits", set(&limits)), ("Reservations", set(&reserved_spec))])
}

/// Where tasks may be.
pub(super) fn placement(body: &Value) -> Value {
    let body = &body["deploy"]["placement"];
    let preferences: Vec<Value> = list(&body["preferences"])
        .map(|one| json!({"Spread": {"SpreadDescriptor": one["spread"]}}))
        .collect();
    object([
        ("Constraints", set(&body["constraints"])),
        ("Preferences", set(&json!(preferences))),
        ("MaxReplicas", set(&body["max_replicas_per_node"])),
    ])
}

/// When a task that has ended is started again: by `deploy.restart_policy`, else by `restart`. The word
/// `no` is taken at its word, where a swarm's own way would be to start it again.
pub(super) fn restart(body: &Value) -> Value {
    let policy = &body["deploy"]["restart_policy"];
    if policy.is_object() {
        return object([
            ("Condition", set(&policy["condition"])),
            ("Delay", json!(nanoseconds(&policy["delay"]))),
            ("MaxAttempts", json!(number(&policy["max_attempts"]))),
            ("Window", json!(nanoseconds(&policy["window"]))),
        ]);
    }
    let word = text(&body["restart"]).unwrap_or_default();
    let (word, most) =
        word.split_once(':').map_or((word.as_str(), None), |(word, most)| (word, most.parse::<i64>().ok()));
    let condition = match word {
        "always" | "unless-stopped" => "any",
        "on-failure" => "on-failure",
        "no" => "none",
        _ => return Value::Null,
    };
    object([("Condition", json!(condition)), ("MaxAttempts", json!(most.filter(|most| *most > 0)))])
}

/// Keys of `deploy` that are lost, and those that must not be.
pub(super) fn lost(body: &Value) -> BTreeSet<String> {
    let devices = is_set(&body["deploy"]["resources"]["reservations"]["devices"]);
    devices.then(|| "deploy.resources.reservations.devices".to_owned()).into_iter().collect()
}
