//! What is reported, and by what it is known again.

use std::sync::LazyLock;

use regex::Regex;
use sha2::{Digest, Sha256};

use super::class::Class;
use crate::summary;

/// A message.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize)]
pub struct Message {
    /// What it is about.
    pub key: String,
    /// Whether all is well.
    pub ok: bool,
    /// What kind of failure it is.
    pub class: Class,
    /// In one line.
    pub title: String,
    /// The rest.
    pub text: String,
    /// By which it is known again.
    pub fingerprint: String,
}

/// So much of a text is told, from its end.
const LONGEST: usize = 48 * 1024;

impl Message {
    /// A message, without what nobody may see.
    pub fn new(key: &str, ok: bool, class: Class, title: &str, text: &str) -> Self {
        let text = match summary::scan(text) {
            Ok(()) => last(text.trim(), LONGEST).to_owned(),
            Err(leak) => format!("What it said is left out here: {leak}."),
        };
        let parts = format!("{ok} {} {title}\n{}", class.word(), without_times(&text));
        let fingerprint = secret::hex(&Sha256::digest(parts)[..8]);
        Self { key: key.into(), ok, class, title: title.into(), text, fingerprint }
    }

    /// The beginning of the first line of its issue, which stays.
    pub fn marker(key: &str) -> String {
        format!("<!-- windlass report: {key} ")
    }

    /// The first line of its issue.
    fn first_line(&self) -> String {
        format!("{}{} -->", Self::marker(&self.key), self.fingerprint)
    }

    /// Whether an issue's text is of this very message.
    pub fn is_told_by(&self, body: &str) -> bool {
        body.lines().next() == Some(&self.first_line())
    }

    /// The text of its issue.
    pub fn body(&self) -> String {
        let run = match (
            std::env::var("GITHUB_SERVER_URL"),
            std::env::var("GITHUB_REPOSITORY"),
            std::env::var("GITHUB_RUN_ID"),
        ) {
            (Ok(server), Ok(repository), Ok(run)) => {
                format!("\n\n[The run]({server}/{repository}/actions/runs/{run})")
            }
            _ => String::new(),
        };
        format!(
            "{}\n**{}**: {}\n\n{}\n\nThis issue is updated when the message changes, and closed when all is well again.{run}\n",
            self.first_line(),
            self.class.word(),
            self.class.next(),
            fenced(&self.text)
        )
    }

    /// As a comment that says what is new.
    pub fn comment(&self) -> String {
        if self.ok {
            "All is well again.".to_owned()
        } else {
            format!("It says something else now (**{}**):\n\n{}", self.class.word(), fenced(&self.text))
        }
    }
}

/// A text as a block of its own in Markdown, which nothing in it ends.
pub fn fenced(text: &str) -> String {
    let longest = text.split(|c| c != '`').map(str::len).max().unwrap_or(0);
    let fence = "`".repeat(longest.max(2) + 1);
    format!("{fence}text\n{text}\n{fence}")
}

/// The end of a text, from the beginning of a line on.
pub fn last(text: &str, most: usize) -> &str {
    if text.len() <= most {
        return text;
    }
    let from = (text.len() - most..text.len()).find(|at| text.is_char_boundary(*at)).unwrap_or(text.len());
    let end = &text[from..];
    end.split_once('\n').map_or(end, |(_, rest)| rest)
}

/// A text without moments and durations, which are others each time.
fn without_times(text: &str) -> String {
    static TIMES: LazyLock<Option<Regex>> = LazyLock::new(|| {
        Regex::new(r"\d{4}-\d{2}-\d{2}[T ]?|\d{2}:\d{2}:\d{2}(\.\d+)?Z?|\b\d+(\.\d+)?(ns|µs|ms|s|m|h)\b|\x1b\[[0-9;]*m").ok()
    });
    TIMES.as_ref().map_or_else(|| text.to_owned(), |times| times.replace_all(text, "").into_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn message(text: &str) -> Message {
        Message::new("drift", false, Class::Data, "Drift", text)
    }

    #[test]
    fn a_message_is_known_again_by_what_it_says() {
        let one = message("2026-11-30T04:00:00Z failed after 3.2s\n1 to change");
        assert!(message("2026-12-01T05:00:01Z failed after 14s\n1 to change").is_told_by(&one.body()));
        assert!(!message("2026-11-30T04:00:00Z failed after 3.2s\n2 to change").is_told_by(&one.body()));
        assert!(one.body().starts_with(&Message::marker("drift")));
        assert!(!one.body().starts_with(&Message::marker("dri")));
    }

    #[test]
    fn what_looks_like_a_credential_is_not_told() {
        let told = message("push to https://x:hunter22@example.org failed");
        assert_eq!(told.text, "What it said is left out here: a password in a URL would be in it.");
    }

    #[test]
    fn of_long_texts_the_end_is_told_in_whole_lines() {
        assert_eq!(last("first\nsecond\nthird", 9), "third");
        assert_eq!(last("ähm", 3), "hm");
        assert_eq!(last("short", 9), "short");
    }

    #[test]
    fn nothing_in_a_text_ends_its_block() {
        assert!(message("````").body().contains("`````text\n````\n`````"));
    }
}
