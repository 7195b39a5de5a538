//! A command as a value: words, never a line of shell.

use std::time::Duration;

use crate::connection::Sudo;

/// The words of `sudo` that stand before what it is to run: never ask, and end of options.
pub const SUDO: [&str; 3] = ["sudo", "-n", "--"];

/// How long a command may take when its builder says nothing else.
pub const DEFAULT_TIMEOUT: Duration = Duration::from_secs(60);

/// A program and its arguments, to be run on a host.
///
/// Words reach the program exactly as they are, whatever they contain; quoting for the way there
/// is the executor's business. Secrets do not belong into words: they show in the process list.
/// They go through stdin.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Command {
    words: Vec<String>,
    timeout: Option<Duration>,
    privileged: bool,
    bulk: bool,
    long_lived: bool,
}

impl Command {
    /// A command of `words`, the program first.
    pub fn new<W: Into<String>>(words: impl IntoIterator<Item = W>) -> Self {
        Self {
            words: words.into_iter().map(Into::into).collect(),
            timeout: Some(DEFAULT_TIMEOUT),
            privileged: false,
            bulk: false,
            long_lived: false,
        }
    }

    /// Adds one word.
    #[must_use]
    pub fn arg(mut self, word: impl Into<String>) -> Self {
        self.words.push(word.into());
        self
    }

    /// Adds several words.
    #[must_use]
    pub fn args<W: Into<String>>(mut self, words: impl IntoIterator<Item = W>) -> Self {
        self.words.extend(words.into_iter().map(Into::into));
        self
    }

    /// The same as the last words of `words`, which run it: within its time, and as who it runs.
    #[must_use]
    pub fn run_by<W: Into<String>>(mut self, words: impl IntoIterator<Item = W>) -> Self {
        self.words = words.into_iter().map(Into::into).chain(self.words).collect();
        self
    }

    /// Ends the command (signal, then close) when it has not ended after `timeout`; `None` never does.
    #[must_use]
    pub fn timeout(mut self, timeout: Option<Duration>) -> Self {
        self.timeout = timeout;
        self
    }

    /// Runs under `sudo -n` where the connection says `sudo=1`; elsewhere it changes nothing. (With
    /// `sudo=docker` it is the docker client alone that does, by words of its own.)
    #[must_use]
    pub fn privileged(mut self) -> Self {
        self.privileged = true;
        self
    }

    /// Says that much data will flow, so that the stream gets a connection of its own.
    #[must_use]
    pub fn bulk(mut self) -> Self {
        self.bulk = true;
        self
    }

    /// Says that it stays, idle, while its caller runs other commands on the same host (a lock).
    /// An executor with a limited number of places must not let it take one that those need.
    #[must_use]
    pub fn long_lived(mut self) -> Self {
        self.long_lived = true;
        self
    }

    /// The words, the program first.
    pub fn words(&self) -> &[String] {
        &self.words
    }

    /// The program as messages name it: what `env` starts, where `env` comes first, and what sudo
    /// starts there.
    pub fn program(&self) -> &str {
        let behind = self.words.get(self.env_words()..).unwrap_or_default();
        let behind = behind.strip_prefix(&SUDO.map(str::to_owned)).unwrap_or(behind);
        let program = behind.first().or(self.words.first());
        program.map(String::as_str).unwrap_or_default()
    }

    /// How many of the first words are `env` and what it sets.
    fn env_words(&self) -> usize {
        if self.words.first().is_none_or(|first| first != "env") {
            return 0;
        }
        let mut count = 1;
        while let Some(word) = self.words.get(count) {
            count += match word.as_str() {
                "-u" => 2,
                word if word.starts_with('-') || word.contains('=') => 1,
                _ => break,
            };
        }
        count
    }

    /// The command as a log shows it: words that a shell would take for one are quoted, scripts are
    /// left out (the word after one names it), long words are cut, and of variables that `env` sets
    /// only the names are there, because their values may be what a person wants to hide.
    pub fn shown(&self) -> String {
        let env = self.env_words();
        let is_script = |index: usize| index > 1 && self.words[index - 2..index] == ["sh", "-c"];
        let word = |(index, word): (usize, &String)| match word.split_once('=') {
            Some((name, _)) if index < env && !name.starts_with('-') => format!("{name}=…"),
            _ if is_script(index) && word.contains('\n') => "…".to_owned(),
            _ => shown_word(word),
        };
        self.words.iter().enumerate().map(word).collect::<Vec<_>>().join(" ")
    }

    /// How long it may take.
    pub fn time_limit(&self) -> Option<Duration> {
        self.timeout
    }

    /// Whether it asks for root where the connection offers it.
    pub fn is_privileged(&self) -> bool {
        self.privileged
    }

    /// Whether sudo runs it, or a part of it, on a host where `sudo` is.
    pub fn is_under_sudo(&self, sudo: Sudo) -> bool {
        (sudo == Sudo::All && self.privileged) || self.by_sudo().is_some()
    }

    /// What its own words let sudo run.
    pub(crate) fn by_sudo(&self) -> Option<&str> {
        let at = self.words.windows(SUDO.len()).position(|words| words == SUDO)?;
        self.words.get(at + SUDO.len()).map(String::as_str)
    }

    /// Whether it wants a connection of its own.
    pub fn is_bulk(&self) -> bool {
        self.bulk
    }

    /// Whether it stays while other commands come and go.
    pub fn is_long_lived(&self) -> bool {
        self.long_lived
    }
}

/// What a command that ran to its end left behind.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Output {
    /// The exit status; a command ended by signal N has 128+N as a shell would say it.
    pub status: u32,
    /// All it wrote to stdout.
    pub stdout: Vec<u8>,
    /// All it wrote to stderr.
    pub stderr: Vec<u8>,
}

impl Output {
    /// Whether the exit status is 0.
    pub fn success(&self) -> bool {
        self.status == 0
    }

    /// stdout as text; bytes that are not UTF-8 are replaced.
    pub fn stdout_text(&self) -> String {
        String::from_utf8_lossy(&self.stdout).into_owned()
    }

    /// stderr as text; bytes that are not UTF-8 are replaced.
    pub fn stderr_text(&self) -> String {
        String::from_utf8_lossy(&self.stderr).into_owned()
    }
}

/// How much of a word a log shows, in characters.
const SHOWN: usize = 120;

/// A word as a log shows it.
fn shown_word(word: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || "-_./:=,@%+".contains(c);
    if !word.is_empty() && word.chars().all(plain) && word.len() <= SHOWN {
        return word.to_owned();
    }
    let mut shown: String = word.chars().take(SHOWN).collect();
    if shown.len() < word.len() {
        shown.push('…');
    }
    format!("{shown:?}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_log_shows_words_and_no_values_of_variables() {
        let long = "x".repeat(200);
        let cut = format!("printf {:?}", format!("{}…", "x".repeat(120)));
        for (words, expected) in [
            (
                &["env", "-i", "TOKEN=t0p", "docker", "ps", "--filter", "label=a"][..],
                "env -i TOKEN=… docker ps --filter label=a",
            ),
            (&["sh", "-c", "a\nb", "windlass-inspect", "/srv/a b"], "sh -c … windlass-inspect \"/srv/a b\""),
            (&["env", "LC_ALL=C", "env", "A=1"], "env LC_ALL=… env A=1"),
            (&["env", "-u", "A", "B=2", "true"], "env -u A B=… true"),
            (&["printf", &long], cut.as_str()),
            (&["printf", ""], "printf \"\""),
        ] {
            assert_eq!(Command::new(words.iter().copied()).shown(), expected);
        }
    }

    #[test]
    fn what_sudo_runs_is_told_by_the_connection_and_the_words() {
        let plain = Command::new(["ls"]);
        let privileged = plain.clone().privileged();
        let docker =
            Command::new(["sh", "-c", "exec \"$@\"", "x", "env", "sudo", "-n", "--", "docker", "ps"]);
        for (sudo, expected) in [
            (Sudo::Nothing, [false, false, true]),
            (Sudo::Docker, [false, false, true]),
            (Sudo::All, [false, true, true]),
        ] {
            assert_eq!([&plain, &privileged, &docker].map(|command| command.is_under_sudo(sudo)), expected);
        }
        assert_eq!((docker.by_sudo(), privileged.by_sudo()), (Some("docker"), None));
    }

    #[test]
    fn messages_name_the_program_behind_env() {
        for (words, expected) in [
            (&["tar", "-x"][..], "tar"),
            (&["env", "LC_ALL=C", "find", "/"], "find"),
            (&["env", "-i", "A=1", "docker"], "docker"),
            (&["env", "-i", "A=1", "sudo", "-n", "--", "docker", "ps"], "docker"),
            (&["env"], "env"),
            (&[], ""),
        ] {
            assert_eq!(Command::new(words.iter().copied()).program(), expected);
        }
    }
}
