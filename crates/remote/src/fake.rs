//! A host that follows a script, for unit tests of what works on hosts.
//!
//! It is stricter than a real one: a command that the script does not have cannot be started.

mod process;

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use async_trait::async_trait;
use tokio::{io::DuplexStream, sync::mpsc};

use crate::{Command, Dial, Error, Executor, Noise, Process, Stream, connection::Sudo};

/// How much an in-memory stream holds before its writer waits.
const STREAM_BUFFER: usize = 64 << 10;

/// What a scripted command does.
#[derive(Clone, Debug)]
pub struct Reply {
    ending: Ending,
    stdout: Vec<u8>,
    stderr: Vec<u8>,
    reads_input: bool,
}

#[derive(Clone, Copy, Debug)]
enum Ending {
    Status(u32),
    /// The connection dies before the status comes.
    Lost,
    /// Only cancelling ends it.
    Hangs,
}

impl Reply {
    /// Status 0 with this on stdout.
    pub fn ok(stdout: impl Into<Vec<u8>>) -> Self {
        Self { ending: Ending::Status(0), stdout: stdout.into(), stderr: Vec::new(), reads_input: true }
    }

    /// This status with this on stderr.
    pub fn failure(status: u32, stderr: impl Into<Vec<u8>>) -> Self {
        Self { ending: Ending::Status(status), ..Self::ok("") }.stderr(stderr)
    }

    /// Never ends by itself.
    pub fn hangs() -> Self {
        Self { ending: Ending::Hangs, ..Self::ok("") }
    }

    /// The connection ends before the exit status comes.
    pub fn lost() -> Self {
        Self { ending: Ending::Lost, ..Self::ok("") }
    }

    /// With this on stdout.
    #[must_use]
    pub fn stdout(mut self, stdout: impl Into<Vec<u8>>) -> Self {
        self.stdout = stdout.into();
        self
    }

    /// With this on stderr.
    #[must_use]
    pub fn stderr(mut self, stderr: impl Into<Vec<u8>>) -> Self {
        self.stderr = stderr.into();
        self
    }

    /// Ends without waiting for the end of its input.
    #[must_use]
    pub fn ignores_input(mut self) -> Self {
        self.reads_input = false;
        self
    }
}

/// A command that was started.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Call {
    /// The command with everything its builder said.
    pub command: Command,
    /// What has been written to its stdin.
    pub stdin: Vec<u8>,
}

/// A scripted host; clones share the script.
#[derive(Clone, Debug)]
pub struct Fake {
    name: String,
    sudo: Sudo,
    state: Arc<Mutex<State>>,
}

#[derive(Debug, Default)]
struct State {
    script: Vec<Line>,
    calls: Vec<Call>,
    listeners: HashMap<String, mpsc::UnboundedSender<DuplexStream>>,
}

#[derive(Debug)]
struct Line {
    words: Vec<String>,
    reply: Reply,
    repeats: bool,
}

/// Takes the streams that are dialled to one target.
#[derive(Debug)]
pub struct Listener(mpsc::UnboundedReceiver<DuplexStream>);

impl Listener {
    /// The host's end of the next stream; `None` when every clone of the fake is gone.
    pub async fn accept(&mut self) -> Option<DuplexStream> {
        self.0.recv().await
    }
}

impl Default for Fake {
    fn default() -> Self {
        Self::new("fake host")
    }
}

impl Fake {
    /// A host of this name with an empty script.
    pub fn new(name: impl Into<String>) -> Self {
        Self { name: name.into(), sudo: Sudo::Nothing, state: Arc::default() }
    }

    /// One where this runs under sudo. (The words of privileged commands are the same in the script.)
    #[must_use]
    pub fn with_sudo(self, sudo: Sudo) -> Self {
        Self { sudo, ..self }
    }

    /// Lets the command of exactly these words run once. Different commands may come in any
    /// order; the same one gets its replies in the order they were given.
    pub fn expect<W: Into<String>>(&self, words: impl IntoIterator<Item = W>, reply: Reply) -> &Self {
        self.add(words, reply, false)
    }

    /// Lets the command of exactly these words run any number of times, also none.
    pub fn always<W: Into<String>>(&self, words: impl IntoIterator<Item = W>, reply: Reply) -> &Self {
        self.add(words, reply, true)
    }

    fn add<W: Into<String>>(&self, words: impl IntoIterator<Item = W>, reply: Reply, repeats: bool) -> &Self {
        let words = words.into_iter().map(Into::into).collect();
        self.state().script.push(Line { words, reply, repeats });
        self
    }

    /// Makes `target` something that can be dialled.
    pub fn listen(&self, target: &Dial) -> Listener {
        let (sender, receiver) = mpsc::unbounded_channel();
        self.state().listeners.insert(target.to_string(), sender);
        Listener(receiver)
    }

    /// The commands that were started, in order.
    pub fn calls(&self) -> Vec<Call> {
        self.state().calls.clone()
    }

    /// The words of the commands that were expected and did not come.
    pub fn unmet(&self) -> Vec<Vec<String>> {
        self.state().script.iter().filter(|line| !line.repeats).map(|line| line.words.clone()).collect()
    }

    fn state(&self) -> MutexGuard<'_, State> {
        // A panic elsewhere in a test leaves the script as it is, which is fine to look at.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    /// The reply to `words`, used up unless it repeats.
    fn reply_to(&mut self, words: &[String]) -> Option<Reply> {
        let index = self.script.iter().position(|line| line.words == words)?;
        if self.script[index].repeats {
            return Some(self.script[index].reply.clone());
        }
        Some(self.script.remove(index).reply)
    }

    fn unexpected(&self, words: &[String]) -> String {
        let expected: Vec<String> = self.script.iter().map(|line| format!("{:?}", line.words)).collect();
        format!("the script does not have {words:?}; it has {}", expected.join(", "))
    }
}

#[async_trait]
impl Executor for Fake {
    async fn start(&self, command: &Command) -> Result<Process, Error> {
        let mut state = self.state();
        let Some(reply) = state.reply_to(command.words()) else {
            return Err(Error::Start {
                program: command.program().to_owned(),
                host: self.name.clone(),
                source: state.unexpected(command.words()).into(),
            });
        };
        state.calls.push(Call { command: command.clone(), stdin: Vec::new() });
        let call = state.calls.len() - 1;
        drop(state);
        Ok(process::running(self.clone(), call, command, reply))
    }

    async fn dial(&self, target: &Dial) -> Result<Box<dyn Stream>, Error> {
        let (ours, theirs) = tokio::io::duplex(STREAM_BUFFER);
        let listener = self.state().listeners.get(&target.to_string()).cloned();
        match listener.map(|listener| listener.send(theirs)) {
            Some(Ok(())) => Ok(Box::new(ours)),
            _ => Err(Error::Dial {
                target: target.to_string(),
                host: self.name.clone(),
                source: std::io::Error::from(std::io::ErrorKind::ConnectionRefused).into(),
            }),
        }
    }

    fn name(&self) -> &str {
        &self.name
    }

    fn sudo(&self) -> Sudo {
        self.sudo
    }

    fn noise(&self) -> Option<Noise> {
        None
    }
}
