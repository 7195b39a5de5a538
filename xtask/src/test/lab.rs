//! The lab of one test run: brought up for it, and taken down whatever happens.

use crate::interrupt::Interrupt;
use crate::{paths, shell};
use anyhow::Result;
use std::path::PathBuf;
use std::process::Command;

/// One host of each kind that facts about SSH and Docker differ on.
const VARIANTS: &str = "root,deploy,sudo,no-forward,jump";

/// A lab that may have hosts; dropping it takes them down.
pub struct Lab {
    name: String,
    is_up: bool,
}

impl Lab {
    /// A name of its own, so that a developer's lab and another run stay apart.
    pub fn new() -> Self {
        Self { name: format!("test-{}", std::process::id()), is_up: false }
    }

    /// Starts the hosts.
    pub fn up(&mut self, interrupt: &Interrupt) -> Result<()> {
        // Also a lab that came up halfway is to be taken down.
        self.is_up = true;
        interrupt.run(self.command("up").args(["--variants", VARIANTS]))
    }

    /// Removes the hosts. Not interruptible: this is what an interrupt leads to.
    pub fn down(&mut self) -> Result<()> {
        self.is_up = false;
        shell::run_undisturbed(&mut self.command("down"))
    }

    pub fn name(&self) -> &str {
        &self.name
    }

    /// The file that tells tests where the hosts are.
    pub fn state_file(&self) -> PathBuf {
        paths::root().join(format!("tests/lab/state/{}.json", self.name))
    }

    fn command(&self, verb: &str) -> Command {
        let mut command = shell::cargo();
        command.args(["run", "--quiet", "--package", "lab", "--", verb]);
        command.args(["--name", &self.name]);
        command
    }
}

impl Drop for Lab {
    fn drop(&mut self) {
        if self.is_up
            && let Err(error) = self.down()
        {
            eprintln!("error: the lab {} is left behind: {error:#}", self.name);
        }
    }
}
