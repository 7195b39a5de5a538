//! A lock on a host that dies with the connection.
//!
//! `flock` of util-linux holds it while a command of ours runs there, and that command runs as
//! long as we keep its stdin open. So it is never left behind: not by a crash here, not by a
//! broken line.
//!
//! A lock is two files of the same name: one in the home directory of the user who is logged in,
//! and one in [`SHARED`], which keeps out other users as well. Where `/run/lock` lets everybody
//! write, as on Debian and Ubuntu, or where root was first, the second one is there for all of
//! them. Elsewhere (`/run/lock` belongs to root alone, and no root has taken a lock since the
//! machine has started) two users do not see each other's locks. The second file is opened
//! without any trust in who else may write in its directory: see `lock/take.sh`.

use std::time::Duration;

use tokio::io::{AsyncBufReadExt, AsyncRead, AsyncReadExt, BufReader};
use tokio_util::sync::CancellationToken;

use crate::{Command, Error, Executor, Process};

/// What the script ends with when the time to wait is over, and when there is no `flock`.
const BUSY: u32 = 75;
const NO_FLOCK: u32 = 69;

/// How long the script may take beside waiting, and how long letting go may take.
const MARGIN: Duration = Duration::from_secs(30);

/// What all users of a host share. A temporary file system: no lock outlives the machine's run.
pub const SHARED: &str = "/run/lock/windlass";

const SCRIPT: &str = include_str!("lock/take.sh");

/// Why there is no lock.
#[derive(Debug, thiserror::Error)]
#[allow(missing_docs, reason = "the fields that have no comment are what their names say")]
pub enum LockError {
    /// The host could not be reached, or we were cancelled.
    #[error(transparent)]
    Remote(#[from] Error),
    /// Somebody else has it.
    #[error("lock {name:?} on {host} is still held after {} s by {holder}", waited.as_secs())]
    Busy {
        name: String,
        host: String,
        /// Who has it, as they said it themselves.
        holder: String,
        /// How long we waited.
        waited: Duration,
    },
    /// The host has no `flock`.
    #[error("{host} has no flock command; install util-linux there")]
    NoFlock { host: String },
    /// The name has characters that a file name cannot have.
    #[error("{name:?} cannot be the name of a lock")]
    Name { name: String },
    /// The script failed.
    #[error("could not take lock {name:?} on {host}: {stderr}")]
    Failed { name: String, host: String, stderr: String },
}

/// A lock that is held until it is released or dropped, or until the connection ends.
pub struct Lock {
    process: Process,
}

fn lock_command(name: &str, holder: &str, wait: Duration, shared: &str) -> Command {
    Command::new(["sh", "-c", SCRIPT, "windlass-lock", name, holder, &wait.as_secs().to_string(), shared])
        .timeout(None)
        .long_lived()
}

impl Lock {
    /// Takes the lock `name` (a file name, the same for every user of the host) on the host, waiting up to `wait` (in whole seconds)
    /// for whoever has it. `holder` is what others see meanwhile: who, where, since when.
    ///
    /// # Errors
    /// [`LockError::Busy`] with the holder when it was not free in time; [`Error::Cancelled`]
    /// inside [`LockError::Remote`] when `cancel` was cancelled.
    pub async fn acquire(
        exec: &dyn Executor,
        name: &str,
        holder: &str,
        wait: Duration,
        cancel: &CancellationToken,
    ) -> Result<Self, LockError> {
        Self::acquire_in(exec, SHARED, name, holder, wait, cancel).await
    }

    async fn acquire_in(
        exec: &dyn Executor,
        shared: &str,
        name: &str,
        holder: &str,
        wait: Duration,
        cancel: &CancellationToken,
    ) -> Result<Self, LockError> {
        if name.is_empty() || name.starts_with('.') || name.contains(['/', '\0', '\n']) {
            return Err(LockError::Name { name: name.to_owned() });
        }
        let holder: String = holder.chars().map(|c| if c.is_control() { ' ' } else { c }).collect();
        let command = lock_command(name, &holder, wait, shared);
        let mut process = tokio::select! {
            biased;
            () = cancel.cancelled() => return Err(Error::Cancelled.into()),
            process = exec.start(&command) => process?,
        };
        let asking = Asking { host: exec.name(), name, wait };
        let held = tokio::select! {
            biased;
            () = cancel.cancelled() => Err(Error::Cancelled.into()),
            held = asking.until_held(&mut process) => held,
            () = tokio::time::sleep(wait + MARGIN) => {
                Err(Error::Timeout { program: "flock".into(), host: exec.name().into(), limit: wait + MARGIN }.into())
            }
        };
        match held {
            Ok(()) => Ok(Self { process }),
            Err(error) => {
                process.control.cancel().await;
                Err(error)
            }
        }
    }

    /// Lets go of it and waits until the host has done so.
    ///
    /// # Errors
    /// When the host does not say so; the lock ends with the connection then.
    pub async fn release(self) -> Result<(), Error> {
        let Process { stdin, mut control, .. } = self.process;
        drop(stdin);
        let ended = tokio::time::timeout(MARGIN, control.wait()).await;
        match ended {
            Ok(status) => status.map(drop),
            Err(_) => {
                control.cancel().await;
                Ok(())
            }
        }
    }
}

/// What is known while a lock is waited for.
struct Asking<'a> {
    host: &'a str,
    name: &'a str,
    wait: Duration,
}

impl Asking<'_> {
    /// Reads what the script says until it has the lock.
    async fn until_held(&self, process: &mut Process) -> Result<(), LockError> {
        let mut stdout = BufReader::new(&mut process.stdout);
        let mut holder = String::new();
        loop {
            let mut line = String::new();
            stdout.read_line(&mut line).await.map_err(|source| self.unreadable(source))?;
            match line.trim_end() {
                "held" => return Ok(()),
                "private" => {
                    tracing::debug!(host = self.host, lock = self.name, "only this user is locked out");
                }
                "" => break,
                line => {
                    holder = line.strip_prefix("busy ").unwrap_or(line).to_owned();
                    tracing::info!(host = self.host, lock = self.name, holder, "waiting for a lock");
                }
            }
        }
        drop(stdout);
        Err(self.explain(process, holder).await)
    }

    /// Why the script ended without the lock.
    async fn explain(&self, process: &mut Process, holder: String) -> LockError {
        let stderr = read_all(&mut process.stderr).await;
        let (name, host) = (self.name.to_owned(), self.host.to_owned());
        match process.control.wait().await {
            Ok(BUSY) => LockError::Busy { name, host, holder, waited: self.wait },
            Ok(NO_FLOCK) => LockError::NoFlock { host },
            Ok(_) => LockError::Failed { name, host, stderr },
            Err(error) => error.into(),
        }
    }

    fn unreadable(&self, source: std::io::Error) -> LockError {
        Error::Io { operation: "read the output of \"flock\"".into(), host: self.host.to_owned(), source }
            .into()
    }
}

/// All that comes, as text; what cannot be read is missing from a message and nothing else.
async fn read_all(reader: &mut (dyn AsyncRead + Send + Unpin)) -> String {
    let mut bytes = Vec::new();
    let _ = reader.take(1 << 16).read_to_end(&mut bytes).await;
    String::from_utf8_lossy(&bytes).trim_end().to_owned()
}

#[cfg(test)]
mod tests;
