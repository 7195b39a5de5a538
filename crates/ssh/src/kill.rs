//! Ending a command on the host.
//!
//! Closing its channel does not: without a terminal sshd tells a command nothing. The protocol's
//! own way is the `signal` request (RFC 4254 §6.9). OpenSSH before 9.8 refuses it to root, whose
//! logins had no privilege separation there ("session signalling requires privilege separation"),
//! and answers nothing; Tailscale SSH passes on no signal at all; and no server may signal what sudo
//! runs for another user. Such commands
//! are ended by `kill` on another channel, under sudo where need be: the mark before a command's
//! output ([`crate::frame`]) tells its process id. Where sudo runs docker and nothing else, there is no
//! such `kill`: closing the channel is all that can be done, and docker ends when it next writes.

use std::{sync::Arc, time::Duration};

use remote::{
    Command,
    connection::Sudo,
    quote::{LoginLine, Mark},
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

/// How long a command that is to be ended may take to tell its process id.
const PID_GRACE: Duration = Duration::from_secs(5);

/// Sends signal `$1` to the process group of process `$2`: sshd gives each command its own, and
/// the fifth field of a Linux process's stat (after the name in parentheses) names it. Tailscale SSH leaves
/// commands in its own group, as it does with this script: there the process and what it has started are ended,
/// and never the server.
const KILL: &str = r#"
group() { sed 's/.*) . [0-9]* \([0-9]*\) .*/\1/' "/proc/$1/stat"; }
tree() {
  echo "$1"
  for child in $(sed -n "s/^\([0-9]*\) (.*) . $1 .*/\1/p" /proc/[0-9]*/stat 2>/dev/null); do tree "$child"; done
}
g=$(group "$2") && [ "$g" -gt 1 ] || exit
if [ "$g" = "$(group $$)" ]; then kill "-$1" $(tree "$2"); else kill "-$1" "-$g"; fi
"#;

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

/// Ends the command of a channel: TERM, some patience, KILL, close. Ready when it is hopeless.
pub(crate) async fn end_command(
    write: Arc<ChannelWriteHalf<Msg>>,
    link: Arc<Link>,
    mut pid: watch::Receiver<Pid>,
    sudo: Sudo,
) {
    // Only root may signal what sudo runs, and sudo runs nothing but docker there. Its next word finds
    // nobody who reads it, and ends it.
    if sudo == Sudo::Docker {
        return close(&write).await;
    }
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
async fn kill(link: &Link, signal: &str, pid: u32, sudo: Sudo) {
    let command = Command::new(["sh", "-c", KILL, "sh", signal, &pid.to_string()]).privileged();
    let Ok(mark) = Mark::random() else { return };
    let Ok(LoginLine { line, .. }) = LoginLine::new(&command, sudo, &mark) else { return };
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
    use std::{
        io::{BufRead as _, BufReader},
        os::unix::process::CommandExt as _,
        process::{Command, Stdio},
    };

    use super::*;

    /// Runs the script against a command that is in this process group, or in its own, and says the ids of
    /// what that has started.
    fn killed(own_group: bool) -> Vec<String> {
        let mut command = Command::new("sh");
        command.args(["-c", "sleep 600 & echo $!; sleep 600 & echo $!; wait"]).stdout(Stdio::piped());
        if own_group {
            command.process_group(0);
        }
        let mut child = command.spawn().unwrap();
        let lines = BufReader::new(child.stdout.take().unwrap()).lines();
        let started: Vec<String> = lines.take(2).map(Result::unwrap).collect();
        let status = Command::new("sh").args(["-c", KILL, "sh", "KILL", &child.id().to_string()]).status();
        assert!(status.unwrap().success());
        assert!(!child.wait().unwrap().success());
        started
    }

    #[test]
    fn a_command_ends_with_what_it_has_started_and_nobody_else_of_our_group() {
        for own_group in [true, false] {
            for pid in killed(own_group) {
                let stat = format!("/proc/{pid}/stat");
                let runs = || std::fs::read_to_string(&stat).is_ok_and(|stat| !stat.contains(") Z "));
                // Whoever is its parent now may not have looked yet.
                for _ in 0..500 {
                    if !runs() {
                        break;
                    }
                    std::thread::sleep(Duration::from_millis(10));
                }
                assert!(!runs(), "{pid} runs ({own_group})");
            }
        }
    }
}
