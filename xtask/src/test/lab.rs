//! The labs of one run: brought up for it, and taken down whatever happens.

use super::areas::Area;
use super::background::{self, Log};
use super::report::Report;
use crate::interrupt::Interrupt;
use crate::provider_binary::{LAB, MESSAGES, program};
use crate::{paths, shell};
use anyhow::{Result, anyhow};
use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::process::Command;

/// One host of each kind that facts about SSH and Docker differ on.
pub const ALL_VARIANTS: &[&str] = &["--variants", "root,deploy,sudo,no-forward,jump"];

/// Builds what brings up hosts, where no pass for all tests has built it.
///
/// # Errors
/// When it does not compile.
pub fn tool(interrupt: &Interrupt) -> Result<PathBuf> {
    let words = ["build", "--locked", "--package", LAB, MESSAGES];
    program(&interrupt.stdout(shell::cargo().args(words))?, LAB)
}

/// A lab that may have hosts; dropping it takes them down.
pub struct Lab {
    name: String,
    /// Which hosts, as options of the tool.
    hosts: &'static [&'static str],
    /// What starts and removes hosts; a verb and options follow.
    tool: Box<dyn Fn() -> Command + Send>,
    is_up: bool,
}

impl Lab {
    /// For a run of `what`. A name of its own, so that a developer's lab and another run stay apart.
    pub fn new(what: &str, hosts: &'static [&'static str], tool: &Path) -> Self {
        Self::named(&format!("{what}-{}", std::process::id()), hosts, tool)
    }

    /// One that others find by its name.
    pub fn named(name: &str, hosts: &'static [&'static str], tool: &Path) -> Self {
        let tool = tool.to_owned();
        Self::through(name.to_owned(), hosts, move || Command::new(&tool))
    }

    fn through(
        name: String,
        hosts: &'static [&'static str],
        tool: impl Fn() -> Command + Send + 'static,
    ) -> Self {
        Self { name, hosts, tool: Box::new(tool), is_up: false }
    }

    /// Brings the lab up, works with it, and takes it down whatever happened.
    ///
    /// # Errors
    /// That of coming up or of the work; else that of going down.
    pub fn during(
        mut self,
        interrupt: &Interrupt,
        report: &mut Report,
        work: impl FnOnce(&Self, &mut Report) -> Result<()>,
    ) -> Result<()> {
        let is_up = report.step(Area::Builds, "lab up", || self.up_through(|command| interrupt.run(command)));
        let outcome = is_up.and_then(|()| work(&self, report));
        let is_down = report.step(Area::Builds, "lab down", || self.down());
        outcome.and(is_down)
    }

    /// Brings it up; what the tool says goes to the log.
    ///
    /// # Errors
    /// When it does not come up.
    pub fn up_beside(&mut self, interrupt: &Interrupt, log: &Log) -> Result<()> {
        let stdout = log.stdout()?;
        self.up_through(|command| log.run(interrupt, command.stdout(stdout)))
    }

    /// Brings it up with what runs the tool.
    ///
    /// # Errors
    /// When it does not come up.
    pub fn up_through(&mut self, run: impl FnOnce(&mut Command) -> Result<()>) -> Result<()> {
        // Also a lab that came up halfway is to be taken down.
        self.is_up = true;
        run(self.command("up").args(self.hosts))
    }

    /// Leaves the hosts there.
    pub fn keep(mut self) {
        self.is_up = false;
    }

    /// Removes the hosts. Not interruptible: this is what an interrupt leads to.
    fn down(&mut self) -> Result<()> {
        self.is_up = false;
        shell::run_undisturbed(&mut self.command("down"))
    }

    #[cfg(test)]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The file that tells tests where the hosts are.
    pub fn state_file(&self) -> PathBuf {
        paths::root().join(format!("tests/lab/state/{}.json", self.name))
    }

    /// What tells tests to use it.
    pub fn environment(&self) -> [(&'static str, OsString); 2] {
        [("WINDLASS_LAB", self.name.clone().into()), ("WINDLASS_LAB_STATE", self.state_file().into())]
    }

    fn command(&self, verb: &str) -> Command {
        let mut command = (self.tool)();
        command.arg(verb).args(["--name", &self.name]);
        command
    }
}

/// Takes all of them down, at the same time.
///
/// # Errors
/// When one does not go down.
pub fn down(labs: Vec<Lab>) -> Result<()> {
    std::thread::scope(|scope| {
        let ends: Vec<_> = labs.into_iter().map(|mut lab| scope.spawn(move || lab.down())).collect();
        let ends = ends.into_iter().map(|end| end.join());
        background::all(ends.map(|end| end.unwrap_or_else(|_| Err(anyhow!("a thread panicked")))))
    })
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

#[cfg(test)]
mod tests {
    use super::*;
    use anyhow::bail;

    /// A tool that only notes how it was called, and fails at `failing`.
    fn noting(folder: &Path, failing: &str) -> Lab {
        let script = format!("echo \"$1\" >> {}/calls; [ \"$1\" != \"{failing}\" ]", folder.display());
        Lab::through("test".to_owned(), ALL_VARIANTS, move || {
            let mut command = Command::new("sh");
            command.args(["-c", &script, "tool"]);
            command
        })
    }

    fn calls(folder: &Path) -> String {
        std::fs::read_to_string(folder.join("calls")).unwrap()
    }

    #[test]
    fn a_lab_goes_down_after_work_that_failed() {
        let folder = tempfile::tempdir().unwrap();
        let mut report = Report::default();
        let outcome = noting(folder.path(), "").during(&Interrupt::unset(), &mut report, |lab, _| {
            assert!(lab.state_file().ends_with(format!("{}.json", lab.name())));
            bail!("two tests failed")
        });
        assert_eq!(outcome.unwrap_err().to_string(), "two tests failed");
        assert_eq!(calls(folder.path()), "up\ndown\n");
    }

    #[test]
    fn a_lab_that_came_up_halfway_goes_down() {
        let folder = tempfile::tempdir().unwrap();
        let mut report = Report::default();
        let outcome = noting(folder.path(), "up")
            .during(&Interrupt::unset(), &mut report, |_, _| unreachable!("no work without a lab"));
        assert!(outcome.is_err());
        assert_eq!(calls(folder.path()), "up\ndown\n");
        assert_eq!(report.failed(), ["lab up"]);
    }

    #[test]
    fn a_lab_goes_down_after_an_interrupt() {
        let folder = tempfile::tempdir().unwrap();
        let interrupt = Interrupt::unset();
        let outcome = noting(folder.path(), "").during(&interrupt, &mut Report::default(), |_, _| {
            interrupt.set();
            interrupt.check()
        });
        assert_eq!(outcome.unwrap_err().to_string(), "interrupted");
        assert_eq!(calls(folder.path()), "up\ndown\n");
    }

    #[test]
    fn a_lab_that_does_not_go_down_fails_the_run() {
        let folder = tempfile::tempdir().unwrap();
        let mut report = Report::default();
        let lab = noting(folder.path(), "down");
        let outcome = lab.during(&Interrupt::unset(), &mut report, |_, _| Ok(()));
        assert!(outcome.is_err());
        assert_eq!(report.failed(), ["lab down"]);
    }

    #[test]
    fn labs_that_came_up_beside_go_down_together() {
        let folder = tempfile::tempdir().unwrap();
        let log = Log::new("test of labs").unwrap();
        let mut labs = vec![noting(folder.path(), ""), noting(folder.path(), "")];
        for lab in &mut labs {
            lab.up_beside(&Interrupt::unset(), &log).unwrap();
        }
        down(labs).unwrap();
        assert_eq!(calls(folder.path()), "up\nup\ndown\ndown\n");
        assert!(down(vec![noting(folder.path(), ""), noting(folder.path(), "down")]).is_err());
    }

    #[test]
    fn a_panic_takes_the_lab_down() {
        let folder = tempfile::tempdir().unwrap();
        let lab = noting(folder.path(), "");
        let panicked = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
            lab.during(&Interrupt::unset(), &mut Report::default(), |_, _| panic!("in the middle"))
        }));
        assert!(panicked.is_err());
        assert_eq!(calls(folder.path()), "up\ndown\n");
    }
}
