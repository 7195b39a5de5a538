//! The one place where words become a line for a POSIX shell.
//!
//! sshd hands the line of an `exec` request to the user's login shell, so every word that goes to
//! a host passes through here. Inside single quotes a POSIX shell changes nothing at all (POSIX
//! shell language §2.2.2), which is why nothing cleverer is done. A login shell that is no POSIX
//! shell (csh, fish) agrees on single quotes except for newlines and backslashes in words.

use crate::Command;

/// A word that no shell and no `exec` can carry.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum QuoteError {
    /// The operating system ends an argument at its first NUL.
    #[error("word {index} of the command contains a NUL character")]
    Nul {
        /// Which word, counted from 0 (the program).
        index: usize,
    },
    /// There is nothing to run.
    #[error("the command has no words")]
    Empty,
}

/// The words of `sudo` that stand before a privileged command: never ask, and end of options.
pub const SUDO: [&str; 3] = ["sudo", "-n", "--"];

/// The words of `command` as they are started on a host: with [`SUDO`] before them when the
/// command is privileged and the connection says `sudo`.
///
/// # Errors
/// When there are no words, or one cannot be an argument.
pub fn words(command: &Command, sudo: bool) -> Result<Vec<&str>, QuoteError> {
    if command.words().is_empty() {
        return Err(QuoteError::Empty);
    }
    if let Some(index) = command.words().iter().position(|word| word.contains('\0')) {
        return Err(QuoteError::Nul { index });
    }
    let before: &[&str] = if sudo && command.is_privileged() { &SUDO } else { &[] };
    Ok(before.iter().copied().chain(command.words().iter().map(String::as_str)).collect())
}

/// The shell line that runs `command`; see [`words`] for `sudo`.
///
/// # Errors
/// As [`words`].
pub fn line(command: &Command, sudo: bool) -> Result<String, QuoteError> {
    let quoted: Vec<String> = words(command, sudo)?.into_iter().map(word).collect();
    Ok(quoted.join(" "))
}

/// One word, so that a shell reads back exactly it. It must not contain NUL.
///
/// Harmless words stay as they are, for people who read the line in a log. The first word of a
/// line keeps its meaning too: a word with `=` is quoted, so it is never an assignment, and a
/// reserved word such as `if` is quoted as well.
fn word(word: &str) -> String {
    if !word.is_empty() && word.bytes().all(is_harmless) && !RESERVED.contains(&word) {
        return word.to_owned();
    }
    // A quote cannot stand inside single quotes: close them, add a quoted one, open them again.
    format!("'{}'", word.replace('\'', r"'\''"))
}

/// Characters that no shell gives a meaning to, wherever they stand in a word.
fn is_harmless(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b"_-./,:@+%".contains(&byte)
}

/// Words a POSIX shell (or bash, zsh) treats as its own when they come first in a line.
const RESERVED: [&str; 19] = [
    "case", "coproc", "do", "done", "elif", "else", "end", "esac", "fi", "for", "foreach", "function", "if",
    "in", "select", "then", "time", "until", "while",
];

#[cfg(test)]
mod tests {
    use std::{os::unix::ffi::OsStrExt, process};

    use proptest::prelude::*;

    use super::*;

    fn line_of(words: &[&str]) -> String {
        line(&Command::new(words.iter().copied()), false).unwrap()
    }

    /// What a real shell makes of `words` as arguments of `printf`, NUL after each.
    fn through_sh(words: &[String]) -> Vec<u8> {
        let command = Command::new(["printf", "%s\\0"]).args(words.iter().cloned());
        let line = line(&command, false).unwrap();
        let output = process::Command::new("sh")
            .arg("-c")
            .arg(std::ffi::OsStr::from_bytes(line.as_bytes()))
            .output()
            .unwrap();
        assert!(output.status.success(), "{line}: {}", String::from_utf8_lossy(&output.stderr));
        output.stdout
    }

    fn nul_separated(words: &[String]) -> Vec<u8> {
        words.iter().flat_map(|word| word.bytes().chain([0])).collect()
    }

    #[test]
    fn lines_are_exact() {
        assert_eq!(line_of(&["docker", "ps", "-a"]), "docker ps -a");
        assert_eq!(line_of(&["echo", ""]), "echo ''");
        assert_eq!(line_of(&["echo", "a b", "it's"]), r"echo 'a b' 'it'\''s'");
        assert_eq!(line_of(&["A=1", "~", "*"]), "'A=1' '~' '*'");
        assert_eq!(line_of(&["if", "true"]), "'if' true");
        assert_eq!(line_of(&["-n", "--", "x"]), "-n -- x");
    }

    #[test]
    fn sudo_stands_before_the_words_and_only_when_both_want_it() {
        let command = Command::new(["cat", "/etc/my file"]).privileged();
        assert_eq!(line(&command, true).unwrap(), "sudo -n -- cat '/etc/my file'");
        assert_eq!(line(&command, false).unwrap(), "cat '/etc/my file'");
        assert_eq!(line(&Command::new(["cat"]), true).unwrap(), "cat");
    }

    #[test]
    fn what_cannot_be_run_is_refused() {
        let nul = Command::new(["echo", "fine", "a\0b"]);
        assert_eq!(line(&nul, false), Err(QuoteError::Nul { index: 2 }));
        assert_eq!(line(&Command::new(Vec::<String>::new()), true), Err(QuoteError::Empty));
    }

    #[test]
    fn the_worst_words_survive_a_shell() {
        let words: Vec<String> = [
            "",
            " ",
            "a b",
            "'",
            "''",
            "\"",
            "\\",
            "\\'",
            "$HOME",
            "$(id)",
            "`id`",
            ";",
            "&&",
            "|",
            ">x",
            "#",
            "!",
            "a\nb",
            "\n",
            "\t",
            "\r",
            "-",
            "-n",
            "--",
            "~",
            "~root",
            "*",
            "?",
            "[a]",
            "{a,b}",
            "Ünïcödé",
            "日本",
            "\u{1}\u{7f}",
            "%s",
            "=",
            "a=b",
        ]
        .map(String::from)
        .to_vec();
        assert_eq!(through_sh(&words), nul_separated(&words));
    }

    proptest! {
        #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(200) })]

        #[test]
        fn any_words_survive_a_shell(
            words in proptest::collection::vec("[^\u{0}]{0,12}|[-'\"$;&|\\\\\n *?~#!`(){}<>=]{0,8}", 1..12),
        ) {
            prop_assert_eq!(through_sh(&words), nul_separated(&words));
        }
    }
}
