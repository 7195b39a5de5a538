//! What `docker compose up` does beside what it is told, by the version of Compose.
//!
//! The hash of a service is asked of the host's own Compose, so that what it covers need not be
//! known here (2.29.3 left `depends_on` out of it, 2.30.2 profiles). What `up` does to *other*
//! services than the one that changed has to be known before it does it, and differs. Read in the
//! history of `pkg/compose` in github.com/docker/compose (the first release that has the commit):
//!
//! | version | what it does | commit |
//! |---|---|---|
//! | before 2.29.4 | replaces every service that depends on a replaced one, all the way (`setDependentLifecycle` in `convergence.go`) | |
//! | 2.29.4 | stops and starts those that depend on it directly; their containers stay (`stopDependentContainers`) | 1076f1d9 |
//! | 2.31.0 | makes a network anew whose definition has changed, and stops and starts what is attached to it | c21d4cfb |
//! | 2.35.0 | stops and starts only those whose `depends_on` says `restart: true` | 342a2a9e |
//! | 5.2.0 | decides all of this in advance (`reconcile.go`), with the same outcome, but for services that depend on one with `provider`: their variables come later | 65275c05 |
//!
//! Services that share a namespace or volumes with a replaced one are replaced by all of them: its
//! container's id is in their hash (5.3.0 says so in words, `parentNamespaceRecreated`). Only 5.2.0
//! replaces them whenever `up` runs (its issue 13878); that is not followed here. A volume whose
//! definition has changed is never made anew: 2.32.0 and later ask first, and there is nobody to
//! say yes.

use crate::version::ComposeVersion;

/// What happens to services that depend on one whose containers are replaced.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Dependents {
    /// Their containers are replaced too, and so are those of the services that depend on them.
    Replaced,
    /// Their containers are stopped and started again.
    Restarted,
    /// The same, where `depends_on` says `restart: true`; the others are left as they are.
    RestartedIfAsked,
}

/// What a version of Compose does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Behaviour {
    /// To services that depend on a replaced one.
    pub dependents: Dependents,
    /// Whether a network whose definition has changed is made anew.
    pub replaces_networks: bool,
    /// Whether services that depend on one with `provider` are replaced whenever `up` runs: what is to be done
    /// is decided before the program tells their variables, which their containers have.
    pub replaces_provided: bool,
}

impl Behaviour {
    /// That of a version.
    pub fn of(version: ComposeVersion) -> Self {
        let since = |major, minor, patch| version >= ComposeVersion { major, minor, patch };
        let dependents = match () {
            () if since(2, 35, 0) => Dependents::RestartedIfAsked,
            () if since(2, 29, 4) => Dependents::Restarted,
            () => Dependents::Replaced,
        };
        Self { dependents, replaces_networks: since(2, 31, 0), replaces_provided: since(5, 2, 0) }
    }

    /// That of a version as it is remembered. What cannot be read counts as the oldest, which does
    /// the most.
    pub fn of_text(version: &str) -> Self {
        Self::of(ComposeVersion::parse(version).unwrap_or(crate::version::OLDEST))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_release_that_changed_something_counts() {
        for (version, dependents, replaces_networks) in [
            ("2.26.1", Dependents::Replaced, false),
            ("2.29.3", Dependents::Replaced, false),
            ("2.29.4", Dependents::Restarted, false),
            ("2.30.3", Dependents::Restarted, false),
            ("2.31.0", Dependents::Restarted, true),
            ("2.34.0", Dependents::Restarted, true),
            ("2.35.0", Dependents::RestartedIfAsked, true),
            ("2.40.3-desktop.1", Dependents::RestartedIfAsked, true),
            ("v5.5.1", Dependents::RestartedIfAsked, true),
        ] {
            let found = Behaviour::of_text(version);
            assert_eq!(
                (found.dependents, found.replaces_networks),
                (dependents, replaces_networks),
                "{version}"
            );
            assert_eq!(found.replaces_provided, version == "v5.5.1", "{version}");
        }
    }

    #[test]
    fn what_cannot_be_read_counts_as_the_oldest() {
        assert_eq!(Behaviour::of_text(""), Behaviour::of(crate::version::OLDEST));
    }
}
