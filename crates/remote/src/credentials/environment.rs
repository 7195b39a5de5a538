//! The settings that the environment holds.

use std::time::Duration;

use super::{CredentialsError, SshSettings};

/// Reads the `WINDLASS_SSH_*` variables.
pub(super) fn read(variable: &impl Fn(&str) -> Option<String>) -> Result<SshSettings, CredentialsError> {
    let text = |name: &str| variable(name).filter(|value| !value.is_empty());
    Ok(SshSettings {
        name: None,
        user: text("WINDLASS_SSH_USER"),
        port: parsed("WINDLASS_SSH_PORT", text, port, "not a port number")?,
        private_key: text("WINDLASS_SSH_PRIVATE_KEY").map(Into::into),
        private_key_file: text("WINDLASS_SSH_PRIVATE_KEY_FILE"),
        passphrase: text("WINDLASS_SSH_PASSPHRASE").map(Into::into),
        agent: parsed("WINDLASS_SSH_AGENT", text, switch, "neither true nor false")?,
        known_hosts_file: text("WINDLASS_SSH_KNOWN_HOSTS_FILE"),
        connect_timeout: parsed(
            "WINDLASS_SSH_CONNECT_TIMEOUT",
            text,
            duration,
            "not a duration such as 30s or 2m",
        )?,
    })
}

fn parsed<T>(
    variable: &'static str,
    text: impl Fn(&str) -> Option<String>,
    parse: fn(&str) -> Option<T>,
    problem: &'static str,
) -> Result<Option<T>, CredentialsError> {
    let Some(value) = text(variable) else { return Ok(None) };
    parse(value.trim()).map(Some).ok_or(CredentialsError::Environment { variable, problem })
}

fn port(text: &str) -> Option<u16> {
    text.parse().ok().filter(|port| *port != 0)
}

fn switch(text: &str) -> Option<bool> {
    match text {
        "1" | "true" => Some(true),
        "0" | "false" => Some(false),
        _ => None,
    }
}

/// Whole seconds (`30`, `30s`) or minutes (`2m`), more than none.
fn duration(text: &str) -> Option<Duration> {
    let (number, unit) = match text.strip_suffix('m') {
        Some(minutes) => (minutes, 60),
        None => (text.strip_suffix('s').unwrap_or(text), 1),
    };
    let seconds = number.parse::<u64>().ok()?.checked_mul(unit)?;
    (seconds > 0).then(|| Duration::from_secs(seconds))
}
