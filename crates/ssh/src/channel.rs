//! The task that drains a channel, whoever reads what comes out of it.

use std::{io, pin::Pin, sync::Arc, time::Duration};

use bytes::Bytes;
use remote::{connection::Sudo, quote::LoginLine};
use russh::{Channel, ChannelMsg, ChannelReadHalf, ChannelWriteHalf, client::Msg};
use tokio::{sync::watch, time::sleep};
use tokio_util::sync::{CancellationToken, DropGuard};

use crate::{
    frame::Begun,
    kill::{self, Pid},
    link::Link,
    login::{Opening, Output, Start},
    pipe::{Reader, Writer, pipe},
    stdin::Stdin,
};

/// How much a slow reader on a shared connection may leave unread.
pub(crate) const SHARED_LIMIT: usize = 64 << 20;

/// How much is buffered on a connection of its own, where the host can simply be made to wait.
const OWN_LIMIT: usize = 4 << 20;

/// How long a login may take until the command begins.
const LOGIN_LIMIT: Duration = Duration::from_secs(60);

/// What stderr is called in the protocol (RFC 4254 §5.2).
const STDERR: u32 = 1;

/// What happens when a reader is slower than the host.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Sharing {
    /// Others use the connection: buffer, then give the channel up.
    Shared,
    /// Nobody else does: let the host wait.
    Own,
}

/// What a channel is for.
pub(crate) enum Purpose {
    /// A command.
    Command(Box<Start>),
    /// A socket, already connected.
    Socket,
}

/// How far a channel has got.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Progress {
    /// The command has not begun yet, as far as we know.
    Starting,
    /// It runs, or the socket is connected.
    Running,
    /// The host refused to run it.
    Refused,
    /// It ended with an exit status.
    Status(u32),
    /// The host closed the channel without one, or the connection ended before all had come.
    NoStatus,
    /// The login ended without running the command, or takes too long.
    NoShell(Arc<NoShell>),
    /// The login has joined stdout and stderr, so that the command was not run. This is its shell.
    Joined(Arc<str>),
    /// A reader left more than [`SHARED_LIMIT`] unread.
    TooSlow,
    /// We ended it.
    Cancelled,
}

/// What a login did in place of running the command.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct NoShell {
    /// What it ended with; `None` when it did not end.
    pub(crate) status: Option<u32>,
    /// What it said.
    pub(crate) said: String,
}

/// The near ends of a channel that is being drained. Dropping `end_on_drop` ends what runs there.
pub(crate) struct Drained {
    pub(crate) stdin: Stdin,
    pub(crate) stdout: Reader,
    pub(crate) stderr: Reader,
    pub(crate) progress: watch::Receiver<Progress>,
    pub(crate) cancel: CancellationToken,
    pub(crate) end_on_drop: DropGuard,
}

/// Starts draining a channel of `link`. `kept` lives until the channel has ended: its slot.
pub(crate) fn drain<K: Send + 'static>(
    channel: Channel<Msg>,
    purpose: Purpose,
    sharing: Sharing,
    link: Arc<Link>,
    kept: K,
) -> Drained {
    let (read, write) = channel.split();
    let limit = match sharing {
        Sharing::Shared => SHARED_LIMIT,
        Sharing::Own => OWN_LIMIT,
    };
    let (stdout_writer, stdout) = pipe(limit);
    // Nobody should have to read stderr for stdout to go on.
    let (stderr_writer, stderr) = pipe(SHARED_LIMIT);
    let first = match &purpose {
        Purpose::Command(_) => Progress::Starting,
        Purpose::Socket => Progress::Running,
    };
    let (progress_writer, progress) = watch::channel(first);
    let cancel = CancellationToken::new();
    let (ended, input_dropped) = (CancellationToken::new(), CancellationToken::new());
    let stdin = Stdin::new(write.make_writer(), ended.clone(), input_dropped.clone());
    let (line, opening, by_pid, sudo) = match purpose {
        Purpose::Command(start) => (Some(start.line), Some(start.opening), start.by_pid, start.sudo),
        Purpose::Socket => (None, None, false, Sudo::Nothing),
    };
    let pid = if by_pid { Pid::Awaited } else { Pid::NotNeeded };
    let task = Task {
        read,
        write: Arc::new(write),
        link,
        sharing,
        stdout: stdout_writer,
        stderr: stderr_writer,
        progress: progress_writer,
        pid: watch::Sender::new(pid),
        sudo,
        opening,
        told: Told::default(),
        waiting: None,
        ending: None,
    };
    let cancelled = cancel.clone();
    tokio::spawn(async move {
        let guard = ended.drop_guard();
        let progress = task.progress.clone();
        let last = task.run(line, cancelled, input_dropped).await;
        drop(guard);
        drop(kept);
        progress.send_replace(last);
    });
    let end_on_drop = cancel.clone().drop_guard();
    Drained { stdin, stdout, stderr, progress, cancel, end_on_drop }
}

struct Task {
    read: ChannelReadHalf,
    write: Arc<ChannelWriteHalf<Msg>>,
    link: Arc<Link>,
    sharing: Sharing,
    stdout: Writer,
    stderr: Writer,
    progress: watch::Sender<Progress>,
    pid: watch::Sender<Pid>,
    /// What runs the command, and so who may end it.
    sudo: Sudo,
    /// Where a command's own output begins; `None` for a socket.
    opening: Option<Opening>,
    told: Told,
    /// What the reader of stdout has no room for; only on a connection of its own.
    waiting: Option<Bytes>,
    /// Why the channel is being ended from our side.
    ending: Option<Progress>,
}

/// What the host has said of a command's end.
#[derive(Clone, Copy, Debug, Default)]
struct Told {
    status: Option<u32>,
    output_ended: bool,
    /// It has closed the channel.
    closed: bool,
}

impl Told {
    /// Whether all that the command wrote has come. A host that closes a channel after the status
    /// has nothing more to say on it.
    fn is_all(self) -> bool {
        self.output_ended || (self.closed && self.status.is_some())
    }

    /// How it ended. A status may overtake the output: without the end of that, nobody knows what
    /// was lost.
    fn progress(self) -> Progress {
        self.status.filter(|_| self.is_all()).map_or(Progress::NoStatus, Progress::Status)
    }
}

/// What a message means for the loop.
enum Step {
    Go,
    Closed,
    End(Progress),
}

type Sending = Pin<Box<dyn Future<Output = ()> + Send>>;

impl Task {
    async fn run(
        mut self,
        line: Option<LoginLine>,
        cancel: CancellationToken,
        input_dropped: CancellationToken,
    ) -> Progress {
        // Sending goes through the connection's own queue, which may be waiting for this very
        // task to read: it is polled beside reading, never instead of it.
        let is_command = line.is_some();
        let (line, mut input) = line.map_or((None, None), |line| (Some(line.line), Some(line.input)));
        let mut request = line.map(|line| {
            let write = self.write.clone();
            // Sending fails only when the connection has ended, which reading tells as well.
            Box::pin(async move { drop(write.exec(true, line).await) }) as Sending
        });
        let mut feeding: Option<Sending> = None;
        let mut login_limit = Box::pin(sleep(LOGIN_LIMIT));
        let mut ending: Option<Sending> = None;
        let mut eof: Option<Sending> = None;
        let mut eof_due = true;
        loop {
            let step = tokio::select! {
                biased;
                () = cancel.cancelled(), if self.ending.is_none() => Step::End(Progress::Cancelled),
                () = &mut login_limit, if self.ending.is_none() && self.awaits_login() => {
                    Step::End(self.no_shell())
                }
                () = optional(&mut request) => {
                    request = None;
                    feeding = input.take().filter(|input| !input.is_empty()).map(|input| {
                        let write = self.write.clone();
                        Box::pin(async move { drop(write.data_bytes(input).await) }) as Sending
                    });
                    Step::Go
                }
                () = optional(&mut feeding) => {
                    feeding = None;
                    Step::Go
                }
                () = optional(&mut ending) => Step::Closed,
                message = self.read.wait(), if self.waiting.is_none() => self.take(message),
                () = self.stdout.space(), if self.waiting.is_some() => {
                    if let Some(chunk) = self.waiting.take() {
                        self.waiting = self.stdout.push(chunk).err();
                    }
                    Step::Go
                }
                () = input_dropped.cancelled(), if eof_due && request.is_none() && feeding.is_none() => {
                    eof_due = false;
                    let write = self.write.clone();
                    eof = Some(Box::pin(async move { drop(write.eof().await) }));
                    Step::Go
                }
                () = optional(&mut eof) => {
                    eof = None;
                    Step::Go
                }
            };
            match step {
                Step::Go => {}
                Step::Closed => return self.end(),
                Step::End(why) => {
                    // A command must not take the end of its input for a whole input now.
                    eof_due = false;
                    feeding = None;
                    // A request that was not sent must not be, and what was refused did not begin.
                    let sent = request.take().is_none();
                    let begun = is_command && sent && why != Progress::Refused;
                    ending = Some(self.begin_ending(why, begun));
                }
            }
        }
    }

    /// What ends the channel from our side; meanwhile what comes is read and thrown away.
    fn begin_ending(&mut self, why: Progress, command: bool) -> Sending {
        self.waiting = None;
        let text = match &why {
            Progress::TooSlow => {
                tracing::warn!(target: "ssh", limit = SHARED_LIMIT, "reader too slow, giving the channel up");
                format!("the reader was too slow: more than {} MiB are waiting", SHARED_LIMIT >> 20)
            }
            _ => "cancelled".to_owned(),
        };
        self.ending = Some(why);
        // Not `Interrupted`: that means "try again" to every reader.
        self.break_streams(io::ErrorKind::ConnectionAborted, &text);
        let (write, link, pid) = (self.write.clone(), self.link.clone(), self.pid.subscribe());
        if command {
            Box::pin(kill::end_command(write, link, pid, self.sudo))
        } else {
            Box::pin(async move { kill::close(&write).await })
        }
    }

    fn take(&mut self, message: Option<ChannelMsg>) -> Step {
        match message {
            None => return Step::Closed,
            Some(ChannelMsg::Close) => {
                self.told.closed = true;
                return Step::Closed;
            }
            Some(ChannelMsg::Data { data }) => {
                let data = self.own_part(Output::Stdout, data);
                if self.ending.is_none()
                    && let Err(data) = self.stdout.push(data)
                {
                    match self.sharing {
                        Sharing::Shared => return Step::End(Progress::TooSlow),
                        Sharing::Own => self.waiting = Some(data),
                    }
                }
            }
            Some(ChannelMsg::ExtendedData { data, ext: STDERR }) => {
                let data = self.own_part(Output::Stderr, data);
                if self.ending.is_none() && self.stderr.push(data).is_err() {
                    return Step::End(Progress::TooSlow);
                }
            }
            Some(ChannelMsg::Eof) => {
                self.told.output_ended = true;
                self.finish_stderr();
                self.stdout.finish();
            }
            Some(ChannelMsg::Failure) => return Step::End(Progress::Refused),
            Some(ChannelMsg::ExitStatus { exit_status }) => self.told.status = Some(exit_status),
            Some(ChannelMsg::ExitSignal { signal_name, .. }) => {
                self.told.status = Some(128 + kill::signal_number(&signal_name));
            }
            Some(_) => {}
        }
        Step::Go
    }

    /// What of `piece` the command has written itself; tells that it has begun.
    fn own_part(&mut self, output: Output, piece: Bytes) -> Bytes {
        let Some(opening) = &mut self.opening else { return piece };
        let (own, begun) = opening.take(output, piece);
        if let Some(begun) = begun {
            self.begin(&begun);
        }
        own
    }

    /// The login has come to the command.
    fn begin(&self, begun: &Begun) {
        let (pid, now) = if begun.is_joined() {
            (Pid::Untold, Progress::Joined(begun.shell.as_str().into()))
        } else {
            (Pid::Known(begun.pid), Progress::Running)
        };
        self.pid.send_if_modified(|known| {
            let awaited = *known == Pid::Awaited;
            if awaited {
                *known = pid;
            }
            awaited
        });
        self.progress.send_if_modified(|progress| {
            let starting = *progress == Progress::Starting;
            if starting {
                *progress = now;
            }
            starting
        });
    }

    /// Whether the login has not come to running the command yet.
    fn awaits_login(&self) -> bool {
        self.opening.as_ref().is_some_and(|opening| !opening.is_over())
    }

    fn no_shell(&self) -> Progress {
        let said = self.opening.as_ref().map(Opening::said).unwrap_or_default();
        Progress::NoShell(Arc::new(NoShell { status: self.told.status, said }))
    }

    fn finish_stderr(&mut self) {
        let rest = self.opening.as_ref().map(Opening::unmarked_stderr).unwrap_or_default();
        // What has no room any more is the end of more than anybody reads.
        drop(self.stderr.push(rest));
        self.pid.send_if_modified(|pid| {
            let awaited = *pid == Pid::Awaited;
            if awaited {
                *pid = Pid::Untold;
            }
            awaited
        });
        self.stderr.finish();
    }

    /// The channel is closed, by the host or with its connection.
    fn end(mut self) -> Progress {
        if let Some(why) = self.ending {
            return why;
        }
        if !self.told.is_all() {
            self.break_streams(
                io::ErrorKind::ConnectionReset,
                "the connection ended in the middle of the output",
            );
        }
        self.finish_stderr();
        // How sh ended then is of no interest, and may be told before anybody has looked.
        let reached = self.progress.borrow().clone();
        if matches!(reached, Progress::Joined(_)) {
            return reached;
        }
        if self.awaits_login() && (self.told.is_all() || self.told.closed) {
            return self.no_shell();
        }
        self.told.progress()
    }

    fn break_streams(&self, kind: io::ErrorKind, text: &str) {
        self.stdout.fail(kind, text);
        self.stderr.fail(kind, text);
    }
}

async fn optional(future: &mut Option<Sending>) {
    match future {
        Some(future) => future.await,
        None => std::future::pending().await,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_status_without_the_end_of_the_output_is_none() {
        for (status, output_ended, closed, expected) in [
            (Some(0), true, true, Progress::Status(0)),
            (Some(3), true, false, Progress::Status(3)),
            (Some(0), false, true, Progress::Status(0)),
            (Some(0), false, false, Progress::NoStatus),
            (None, true, true, Progress::NoStatus),
            (None, false, false, Progress::NoStatus),
        ] {
            let told = Told { status, output_ended, closed };
            assert_eq!(told.progress(), expected, "{told:?}");
        }
    }
}
