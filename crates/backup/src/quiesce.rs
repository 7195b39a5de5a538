//! Services that hold still while their data are copied, and always go on.
//!
//! The stack's lock is held meanwhile, so that nobody deploys it. Before the first service is paused or stopped, what
//! has to be done so that all go on is a list on the host, and a timer there, detached from the connection, which does
//! that when the time is up and nobody has taken the list from it (`quiesce/host.sh`). So it happens also when whoever
//! copies is killed, or the connection is lost; and what was copied when the timer was faster is no snapshot.
//!
//! A machine that is started anew has no timer. What was paused or ran is started then by its restart policy, as ever.
//! A policy `unless-stopped` would not start what was stopped: it is `always` as long as the service is stopped. What a
//! start of the machine has cut off is tidied up by the next one who quiesces the stack.

mod hold;

use std::{collections::BTreeSet, future::Future, sync::Arc, time::Duration};

use docker::engine::State;
use remote::{
    Command, Input,
    collect::{Limits, run_checked, run_checked_with},
    detached_command,
    files::random_name,
    run,
};
use stack::{Context, LogSink, StackLock};
use tokio_util::sync::CancellationToken;

use crate::{
    corpus::Corpus,
    error::{Error, chain},
};
use hold::{Held, groups_to_stop, held, list, missing};

/// What runs on the host.
const SCRIPT: &str = include_str!("quiesce/host.sh");

/// What it calls itself.
const NAME: &str = "windlass-quiesce";

/// Where root keeps what has to be done; others do in their home directories.
const ROOTS: &str = "/var/lib/windlass";

/// The timer was faster.
const FIRED: u32 = 103;

/// The policy under which a container starts with the machine, whatever it was before.
const ALWAYS: &str = "always";

/// What the runtime says where the processes of a container did not all stop in time; then none of them is stopped.
/// It happens on busy machines (github.com/opencontainers/runc, the freezer of its control groups).
const NOT_FROZEN: &str = "unable to freeze";

/// What Docker says of a container that is paused by now.
const PAUSED: &str = "is already paused";

/// How often one is paused that did not stop in time, and after how long again.
const PAUSE_TRIES: u32 = 5;
const PAUSE_AGAIN: Duration = Duration::from_secs(1);

/// Whether `error` is of a command that failed with these words.
fn says(error: &remote::Error, words: &str) -> bool {
    matches!(error, remote::Error::Failed { stderr, .. } if stderr.contains(words))
}

/// Whether the same may go well a moment later.
fn is_of_a_busy_moment(error: &remote::Error) -> bool {
    says(error, NOT_FROZEN)
}

/// How services hold still.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mode {
    /// They are frozen where they are; they keep their memory, their connections and what they have open.
    Pause,
    /// They are stopped, and started again.
    Stop,
}

/// Which services hold still while their data are copied.
#[derive(Clone)]
pub struct Quiesce {
    /// The host that they run on.
    pub host: stack::Host,
    /// The Compose project.
    pub stack: String,
    /// Its services; none means all.
    pub services: BTreeSet<String>,
    /// How they do.
    pub mode: Mode,
    /// After how long they go on in any case.
    pub timeout: Duration,
}

impl std::fmt::Debug for Quiesce {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self { stack, services, mode, timeout, .. } = self;
        write!(f, "Quiesce({stack:?}, {services:?}, {mode:?}, {timeout:?})")
    }
}

/// Does `work` on a corpus while services hold still, where some have to.
pub(crate) async fn quiesced<T>(
    quiesce: Option<&Quiesce>,
    corpus: &Corpus,
    cancel: &CancellationToken,
    work: impl Future<Output = Result<T, Error>>,
) -> Result<T, Error> {
    let Some(quiesce) = quiesce else { return work.await };
    let holding = quiesce.begin(corpus, cancel).await?;
    let worked = work.await;
    match (worked, holding.end().await) {
        (Ok(done), Ok(())) => Ok(done),
        (Ok(_), Err(error)) => Err(error),
        (Err(error), Ok(()) | Err(Error::QuiesceExpired { .. })) => Err(error),
        (Err(error), Err(_)) => Err(quiesce.left(error)),
    }
}

/// Services that hold still.
struct Holding<'a> {
    quiesce: &'a Quiesce,
    held: Vec<Held>,
    word: String,
    lock: StackLock,
}

impl Quiesce {
    async fn begin(&self, corpus: &Corpus, cancel: &CancellationToken) -> Result<Holding<'_>, Error> {
        let cx = Context::new(cancel.clone(), Arc::new(LogSink));
        let (lock, word) = (self.host.lock(&cx, &self.stack).await?, random_name()?);
        self.checked("recover", &word, Input::Nothing).await?;
        let held = self.choose(corpus).await?;
        let holding = Holding { quiesce: self, held, word, lock };
        if holding.held.is_empty() {
            return Ok(holding);
        }
        match holding.hold(cancel).await {
            Ok(()) => Ok(holding),
            Err(error) => match holding.end().await {
                Ok(()) => Err(error),
                Err(_) => Err(self.left(error)),
            },
        }
    }

    /// The containers that have to hold still.
    async fn choose(&self, corpus: &Corpus) -> Result<Vec<Held>, Error> {
        let containers = self.host.engine.containers(&self.stack).await?;
        let (stack, host) = (self.stack.clone(), self.host.name().to_owned());
        if let Some(service) = missing(&containers, &self.services).first() {
            return Err(Error::NoService { service: (*service).to_owned(), stack, host });
        }
        let mut held = held(&containers, &self.services, self.mode);
        let source = match corpus {
            Corpus::Postgres(postgres) => postgres.container(),
            Corpus::Exec(exec) => Some(exec.container.as_str()),
            Corpus::Path(_) | Corpus::Volume(_) => None,
        };
        if let Some(one) = held.iter().find(|one| source.is_some_and(|name| *name == one.name)) {
            return Err(Error::QuiescesItself { container: one.name.clone(), stack, host });
        }
        for one in held.iter_mut().filter(|one| one.how == Mode::Stop) {
            let words = ["inspect", "--type", "container", "--format", "{{.HostConfig.RestartPolicy.Name}}"];
            let inspect = self.host.cli.docker(words).arg(&one.id);
            let output = run_checked(self.host.executor.as_ref(), &inspect, Input::Nothing).await?;
            one.policy = output.stdout_text().trim().to_owned();
        }
        Ok(held)
    }

    /// What the script needs to know for every action, behind its name.
    fn with_words(&self, command: Command, action: &str, word: &str) -> Command {
        let docker = self.host.cli.docker([]);
        let seconds = self.timeout.as_secs().to_string();
        let own = format!("{}/.windlass", self.host.home);
        let command = command.args([action, ROOTS, &own, &self.stack, word, &seconds]);
        let command = command.args(docker.words().iter().cloned()).timeout(None);
        if docker.is_privileged() { command.privileged() } else { command }
    }

    fn command(&self, action: &str, word: &str) -> Command {
        self.with_words(Command::new(["sh", "-c", SCRIPT, NAME]), action, word)
    }

    async fn checked(&self, action: &str, word: &str, input: Input<'_>) -> Result<(), Error> {
        run_checked(self.host.executor.as_ref(), &self.command(action, word), input).await?;
        Ok(())
    }

    /// The error that it took longer than they may hold still.
    pub(crate) fn expired(&self) -> Error {
        let (stack, host) = (self.stack.clone(), self.host.name().to_owned());
        Error::QuiesceExpired { stack, host, seconds: self.timeout.as_secs() }
    }

    /// The error that services may hold still until the timer ends that.
    fn left(&self, source: Error) -> Error {
        let (stack, host, seconds) =
            (self.stack.clone(), self.host.name().to_owned(), self.timeout.as_secs());
        Error::StillQuiesced { stack, host, seconds, source: Box::new(source) }
    }
}

impl Holding<'_> {
    /// Starts the timer, and has all of them hold still.
    async fn hold(&self, cancel: &CancellationToken) -> Result<(), Error> {
        let (quiesce, word) = (self.quiesce, self.word.as_str());
        let (exec, cli) = (quiesce.host.executor.as_ref(), &quiesce.host.cli);
        quiesce.checked("arm", word, Input::bytes(list(&self.held).into_bytes())).await?;
        let watch = quiesce.with_words(detached_command(SCRIPT, NAME), "watch", word);
        run_checked(exec, &watch, Input::Nothing).await?;
        quiesce.checked("watched", word, Input::Nothing).await?;
        let limits = Limits::cancelled_by(cancel);
        let docker = async |words: &[&str], ids: Vec<&str>| {
            let command = cli.docker(words.iter().copied()).args(ids).timeout(Some(quiesce.timeout));
            run_checked_with(exec, &command, Input::Nothing, &limits).await
        };
        let always: Vec<&str> = self.ids(Held::needs_policy);
        if !always.is_empty() {
            docker(&["update", "--restart", ALWAYS], always).await?;
        }
        for group in groups_to_stop(&self.held) {
            docker(&["stop"], group).await?;
        }
        let paused = self.ids(|one| one.how == Mode::Pause);
        if paused.is_empty() {
            return Ok(());
        }
        match docker(&["pause"], paused.clone()).await {
            Err(error) if is_of_a_busy_moment(&error) => {}
            ended => return ended.map(drop).map_err(Error::from),
        }
        // Each by itself: what one says of all of them may be cut.
        for id in paused {
            let mut tries = 1;
            while let Err(error) = docker(&["pause"], vec![id]).await {
                if says(&error, PAUSED) {
                    break;
                }
                if !is_of_a_busy_moment(&error) || tries == PAUSE_TRIES {
                    return Err(error.into());
                }
                tries += 1;
                tokio::time::sleep(PAUSE_AGAIN).await;
            }
        }
        Ok(())
    }

    fn ids(&self, is_meant: impl Fn(&Held) -> bool) -> Vec<&str> {
        self.held.iter().filter(|one| is_meant(one)).map(|one| one.id.as_str()).collect()
    }

    /// Has all of them go on, and lets go of the stack.
    async fn end(self) -> Result<(), Error> {
        let ended = self.resume().await;
        self.lock.release().await;
        let Quiesce { stack, host, timeout, .. } = self.quiesce;
        ended.map_err(|error| match error {
            known @ (Error::NotResumed { .. } | Error::QuiesceExpired { .. }) => known,
            other => Error::NotResumed {
                stack: stack.clone(),
                host: host.name().to_owned(),
                said: format!("{}; a timer there tries after {} s", chain(&other), timeout.as_secs()),
            },
        })
    }

    async fn resume(&self) -> Result<(), Error> {
        if self.held.is_empty() {
            return Ok(());
        }
        let quiesce = self.quiesce;
        let (stack, host) = (quiesce.stack.clone(), quiesce.host.name().to_owned());
        let command = quiesce.command("resume", &self.word);
        let output = run(quiesce.host.executor.as_ref(), &command, Input::Nothing).await?;
        if output.status != FIRED {
            remote::checked(quiesce.host.executor.as_ref(), &command, &output)?;
        }
        let containers = quiesce.host.engine.containers(&quiesce.stack).await?;
        let idle = |one: &&Held| {
            let now = containers.iter().find(|found| found.id == one.id);
            now.is_some_and(|found| matches!(found.state, State::Paused | State::Created))
                || now.is_some_and(|found| found.state == State::Exited && one.how == Mode::Stop)
        };
        let idle: Vec<&str> = self.held.iter().filter(idle).map(|one| one.name.as_str()).collect();
        if !idle.is_empty() {
            let said = format!("{} should run again, and does not", idle.join(", "));
            return Err(Error::NotResumed { stack, host, said });
        }
        if output.status == FIRED {
            return Err(quiesce.expired());
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests;
