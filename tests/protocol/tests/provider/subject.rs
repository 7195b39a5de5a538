//! The provider under test, with a home directory of its own.

use std::{ops::Deref, path::PathBuf};

use protocol_tests::{
    Launch, Mode, Planned, Problem, Reached, Resource, Session, Stored, failed, provider_binary,
};
use tempfile::TempDir;
use tfvalue::Value;

/// Every test that is not about one of them runs in both.
pub const MODES: [Mode; 2] = [Mode::Tls, Mode::Plain];

/// A running provider. Derefs to the [`Session`].
pub struct Subject {
    session: Session,
    home: TempDir,
}

impl Subject {
    /// Starts the provider and asks for its schema.
    pub async fn start(mode: Mode) -> Self {
        let home = tempfile::tempdir().unwrap();
        let launch = launch(mode).env("HOME", home.path());
        Self::launched(launch, home).await
    }

    /// The same with this launch, whose home directory is `home`.
    pub async fn launched(launch: Launch, home: TempDir) -> Self {
        let session = Session::open(launch.start().await.unwrap()).await.unwrap();
        Self { session, home }
    }

    /// Starts the provider and configures it without any settings.
    pub async fn configured(mode: Mode) -> Self {
        let subject = Self::start(mode).await;
        subject.configure_with([("on_unreachable", Value::Null)]).await;
        subject
    }

    /// Configures with settings that it must accept.
    pub async fn configure_with(&self, given: impl IntoIterator<Item = (&str, Value)>) {
        let shape = self.provider().unwrap();
        let config = shape.config(given).unwrap();
        assert_eq!(self.configure(shape.encode(&config).unwrap()).await.unwrap(), []);
    }

    /// `windlass_file`.
    pub fn file(&self) -> Resource {
        self.resource("windlass_file").unwrap()
    }

    /// `windlass_host`.
    pub fn host(&self) -> Resource {
        self.resource("windlass_host").unwrap()
    }

    /// A path below the home directory.
    pub fn path(&self, name: &str) -> PathBuf {
        self.home.path().join(name)
    }

    /// The configuration of a file `name` below the home directory, with more attributes.
    pub fn file_config(&self, name: &str, more: impl IntoIterator<Item = (&'static str, Value)>) -> Value {
        let path = self.path(name).to_str().unwrap().to_owned();
        let place = [("host", Value::from("local://")), ("path", Value::from(path))];
        self.file().config(place.into_iter().chain(more)).unwrap()
    }

    /// Plans and applies what must succeed without a word.
    pub async fn make(&self, resource: &Resource, prior: &Stored, config: &Value) -> Stored {
        let planned = plan(resource, prior, config).await;
        let reached = resource.apply(&planned).await.unwrap();
        assert_eq!(reached.problems, []);
        reached.stored
    }

    /// Ends the provider: it must still be there, end well, and leave nothing in its temporary
    /// directory and no panic in its log.
    pub async fn end(self) {
        let mut core = self.session.into_core();
        assert!(core.end().await.unwrap().success());
        let said = core.stderr().join("\n");
        assert!(!said.contains("panic"), "{said}");
        let left = core.left_behind().unwrap();
        assert!(left.is_empty(), "{left:?}");
    }
}

impl Deref for Subject {
    type Target = Session;

    fn deref(&self) -> &Session {
        &self.session
    }
}

/// A launch of the provider's binary.
pub fn launch(mode: Mode) -> Launch {
    Launch::new(provider_binary().unwrap(), mode).unwrap()
}

/// A plan that must succeed without a word.
pub async fn plan(resource: &Resource, prior: &Stored, config: &Value) -> Planned {
    let planned = resource.plan(prior, config).await.unwrap();
    assert_eq!(planned.problems, []);
    planned
}

/// A text attribute of a state.
pub fn text<'a>(value: &'a Value, name: &str) -> &'a str {
    value.attribute(name).and_then(Value::as_str).unwrap_or_else(|| panic!("no text {name} in {value:?}"))
}

/// `value` with another `name`.
pub fn with(value: &Value, name: &str, new: impl Into<Value>) -> Value {
    let Value::Map(mut object) = value.clone() else { panic!("{value:?} is no object") };
    assert!(object.insert(name.to_owned(), new.into()).is_some(), "there is no {name}");
    Value::Map(object)
}

/// The only problem, which must be an error.
#[track_caller]
pub fn only_error(problems: &[Problem]) -> &Problem {
    assert!(problems.len() == 1 && failed(problems), "{problems:#?}");
    &problems[0]
}

/// The only problem of a call that left nothing behind.
#[track_caller]
pub fn refused(reached: &Reached) -> &Problem {
    assert_eq!(reached.stored.value, Value::Null);
    only_error(&reached.problems)
}

/// Asserts that a problem says all of `parts`.
#[track_caller]
pub fn assert_says(problem: &Problem, parts: &[&str]) {
    for part in parts {
        assert!(problem.says(part), "{part:?} is not in {problem:#?}");
    }
}
