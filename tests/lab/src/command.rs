//! Running commands: lists of words in, output out; stops early when the lab was interrupted.

use std::ffi::OsString;
use std::io::Write;
use std::process::{Command, Output, Stdio};
use std::sync::atomic::{AtomicBool, Ordering};

use crate::error::{Error, Result};

static INTERRUPTED: AtomicBool = AtomicBool::new(false);

/// Makes every following [`check_interrupt`] fail; for signal handlers.
pub fn interrupt() {
    INTERRUPTED.store(true, Ordering::SeqCst);
}

/// Allows work again, for the cleaning up after an interruption.
pub(crate) fn clear_interrupt() {
    INTERRUPTED.store(false, Ordering::SeqCst);
}

/// Fails when a signal asked to stop.
pub(crate) fn check_interrupt() -> Result<()> {
    if INTERRUPTED.load(Ordering::SeqCst) {
        return Err(Error::Interrupted);
    }
    Ok(())
}

/// Turns words of any string type into owned words.
pub(crate) fn words<S: AsRef<str>>(words: &[S]) -> Vec<String> {
    words.iter().map(|word| word.as_ref().to_owned()).collect()
}

/// Where programs of the system live, whatever PATH the caller has (an engine client of another
/// vendor in /usr/local/bin must not shadow the distribution's).
pub(crate) fn system_path() -> OsString {
    let mut path = OsString::from("/usr/sbin:/usr/bin:/sbin:/bin:/usr/local/sbin:/usr/local/bin");
    if let Some(own) = std::env::var_os("PATH") {
        path.push(":");
        path.push(own);
    }
    path
}

fn prepare(line: &[String]) -> Command {
    let (program, arguments) =
        line.split_first().map_or(("true", &[] as &[String]), |(program, rest)| (program.as_str(), rest));
    let mut command = Command::new(program);
    command.args(arguments).env("PATH", system_path());
    command
}

/// Runs words with this standard input and returns status and output, whatever the status is.
///
/// # Errors
/// When the program cannot be started.
pub(crate) fn output(line: &[String], input: &[u8]) -> Result<Output> {
    let spawn_error = |source| Error::Spawn { command: line.join(" "), source };
    let mut child = prepare(line)
        .stdin(if input.is_empty() { Stdio::null() } else { Stdio::piped() })
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .map_err(spawn_error)?;
    let stdin = child.stdin.take();
    std::thread::scope(|scope| {
        if let Some(mut stdin) = stdin {
            // A program that ends without reading everything says why in its status.
            scope.spawn(move || {
                let _ = stdin.write_all(input);
            });
        }
        child.wait_with_output()
    })
    .map_err(spawn_error)
}

/// Runs words that must succeed and returns their standard output.
///
/// # Errors
/// When the program cannot be started or ends with another status than 0.
pub(crate) fn run(line: &[String]) -> Result<String> {
    run_with_input(line, &[])
}

/// Like [`run`], with a standard input.
///
/// # Errors
/// As [`run`].
pub(crate) fn run_with_input(line: &[String], input: &[u8]) -> Result<String> {
    let output = output(line, input)?;
    succeed(line, &output)?;
    Ok(String::from_utf8_lossy(&output.stdout).into_owned())
}

/// Checks the status of a finished command.
///
/// # Errors
/// When it is not 0; the error holds the end of what was printed.
pub(crate) fn succeed(line: &[String], output: &Output) -> Result<()> {
    if output.status.success() {
        return Ok(());
    }
    check_interrupt()?;
    let mut printed = String::from_utf8_lossy(&output.stdout).into_owned();
    printed.push_str(&String::from_utf8_lossy(&output.stderr));
    Err(Error::Command {
        command: line.join(" "),
        status: output.status.to_string(),
        output: last_lines(&printed, 15),
    })
}

/// The last non-empty lines of a text, each after a line break; empty for an empty text.
pub(crate) fn last_lines(text: &str, count: usize) -> String {
    let lines: Vec<&str> = text.lines().filter(|line| !line.trim().is_empty()).collect();
    lines[lines.len().saturating_sub(count)..].iter().map(|line| format!("\n  {line}")).collect()
}

/// Pipes the output of one command into another one.
///
/// # Errors
/// When one of them cannot be started or fails.
pub(crate) fn pipe(from: &[String], into: &[String]) -> Result<String> {
    let spawn_error = |line: &[String]| {
        let command = line.join(" ");
        move |source| Error::Spawn { command, source }
    };
    let mut producer =
        prepare(from).stdin(Stdio::null()).stdout(Stdio::piped()).spawn().map_err(spawn_error(from))?;
    let stdout = producer.stdout.take().map_or_else(Stdio::null, Stdio::from);
    let consumed = prepare(into).stdin(stdout).output().map_err(spawn_error(into));
    let produced = producer.wait_with_output().map_err(spawn_error(from))?;
    let consumed = consumed?;
    succeed(into, &consumed)?;
    succeed(from, &produced)?;
    Ok(String::from_utf8_lossy(&consumed.stdout).into_owned())
}

/// Finds a program in the places of the system.
pub(crate) fn find_program(name: &str) -> Option<String> {
    std::env::split_paths(&system_path())
        .map(|directory| directory.join(name))
        .find(|path| path.is_file())
        .map(|path| path.to_string_lossy().into_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn gives_input_and_returns_output() {
        assert_eq!(run_with_input(&words(&["cat"]), b"as it is\n").unwrap(), "as it is\n");
    }

    #[test]
    fn failure_holds_status_and_last_lines() {
        let error = run(&words(&["sh", "-c", "echo one; echo two >&2; exit 3"])).unwrap_err();
        assert_eq!(
            error.to_string(),
            "`sh -c echo one; echo two >&2; exit 3` failed (exit status: 3)\n  one\n  two"
        );
    }

    #[test]
    fn last_lines_are_the_last() {
        assert_eq!(last_lines("a\n\nb\nc\n", 2), "\n  b\n  c");
        assert_eq!(last_lines("", 2), "");
    }

    #[test]
    fn pipe_fails_when_the_producer_fails() {
        assert_eq!(pipe(&words(&["printf", "x"]), &words(&["cat"])).unwrap(), "x");
        assert!(pipe(&words(&["false"]), &words(&["cat"])).is_err());
    }
}
