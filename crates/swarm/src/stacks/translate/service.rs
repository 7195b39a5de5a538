//! One service.

use std::collections::{BTreeMap, BTreeSet};

use compose::policy::Facts;
use serde_json::{Map, Value, json};

use super::{
    Files, LABEL_CONFIG, LABEL_ENVIRONMENT, LABEL_FILES, LABEL_IMAGE, container, deploy, files, hash,
    json::{is_set, object, set, text},
    keys, mounts, networks, ports,
    problem::Problem,
};
use crate::stacks::wanted::{FileKind, NewNetwork, NewService, WantedService};

/// A service on its way.
pub(super) struct Translation<'a> {
    pub(super) files: &'a Files<'a>,
    pub(super) name: &'a str,
    pub(super) body: &'a Map<String, Value>,
    pub(super) networks: &'a BTreeMap<String, NewNetwork>,
    pub(super) named: &'a files::Named,
    pub(super) problems: &'a mut Vec<Problem>,
}

/// What a service mounts of secrets and configs.
type Mounted = Vec<(FileKind, String)>;

impl Translation<'_> {
    /// The service, what of it is lost, and what it mounts.
    pub(super) fn service(&mut self) -> (NewService, BTreeSet<String>, Mounted) {
        let accepted = self.files.accepted;
        let mut ignored = keys::judge(self.name, self.body, accepted, self.problems);
        let body = &Value::Object(self.body.clone());
        let devices = deploy::lost(body).into_iter();
        for key in devices {
            if keys::is_accepted(self.name, &key, accepted) {
                ignored.insert(key);
            } else {
                self.problems.push(Problem::changes(self.name, &key, "a task gets no devices"));
            }
        }
        let image = text(&body["image"]).unwrap_or_default();
        if image.is_empty() {
            self.problems.push(Problem::NoImage { service: self.name.to_owned() });
        }
        let (mode, replicas) = deploy::mode(self.name, body, self.problems);
        let (endpoint_ports, shown) = ports::all(self.name, &body["ports"], accepted, self.problems);
        let (attachments, keys, lost) = networks::attachments(self.name, &body["networks"], self.networks);
        ignored.extend(lost);
        let (secrets, mut mounted) = files::mounted(FileKind::Secret, &body["secrets"], self.named);
        let (configs, more) = files::mounted(FileKind::Config, &body["configs"], self.named);
        mounted.extend(more);
        let mut container = container::container(self.files, body);
        let mounts = mounts::all(self.files, self.name, body, self.problems);
        for (field, list) in [("Mounts", mounts), ("Secrets", secrets), ("Configs", configs)] {
            if !list.is_empty() {
                container.insert(field.to_owned(), json!(list));
            }
        }
        let task = object([
            ("ContainerSpec", Value::Object(container)),
            ("Resources", deploy::resources(self.name, body, self.problems)),
            ("RestartPolicy", set(&deploy::restart(body))),
            ("Placement", deploy::placement(body)),
            ("Networks", set(&json!(attachments))),
            ("LogDriver", logging(&body["logging"])),
        ]);
        let endpoint =
            object([("Mode", set(&body["deploy"]["endpoint_mode"])), ("Ports", set(&json!(endpoint_ports)))]);
        let mut labels = self.files.labels(&body["deploy"]["labels"]);
        labels[LABEL_IMAGE] = json!(image);
        let mut spec = object([
            ("Name", json!(self.files.scoped(self.name))),
            ("Labels", labels),
            ("TaskTemplate", task),
            ("Mode", deploy::mode_spec(mode, None)),
            ("UpdateConfig", deploy::update(&body["deploy"]["update_config"])),
            ("RollbackConfig", deploy::update(&body["deploy"]["rollback_config"])),
            ("EndpointSpec", set(&endpoint)),
        ]);
        let wanted = WantedService {
            environment_hash: hash(&json!(container::environment(&body["environment"]))),
            files_hash: if mounted.is_empty() { String::new() } else { hash(&files_of(&mounted)) },
            config_hash: hash(&json!([spec, self.networks_hash(&keys)])),
            image,
            mode,
            replicas,
            ports: shown,
            health_check: is_set(&body["healthcheck"]) && !is_set(&body["healthcheck"]["disable"]),
            facts: Facts::of(body),
        };
        spec["Mode"] = deploy::mode_spec(mode, replicas);
        spec["Labels"][LABEL_CONFIG] = json!(wanted.config_hash);
        spec["Labels"][LABEL_ENVIRONMENT] = json!(wanted.environment_hash);
        if !wanted.files_hash.is_empty() {
            spec["Labels"][LABEL_FILES] = json!(wanted.files_hash);
        }
        (NewService { wanted, spec, networks: keys }, ignored, mounted)
    }

    /// A network that is another one is another place for the service.
    fn networks_hash(&self, keys: &BTreeSet<String>) -> Value {
        json!(keys.iter().filter_map(|key| Some(&self.networks.get(key)?.hash)).collect::<Vec<_>>())
    }
}

fn logging(body: &Value) -> Value {
    if !body.is_object() {
        return Value::Null;
    }
    set(&object([
        ("Name", set(&body["driver"])),
        ("Options", set(&json!(super::json::texts(&body["options"])))),
    ]))
}

fn files_of(mounted: &Mounted) -> Value {
    json!(mounted.iter().map(|(kind, name)| format!("{} {name}", kind.word())).collect::<Vec<_>>())
}
