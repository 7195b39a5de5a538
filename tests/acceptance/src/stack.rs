//! One stack of one test: its configuration, and what the host knows of it.

use std::collections::BTreeMap;

use lab::{Host, Lab};

use crate::{Workspace, hcl, unique};

/// The address of a [`Stack`].
pub const STACK: &str = "windlass_compose_stack.test";

/// A stack with a name of its own; what is left of it on its host goes when it is dropped.
pub struct Stack<'a> {
    /// The lab of its host.
    pub lab: &'a Lab,
    /// Where it is.
    pub host: Host,
    /// The name of the project.
    pub name: String,
    /// Its configuration.
    pub space: Workspace,
}

impl<'a> Stack<'a> {
    /// One on `host`, in a workspace of its own.
    pub fn on(lab: &'a Lab, host: &Host) -> Self {
        let space = Workspace::for_test();
        space.write("provider.tf", &hcl::provider_block(lab, ""));
        Self { lab, host: host.clone(), name: unique("test"), space }
    }

    /// Writes the provider's block: `outer` goes into it as it is, `inner` into its `ssh` block.
    pub fn provider(&self, outer: &str, inner: &str) {
        let block = hcl::provider_block(self.lab, outer);
        self.space.write("provider.tf", &block.replace("ssh {", &format!("ssh {{\n    {inner}")));
    }

    /// The image `name` of the lab, by digest.
    pub fn image(&self, name: &str) -> &str {
        self.lab.image(name).unwrap()
    }

    /// Writes the resource: `attributes` go into it as they are.
    pub fn configure(&self, attributes: &str) {
        self.configure_on(&hcl::quoted(&hcl::connection(&self.host)), attributes);
    }

    /// As [`Stack::configure`], with an expression for the host.
    pub fn configure_on(&self, host: &str, attributes: &str) {
        let name = hcl::quoted(&self.name);
        let text = format!(
            "resource \"windlass_compose_stack\" \"test\" {{\n  host = {host}\n  name = {name}\n  {attributes}\n}}\n"
        );
        self.space.write("stack.tf", &text);
    }

    /// Writes a stack of this Compose file.
    pub fn configure_text(&self, text: &str) {
        self.space.write("compose.tpl.yaml", text);
        self.configure("config = [file(\"${path.module}/compose.tpl.yaml\")]");
    }

    /// Writes a stack of one service that stays.
    pub fn configure_one_service(&self) {
        self.configure_text(&self.one_service());
    }

    /// A Compose file with one service `app` that stays.
    pub fn one_service(&self) -> String {
        format!(
            "services:\n  app:\n    image: {}\n    command: [sleep, infinity]\n    stop_grace_period: 0s\n",
            self.image("busybox")
        )
    }

    /// The title of a failure.
    pub fn could_not(&self, operation: &str) -> String {
        format!("Could not {operation} compose stack {:?}", self.name)
    }

    /// Runs words as root on the host.
    #[track_caller]
    pub fn root_runs(&self, words: &[&str]) -> String {
        self.lab.exec_ok(&self.host, words).unwrap()
    }

    /// Runs a line of shell as root on the host.
    #[track_caller]
    pub fn shell(&self, line: &str) -> String {
        self.root_runs(&["sh", "-c", line])
    }

    /// Service to the ids of its containers, as the daemon says.
    pub fn containers(&self) -> BTreeMap<String, Vec<String>> {
        let filter = format!("label=com.docker.compose.project={}", self.name);
        let format = "{{.Label \"com.docker.compose.service\"}} {{.ID}}";
        let listed = self.root_runs(&["docker", "ps", "--all", "--filter", &filter, "--format", format]);
        let mut containers: BTreeMap<String, Vec<String>> = BTreeMap::new();
        for (service, id) in listed.lines().filter_map(|line| line.split_once(' ')) {
            containers.entry(service.to_owned()).or_default().push(id.to_owned());
        }
        containers.values_mut().for_each(|ids| ids.sort());
        containers
    }

    /// The variable `name` as the first container of `service` has it.
    pub fn variable(&self, service: &str, name: &str) -> String {
        let line = format!("printf %s \"${name}\"");
        let container = format!("{}-{service}-1", self.name);
        self.root_runs(&["docker", "exec", &container, "sh", "-c", &line])
    }

    /// The stack's directory on the host, as the state tells it.
    pub fn directory(&self) -> String {
        self.space.state(STACK)["directory"].as_str().unwrap().to_owned()
    }

    /// The id for an import.
    pub fn import_id(&self) -> String {
        format!("{}|{}", hcl::connection(&self.host), self.name)
    }

    /// Whether there is anything at `path` on the host.
    pub fn exists(&self, path: &str) -> bool {
        self.lab.exec(&self.host, &["test", "-e", path]).unwrap().status.success()
    }

    /// Fails unless nothing of the stack is on the host.
    #[track_caller]
    pub fn expect_gone(&self) {
        assert_eq!(self.containers(), BTreeMap::new());
        let filter = format!("label=com.docker.compose.project={}", self.name);
        assert_eq!(self.root_runs(&["docker", "network", "ls", "-q", "--filter", &filter]).trim(), "");
    }
}

impl Drop for Stack<'_> {
    fn drop(&mut self) {
        let label = format!("label=com.docker.compose.project={}", self.name);
        let line = format!(
            "docker ps -aq --filter {label} | xargs -r docker rm -f -v; \
             docker network ls -q --filter {label} | xargs -r docker network rm; \
             docker volume ls -q --filter {label} | xargs -r docker volume rm; \
             rm -rf /root/windlass/{name} /home/*/windlass/{name} /srv/{name}*",
            name = self.name
        );
        let _ = self.lab.exec(&self.host, &["sh", "-c", &line]);
    }
}
