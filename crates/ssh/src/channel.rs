//! The task that drains a channel, whoever reads what comes out of it.

use std::{io, pin::Pin, time::Duration};

use bytes::Bytes;
use russh::{ChannelMsg, ChannelReadHalf, ChannelWriteHalf, Sig, client::Msg};
use tokio::{
    sync::watch,
    time::{sleep, timeout},
};
use tokio_util::sync::CancellationToken;

use crate::{
    pipe::{Reader, Writer, pipe},
    stdin::Stdin,
};

/// How much a slow reader on a shared connection may leave unread.
pub(crate) const SHARED_LIMIT: usize = 64 << 20;

/// How much is buffered on a connection of its own, where the host can simply be made to wait.
const OWN_LIMIT: usize = 4 << 20;

/// How long a command has to end after TERM before it gets KILL and its channel is closed.
const TERM_GRACE: Duration = Duration::from_secs(5);

/// How long the host has to confirm that a channel is closed.
const CLOSE_GRACE: Duration = Duration::from_secs(2);

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

/// What is at the other end of a channel, which decides how it is ended early.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    /// A command: TERM, KILL, close.
    Command,
    /// A socket: close.
    Socket,
}

/// How a channel ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Ending {
    /// It has not yet.
    Open,
    /// With an exit status.
    Status(u32),
    /// The host closed it without one.
    NoStatus,
    /// A reader left more than [`SHARED_LIMIT`] unread.
    TooSlow,
    /// We ended it.
    Cancelled,
}

/// The near ends of a channel that is being drained.
pub(crate) struct Drained {
    pub(crate) stdin: Stdin,
    pub(crate) stdout: Reader,
    pub(crate) stderr: Reader,
    pub(crate) ending: watch::Receiver<Ending>,
    /// Ends the channel when it is cancelled.
    pub(crate) cancel: CancellationToken,
}

/// Starts draining a channel. `kept` lives until the channel has ended: its slot, and its
/// connection where that is its own.
pub(crate) fn drain<K: Send + 'static>(
    (read, write): (ChannelReadHalf, ChannelWriteHalf<Msg>),
    kind: Kind,
    sharing: Sharing,
    kept: K,
) -> Drained {
    let limit = match sharing {
        Sharing::Shared => SHARED_LIMIT,
        Sharing::Own => OWN_LIMIT,
    };
    let (stdout_writer, stdout) = pipe(limit);
    // Nobody should have to read stderr for stdout to go on.
    let (stderr_writer, stderr) = pipe(SHARED_LIMIT);
    let (ending_writer, ending) = watch::channel(Ending::Open);
    let (cancel, ended, input_dropped) =
        <(CancellationToken, CancellationToken, CancellationToken)>::default();
    let stdin = Stdin::new(write.make_writer(), ended.clone(), input_dropped.clone());
    let task = Task {
        read,
        kind,
        sharing,
        stdout: stdout_writer,
        stderr: stderr_writer,
        status: None,
        output_ended: false,
        waiting: None,
        cancelled: false,
    };
    let cancelled = cancel.clone();
    tokio::spawn(async move {
        let guard = ended.drop_guard();
        let ending = task.run(write, cancelled, input_dropped).await;
        drop(guard);
        drop(kept);
        ending_writer.send_replace(ending);
    });
    Drained { stdin, stdout, stderr, ending, cancel }
}

struct Task {
    read: ChannelReadHalf,
    kind: Kind,
    sharing: Sharing,
    stdout: Writer,
    stderr: Writer,
    status: Option<u32>,
    output_ended: bool,
    /// What the reader of stdout has no room for; only on a connection of its own.
    waiting: Option<Bytes>,
    cancelled: bool,
}

/// What a message means for the loop.
enum Step {
    Go,
    Closed,
    TooSlow,
}

type Sending = Pin<Box<dyn Future<Output = ()> + Send>>;

impl Task {
    async fn run(
        mut self,
        write: ChannelWriteHalf<Msg>,
        cancel: CancellationToken,
        input_dropped: CancellationToken,
    ) -> Ending {
        let write = std::sync::Arc::new(write);
        // Sending goes through the connection's own queue, which may be waiting for this very
        // task to read: it is polled beside reading, never instead of it.
        let mut ending_it: Option<Sending> = None;
        let mut sending_eof: Option<Sending> = None;
        let mut eof_due = true;
        loop {
            let step = tokio::select! {
                biased;
                () = cancel.cancelled(), if !self.cancelled => {
                    self.cancelled = true;
                    self.waiting = None;
                    eof_due = false;
                    let write = write.clone();
                    ending_it = Some(match self.kind {
                        Kind::Command => Box::pin(async move { end_command(&write).await }),
                        Kind::Socket => Box::pin(async move { close(&write).await }),
                    });
                    Step::Go
                }
                () = poll_option(&mut ending_it) => Step::Closed,
                message = self.read.wait(), if self.waiting.is_none() => self.take(message),
                () = self.stdout.space(), if self.waiting.is_some() => {
                    if let Some(chunk) = self.waiting.take() {
                        self.waiting = self.stdout.push(chunk).err();
                    }
                    Step::Go
                }
                () = input_dropped.cancelled(), if eof_due => {
                    eof_due = false;
                    let write = write.clone();
                    sending_eof = Some(Box::pin(async move {
                        // A channel that is gone needs no end of input.
                        let _ = write.eof().await;
                    }));
                    Step::Go
                }
                () = poll_option(&mut sending_eof) => {
                    sending_eof = None;
                    Step::Go
                }
            };
            match step {
                Step::Go => {}
                Step::Closed => return self.end(),
                Step::TooSlow => return self.give_up(&write).await,
            }
        }
    }

    fn take(&mut self, message: Option<ChannelMsg>) -> Step {
        match message {
            None | Some(ChannelMsg::Close) => return Step::Closed,
            // What a cancelled command still writes is for nobody.
            Some(ChannelMsg::Data { .. } | ChannelMsg::ExtendedData { .. }) if self.cancelled => {}
            Some(ChannelMsg::Data { data }) => {
                if let Err(data) = self.stdout.push(data) {
                    match self.sharing {
                        Sharing::Shared => return Step::TooSlow,
                        Sharing::Own => self.waiting = Some(data),
                    }
                }
            }
            Some(ChannelMsg::ExtendedData { data, ext: STDERR }) => {
                if self.stderr.push(data).is_err() {
                    return Step::TooSlow;
                }
            }
            Some(ChannelMsg::Eof) => {
                self.output_ended = true;
                self.stdout.finish();
                self.stderr.finish();
            }
            Some(ChannelMsg::ExitStatus { exit_status }) => self.status = Some(exit_status),
            Some(ChannelMsg::ExitSignal { signal_name, .. }) => {
                self.status = Some(128 + signal_number(&signal_name));
            }
            Some(_) => {}
        }
        Step::Go
    }

    /// The channel is closed, by the host or with its connection.
    fn end(self) -> Ending {
        if self.cancelled {
            self.break_streams(io::ErrorKind::Interrupted, "cancelled");
            return Ending::Cancelled;
        }
        if !self.output_ended {
            // The host did not say that this was all.
            self.break_streams(
                io::ErrorKind::ConnectionReset,
                "the connection ended in the middle of the output",
            );
        }
        self.status.map_or(Ending::NoStatus, Ending::Status)
    }

    async fn give_up(self, write: &ChannelWriteHalf<Msg>) -> Ending {
        tracing::warn!(target: "ssh", limit = SHARED_LIMIT, "reader too slow, giving the channel up");
        let text = format!("the reader was too slow: more than {} MiB are waiting", SHARED_LIMIT >> 20);
        self.break_streams(io::ErrorKind::OutOfMemory, &text);
        let Self { mut read, kind, .. } = self;
        let discarding = async { while !matches!(read.wait().await, None | Some(ChannelMsg::Close)) {} };
        let ending = async {
            match kind {
                Kind::Command => end_command(write).await,
                Kind::Socket => close(write).await,
            }
        };
        tokio::select! {
            () = discarding => {}
            () = ending => {}
        }
        Ending::TooSlow
    }

    fn break_streams(&self, kind: io::ErrorKind, text: &str) {
        self.stdout.fail(kind, text);
        self.stderr.fail(kind, text);
    }
}

async fn poll_option(future: &mut Option<Sending>) {
    match future {
        Some(future) => future.await,
        None => std::future::pending().await,
    }
}

/// Ends the command of a channel. Closing alone would leave it running: without a terminal sshd
/// tells a command nothing.
async fn end_command(write: &ChannelWriteHalf<Msg>) {
    let signal = |signal| async { write.signal(signal).await.is_ok() };
    if !signal(Sig::TERM).await {
        return;
    }
    sleep(TERM_GRACE).await;
    signal(Sig::KILL).await;
    close(write).await;
}

/// Ends whatever runs on a channel that nobody drains.
pub(crate) async fn abandon(write: &ChannelWriteHalf<Msg>) {
    // Sending fails when the connection has ended, and then nothing is left to end.
    let _ = write.signal(Sig::TERM).await;
    let _ = write.close().await;
}

async fn close(write: &ChannelWriteHalf<Msg>) {
    if let Ok(Ok(())) = timeout(CLOSE_GRACE, write.close()).await {
        sleep(CLOSE_GRACE).await;
    }
}

/// The number of a signal on Linux, as a shell adds it to 128; 0 for one that has no name here.
fn signal_number(signal: &Sig) -> u32 {
    let name = match signal {
        Sig::Custom(name) => name.as_str(),
        Sig::HUP => return 1,
        Sig::INT => return 2,
        Sig::QUIT => return 3,
        Sig::ILL => return 4,
        Sig::ABRT => return 6,
        Sig::FPE => return 8,
        Sig::KILL => return 9,
        Sig::USR1 => return 10,
        Sig::SEGV => return 11,
        Sig::PIPE => return 13,
        Sig::ALRM => return 14,
        Sig::TERM => return 15,
    };
    // OpenSSH names the others "SIG@openssh.com" without a number: session.c, sig2name().
    match name {
        "USR2" => 12,
        "BUS" => 7,
        "TRAP" => 5,
        "XCPU" => 24,
        "XFSZ" => 25,
        "SYS" => 31,
        _ => 0,
    }
}
