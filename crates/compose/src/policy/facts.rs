//! What the rules need to know of a service.

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::project::Published;

/// What the rules need to know of a service, beside its image and what it is when all is well.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
#[allow(missing_docs, reason = "the fields that have no comment are what their names say")]
pub struct Facts {
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub memory_limit: bool,
    /// Whether its processor time has a limit.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub cpu_limit: bool,
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub memory_reservation: bool,
    /// Whether it reserves processor time.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub cpu_reservation: bool,
    /// Where in the service something is privileged: `privileged`, `build.privileged`.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub privileged: Vec<String>,
    /// Whether it is in the host's own network.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub host_network: bool,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub ports: Vec<Published>,
}

impl Facts {
    /// The facts of a service as `docker compose config --format json` writes it.
    pub fn of(service: &Value) -> Self {
        let resources = &service["deploy"]["resources"];
        let (limits, reservations) = (&resources["limits"], &resources["reservations"]);
        let any = |values: &[&Value]| values.iter().any(|value| is_set(value));
        Self {
            memory_limit: any(&[&service["mem_limit"], &limits["memory"]]),
            cpu_limit: any(&[&service["cpus"], &service["cpu_quota"], &limits["cpus"]]),
            memory_reservation: any(&[&service["mem_reservation"], &reservations["memory"]]),
            cpu_reservation: any(&[&reservations["cpus"]]),
            privileged: privileged(service),
            host_network: service["network_mode"] == "host",
            ports: published(service),
        }
    }

    /// The facts of a service of which there are runs only: `docker compose run` publishes none of its
    /// ports.
    #[must_use]
    pub fn of_a_run(self) -> Self {
        Self { ports: Vec::new(), ..self }
    }

    /// Whether there is nothing to remember.
    pub fn is_default(&self) -> bool {
        *self == Self::default()
    }
}

/// Whether an amount is given; 0 is Compose's word for none.
fn is_set(value: &Value) -> bool {
    match value {
        Value::Number(number) => number.as_f64().is_some_and(|number| number > 0.0),
        Value::String(text) => !text.is_empty() && text.parse::<f64>().map_or(true, |number| number > 0.0),
        _ => false,
    }
}

/// Every `privileged: true`: of the service itself, of its build, of what runs in it at its start
/// and end.
fn privileged(service: &Value) -> Vec<String> {
    let hook = |name: &'static str| {
        let hooks = service[name].as_array().into_iter().flatten().enumerate();
        hooks.map(move |(index, hook)| (format!("{name}[{index}].privileged"), &hook["privileged"]))
    };
    let own = [("privileged".to_owned(), &service["privileged"])];
    let build = [("build.privileged".to_owned(), &service["build"]["privileged"])];
    let all = own.into_iter().chain(build).chain(hook("post_start")).chain(hook("pre_stop"));
    all.filter(|(_, value)| **value == true).map(|(path, _)| path).collect()
}

fn published(service: &Value) -> Vec<Published> {
    let ports = service["ports"].as_array().into_iter().flatten();
    ports.filter_map(|port| Published::deserialize(port).ok()).collect()
}
