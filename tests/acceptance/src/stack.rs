//! One stack of one test: its configuration, and what the host knows of it.

use std::{
    collections::BTreeMap,
    ops::{Deref, DerefMut},
};

use lab::{Host, Lab};

use crate::{Diagnostic, Fixture, hcl};

/// The address of a [`Stack`].
pub const STACK: &str = "windlass_compose_stack.test";

/// A stack with a name of its own.
pub struct Stack<'a> {
    fixture: Fixture<'a>,
}

impl<'a> Stack<'a> {
    /// One on `host`, in a workspace of its own.
    pub fn on(lab: &'a Lab, host: &Host) -> Self {
        Self { fixture: Fixture::on(lab, host, left_of_project) }
    }

    /// Writes the resource: `attributes` go into it as they are.
    pub fn configure(&self, attributes: &str) {
        self.configure_on(&self.connection(), attributes);
    }

    /// As [`Stack::configure`], with an expression for the host.
    pub fn configure_on(&self, host: &str, attributes: &str) {
        let text = hcl::resource_block("windlass_compose_stack", "test", host, &self.name, attributes);
        self.workspace.write("stack.tf", &text);
    }

    /// Writes a stack of this Compose file.
    pub fn configure_text(&self, text: &str) {
        self.configure_text_with(text, "");
    }

    /// Writes a stack of this Compose file; `attributes` go into the resource as they are.
    pub fn configure_text_with(&self, text: &str, attributes: &str) {
        self.configure_text_on(&self.connection(), text, attributes);
    }

    /// As [`Stack::configure_text_with`], with an expression for the host.
    pub fn configure_text_on(&self, host: &str, text: &str, attributes: &str) {
        self.workspace.write("compose.tpl.yaml", text);
        let config = "config = [file(\"${path.module}/compose.tpl.yaml\")]";
        self.configure_on(host, &format!("{config}\n  {attributes}"));
    }

    /// The lines of a service that stays, with `more` lines at its end.
    pub fn service(&self, name: &str, more: &str) -> String {
        let image = self.image("busybox");
        format!(
            "  {name}:\n    image: {image}\n    command: [sleep, infinity]\n    stop_grace_period: 0s\n{more}"
        )
    }

    /// Writes a stack of one service that stays.
    pub fn configure_one_service(&self) {
        self.configure_text(&self.one_service());
    }

    /// A Compose file with one service `app` that stays.
    pub fn one_service(&self) -> String {
        self.compose_file("one-service.yaml", &[])
    }

    /// Plans several stacks at once, each with these attributes, that are all refused, and gives the
    /// error of each: a plan for all of them costs little more than one for each.
    ///
    /// # Panics
    /// When one of them is not refused.
    #[track_caller]
    pub fn refusals(&self, cases: &[String]) -> Vec<Diagnostic> {
        let (host, address) = (self.connection(), |index| format!("windlass_compose_stack.case-{index}"));
        let block = |(index, attributes): (usize, &String)| {
            let (label, name) = (format!("case-{index}"), format!("{}-{index}", self.name));
            hcl::resource_block("windlass_compose_stack", &label, &host, &name, attributes)
        };
        self.workspace.write("stack.tf", &cases.iter().enumerate().map(block).collect::<String>());
        let run = self.workspace.plan();
        let errors = run.diagnostics();
        let error_of = |index| {
            let mut errors = errors.iter().filter(|one| one.severity == "error");
            let error = errors.find(|one| one.address == address(index)).cloned();
            error
                .unwrap_or_else(|| panic!("{} is not refused:\n{}\n{}", cases[index], run.stdout, run.stderr))
        };
        (0..cases.len()).map(error_of).collect()
    }

    /// The title of a failure.
    pub fn could_not(&self, operation: &str) -> String {
        format!("Could not {operation} compose stack {:?}", self.name)
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
        self.workspace.state(STACK)["directory"].as_str().unwrap().to_owned()
    }

    /// Fails unless nothing of the stack is on the host.
    #[track_caller]
    pub fn expect_gone(&self) {
        assert_eq!(self.containers(), BTreeMap::new());
        let filter = format!("label=com.docker.compose.project={}", self.name);
        assert_eq!(self.root_runs(&["docker", "network", "ls", "-q", "--filter", &filter]).trim(), "");
    }
}

impl<'a> Deref for Stack<'a> {
    type Target = Fixture<'a>;

    fn deref(&self) -> &Fixture<'a> {
        &self.fixture
    }
}

impl DerefMut for Stack<'_> {
    fn deref_mut(&mut self) -> &mut Self::Target {
        &mut self.fixture
    }
}

/// Removes what is left of a Compose project of this name.
fn left_of_project(name: &str) -> String {
    let label = format!("label=com.docker.compose.project={name}");
    format!(
        "docker ps -aq --filter {label} | xargs -r docker rm -f -v; \
         docker network ls -q --filter {label} | xargs -r docker network rm; \
         docker volume ls -q --filter {label} | xargs -r docker volume rm; \
         rm -rf /root/windlass/{name} /home/*/windlass/{name} /srv/{name}*"
    )
}
