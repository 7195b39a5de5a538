//! The task that drains a channel, whoever reads what comes out of it.

use std::{io, pin::Pin, sync::Arc};

use bytes::Bytes;
use russh::{Channel, ChannelMsg, ChannelReadHalf, ChannelWriteHalf, client::Msg};
use tokio::sync::watch;
use tokio_util::sync::{CancellationToken, DropGuard};

use crate::{
    kill::{self, Pid, PidReader, Start},
    link::Link,
    pipe::{Reader, Writer, pipe},
    stdin::Stdin,
};

/// How much a slow reader on a shared connection may leave unread.
pub(crate) const SHARED_LIMIT: usize = 64 << 20;

/// How much is buffered on a connection of its own, where the host can simply be made to wait.
const OWN_LIMIT: usize = 4 << 20;

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
    Command(Start),
    /// A socket, already connected.
    Socket,
}

/// How far a channel has got.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Progress {
    /// The host has not said yet whether the command runs.
    Starting,
    /// It runs, or the socket is connected.
    Running,
    /// The host refused to run it.
    Refused,
    /// It ended with an exit status.
    Status(u32),
    /// The host closed the channel without one, or the connection ended.
    NoStatus,
    /// A reader left more than [`SHARED_LIMIT`] unread.
    TooSlow,
    /// We ended it.
    Cancelled,
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
    let (pid, sudo) = match &purpose {
        Purpose::Command(start) if start.telling => (Pid::Awaited, start.sudo),
        _ => (Pid::NotNeeded, false),
    };
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
        pid_reader: PidReader::default(),
        status: None,
        output_ended: false,
        waiting: None,
        ending: None,
    };
    let cancelled = cancel.clone();
    tokio::spawn(async move {
        let guard = ended.drop_guard();
        let progress = task.progress.clone();
        let last = task.run(purpose, cancelled, input_dropped).await;
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
    /// Whether it takes sudo to end the command.
    sudo: bool,
    pid_reader: PidReader,
    status: Option<u32>,
    output_ended: bool,
    /// What the reader of stdout has no room for; only on a connection of its own.
    waiting: Option<Bytes>,
    /// Why the channel is being ended from our side.
    ending: Option<Progress>,
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
        purpose: Purpose,
        cancel: CancellationToken,
        input_dropped: CancellationToken,
    ) -> Progress {
        // Sending goes through the connection's own queue, which may be waiting for this very
        // task to read: it is polled beside reading, never instead of it.
        let (mut request, is_command) = match purpose {
            Purpose::Command(Start { line, .. }) => {
                let write = self.write.clone();
                // Sending fails only when the connection has ended, which reading tells as well.
                let sending = async move { drop(write.exec(true, line).await) };
                (Some(Box::pin(sending) as Sending), true)
            }
            Purpose::Socket => (None, false),
        };
        let mut ending: Option<Sending> = None;
        let mut eof: Option<Sending> = None;
        let mut eof_due = true;
        loop {
            let step = tokio::select! {
                biased;
                () = cancel.cancelled(), if self.ending.is_none() => Step::End(Progress::Cancelled),
                () = optional(&mut request) => {
                    request = None;
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
                () = input_dropped.cancelled(), if eof_due && request.is_none() => {
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
        self.ending = Some(why);
        self.waiting = None;
        let text = match why {
            Progress::TooSlow => {
                tracing::warn!(target: "ssh", limit = SHARED_LIMIT, "reader too slow, giving the channel up");
                format!("the reader was too slow: more than {} MiB are waiting", SHARED_LIMIT >> 20)
            }
            _ => "cancelled".to_owned(),
        };
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
            None | Some(ChannelMsg::Close) => return Step::Closed,
            Some(ChannelMsg::Data { data }) if self.ending.is_none() => {
                if let Err(data) = self.stdout.push(data) {
                    match self.sharing {
                        Sharing::Shared => return Step::End(Progress::TooSlow),
                        Sharing::Own => self.waiting = Some(data),
                    }
                }
            }
            Some(ChannelMsg::ExtendedData { data, ext: STDERR }) => {
                let data = if *self.pid.borrow() == Pid::Awaited { self.look_for_pid(&data) } else { data };
                if self.ending.is_none() && self.stderr.push(data).is_err() {
                    return Step::End(Progress::TooSlow);
                }
            }
            Some(ChannelMsg::Eof) => {
                self.output_ended = true;
                self.finish_stderr();
                self.stdout.finish();
            }
            Some(ChannelMsg::Success) => drop(self.progress.send_replace(Progress::Running)),
            Some(ChannelMsg::Failure) => return Step::End(Progress::Refused),
            Some(ChannelMsg::ExitStatus { exit_status }) => self.status = Some(exit_status),
            Some(ChannelMsg::ExitSignal { signal_name, .. }) => {
                self.status = Some(128 + kill::signal_number(&signal_name));
            }
            Some(_) => {}
        }
        Step::Go
    }

    /// Takes the process id out of stderr; what is left is for the reader.
    fn look_for_pid(&mut self, piece: &[u8]) -> Bytes {
        match self.pid_reader.add(piece) {
            Some((pid, rest)) => {
                self.pid.send_replace(pid);
                Bytes::from(rest)
            }
            None => Bytes::new(),
        }
    }

    fn finish_stderr(&mut self) {
        let rest = self.pid_reader.rest();
        // What has no room any more is the end of more than anybody reads.
        drop(self.stderr.push(Bytes::from(rest)));
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
        if !self.output_ended {
            // The host did not say that this was all.
            self.break_streams(
                io::ErrorKind::ConnectionReset,
                "the connection ended in the middle of the output",
            );
            self.finish_stderr();
        }
        self.status.map_or(Progress::NoStatus, Progress::Status)
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
