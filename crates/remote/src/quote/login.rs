//! What a login shell gets to see of a command, and what tells the command's output from the
//! shell's own.
//!
//! sshd hands the line of an `exec` request to the user's login shell, whichever that is, and no
//! two of them quote alike: in single quotes fish takes `\\` for one backslash, csh expands `!` and
//! ends at a newline. So a login shell sees a text that is always the same and in whose quotes no
//! such character stands, then words of letters, digits, `/`, `.`, `-` and `_`, which every shell
//! leaves alone. It becomes `/bin/sh`, and that takes the words apart and becomes the command.
//!
//! A login may write as well: a start-up file that greets, a warning about a locale. Therefore
//! `sh` writes the [`Mark`] on both streams before it becomes the command. What comes before it is
//! the login's; nothing of the login is left to write after it.

use std::fmt::Write;

use crate::{
    Command,
    connection::Sudo,
    files::{FileError, random_name},
};

use super::{QuoteError, line, words};

/// The most that is sent as a line. The line is one argument of the login shell, and Linux lets
/// none be longer than 128 KiB (`MAX_ARG_STRLEN`).
const LONGEST_LINE: usize = 120 << 10;

/// How long a word of the line gets: the oldest csh knows words of up to 1024 characters.
const WORD: usize = 800;

/// The longest run of characters that stand for themselves, so that a word can be ended.
const RUN: usize = 100;

/// What `/bin/sh` does: with the mark in `$1`, and after it the encoded command, or with that as
/// the first line of stdin where it is too long.
///
/// Split at `_`, every part of the encoded command begins with a byte in octal. `printf` puts
/// `\0` (`\134` is the backslash) before each of them and `%b` makes bytes of that; both are
/// builtins of every `sh`. What comes out is a line of quoted words.
///
/// Where the login has joined stdout and stderr, nobody could tell a command's output from its
/// errors: then the command is not run, and the mark has no process id but 0.
///
/// No quote, no `!`, no newline, and no backslash but before a digit: so this text reads the same
/// in the single quotes of every shell.
const SCRIPT: &str = concat!(
    r#"k=$1; shift; set -f; IFS=_; "#,
    r#"case $# in 0) read -r p || exit; set -- $p;; esac; "#,
    r#"d=$(printf %b "$(printf "\1340%s" $*)"); "#,
    r#"p=$$; if [ /proc/self/fd/1 -ef /proc/self/fd/2 ]; then p=0; fi; "#,
    r#"echo "$k-$p-$SHELL"; echo "$k-$p-$SHELL" >&2; "#,
    r#"if [ $p = 0 ]; then exit 1; fi; "#,
    r#"eval "exec $d""#
);

/// What a command's own output begins after: a word that nobody else can have written.
///
/// It is followed by `-`, the process id of what is the command from then on (0 where the login has
/// joined both streams, so that there is no command), `-`, the login
/// shell's path, and a newline. In a trace of the line itself (`set -x`) that does not occur.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mark(String);

impl Mark {
    /// A new one.
    ///
    /// # Errors
    /// As [`random_name`].
    pub fn random() -> Result<Self, FileError> {
        random_name().map(Self)
    }

    /// What stands before the process id on both streams.
    pub fn as_written(&self) -> String {
        format!("{}-", self.0)
    }
}

/// A command as a login shell is given it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LoginLine {
    /// The line that the shell is to run.
    pub line: String,
    /// What must come first on stdin, before all that the command is to read; empty unless the
    /// command is too long for a line.
    pub input: String,
}

impl LoginLine {
    /// The line for `command`, marked by `mark`; [`words`] says what `sudo` means.
    ///
    /// # Errors
    /// When there are no words, or one cannot be an argument.
    pub fn new(command: &Command, sudo: Sudo, mark: &Mark) -> Result<Self, QuoteError> {
        Ok(Self::of(&words(command, sudo)?, mark))
    }

    /// The line for these words, none of which contains NUL.
    fn of<W: AsRef<[u8]>>(words: &[W], mark: &Mark) -> Self {
        let command = line(words);
        let begin = format!("exec /bin/sh -c '{SCRIPT}' sh {}", mark.0);
        let encoded = encode(&command, WORD);
        if begin.len() + 1 + encoded.len() <= LONGEST_LINE {
            return Self { line: format!("{begin} {encoded}"), input: String::new() };
        }
        Self { line: begin, input: encode(&command, usize::MAX) + "\n" }
    }
}

/// `text` in parts that begin with a byte in octal (three digits) and go on with characters that
/// stand for themselves, separated by `_` or, where a word has `word` characters, by a space.
fn encode(text: &[u8], word: usize) -> String {
    let mut encoded = String::with_capacity(text.len() * 2);
    let (mut in_word, mut run) = (0, 0);
    for (index, byte) in text.iter().enumerate() {
        if index > 0 && stands_for_itself(*byte) && run < RUN {
            encoded.push(char::from(*byte));
            (in_word, run) = (in_word + 1, run + 1);
            continue;
        }
        if in_word >= word {
            encoded.push(' ');
            in_word = 0;
        } else if index > 0 {
            encoded.push('_');
        }
        // Writing to a string cannot fail.
        let _ = write!(encoded, "{byte:03o}");
        (in_word, run) = (in_word + 4, 0);
    }
    encoded
}

fn stands_for_itself(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b"/.-".contains(&byte)
}

#[cfg(test)]
mod tests;
