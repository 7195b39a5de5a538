//! Removing known secrets from text that other programs wrote.

use crate::{REDACTED, Secret};

/// Shorter values are left alone: replacing every `1` or `on` would destroy the text and hide nothing.
const SHORTEST: usize = 4;

/// Knows the secrets of one call and takes them out of foreign text.
#[derive(Clone, Debug, Default)]
pub struct Scrubber {
    secrets: Vec<Secret>,
}

impl Scrubber {
    /// A scrubber that knows `secrets`.
    ///
    /// A secret of several lines is also known line by line, because programs that print text
    /// often print it a line at a time with something before each.
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
        if text.contains('\n') {
            for line in text.lines().map(str::trim).filter(|line| line.len() >= SHORTEST) {
                self.secrets.push(Secret::new(line));
            }
        }
        if text.len() >= SHORTEST {
            self.secrets.push(secret);
        }
        // The longest first, so that a secret that contains another one goes as a whole.
        self.secrets.sort_by_key(|secret| std::cmp::Reverse(secret.expose().len()));
    }

    /// `text` with every known secret replaced by [`REDACTED`].
    pub fn scrub(&self, text: &str) -> String {
        let mut out = text.to_owned();
        for secret in &self.secrets {
            if out.contains(secret.expose()) {
                out = out.replace(secret.expose(), REDACTED);
            }
        }
        out
    }
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
}
