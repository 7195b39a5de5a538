//! A command whose output is shown and kept.

use std::ffi::OsString;
use std::io::{Read, Write};
use std::os::unix::process::ExitStatusExt;
use std::process::{Command, Stdio};
use std::sync::{Mutex, PoisonError};

use crate::exit::{Exit, Failure};

/// No more of it is kept.
const MOST: usize = 4 << 20;

/// Runs it to its end: how it ended, and all that it said.
///
/// # Errors
/// When it cannot be run.
pub fn run(words: &[OsString]) -> Result<(Exit, String), Failure> {
    let Some((program, rest)) = words.split_first() else { return Ok((Exit::USAGE, String::new())) };
    let failed = || Failure::new(format!("Could not run `{}`", program.to_string_lossy()));
    let mut child = Command::new(program)
        .args(rest)
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .map_err(|error| failed().because(&error))?;
    let kept = Mutex::new(Vec::new());
    let (stdout, stderr) = (child.stdout.take(), child.stderr.take());
    let status = std::thread::scope(|scope| {
        scope.spawn(|| stdout.map(|from| copy(from, std::io::stdout(), &kept)));
        scope.spawn(|| stderr.map(|from| copy(from, std::io::stderr(), &kept)));
        child.wait()
    });
    let status = status.map_err(|error| failed().because(&error))?;
    let code = status.code().or_else(|| status.signal().map(|signal| 128 + signal)).unwrap_or(1);
    let text = kept.into_inner().unwrap_or_else(PoisonError::into_inner);
    Ok((Exit(u8::try_from(code).unwrap_or(1)), String::from_utf8_lossy(&text).into_owned()))
}

fn copy(mut from: impl Read, mut to: impl Write, kept: &Mutex<Vec<u8>>) {
    let mut buffer = [0; 8192];
    while let Ok(length @ 1..) = from.read(&mut buffer) {
        let part = &buffer[..length];
        // Whoever does not read it any more ends no report.
        let _ = to.write_all(part).and_then(|()| to.flush());
        let mut kept = kept.lock().unwrap_or_else(PoisonError::into_inner);
        kept.extend_from_slice(part);
        let over = kept.len().saturating_sub(MOST);
        kept.drain(..over);
    }
}
