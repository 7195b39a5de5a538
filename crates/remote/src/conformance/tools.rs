//! The programs that commands for hosts meet there, as far as this machine has them.

use std::{
    fs,
    os::unix::fs::symlink,
    path::Path,
    process::{Command as Process, Stdio},
    sync::Arc,
};

use async_trait::async_trait;
use tempfile::TempDir;

use crate::{Command, Dial, Error, Executor, Local, Noise, Stream};

/// What Debian's BusyBox is built without, though that of Alpine and of others has it.
const NOT_IN_DEBIANS: &str = "flock";

/// A shell and the programs beside it. As an [`Executor`] it is this machine with no others on the
/// `PATH` of its commands, where that can be said of them.
///
/// What is sent to hosts is tried with [`Tools::all`] of them: an option that only one of them knows
/// fails a test then, and not a user.
#[derive(Clone, Debug)]
pub struct Tools {
    name: &'static str,
    path: String,
    /// What the path leads to; nothing where that is the machine's own.
    _links: Option<Arc<TempDir>>,
}

impl Tools {
    /// `sh` as it is here with the GNU programs, Bash as `sh` with them, and BusyBox alone.
    ///
    /// # Panics
    /// When one of them is not installed.
    pub fn all() -> [Self; 3] {
        [Self::here(), Self::bash(), Self::busybox()]
    }

    /// Those of this machine.
    pub fn here() -> Self {
        Self { name: "the machine's own", path: login_path(), _links: None }
    }

    /// Those of this machine, with Bash as `sh`.
    ///
    /// # Panics
    /// When there is no Bash.
    pub fn bash() -> Self {
        let links = links(&[("sh".to_owned(), program("bash"))]);
        Self { path: format!("{}:{}", links.path().display(), login_path()), ..Self::of("Bash", links) }
    }

    /// BusyBox's, and no others.
    ///
    /// # Panics
    /// When BusyBox is not installed.
    pub fn busybox() -> Self {
        let busybox = program("busybox");
        let listed = Process::new(&busybox).arg("--list").output().expect("busybox runs").stdout;
        let mut all: Vec<(String, String)> = String::from_utf8_lossy(&listed)
            .lines()
            .map(|applet| (applet.to_owned(), busybox.clone()))
            .collect();
        if !all.iter().any(|(applet, _)| applet == NOT_IN_DEBIANS) {
            all.push((NOT_IN_DEBIANS.to_owned(), program(NOT_IN_DEBIANS)));
        }
        Self::of("BusyBox", links(&all))
    }

    /// A few of this machine's, and no others.
    ///
    /// # Panics
    /// When one of them is not there.
    pub fn only(names: &[&str]) -> Self {
        let all: Vec<_> = names.iter().map(|name| ((*name).to_owned(), program(name))).collect();
        Self::of("a few programs", links(&all))
    }

    fn of(name: &'static str, links: TempDir) -> Self {
        Self { name, path: links.path().display().to_string(), _links: Some(Arc::new(links)) }
    }

    /// What runs `script` as hosts do (`sh -c`), its words to be added and its stdin to be written.
    pub fn sh(&self, script: &str) -> Process {
        let mut command = Process::new("env");
        command.args(["-i", &self.variable(), "HOME=/nonexistent", "sh", "-c", script, self.name]);
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        command
    }

    /// Runs `script` with `words` and `input`: whether it succeeded, and what it printed.
    ///
    /// # Panics
    /// When it cannot be started.
    pub fn run<W: AsRef<std::ffi::OsStr>>(&self, script: &str, words: &[W], input: &[u8]) -> (bool, String) {
        let mut child = self.sh(script).args(words).spawn().expect("sh starts");
        let mut stdin = child.stdin.take().expect("stdin is a pipe");
        // What does not read its input closes it.
        let _ = std::io::Write::write_all(&mut stdin, input);
        drop(stdin);
        let output = child.wait_with_output().expect("sh ends");
        (output.status.success(), String::from_utf8_lossy(&output.stdout).into_owned())
    }

    fn variable(&self) -> String {
        format!("PATH={}", self.path)
    }
}

#[async_trait]
impl Executor for Tools {
    async fn start(&self, command: &Command) -> Result<crate::Process, Error> {
        let words = ["env".to_owned(), self.variable()].into_iter().chain(command.words().iter().cloned());
        Local::new().start(&Command::new(words).timeout(command.time_limit())).await
    }

    async fn dial(&self, target: &Dial) -> Result<Box<dyn Stream>, Error> {
        Local::new().dial(target).await
    }

    fn name(&self) -> &str {
        self.name
    }

    fn sudo(&self) -> crate::connection::Sudo {
        crate::connection::Sudo::Nothing
    }

    fn noise(&self) -> Option<Noise> {
        None
    }
}

fn login_path() -> String {
    std::env::var("PATH").unwrap_or_else(|_| "/usr/sbin:/usr/bin:/sbin:/bin".to_owned())
}

/// Where the program `name` is.
fn program(name: &str) -> String {
    let places = login_path();
    let mut found = places.split(':').map(|place| format!("{place}/{name}"));
    found
        .find(|path| fs::metadata(Path::new(path)).is_ok_and(|facts| facts.is_file()))
        .unwrap_or_else(|| panic!("{name} is not installed; the package is called {name}, or util-linux"))
}

/// A directory of links, each from a name to a program.
fn links(all: &[(String, String)]) -> TempDir {
    let directory = tempfile::tempdir().expect("a temporary directory");
    for (name, program) in all {
        // A list that names one twice means the same program.
        let _ = symlink(program, directory.path().join(name));
    }
    directory
}
