//! One workspace, and the things of one name that it makes on hosts.

use acceptance_tests::{Workspace, hcl, unique};
use lab::{Host, Lab, Variant};

/// A workspace and a name; networks, volumes and containers whose names begin with it go when it
/// is dropped.
pub struct Place<'a> {
    lab: &'a Lab,
    pub host: Host,
    pub name: String,
    pub space: Workspace,
}

impl<'a> Place<'a> {
    /// On the host where root logs in.
    pub fn new(lab: &'a Lab) -> Self {
        let space = Workspace::for_test();
        space.write("provider.tf", &hcl::provider_block(lab, ""));
        Self { lab, host: lab.host(Variant::Root).unwrap().clone(), name: unique("test"), space }
    }

    /// Writes a resource `test` of this type and this name, on this host.
    pub fn configure(&self, kind: &str, attributes: &str) {
        self.configure_on(&self.host, kind, attributes);
    }

    /// The same on another host.
    pub fn configure_on(&self, host: &Host, kind: &str, attributes: &str) {
        let (host, name) = (hcl::quoted(&hcl::connection(host)), hcl::quoted(&self.name));
        let text = format!(
            "resource \"windlass_docker_{kind}\" \"test\" {{\n  host = {host}\n  name = {name}\n  {attributes}\n}}\n"
        );
        self.space.write("main.tf", &text);
    }

    /// Applies, and fails unless nothing is left to do.
    #[track_caller]
    pub fn apply(&self) {
        self.space.apply().expect_success();
        self.space.expect_no_changes();
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

    /// Runs a line of shell as root on the host, with this input.
    pub fn shell(&self, line: &str, input: &str) -> std::process::Output {
        self.lab.exec_with_input(&self.host, &["sh", "-c", line], input.as_bytes()).unwrap()
    }

    /// Whether docker has a network or volume of this name on a host.
    pub fn has(&self, host: &Host, kind: &str) -> bool {
        self.lab.exec(host, &["docker", kind, "inspect", &self.name]).unwrap().status.success()
    }

    /// A container that stays, with these words before its image.
    pub fn start_container(&self, words: &[&str]) -> String {
        self.container(&["run", "--detach"], words)
    }

    /// As [`Place::start_container`], without starting it.
    pub fn create_container(&self, words: &[&str]) -> String {
        self.container(&["create"], words)
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

    /// The id for an import.
    pub fn import_id(&self) -> String {
        format!("{}|{}", hcl::connection(&self.host), self.name)
    }
}

impl Drop for Place<'_> {
    fn drop(&mut self) {
        let line = format!(
            "docker ps -aq --filter 'name=^{name}($|-)' | xargs -r docker rm -f -v; \
             docker network ls -q --filter 'name=^{name}($|-)' | xargs -r docker network rm; \
             docker volume ls -q --filter 'name=^{name}($|-)' | xargs -r docker volume rm; \
             rm -rf /srv/{name} /root/windlass/{name}*",
            name = self.name
        );
        for host in self.lab.hosts() {
            let _ = self.lab.exec(host, &["sh", "-c", &line]);
        }
    }
}
