//! The status text of a container list, the only place where the list tells uptime, exit code
//! and health.
//!
//! The daemon writes (moby, `container/state.go`): `Up 3 minutes`, `Up 5 seconds (healthy)`,
//! `Up 1 second (health: starting)`, `Up 2 hours (unhealthy)`, `Up 2 hours (Paused)`,
//! `Restarting (1) 2 seconds ago`, `Exited (137) 4 days ago`, `Created`, `Dead`,
//! `Removal In Progress`; durations as units.HumanDuration writes them.

use std::time::Duration;

/// What a container's own health check says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Health {
    /// No verdict yet.
    Starting,
    /// The last check succeeded.
    Healthy,
    /// Several checks in a row failed.
    Unhealthy,
}

/// The status text, read.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct StatusText {
    /// The exit code of a container that has exited or is about to be restarted.
    pub exit_code: Option<i64>,
    /// The verdict of the health check; `None` where the container has none.
    pub health: Option<Health>,
    /// At least this long the container has been up; `None` when it is not up.
    pub uptime: Option<Duration>,
}

impl StatusText {
    /// Reads what it can; a text that it does not know gives nothing.
    pub fn parse(text: &str) -> Self {
        let mut found = Self::default();
        if let Some(rest) = text.strip_prefix("Exited (").or_else(|| text.strip_prefix("Restarting (")) {
            found.exit_code = rest.split(')').next().and_then(|code| code.parse().ok());
        }
        if let Some(rest) = text.strip_prefix("Up ") {
            found.uptime = Some(at_least(rest.split(" (").next().unwrap_or(rest)));
            found.health = health(text);
        }
        found
    }
}

fn health(text: &str) -> Option<Health> {
    if text.ends_with("(healthy)") {
        Some(Health::Healthy)
    } else if text.ends_with("(unhealthy)") {
        Some(Health::Unhealthy)
    } else if text.ends_with("(health: starting)") {
        Some(Health::Starting)
    } else {
        None
    }
}

/// The least duration that a human duration of the daemon can mean.
fn at_least(text: &str) -> Duration {
    let seconds = match text {
        "Less than a second" => 0,
        "1 second" => 1,
        // Minutes, hours, days: more than anybody here asks for.
        _ => text.strip_suffix(" seconds").and_then(|count| count.parse().ok()).unwrap_or(60),
    };
    Duration::from_secs(seconds)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn status(exit_code: Option<i64>, health: Option<Health>, uptime: Option<u64>) -> StatusText {
        StatusText { exit_code, health, uptime: uptime.map(Duration::from_secs) }
    }

    #[test]
    fn reads_what_the_daemon_writes() {
        for (text, expected) in [
            ("Up Less than a second", status(None, None, Some(0))),
            ("Up 1 second", status(None, None, Some(1))),
            ("Up 42 seconds", status(None, None, Some(42))),
            ("Up About a minute", status(None, None, Some(60))),
            ("Up 3 days", status(None, None, Some(60))),
            ("Up 2 hours (Paused)", status(None, None, Some(60))),
            ("Up 5 seconds (healthy)", status(None, Some(Health::Healthy), Some(5))),
            ("Up 1 second (health: starting)", status(None, Some(Health::Starting), Some(1))),
            ("Up 9 minutes (unhealthy)", status(None, Some(Health::Unhealthy), Some(60))),
            ("Exited (0) 3 seconds ago", status(Some(0), None, None)),
            ("Exited (137) Less than a second ago", status(Some(137), None, None)),
            ("Restarting (1) 2 seconds ago", status(Some(1), None, None)),
            ("Created", status(None, None, None)),
            ("Removal In Progress", status(None, None, None)),
            ("", status(None, None, None)),
        ] {
            assert_eq!(StatusText::parse(text), expected, "{text:?}");
        }
    }
}
