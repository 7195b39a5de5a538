//! What the tests of swarms stand on.

use std::{
    ops::{Deref, DerefMut},
    sync::{Mutex, MutexGuard, PoisonError},
    time::{Duration, Instant},
};

use acceptance_tests::{Fixture, hcl};
use lab::{Host, Lab, Variant};

static TURN: Mutex<()> = Mutex::new(());

/// The hosts, each in no swarm yet, and a workspace.
pub struct Cluster<'a> {
    // Cleaned up before the next test has its turn.
    fixture: Fixture<'a>,
    _turn: MutexGuard<'static, ()>,
    pub hosts: [Host; 4],
}

impl<'a> Cluster<'a> {
    /// Waits for the hosts: where root logs in, a member of the group docker, one with sudo, and one
    /// whose server forwards nothing.
    pub fn new(lab: &'a Lab) -> Self {
        let turn = TURN.lock().unwrap_or_else(PoisonError::into_inner);
        let hosts = [Variant::Root, Variant::Deploy, Variant::Sudo, Variant::NoForward]
            .map(|variant| lab.host(variant).unwrap().clone());
        let mut fixture = Fixture::on(lab, &hosts[0], left_of_swarms);
        for host in &hosts[1..] {
            fixture.also_on(host);
        }
        Self { fixture, _turn: turn, hosts }
    }

    /// Runs docker as root on a host.
    #[track_caller]
    pub fn docker(&self, host: &Host, words: &[&str]) -> String {
        let words: Vec<&str> = ["docker"].iter().chain(words).copied().collect();
        self.lab.exec_ok(host, &words).unwrap().trim().to_owned()
    }

    /// The engine's own word for its part in a swarm.
    pub fn local_state(&self, host: &Host) -> String {
        self.docker(host, &["info", "--format", "{{.Swarm.LocalNodeState}}"])
    }

    /// The nodes on the list of the manager `host`: host name and availability, sorted.
    pub fn nodes(&self, host: &Host) -> Vec<String> {
        let text = self.docker(host, &["node", "ls", "--format", "{{.Hostname}} {{.Availability}}"]);
        let mut nodes: Vec<String> = text.lines().map(str::to_owned).collect();
        nodes.sort();
        nodes
    }

    /// The nodes of the list that a service's tasks shall run on.
    pub fn places(&self, host: &Host, service: &str) -> Vec<String> {
        let words = [
            "service",
            "ps",
            service,
            "--filter",
            "desired-state=running",
            "--format",
            "{{.Node}} {{.CurrentState}}",
        ];
        let text = self.docker(host, &words);
        let running = text.lines().filter(|line| line.contains(" Running"));
        let mut places: Vec<String> =
            running.filter_map(|line| line.split(' ').next()).map(str::to_owned).collect();
        places.sort();
        places
    }

    /// Waits until `look` says yes.
    #[track_caller]
    pub fn until(&self, what: &str, look: impl Fn() -> bool) {
        let end = Instant::now() + Duration::from_secs(60);
        while !look() {
            assert!(Instant::now() < end, "waited in vain for {what}");
            std::thread::sleep(Duration::from_millis(200));
        }
    }

    /// A service of busybox that stops at once when it shall, with these words before its image.
    #[track_caller]
    pub fn service(&self, manager: &Host, words: &[&str]) {
        let name =
            ["service", "create", "--quiet", "--detach", "--name", &self.name, "--endpoint-mode", "dnsrr"];
        let image = self.lab.image("busybox").unwrap();
        let run = ["--stop-grace-period", "1s", image, "sleep", "infinity"];
        self.docker(manager, &[&name[..], words, &run].concat());
    }
}

/// A swarm in the configuration: its label, its managers, and what else is in its block.
pub fn swarm(label: &str, managers: &[&Host], more: &str) -> String {
    let managers: Vec<String> = managers.iter().map(|host| hcl::quoted(&hcl::connection(host))).collect();
    format!(
        "resource \"windlass_swarm\" \"{label}\" {{\n  managers = [{}]\n  {more}\n}}\n",
        managers.join(", ")
    )
}

/// A node of the swarm with this label.
pub fn node(label: &str, swarm: &str, host: &Host, more: &str) -> String {
    let host = hcl::quoted(&hcl::connection(host));
    format!(
        "resource \"windlass_swarm_node\" \"{label}\" {{\n  swarm = windlass_swarm.{swarm}.id\n  managers = \
         windlass_swarm.{swarm}.managers\n  host = {host}\n  drain_timeout = \"60s\"\n  {more}\n}}\n"
    )
}

impl<'a> Deref for Cluster<'a> {
    type Target = Fixture<'a>;

    fn deref(&self) -> &Fixture<'a> {
        &self.fixture
    }
}

impl DerefMut for Cluster<'_> {
    fn deref_mut(&mut self) -> &mut Self::Target {
        &mut self.fixture
    }
}

/// Takes a host out of any swarm, with all that ran there.
fn left_of_swarms(name: &str) -> String {
    format!(
        "docker swarm leave --force; docker ps -aq --filter 'name=^{name}' | xargs -r docker rm -f; \
         docker ps -aq --filter label=com.docker.swarm.service.id | xargs -r docker rm -f; true"
    )
}
