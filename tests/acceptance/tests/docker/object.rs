//! What the tests of networks and volumes stand on.

use std::ops::{Deref, DerefMut};

use acceptance_tests::{Fixture, hcl};
use lab::{Host, Lab, Variant};

/// A network, a volume or a stack with a name of its own; containers have names that begin with it.
pub struct DockerObject<'a> {
    fixture: Fixture<'a>,
}

impl<'a> DockerObject<'a> {
    /// On the host where root logs in.
    pub fn new(lab: &'a Lab) -> Self {
        Self { fixture: Fixture::on(lab, lab.host(Variant::Root).unwrap(), left_of_objects) }
    }

    /// Writes a resource `test` of this type and this name, on this host.
    pub fn configure(&self, kind: &str, attributes: &str) {
        self.configure_on(&self.host, kind, attributes);
    }

    /// The same on another host.
    pub fn configure_on(&self, host: &Host, kind: &str, attributes: &str) {
        let (kind, host) = (format!("windlass_docker_{kind}"), hcl::quoted(&hcl::connection(host)));
        let text = hcl::resource_block(&kind, "test", &host, &self.name, attributes);
        self.workspace.write("main.tf", &text);
    }

    /// Runs docker as root on the host.
    #[track_caller]
    pub fn docker(&self, words: &[&str]) -> String {
        self.docker_on(&self.host, words)
    }

    /// The same on another host.
    #[track_caller]
    pub fn docker_on(&self, host: &Host, words: &[&str]) -> String {
        let words: Vec<&str> = ["docker"].iter().chain(words).copied().collect();
        self.lab.exec_ok(host, &words).unwrap().trim().to_owned()
    }

    /// Whether docker has a network or volume of this name on a host.
    pub fn has(&self, host: &Host, kind: &str) -> bool {
        self.lab.exec(host, &["docker", kind, "inspect", &self.name]).unwrap().status.success()
    }

    /// A container that stays, with these words before its image.
    pub fn start_container(&self, words: &[&str]) -> String {
        self.container(&["run", "--detach"], words)
    }

    /// As [`DockerObject::start_container`], without starting it.
    pub fn create_container(&self, words: &[&str]) -> String {
        self.container(&["create"], words)
    }

    /// The container of a task that has ended, as a swarm's agent leaves it for a moment: it goes by
    /// itself, soon.
    pub fn ended_task(&self, words: &[&str]) -> String {
        let labelled = [&["--label", "com.docker.swarm.task.id=drvo"], words].concat();
        let container = self.start_container(&labelled);
        let ends = format!("docker kill {container} && (sleep 3; docker rm {container}) >/dev/null 2>&1 &");
        self.lab.exec_ok(&self.host, &["sh", "-c", &ends]).unwrap();
        container
    }

    fn container(&self, operation: &[&str], words: &[&str]) -> String {
        let container = format!("{}-user", self.name);
        let image = self.lab.image("busybox").unwrap();
        let named = ["--name", &container, "--stop-timeout", "0"];
        let parts = [operation, &named, words, &[image, "sleep", "infinity"]];
        let words: Vec<&str> = parts.concat();
        self.docker(&words);
        container
    }
}

impl<'a> Deref for DockerObject<'a> {
    type Target = Fixture<'a>;

    fn deref(&self) -> &Fixture<'a> {
        &self.fixture
    }
}

impl DerefMut for DockerObject<'_> {
    fn deref_mut(&mut self) -> &mut Self::Target {
        &mut self.fixture
    }
}

/// Removes containers, networks and volumes of this name, and of names that go on with a dash.
fn left_of_objects(name: &str) -> String {
    format!(
        "docker ps -aq --filter 'name=^{name}($|-)' | xargs -r docker rm -f -v; \
         docker network ls -q --filter 'name=^{name}($|-)' | xargs -r docker network rm; \
         docker volume ls -q --filter 'name=^{name}($|-)' | xargs -r docker volume rm; \
         rm -rf /srv/{name} /root/windlass/{name}*"
    )
}
