//! Removing known secrets from text that other programs wrote.

use std::fmt::Write;

use crate::{REDACTED, Secret};

/// Shorter values are left alone: replacing every `1` or `on` would destroy the text and hide nothing.
const SHORTEST: usize = 4;

/// Knows the secrets of one call and takes them out of foreign text.
#[derive(Clone, Debug, Default)]
pub struct Scrubber {
    /// Every spelling of every secret, the longest first.
    spellings: Vec<Secret>,
}

impl Scrubber {
    /// A scrubber that knows `secrets`.
    ///
    /// A secret of several lines is also known line by line, because programs that print text
    /// often print it a line at a time with something before each. Each of them is also known as
    /// JSON (and most loggers) and URLs spell it.
    pub fn new(secrets: impl IntoIterator<Item = Secret>) -> Self {
        let mut scrubber = Self::default();
        for secret in secrets {
            scrubber.add(secret);
        }
        scrubber
    }

    /// Makes one more secret known.
    pub fn add(&mut self, secret: Secret) {
        let text = secret.expose();
        self.learn(text);
        if text.contains('\n') {
            text.lines().for_each(|line| self.learn(line.trim()));
        }
        // The longest first, so that a secret that contains another one goes as a whole.
        self.spellings.sort_by_key(|spelling| std::cmp::Reverse(spelling.expose().len()));
    }

    fn learn(&mut self, text: &str) {
        if text.len() < SHORTEST {
            return;
        }
        for spelling in [Secret::new(text), escaped(text), percent_encoded(text)] {
            if !self.spellings.contains(&spelling) {
                self.spellings.push(spelling);
            }
        }
    }

    /// `text` with every known secret replaced by [`REDACTED`].
    pub fn scrub(&self, text: &str) -> String {
        let mut out = String::with_capacity(text.len());
        let mut rest = text;
        while let Some((start, length)) = self.first_in(rest) {
            out.push_str(&rest[..start]);
            out.push_str(REDACTED);
            rest = &rest[start + length..];
        }
        out.push_str(rest);
        out
    }

    /// Where the first secret in `text` starts, and how long the longest one there is.
    fn first_in(&self, text: &str) -> Option<(usize, usize)> {
        let found = self.spellings.iter().filter_map(|spelling| {
            let spelling = spelling.expose();
            Some((text.find(spelling)?, spelling.len()))
        });
        found.min_by_key(|(start, length)| (*start, std::cmp::Reverse(*length)))
    }
}

/// The text as it stands inside a JSON or Go string.
fn escaped(text: &str) -> Secret {
    let mut out = String::with_capacity(text.len());
    for character in text.chars() {
        match character {
            '"' => out.push_str("\\\""),
            '\\' => out.push_str("\\\\"),
            '\n' => out.push_str("\\n"),
            '\r' => out.push_str("\\r"),
            '\t' => out.push_str("\\t"),
            other => out.push(other),
        }
    }
    Secret::new(out)
}

/// The text as it stands in a URL, where a password of a database often is.
fn percent_encoded(text: &str) -> Secret {
    let mut out = String::with_capacity(text.len());
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) {
            out.push(char::from(byte));
        } else {
            // Writing into a String cannot fail.
            let _ = write!(out, "%{byte:02X}");
        }
    }
    Secret::new(out)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn scrubber(secrets: &[&str]) -> Scrubber {
        Scrubber::new(secrets.iter().copied().map(Secret::from))
    }

    #[test]
    fn replaces_every_occurrence() {
        assert_eq!(scrubber(&["hunter2"]).scrub("a hunter2 b hunter2"), "a [secret] b [secret]");
    }

    #[test]
    fn the_longer_secret_goes_first() {
        assert_eq!(scrubber(&["pass", "password"]).scrub("my password"), "my [secret]");
    }

    #[test]
    fn a_secret_of_several_lines_is_found_line_by_line() {
        let shown = scrubber(&["-----BEGIN\nabcdef\n-----END"]).scrub("log: abcdef");
        assert_eq!(shown, "log: [secret]");
    }

    #[test]
    fn values_too_short_to_hide_are_left() {
        assert_eq!(scrubber(&["on", ""]).scrub("once upon"), "once upon");
    }

    #[test]
    fn other_spellings_are_found() {
        let scrubber = scrubber(&["p\"a/s\\s\nword"]);
        for text in [r#"{"p":"p\"a/s\\s\nword"}"#, "postgres://u:p%22a%2Fs%5Cs%0Aword@db"] {
            let shown = scrubber.scrub(text);
            assert!(shown.contains(REDACTED) && !shown.contains("word"), "{shown}");
        }
    }

    #[test]
    fn what_stands_in_its_place_is_not_scrubbed_again() {
        assert_eq!(scrubber(&["secret", "hunter2"]).scrub("hunter2, secret"), "[secret], [secret]");
    }
}
