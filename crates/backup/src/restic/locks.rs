//! Locks of a repository: whose they are, and whether their owners are gone. Pure.

use std::collections::BTreeSet;

use serde::Deserialize;

/// What a lock says of itself.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub(super) struct Lock {
    #[serde(default)]
    pub(super) hostname: String,
    #[serde(default)]
    pub(super) pid: u32,
}

/// What a host says of itself: what it is called, and which processes it has.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Host {
    pub(super) hostname: String,
    pub(super) pids: BTreeSet<u32>,
}

/// Says both, a line each.
pub(super) const ABOUT: &str = "uname -n && cd /proc && echo [0-9]*";

impl Host {
    /// What the answer to [`ABOUT`] says.
    pub(super) fn of(answer: &str) -> Self {
        let mut lines = answer.lines();
        let hostname = lines.next().unwrap_or_default().trim().to_owned();
        let pids = lines.flat_map(str::split_whitespace).filter_map(|word| word.parse().ok()).collect();
        Self { hostname, pids }
    }
}

impl Lock {
    /// Whether its owner was a process of `host` that is gone.
    fn is_stale_on(&self, host: &Host) -> bool {
        let is_known = !host.hostname.is_empty() && !host.pids.is_empty();
        is_known && self.hostname == host.hostname && self.pid > 0 && !host.pids.contains(&self.pid)
    }
}

/// Whether locks may be taken away: all are of processes of `host` that are gone. Of others nobody here knows that, and
/// one of them is reason enough to keep away.
pub(super) fn are_stale(locks: &[Lock], host: &Host) -> bool {
    !locks.is_empty() && locks.iter().all(|lock| lock.is_stale_on(host))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_locks_of_processes_that_are_gone_here_are_stale() {
        let host = Host::of("web\n1 20 300 self\n");
        assert_eq!(host, Host { hostname: "web".into(), pids: [1, 20, 300].into() });
        let lock = |hostname: &str, pid| Lock { hostname: hostname.into(), pid };
        let (gone, alive, other) = (lock("web", 21), lock("web", 20), lock("db", 21));
        assert!(are_stale(std::slice::from_ref(&gone), &host));
        for locks in [
            &[alive][..],
            std::slice::from_ref(&other),
            &[gone.clone(), other.clone()],
            &[lock("web", 0)],
            &[],
        ] {
            assert!(!are_stale(locks, &host), "{locks:?}");
        }
        assert!(!are_stale(std::slice::from_ref(&gone), &Host::default()), "nothing is known");
    }
}
