//! Telling that sudo refused from what the command did.

use crate::{Command, Error, Executor};

use super::{STDERR_LINES, last_lines};

/// What older ones say after their reason.
const REPORTED: &str = "This incident will be reported.";

/// [`Error::Sudo`] when `command` was to run under sudo, and that ended in its place.
///
/// sudo ends with status 1 and its reason as the last line on stderr, in its own name or of its
/// policy (sudo 1.9 and sudo-rs); where there is none, `sh` says so.
pub(super) fn check(exec: &dyn Executor, command: &Command, status: u32, stderr: &[u8]) -> Result<(), Error> {
    if status == 0 || !command.is_under_sudo(exec.sudo()) {
        return Ok(());
    }
    let text = String::from_utf8_lossy(stderr);
    let refused = match status {
        1 => is_refusal(&last_lines(&text.replace(REPORTED, ""), 1)),
        // What root may not start, sudo keeps it from (`NOEXEC`).
        126 if last_lines(&text, 1).ends_with("Permission denied") => true,
        126 | 127 => is_missing(&last_lines(&text, 1)),
        _ => false,
    };
    if !refused {
        return Ok(());
    }
    Err(Error::Sudo {
        host: exec.name().to_owned(),
        program: command
            .by_sudo()
            .or(command.words().first().map(String::as_str))
            .unwrap_or_default()
            .to_owned(),
        sudo: exec.sudo(),
        said: last_lines(&text, STDERR_LINES),
    })
}

/// Whether `sh` or `env` (of GNU, of BusyBox, of Rust) say that there is no sudo.
fn is_missing(line: &str) -> bool {
    line.contains("exec: sudo: ")
        || (line.starts_with("env: ") && ["'sudo'", "‘sudo’"].iter().any(|sudo| line.contains(sudo)))
}

fn is_refusal(line: &str) -> bool {
    let line = line.trim();
    ["sudo: ", "sudo-rs: ", "Sorry, user "].iter().any(|begin| line.starts_with(begin))
        || ["is not in the sudoers file", "may not run sudo on", "is not allowed to run sudo on"]
            .iter()
            .any(|words| line.contains(words))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Fake, Input, connection::Sudo, fake::Reply, run};

    async fn under_sudo(status: u32, stderr: &str) -> Result<u32, Error> {
        let fake = Fake::new("deploy@web:22").with_sudo(Sudo::All);
        fake.always(["env", "docker"], Reply::failure(status, stderr));
        let command = Command::new(["env", "docker"]).privileged();
        run(&fake, &command, Input::Nothing).await.map(|output| output.status)
    }

    #[tokio::test]
    async fn a_refusal_of_sudo_is_told_in_its_words_with_the_program() {
        for said in [
            "sudo: a password is required",
            "sudo: sorry, you must have a tty to run sudo",
            "sudo-rs: interactive authentication is required",
            "sudo-rs: I'm sorry deploy. I'm afraid I can't do that",
            "Sorry, user deploy is not allowed to execute '/usr/bin/env docker' as root on web.",
            "deploy is not in the sudoers file.\nThis incident will be reported.",
            "sudo: unable to resolve host web\nsudo: a password is required\n",
        ] {
            let refused = under_sudo(1, said).await;
            let Err(Error::Sudo { host, program, said: told, .. }) = refused else {
                panic!("{said}: {refused:?}")
            };
            assert_eq!(
                (host.as_str(), program.as_str(), told.as_str()),
                ("deploy@web:22", "env", said.trim())
            );
        }
        let kept_from = under_sudo(126, "env: 'docker': Permission denied\n").await;
        assert!(matches!(kept_from, Err(Error::Sudo { .. })), "{kept_from:?}");
        let missing = under_sudo(127, "sh: 1: exec: sudo: not found\n").await;
        assert!(matches!(missing, Err(Error::Sudo { .. })), "{missing:?}");
    }

    #[tokio::test]
    async fn what_the_command_says_itself_is_no_refusal() {
        for (status, said) in [
            (1, ""),
            (1, "env: 'docker': No such file or directory"),
            (1, "sudo: unable to resolve host web\nError response from daemon: no"),
            (2, "sudo: a password is required"),
            (127, "env: 'docker': No such file or directory"),
        ] {
            assert_eq!(under_sudo(status, said).await.unwrap(), status, "{said}");
        }
        let fake = Fake::new("web");
        fake.always(["env"], Reply::failure(1, "sudo: a password is required"));
        let command = Command::new(["env"]).privileged();
        assert_eq!(run(&fake, &command, Input::Nothing).await.unwrap().status, 1, "there is no sudo");
    }

    #[tokio::test]
    async fn a_refusal_of_docker_alone_names_docker() {
        let words = ["env", "-i", "A=1", "sudo", "-n", "--", "docker", "-H", "unix:///s", "ps"];
        for (status, said) in [
            (1, "sudo: a password is required"),
            (1, "sudo: docker: command not found"),
            (127, "env: 'sudo': No such file or directory"),
            (127, "env: can't execute 'sudo': No such file or directory"),
        ] {
            let fake = Fake::new("deploy@web:22").with_sudo(Sudo::Docker);
            fake.always(words, Reply::failure(status, said));
            let refused = run(&fake, &Command::new(words).privileged(), Input::Nothing).await;
            let Err(Error::Sudo { program, sudo, .. }) = refused else { panic!("{said}: {refused:?}") };
            assert_eq!((program.as_str(), sudo), ("docker", Sudo::Docker));
        }
        let fake = Fake::new("deploy@web:22").with_sudo(Sudo::Docker);
        fake.always(["cat"], Reply::failure(1, "sudo: a password is required"));
        let plain = run(&fake, &Command::new(["cat"]).privileged(), Input::Nothing).await;
        assert_eq!(plain.unwrap().status, 1, "it did not run under sudo");
    }
}
