//! A host of which every command and every stream is told to the log.
//!
//! At DEBUG there is a line for each, when it has come to its end: what it was, how long it took,
//! and what became of it. What it was is [`Command::shown`], which has no secrets.

use std::{fmt, sync::Arc, time::Instant};

use async_trait::async_trait;
use tracing::{Level, debug, enabled};

use crate::{Command, Dial, Error, Executor, Noise, Process, ProcessControl, Stream, connection::Sudo};

/// `inner`, telling the log.
pub fn traced(inner: Arc<dyn Executor>) -> Arc<dyn Executor> {
    Arc::new(Traced(inner))
}

struct Traced(Arc<dyn Executor>);

#[async_trait]
impl Executor for Traced {
    async fn start(&self, command: &Command) -> Result<Process, Error> {
        if !enabled!(Level::DEBUG) {
            return self.0.start(command).await;
        }
        let mut line = Line::new(self.name(), command.shown());
        match self.0.start(command).await {
            Ok(mut process) => {
                line.started = Some(Instant::now());
                process.control = Box::new(Control { inner: process.control, line });
                Ok(process)
            }
            Err(error) => {
                line.end(&error);
                Err(error)
            }
        }
    }

    async fn dial(&self, target: &Dial) -> Result<Box<dyn Stream>, Error> {
        let began = Instant::now();
        let dialled = self.0.dial(target).await;
        self.told(target, began, dialled)
    }

    async fn dial_bulk(&self, target: &Dial) -> Result<Box<dyn Stream>, Error> {
        let began = Instant::now();
        let dialled = self.0.dial_bulk(target).await;
        self.told(target, began, dialled)
    }

    fn name(&self) -> &str {
        self.0.name()
    }

    fn sudo(&self) -> Sudo {
        self.0.sudo()
    }

    fn noise(&self) -> Option<Noise> {
        self.0.noise()
    }
}

impl Traced {
    /// Tells the log what became of a stream.
    fn told<T>(&self, target: &Dial, began: Instant, dialled: Result<T, Error>) -> Result<T, Error> {
        let result = dialled.as_ref().err().map_or_else(|| "connected".to_owned(), ToString::to_string);
        debug!(host = self.name(), %target, took_ms = millis(began), result, "opened a stream");
        dialled
    }
}

impl fmt::Debug for Traced {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// The end of a command, which is told to the log, whichever it is.
struct Control {
    inner: Box<dyn ProcessControl>,
    line: Line,
}

#[async_trait]
impl ProcessControl for Control {
    async fn wait(&mut self) -> Result<u32, Error> {
        let ended = self.inner.wait().await;
        match &ended {
            Ok(status) => self.line.end(&format_args!("status {status}")),
            Err(error) => self.line.end(error),
        }
        ended
    }

    async fn cancel(&mut self) {
        self.inner.cancel().await;
        self.line.end(&"ended by us");
    }
}

/// What is told of one command, once.
struct Line {
    host: String,
    command: String,
    began: Instant,
    /// When the host had begun to run it: before that it waited for a connection or a session.
    started: Option<Instant>,
    told: bool,
}

impl Line {
    fn new(host: &str, command: String) -> Self {
        Self { host: host.to_owned(), command, began: Instant::now(), started: None, told: false }
    }

    fn end(&mut self, result: &dyn fmt::Display) {
        if std::mem::replace(&mut self.told, true) {
            return;
        }
        let waited = self.started.map(|started| (started - self.began).as_millis() as u64);
        debug!(
            host = self.host, command = self.command, took_ms = millis(self.began), waited_ms = waited, %result,
            "ran a command"
        );
    }
}

impl Drop for Line {
    fn drop(&mut self) {
        // Nobody waited for its end: it was given up, or its caller was.
        self.end(&"left");
    }
}

fn millis(began: Instant) -> u64 {
    began.elapsed().as_millis() as u64
}
