//! `windlass_image` on real hosts.

#![allow(clippy::unwrap_used, clippy::expect_used)]

mod failures;
mod life;
mod moves;
mod registry;

use acceptance_tests::{Workspace, hcl, unique};
use lab::{Host, Lab};

/// The address of the image of a [`Space`].
const IT: &str = "windlass_image.it";

/// An image with a name of its own, and what is built from.
struct Space<'a> {
    lab: &'a Lab,
    host: Host,
    /// What it and everything around it is called.
    name: String,
    workspace: Workspace,
}

impl<'a> Space<'a> {
    fn new(lab: &'a Lab, host: &Host) -> Self {
        let space = Self { lab, host: host.clone(), name: unique("image"), workspace: Workspace::for_test() };
        space.workspace.write("provider.tf", &hcl::provider_block(lab, ""));
        space
    }

    /// Writes the Dockerfile: the lab's busybox, these lines, and what makes it no other test's image.
    fn dockerfile(&self, lines: &[&str]) {
        let (base, lines) = (self.lab.image("busybox").unwrap(), lines.join("\n"));
        let text = format!("FROM {base}\n{lines}\nLABEL test={}\n", self.name);
        self.workspace.write("app/Dockerfile", &text);
    }

    /// Writes the image; `attributes` go into it as they are.
    fn configure(&self, attributes: &[&str]) {
        self.workspace.write("image.tf", &self.block("it", &self.host, &self.name, attributes));
    }

    /// One image from the directory `app`, unless an attribute says otherwise.
    fn block(&self, address: &str, host: &Host, name: &str, attributes: &[&str]) -> String {
        let git = attributes.iter().any(|attribute| attribute.starts_with("git "));
        let context = if git { "" } else { "context = \"${path.module}/app\"" };
        format!(
            "resource \"windlass_image\" {address:?} {{\n  host = {}\n  name = {}\n  {context}\n  {}\n}}\n",
            hcl::quoted(&hcl::connection(host)),
            hcl::quoted(name),
            attributes.join("\n  ")
        )
    }

    /// Writes a stack of one service that runs `image`, an expression.
    fn stack(&self, address: &str, host: &Host, image: &str) {
        let text = "services:\n  app:\n    image: $${IMAGE}\n    command: [sleep, infinity]\n    stop_grace_period: 0s\n";
        let block = format!(
            "resource \"windlass_compose_stack\" {address:?} {{\n  host = {}\n  name = {}\n  config = [{}]\n  environment = \
             {{ IMAGE = {image} }}\n}}\n",
            hcl::quoted(&hcl::connection(host)),
            hcl::quoted(&self.name),
            hcl::quoted(&text.replace("$$", "$")),
        );
        self.workspace.write(&format!("{address}.tf"), &block);
    }

    /// What a file in the stack's container holds.
    #[track_caller]
    fn file_in_container(&self, host: &Host, path: &str) -> String {
        self.lab.exec_ok(host, &["docker", "exec", &format!("{}-app-1", self.name), "cat", path]).unwrap()
    }

    /// Runs words as root on the host.
    #[track_caller]
    fn root_runs(&self, words: &[&str]) -> String {
        self.lab.exec_ok(&self.host, words).unwrap()
    }

    /// The id of what `name` stands for on the host.
    fn id_of(&self, name: &str) -> Option<String> {
        let output =
            self.lab.exec(&self.host, &["docker", "image", "inspect", "--format", "{{.Id}}", name]).unwrap();
        output.status.success().then(|| String::from_utf8(output.stdout).unwrap().trim().to_owned())
    }

    #[track_caller]
    fn apply(&self) {
        self.workspace.apply().expect_success();
        self.workspace.expect_no_changes();
    }
}

impl Drop for Space<'_> {
    fn drop(&mut self) {
        for host in self.lab.hosts() {
            let container = format!("{}-app-1", self.name);
            let _ = self.lab.exec(host, &["docker", "rm", "--force", &container]);
            let names = [self.name.clone(), format!("{}:more", self.name), format!("{}:second", self.name)];
            let remove = ["docker", "rmi", "--force"].into_iter().chain(names.iter().map(String::as_str));
            let _ = self.lab.exec(host, &remove.collect::<Vec<_>>());
        }
    }
}
