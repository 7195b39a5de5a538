//! Why an operation on a stack stopped, and the words for it.

use compose::{
    choice::Misfit,
    wait::{Failure as Fallen, WaitError},
};
use framework::{Diagnostic, Diagnostics, Path, Severity};
use remote::{files::FileError, lock::LockError};

use super::choice;
use crate::{
    diagnose::{docker_error, file_error, host_error, lock_error},
    hosts::ReadFailure,
};

/// Why an operation stopped.
#[derive(Debug)]
pub(super) enum Failure {
    Docker(docker::Error),
    File(FileError),
    Lock(LockError),
    Wait(WaitError),
    /// The files of the configuration are wrong: Compose's words, at an attribute.
    Files {
        words: String,
        next: String,
        at: &'static str,
    },
    /// What is chosen of the services does not fit the files.
    Misfits(Vec<Misfit>),
    /// A step of ours that has its own words.
    Stopped(Box<Stop>),
    /// In words already.
    Told(Box<Diagnostics>),
}

/// Why a step stopped, in words, and the attribute that it was about.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Stop {
    pub(super) happened: String,
    pub(super) next: String,
    pub(super) at: Path,
}

impl Stop {
    pub(super) fn new(happened: impl Into<String>, next: impl Into<String>, at: Path) -> Self {
        Self { happened: happened.into(), next: next.into(), at }
    }
}

impl From<Stop> for Failure {
    fn from(stop: Stop) -> Self {
        Self::Stopped(Box::new(stop))
    }
}

impl From<remote::Error> for Failure {
    fn from(error: remote::Error) -> Self {
        Self::Docker(error.into())
    }
}

impl From<docker::Error> for Failure {
    fn from(error: docker::Error) -> Self {
        Self::Docker(error)
    }
}

impl From<FileError> for Failure {
    fn from(error: FileError) -> Self {
        match error {
            FileError::Remote(error) => error.into(),
            error => Self::File(error),
        }
    }
}

impl From<LockError> for Failure {
    fn from(error: LockError) -> Self {
        match error {
            LockError::Remote(error) => error.into(),
            error => Self::Lock(error),
        }
    }
}

impl From<WaitError> for Failure {
    fn from(error: WaitError) -> Self {
        match error {
            WaitError::Engine(error) => error.into(),
            error => Self::Wait(error),
        }
    }
}

impl From<Diagnostics> for Failure {
    fn from(diagnostics: Diagnostics) -> Self {
        Self::Told(Box::new(diagnostics))
    }
}

impl From<Diagnostic> for Failure {
    fn from(diagnostic: Diagnostic) -> Self {
        Self::Told(Box::new(diagnostic.into()))
    }
}

impl Failure {
    /// Whether the host or its Docker is not there (yet).
    pub(super) fn is_absence(&self) -> bool {
        match self {
            Self::Docker(error) => matches!(
                error,
                docker::Error::Remote(remote::Error::Unreachable { .. })
                    | docker::Error::Missing { .. }
                    | docker::Error::ComposeMissing { .. }
                    | docker::Error::NotRunning { .. }
            ),
            _ => false,
        }
    }

    /// Whether it is that the connection to the host, or to its Docker, broke: what can be done
    /// there is not known then.
    pub(super) fn is_lost(&self) -> bool {
        match self {
            Self::Docker(error) => error.is_lost(),
            _ => false,
        }
    }

    /// As [`Failure::diagnostics`], where what happened may be in words already that say nothing of
    /// the world.
    pub(super) fn story(self, title: &str, world: &str) -> Diagnostics {
        match self {
            Self::Told(told) => {
                let mut told: Vec<Diagnostic> = told.into_iter().collect();
                let first = told.iter_mut().find(|one| one.severity == Severity::Error);
                if let Some(first) = first {
                    *first = first.clone().detail(world);
                }
                told.into_iter().collect()
            }
            failure => failure.diagnostics(title, world),
        }
    }

    /// The diagnostics: `title` names the operation and the thing, `world` says what the world
    /// looks like now.
    pub(super) fn diagnostics(self, title: &str, world: &str) -> Diagnostics {
        match self {
            Self::Docker(error) => docker_error(title, &error, world).into(),
            Self::File(error) => file_error(title, &error, world).into(),
            Self::Lock(error) => lock_error(title, &error, world).into(),
            Self::Wait(error) => not_ready(title, &error, world).into(),
            Self::Files { words, next, at } => {
                Diagnostic::error(title).detail(words).detail(world).detail(next).at(at).into()
            }
            Self::Misfits(misfits) => {
                misfits.iter().map(|misfit| choice::diagnostic(title, misfit, world)).collect()
            }
            Self::Stopped(stop) => Diagnostic::error(title)
                .detail(stop.happened)
                .detail(world)
                .detail(stop.next)
                .at(stop.at)
                .into(),
            Self::Told(diagnostics) => *diagnostics,
        }
    }

    /// As [`Failure::diagnostics`], about a machine that something has left: that another one
    /// answers in its place is no attack then.
    pub(super) fn of_old_machine(self, title: &str, world: &str) -> Diagnostics {
        match self {
            Self::Docker(docker::Error::Remote(remote::Error::HostKeyMismatch { host, .. })) => {
                let happened = format!("Another machine answers as {host} now, with a host key of its own.");
                Diagnostic::error(title).detail(happened).detail(world).into()
            }
            Self::Docker(docker::Error::Remote(remote::Error::Unreachable { host, .. })) => {
                let happened = format!("The host {host} did not answer.");
                Diagnostic::error(title).detail(happened).detail(world).into()
            }
            failure => failure.diagnostics(title, world),
        }
    }

    /// For operations that end by `on_unreachable`.
    pub(super) fn for_read(self, title: &str, world: &str) -> ReadFailure {
        match self {
            Self::Docker(docker::Error::Remote(error)) => ReadFailure::Host(error),
            failure => {
                let mut all = failure.diagnostics(title, world).into_iter();
                ReadFailure::Other(
                    all.next().unwrap_or_else(|| Diagnostic::bug(title, "An error without words.")),
                )
            }
        }
    }
}

/// The diagnostic of services that did not become what they should be.
fn not_ready(title: &str, error: &WaitError, world: &str) -> Diagnostic {
    let (happened, containers) = match error {
        WaitError::Failed(containers) => (told(containers), containers.as_slice()),
        WaitError::Late { limit, pending, containers } => {
            let pending: Vec<String> =
                pending.iter().map(|(name, words)| format!("{name} is {words}")).collect();
            (format!("After {} s: {}.", limit.as_secs(), pending.join(", ")), containers.as_slice())
        }
        WaitError::Cancelled(_) => return host_error(title, &remote::Error::Cancelled, world),
        WaitError::Engine(error) => return docker_error(title, error, world),
    };
    let mut diagnostic = Diagnostic::error(title).detail(happened);
    for container in containers {
        diagnostic = diagnostic.detail(log(container));
    }
    let next = match error {
        WaitError::Late { .. } => {
            "If the services only need longer, give them more time in `timeouts`; otherwise correct what keeps them, \
             then apply again."
        }
        _ => "Correct what the log names, then apply again.",
    };
    diagnostic.detail(world).detail(next)
}

fn told(containers: &[Fallen]) -> String {
    let lines: Vec<String> = containers
        .iter()
        .map(|one| format!("Service {}: container {} {}.", one.service, one.container, one.why))
        .collect();
    lines.join("\n")
}

fn log(container: &Fallen) -> String {
    if container.log.is_empty() {
        return format!("{} wrote nothing to its log.", container.container);
    }
    format!("The last lines of {}:\n{}", container.container, container.log.join("\n"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_service_that_fell_shows_its_log_and_the_world() {
        let fallen = Fallen {
            service: "app".into(),
            container: "web-app-1".into(),
            why: "exited with status 3".into(),
            log: vec!["no config".into()],
        };
        let text = Failure::Wait(WaitError::Failed(vec![fallen]))
            .diagnostics("Could not start compose stack \"web\"", "Its containers now: none.")
            .to_string();
        for part in
            ["web-app-1 exited with status 3", "no config", "Its containers now: none.", "apply again"]
        {
            assert!(text.contains(part), "{part:?} is not in {text}");
        }
    }

    #[test]
    fn what_is_not_there_yet_is_told_apart() {
        let missing = Failure::from(docker::Error::Missing { host: "h".into() });
        assert!(missing.is_absence());
        let denied = docker::Error::Permission { host: "h".into(), socket: "s".into() };
        assert!(!Failure::from(denied).is_absence());
    }
}
