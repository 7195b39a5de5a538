//! A lock on a host that dies with the connection.
//!
//! `flock` of util-linux holds it while a command of ours runs there, and that command runs as
//! long as we keep its stdin open. So it is never left behind: not by a crash here, not by a
//! broken line. The lock is a file in the home directory of the user who is logged in; two users
//! of one host do not see each other's locks.

use std::time::Duration;

use tokio::io::{AsyncBufReadExt, AsyncRead, AsyncReadExt, BufReader};
use tokio_util::sync::CancellationToken;

use crate::{Command, Error, Executor, Process};

/// What the script ends with when the time to wait is over, and when there is no `flock`.
const BUSY: u32 = 75;
const NO_FLOCK: u32 = 69;

/// How long the script may take beside waiting, and how long letting go may take.
const MARGIN: Duration = Duration::from_secs(30);

/// `$1` is the name, `$2` who holds it, `$3` how many seconds to wait. It says `busy <holder>` when
/// it has to wait and `held` when it has the lock; it keeps it until the end of its input.
const SCRIPT: &str = r#"
umask 077
command -v flock >/dev/null 2>&1 || exit 69
directory=${HOME:?}/.windlass/locks
mkdir -p -- "$directory" || exit 1
file=$directory/$1
exec 9>>"$file" || exit 1
if ! flock -n 9; then
    printf 'busy %s\n' "$(head -n 1 -- "$file")"
    flock -w "$3" 9 || { head -n 1 -- "$file"; exit 75; }
fi
printf '%s\n' "$2" >"$file" || exit 1
echo held
cat >/dev/null
: >"$file"
"#;

/// Why there is no lock.
#[derive(Debug, thiserror::Error)]
pub enum LockError {
    /// The host could not be reached, or we were cancelled.
    #[error(transparent)]
    Remote(#[from] Error),
    /// Somebody else has it.
    #[error("lock {name:?} on {host} is still held after {} s by {holder}", waited.as_secs())]
    Busy {
        /// The lock.
        name: String,
        /// The host in words.
        host: String,
        /// Who has it, as they said it themselves.
        holder: String,
        /// How long we waited.
        waited: Duration,
    },
    /// The host has no `flock`.
    #[error("{host} has no flock command; install util-linux there")]
    NoFlock {
        /// The host in words.
        host: String,
    },
    /// The name has characters that a file name cannot have.
    #[error("{name:?} cannot be the name of a lock")]
    Name {
        /// The name.
        name: String,
    },
    /// The script failed.
    #[error("could not take lock {name:?} on {host}: {stderr}")]
    Failed {
        /// The lock.
        name: String,
        /// The host in words.
        host: String,
        /// What it said.
        stderr: String,
    },
}

/// A lock that is held until it is released or dropped, or until the connection ends.
pub struct Lock {
    process: Process,
}

fn lock_command(name: &str, holder: &str, wait: Duration) -> Command {
    Command::new(["sh", "-c", SCRIPT, "windlass-lock", name, holder, &wait.as_secs().to_string()])
        .timeout(None)
        .long_lived()
}

impl Lock {
    /// Takes the lock `name` (a file name) on the host, waiting up to `wait` (in whole seconds)
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
        if name.is_empty() || name.starts_with('.') || name.contains(['/', '\0', '\n']) {
            return Err(LockError::Name { name: name.to_owned() });
        }
        let holder: String = holder.chars().map(|c| if c.is_control() { ' ' } else { c }).collect();
        let command = lock_command(name, &holder, wait);
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
mod tests {
    use super::*;
    use crate::{Fake, fake::Reply};

    /// What becomes of the wish for a lock when the script ends like this.
    async fn refused(reply: Reply) -> LockError {
        let fake = Fake::new("web");
        fake.expect(["sh", "-c", SCRIPT, "windlass-lock", "stack", "me  here", "5"], reply.ignores_input());
        let (wait, never) = (Duration::from_secs(5), CancellationToken::new());
        match Lock::acquire(&fake, "stack", "me\r\nhere", wait, &never).await {
            Ok(_) => panic!("the lock was taken"),
            Err(error) => error,
        }
    }

    #[tokio::test]
    async fn why_there_is_no_lock_is_told() {
        for (reply, expected) in [
            (
                Reply::failure(BUSY, "").stdout("busy first\nsecond\n"),
                "lock \"stack\" on web is still held after 5 s by second",
            ),
            (Reply::failure(NO_FLOCK, ""), "web has no flock command; install util-linux there"),
            (Reply::failure(1, "sh: HOME: unset\n"), "could not take lock \"stack\" on web: sh: HOME: unset"),
            (Reply::lost(), "the connection to web ended before \"sh\" told its exit status"),
        ] {
            assert_eq!(refused(reply).await.to_string(), expected);
        }
    }

    #[tokio::test]
    async fn a_name_that_is_a_path_never_reaches_the_host() {
        let (fake, never) = (Fake::default(), CancellationToken::new());
        for name in ["", "../x", "a/b", ".hidden", "a\0b"] {
            let result = Lock::acquire(&fake, name, "me", Duration::ZERO, &never).await;
            assert!(matches!(result, Err(LockError::Name { .. })), "{name:?}");
        }
        assert!(fake.calls().is_empty());
    }
}
