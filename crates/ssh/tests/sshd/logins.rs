//! Logins by every shell, logins that write by themselves, and logins that run no command.

use std::fs;

use remote::{Command, Error, Executor, Input, run};
use tokio::io::{AsyncReadExt, AsyncWriteExt};

use crate::server::Sshd;

/// A login shell, its start-up file, and what makes it write there: at its beginning on both
/// streams, and at its end.
struct Shell {
    program: &'static str,
    file: &'static str,
    text: &'static str,
}

const SHELLS: [Shell; 5] = [
    Shell {
        program: "bash",
        file: ".bashrc",
        text: "echo 'Welcome to web: disk=42%'; echo warning >&2; trap 'echo bye' EXIT\n",
    },
    Shell {
        program: "zsh",
        file: ".zshenv",
        text: "echo 'Welcome to web: disk=42%'; echo warning >&2; zshexit() { echo bye }\n",
    },
    Shell {
        program: "fish",
        file: ".config/fish/config.fish",
        text: "echo 'Welcome to web: disk=42%'; echo warning >&2\n\
               function bye --on-event fish_exit; echo bye; end\n",
    },
    Shell {
        program: "tcsh",
        file: ".cshrc",
        text: "echo 'Welcome to web: disk=42%'; sh -c 'echo warning >&2'; alias exit 'echo bye'\n",
    },
    Shell {
        program: "bsd-csh",
        file: ".cshrc",
        text: "echo 'Welcome to web: disk=42%'; printf %s no-newline\n",
    },
];

/// An sshd that runs every command by `program`, as the login shell of a user would.
fn with_shell(program: &str) -> Sshd {
    let script = "SHELL=$1; export SHELL; unset SHLVL; exec \"$1\" -c \"$SSH_ORIGINAL_COMMAND\"\n";
    let mut sshd = Sshd::prepare(&[]);
    fs::write(sshd.path("login"), script).unwrap();
    let path = format!("/usr/bin/{program}");
    sshd.configure(
        &[&format!("ForceCommand exec /bin/sh {} {path}", sshd.path("login").display())],
        &["host"],
    );
    sshd.run();
    sshd
}

fn write(sshd: &Sshd, file: &str, text: &str) {
    let path = sshd.path(file);
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    fs::write(path, text).unwrap();
}

async fn stdout(exec: &dyn Executor, words: &[&str]) -> String {
    let output = run(exec, &Command::new(words.iter().copied()), Input::Nothing).await.unwrap();
    assert_eq!((output.status, output.stderr_text().as_str()), (0, ""), "{words:?}");
    output.stdout_text()
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_login_prints_is_not_output_of_a_command() {
    for Shell { program, file, text } in SHELLS {
        let sshd = with_shell(program);
        let exec = sshd.executor();
        assert_eq!(stdout(&*exec, &["echo", "exactly this"]).await, "exactly this\n", "{program}");
        assert_eq!(exec.noise(), None, "{program}");

        write(&sshd, file, text);
        assert_eq!(stdout(&*exec, &["echo", "exactly this"]).await, "exactly this\n", "{program}");
        let noise = exec.noise().unwrap_or_else(|| panic!("{program} printed nothing"));
        assert!(noise.said.contains("Welcome to web: disk=42%") || noise.said == "warning\n", "{noise:?}");
        assert_eq!(noise.shell, format!("/usr/bin/{program}"));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn streams_of_a_login_that_prints_carry_nothing_else() {
    for Shell { program, file, text } in SHELLS {
        let sshd = with_shell(program);
        write(&sshd, file, text);
        let exec = sshd.executor();
        let sent: Vec<u8> = (0..300_000_u32).map(|n| (n.wrapping_mul(2_654_435_761) >> 24) as u8).collect();
        for command in [Command::new(["cat"]), Command::new(["cat"]).bulk()] {
            let mut process = exec.start(&command).await.unwrap();
            let (mut stdin, mut received, mut stderr) = (process.stdin, Vec::new(), String::new());
            let writing = async {
                stdin.write_all(&sent).await.unwrap();
                stdin.shutdown().await.unwrap();
            };
            let reading = process.stdout.read_to_end(&mut received);
            let ((), read, errors) =
                tokio::join!(writing, reading, process.stderr.read_to_string(&mut stderr));
            read.and(errors).unwrap();
            assert!(received == sent && stderr.is_empty(), "{program}: {} bytes, {stderr}", received.len());
            assert_eq!(process.control.wait().await.unwrap(), 0, "{program}");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn words_arrive_as_they_are_by_every_login_shell() {
    let words =
        ["a\\\\b", "ends in \\", "; touch /windlass; \\", "!!", "it's", "a\nb\n", "$HOME", "~", "é", ""];
    let long = vec!["x'".repeat(1000); 100];
    for Shell { program, .. } in SHELLS {
        let sshd = with_shell(program);
        let exec = sshd.executor();
        let command = Command::new(["sh", "-c", "cat; printf '%s|' \"$@\"", "sh"]).args(words);
        let output = run(&*exec, &command, Input::bytes("input\n")).await.unwrap();
        assert_eq!(output.stdout_text(), format!("input\n{}|", words.join("|")), "{program}");

        let command = command.args(long.iter().cloned());
        let output = run(&*exec, &command, Input::bytes("input\n")).await.unwrap();
        assert_eq!(
            output.stdout_text(),
            format!("input\n{}|{}|", words.join("|"), long.join("|")),
            "{program}: {}",
            output.stderr_text()
        );
        let missing = run(&*exec, &Command::new(["windlass-none"]), Input::Nothing).await.unwrap();
        assert_eq!(missing.status, 127, "{program}");
    }
}

/// A trace of the shell's own shows the line itself, with the mark in it.
#[tokio::test(flavor = "multi_thread")]
async fn a_login_that_traces_or_talks_a_lot_is_heard_out() {
    for text in ["set -x\n", "set -v\n", "head -c 3000000 /dev/zero | tr '\\0' x\n", "printf no-newline\n"] {
        let sshd = with_shell("bash");
        write(&sshd, ".bashrc", text);
        assert_eq!(stdout(&*sshd.executor(), &["echo", "exactly this"]).await, "exactly this\n", "{text}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_login_says_in_place_of_a_command_is_told() {
    let notice = "Please login as the user \"admin\" rather than the user \"root\".";
    let forced = |command: &str| format!("ForceCommand {command}");
    for (option, expected, said) in [
        (forced(&format!("echo '{notice}'; echo; exit 142")), Some(142), notice),
        (forced(&format!("echo '{notice}' >&2; exit 0")), Some(0), notice),
        (forced("/usr/sbin/nologin"), Some(1), "This account is currently not available."),
        (forced("internal-sftp"), Some(1), "This service allows sftp connections only."),
        (forced("printf 'no newline'"), Some(0), "no newline"),
        (forced("exit 3"), Some(3), ""),
    ] {
        let sshd = Sshd::start(&[&option]);
        for command in [Command::new(["true"]), Command::new(["true"]).bulk()] {
            let error =
                run(&*sshd.executor(), &command, Input::bytes("x".repeat(100_000))).await.unwrap_err();
            let Error::NoShell { status, said: told, .. } = error else { panic!("{option}: {error:?}") };
            assert_eq!((status, told.as_str()), (expected, said), "{option}");
        }
    }
}
