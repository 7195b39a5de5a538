//! A project as `docker compose config --format json` resolves it.
//!
//! Only what decisions need is typed; the whole document is kept beside it, because the hash
//! stage must get back exactly what Compose said.

use std::{
    collections::{BTreeMap, BTreeSet},
    time::Duration,
};

use serde::{Deserialize, Serialize, de::IgnoredAny};
use serde_json::{Map, Value};

use docker::Error;

/// The label by which a user says that a service is a job: it is meant to end with 0.
pub const LABEL_JOB: &str = "windlass.job";

/// A resolved project.
#[derive(Clone, Debug, PartialEq)]
pub struct Config {
    /// The project's name.
    pub name: String,
    /// Its services, those of inactive profiles left out.
    pub services: BTreeMap<String, Service>,
    /// The document itself.
    pub document: Value,
}

/// A resolved service.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[allow(missing_docs, reason = "the fields that have no comment are what their names say")]
pub struct Service {
    /// The image it runs; Compose's own name for it where the file only says how to build it; empty where it
    /// is none of containers, but what a program beside Compose provides (`provider`).
    pub image: String,
    /// Where it is built, for services that are.
    pub build: Option<Build>,
    /// Its environment; `None` is a variable without a value.
    pub environment: BTreeMap<String, Option<String>>,
    /// The services it waits for, implied ones (links, shared namespaces) included.
    pub depends_on: BTreeMap<String, Condition>,
    /// Those of `depends_on` that it can do without (`required: false`).
    pub optional: BTreeSet<String>,
    /// Those of `depends_on` with which it starts again (`restart: true`), implied ones included.
    pub restarts_with: BTreeSet<String>,
    /// Whether the file gives it a health check. An image may bring one all the same.
    pub health_check: bool,
    /// How long its health check may fail while it starts.
    pub start_period: Duration,
    /// The profiles it belongs to.
    pub profiles: Vec<String>,
    /// How many containers it should have.
    pub replicas: u32,
    /// Its restart policy: `no`, `always`, `unless-stopped`, `on-failure[:n]`.
    pub restart: String,
    pub labels: BTreeMap<String, String>,
    /// The host paths it takes files from: bind mounts, and files of configs and secrets.
    pub sources: BTreeSet<String>,
    pub ports: Vec<Published>,
    /// Services whose container it shares something with (network, ipc, pid, volumes_from):
    /// Compose puts their container's id into its configuration.
    pub shares: BTreeSet<String>,
    /// Whether it is meant to end with 0 rather than to stay.
    pub job: bool,
}

/// A published port, as the file says it.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Published {
    /// The address on the host; empty for all.
    #[serde(default)]
    pub host_ip: String,
    /// The port on the host, or a range of which Docker takes one; empty for any.
    #[serde(default)]
    pub published: String,
    /// The port in the container.
    pub target: u16,
    /// `tcp` or `udp`.
    #[serde(default)]
    pub protocol: String,
}

/// How a service is built.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub struct Build {
    /// The context: an absolute path on the host, or a URL.
    pub context: String,
    /// The Dockerfile, relative to the context.
    #[serde(default)]
    pub dockerfile: String,
}

/// What a service waits for before it starts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Condition {
    /// The other one has been started.
    Started,
    /// The other one is healthy.
    Healthy,
    /// The other one has ended with 0.
    Completed,
}

impl Config {
    /// Reads the document.
    ///
    /// # Errors
    /// [`Error::Parse`] when it is not what `config --format json` writes.
    pub fn parse(json: &[u8]) -> Result<Self, Error> {
        let mut document: Value = serde_json::from_slice(json).map_err(unreadable)?;
        let services = document.pointer("/services").and_then(Value::as_object);
        let named: BTreeSet<String> = services.into_iter().flat_map(Map::keys).cloned().collect();
        // A service that is switched off may be depended on with `required: false`. Compose leaves it out
        // of what it writes, but not its name, and then does not read that again; `up` leaves out both
        // (seen with 2.26.1, and that the hash in the label is without it).
        retain_dependencies(&mut document, |_, needed| named.contains(needed));
        Self::from_document(document)
    }

    pub(crate) fn from_document(document: Value) -> Result<Self, Error> {
        let raw = RawConfig::deserialize(&document).map_err(unreadable)?;
        let files = |objects: &BTreeMap<String, Option<RawFile>>| -> BTreeMap<String, String> {
            objects
                .iter()
                .filter_map(|(name, object)| Some((name.clone(), object.as_ref()?.file.clone()?)))
                .collect()
        };
        let (configs, secrets) = (files(&raw.configs), files(&raw.secrets));
        let mut services: BTreeMap<_, _> = raw
            .services
            .into_iter()
            .map(|(name, service)| {
                let service = service.typed(&raw.name, &name, &configs, &secrets);
                (name, service)
            })
            .collect();
        mark_jobs(&mut services);
        Ok(Self { name: raw.name, services, document })
    }
}

/// Takes those dependencies (of a service, on a service) out of a resolved project that are not to be
/// kept.
pub(crate) fn retain_dependencies(document: &mut Value, is_kept: impl Fn(&str, &str) -> bool) {
    let services = document.pointer_mut("/services").and_then(Value::as_object_mut);
    for (name, service) in services.into_iter().flatten() {
        let Some(service) = service.as_object_mut() else { continue };
        let Some(needs) = service.get_mut("depends_on").and_then(Value::as_object_mut) else { continue };
        needs.retain(|needed, _| is_kept(name, needed));
        if needs.is_empty() {
            service.remove("depends_on");
        }
    }
}

fn mark_jobs(services: &mut BTreeMap<String, Service>) {
    let awaited: BTreeSet<String> = services
        .values()
        .flat_map(|service| &service.depends_on)
        .filter(|(_, condition)| **condition == Condition::Completed)
        .map(|(name, _)| name.clone())
        .collect();
    for (name, service) in services {
        let labelled = service.labels.get(LABEL_JOB).is_some_and(|value| value == "true");
        service.job = labelled || awaited.contains(name);
    }
}

fn unreadable(source: serde_json::Error) -> Error {
    Error::Parse { what: "the output of \"docker compose config\"".to_owned(), source: source.into() }
}

#[derive(Deserialize)]
struct RawConfig {
    #[serde(default)]
    name: String,
    #[serde(default)]
    services: BTreeMap<String, RawService>,
    #[serde(default)]
    configs: BTreeMap<String, Option<RawFile>>,
    #[serde(default)]
    secrets: BTreeMap<String, Option<RawFile>>,
}

#[derive(Deserialize)]
struct RawFile {
    file: Option<String>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct RawService {
    image: Option<String>,
    provider: Option<IgnoredAny>,
    build: Option<Build>,
    environment: BTreeMap<String, Option<String>>,
    depends_on: BTreeMap<String, RawDependency>,
    healthcheck: Option<RawHealthCheck>,
    profiles: Vec<String>,
    scale: Option<u32>,
    deploy: Option<RawDeploy>,
    restart: Option<String>,
    labels: BTreeMap<String, String>,
    volumes: Vec<RawMount>,
    configs: Vec<RawUse>,
    secrets: Vec<RawUse>,
    ports: Vec<Published>,
    network_mode: String,
    ipc: String,
    pid: String,
    volumes_from: Vec<String>,
}

#[derive(Deserialize)]
struct RawDependency {
    #[serde(default)]
    condition: String,
    #[serde(default)]
    restart: bool,
    #[serde(default = "yes")]
    required: bool,
}

fn yes() -> bool {
    true
}

#[derive(Deserialize)]
struct RawHealthCheck {
    #[serde(default)]
    disable: bool,
    #[serde(default)]
    test: Vec<String>,
    #[serde(default)]
    start_period: String,
}

#[derive(Deserialize)]
struct RawDeploy {
    replicas: Option<u32>,
    restart_policy: Option<RawRestart>,
}

#[derive(Deserialize)]
struct RawRestart {
    #[serde(default)]
    condition: String,
}

#[derive(Deserialize)]
struct RawMount {
    #[serde(rename = "type", default)]
    kind: String,
    #[serde(default)]
    source: String,
}

#[derive(Deserialize)]
struct RawUse {
    #[serde(default)]
    source: String,
}

impl RawService {
    fn typed(
        self,
        project: &str,
        name: &str,
        configs: &BTreeMap<String, String>,
        secrets: &BTreeMap<String, String>,
    ) -> Service {
        let deploy = self.deploy.as_ref();
        Service {
            sources: self.sources(configs, secrets),
            shares: self.shares(),
            optional: self.dependencies(|dependency| !dependency.required),
            restarts_with: self.dependencies(|dependency| dependency.restart),
            replicas: match &self.provider {
                Some(_) => 0,
                None => self.scale.or(deploy.and_then(|deploy| deploy.replicas)).unwrap_or(1),
            },
            restart: self.restart_policy(),
            health_check: self.healthcheck.as_ref().is_some_and(RawHealthCheck::checks),
            start_period: self.healthcheck.as_ref().map(RawHealthCheck::start_period).unwrap_or_default(),
            image: match &self.provider {
                Some(_) => String::new(),
                None => self.image.unwrap_or_else(|| format!("{project}-{name}")),
            },
            build: self.build,
            environment: self.environment,
            depends_on: self.depends_on.into_iter().map(|(name, raw)| (name, raw.typed())).collect(),
            profiles: self.profiles,
            labels: self.labels,
            ports: self.ports,
            job: false,
        }
    }

    fn sources(
        &self,
        configs: &BTreeMap<String, String>,
        secrets: &BTreeMap<String, String>,
    ) -> BTreeSet<String> {
        let binds =
            self.volumes.iter().filter(|mount| mount.kind == "bind").map(|mount| mount.source.clone());
        let used = |uses: &[RawUse], files: &BTreeMap<String, String>| -> Vec<String> {
            uses.iter().filter_map(|one| files.get(&one.source).cloned()).collect()
        };
        let sources = binds.chain(used(&self.configs, configs)).chain(used(&self.secrets, secrets));
        // Compose doubles every dollar sign in what it writes.
        sources.map(|path| path.replace("$$", "$")).collect()
    }

    fn dependencies(&self, which: impl Fn(&RawDependency) -> bool) -> BTreeSet<String> {
        let found = self.depends_on.iter().filter(|(_, dependency)| which(dependency));
        found.map(|(name, _)| name.clone()).collect()
    }

    fn shares(&self) -> BTreeSet<String> {
        let namespaces = [&self.network_mode, &self.ipc, &self.pid];
        let namespaces = namespaces.iter().filter_map(|mode| mode.strip_prefix("service:"));
        let volumes = self.volumes_from.iter().filter_map(|from| match from.split(':').next() {
            Some("container") | None => None,
            Some(service) => Some(service),
        });
        namespaces.chain(volumes).map(str::to_owned).collect()
    }

    fn restart_policy(&self) -> String {
        if let Some(restart) = &self.restart {
            return restart.clone();
        }
        let policy = self.deploy.as_ref().and_then(|deploy| deploy.restart_policy.as_ref());
        match policy.map(|policy| policy.condition.as_str()) {
            Some("any" | "") => "always".to_owned(),
            Some("on-failure") => "on-failure".to_owned(),
            _ => "no".to_owned(),
        }
    }
}

impl RawDependency {
    fn typed(&self) -> Condition {
        match self.condition.as_str() {
            "service_healthy" => Condition::Healthy,
            "service_completed_successfully" => Condition::Completed,
            _ => Condition::Started,
        }
    }
}

impl RawHealthCheck {
    fn checks(&self) -> bool {
        !self.disable && self.test.first().is_none_or(|word| word != "NONE")
    }

    fn start_period(&self) -> Duration {
        go_duration(&self.start_period).unwrap_or_default()
    }
}

/// A duration as Compose prints it: Go's form, such as `1m30s`, `500ms` or `1h0m0.5s`.
pub fn go_duration(text: &str) -> Option<Duration> {
    let mut rest = text;
    let mut all = Duration::ZERO;
    while !rest.is_empty() {
        let digits = rest.find(|letter: char| !letter.is_ascii_digit() && letter != '.')?;
        let number: f64 = rest[..digits].parse().ok()?;
        let unit = &rest[digits..];
        let length = unit.find(|letter: char| letter.is_ascii_digit()).unwrap_or(unit.len());
        let seconds = match &unit[..length] {
            "h" => 3600.0,
            "m" => 60.0,
            "s" => 1.0,
            "ms" => 1e-3,
            "us" | "µs" => 1e-6,
            "ns" => 1e-9,
            _ => return None,
        };
        all += Duration::try_from_secs_f64(number * seconds).ok()?;
        rest = &unit[length..];
    }
    Some(all)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ready_state::ReadyState;

    /// Cut down from the output of Compose 2.26.1.
    const DOCUMENT: &str = r#"{
      "name": "proj",
      "configs": {"c1": {"name": "proj_c1", "file": "/s/c1.txt"}, "ext": {"external": true}},
      "secrets": {"s1": {"name": "proj_s1", "file": "/s/sub/s1.txt"}, "env": {"environment": "X"}},
      "services": {
        "app": {
          "build": {"context": "/s/ctx", "dockerfile": "Dockerfile"}, "command": null,
          "configs": [{"source": "c1"}, {"source": "ext"}],
          "secrets": [{"source": "s1", "target": "/run/secrets/s1"}, {"source": "env"}],
          "depends_on": {"job": {"condition": "service_completed_successfully", "required": true},
                         "db": {"condition": "service_healthy", "required": false}},
          "deploy": {"replicas": 2, "resources": {"limits": {"cpus": 0.5}}, "placement": {}},
          "environment": {"A": "1", "B": null}, "labels": {"x": "y"},
          "healthcheck": {"test": ["CMD", "true"], "interval": "1s"},
          "networks": {"default": null},
          "ports": [{"mode": "ingress", "target": 80, "published": "8080", "protocol": "tcp"}],
          "volumes": [{"type": "bind", "source": "/s/conf$$1", "target": "/conf"},
                      {"type": "volume", "source": "data", "target": "/data"}]
        },
        "job": {"image": "busybox", "profiles": ["extra"]},
        "once": {"image": "busybox", "labels": {"windlass.job": "true"}, "healthcheck": {"disable": true}},
        "db": {"image": "pg:17", "restart": "unless-stopped", "healthcheck": {"test": ["NONE"]}, "scale": 0},
        "side": {"image": "s", "network_mode": "service:db", "pid": "host",
                 "volumes_from": ["app:ro", "container:x"],
                 "depends_on": {"db": {"condition": "service_started", "restart": true, "required": true}}}
      }
    }"#;

    fn config() -> Config {
        Config::parse(DOCUMENT.as_bytes()).unwrap()
    }

    fn set(names: &[&str]) -> BTreeSet<String> {
        names.iter().map(|name| (*name).to_owned()).collect()
    }

    #[test]
    fn durations_are_those_of_go() {
        let millis = |text: &str| go_duration(text).map(|duration| duration.as_millis());
        for (text, expected) in
            [("", 0), ("30s", 30_000), ("1m30s", 90_000), ("1h0m0.5s", 3_600_500), ("250ms", 250)]
        {
            assert_eq!(millis(text), Some(expected), "{text}");
        }
        assert_eq!((millis("5"), millis("s"), millis("5 apples")), (None, None, None));
    }

    #[test]
    fn reads_a_service_in_full() {
        let config = config();
        let app = &config.services["app"];
        assert_eq!(config.name, "proj");
        assert_eq!(app.image, "proj-app");
        assert_eq!(app.build.as_ref().unwrap().context, "/s/ctx");
        assert_eq!(app.environment, BTreeMap::from([("A".into(), Some("1".into())), ("B".into(), None)]));
        assert_eq!(app.depends_on["job"], Condition::Completed);
        assert_eq!(app.depends_on["db"], Condition::Healthy);
        assert_eq!(app.optional, set(&["db"]));
        assert!(app.health_check && !app.job);
        assert_eq!(app.replicas, 2);
        assert_eq!(app.restart, "no");
        assert_eq!(app.sources, set(&["/s/conf$1", "/s/c1.txt", "/s/sub/s1.txt"]));
        assert_eq!(app.ports[0].published, "8080");
    }

    #[test]
    fn what_a_program_provides_has_no_image_and_no_containers() {
        let json = br#"{"name": "proj", "services": {
            "db": {"provider": {"type": "awesomecloud", "options": {"size": ["1"]}}, "networks": {"default": null}},
            "app": {"image": "a", "depends_on": {"db": {"condition": "service_started", "required": true}}}
        }}"#;
        let config = Config::parse(json).unwrap();
        let db = &config.services["db"];
        assert_eq!((&*db.image, db.replicas, ReadyState::of(db)), ("", 0, ReadyState::Idle));
        assert_eq!(config.services["app"].replicas, 1);
    }

    #[test]
    fn what_is_switched_off_is_no_dependency() {
        let json = br#"{"name": "proj", "services": {
            "app": {"image": "a", "depends_on": {
                "off": {"condition": "service_started", "required": false},
                "db": {"condition": "service_healthy", "required": true}
            }},
            "db": {"image": "b", "depends_on": {"off": {"condition": "service_started", "required": false}}}
        }}"#;
        let config = Config::parse(json).unwrap();
        assert_eq!(config.services["app"].depends_on.keys().collect::<Vec<_>>(), ["db"]);
        assert_eq!(config.document.pointer("/services/db").unwrap().to_string(), r#"{"image":"b"}"#);
    }

    #[test]
    fn knows_jobs_by_label_and_by_who_waits_for_them() {
        let jobs: Vec<_> =
            config().services.into_iter().filter(|(_, service)| service.job).map(|(name, _)| name).collect();
        assert_eq!(jobs, ["job", "once"]);
    }

    #[test]
    fn health_checks_can_be_switched_off() {
        let config = config();
        assert!(!config.services["once"].health_check);
        assert!(!config.services["db"].health_check);
        assert_eq!(config.services["db"].replicas, 0);
    }

    #[test]
    fn shares_are_services_only() {
        assert_eq!(config().services["side"].shares, set(&["app", "db"]));
    }

    #[test]
    fn who_starts_again_with_another_says_so() {
        let config = config();
        assert_eq!(config.services["side"].restarts_with, set(&["db"]));
        assert_eq!(config.services["app"].restarts_with, set(&[]));
    }

    #[test]
    fn a_project_without_services_is_a_project() {
        assert!(Config::parse(br#"{"name": "p"}"#).unwrap().services.is_empty());
        assert!(Config::parse(b"oops").is_err());
    }
}
