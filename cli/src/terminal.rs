//! The two streams: answers on stdout, everything else on stderr.
//!
//! A stream that nobody reads any more (`windlass … | head`) ends no command: what was to be done
//! is done, and the rest of the text is lost.

use std::io::{ErrorKind, Write};
use std::sync::{Mutex, OnceLock, PoisonError};

use crate::exit::Failure;

/// Why an answer could not be written, the first time.
static LOST: OnceLock<std::io::Error> = OnceLock::new();

/// Whether the last line of the terminal is one that is drawn again and again.
static HAS_STATUS: Mutex<bool> = Mutex::new(false);

/// To the beginning of the line, and away with what is in it.
const ERASE: &str = "\r\x1b[2K";

/// Draws a line that the next one replaces, as every other text does; or none.
pub fn status(line: Option<&str>) {
    let mut has_status = HAS_STATUS.lock().unwrap_or_else(PoisonError::into_inner);
    if line.is_none() && !*has_status {
        return;
    }
    *has_status = line.is_some();
    let mut out = std::io::stderr().lock();
    let _ = write!(out, "{ERASE}{}", line.unwrap_or_default()).and_then(|()| out.flush());
}

/// Whether all answers were written, as far as anybody reads them.
///
/// # Errors
/// When one was not: on a full disk, for example.
pub fn complete() -> Result<(), Failure> {
    keep(std::io::stdout().lock().flush());
    match LOST.get() {
        None => Ok(()),
        Some(error) => Err(Failure::new("Could not write the answer to stdout")
            .because(error)
            .with("What is there of it is not all.")),
    }
}

/// Keeps why it could not be written. Who does not read to the end has had enough.
fn keep(written: std::io::Result<()>) {
    if let Err(error) = written
        && error.kind() != ErrorKind::BrokenPipe
    {
        let _ = LOST.set(error);
    }
}

/// Writes a line of an answer to stdout.
pub fn answer(line: impl std::fmt::Display) {
    status(None);
    keep(writeln!(std::io::stdout().lock(), "{line}"));
}

/// Tells a person an error.
pub fn error(text: impl std::fmt::Display) {
    status(None);
    let _ = writeln!(std::io::stderr().lock(), "Error: {text}");
}

/// Tells a person what happened beside the answer.
pub fn note(text: impl std::fmt::Display) {
    status(None);
    let _ = writeln!(std::io::stderr().lock(), "{text}");
}

/// Writes an answer as it is.
pub fn raw(text: &str) {
    status(None);
    let mut out = std::io::stdout().lock();
    keep(out.write_all(text.as_bytes()).and_then(|()| out.flush()));
}

/// Writes an answer as JSON.
///
/// # Errors
/// When it cannot be written so.
pub fn json(told: &impl serde::Serialize) -> Result<(), Failure> {
    let text = serde_json::to_string_pretty(told);
    answer(text.map_err(|error| Failure::new("Could not write JSON").because(&error))?);
    Ok(())
}
