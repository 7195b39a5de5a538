//! Failures between us and a host.

use framework::{Diagnostic, error_chain};
use remote::{
    Error,
    collect::last_lines,
    connection::{HostKey, Sudo},
};

use super::{StartUp, sentence, start_up_file};

/// The most lines of a machine's words that are quoted.
const LINES: usize = 20;

/// What to do about a host that lacks something.
const UNFIT: &str = "Install what is missing on the host: on Alpine `apk add coreutils findutils flock tar` (BusyBox has \
                     all of it where it is built as Alpine builds it), on Debian `apt-get install coreutils findutils \
                     tar util-linux`, on a NAS the packages of these names from Entware. A machine id is made by \
                     `systemd-machine-id-setup`, or by `tr -d - </proc/sys/kernel/random/uuid >/etc/machine-id`.";

/// The diagnostic of a failed operation on a host.
///
/// `title` names the operation and the thing; `world` says what the world looks like now, such as
/// "Nothing was changed."
pub(crate) fn host_error(title: impl Into<String>, error: &Error, world: &str) -> Diagnostic {
    let (happened, next) = story(error);
    Diagnostic::error(title).detail(happened).detail(world).detail(next)
}

/// What happened, and what to do next.
fn story(error: &Error) -> (String, String) {
    match error {
        Error::Unreachable { host, source } => (
            format!("The host {host} did not answer: {}.", error_chain(source.as_ref())),
            "Check the address, the port and the firewall, and that the host is up. A host that boots late can be \
             given more time with `timeouts` of its windlass_host; for one that is gone for good there is the \
             provider's `on_unreachable`."
                .to_owned(),
        ),
        Error::HostKeyMismatch { host, expected, offered } => (
            format!(
                "The host key of {host} has changed. Nothing was sent to it, no authentication was tried.\n\
                 Expected: {}\nOffered:  {offered}",
                expected.join("\n          ")
            ),
            format!(
                "Either the server was reinstalled or replaced, or somebody stands in between. Compare the offered \
                 fingerprint with what the server's console prints for `ssh-keygen -lf \
                 /etc/ssh/ssh_host_ed25519_key.pub`. If it is the same, accept it: set in the windlass_host\n\
                 host_key = \"{}\"\n(a connection that is written by hand takes it as `?host_key=…`, a key from \
                 known_hosts is corrected there) and apply again.",
                key_for_configuration(offered),
            ),
        ),
        Error::HostKeyUnknown { host, offered, known_hosts_line } => (
            format!("The host key of {host} is not known, so nothing was sent to it. It offered {offered}."),
            format!(
                "Compare the fingerprint with what the server's console prints for `ssh-keygen -lf \
                 /etc/ssh/ssh_host_ed25519_key.pub`. If it is the same, set `host_key` of the windlass_host, or add \
                 this line to known_hosts:\n{known_hosts_line}\nA windlass_host can also pin the key it sees on \
                 create with `trust_on_first_use = true`."
            ),
        ),
        Error::Authentication { host, user, tried } => (
            format!("The host {host} is there and its host key is right, but it refused user {user}. {}", attempts(tried)),
            format!(
                "Add the public key to ~{user}/.ssh/authorized_keys on the host, or choose another `user` or key in \
                 the provider's `ssh` block (environment: WINDLASS_SSH_USER, WINDLASS_SSH_PRIVATE_KEY_FILE)."
            ),
        ),
        Error::TailnetPolicy { host, user, said, confirm_at } => {
            tailnet_policy(host, user, said, confirm_at.as_deref())
        }
        Error::NoShell { host, status, said } => (no_shell(host, *status, said), login_hint(host, said)),
        Error::JoinedStreams { host, shell } => joined_streams(host, shell),
        Error::Configuration { what } => {
            (sentence(what), "Correct the provider's `ssh` block or the WINDLASS_SSH_* environment.".to_owned())
        }
        Error::Dial { .. } | Error::Start { .. } | Error::Io { .. } => {
            (sentence(&error_chain(error)), "Check the host, then run the same command again.".to_owned())
        }
        Error::NoStatus { program, host } => (
            format!("The connection to {host} was lost while {program:?} ran, so how it ended is not known."),
            AGAIN.to_owned(),
        ),
        Error::Timeout { program, host, limit } => (
            format!("{program:?} on {host} was ended because it took longer than {} s.", limit.as_secs()),
            "If the host is only slow, give the operation more time in the resource's `timeouts`.".to_owned(),
        ),
        Error::Sudo { host, program, sudo, said } => {
            (format!("On {host}, sudo did not run {program:?}:\n{said}"), sudo_hint(host, program, *sudo, said))
        }
        Error::Unfit { .. } => (sentence(&error_chain(error)), UNFIT.to_owned()),
        Error::Failed { program, host, status, stderr } => {
            (failed(program, host, *status, stderr), hint_for(program, stderr))
        }
        Error::TooMuchOutput { .. } => {
            (sentence(&error_chain(error)), "Look on the host why it says that much, then apply again.".to_owned())
        }
        Error::Cancelled => (
            "The operation was cancelled.".to_owned(),
            "Run the same command again to continue: it looks at what is there before it changes anything.".to_owned(),
        ),
    }
}

/// `<type> SHA256:<base64>` as `host_key` and connections spell it.
fn key_for_configuration(offered: &str) -> String {
    let words: Vec<_> = offered.split_whitespace().take(2).collect();
    words.join(":").parse::<HostKey>().map_or_else(|_| offered.to_owned(), |key| key.to_string())
}

fn attempts(tried: &[String]) -> String {
    if tried.is_empty() {
        return "There was no key to try: none is configured and there is no agent.".to_owned();
    }
    format!("Tried: {}.", tried.join(", "))
}

/// Tailscale SSH that lets nobody in, or not yet.
fn tailnet_policy(host: &str, user: &str, said: &str, confirm_at: Option<&str>) -> (String, String) {
    match confirm_at {
        Some(address) => (
            format!(
                "The tailnet's policy has user {user} log in to {host} by Tailscale SSH only once somebody has \
                 confirmed it in a browser (a rule in `ssh` with the action `check`). Windlass does not wait for that: \
                 nobody would see the address."
            ),
            format!(
                "Confirm it at\n{address}\nand run the same command again: that counts for the rule's `checkPeriod` \
                 (12 hours where it says nothing). Where nobody is there to do so, as in CI, the policy needs a rule \
                 with the action `accept` for this machine's tag."
            ),
        ),
        None => (
            format!(
                "The host {host} is there and its host key is right, but Tailscale SSH there does not let user {user} \
                 in. It said: {}",
                sentence(said)
            ),
            format!(
                "It looks at no key: the tailnet's policy decides. It needs a rule in `ssh` with the action `accept`, \
                 this machine (in CI its tag) in `src`, the host's tag in `dst` and {user:?} in `users`, and the user \
                 must exist on the host. `windlass_tailnet_policy` checks that such a rule stays, by its block \
                 `deployer`. For the host's own sshd, reach it by an address outside of the tailnet, or switch \
                 Tailscale SSH off there."
            ),
        ),
    }
}

fn failed(program: &str, host: &str, status: u32, stderr: &str) -> String {
    let stderr = stderr.trim();
    if stderr.is_empty() {
        return format!("{program:?} on {host} ended with status {status} and said nothing.");
    }
    format!("{program:?} on {host} ended with status {status}:\n{stderr}")
}

/// A login that joins the streams of commands.
fn joined_streams(host: &str, shell: &str) -> (String, String) {
    let StartUp { file, only } = start_up_file(shell);
    let shell = if shell.is_empty() { String::new() } else { format!(" ({shell})") };
    (
        format!(
            "The login {host} joins what commands write to stdout and to stderr, so that their output cannot be told \
             from their errors. The command was not run."
        ),
        format!(
            "A start-up file of the login shell{shell}, such as {file}, does that by a line like `exec 2>&1`: let it \
             do so only {only}."
        ),
    )
}

/// What a login did in place of running a command.
fn no_shell(host: &str, status: Option<u32>, said: &str) -> String {
    let did = match status {
        Some(status) => format!("ended with status {status}"),
        None => "did not come to it in a minute".to_owned(),
    };
    match said.trim() {
        "" => format!("The login {host} was accepted, but it ran no command: it {did} and said nothing."),
        said => {
            let said = last_lines(said, LINES);
            format!("The login {host} was accepted, but it ran no command: it {did} and said:\n{said}")
        }
    }
}

/// The next step after a login that runs no commands, as far as its own words tell.
fn login_hint(host: &str, said: &str) -> String {
    let user = user_of(host);
    let said = said.to_lowercase();
    let says = |words: &[&str]| words.iter().any(|word| said.contains(word));
    let other = "`user` of the windlass_host or of the provider's `ssh` block, or in the connection \
                 (environment: WINDLASS_SSH_USER)";
    if says(&["login as", "log in as"]) {
        format!("The machine wants another user than {user}: set the one that it names as {other}.")
    } else if says(&["expired", "password change"]) {
        format!(
            "The password of {user}, or the account, has expired. Renew it on the machine (`passwd {user}`, \
             `chage --list {user}`), or set another user as {other}."
        )
    } else if says(&["sftp"]) {
        format!(
            "The user {user} may only transfer files there (`ForceCommand` in sshd_config, or a command in \
             its authorized_keys). Take that away, or set another user as {other}."
        )
    } else if says(&["not available", "nologin", "restricted"]) {
        format!(
            "The user {user} has no shell that runs commands. Give it one on the machine (`usermod --shell \
             /bin/bash {user}`), or set another user as {other}."
        )
    } else {
        format!(
            "The shell of {user}, a command in its ~/.ssh/authorized_keys or `ForceCommand` in sshd_config does \
             something else than running commands; `ssh {user}@… true` shows it. Mend that on the machine, or set \
             another user as {other}."
        )
    }
}

/// The client of Docker where distributions have it.
const DOCKER: &str = "/usr/bin/docker";

/// What sudo needs to run our commands, as far as its own words tell.
fn sudo_hint(host: &str, program: &str, sudo: Sudo, said: &str) -> String {
    let user = user_of(host);
    let (exec, all) = match sudo {
        Sudo::Docker => ("EXEC: /usr/bin/docker", DOCKER),
        Sudo::Nothing | Sudo::All => ("EXEC: ALL", "ALL"),
    };
    if said.contains("tty") {
        return format!(
            "The sudo there wants a terminal (`requiretty`), which no command over SSH has. Switch that off for this \
             user with a line in sudoers (`visudo -f /etc/sudoers.d/windlass`):\n`Defaults:{user} !requiretty`"
        );
    }
    if said.ends_with("Permission denied") {
        return format!(
            "sudo runs {program:?} there but keeps it from starting other programs (`NOEXEC` in sudoers), or the program \
             that is named may not be run by anybody. Allow it with a line in sudoers (`visudo -f \
             /etc/sudoers.d/windlass`):\n{user} ALL=(root) NOPASSWD: {exec}"
        );
    }
    if ["sudo: not found", "'sudo'", "‘sudo’"].iter().any(|word| said.contains(word)) {
        return "Install sudo on the host, or log in as root, or as a user of the group docker with `sudo = false`."
            .to_owned();
    }
    let line = format!(
        "Allow it with a line in sudoers (`visudo -f /etc/sudoers.d/windlass`):\n{user} ALL=(root) NOPASSWD: {all}\n"
    );
    if sudo != Sudo::Docker {
        return format!(
            "{line}A rule for some programs, such as docker alone, is not enough with `sudo = true`: {program:?} and \
             others run under sudo as well. Where Docker is all that the user shall be allowed, set `sudo = \"docker\"`, \
             for which the line `{user} ALL=(root) NOPASSWD: {DOCKER}` is enough; files go where the user may write then."
        );
    }
    if said.contains("command not found") {
        return format!(
            "The sudo there looks for docker in the directories of its `secure_path` alone, and finds none. Install Docker \
             Engine and the Compose plugin, or put a link to the client where sudo looks (`ln -s \"$(command -v docker)\" \
             {DOCKER}`)."
        );
    }
    format!(
        "{line}Where `command -v docker` prints another path on the host, that one belongs into the line. The rule must \
         leave its arguments open: a path alone, nothing behind it."
    )
}

/// The user in a host's name, `deploy@web:22`.
fn user_of(host: &str) -> &str {
    host.rsplit_once('@').map_or("the user", |(user, _)| user)
}

/// What to do when the host stopped answering.
pub(super) const AGAIN: &str =
    "Run the same command again once the host answers: it looks at what is there before it changes anything.";

/// The next step after a command failed, as far as its own words tell.
fn hint_for(program: &str, stderr: &str) -> String {
    let says = |text: &str| stderr.contains(text);
    let hint = if says("No space left on device") || says("Disk quota exceeded") {
        "The host's disk is full. Free some space (`docker system df` shows what Docker holds), then apply again."
    } else if says("Permission denied") || says("Operation not permitted") {
        "The SSH user may not do this. Use another user, or give it sudo without a password and set `sudo = true` on \
         the windlass_host."
    } else if program == "sudo" {
        "The SSH user needs sudo without a password (NOPASSWD) for this command."
    } else if says("not found") || says("No such file or directory") {
        "A program or a file is missing on the host."
    } else {
        "Correct what the message names, then apply again."
    };
    hint.to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn detail(error: &Error) -> String {
        host_error("Could not read host \"web\"", error, "Nothing was changed.").detail
    }

    #[test]
    fn every_story_has_what_happened_the_world_and_a_next_step() {
        let host = || "root@web:22".to_owned();
        let source = || std::io::Error::other("connection refused");
        let errors = [
            Error::Unreachable { host: host(), source: source().into() },
            Error::HostKeyMismatch {
                host: host(),
                expected: vec!["ed25519 SHA256:aaa".into()],
                offered: "b".into(),
            },
            Error::HostKeyUnknown {
                host: host(),
                offered: "b".into(),
                known_hosts_line: "web ssh-ed25519 A".into(),
            },
            Error::Authentication { host: host(), user: "root".into(), tried: vec![] },
            Error::TailnetPolicy {
                host: host(),
                user: "root".into(),
                said: "tailscale: no".into(),
                confirm_at: None,
            },
            Error::NoShell { host: host(), status: Some(142), said: "no".into() },
            Error::NoShell { host: host(), status: None, said: String::new() },
            Error::JoinedStreams { host: host(), shell: "/bin/bash".into() },
            Error::Configuration { what: "there is no key file".into() },
            Error::Sudo { host: host(), program: "env".into(), sudo: Sudo::All, said: "sudo: no".into() },
            Error::Unfit { host: host(), what: "lacks what every Linux server has: stat".into() },
            Error::Start { program: "docker".into(), host: host(), source: source().into() },
            Error::Dial { target: "/var/run/docker.sock".into(), host: host(), source: source().into() },
            Error::NoStatus { program: "docker".into(), host: host() },
            Error::Timeout {
                program: "docker".into(),
                host: host(),
                limit: std::time::Duration::from_secs(60),
            },
            Error::Failed { program: "tar".into(), host: host(), status: 2, stderr: String::new() },
            Error::Io { operation: "read".into(), host: host(), source: source() },
            Error::Cancelled,
        ];
        for error in errors {
            let text = detail(&error);
            let paragraphs: Vec<_> = text.split("\n\n").collect();
            assert_eq!(paragraphs.len(), 3, "{text}");
            assert_eq!(paragraphs[1], "Nothing was changed.");
            for paragraph in paragraphs {
                let first = paragraph.chars().next().unwrap();
                let copied = paragraph.split(' ').next().unwrap().contains('@');
                assert!(first.is_uppercase() || !first.is_alphabetic() || copied, "{text}");
            }
        }
    }

    #[test]
    fn a_changed_host_key_shows_both_fingerprints_and_the_step_to_accept_it() {
        let offered = format!("ssh-ed25519 SHA256:{}+/A", "n".repeat(40));
        let error = Error::HostKeyMismatch {
            host: "root@web:22".into(),
            expected: vec!["ssh-ed25519 SHA256:old".into()],
            offered: offered.clone(),
        };
        let text = detail(&error);
        let step = format!("host_key = \"ssh-ed25519:SHA256:{}-_A\"", "n".repeat(40));
        for part in ["SHA256:old", &offered, &step, "no authentication was tried"] {
            assert!(text.contains(part), "{part} is missing in {text}");
        }
    }

    #[test]
    fn a_login_that_runs_no_command_is_quoted_and_has_a_next_step() {
        let told = |status: Option<u32>, said: &str| {
            detail(&Error::NoShell { host: "root@web:22".into(), status, said: said.into() })
        };
        let notice = "Please login as the user \"admin\" rather than the user \"root\".";
        assert_eq!(
            told(Some(142), notice),
            format!(
                "The login root@web:22 was accepted, but it ran no command: it ended with status 142 and said:\n\
                 {notice}\n\nNothing was changed.\n\nThe machine wants another user than root: set the one that it \
                 names as `user` of the windlass_host or of the provider's `ssh` block, or in the connection \
                 (environment: WINDLASS_SSH_USER)."
            )
        );
        for (status, said, next) in [
            (Some(1), "This account is currently not available.", "usermod --shell /bin/bash root"),
            (Some(1), "This service allows sftp connections only.", "may only transfer files"),
            (Some(1), "WARNING: Your password has expired.\nPassword change required", "`passwd root`"),
            (Some(1), "bash: line 1: exec: restricted", "has no shell that runs commands"),
            (Some(0), "", "and said nothing."),
            (None, "Enter your token:", "in a minute and said:\nEnter your token:"),
        ] {
            let text = told(status, said);
            assert!(text.contains(next) && text.contains("another user"), "{next:?} is missing in {text}");
        }
    }

    #[test]
    fn what_the_policy_of_a_tailnet_says_is_told_with_the_rule_or_the_address_that_helps() {
        let told = |said: &str, confirm_at: Option<&str>| {
            let (host, user) = ("deploy@web:22".to_owned(), "deploy".to_owned());
            let confirm_at = confirm_at.map(str::to_owned);
            detail(&Error::TailnetPolicy { host, user, said: said.to_owned(), confirm_at })
        };
        let refused = told("tailscale: tailnet policy does not permit you to SSH as user \"deploy\"", None);
        for part in [
            "Tailscale SSH there does not let user deploy in. It said: Tailscale: tailnet policy does not permit you",
            "looks at no key: the tailnet's policy decides",
            "\"deploy\" in `users`",
        ] {
            assert!(refused.contains(part), "{part} is missing in {refused}");
        }
        let asked = told("visit: https://login.example/a", Some("https://login.example/a"));
        for part in
            ["confirmed it in a browser", "Confirm it at\nhttps://login.example/a\n", "the action `accept`"]
        {
            assert!(asked.contains(part), "{part} is missing in {asked}");
        }
    }

    #[test]
    fn sudo_is_quoted_and_the_line_that_is_missing_told() {
        let told = |said: &str| {
            let (host, program) = ("admin@web:22".to_owned(), "env".to_owned());
            detail(&Error::Sudo { host, program, sudo: Sudo::All, said: said.to_owned() })
        };
        let tty = told("sudo: sorry, you must have a tty to run sudo");
        assert!(tty.contains("`Defaults:admin !requiretty`") && !tty.contains("NOPASSWD"), "{tty}");
        let refused = told("sudo: a password is required");
        for part in [
            "On admin@web:22, sudo did not run \"env\":\nsudo: a password is required",
            "\nadmin ALL=(root) NOPASSWD: ALL\n",
            "set `sudo = \"docker\"`",
            "`admin ALL=(root) NOPASSWD: /usr/bin/docker`",
        ] {
            assert!(refused.contains(part), "{part} is missing in {refused}");
        }
        let kept_from = told("env: 'docker': Permission denied");
        assert!(
            kept_from.contains("`NOEXEC`") && kept_from.contains("\nadmin ALL=(root) NOPASSWD: EXEC: ALL")
        );
        assert!(told("sh: 1: exec: sudo: not found").contains("Install sudo"));
    }

    #[test]
    fn where_sudo_runs_docker_alone_its_line_is_told() {
        let told = |said: &str| {
            let (host, program) = ("admin@web:22".to_owned(), "docker".to_owned());
            detail(&Error::Sudo { host, program, sudo: Sudo::Docker, said: said.to_owned() })
        };
        let refused = told("sudo: a password is required");
        assert!(refused.contains("\nadmin ALL=(root) NOPASSWD: /usr/bin/docker\n"), "{refused}");
        assert!(!refused.contains("NOPASSWD: ALL") && refused.contains("arguments open"), "{refused}");
        assert!(told("sudo: docker: command not found").contains("`secure_path`"));
        assert!(told("env: 'sudo': No such file or directory").contains("Install sudo"));
        assert!(told("sudo: sorry, you must have a tty to run sudo").contains("!requiretty"));
    }

    #[test]
    fn a_full_disk_is_named() {
        let stderr = "tar: x: Wrote only 4096 of 10240 bytes\ntar: x: No space left on device".to_owned();
        let text = detail(&Error::Failed { program: "tar".into(), host: "web".into(), status: 2, stderr });
        assert!(text.contains("disk is full"), "{text}");
    }
}
