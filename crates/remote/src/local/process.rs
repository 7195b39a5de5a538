//! A child process of ours and its end.

use std::{
    io,
    os::unix::process::ExitStatusExt,
    pin::Pin,
    task::{Context, Poll, ready},
    time::Duration,
};

use async_trait::async_trait;
use rustix::process::{Pid, Signal, kill_process_group, test_kill_process_group};
use tokio::{
    io::AsyncWrite,
    process::{Child, ChildStdin},
};

use tokio_util::sync::CancellationToken;

use crate::{Error, Process, ProcessControl, poll};

/// How long a command may take to end after TERM before KILL follows.
const GRACE: Duration = Duration::from_secs(2);

/// How often its group is looked at meanwhile.
const INTERVAL: Duration = Duration::from_millis(10);

/// The [`Process`] of a child that was started in a process group of its own.
pub(super) fn running(mut child: Child) -> io::Result<Process> {
    let missing = || io::Error::other("the child has no such stream");
    let group = child.id().and_then(|id| i32::try_from(id).ok()).and_then(Pid::from_raw);
    Ok(Process {
        stdin: Box::new(Stdin(Some(child.stdin.take().ok_or_else(missing)?))),
        stdout: Box::new(child.stdout.take().ok_or_else(missing)?),
        stderr: Box::new(child.stderr.take().ok_or_else(missing)?),
        control: Box::new(Control { child: Some(child), group, status: None }),
    })
}

/// What a shell on a host would make of a program that cannot be started: a status and a word on
/// stderr. Every other failure to start stays an error.
pub(super) fn not_started(program: &str, error: io::Error) -> io::Result<Process> {
    let (status, why) = match error.kind() {
        io::ErrorKind::NotFound => (127, "not found"),
        io::ErrorKind::PermissionDenied => (126, "permission denied"),
        _ => return Err(error),
    };
    Ok(Process {
        stdin: Box::new(tokio::io::sink()),
        stdout: Box::new(tokio::io::empty()),
        stderr: Box::new(io::Cursor::new(format!("{program}: {why}\n").into_bytes())),
        control: Box::new(Control { child: None, group: None, status: Some(status) }),
    })
}

/// A pipe has no shutting down; only closing it is the end of the child's input.
struct Stdin(Option<ChildStdin>);

impl AsyncWrite for Stdin {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        data: &[u8],
    ) -> Poll<io::Result<usize>> {
        match &mut self.0 {
            Some(pipe) => Pin::new(pipe).poll_write(context, data),
            None => Poll::Ready(Err(io::ErrorKind::BrokenPipe.into())),
        }
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        match &mut self.0 {
            Some(pipe) => Pin::new(pipe).poll_flush(context),
            None => Poll::Ready(Ok(())),
        }
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        ready!(self.as_mut().poll_flush(context))?;
        self.0 = None;
        Poll::Ready(Ok(()))
    }
}

struct Control {
    /// Until it has been waited for.
    child: Option<Child>,
    group: Option<Pid>,
    status: Option<u32>,
}

#[async_trait]
impl ProcessControl for Control {
    async fn wait(&mut self) -> Result<u32, Error> {
        if let Some(status) = self.status {
            return Ok(status);
        }
        let no_status = || Error::NoStatus { program: "the command".into(), host: "this machine".into() };
        let child = self.child.as_mut().ok_or_else(no_status)?;
        let ended = child.wait().await.map_err(|_| no_status())?;
        let signalled = ended.signal().map(|signal| 128 + signal);
        let status = ended.code().or(signalled).and_then(|status| u32::try_from(status).ok());
        self.status = status;
        self.child = None;
        status.ok_or_else(no_status)
    }

    async fn cancel(&mut self) {
        if let Some(child) = self.child.as_mut() {
            end_group(child, self.group).await;
            // Its number may belong to somebody else from here on.
            self.group = None;
        }
    }
}

impl Drop for Control {
    fn drop(&mut self) {
        let Some(mut child) = self.child.take() else { return };
        let group = self.group;
        match tokio::runtime::Handle::try_current() {
            Ok(runtime) => {
                // At once, in case the runtime is about to end and never polls the task.
                signal(group, Signal::TERM);
                runtime.spawn(async move { end_group(&mut child, group).await });
            }
            Err(_) => signal(group, Signal::KILL),
        }
    }
}

/// TERM to the whole group, and KILL to what is left of it after [`GRACE`].
async fn end_group(child: &mut Child, group: Option<Pid>) {
    signal(group, Signal::TERM);
    let never = CancellationToken::new();
    let poll = poll::Poll::new(INTERVAL, GRACE, &never);
    loop {
        // Reaps the leader; a zombie would count as a member of the group for ever.
        let leader_ended = !matches!(child.try_wait(), Ok(None));
        let group_ended = group.is_none_or(|group| test_kill_process_group(group).is_err());
        if leader_ended && group_ended {
            return;
        }
        if poll.next().await.is_err() {
            break;
        }
    }
    signal(group, Signal::KILL);
    let _ = child.wait().await;
}

/// A group that is gone already is what we want anyway.
fn signal(group: Option<Pid>, signal: Signal) {
    if let Some(group) = group {
        let _ = kill_process_group(group, signal);
    }
}
