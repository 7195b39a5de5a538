//! The two streams: answers on stdout, everything else on stderr.
//!
//! A stream that nobody reads any more (`windlass … | head`) ends no command: what was to be done
//! is done, and the rest of the text is lost.

use std::io::{ErrorKind, Write};
use std::sync::OnceLock;

use crate::exit::Failure;

/// Why an answer could not be written, the first time.
static LOST: OnceLock<std::io::Error> = OnceLock::new();

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
    keep(writeln!(std::io::stdout().lock(), "{line}"));
}

/// Tells a person an error.
pub fn error(text: impl std::fmt::Display) {
    let _ = writeln!(std::io::stderr().lock(), "Error: {text}");
}

/// Tells a person what happened beside the answer.
pub fn note(text: impl std::fmt::Display) {
    let _ = writeln!(std::io::stderr().lock(), "{text}");
}

/// Writes an answer as it is.
pub fn raw(text: &str) {
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
