//! Words through the real shells. (`make test` installs those that are missing.)

use std::{
    io::Write as _,
    os::unix::ffi::OsStrExt,
    process::{self, Stdio},
};

use proptest::{prelude::*, test_runner::TestRunner};

use super::*;

/// Login shells, and the Debian package of each.
const SHELLS: [(&str, &str); 7] = [
    ("dash", "dash"),
    ("bash", "bash"),
    ("zsh", "zsh"),
    ("fish", "fish"),
    ("tcsh", "tcsh"),
    ("bsd-csh", "csh"),
    ("busybox", "busybox-static"),
];

fn mark() -> Mark {
    Mark("0123456789abcdef".to_owned())
}

/// What `shell` as a login shell makes of `line`, with `input` on stdin.
fn through(shell: &str, line: &LoginLine, input: &[u8]) -> process::Output {
    let home = tempfile::tempdir().unwrap();
    let mut command = process::Command::new(shell);
    if shell == "busybox" {
        command.arg("sh");
    }
    command.arg("-c").arg(std::ffi::OsStr::from_bytes(line.line.as_bytes()));
    command.env("HOME", home.path()).env("SHELL", shell).env("LC_ALL", "C.UTF-8");
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let package = SHELLS.iter().find(|(name, _)| *name == shell).map_or("", |(_, package)| package);
    let mut child = command.spawn().unwrap_or_else(|error| panic!("{shell} (package {package}): {error}"));
    let mut stdin = child.stdin.take().unwrap();
    let bytes = [line.input.as_bytes(), input].concat();
    let writing = std::thread::spawn(move || stdin.write_all(&bytes));
    let output = child.wait_with_output().unwrap();
    // A command that reads nothing may be gone before all is written.
    let _ = writing.join().unwrap();
    output
}

/// What was written after the mark.
fn own(shell: &str, output: &[u8]) -> Vec<u8> {
    let text = String::from_utf8_lossy(output).into_owned();
    let line = output.iter().position(|byte| *byte == b'\n').map(|at| &output[..=at]);
    let line =
        line.and_then(|line| std::str::from_utf8(line).ok()).unwrap_or_else(|| panic!("{shell}: {text}"));
    let rest = line.strip_prefix(&mark().as_written()).unwrap_or_else(|| panic!("{shell}: {text}"));
    let (pid, told) = rest.trim_end().split_once('-').unwrap_or_else(|| panic!("{shell}: {text}"));
    assert!(pid.parse::<u32>().is_ok() && told == shell, "{shell}: {text}");
    output[line.len()..].to_vec()
}

/// Whether `words` arrive as they are, as arguments of a program.
fn arrive(shell: &str, words: &[Vec<u8>]) {
    let command: Vec<&[u8]> =
        [&b"printf"[..], b"%s\\0"].into_iter().chain(words.iter().map(Vec::as_slice)).collect();
    let line = LoginLine::of(&command, &mark());
    let output = through(shell, &line, b"");
    let expected: Vec<u8> = words.iter().flat_map(|word| word.iter().copied().chain([0])).collect();
    let got = own(shell, &output.stdout);
    assert!(got == expected, "{shell}: {words:?} became {:?}", String::from_utf8_lossy(&got));
    assert!(own(shell, &output.stderr).is_empty() && output.status.success(), "{shell}: {output:?}");
}

#[test]
fn lines_are_exact() {
    let line = LoginLine::new(&Command::new(["ls", "-l", "a b\\"]).privileged(), Sudo::All, &mark()).unwrap();
    let (script, words) = line.line.rsplit_once("' sh ").unwrap();
    assert_eq!(script.strip_prefix("exec /bin/sh -c '"), Some(SCRIPT));
    assert_eq!(
        words,
        "0123456789abcdef 047sudo_047_040_047-n_047_040_047--_047_040_047ls_047_040_047-l_047_040_047a_040b_134_047"
    );
    assert_eq!(line.input, "");
}

#[test]
fn no_shell_has_a_use_for_what_it_sees() {
    assert!(!SCRIPT.contains(['\'', '!', '\n']), "{SCRIPT}");
    let after_backslashes = SCRIPT.split('\\').skip(1);
    assert!(after_backslashes.into_iter().all(|rest| rest.starts_with(|c: char| c.is_ascii_digit())));
    let every: Vec<u8> = (1..=255).collect();
    for word in encode(&every.repeat(20), WORD).split(' ') {
        assert!(word.bytes().all(|byte| stands_for_itself(byte) || byte == b'_'), "{word}");
        assert!(word.starts_with(|c: char| c.is_ascii_digit()) && word.len() < 1000, "{word}");
    }
    assert!(encode(&b"a".repeat(5000), WORD).split(' ').all(|word| word.len() < 1000));
}

#[test]
fn the_worst_words_survive_every_login_shell() {
    let mut words: Vec<Vec<u8>> = [
        "",
        " ",
        "a  b",
        "'",
        "''",
        "\"",
        "\\",
        "\\\\",
        "a\\\\b",
        "ends in \\",
        "\\'",
        "; touch /nowhere/x; \\",
        "\\n",
        "\\0101",
        "$HOME",
        "$(id)",
        "`id`",
        ";",
        "&&",
        "|",
        ">x",
        "#",
        "!",
        "!!",
        "!$",
        "^a^b",
        "a\nb",
        "\n",
        "\n\n",
        "\\\n",
        "\t",
        "\r",
        "-",
        "-n",
        "--",
        "-c",
        "~",
        "~root",
        "*",
        "?",
        "[a]",
        "{a,b}",
        "{}",
        "(a)",
        "<(id)",
        "%1",
        "%s",
        "%self",
        "=ls",
        "=",
        "a=b",
        "@",
        "if",
        "exec",
        "Ünïcödé",
        "日本",
        "\u{1}\u{7f}",
        "_",
        "a_b",
        "_047",
    ]
    .map(|word| word.as_bytes().to_vec())
    .to_vec();
    words.push((1..=255).collect());
    words.extend((0x80..=0x9f).map(|byte| vec![byte]));
    words.push(vec![0xff, 0xfe, b'\'', 0xc3]);
    for (shell, _) in SHELLS {
        arrive(shell, &words);
    }
}

/// `/bin/sh` is dash on Debian, bash on Fedora, BusyBox on Alpine.
#[test]
fn every_sh_takes_words_apart() {
    let words: Vec<u8> = (1..=255).collect();
    let line = LoginLine::of(&[&b"printf"[..], b"%s\\0%s", &words, b"it's\n"], &mark());
    for sh in ["dash", "bash", "bash --posix", "busybox sh", "zsh --emulate sh"] {
        let LoginLine { line, input } = line.clone();
        let line = LoginLine { line: line.replacen("/bin/sh", sh, 1), input };
        let got = own("dash", &through("dash", &line, b"").stdout);
        assert!(got == [&words[..], b"\0it's\n"].concat(), "{sh}: {:?}", String::from_utf8_lossy(&got));
    }
}

#[test]
fn any_words_survive_every_login_shell() {
    let byte = prop_oneof![1_u8..=255, proptest::sample::select(b"'\"\\$;&|\n *?~#!`(){}<>=_^%-".to_vec())];
    let words = proptest::collection::vec(proptest::collection::vec(byte, 0..12), 1..60);
    for (shell, _) in SHELLS {
        let config = ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(12) };
        let run = TestRunner::new(config).run(&words, |words| {
            arrive(shell, &words);
            Ok(())
        });
        run.unwrap_or_else(|error| panic!("{shell}: {error}"));
    }
}

#[test]
fn a_command_longer_than_a_line_comes_by_stdin_before_its_input() {
    let words: Vec<Vec<u8>> =
        (0..3000).map(|n| format!("word {n} {}", "'".repeat(30)).into_bytes()).collect();
    let script = &b"cat; printf '%s\\0' \"$@\""[..];
    let command: Vec<&[u8]> =
        [&b"sh"[..], b"-c", script, b"sh"].into_iter().chain(words.iter().map(Vec::as_slice)).collect();
    let line = LoginLine::of(&command, &mark());
    assert!(line.line.len() < 1000 && line.input.len() > LONGEST_LINE, "{}", line.input.len());
    let mut expected = b"and \\ this is its input\n".to_vec();
    expected.extend(words.iter().flat_map(|word| word.iter().copied().chain([0])));
    for shell in ["dash", "fish", "tcsh"] {
        let output = through(shell, &line, b"and \\ this is its input\n");
        assert!(
            own(shell, &output.stdout) == expected,
            "{shell}: {}",
            String::from_utf8_lossy(&output.stderr)
        );
    }
}

#[test]
fn nearly_a_whole_line_passes_through_every_login_shell() {
    let words: Vec<Vec<u8>> = (0..60).map(|n| [b"x".repeat(200 + n), b" ' ".repeat(60)].concat()).collect();
    for (shell, _) in SHELLS {
        arrive(shell, &words);
    }
}

#[test]
fn a_status_and_a_missing_program_are_told_as_by_a_shell() {
    for (shell, _) in SHELLS {
        let line = LoginLine::of(&["sh", "-c", "exit 77"], &mark());
        assert_eq!(through(shell, &line, b"").status.code(), Some(77), "{shell}");
        let missing = through(shell, &LoginLine::of(&["windlass-has-no-such-program"], &mark()), b"");
        assert_eq!(missing.status.code(), Some(127), "{shell}");
        assert!(!own(shell, &missing.stderr).is_empty(), "{shell}");
    }
}

#[test]
fn nothing_runs_where_the_login_has_joined_the_streams() {
    let home = tempfile::tempdir().unwrap();
    let made = home.path().join("made");
    let command = Command::new(["touch", made.to_str().unwrap()]);
    let line = LoginLine::new(&command, Sudo::Nothing, &mark()).unwrap().line;
    for (login, _) in [("bash", "bash"), ("dash", "dash"), ("zsh", "zsh")] {
        let joined = format!("exec 2>&1; {line}");
        let output = process::Command::new(login).args(["-c", &joined]).env("SHELL", login).output().unwrap();
        let told = format!("{}0-{login}\n", mark().as_written());
        assert_eq!(String::from_utf8(output.stdout).unwrap(), told.repeat(2), "{login}");
        assert!(!output.status.success() && output.stderr.is_empty() && !made.exists(), "{login}");
        let output = process::Command::new(login).args(["-c", &line]).env("SHELL", login).output().unwrap();
        assert!(output.status.success() && made.exists(), "{login}");
        std::fs::remove_file(&made).unwrap();
    }
}
