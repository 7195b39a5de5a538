//! `windlass_command` on real hosts.

#![allow(clippy::unwrap_used, clippy::expect_used)]

mod failures;
mod life;
mod moves;

use std::ops::Deref;

use acceptance_tests::{Fixture, Scratch, hcl};
use lab::Lab;

/// The address of the resource of a [`Command`].
const IT: &str = "windlass_command.it";

/// One command, that works in a directory of its own.
struct Command<'a> {
    fixture: Fixture<'a>,
    directory: Scratch<'a>,
}

impl<'a> Command<'a> {
    fn new(lab: &'a Lab, directory: Scratch<'a>) -> Self {
        // What commands make is in that directory, and goes with it.
        Self { fixture: Fixture::on(lab, directory.host(), |_| "true".to_owned()), directory }
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

impl<'a> Deref for Command<'a> {
    type Target = Fixture<'a>;

    fn deref(&self) -> &Fixture<'a> {
        &self.fixture
    }
}
