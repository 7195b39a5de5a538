//! The one road from an error to a diagnostic.
//!
//! The crates below say what happened, in typed errors that know nothing of provider blocks. Here
//! such an error becomes a [`Failure`] by `?`, a step that knows better what the world looks like
//! now says so ([`Explain::with_world`]), and in the end the operation gives its title: what
//! happened and what to do next follow from the cause.

mod aftermath;
mod corpus;
mod docker;
mod file;
mod host;
mod lock;
mod node;
mod place;
mod reload;
mod shipped;
mod sops;
mod stack;
mod start_up;
mod swarm;
mod swarm_stack;
mod tailnet;
mod tree;
mod undefined;

use framework::{Diagnostic, Diagnostics, Path, Severity};
use remote::{files::FileError, lock::LockError};

pub(crate) use aftermath::{Aftermath, containers_in_words};
pub(crate) use docker::{docker_error, in_words};
pub(crate) use file::file_error;
pub(crate) use host::host_error;
pub(crate) use lock::lock_error;
pub(crate) use place::{missing, not_vacant};
pub(crate) use shipped::{changed, host_env_changed, linked, unreadable};
pub(crate) use sops::sops_stop;
pub(crate) use stack::stack_warning;
pub(crate) use start_up::{StartUp, start_up_file};
pub(crate) use tree::{heavy_tree, left_out_in_words, tree_error};
pub(crate) use undefined::{ignored_keys, not_taken, taken_for_empty};

/// What the world looks like when nothing was done.
pub(crate) const UNCHANGED: &str = "Nothing was changed.";

/// The title of an operation that failed.
pub(crate) fn could_not(operation: &str, subject: &str) -> String {
    format!("Could not {operation} {subject}")
}

/// What to do where the object that is in the way of a new one is the old one of the same resource.
pub(crate) const IF_REPLACED: &str = "If it is the one that this resource is to replace: with `create_before_destroy` (of this resource, or of one \
     that depends on it) the new one comes first and cannot have the same place; take that out, or, where the old one is \
     only tainted, `untaint` it.";

/// Why an operation stopped.
#[derive(Debug)]
pub(crate) struct Failure {
    cause: Box<Cause>,
    title: Option<String>,
    world: Option<String>,
}

/// What stopped it. Failures of a host are always [`Cause::Host`], whichever library met them.
#[derive(Debug)]
pub(crate) enum Cause {
    /// The host, or the way there.
    Host(remote::Error),
    /// Docker or Compose on it.
    Docker(::docker::Error),
    File(FileError),
    Lock(LockError),
    /// The deployment of a stack; the attribute that its Compose files come from.
    Stack(Box<::stack::Error>, &'static str),
    Swarm(::swarm::Error),
    /// A stack on a swarm; the attribute that its Compose files come from.
    SwarmStack(Box<::swarm::stacks::StackError>, &'static str),
    /// The control server of a tailnet.
    Tailnet(Box<::tailnet::Error>),
    /// A backup or a restore.
    Corpus(Box<::backup::Error>),
    /// A step of ours that has its own words.
    Stop(Stop),
    /// A mistake of ours.
    Bug(String),
    /// Diagnostics already.
    Diagnosed(Diagnostics),
}

/// What happened in a step and what to do next, as whole sentences, and the attribute to blame.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Stop {
    happened: String,
    next: String,
    at: Option<Path>,
}

impl Stop {
    /// A step that stopped because of `happened`; `next` may be empty.
    pub(crate) fn new(happened: impl Into<String>, next: impl Into<String>) -> Self {
        Self { happened: happened.into(), next: next.into(), at: None }
    }

    /// Blames one attribute.
    pub(crate) fn at(self, path: impl framework::IntoPath) -> Self {
        Self { at: Some(path.into_path()), ..self }
    }
}

impl Failure {
    /// A mistake of ours.
    pub(crate) fn bug(what_happened: impl Into<String>) -> Self {
        Cause::Bug(what_happened.into()).into()
    }

    /// The error, if it is the host, or the way there, that failed.
    pub(crate) fn host_error(&self) -> Option<&remote::Error> {
        match &*self.cause {
            Cause::Host(error) => Some(error),
            _ => None,
        }
    }

    /// Whether the host or its Docker is not there (yet).
    pub(crate) fn is_absence(&self) -> bool {
        match &*self.cause {
            Cause::Host(error) => matches!(error, remote::Error::Unreachable { .. }),
            Cause::Docker(error) => matches!(
                error,
                ::docker::Error::Missing { .. }
                    | ::docker::Error::ComposeMissing { .. }
                    | ::docker::Error::NotRunning { .. }
            ),
            _ => false,
        }
    }

    /// Whether who was asked went away meanwhile, or managers have no leader now: another one may answer.
    pub(crate) fn is_interruption(&self) -> bool {
        match &*self.cause {
            Cause::Swarm(error) => {
                matches!(error, ::swarm::Error::NoLeader { .. } | ::swarm::Error::Silent { .. })
            }
            Cause::Docker(error) => error.is_lost(),
            _ => false,
        }
    }

    /// Whether it is a control server that does not answer.
    pub(crate) fn is_server_absence(&self) -> bool {
        matches!(&*self.cause, Cause::Tailnet(error) if tailnet::is_unreachable(error))
    }

    /// The same, where mistakes in Compose files are blamed on `attribute`.
    pub(crate) fn in_files(mut self, attribute: &'static str) -> Self {
        if let Cause::Stack(_, files) | Cause::SwarmStack(_, files) = &mut *self.cause {
            *files = attribute;
        }
        self
    }

    /// The same about a machine that something has left: that another one answers in its place is
    /// no attack then, and that none does nothing to mend.
    pub(crate) fn on_old_machine(self) -> Self {
        let happened = match self.host_error() {
            Some(remote::Error::HostKeyMismatch { host, .. }) => {
                format!("Another machine answers as {host} now, with a host key of its own.")
            }
            Some(remote::Error::Unreachable { host, .. }) => format!("The host {host} did not answer."),
            _ => return self,
        };
        Self { cause: Box::new(Cause::Stop(Stop::new(happened, ""))), ..self }
    }

    /// The diagnostics of an operation that stopped: `title` names the operation and the thing,
    /// `world` says what the world looks like now. What a step has said itself goes before both.
    pub(crate) fn into_diagnostics(self, title: &str, world: &str) -> Diagnostics {
        let title = self.title.as_deref().unwrap_or(title);
        let world = self.world.as_deref().unwrap_or(world);
        let diagnostic = match *self.cause {
            Cause::Host(error) => host_error(title, &error, world),
            Cause::Docker(error) => docker_error(title, &error, world),
            Cause::File(error) => file_error(title, &error, world),
            Cause::Lock(error) => lock_error(title, &error, world),
            Cause::Stack(error, files) => return stack::stack_error(title, *error, world, files),
            Cause::Swarm(error) => swarm::swarm_error(title, &error, world),
            Cause::SwarmStack(error, files) => {
                return swarm_stack::swarm_stack_error(title, *error, world, files);
            }
            Cause::Tailnet(error) => tailnet::tailnet_error(title, &error, world),
            Cause::Corpus(error) => corpus::corpus_error(title, &error, world),
            Cause::Stop(Stop { happened, next, at }) => Diagnostic {
                path: at,
                ..Diagnostic::error(title).detail(happened).detail(world).detail(next)
            },
            Cause::Bug(what_happened) => Diagnostic::bug(title, what_happened),
            Cause::Diagnosed(diagnostics) => return diagnostics,
        };
        diagnostic.into()
    }
}

/// Says more about a failure than its cause knows. What was said first, nearest to the cause, stays.
pub(crate) trait Explain<T> {
    /// What the world looks like now.
    fn with_world(self, world: &str) -> Result<T, Failure>;

    /// The operation and the thing, where it is a part of the whole operation with a name of its own.
    fn with_title(self, title: impl FnOnce() -> String) -> Result<T, Failure>;
}

impl<T, E: Into<Failure>> Explain<T> for Result<T, E> {
    fn with_world(self, world: &str) -> Result<T, Failure> {
        self.map_err(|error| {
            let failure = error.into();
            Failure { world: failure.world.or_else(|| Some(world.to_owned())), ..failure }
        })
    }

    fn with_title(self, title: impl FnOnce() -> String) -> Result<T, Failure> {
        self.map_err(|error| {
            let failure = error.into();
            Failure { title: failure.title.or_else(|| Some(title())), ..failure }
        })
    }
}

impl From<Cause> for Failure {
    fn from(cause: Cause) -> Self {
        Self { cause: Box::new(cause), title: None, world: None }
    }
}

impl From<remote::Error> for Failure {
    fn from(error: remote::Error) -> Self {
        Cause::Host(error).into()
    }
}

impl From<::docker::Error> for Failure {
    fn from(error: ::docker::Error) -> Self {
        match error {
            ::docker::Error::Remote(error) => error.into(),
            ::docker::Error::File(error) => error.into(),
            error => Cause::Docker(error).into(),
        }
    }
}

impl From<FileError> for Failure {
    fn from(error: FileError) -> Self {
        match error {
            FileError::Remote(error) => error.into(),
            error => Cause::File(error).into(),
        }
    }
}

impl From<LockError> for Failure {
    fn from(error: LockError) -> Self {
        match error {
            LockError::Remote(error) => error.into(),
            error => Cause::Lock(error).into(),
        }
    }
}

impl From<::stack::Error> for Failure {
    fn from(error: ::stack::Error) -> Self {
        match error {
            ::stack::Error::Docker(error) => error.into(),
            ::stack::Error::File(error) => error.into(),
            ::stack::Error::Lock(error) => error.into(),
            error => Cause::Stack(Box::new(error), "source_dir").into(),
        }
    }
}

impl From<::tailnet::Error> for Failure {
    fn from(error: ::tailnet::Error) -> Self {
        match error {
            ::tailnet::Error::Host(error) => error.into(),
            error => Cause::Tailnet(Box::new(error)).into(),
        }
    }
}

impl From<::backup::Error> for Failure {
    fn from(error: ::backup::Error) -> Self {
        match error {
            ::backup::Error::Host(error) => error.into(),
            ::backup::Error::File(error) => error.into(),
            ::backup::Error::Docker(error) => error.into(),
            error => Cause::Corpus(Box::new(error)).into(),
        }
    }
}

impl From<::backup::store::StoreError> for Failure {
    fn from(error: ::backup::store::StoreError) -> Self {
        ::backup::Error::from(error).into()
    }
}

impl From<::swarm::Error> for Failure {
    fn from(error: ::swarm::Error) -> Self {
        match error {
            ::swarm::Error::Docker(error) => error.into(),
            error => Cause::Swarm(error).into(),
        }
    }
}

impl From<Stop> for Failure {
    fn from(stop: Stop) -> Self {
        Cause::Stop(stop).into()
    }
}

impl From<Diagnostic> for Failure {
    fn from(diagnostic: Diagnostic) -> Self {
        Cause::Diagnosed(diagnostic.into()).into()
    }
}

impl From<Diagnostics> for Failure {
    fn from(diagnostics: Diagnostics) -> Self {
        Cause::Diagnosed(diagnostics).into()
    }
}

/// The same as a warning: for what did not stop the operation.
pub(crate) fn as_warning(diagnostic: Diagnostic) -> Diagnostic {
    Diagnostic { severity: Severity::Warning, ..diagnostic }
}

/// The text as a sentence: a capital first letter and a full stop. What begins with a name to be copied
/// (`deploy@10.0.0.1:22`, `site/a`) keeps it as it is.
pub(crate) fn sentence(text: &str) -> String {
    let word = text.split_whitespace().next().unwrap_or_default();
    let is_name = word.trim_end_matches([',', ':', ';', '.']).contains(['@', '/', '_', '.', ':']);
    let mut letters = text.chars();
    let first = letters.next().map(|letter| letter.to_uppercase().to_string()).unwrap_or_default();
    let stop = if text.ends_with(['.', '!', '?']) { "" } else { "." };
    if is_name { format!("{text}{stop}") } else { format!("{first}{}{stop}", letters.as_str()) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn unreachable() -> remote::Error {
        remote::Error::Unreachable { host: "web".into(), source: "refused".into() }
    }

    #[test]
    fn a_failure_of_a_host_is_one_whichever_library_met_it() {
        for failure in [
            Failure::from(unreachable()),
            ::docker::Error::from(unreachable()).into(),
            FileError::from(unreachable()).into(),
            LockError::from(unreachable()).into(),
        ] {
            assert!(failure.host_error().is_some(), "{failure:?}");
        }
        assert!(Failure::bug("x").host_error().is_none());
    }

    #[test]
    fn what_the_step_says_goes_before_what_the_operation_says() {
        let failed = Err::<(), _>(Stop::new("It fell.", "Lift it.").at("name"));
        let failed = failed.with_world("Half of it is there.").with_world("All of it is there.");
        let failed = failed.with_title(|| "Could not push".to_owned()).unwrap_err();
        let told = failed.into_diagnostics("Could not build", UNCHANGED).to_string();
        assert_eq!(told, "Could not push (at name)\nIt fell.\n\nHalf of it is there.\n\nLift it.");
    }

    #[test]
    fn a_machine_that_was_left_may_be_another_one() {
        let error =
            remote::Error::HostKeyMismatch { host: "web".into(), expected: vec![], offered: "b".into() };
        for (error, words) in
            [(error, "Another machine answers as web"), (unreachable(), "web did not answer.")]
        {
            let told = Failure::from(error).on_old_machine().into_diagnostics("t", "It is gone from there.");
            let told = told.to_string();
            assert!(told.contains(words) && told.ends_with("It is gone from there."), "{told}");
        }
    }
}
