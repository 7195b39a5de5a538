//! The one place where words become what a shell reads.
//!
//! Inside single quotes a POSIX shell changes nothing at all (POSIX shell language §2.2.2), which
//! is why nothing cleverer is done. That holds for `sh` alone: what a login shell makes of quotes,
//! which may be fish, csh or anything else, nobody knows, so it never gets to see them. What it
//! sees instead is in [`LoginLine`].

mod login;

use crate::{Command, command::SUDO, connection::Sudo};

pub use login::{LoginLine, Mark};

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

/// The words of `command` as they are started on a host: with [`SUDO`] before them when the
/// command is privileged and the connection says [`Sudo::All`]. With [`Sudo::Docker`] whoever calls
/// the docker client puts them before it, behind the environment and scripts that are the login's own.
///
/// # Errors
/// When there are no words, or one cannot be an argument.
pub fn words(command: &Command, sudo: Sudo) -> Result<Vec<&str>, QuoteError> {
    if command.words().is_empty() {
        return Err(QuoteError::Empty);
    }
    if let Some(index) = command.words().iter().position(|word| word.contains('\0')) {
        return Err(QuoteError::Nul { index });
    }
    let before: &[&str] = if sudo == Sudo::All && command.is_privileged() { &SUDO } else { &[] };
    Ok(before.iter().copied().chain(command.words().iter().map(String::as_str)).collect())
}

/// The line of `sh` that runs these words. None of them may contain NUL.
fn line<W: AsRef<[u8]>>(words: &[W]) -> Vec<u8> {
    let quoted: Vec<Vec<u8>> = words.iter().map(|word| quoted(word.as_ref())).collect();
    quoted.join(&b' ')
}

/// One word, so that `sh` reads back exactly it. Every word is quoted: the first of a line keeps
/// its meaning too, so it is neither an assignment nor a reserved word.
fn quoted(word: &[u8]) -> Vec<u8> {
    let mut quoted = vec![b'\''];
    for byte in word {
        match byte {
            // A quote cannot stand inside single quotes: close them, add a quoted one, open them.
            b'\'' => quoted.extend_from_slice(br"'\''"),
            byte => quoted.push(*byte),
        }
    }
    quoted.push(b'\'');
    quoted
}

/// One word as `sh` reads it back, for a text that is itself a part of a script.
pub(crate) fn word(text: &str) -> String {
    String::from_utf8_lossy(&quoted(text.as_bytes())).into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn line_of(words: &[&str]) -> String {
        String::from_utf8(line(words)).unwrap()
    }

    #[test]
    fn lines_are_exact() {
        assert_eq!(line_of(&["docker", "ps", "-a"]), "'docker' 'ps' '-a'");
        assert_eq!(line_of(&["echo", ""]), "'echo' ''");
        assert_eq!(line_of(&["echo", "a b", "it's"]), r"'echo' 'a b' 'it'\''s'");
        assert_eq!(line_of(&["A=1", "~", "*"]), "'A=1' '~' '*'");
    }

    #[test]
    fn sudo_stands_before_the_words_and_only_when_both_want_it() {
        let command = Command::new(["cat", "/etc/my file"]).privileged();
        assert_eq!(words(&command, Sudo::All).unwrap(), ["sudo", "-n", "--", "cat", "/etc/my file"]);
        for sudo in [Sudo::Nothing, Sudo::Docker] {
            assert_eq!(words(&command, sudo).unwrap(), ["cat", "/etc/my file"]);
        }
        assert_eq!(words(&Command::new(["cat"]), Sudo::All).unwrap(), ["cat"]);
    }

    #[test]
    fn what_cannot_be_run_is_refused() {
        let nul = Command::new(["echo", "fine", "a\0b"]);
        assert_eq!(words(&nul, Sudo::Nothing), Err(QuoteError::Nul { index: 2 }));
        assert_eq!(words(&Command::new(Vec::<String>::new()), Sudo::All), Err(QuoteError::Empty));
    }
}
