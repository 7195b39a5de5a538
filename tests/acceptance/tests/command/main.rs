//! `windlass_command` on real hosts.

#![allow(clippy::unwrap_used, clippy::expect_used)]

mod failures;
mod life;
mod moves;

use acceptance_tests::{Scratch, Workspace, hcl};
use lab::Lab;

/// The address of the command of a [`Command`].
const IT: &str = "windlass_command.it";

/// One command in a workspace of its own, that works in a directory of its own.
struct Command<'a> {
    directory: Scratch<'a>,
    workspace: Workspace,
}

impl<'a> Command<'a> {
    fn new(lab: &'a Lab, directory: Scratch<'a>) -> Self {
        let command = Self { directory, workspace: Workspace::for_test() };
        command.workspace.write("provider.tf", &hcl::provider_block(lab, ""));
        command
    }

    /// Writes the resource; `attributes` go into it as they are.
    fn configure(&self, attributes: &[&str]) {
        self.configure_on(&self.directory, attributes);
    }

    fn configure_on(&self, directory: &Scratch<'_>, attributes: &[&str]) {
        let host = hcl::quoted(&hcl::connection(directory.host()));
        let attributes = attributes.join("\n  ");
        let text = format!(
            "resource \"windlass_command\" \"it\" {{\n  host = {host}\n  working_directory = {}\n  {attributes}\n}}\n",
            hcl::quoted(directory.root())
        );
        self.workspace.write("command.tf", &text);
    }

    /// What a file in the directory holds.
    fn file(&self, name: &str) -> Option<String> {
        self.directory.read(&self.directory.path(name))
    }
}
