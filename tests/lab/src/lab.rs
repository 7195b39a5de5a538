//! A running lab, as tests see it.

use std::fmt::Write;
use std::path::Path;
use std::process::Output;

use crate::command::{succeed, words};
use crate::engine::Engine;
use crate::error::{Error, Result};
use crate::network::Subnet;
use crate::registry::Registry;
use crate::state::{DEFAULT_LAB, Host, Paths, State};
use crate::up::{self, Options};
use crate::variant::Variant;

/// A running lab.
#[derive(Debug)]
pub struct Lab {
    pub(crate) state: State,
    pub(crate) engine: Engine,
    temporary: bool,
}

/// Takes a lab down: containers, network, control groups, files, and with the last lab the engine.
/// Works on what a crash left, and on nothing.
///
/// # Errors
/// When something could not be removed.
pub fn down(name: &str) -> Result<()> {
    up::down(name)
}

/// Takes every lab down, and the engine.
///
/// # Errors
/// When something could not be removed.
pub fn down_all() -> Result<()> {
    up::down_all()
}

impl Lab {
    /// Brings a lab up, in place of one of the same name, and leaves it running.
    ///
    /// # Errors
    /// When it cannot be; nothing is left then.
    pub fn up(options: &Options) -> Result<Self> {
        Self::up_with_report(options, &|_| {})
    }

    /// [`Lab::up`], telling what it does.
    ///
    /// # Errors
    /// As [`Lab::up`].
    pub fn up_with_report(options: &Options, report: &(dyn Fn(&str) + Sync)) -> Result<Self> {
        Ok(Self::of(up::up(options, report)?))
    }

    /// Brings a lab up that is taken down when the value is dropped, or by the next lab
    /// command when this process was killed.
    ///
    /// # Errors
    /// As [`Lab::up`].
    pub fn temporary(options: &Options) -> Result<Self> {
        let options = Options { owner: Some(std::process::id()), ..options.clone() };
        let mut lab = Self::up(&options)?;
        lab.temporary = true;
        Ok(lab)
    }

    /// The lab of a state file; it goes on when the value is dropped.
    ///
    /// # Errors
    /// When there is no such file.
    pub fn load(path: &Path) -> Result<Self> {
        Ok(Self::of(State::read(path)?))
    }

    /// The lab of this name.
    ///
    /// # Errors
    /// When it does not run.
    pub fn load_named(name: &str) -> Result<Self> {
        let path = Paths::of(name)?.state_file();
        if !path.exists() {
            return Err(Error::Refused(format!(
                "there is no lab {name:?}: bring it up with `make lab-up LAB={name}`"
            )));
        }
        Self::load(&path)
    }

    /// The lab that tests use: `WINDLASS_LAB` (a name) or the default one.
    ///
    /// # Errors
    /// When it does not run.
    pub fn current() -> Result<Self> {
        let name = std::env::var("WINDLASS_LAB").unwrap_or_else(|_| DEFAULT_LAB.to_owned());
        Self::load_named(&name)
    }

    /// All labs whose state can be read, of other checkouts too.
    ///
    /// # Errors
    /// When not run as root.
    pub fn running() -> Result<Vec<Self>> {
        let engine = Engine::locate()?;
        if !engine.is_running() {
            return Ok(Vec::new());
        }
        let labs = engine.labs()?;
        Ok(labs.iter().filter_map(|lab| Self::load(&lab.state_file()).ok()).collect())
    }

    fn of(state: State) -> Self {
        Self { engine: Engine::of_socket(&state.engine_socket), state, temporary: false }
    }

    /// What the state file says.
    #[must_use]
    pub fn state(&self) -> &State {
        &self.state
    }

    /// All hosts.
    #[must_use]
    pub fn hosts(&self) -> &[Host] {
        &self.state.hosts
    }

    /// The first host of a variant.
    ///
    /// # Errors
    /// When the lab has none.
    pub fn host(&self, variant: Variant) -> Result<&Host> {
        let found = self.hosts().iter().find(|host| host.variant == variant);
        found.ok_or_else(|| self.lacks(&format!("host of the variant {}", variant.name())))
    }

    /// The address of this machine that the lab's hosts reach; nothing beyond it is reached by them.
    ///
    /// # Errors
    /// When the lab has no host.
    pub fn own_address(&self) -> Result<String> {
        let subnet = self.hosts().first().and_then(|host| Subnet::of(&host.address));
        subnet.map(Subnet::gateway).ok_or_else(|| self.lacks("host"))
    }

    /// The host of this name.
    ///
    /// # Errors
    /// When the lab has none.
    pub fn host_named(&self, name: &str) -> Result<&Host> {
        let found = self.hosts().iter().find(|host| host.name == name);
        found.ok_or_else(|| self.lacks(&format!("host {name:?}")))
    }

    /// A workload image pinned by digest, such as `nginx` or `busybox:2`.
    ///
    /// # Errors
    /// When the registry was not filled with it.
    pub fn image(&self, name: &str) -> Result<&str> {
        let found = self.state.images.get(name).map(String::as_str);
        found.ok_or_else(|| self.lacks(&format!("image {name:?}")))
    }

    fn lacks(&self, what: &str) -> Error {
        Error::Refused(format!("the lab {:?} has no {what}", self.state.name))
    }

    /// The open registry.
    #[must_use]
    pub fn registry(&self) -> Registry {
        Registry::at(&self.state.registry)
    }

    /// Runs words on a host as root, past SSH, whatever their status is.
    ///
    /// # Errors
    /// When the engine's client cannot be run.
    pub fn exec(&self, host: &Host, line: &[&str]) -> Result<Output> {
        self.exec_with_input(host, line, &[])
    }

    /// [`Lab::exec`] with a standard input.
    ///
    /// # Errors
    /// As [`Lab::exec`].
    pub fn exec_with_input(&self, host: &Host, line: &[&str], input: &[u8]) -> Result<Output> {
        self.engine.docker_output(&exec_words(host, line), input)
    }

    /// Runs words on a host that must succeed; returns their standard output, trimmed at its end.
    ///
    /// # Errors
    /// When they end with another status than 0.
    pub fn exec_ok(&self, host: &Host, line: &[&str]) -> Result<String> {
        let output = self.exec(host, line)?;
        succeed(&words(line), &output)?;
        Ok(String::from_utf8_lossy(&output.stdout).trim_end().to_owned())
    }

    /// A text for people: hosts and how to reach them.
    #[must_use]
    pub fn describe(&self) -> String {
        let State { name, registry, .. } = &self.state;
        let mut text = format!("lab {name} (registry {registry})");
        for host in self.hosts() {
            let _ = write!(text, "\n  {:<12} {}", host.name, ssh_line(&self.state, host));
        }
        text
    }
}

fn exec_words(host: &Host, line: &[&str]) -> Vec<String> {
    let mut words = words(&["exec", "-i", &host.container]);
    words.extend(line.iter().map(|word| (*word).to_owned()));
    words
}

/// What a person types to get onto a host.
fn ssh_line(state: &State, host: &Host) -> String {
    let options = format!(
        "-i {} -o UserKnownHostsFile={}",
        host.private_key_file.display(),
        state.known_hosts_file.display()
    );
    let target = format!("{}@{}", host.user, host.address);
    match &host.jump {
        // The jump itself needs the same key and file, which -J would not pass on.
        Some(jump) => {
            let (jump, port) = jump.rsplit_once(':').unwrap_or((jump, "22"));
            format!("ssh {options} -o ProxyCommand='ssh {options} -p {port} -W %h:%p {jump}' {target}")
        }
        None => format!("ssh {options} {target}"),
    }
}

impl Drop for Lab {
    fn drop(&mut self) {
        if self.temporary {
            let _ = up::down(&self.state.name);
        }
    }
}
