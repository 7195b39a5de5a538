//! What the tests stand on: a swarm of two managers, and a stack in the configuration.

use std::{
    collections::BTreeMap,
    ops::{Deref, DerefMut},
    sync::{Mutex, MutexGuard, PoisonError},
};

use acceptance_tests::{Fixture, hcl};
use lab::{Host, Lab, Variant};
use serde_json::Value;

/// The address of the stack of a test.
pub const STACK: &str = "windlass_swarm_stack.test";

/// A host is in one swarm at a time.
static TURN: Mutex<()> = Mutex::new(());

/// Two hosts in a swarm, both managers, and a workspace.
pub struct Swarm<'a> {
    // Cleaned up before the next test has its turn.
    fixture: Fixture<'a>,
    _turn: MutexGuard<'static, ()>,
    pub hosts: [Host; 2],
}

impl<'a> Swarm<'a> {
    pub fn new(lab: &'a Lab) -> Self {
        let turn = TURN.lock().unwrap_or_else(PoisonError::into_inner);
        let hosts = [Variant::Root, Variant::Deploy].map(|variant| lab.host(variant).unwrap().clone());
        let mut fixture = Fixture::on(lab, &hosts[0], left_of_swarms);
        fixture.also_on(&hosts[1]);
        let swarm = Self { fixture, _turn: turn, hosts };
        let [first, second] = &swarm.hosts;
        for host in [first, second] {
            lab.exec(host, &["docker", "swarm", "leave", "--force"]).unwrap();
        }
        swarm.docker(first, &["swarm", "init", "--advertise-addr", &first.address]);
        let token = swarm.docker(first, &["swarm", "join-token", "--quiet", "manager"]);
        swarm.docker(second, &["swarm", "join", "--token", &token, &format!("{}:2377", first.address)]);
        swarm
    }

    /// Runs docker as root on a host.
    #[track_caller]
    pub fn docker(&self, host: &Host, words: &[&str]) -> String {
        let words: Vec<&str> = ["docker"].iter().chain(words).copied().collect();
        self.lab.exec_ok(host, &words).unwrap().trim().to_owned()
    }

    /// The same on the first manager.
    #[track_caller]
    pub fn asks(&self, words: &[&str]) -> String {
        self.docker(&self.hosts[0], words)
    }

    /// Writes the stack: `compose` is its file, the rest goes into the block as it is.
    pub fn stack(&self, compose: &str, more: &str) {
        self.stack_by(&[&self.hosts[0], &self.hosts[1]], compose, more);
    }

    /// The same by these managers.
    pub fn stack_by(&self, managers: &[&Host], compose: &str, more: &str) {
        let managers: Vec<String> = managers.iter().map(|host| hcl::quoted(&hcl::connection(host))).collect();
        let text = format!(
            "resource \"windlass_swarm_stack\" \"test\" {{\n  managers = [{}]\n  name = {}\n  config = [{}]\n  {more}\n}}\n",
            managers.join(", "),
            hcl::quoted(&self.name),
            hcl::quoted(compose),
        );
        self.workspace.write("main.tf", &text);
    }

    /// A service of a Compose file that runs busybox and stops at once.
    pub fn service(&self, name: &str, command: &str, more: &str) -> String {
        let image = self.image("busybox");
        format!(
            "  {name}:\n    image: {image}\n    command: [sh, -c, {}]\n    stop_grace_period: 0s\n    init: true\n{more}",
            hcl::quoted(command)
        )
    }

    /// What the state shows of a service.
    pub fn shown(&self, service: &str) -> Value {
        self.workspace.state(STACK)["services"][service].clone()
    }

    /// Service to the version of its object, which every update makes another one.
    pub fn versions(&self) -> BTreeMap<String, String> {
        let names = self.asks(&["stack", "services", &self.name, "--format", "{{.Name}}"]);
        let version = |name: &str| self.asks(&["service", "inspect", name, "--format", "{{.Version.Index}}"]);
        names.lines().map(|name| (name.to_owned(), version(name))).collect()
    }

    /// Names of what the swarm has of the stack, of one kind: `config`, `secret`, `network`, `service`.
    pub fn listed(&self, kind: &str) -> Vec<String> {
        let label = format!("label=com.docker.stack.namespace={}", self.name);
        let text = self.asks(&[kind, "ls", "--filter", &label, "--format", "{{.Name}}"]);
        let mut names: Vec<String> =
            text.lines().filter(|name| !name.starts_with("windlass-record-")).map(str::to_owned).collect();
        names.sort();
        names
    }

    /// What a running container of a service prints.
    #[track_caller]
    pub fn in_task(&self, service: &str, line: &str) -> String {
        let label = format!("label=com.docker.swarm.service.name={}_{service}", self.name);
        for host in &self.hosts {
            let ids = self.docker(host, &["ps", "--quiet", "--filter", &label]);
            if let Some(id) = ids.lines().next() {
                return self.docker(host, &["exec", id, "sh", "-c", line]);
            }
        }
        panic!("no task of {service} runs");
    }
}

/// A service on no virtual address, for which this kernel has no means, updated fast.
pub const DEPLOY: &str = "    deploy:\n      endpoint_mode: dnsrr\n      update_config: { monitor: 1s }\n";

impl<'a> Deref for Swarm<'a> {
    type Target = Fixture<'a>;

    fn deref(&self) -> &Fixture<'a> {
        &self.fixture
    }
}

impl DerefMut for Swarm<'_> {
    fn deref_mut(&mut self) -> &mut Self::Target {
        &mut self.fixture
    }
}

/// Takes a host out of any swarm, with all that ran there.
fn left_of_swarms(_name: &str) -> String {
    "docker swarm leave --force; docker ps -aq --filter label=com.docker.swarm.service.id | xargs -r docker rm -f; \
     docker volume prune -f; true"
        .to_owned()
}
