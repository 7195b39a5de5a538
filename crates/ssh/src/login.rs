//! What stands between a channel and its command: the login.

use std::sync::{Arc, OnceLock};

use bytes::Bytes;
use remote::{
    Command, Noise,
    connection::Sudo,
    files::FileError,
    quote::{LoginLine, Mark, QuoteError},
};

use crate::frame::{Begun, Frame, Piece};

/// The login of one user on one host, as its commands have met it.
#[derive(Debug, Default)]
pub(crate) struct Login {
    noise: OnceLock<Noise>,
}

impl Login {
    /// What it writes beside the commands, as soon as it was seen to.
    pub(crate) fn noise(&self) -> Option<&Noise> {
        self.noise.get()
    }

    /// Takes note of what it wrote. Once is enough: it says the same before every command.
    fn note(&self, said: String, shell: String) {
        if self.noise.get().is_none() {
            tracing::warn!(target: "ssh", said, shell, "the login writes before a command's output");
            let _ = self.noise.set(Noise { said, shell });
        }
    }
}

/// A command on its way to the host.
#[derive(Debug)]
pub(crate) struct Start {
    /// What the login shell is given.
    pub(crate) line: LoginLine,
    /// Whether it has to be ended by its process id.
    pub(crate) by_pid: bool,
    /// What is allowed to end it: nothing but root's `kill` ([`Sudo::All`]), nobody ([`Sudo::Docker`]),
    /// or whoever started it.
    pub(crate) sudo: Sudo,
    /// What its streams begin with.
    pub(crate) opening: Opening,
}

/// Why a command cannot be started.
#[derive(Debug, thiserror::Error)]
pub(crate) enum StartError {
    #[error(transparent)]
    Quote(#[from] QuoteError),
    #[error(transparent)]
    Random(#[from] FileError),
}

impl Start {
    /// Starts `command` on a server that takes signals for it or, `deaf`, does not. No user may
    /// signal what sudo runs.
    pub(crate) fn new(
        command: &Command,
        sudo: Sudo,
        deaf: bool,
        login: Arc<Login>,
    ) -> Result<Self, StartError> {
        let mark = Mark::random()?;
        let line = LoginLine::new(command, sudo, &mark)?;
        let is_under_sudo = command.is_under_sudo(sudo);
        let sudo = if is_under_sudo { sudo } else { Sudo::Nothing };
        Ok(Self { line, by_pid: deaf || is_under_sudo, sudo, opening: Opening::new(&mark, login) })
    }
}

/// The streams of a command, as far as the login's own words go.
#[derive(Debug)]
pub(crate) struct Opening {
    stdout: Frame,
    stderr: Frame,
    login: Arc<Login>,
}

/// One of a command's two streams.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Output {
    Stdout,
    Stderr,
}

impl Opening {
    fn new(mark: &Mark, login: Arc<Login>) -> Self {
        Self { stdout: Frame::new(mark), stderr: Frame::new(mark), login }
    }

    /// What of `piece` is the command's own, and what the mark told where it came with it.
    pub(crate) fn take(&mut self, output: Output, piece: Bytes) -> (Bytes, Option<Begun>) {
        let frame = match output {
            Output::Stdout => &mut self.stdout,
            Output::Stderr => &mut self.stderr,
        };
        match frame.add(piece) {
            Piece::Own(own) => (own, None),
            Piece::Before => (Bytes::new(), None),
            Piece::Begins(begun, own) => {
                let noise = frame.noise();
                if !noise.is_empty() {
                    self.login.note(noise, begun.shell.clone());
                }
                (own, Some(begun))
            }
        }
    }

    /// Whether the command has begun.
    pub(crate) fn is_over(&self) -> bool {
        self.stdout.has_begun() || self.stderr.has_begun()
    }

    /// What came on stderr of a command that has begun, and was taken for the login's because no
    /// mark came there.
    pub(crate) fn unmarked_stderr(&self) -> Bytes {
        if self.is_over() && !self.stderr.has_begun() { self.stderr.noise().into() } else { Bytes::new() }
    }

    /// All that the login said, the end of it.
    pub(crate) fn said(&self) -> String {
        let (stdout, stderr) = (self.stdout.noise(), self.stderr.noise());
        let between = if stdout.is_empty() || stdout.ends_with('\n') { "" } else { "\n" };
        format!("{stdout}{between}{stderr}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn start(login: &Arc<Login>) -> (Start, String) {
        let start = Start::new(&Command::new(["true"]), Sudo::Nothing, false, login.clone()).unwrap();
        let mark = start.line.line.split(' ').rev().nth(1).unwrap().to_owned();
        (start, mark)
    }

    #[test]
    fn sudo_and_deaf_servers_take_a_process_id() {
        let command = Command::new(["docker"]).privileged();
        for (sudo, deaf, by_pid) in [
            (Sudo::Nothing, false, false),
            (Sudo::Nothing, true, true),
            (Sudo::All, false, true),
            (Sudo::All, true, true),
        ] {
            let start = Start::new(&command, sudo, deaf, Arc::default()).unwrap();
            assert_eq!((start.by_pid, start.sudo), (by_pid, sudo));
        }
        assert!(!Start::new(&Command::new(["docker"]), Sudo::All, false, Arc::default()).unwrap().by_pid);
        assert!(Start::new(&Command::new(["a\0"]), Sudo::All, false, Arc::default()).is_err());
        // What sudo runs by the command's own words.
        let docker = Command::new(["env", "sudo", "-n", "--", "docker", "ps"]);
        for (command, ended) in [(&docker, Sudo::Docker), (&command, Sudo::Nothing)] {
            let start = Start::new(command, Sudo::Docker, false, Arc::default()).unwrap();
            assert_eq!((start.by_pid, start.sudo), (ended == Sudo::Docker, ended));
        }
    }

    #[test]
    fn what_the_login_writes_is_kept_out_and_remembered() {
        let login = Arc::<Login>::default();
        let (Start { mut opening, .. }, mark) = start(&login);
        let piece = Bytes::from(format!("Welcome\n{mark}-7-/bin/bash\nown"));
        let (own, begun) = opening.take(Output::Stdout, piece);
        assert_eq!((own, begun.unwrap().pid), (Bytes::from_static(b"own"), 7));
        assert!(opening.is_over());
        let noise = login.noise().unwrap();
        assert_eq!((noise.said.as_str(), noise.shell.as_str()), ("Welcome\n", "/bin/bash"));
        assert_eq!(opening.unmarked_stderr(), "");
        opening.take(Output::Stderr, Bytes::from_static(b"sh: not mine"));
        assert_eq!(opening.unmarked_stderr(), "sh: not mine");
    }

    #[test]
    fn what_is_said_in_place_of_a_command_is_told_whole() {
        let (Start { mut opening, .. }, _) = start(&Arc::default());
        opening.take(Output::Stderr, Bytes::from_static(b"warning"));
        opening.take(Output::Stdout, Bytes::from_static(b"Please login as the user \"admin\"."));
        assert!(!opening.is_over());
        assert_eq!(opening.said(), "Please login as the user \"admin\".\nwarning");
    }
}
