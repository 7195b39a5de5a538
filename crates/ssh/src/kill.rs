//! Ending a command on the host.
//!
//! Closing its channel does not: without a terminal sshd tells a command nothing. The protocol's
//! own way is the `signal` request (RFC 4254 §6.9). OpenSSH before 9.8 refuses it to root, whose
//! logins had no privilege separation there ("session signalling requires privilege separation"),
//! and answers nothing; and no server may signal what sudo runs for another user. Such commands
//! are started by a small shell script that first tells its process id on stderr and then becomes
//! the command, and they are ended by `kill` on another channel, under sudo where need be.

use std::{sync::Arc, time::Duration};

use remote::{
    Command,
    quote::{self, QuoteError},
};
use russh::{ChannelMsg, ChannelWriteHalf, Sig, client::Msg};
use tokio::{
    sync::watch,
    time::{sleep, timeout},
};

use crate::link::Link;

/// How long a command has to end after TERM before it gets KILL and its channel is closed.
const TERM_GRACE: Duration = Duration::from_secs(5);

/// How long the host has to confirm that a channel is closed, or that it ran `kill`.
const CLOSE_GRACE: Duration = Duration::from_secs(2);

/// How long a command may take to tell its process id.
const PID_GRACE: Duration = Duration::from_secs(5);

/// What stands before the process id.
const MARK: &[u8] = b"windlass-pid:";

/// Tells the shell's process id, which stays that of the command.
const TELL: &str = "printf 'windlass-pid:%s\\n' \"$$\" >&2; exec \"$@\"";

/// Sends signal `$1` to the process group of process `$2`: sshd gives each command its own, and
/// the fifth field of a Linux process's stat (after the name in parentheses) names it.
const KILL: &str = "g=$(sed 's/.*) . [0-9]* \\([0-9]*\\) .*/\\1/' \"/proc/$2/stat\") \
                    && [ \"$g\" -gt 1 ] && kill -s \"$1\" -- \"-$g\"";

/// How a command is started and, if need be, ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Start {
    /// The line for the login shell.
    pub(crate) line: String,
    /// Whether the line makes the command tell its process id first.
    pub(crate) telling: bool,
    /// Whether it runs under sudo.
    pub(crate) sudo: bool,
}

impl Start {
    /// Starts `command` on a server that takes signals for it or, `deaf`, does not. No user may
    /// signal what sudo runs, so such a command always tells.
    pub(crate) fn new(command: &Command, sudo: bool, deaf: bool) -> Result<Self, QuoteError> {
        let sudo = sudo && command.is_privileged();
        let telling = deaf || sudo;
        let line = if telling {
            let words = quote::words(command, sudo)?;
            quote::line(&Command::new(["sh", "-c", TELL, "sh"]).args(words), false)?
        } else {
            quote::line(command, sudo)?
        };
        Ok(Self { line, telling, sudo })
    }
}

/// What is known of a command's process id.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Pid {
    /// The server takes signals: nobody asked.
    NotNeeded,
    /// It will be told, or the command ends first.
    Awaited,
    /// It was told.
    Known(u32),
    /// Something else came in its place.
    Untold,
}

/// Takes the process id out of the beginning of stderr. What a login shell writes at its start
/// may come before it.
#[derive(Debug, Default)]
pub(crate) struct PidReader {
    seen: Vec<u8>,
}

impl PidReader {
    /// More than a login shell would say.
    const LIMIT: usize = 1 << 20;

    /// Adds a piece; ready with the process id and everything else that was written so far.
    pub(crate) fn add(&mut self, piece: &[u8]) -> Option<(Pid, Vec<u8>)> {
        self.seen.extend_from_slice(piece);
        let found = self.seen.windows(MARK.len()).position(|window| window == MARK).and_then(|at| {
            let after = &self.seen[at + MARK.len()..];
            let end = after.iter().position(|byte| *byte == b'\n')?;
            Some((at, end, std::str::from_utf8(&after[..end]).ok().and_then(|text| text.parse().ok())))
        });
        match found {
            Some((at, end, Some(pid))) => {
                let mut seen = std::mem::take(&mut self.seen);
                seen.drain(at..=at + MARK.len() + end);
                Some((Pid::Known(pid), seen))
            }
            Some((_, _, None)) => Some((Pid::Untold, self.rest())),
            None if self.seen.len() > Self::LIMIT => Some((Pid::Untold, self.rest())),
            None => None,
        }
    }

    /// What was written when it ended without a process id.
    pub(crate) fn rest(&mut self) -> Vec<u8> {
        std::mem::take(&mut self.seen)
    }
}

/// Ends the command of a channel: TERM, some patience, KILL, close. Ready when it is hopeless.
pub(crate) async fn end_command(
    write: Arc<ChannelWriteHalf<Msg>>,
    link: Arc<Link>,
    mut pid: watch::Receiver<Pid>,
    sudo: bool,
) {
    let told = timeout(PID_GRACE, pid.wait_for(|pid| *pid != Pid::Awaited)).await;
    let pid = told.ok().and_then(Result::ok).map(|pid| *pid);
    for (name, signal, grace) in [("TERM", Sig::TERM, TERM_GRACE), ("KILL", Sig::KILL, Duration::ZERO)] {
        match pid {
            Some(Pid::Known(pid)) => kill(&link, name, pid, sudo).await,
            // Sending fails only when the connection has ended, which the reader sees as well.
            _ => drop(write.signal(signal).await),
        }
        sleep(grace).await;
    }
    close(&write).await;
}

/// Closes a channel. Ready when the host does not confirm it.
pub(crate) async fn close(write: &ChannelWriteHalf<Msg>) {
    if let Ok(Ok(())) = timeout(CLOSE_GRACE, write.close()).await {
        sleep(CLOSE_GRACE).await;
    }
}

/// Runs `kill` on the host. It takes one of the sessions that slots leave free: to wait for a slot
/// here could mean to wait for the command that is to be ended.
async fn kill(link: &Link, signal: &str, pid: u32, sudo: bool) {
    let command = Command::new(["sh", "-c", KILL, "sh", signal, &pid.to_string()]).privileged();
    let Ok(line) = quote::line(&command, sudo) else { return };
    for attempt in 0..5 {
        let Some(mut channel) = link.spare_session().await else {
            sleep(Duration::from_millis(50 << attempt)).await;
            continue;
        };
        let running = async {
            if channel.exec(true, line.as_str()).await.is_ok() {
                while !matches!(channel.wait().await, None | Some(ChannelMsg::Close)) {}
            }
        };
        if timeout(CLOSE_GRACE, running).await.is_err() {
            drop(channel.close().await);
        }
        return;
    }
    tracing::warn!(target: "ssh", pid, "could not end a command: the host opens no session for it");
}

/// The number of a signal on Linux, as a shell adds it to 128; 0 for one that has no name here.
pub(crate) fn signal_number(signal: &Sig) -> u32 {
    match signal {
        Sig::HUP => 1,
        Sig::INT => 2,
        Sig::QUIT => 3,
        Sig::ILL => 4,
        Sig::ABRT => 6,
        Sig::FPE => 8,
        Sig::KILL => 9,
        Sig::USR1 => 10,
        Sig::SEGV => 11,
        Sig::PIPE => 13,
        Sig::ALRM => 14,
        Sig::TERM => 15,
        Sig::Custom(name) => match name.as_str() {
            "TRAP" => 5,
            "BUS" => 7,
            "USR2" => 12,
            "XCPU" => 24,
            "XFSZ" => 25,
            "SYS" => 31,
            // OpenSSH calls every signal without a name of its own "SIG@openssh.com".
            _ => 0,
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_telling_command_keeps_its_words() {
        let command = Command::new(["docker", "ps", "a b"]);
        let start = Start::new(&command, true, false).unwrap();
        assert_eq!(start, Start { line: "docker ps 'a b'".to_owned(), telling: false, sudo: false });
        let deaf = Start::new(&command, true, true).unwrap();
        assert!(deaf.line.starts_with("sh -c '") && deaf.line.ends_with(" sh docker ps 'a b'"), "{deaf:?}");
        assert_eq!((deaf.telling, deaf.sudo), (true, false));
        let sudo = Start::new(&command.privileged(), true, false).unwrap();
        assert!(sudo.line.ends_with(" sh sudo -n -- docker ps 'a b'"), "{sudo:?}");
        assert_eq!((sudo.telling, sudo.sudo), (true, true));
    }

    #[test]
    fn the_process_id_is_taken_out_of_stderr_however_it_is_cut() {
        let text = b"motd\nwindlass-pid:4711\nhello";
        for cut in 0..text.len() {
            let mut reader = PidReader::default();
            let (first, second) = text.split_at(cut);
            let mut out = Vec::new();
            let mut pid = None;
            for piece in [first, second] {
                match (pid, reader.add(piece)) {
                    (None, Some((told, rest))) => {
                        pid = Some(told);
                        out.extend(rest);
                    }
                    (None, None) => {}
                    (Some(_), _) => {
                        out.extend_from_slice(piece);
                    }
                }
            }
            assert_eq!(pid, Some(Pid::Known(4711)), "cut at {cut}");
            assert_eq!(String::from_utf8_lossy(&out), "motd\nhello", "cut at {cut}");
        }
    }

    #[test]
    fn what_is_no_process_id_is_passed_on() {
        let mut reader = PidReader::default();
        assert_eq!(reader.add(b"sh: not found\n"), None);
        assert_eq!(reader.rest(), b"sh: not found\n");
        let mut reader = PidReader::default();
        assert_eq!(reader.add(b"windlass-pid:x\n"), Some((Pid::Untold, b"windlass-pid:x\n".to_vec())));
    }
}
