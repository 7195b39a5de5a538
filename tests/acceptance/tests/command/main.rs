//! `windlass_command` on real hosts.

#![allow(clippy::unwrap_used, clippy::expect_used)]

mod failures;
mod life;
mod moves;

use acceptance_tests::{Scratch, Workspace, hcl};
use lab::Lab;

/// The address of the command of a [`Space`].
const IT: &str = "windlass_command.it";

/// One command in a workspace of its own, that works in a directory of its own.
struct Space<'a> {
    place: Scratch<'a>,
    workspace: Workspace,
}

impl<'a> Space<'a> {
    fn new(lab: &'a Lab, place: Scratch<'a>) -> Self {
        let space = Self { place, workspace: Workspace::for_test() };
        space.workspace.write("provider.tf", &hcl::provider_block(lab, ""));
        space
    }

    /// Writes the resource; `attributes` go into it as they are.
    fn configure(&self, attributes: &[&str]) {
        self.configure_on(&self.place, attributes);
    }

    fn configure_on(&self, place: &Scratch<'_>, attributes: &[&str]) {
        let host = hcl::quoted(&hcl::connection(place.host()));
        let attributes = attributes.join("\n  ");
        let text = format!(
            "resource \"windlass_command\" \"it\" {{\n  host = {host}\n  working_directory = {}\n  {attributes}\n}}\n",
            hcl::quoted(place.root())
        );
        self.workspace.write("command.tf", &text);
    }

    #[track_caller]
    fn apply(&self) {
        self.workspace.apply().expect_success();
        self.workspace.expect_no_changes();
    }

    /// What a file in the directory holds.
    fn file(&self, name: &str) -> Option<String> {
        self.place.read(&self.place.path(name))
    }
}
