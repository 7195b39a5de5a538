//! Where a message goes: an issue, a webhook, a command.

use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use secret::Secret;
use serde_json::json;

use super::message::Message;
use crate::exit::Failure;
use crate::github::GitHub;
use crate::web;

/// What becomes of the issue of a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Step {
    /// Nothing: it says this already, or there is nothing to say.
    Nothing,
    /// It is opened.
    Open,
    /// It gets the message.
    Update(u64),
    /// It is closed.
    Close(u64),
}

/// What is to be done, where an issue is open or not: its number, and whether it says this already.
pub const fn step(ok: bool, open: Option<(u64, bool)>) -> Step {
    match (ok, open) {
        (true, Some((number, _))) => Step::Close(number),
        (false, None) => Step::Open,
        (false, Some((number, false))) => Step::Update(number),
        (true, None) | (false, Some((_, true))) => Step::Nothing,
    }
}

/// Brings a message to its issue.
///
/// # Errors
/// When GitHub does not take it.
pub async fn issue(github: &GitHub, message: &Message) -> Result<Step, Failure> {
    let open = github.open_issue(&Message::marker(&message.key)).await?;
    let step = step(message.ok, open.map(|issue| (issue.id, message.is_told_by(&issue.body))));
    match step {
        Step::Nothing => {}
        Step::Open => drop(github.create_issue(&message.title, &message.body()).await?),
        Step::Update(number) => {
            // First what tells people; a second try would find the text changed, and say nothing.
            github.add_comment(number, &message.comment()).await?;
            github.change_issue(number, json!({ "title": message.title, "body": message.body() })).await?;
        }
        Step::Close(number) => {
            github.add_comment(number, &message.comment()).await?;
            github.change_issue(number, json!({ "state": "closed", "state_reason": "completed" })).await?;
        }
    }
    Ok(step)
}

/// Posts a message as JSON, with a `text` that chat servers show.
///
/// # Errors
/// When nobody takes it.
pub async fn webhook(address: &Secret, message: &Message) -> Result<(), Failure> {
    // The address is a secret itself: errors have it taken out.
    let failed = || Failure::new("Could not post the report to the webhook");
    let client = web::client(address.expose()).map_err(|error| failed().because(error.as_ref()))?;
    let body = json!({
        "text": format!("{}\n{}", message.title, message.text),
        "key": message.key, "ok": message.ok, "class": message.class,
        "title": message.title, "message": message.text,
    });
    let request =
        client.post(address.expose()).header("content-type", "application/json").body(body.to_string());
    let response = request.send().await.map_err(|error| failed().because(&error.without_url()))?;
    if response.status().is_success() {
        return Ok(());
    }
    Err(failed().with(format!("The answer was {}.", response.status().as_u16())))
}

/// Gives a message to a command: its text on stdin, the rest as variables.
///
/// # Errors
/// When it cannot be run or fails.
pub fn command(words: &[String], message: &Message) -> Result<(), Failure> {
    let Some((program, rest)) = words.split_first() else { return Ok(()) };
    let failed = || Failure::new(format!("Could not give the report to `{program}`"));
    let mut child = Command::new(program)
        .args(rest)
        .env("WINDLASS_REPORT_KEY", &message.key)
        .env("WINDLASS_REPORT_STATUS", if message.ok { "ok" } else { "failed" })
        .env("WINDLASS_REPORT_CLASS", message.class.word())
        .env("WINDLASS_REPORT_TITLE", &message.title)
        .stdin(Stdio::piped())
        .spawn()
        .map_err(|error| failed().because(&error))?;
    if let Some(mut stdin) = child.stdin.take() {
        // One that does not read it has its reasons; its exit code counts.
        let _ = stdin.write_all(message.text.as_bytes());
    }
    let status = child.wait().map_err(|error| failed().because(&error))?;
    if status.success() { Ok(()) } else { Err(failed().with(format!("It ended with {status}."))) }
}

/// What a sink was told last that does not tell it.
pub struct Memory(PathBuf);

impl Memory {
    /// That of a key for one sink, in a folder.
    pub fn of(folder: &Path, key: &str, sink: &str) -> Self {
        Self(folder.join(format!("{key}.{sink}")))
    }

    /// Whether this message is what was reported last. What was never reported was well.
    pub fn has(&self, message: &Message) -> bool {
        std::fs::read_to_string(&self.0).map_or(message.ok, |last| {
            last.trim() == message.fingerprint || message.ok && last.trim() == "ok"
        })
    }

    /// Remembers it.
    ///
    /// # Errors
    /// When it cannot be written.
    pub fn keep(&self, message: &Message) -> std::io::Result<()> {
        if let Some(folder) = self.0.parent() {
            std::fs::create_dir_all(folder)?;
        }
        std::fs::write(&self.0, if message.ok { "ok" } else { &message.fingerprint })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::class::Class;

    #[test]
    fn an_issue_is_opened_updated_and_closed_and_never_told_the_same_twice() {
        assert_eq!(step(true, None), Step::Nothing);
        assert_eq!(step(false, None), Step::Open);
        assert_eq!(step(false, Some((7, true))), Step::Nothing);
        assert_eq!(step(false, Some((7, false))), Step::Update(7));
        assert_eq!(step(true, Some((7, true))), Step::Close(7));
    }

    #[test]
    fn what_was_reported_last_is_not_reported_again() {
        let folder = tempfile::tempdir().unwrap();
        let memory = Memory::of(&folder.path().join("deep"), "drift", "webhook");
        let message = |ok, text| Message::new("drift", ok, Class::Data, "t", text);
        assert!(memory.has(&message(true, "")) && !memory.has(&message(false, "a")));
        for (ok, text) in [(false, "a"), (false, "b"), (true, "c")] {
            assert!(!memory.has(&message(ok, text)));
            memory.keep(&message(ok, text)).unwrap();
            assert!(memory.has(&message(ok, text)));
        }
        assert!(memory.has(&message(true, "other words")), "well is well, whatever it says");
    }
}
