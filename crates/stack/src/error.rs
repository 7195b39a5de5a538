//! Why an operation on a stack stopped.

use std::{
    borrow::Cow,
    collections::{BTreeMap, BTreeSet},
    time::Duration,
};

use compose::{
    JobError,
    build::BuildError,
    uses::{Use, User},
};
use docker::engine::Container;
use http::probe::{Outcome, Target};
use remote::{
    files::FileError,
    lock::{LockError, LostLock},
};
use serde::{Deserialize, Serialize};

use crate::{
    missing::Missing, options::When, reload::ReloadError, selection::SelectionError, step::Step,
    wait::WaitError,
};

/// Why an operation on a stack stopped. What to do about it is for the caller to say: it knows what
/// the person wrote.
#[derive(Debug, thiserror::Error)]
#[allow(missing_docs, reason = "the fields that have no comment are what their names say")]
pub enum Error {
    /// The host, its Docker, or Compose there.
    #[error(transparent)]
    Docker(#[from] docker::Error),
    /// Files on the host.
    #[error(transparent)]
    File(FileError),
    /// The lock of the stack.
    #[error(transparent)]
    Lock(LockError),
    /// The lock of the stack was lost on the way.
    #[error("{lost}; stopped before {next}")]
    LockLost {
        /// How.
        lost: LostLock,
        /// The step that was not begun.
        next: Step,
        /// Those that were done.
        done: Vec<Step>,
    },
    /// Services did not become what they should be.
    #[error(transparent)]
    Wait(WaitError),
    /// There is a project of that name already that is not ours.
    #[error("there is a project of that name already")]
    AlreadyExists {
        /// What runs of it.
        containers: Vec<Container>,
        /// Whether it is one of Windlass, which another configuration has made.
        made_by_windlass: bool,
    },
    /// The directory is another stack's.
    #[error("{directory} belongs to the stack {project:?} already")]
    DirectoryTaken {
        /// The directory.
        directory: String,
        /// The name of the stack that it belongs to.
        project: String,
    },
    /// Another stack of that name has taken the place of the one that the caller knows.
    #[error("the stack on {host} is another one than the one that is recorded")]
    Replaced {
        /// The host in words.
        host: String,
    },
    /// Files are in the way that no manifest of ours names.
    #[error("files that were there before are in the way in {directory} on {host}: {}", paths.join(", "))]
    InTheWay {
        /// The stack's directory.
        directory: String,
        /// The host in words.
        host: String,
        /// The files, relative to the directory.
        paths: Vec<String>,
    },
    /// The directory is a symbolic link, which no file of ours goes through.
    #[error("{directory} on {host} is a symbolic link to {target}")]
    Linked {
        /// The stack's directory.
        directory: String,
        /// The host in words.
        host: String,
        /// The directory that it leads to.
        target: String,
    },
    /// The server's own `.env` is another one than it was a moment ago.
    #[error("the .env in {directory} on {host} was changed since it was last looked at")]
    HostEnvMoved {
        /// The stack's directory.
        directory: String,
        /// The host in words.
        host: String,
    },
    /// What is at a path may not be looked at, or its disk is not mounted.
    #[error("{path} on {host} cannot be looked at")]
    Hidden {
        /// The path.
        path: String,
        /// The host in words.
        host: String,
    },
    /// Compose cannot read the files.
    #[error("docker compose cannot read {}: {message}", file.as_deref().unwrap_or("the files"))]
    InvalidFiles {
        /// The one with the mistake, where that can be told.
        file: Option<String>,
        /// Compose's own words.
        message: String,
        /// The variables that nothing sets, and that it took for empty: they may be why.
        undefined: Vec<Undefined>,
    },
    /// Compose needs a file that is outside of what is shipped, and that the host does not have.
    #[error("docker compose cannot find {named}, which would be {path} on the host")]
    OutsideFile {
        /// The file as the files name it.
        named: String,
        /// Where it would be on the host.
        path: String,
        /// Compose's own words.
        message: String,
        /// As of [`Error::InvalidFiles`].
        undefined: Vec<Undefined>,
    },
    /// A service has the stack's own `.env` as an env file, and there is none.
    #[error("{path} is an env file of a service, and there is no such file")]
    NoOwnEnv {
        /// Its path, relative to the stack's directory.
        path: String,
        /// As of [`Error::InvalidFiles`].
        undefined: Vec<Undefined>,
    },
    /// Compose cannot read a dotenv text.
    #[error("docker compose cannot read {file}: {message}")]
    InvalidEnv {
        /// The file.
        file: String,
        /// The number of its line, where that can be told.
        line: Option<usize>,
        /// Compose's own words.
        message: String,
    },
    /// The files use variables that have no value.
    #[error("the files use variables that have no value: {}", undefined_names(.0))]
    UndefinedVariables(Vec<Undefined>),
    /// A service reads the stack's `.env` under a name that cannot be told.
    #[error("service {service:?} names .env as an env file by way of a variable")]
    HiddenEnv {
        /// The service.
        service: String,
    },
    /// Images are chosen for services that the files do not have.
    #[error("images are chosen for services that the files do not have: {}", .0.join(", "))]
    UnknownImageServices(Vec<String>),
    /// What is selected of the services does not fit the files.
    #[error("what is selected of the services does not fit the files")]
    Selection(Vec<SelectionError>),
    /// Reloads could never have an effect.
    #[error("files that containers are to take in by a command do not fit the Compose files")]
    Reload(Vec<ReloadError>),
    /// What is to be built cannot be.
    #[error(transparent)]
    Build(#[from] BuildError),
    /// A job is a run of a service that Compose does not know.
    #[error("docker compose cannot run the service {service:?}: {message}")]
    UnknownJobService {
        service: String,
        /// The number of the first job that is a run of it.
        job: usize,
        /// Compose's own words.
        message: String,
    },
    /// Jobs need services that the stack does not start.
    #[error("jobs need services that the stack does not start")]
    UnknownNeeds(Vec<UnknownNeeds>),
    /// Images that the stack needs are not to be had.
    #[error("{} images are not to be had", failed.len() + unbuilt.len())]
    Images {
        /// Those that could not be fetched.
        failed: Vec<docker::Error>,
        /// Those that the files also say how to build, which was not asked for: image to service.
        buildable: BTreeMap<String, String>,
        /// Those that the files only say how to build, and that nobody has built: image to service.
        unbuilt: BTreeMap<String, String>,
    },
    /// The host does not have what the stack needs and does not make itself.
    #[error("the host does not have what the stack needs: {}", names(.0))]
    Missing(Vec<Missing>),
    /// A job did not end well.
    #[error("job {:?} failed", .0.name)]
    Job(Box<FailedJob>),
    /// A probe did not pass.
    #[error("the probe of {} did not pass", .0.target)]
    Probe(Box<FailedProbe>),
    /// There is no going back to the last good apply.
    #[error(transparent)]
    Rollback(#[from] RollbackError),
}

/// A variable that the files use and nothing sets.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Undefined {
    /// Its name.
    pub name: String,
    /// The services that are started and cannot do without it, as far as that can be told.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub services: BTreeSet<String>,
    /// Where it is used, as far as that can be told.
    pub uses: Vec<Use>,
}

/// What names of variables have whose values are not to be told, in capitals.
const SECRETS: [&str; 10] = ["PASS", "PWD", "SECRET", "TOKEN", "KEY", "CRED", "AUTH", "DSN", "URL", "URI"];

impl Undefined {
    /// Its name, unless that may be a part of a secret: what follows a dollar sign in a password names nothing.
    pub fn shown(&self) -> Cow<'_, str> {
        let is_secret = |variable: &str| {
            let variable = variable.to_ascii_uppercase();
            SECRETS.iter().any(|word| variable.contains(word))
        };
        let in_secret = |one: &Use| matches!(&one.by, User::Variable(variable) if is_secret(variable));
        match self.uses.first().map(|one| &one.by) {
            Some(User::Variable(variable)) if self.uses.iter().all(in_secret) => {
                Cow::Owned(format!("what follows a `$` in {variable}"))
            }
            _ => Cow::Borrowed(&self.name),
        }
    }

    /// The same, where only `services` need it: what others do with it is left out.
    pub(crate) fn needed_by(mut self, services: &BTreeSet<String>) -> Self {
        let counts = |one: &Use| match &one.by {
            User::Service(service) => services.contains(service),
            User::Project => false,
            User::Variable(_) | User::Other => true,
        };
        if self.uses.iter().any(counts) {
            self.uses.retain(counts);
        }
        Self { services: services.clone(), ..self }
    }
}

/// A job that needs services which the stack does not start.
#[derive(Clone, Debug, PartialEq, Eq)]
#[allow(missing_docs, reason = "the fields that have no comment are what their names say")]
pub struct UnknownNeeds {
    /// The number of the job.
    pub job: usize,
    pub name: String,
    /// The services that it needs and that are not started.
    pub missing: Vec<String>,
    /// The services that are.
    pub started: Vec<String>,
}

/// A job that did not end well.
#[derive(Debug)]
#[allow(missing_docs, reason = "the fields that have no comment are what their names say")]
pub struct FailedJob {
    /// Its number.
    pub job: usize,
    pub name: String,
    /// The service that it is a run of.
    pub service: String,
    /// When it ran.
    pub when: When,
    pub host: String,
    /// How it ended.
    pub error: JobError,
    /// Whether it had less time than it may take, because the whole operation had no more.
    pub cut: bool,
}

/// A probe that did not pass.
#[derive(Debug)]
pub struct FailedProbe {
    /// The number of the probe.
    pub probe: usize,
    /// What was asked.
    pub target: Target,
    /// From where, in words.
    pub from: String,
    /// How often it was tried.
    pub tries: u32,
    /// How long.
    pub took: Duration,
    /// What came of the last try.
    pub last: Outcome,
    /// The same in words, scrubbed.
    pub answer: String,
}

/// Why there is no going back to the last good apply. Nothing was put back then.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[allow(missing_docs, reason = "the fields that have no comment are what their names say")]
pub enum RollbackError {
    /// The host does not have the images any more.
    #[error("the host does not have the images any more: {}", .0.join(", "))]
    ImagesGone(Vec<String>),
    /// What was kept has been changed.
    #[error("what is kept in {place} on {host} was changed: {}", list(files))]
    Damaged {
        host: String,
        /// Where it is kept.
        place: String,
        /// The files that are not what they were.
        files: BTreeSet<String>,
    },
}

fn names(missing: &[Missing]) -> String {
    missing.iter().map(|one| one.name.as_str()).collect::<Vec<_>>().join(", ")
}

fn list(names: &BTreeSet<String>) -> String {
    names.iter().map(String::as_str).collect::<Vec<_>>().join(", ")
}

fn undefined_names(undefined: &[Undefined]) -> String {
    undefined.iter().map(Undefined::shown).collect::<Vec<_>>().join(", ")
}

impl From<remote::Error> for Error {
    fn from(error: remote::Error) -> Self {
        Self::Docker(error.into())
    }
}

impl From<FileError> for Error {
    fn from(error: FileError) -> Self {
        match error {
            FileError::Remote(error) => error.into(),
            error => Self::File(error),
        }
    }
}

impl From<LockError> for Error {
    fn from(error: LockError) -> Self {
        match error {
            LockError::Remote(error) => error.into(),
            error => Self::Lock(error),
        }
    }
}

impl From<WaitError> for Error {
    fn from(error: WaitError) -> Self {
        match error {
            WaitError::Engine(error) => error.into(),
            error => Self::Wait(error),
        }
    }
}

impl Error {
    /// Whether the host or its Docker is not there (yet).
    pub fn is_absence(&self) -> bool {
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
    pub fn is_lost(&self) -> bool {
        match self {
            Self::Docker(error) => error.is_lost(),
            _ => false,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_not_there_yet_is_told_apart() {
        let missing = Error::from(docker::Error::Missing { host: "h".into(), searched: "/bin".into() });
        assert!(missing.is_absence());
        let denied = docker::Error::Permission { host: "h".into(), socket: "s".into() };
        assert!(!Error::from(denied).is_absence());
    }
}
