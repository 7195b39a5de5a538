//! Running a command to its end: feeding it, draining it, holding it to its limits.
//!
//! [`run`] holds what the command writes, [`stream`] passes it on. Both read stdout and stderr at
//! the same time and beside feeding stdin, so that no full pipe can stop the command, and both
//! end the command themselves (signal, then close) when its time is up, when they are cancelled,
//! when one of our own ends fails, and when their future is dropped.

mod pump;
mod sudo;

use std::time::Duration;

use bytes::Bytes;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio_util::sync::CancellationToken;

use crate::{Command, Error, Executor, Output, Process};

use pump::{Broken, Capped, Tail};

/// How much of stdout [`run`] holds when its caller says nothing else.
pub const DEFAULT_CAP: usize = 16 << 20;

/// How much of stderr is kept: the end of it, where programs say why they stopped.
const STDERR_CAP: usize = 1 << 20;

/// How many lines of stderr an [`Error::Failed`] carries.
const STDERR_LINES: usize = 20;

/// How long ending a command may take before we stop caring and close its channel.
const CANCEL_LIMIT: Duration = Duration::from_secs(10);

/// What a command reads from stdin.
pub enum Input<'a> {
    /// Nothing: the end comes at once.
    Nothing,
    /// These bytes.
    Bytes(Bytes),
    /// These bytes, and no end after them: it comes with the end of the connection, by which the
    /// command can tell that nobody waits for it any more.
    Open(Bytes),
    /// All that this reader yields. An error of the reader ends the command.
    Reader(Box<dyn AsyncRead + Send + Unpin + 'a>),
}

impl Input<'_> {
    /// These bytes, copied where they have to be.
    pub fn bytes(bytes: impl Into<Bytes>) -> Self {
        Self::Bytes(bytes.into())
    }
}

/// What to do with a command that writes more than the cap.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Overflow {
    /// End it and fail with [`Error::TooMuchOutput`].
    #[default]
    Fail,
    /// Keep the first bytes and throw the others away.
    Truncate,
}

/// The limits of one run beside the command's own time limit.
#[derive(Clone, Debug)]
pub struct Limits {
    /// Ends the command when it is cancelled.
    pub cancel: Option<CancellationToken>,
    /// How many bytes of stdout are held; [`stream`] holds none and ignores this.
    pub cap: usize,
    /// What happens beyond the cap.
    pub overflow: Overflow,
}

impl Default for Limits {
    fn default() -> Self {
        Self { cancel: None, cap: DEFAULT_CAP, overflow: Overflow::Fail }
    }
}

impl Limits {
    /// The default limits, and cancelled by `token`.
    pub fn cancelled_by(token: &CancellationToken) -> Self {
        Self { cancel: Some(token.clone()), ..Self::default() }
    }
}

/// What is left of a command whose stdout went elsewhere.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Streamed {
    /// The exit status.
    pub status: u32,
    /// The end of what it wrote to stderr.
    pub stderr: Vec<u8>,
}

/// Runs `command` to its end, whatever its exit status is.
///
/// # Errors
/// As [`run_with`].
pub async fn run(exec: &dyn Executor, command: &Command, input: Input<'_>) -> Result<Output, Error> {
    run_with(exec, command, input, &Limits::default()).await
}

/// Runs `command` to its end within `limits`, whatever its exit status is.
///
/// # Errors
/// When it could not be started, not even by sudo, gave no exit status, took longer than
/// [`Command::time_limit`], was cancelled, wrote more than the cap, or `input` failed.
pub async fn run_with(
    exec: &dyn Executor,
    command: &Command,
    input: Input<'_>,
    limits: &Limits,
) -> Result<Output, Error> {
    let mut stdout = Capped::new(limits.cap, limits.overflow);
    let Streamed { status, stderr } = drive(exec, command, input, &mut stdout, limits).await?;
    Ok(Output { status, stdout: stdout.into_bytes(), stderr })
}

/// Runs `command` and takes an exit status other than 0 for an error.
///
/// # Errors
/// As [`run_with`], and [`Error::Failed`] with the last lines of stderr.
pub async fn run_checked(exec: &dyn Executor, command: &Command, input: Input<'_>) -> Result<Output, Error> {
    run_checked_with(exec, command, input, &Limits::default()).await
}

/// As [`run_checked`], within `limits`.
///
/// # Errors
/// As [`run_checked`].
pub async fn run_checked_with(
    exec: &dyn Executor,
    command: &Command,
    input: Input<'_>,
    limits: &Limits,
) -> Result<Output, Error> {
    let output = run_with(exec, command, input, limits).await?;
    checked(exec, command, &output)?;
    Ok(output)
}

/// Runs `command` to its end, passing its stdout on to `stdout` as it comes.
///
/// `stdout` is flushed and not shut down.
///
/// # Errors
/// As [`run_with`]; an error of `stdout` ends the command.
pub async fn stream(
    exec: &dyn Executor,
    command: &Command,
    input: Input<'_>,
    stdout: &mut (dyn AsyncWrite + Send + Unpin),
    limits: &Limits,
) -> Result<Streamed, Error> {
    drive(exec, command, input, stdout, limits).await
}

/// As [`stream`], taking an exit status other than 0 for an error.
///
/// # Errors
/// As [`stream`], and [`Error::Failed`] with the last lines of stderr.
pub async fn stream_checked(
    exec: &dyn Executor,
    command: &Command,
    input: Input<'_>,
    stdout: &mut (dyn AsyncWrite + Send + Unpin),
    limits: &Limits,
) -> Result<(), Error> {
    let ended = drive(exec, command, input, stdout, limits).await?;
    ended_well(exec, command, ended.status, &ended.stderr)
}

/// Checks how a command ended of which the caller knows other ends than a good one.
///
/// # Errors
/// [`Error::Failed`] unless its status is 0.
pub fn checked(exec: &dyn Executor, command: &Command, output: &Output) -> Result<(), Error> {
    let said = if output.stderr.trim_ascii().is_empty() { &output.stdout } else { &output.stderr };
    ended_well(exec, command, output.status, said)
}

/// [`Error::Failed`] with the last lines of `said` unless `status` is 0.
fn ended_well(exec: &dyn Executor, command: &Command, status: u32, said: &[u8]) -> Result<(), Error> {
    if status == 0 {
        return Ok(());
    }
    Err(Error::Failed {
        program: command.program().to_owned(),
        host: exec.name().to_owned(),
        status,
        stderr: last_lines(&String::from_utf8_lossy(said), STDERR_LINES),
    })
}

/// The last `count` lines of `text` that say something.
pub fn last_lines(text: &str, count: usize) -> String {
    let lines: Vec<&str> = text.lines().filter(|line| !line.trim().is_empty()).collect();
    lines[lines.len().saturating_sub(count)..].join("\n")
}

/// Why a run stopped before its end.
enum Stop {
    Cancelled,
    TimeUp(Duration),
    Broken(Broken),
}

async fn drive(
    exec: &dyn Executor,
    command: &Command,
    input: Input<'_>,
    stdout: &mut (dyn AsyncWrite + Send + Unpin),
    limits: &Limits,
) -> Result<Streamed, Error> {
    let never = CancellationToken::new();
    let cancel = limits.cancel.as_ref().unwrap_or(&never);
    let mut process = tokio::select! {
        biased;
        () = cancel.cancelled() => return Err(Error::Cancelled),
        process = exec.start(command) => process?,
    };
    let mut stderr = Tail::new(STDERR_CAP);
    let stop = tokio::select! {
        biased;
        ended = pump::pump(&mut process, input, stdout, &mut stderr) => match ended {
            Ok(status) => {
                let stderr = stderr.into_bytes();
                sudo::check(exec, command, status, &stderr)?;
                return Ok(Streamed { status, stderr });
            }
            Err(broken) => Stop::Broken(broken),
        },
        () = cancel.cancelled() => Stop::Cancelled,
        limit = time_up(command.time_limit()) => Stop::TimeUp(limit),
    };
    end(process).await;
    Err(explain(stop, exec, command, limits))
}

/// Ready with the limit once it has passed; never when there is none.
async fn time_up(limit: Option<Duration>) -> Duration {
    match limit {
        Some(limit) => {
            tokio::time::sleep(limit).await;
            limit
        }
        None => std::future::pending().await,
    }
}

/// Ends the command while its stdin is still open: a command that sees the end of its input
/// before the signal might take half a file for a whole one.
async fn end(mut process: Process) {
    // A host that answers no more must not hold us here; dropping the process closes the channel.
    let _ = tokio::time::timeout(CANCEL_LIMIT, process.control.cancel()).await;
}

fn explain(stop: Stop, exec: &dyn Executor, command: &Command, limits: &Limits) -> Error {
    let (program, host) = (command.program().to_owned(), exec.name().to_owned());
    let (operation, source) = match stop {
        Stop::Cancelled => return Error::Cancelled,
        Stop::TimeUp(limit) => return Error::Timeout { program, host, limit },
        Stop::Broken(Broken::Wait(error)) => return error,
        Stop::Broken(Broken::Full) => return Error::TooMuchOutput { program, host, limit: limits.cap },
        Stop::Broken(Broken::Source(source)) => ("read the input for", source),
        Stop::Broken(Broken::Stdin(source)) => ("write the input of", source),
        Stop::Broken(Broken::Read(source)) => ("read the output of", source),
        Stop::Broken(Broken::Sink(source)) => ("pass on the output of", source),
    };
    Error::Io { operation: format!("{operation} {program:?}"), host, source }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_lines_skip_the_empty_ones() {
        assert_eq!(last_lines("a\n\nb\n  \nc\n\n", 2), "b\nc");
        assert_eq!(last_lines("", 3), "");
        assert_eq!(last_lines("only", 3), "only");
    }
}
