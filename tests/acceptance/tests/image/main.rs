//! `windlass_image` on real hosts.

#![allow(clippy::unwrap_used, clippy::expect_used)]

mod failures;
mod life;
mod moves;
mod ownership;
mod registry;

use std::ops::{Deref, DerefMut};

use acceptance_tests::{Fixture, hcl};
use lab::{Host, Lab};

/// The address of the resource of an [`Image`].
const IT: &str = "windlass_image.it";

/// An image with a name of its own, and what it is built from.
struct Image<'a> {
    fixture: Fixture<'a>,
}

impl<'a> Image<'a> {
    fn on(lab: &'a Lab, host: &Host) -> Self {
        Self { fixture: Fixture::on(lab, host, left_of_image) }
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
        let attributes = format!("{context}\n  {}", attributes.join("\n  "));
        hcl::resource_block(
            "windlass_image",
            address,
            &hcl::quoted(&hcl::connection(host)),
            name,
            &attributes,
        )
    }

    /// Writes a stack of one service that runs `image`, an expression.
    fn stack(&self, address: &str, host: &Host, image: &str) {
        let text = self.compose_file("image.yaml", &[]);
        let attributes = format!("config = [{}]\n  environment = {{ IMAGE = {image} }}", hcl::quoted(&text));
        let host = hcl::quoted(&hcl::connection(host));
        let block = hcl::resource_block("windlass_compose_stack", address, &host, &self.name, &attributes);
        self.workspace.write(&format!("{address}.tf"), &block);
    }

    /// What a file in the stack's container holds.
    #[track_caller]
    fn file_in_container(&self, host: &Host, path: &str) -> String {
        self.lab.exec_ok(host, &["docker", "exec", &format!("{}-app-1", self.name), "cat", path]).unwrap()
    }

    /// The id of what `name` stands for on the host.
    fn id_of(&self, name: &str) -> Option<String> {
        let output =
            self.lab.exec(&self.host, &["docker", "image", "inspect", "--format", "{{.Id}}", name]).unwrap();
        output.status.success().then(|| String::from_utf8(output.stdout).unwrap().trim().to_owned())
    }
}

impl<'a> Deref for Image<'a> {
    type Target = Fixture<'a>;

    fn deref(&self) -> &Fixture<'a> {
        &self.fixture
    }
}

impl DerefMut for Image<'_> {
    fn deref_mut(&mut self) -> &mut Self::Target {
        &mut self.fixture
    }
}

/// Removes the image of this name, its further tags, and the container of its stack.
fn left_of_image(name: &str) -> String {
    format!("docker rm --force {name}-app-1; docker rmi --force {name} {name}:more {name}:second; true")
}
