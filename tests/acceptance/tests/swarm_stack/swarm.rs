//! What the tests stand on: a swarm of two managers, and a stack in the configuration.

use std::{
    collections::BTreeMap,
    ops::{Deref, DerefMut},
    sync::{Mutex, PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard},
};

use acceptance_tests::{Fixture, hcl};
use lab::{Host, Lab, Variant};
use serde_json::Value;

/// The address of the stack of a test.
pub const STACK: &str = "windlass_swarm_stack.test";

/// How many tests stand on the swarm now.
static TESTS: Mutex<usize> = Mutex::new(0);

/// Held by all of them, so that one that needs the swarm for itself can wait for the others.
static TURN: RwLock<()> = RwLock::new(());

/// What a test holds while it stands on the swarm.
enum Turn {
    Beside(#[expect(dead_code, reason = "it is held, not looked at")] RwLockReadGuard<'static, ()>),
    Alone(#[expect(dead_code, reason = "it is held, not looked at")] RwLockWriteGuard<'static, ()>),
}

/// Two hosts in a swarm, both managers. The tests that run at one time share it, each with a stack of
/// its own: the first makes it, and the last takes it down.
struct Managers<'a> {
    lab: &'a Lab,
    hosts: [Host; 2],
    _turn: Turn,
}

impl<'a> Managers<'a> {
    fn join(lab: &'a Lab, turn: Turn) -> Self {
        let managers = Self {
            lab,
            hosts: [Variant::Root, Variant::Deploy].map(|variant| lab.host(variant).unwrap().clone()),
            _turn: turn,
        };
        let mut tests = TESTS.lock().unwrap_or_else(PoisonError::into_inner);
        if *tests == 0 {
            managers.make_swarm();
        }
        *tests += 1;
        managers
    }

    fn make_swarm(&self) {
        let [first, second] = &self.hosts;
        for host in [first, second] {
            self.lab.exec(host, &["docker", "swarm", "leave", "--force"]).unwrap();
        }
        docker(self.lab, first, &["swarm", "init", "--advertise-addr", &first.address]);
        let token = docker(self.lab, first, &["swarm", "join-token", "--quiet", "manager"]);
        docker(self.lab, second, &["swarm", "join", "--token", &token, &format!("{}:2377", first.address)]);
    }
}

impl Drop for Managers<'_> {
    fn drop(&mut self) {
        let mut tests = TESTS.lock().unwrap_or_else(PoisonError::into_inner);
        *tests -= 1;
        if *tests == 0 {
            for host in &self.hosts {
                let _ = self.lab.exec(host, &["sh", "-c", LEAVE]);
            }
        }
    }
}

/// Runs docker as root on a host.
#[track_caller]
fn docker(lab: &Lab, host: &Host, words: &[&str]) -> String {
    let words: Vec<&str> = ["docker"].iter().chain(words).copied().collect();
    lab.exec_ok(host, &words).unwrap().trim().to_owned()
}

/// A stack on the swarm of two managers, and a workspace.
pub struct Swarm<'a> {
    // What the test leaves goes before the swarm does.
    fixture: Fixture<'a>,
    managers: Managers<'a>,
}

impl<'a> Swarm<'a> {
    /// With other tests beside it.
    pub fn new(lab: &'a Lab) -> Self {
        Self::at(lab, Turn::Beside(TURN.read().unwrap_or_else(PoisonError::into_inner)))
    }

    /// With no other test beside it: what nothing needs any more stays while any service of the swarm is
    /// being updated.
    pub fn alone(lab: &'a Lab) -> Self {
        Self::at(lab, Turn::Alone(TURN.write().unwrap_or_else(PoisonError::into_inner)))
    }

    fn at(lab: &'a Lab, turn: Turn) -> Self {
        let managers = Managers::join(lab, turn);
        let [first, second] = &managers.hosts;
        let mut fixture = Fixture::on(lab, first, left_of_stacks);
        fixture.also_on(second);
        Self { fixture, managers }
    }

    /// The two managers.
    pub fn hosts(&self) -> &[Host; 2] {
        &self.managers.hosts
    }

    /// Runs docker as root on a host.
    #[track_caller]
    pub fn docker(&self, host: &Host, words: &[&str]) -> String {
        docker(self.lab, host, words)
    }

    /// The same on the first manager.
    #[track_caller]
    pub fn asks(&self, words: &[&str]) -> String {
        self.docker(&self.hosts()[0], words)
    }

    /// Writes the stack: `compose` is its file, the rest goes into the block as it is.
    pub fn stack(&self, compose: &str, more: &str) {
        let [first, second] = self.hosts();
        self.stack_by(&[first, second], compose, more);
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
        let mut names = self.labelled(kind);
        names.retain(|name| !name.starts_with("windlass-record-"));
        names.sort();
        names
    }

    /// Names of the records and locks of the stack, which the swarm keeps as configs.
    pub fn records(&self) -> Vec<String> {
        let mut names = self.labelled("config");
        names.retain(|name| name.starts_with("windlass-record-"));
        let lock = format!("name=windlass-lock-{}", self.name);
        let locks = self.asks(&["config", "ls", "--filter", &lock, "--format", "{{.Name}}"]);
        names.extend(locks.lines().map(str::to_owned));
        names
    }

    fn labelled(&self, kind: &str) -> Vec<String> {
        let label = format!("label=com.docker.stack.namespace={}", self.name);
        let text = self.asks(&[kind, "ls", "--filter", &label, "--format", "{{.Name}}"]);
        text.lines().map(str::to_owned).collect()
    }

    /// What a running container of a service prints.
    #[track_caller]
    pub fn in_task(&self, service: &str, line: &str) -> String {
        let label = format!("label=com.docker.swarm.service.name={}_{service}", self.name);
        for host in self.hosts() {
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

/// Takes a host out of its swarm, with all that ran there.
const LEAVE: &str = "docker swarm leave --force; \
    docker ps -aq --filter label=com.docker.swarm.service.id | xargs -r docker rm -f; docker volume prune -af";

/// Removes the stack of this name, and what begins with it. Both managers are told, and a manager that
/// is told first leaves nothing to the other.
fn left_of_stacks(name: &str) -> String {
    let kinds = ["secret", "config", "network"].map(|kind| {
        format!(
            "docker {kind} ls --format '{{{{.Name}}}}' | grep -E '{name}([_-]|$)' | xargs -r docker {kind} rm"
        )
    });
    format!("docker stack rm {name}; {}; true", kinds.join("; "))
}
