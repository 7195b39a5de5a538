//! A lock on a host that stands for as long as its holder is heard of.
//!
//! `flock` of util-linux holds it while a script of ours runs there (`lock/take.sh`), and that
//! script runs as long as we keep its stdin open and write a line to it now and then. So it is
//! never left behind: a crash here or a broken line ends it at once, and a machine that vanishes
//! without a word ends it [`STANDS`] after its last renewal, by the host's own clock. Nobody else
//! takes it from its holder before that; a holder who has lost it learns so by
//! [`Lock::still_held`], and asks before each step that the lock is for.
//!
//! A lock is two files of the same name: one in the home directory of the user who is logged in,
//! and one in [`SHARED`], which keeps out other users as well. Where `/run/lock` lets everybody
//! write, as on Debian and Ubuntu, or where root was first, the second one is there for all of
//! them. Elsewhere (`/run/lock` belongs to root alone, and no root has taken a lock since the
//! machine has started) two users do not see each other's locks. The second file is opened
//! without any trust in who else may write in its directory: see `lock/take.sh`.
//!
//! Both go when the lock is let go, so that names do not pile up: whoever waits for a file finds out
//! that it is gone when it gets it, and takes the lock of the new one. The second file stays, empty,
//! where another user has made it.

mod error;
mod keeper;

use std::time::{Duration, Instant};

use tokio::{
    io::{AsyncBufReadExt, AsyncRead, AsyncReadExt, BufReader},
    sync::oneshot,
    time::timeout,
};
use tokio_util::sync::CancellationToken;

use crate::{Command, Error, Executor, Process};

pub use error::{LockError, LostBecause, LostLock};
use keeper::{Handle, LockState, Moment, keep};

/// What the script ends with when the time to wait is over, and when there is no `flock`.
const BUSY: u32 = 75;
const NO_FLOCK: u32 = 69;

/// How long a lock stands without being renewed.
pub const STANDS: Duration = Duration::from_secs(60);

/// A confirmation that is as young as this is not asked for again.
const FRESH: Duration = Duration::from_secs(2);

/// How long a confirmation that is asked for is waited for.
const ANSWER: Duration = Duration::from_secs(10);

/// How much earlier than the host we take a lock that it does not confirm for lost.
const EARLY: Duration = Duration::from_secs(5);

/// How long the script may take beside waiting, and how long letting go may take.
const MARGIN: Duration = Duration::from_secs(30);

/// What all users of a host share. A temporary file system: no lock outlives the machine's run.
pub const SHARED: &str = "/run/lock/windlass";

const SCRIPT: &str = include_str!("lock/take.sh");

/// A lock that is held until it is released or dropped, or until it is lost.
pub struct Lock {
    name: String,
    host: String,
    keeper: Handle,
}

/// The times of a lock.
#[derive(Clone, Copy)]
struct Terms {
    /// How long it stands without being renewed.
    stands: Duration,
    /// How often it is renewed.
    renewal: Duration,
    /// How long after its last renewal its holder seems to be gone, so that whoever waits goes on
    /// waiting until it is free.
    patience: Duration,
}

const TERMS: Terms =
    Terms { stands: STANDS, renewal: Duration::from_secs(10), patience: Duration::from_secs(25) };

fn lock_command(name: &str, holder: &str, wait: Duration, shared: &str, terms: Terms) -> Command {
    let [wait, stands, patience] =
        [wait, terms.stands, terms.patience].map(|time| time.as_secs().to_string());
    Command::new(["sh", "-c", SCRIPT, "windlass-lock", name, holder, &wait, shared, &stands, &patience])
        .timeout(None)
        .long_lived()
}

impl Lock {
    /// Takes the lock `name` (a file name, the same for every user of the host) on the host, waiting
    /// up to `wait` (in whole seconds) for whoever has it, and longer for one who seems to be gone:
    /// until [`STANDS`] after its last renewal. `holder` is what others see meanwhile: who, where,
    /// since when.
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
        Self::acquire_in(exec, (SHARED, TERMS), name, holder, wait, cancel).await
    }

    async fn acquire_in(
        exec: &dyn Executor,
        (shared, terms): (&str, Terms),
        name: &str,
        holder: &str,
        wait: Duration,
        cancel: &CancellationToken,
    ) -> Result<Self, LockError> {
        if name.is_empty() || name.starts_with('.') || name.contains(['/', '\0', '\n']) {
            return Err(LockError::Name { name: name.to_owned() });
        }
        let holder = printable(holder);
        let command = lock_command(name, &holder, wait, shared, terms);
        let mut process = tokio::select! {
            biased;
            () = cancel.cancelled() => return Err(Error::Cancelled.into()),
            process = exec.start(&command) => process?,
        };
        let asking = Asking { host: exec.name(), name, wait, stands: terms.stands };
        let limit = wait + terms.stands + MARGIN;
        let began = Instant::now();
        let held = tokio::select! {
            biased;
            () = cancel.cancelled() => Err(Error::Cancelled.into()),
            held = asking.until_held(&mut process) => held,
            () = tokio::time::sleep(limit) => {
                Err(Error::Timeout { program: "flock".into(), host: exec.name().into(), limit }.into())
            }
        };
        match held {
            Ok(taken) => {
                let took_ms = began.elapsed().as_millis() as u64;
                tracing::debug!(host = exec.name(), lock = name, took_ms, "took a lock");
                let keeper = keep(process, taken, terms.renewal);
                Ok(Self { name: name.to_owned(), host: exec.name().to_owned(), keeper })
            }
            Err(error) => {
                process.control.cancel().await;
                Err(error)
            }
        }
    }

    /// Whether it is still ours: the host confirmed it a moment ago, or does so now. Costs nothing
    /// right after it was taken, and a question to the host later.
    ///
    /// # Errors
    /// [`LostLock`] when it is not, or may not be any more.
    pub async fn still_held(&self) -> Result<(), LostLock> {
        let asked = Moment::now();
        let mut state = self.keeper.state.clone();
        let settled = |state: &LockState| match state {
            LockState::Held(confirmed) => confirmed.age() < FRESH.max(asked.age()),
            LockState::Lost(_) => true,
        };
        let answered = async {
            while !settled(&state.borrow_and_update()) {
                // A full queue holds the same question.
                let _ = self.keeper.renew.try_send(());
                if state.changed().await.is_err() {
                    return;
                }
            }
        };
        // That there was no answer shows in the age of the last one.
        let _ = timeout(ANSWER, answered).await;
        let why = match &*self.keeper.state.borrow() {
            // No answer in time is no loss yet: nobody else may have it before its time is over.
            LockState::Held(confirmed) if confirmed.age() < STANDS - EARLY => return Ok(()),
            LockState::Held(confirmed) => LostBecause::Silent(confirmed.age()),
            LockState::Lost(why) => why.clone(),
        };
        Err(LostLock { name: self.name.clone(), host: self.host.clone(), why })
    }

    /// Lets go of it and waits until the host has done so.
    ///
    /// # Errors
    /// When the host does not say so; the lock ends with the connection then.
    pub async fn release(self) -> Result<(), Error> {
        let Self { name, host, keeper } = self;
        let ended = || Error::NoStatus { program: "flock".into(), host: host.clone() };
        let (answer, answered) = oneshot::channel();
        keeper.release.send(answer).map_err(|_| ended())?;
        let released = answered.await.unwrap_or_else(|_| Err(ended()));
        tracing::debug!(host, lock = name, ok = released.is_ok(), "let a lock go");
        released
    }
}

/// What is known while a lock is waited for.
struct Asking<'a> {
    host: &'a str,
    name: &'a str,
    wait: Duration,
    stands: Duration,
}

impl Asking<'_> {
    /// Reads what the script says until it has the lock, and when that was.
    async fn until_held(&self, process: &mut Process) -> Result<Moment, LockError> {
        let (host, lock) = (self.host, self.name);
        let mut stdout = BufReader::new(&mut process.stdout);
        let mut busy = Busy::default();
        loop {
            let mut line = String::new();
            stdout.read_line(&mut line).await.map_err(|source| self.unreadable(source))?;
            match line.trim_end() {
                "held" => return Ok(Moment::now()),
                "private" => tracing::debug!(host, lock, "only this user is locked out"),
                "" => break,
                line => {
                    busy = Busy::parse(line);
                    tracing::info!(host, lock, holder = busy.holder, "waiting for a lock");
                }
            }
        }
        drop(stdout);
        Err(self.explain(process, busy).await)
    }

    /// Why the script ended without the lock.
    async fn explain(&self, process: &mut Process, busy: Busy) -> LockError {
        let stderr = read_all(&mut process.stderr).await;
        let (name, host) = (self.name.to_owned(), self.host.to_owned());
        let free_in = busy.silent.map(|silent| self.stands.saturating_sub(silent));
        match process.control.wait().await {
            Ok(BUSY) => LockError::Busy { name, host, holder: busy.holder, waited: self.wait, free_in },
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

/// Who has a lock, as the script says it.
#[derive(Debug, Default, PartialEq, Eq)]
struct Busy {
    holder: String,
    /// How long ago the holder renewed it.
    silent: Option<Duration>,
}

impl Busy {
    /// Reads `busy 3 ann@laptop`.
    fn parse(line: &str) -> Self {
        let told = line.strip_prefix("busy ").unwrap_or(line);
        let (silent, holder) = told.split_once(' ').unwrap_or(("", told));
        let silent = silent.parse().ok().map(Duration::from_secs);
        Self { holder: printable(holder), silent }
    }
}

/// The text without what a terminal would act on.
fn printable(text: &str) -> String {
    text.chars().map(|c| if c.is_control() { ' ' } else { c }).collect()
}

/// All that comes, as text; what cannot be read is missing from a message and nothing else.
async fn read_all(reader: &mut (dyn AsyncRead + Send + Unpin)) -> String {
    let mut bytes = Vec::new();
    let _ = reader.take(1 << 16).read_to_end(&mut bytes).await;
    String::from_utf8_lossy(&bytes).trim_end().to_owned()
}

#[cfg(test)]
mod tests;
