//! What the resources that are a thing of a Docker daemon (networks, volumes) share: the way to
//! the daemon, why an operation on it stopped, who holds on to a thing, and the maps of a thing.

use std::{collections::BTreeMap, sync::Arc, time::Duration};

use docker::{
    Engine,
    engine::{Container, State},
};
use framework::{Diagnostic, Diagnostics, Field};

use crate::{
    engines::Engines,
    failure::{docker_error, host_error},
    hosts::{Host, Hosts, ReadFailure, unknown_settings},
};

/// What the world looks like when nothing was done.
pub(crate) const UNCHANGED: &str = "Nothing was changed.";

/// How long a data source may take to look.
pub(crate) const READ: Duration = Duration::from_secs(60);

/// How many containers a message names.
const NAMED: usize = 10;

/// Labels that Docker and Compose put on what they make.
const THEIRS: &str = "com.docker.";

/// The daemons of all hosts.
#[derive(Clone)]
pub(crate) struct Daemons {
    pub(crate) hosts: Arc<Hosts>,
    pub(crate) engines: Arc<Engines>,
}

/// The daemon of one host.
pub(crate) struct Daemon {
    pub(crate) engine: Engine,
    /// The machine that it runs on.
    pub(crate) machine_id: String,
    /// The host in words.
    pub(crate) host: String,
}

/// Why an operation stopped.
#[derive(Debug)]
pub(crate) enum Failure {
    /// The host, or Docker on it.
    Docker(docker::Error),
    /// In words already.
    Told(Box<Diagnostic>),
}

impl From<docker::Error> for Failure {
    fn from(error: docker::Error) -> Self {
        Self::Docker(error)
    }
}

impl From<remote::Error> for Failure {
    fn from(error: remote::Error) -> Self {
        Self::Docker(error.into())
    }
}

impl From<Diagnostic> for Failure {
    fn from(diagnostic: Diagnostic) -> Self {
        Self::Told(Box::new(diagnostic))
    }
}

impl Failure {
    /// For read and destroy, where `on_unreachable` has a say.
    pub(crate) fn for_read(self, title: &str, world: &str) -> ReadFailure {
        match self {
            Self::Docker(docker::Error::Remote(error)) => ReadFailure::Host(error),
            other => ReadFailure::Other(other.told(title, world)),
        }
    }

    /// In words: `world` says what the world looks like now.
    pub(crate) fn told(self, title: &str, world: &str) -> Diagnostic {
        match self {
            Self::Docker(docker::Error::Remote(error)) => host_error(title, &error, world),
            Self::Docker(error) => docker_error(title, &error, world),
            Self::Told(diagnostic) => *diagnostic,
        }
    }
}

impl Daemons {
    /// The daemons of the hosts that the provider knows.
    pub(crate) fn new(hosts: Arc<Hosts>, engines: Arc<Engines>) -> Self {
        Self { hosts, engines }
    }

    /// The daemon of `host`.
    ///
    /// # Errors
    /// When the host or its Docker cannot be worked with.
    pub(crate) async fn on(&self, host: &Host) -> Result<Daemon, Failure> {
        let engine = self.engines.engine(host).await?;
        let machine_id = self.hosts.facts(host).await?.machine_id;
        Ok(Daemon { engine, machine_id, host: host.executor.name().to_owned() })
    }

    /// The daemon of the host that an attribute names, during apply.
    ///
    /// # Errors
    /// As [`Daemons::on`], and when the host cannot be reached.
    pub(crate) async fn at(&self, title: &str, connection: &Field<String>) -> Result<Daemon, Failure> {
        let Some(host) = self.hosts.reach(connection)? else {
            return Err(unknown_settings(title).into());
        };
        self.on(&host).await
    }

    /// The daemon of the host that an attribute of a data source names.
    ///
    /// # Errors
    /// Whatever stands in the way, as a diagnostic, titled `title`.
    pub(crate) async fn look(&self, title: &str, connection: &Field<String>) -> Result<Daemon, Diagnostics> {
        let found = match self.hosts.reach(connection) {
            Ok(Some(host)) => self.on(&host).await,
            Ok(None) => Err(too_early(title).into()),
            Err(error) => Err(error.into()),
        };
        found.map_err(|failure| failure.told(title, UNCHANGED).into())
    }
}

/// The error of a data source that is read before the provider's settings are known.
pub(crate) fn too_early(title: &str) -> Diagnostic {
    Diagnostic::error(title)
        .detail("The provider's settings are not known before apply, so the machine cannot be looked at yet.")
        .detail(UNCHANGED)
        .detail(
            "Make what the settings depend on first (`-target`), or let the data source wait for it with `depends_on`.",
        )
}

/// The error of a name that is taken already.
pub(crate) fn taken(title: &str, thing: &str, host: &str, import: &str) -> Diagnostic {
    Diagnostic::error(title)
        .detail(format!("There is a {thing} of that name on {host} already, which is not in this state."))
        .detail(UNCHANGED)
        .detail(format!(
            "Adopt it by importing {import:?}, remove it on the host if nobody needs it, or choose another name."
        ))
        .at("name")
}

/// Containers in words: `web-app-1 (running), web-db-1 (exited)`.
pub(crate) fn named(containers: &[Container]) -> String {
    let word = |state| match state {
        State::Running => "running",
        State::Paused => "paused",
        State::Restarting => "restarting",
        State::Created => "created",
        State::Removing | State::Exited | State::Dead => "stopped",
    };
    let shown = containers.iter().take(NAMED);
    let mut names: Vec<String> = shown.map(|one| format!("{} ({})", one.name, word(one.state))).collect();
    if containers.len() > NAMED {
        names.push(format!("and {} more", containers.len() - NAMED));
    }
    names.join(", ")
}

/// Takes over a map as the daemon has it; none and an empty one are the same to it.
pub(crate) fn take_map(field: &mut Field<BTreeMap<String, String>>, found: BTreeMap<String, String>) {
    if field.clone().known_or_default() != found {
        *field = Field::Known(found);
    }
}

/// Whether two maps say the same; none and an empty one do. What is unknown does not.
pub(crate) fn same_map(
    one: &Field<BTreeMap<String, String>>,
    other: &Field<BTreeMap<String, String>>,
) -> bool {
    !one.is_unknown()
        && !other.is_unknown()
        && one.clone().known_or_default() == other.clone().known_or_default()
}

/// The labels that are the user's: those of Docker and Compose only where the user set them.
pub(crate) fn own_labels(
    found: &BTreeMap<String, String>,
    known: &Field<BTreeMap<String, String>>,
) -> BTreeMap<String, String> {
    let is_known = |name: &str| known.known().is_some_and(|labels| labels.contains_key(name));
    let own = found.iter().filter(|(name, _)| !name.starts_with(THEIRS) || is_known(name));
    own.map(|(name, value)| (name.clone(), value.clone())).collect()
}

/// Checks the name of a network or volume, as Docker does.
pub(crate) fn check_name(name: &str) -> Result<(), String> {
    let inside = name.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"_.-".contains(&byte));
    if name.len() > 1 && inside && name.as_bytes()[0].is_ascii_alphanumeric() {
        return Ok(());
    }
    Err("must be at least two letters, digits, `_`, `.` or `-`, and begin with a letter or digit".to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn map(pairs: &[(&str, &str)]) -> BTreeMap<String, String> {
        pairs.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect()
    }

    #[test]
    fn no_map_and_an_empty_one_are_the_same() {
        let mut field = Field::Null;
        take_map(&mut field, map(&[]));
        assert_eq!(field, Field::Null);
        let mut field = Field::Known(map(&[]));
        take_map(&mut field, map(&[]));
        assert_eq!(field, Field::Known(map(&[])));
        take_map(&mut field, map(&[("a", "b")]));
        assert_eq!(field, Field::Known(map(&[("a", "b")])));
        assert!(same_map(&Field::Null, &Field::Known(map(&[]))));
        assert!(!same_map(&Field::Null, &Field::Unknown) && !same_map(&Field::Null, &field));
    }

    #[test]
    fn labels_of_docker_count_only_where_they_were_set() {
        let found = map(&[("com.docker.compose.project", "web"), ("owner", "ann")]);
        assert_eq!(own_labels(&found, &Field::Null), map(&[("owner", "ann")]));
        let known = Field::Known(map(&[("com.docker.compose.project", "x")]));
        assert_eq!(own_labels(&found, &known), found);
    }

    #[test]
    fn names_are_those_that_docker_takes() {
        for name in ["ab", "shop_data", "0.x-y"] {
            assert!(check_name(name).is_ok(), "{name}");
        }
        for name in ["", "a", "-ab", "a b", "ü1", "a/b"] {
            assert!(check_name(name).is_err(), "{name}");
        }
    }
}
