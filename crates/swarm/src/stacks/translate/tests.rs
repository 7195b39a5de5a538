use serde_json::json;

use super::*;
use crate::stacks::wanted::{FileContent, ServiceMode};

const ROOT: &str = "/nonexistent/windlass/web";

/// Cut down from what Compose 2.26.1 says.
fn document() -> Value {
    json!({
        "name": "web",
        "networks": {
            "default": {"name": "web_default", "ipam": {}},
            "back": {"name": "web_back", "driver": "bridge", "internal": true,
                "driver_opts": {"com.docker.network.bridge.name": "br0", "encrypted": "true"}},
            "edge": {"name": "edge", "external": true},
            "unused": {"name": "web_unused"}
        },
        "volumes": {"data": {"name": "web_data"}, "given": {"name": "given", "external": true}},
        "secrets": {
            "pass": {"name": "web_pass", "environment": "PASS"},
            "key": {"name": "web_key", "file": "/nonexistent/windlass/web/tls/key"}
        },
        "configs": {"conf": {"name": "web_conf", "file": "/nonexistent/windlass/web/app.conf"}},
        "services": {
            "api": {
                "image": "registry.example/api:1",
                "command": ["serve", "--price", "5$$"],
                "entrypoint": null,
                "environment": {"URL": "db:PASS#3@x", "B": "1", "UNSET": null},
                "labels": {"a": "b"},
                "networks": {"default": null, "back": {"aliases": ["app"], "ipv4_address": "10.0.0.9"}, "edge": null},
                "secrets": [{"source": "pass"}, {"source": "key", "target": "/run/key", "uid": "70", "mode": "0400"}],
                "configs": [{"source": "conf", "target": "/etc/app.conf"}],
                "volumes": [
                    {"type": "volume", "source": "data", "target": "/data", "volume": {"nocopy": true}},
                    {"type": "volume", "source": "given", "target": "/given", "volume": {}},
                    {"type": "bind", "source": "/var/run/docker.sock", "target": "/var/run/docker.sock",
                        "read_only": true, "bind": {"create_host_path": true}}
                ],
                "tmpfs": ["/tmp"],
                "ports": [{"mode": "host", "target": 80, "published": "8080", "protocol": "tcp"}],
                "healthcheck": {"test": ["CMD", "true"], "interval": "10s", "retries": 3},
                "stop_grace_period": "1m0s",
                "cap_add": ["net_admin"],
                "ulimits": {"nofile": {"soft": 10, "hard": 20}, "nproc": 5},
                "extra_hosts": ["db=10.0.0.1"],
                "logging": {"driver": "json-file", "options": {"max-size": "10m"}},
                "mem_limit": "67108864",
                "restart": "unless-stopped",
                "container_name": "api",
                "depends_on": {"db": {"condition": "service_started"}},
                "deploy": {
                    "replicas": 2, "endpoint_mode": "dnsrr", "labels": {"x": "y"},
                    "placement": {"constraints": ["node.role==worker"], "preferences": [{"spread": "node.id"}],
                        "max_replicas_per_node": 1},
                    "resources": {"reservations": {"cpus": "0.25", "memory": "33554432"}},
                    "update_config": {"order": "start-first", "failure_action": "rollback", "monitor": "3s"}
                }
            },
            "migrate": {"image": "a", "networks": {"default": null},
                "deploy": {"mode": "replicated-job", "restart_policy": {"condition": "none"}}}
        }
    })
}

struct Input {
    source: Tree,
    secret_files: BTreeMap<String, String>,
    environment: BTreeMap<String, String>,
    secrets: BTreeMap<String, Secret>,
    accepted: BTreeSet<String>,
}

fn input() -> Input {
    let mut source = Tree::default();
    source.lay_over("app.conf", "listen 80\n");
    Input {
        source,
        secret_files: BTreeMap::from([("tls/key".to_owned(), "tls/key#k1".to_owned())]),
        environment: BTreeMap::new(),
        secrets: BTreeMap::from([("PASS".to_owned(), Secret::new("PASS#3"))]),
        accepted: BTreeSet::new(),
    }
}

fn translated(document: &Value, input: &Input) -> Result<Wanted, Vec<Problem>> {
    translate(&Files {
        name: "web",
        root: ROOT,
        document,
        runs: &BTreeSet::new(),
        source: &input.source,
        secret_files: &input.secret_files,
        environment: &input.environment,
        secrets: &input.secrets,
        accepted: &input.accepted,
    })
}

/// A hash in a name.
fn content_hash() -> String {
    sha256(b"listen 80\n")[..10].to_owned()
}

#[test]
fn a_service_is_told_to_the_swarm() {
    let wanted = translated(&document(), &input()).unwrap();
    let api = &wanted.services["api"];
    let spec: bollard::models::ServiceSpec = serde_json::from_value(api.spec.clone()).unwrap();
    // Nothing of it is lost on the way to the client.
    let mut sent = serde_json::to_value(&spec).unwrap();
    assert_eq!(sent, api.spec);
    for label in [LABEL_CONFIG, LABEL_ENVIRONMENT, LABEL_FILES] {
        assert!(sent["Labels"].as_object_mut().unwrap().remove(label).is_some(), "{label}");
    }
    let ours = json!({"com.docker.stack.namespace": "web"});
    let expected = json!({
        "Name": "web_api",
        "Labels": {"com.docker.stack.namespace": "web", "com.docker.stack.image": "registry.example/api:1", "x": "y"},
        "TaskTemplate": {
            "ContainerSpec": {
                "Image": "registry.example/api:1",
                "Labels": {"com.docker.stack.namespace": "web", "a": "b"},
                "Args": ["serve", "--price", "5$"],
                "Env": ["B=1", "URL=db:PASS#3@x"],
                "Mounts": [
                    {"Type": "volume", "Source": "web_data", "Target": "/data",
                        "VolumeOptions": {"NoCopy": true, "Labels": ours}},
                    {"Type": "volume", "Source": "given", "Target": "/given"},
                    {"Type": "bind", "Source": "/var/run/docker.sock", "Target": "/var/run/docker.sock", "ReadOnly": true},
                    {"Type": "tmpfs", "Target": "/tmp"}
                ],
                "Privileges": {},
                "StopGracePeriod": 60_000_000_000_i64,
                "HealthCheck": {"Test": ["CMD", "true"], "Interval": 10_000_000_000_i64, "Retries": 3},
                "Hosts": ["10.0.0.1 db"],
                "Secrets": [
                    {"SecretName": "web_key-vk1", "File": {"Name": "/run/key", "UID": "70", "GID": "0", "Mode": 0o400}},
                    {"SecretName": "web_pass-v3", "File": {"Name": "pass", "UID": "0", "GID": "0", "Mode": 0o444}}
                ],
                "Configs": [{"ConfigName": format!("web_conf-{}", content_hash()),
                    "File": {"Name": "/etc/app.conf", "UID": "0", "GID": "0", "Mode": 0o444}}],
                "CapabilityAdd": ["CAP_NET_ADMIN"],
                "Ulimits": [{"Name": "nofile", "Soft": 10, "Hard": 20}, {"Name": "nproc", "Soft": 5, "Hard": 5}]
            },
            "Resources": {"Limits": {"MemoryBytes": 67_108_864},
                "Reservations": {"NanoCPUs": 250_000_000, "MemoryBytes": 33_554_432}},
            "RestartPolicy": {"Condition": "any"},
            "Placement": {"Constraints": ["node.role==worker"], "Preferences": [{"Spread": {"SpreadDescriptor": "node.id"}}],
                "MaxReplicas": 1},
            "Networks": [
                {"Target": "edge", "Aliases": ["api"]},
                {"Target": "web_back", "Aliases": ["app", "api"]},
                {"Target": "web_default", "Aliases": ["api"]}
            ],
            "LogDriver": {"Name": "json-file", "Options": {"max-size": "10m"}}
        },
        "Mode": {"Replicated": {"Replicas": 2}},
        "UpdateConfig": {"Parallelism": 1, "FailureAction": "rollback", "Monitor": 3_000_000_000_i64, "Order": "start-first"},
        "EndpointSpec": {"Mode": "dnsrr", "Ports": [
            {"Protocol": "tcp", "TargetPort": 80, "PublishedPort": 8080, "PublishMode": "host"}]}
    });
    assert_eq!(sent, expected);
    assert_eq!(api.wanted.ports, ["8080->80/tcp (host)"]);
    let job = &wanted.services["migrate"].wanted;
    assert_eq!((job.mode, job.replicas), (ServiceMode::ReplicatedJob, Some(1)));
    assert_eq!(
        wanted.services["migrate"].spec["TaskTemplate"]["RestartPolicy"],
        json!({"Condition": "none"})
    );
}

#[test]
fn networks_and_files_are_made_before() {
    let wanted = translated(&document(), &input()).unwrap();
    assert_eq!(wanted.networks.keys().collect::<Vec<_>>(), ["back", "default", "edge"]);
    assert!(
        wanted.networks["edge"].external && wanted.networks["edge"].named && !wanted.networks["back"].named
    );
    let mut back = wanted.networks["back"].spec.clone();
    let hash = back["Labels"].as_object_mut().unwrap().remove(LABEL_NETWORK).unwrap();
    assert_eq!(hash, json!(wanted.networks["back"].hash));
    let expected = json!({"Name": "web_back", "Driver": "overlay", "Internal": true, "Attachable": false,
        "EnableIPv6": false, "Options": {"encrypted": "true"}, "Labels": {"com.docker.stack.namespace": "web"}});
    assert_eq!(back, expected);
    let files: Vec<_> = wanted.files.iter().map(|((_, name), file)| (name.as_str(), &file.content)).collect();
    let conf = format!("web_conf-{}", content_hash());
    assert_eq!(
        files,
        [
            ("web_key-vk1", &FileContent::SecretFile("tls/key".into())),
            ("web_pass-v3", &FileContent::Secret("PASS".into())),
            (conf.as_str(), &FileContent::Shipped("app.conf".into())),
        ]
    );
}

#[test]
fn what_is_lost_is_listed_by_what_has_it() {
    let ignored = translated(&document(), &input()).unwrap().ignored;
    let ignored: Vec<_> = ignored.iter().map(|(of, keys)| (of.as_str(), Vec::from_iter(keys))).collect();
    assert_eq!(
        ignored,
        [
            (
                "api",
                ["container_name", "depends_on", "networks.back.ipv4_address"]
                    .map(String::from)
                    .iter()
                    .collect()
            ),
            ("networks.back", vec![&"driver".to_owned()]),
        ]
    );
}

#[test]
fn everything_that_is_in_the_way_is_told_at_once() {
    let mut document = document();
    let api = &mut document["services"]["api"];
    api["privileged"] = json!(true);
    api["volumes"][2]["source"] = json!(format!("{ROOT}/data"));
    api["ports"][0]["host_ip"] = json!("127.0.0.1");
    document["services"]["migrate"]["image"] = Value::Null;
    document["services"]["migrate"]["deploy"]["resources"] =
        json!({"reservations": {"devices": [{"capabilities": ["gpu"]}]}});
    document["secrets"]["key"]["file"] = json!("/etc/key");
    document["configs"]["conf"] = json!({"name": "x".repeat(64), "content": "a"});
    let problems = translated(&document, &input()).unwrap_err();
    let told: Vec<String> = problems.iter().map(ToString::to_string).collect();
    let long = format!("{}-{}", "x".repeat(64), &sha256(b"a")[..10]);
    assert_eq!(
        told,
        [
            "secret \"key\" takes its content from the file \"/etc/key\", which is not among the files of the stack"
                .to_owned(),
            format!("config \"conf\" would be called {long:?} in the swarm, where names have at most 64 characters"),
            "service \"api\" has `privileged`: a task never gets these rights".to_owned(),
            "service \"api\" has `ports.host_ip`: a swarm publishes on all addresses of a node, and not on 127.0.0.1 alone"
                .to_owned(),
            "service \"api\" mounts \"./data\", which is beside the files and on no node of a swarm".to_owned(),
            "service \"migrate\" has `deploy.resources.reservations.devices`: a task gets no devices".to_owned(),
            "service \"migrate\" names no image: a swarm builds none".to_owned(),
        ]
    );
    let accepted =
        ["api.privileged", "ports.host_ip", "deploy.resources.reservations.devices"].map(str::to_owned);
    let rest = translated(&document, &Input { accepted: accepted.into(), ..input() }).unwrap_err();
    assert!(rest.iter().all(|problem| !problem.is_key()) && rest.len() == 4, "{rest:?}");
}

#[test]
fn a_hash_stands_for_all_but_the_number_of_replicas() {
    let of =
        |document: &Value, input: &Input| translated(document, input).unwrap().services["api"].wanted.clone();
    let was = of(&document(), &input());
    let mut more = document();
    more["services"]["api"]["deploy"]["replicas"] = json!(5);
    let scaled = of(&more, &input());
    assert_eq!((scaled.config_hash, scaled.replicas), (was.config_hash.clone(), Some(5)));

    let mut network = document();
    network["networks"]["back"]["internal"] = json!(false);
    assert_ne!(of(&network, &input()).config_hash, was.config_hash);
    let other = translated(&network, &input()).unwrap();
    let same = translated(&document(), &input()).unwrap();
    assert_eq!(other.services["migrate"].wanted, same.services["migrate"].wanted);

    let mut text = input();
    text.source.lay_over("app.conf", "listen 81\n");
    let changed = of(&document(), &text);
    assert!(changed.files_hash != was.files_hash && changed.environment_hash == was.environment_hash);
    let rotated = Input { secrets: BTreeMap::from([("PASS".to_owned(), Secret::new("PASS#4"))]), ..input() };
    assert_ne!(of(&document(), &rotated).files_hash, was.files_hash);
}
