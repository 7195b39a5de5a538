//! The hosts that resources live on: from the `host` attribute to an executor.
//!
//! One [`Hosts`] is shared by every resource of the process. It holds the settings, once they are
//! known, and the pool of connections; nothing is connected before the first command.

use std::{
    collections::HashMap,
    future::Future,
    sync::{Arc, Mutex, PoisonError, RwLock},
};

use framework::{Context, Diagnostic, Diagnostics, Field, Resource, State};
use remote::{
    Error, Executor, Local,
    connection::{Connection, SshConnection},
    credentials::{Credentials, choose},
    facts::{Facts, facts},
};
use tokio::sync::OnceCell;

use crate::{
    failure::host_error,
    settings::{OnUnreachable, Settings},
};

/// What a title and the world look like when nothing was done.
const UNCHANGED: &str = "Nothing was changed.";

/// Every host that the process knows, and how to log in to them.
#[derive(Default)]
pub(crate) struct Hosts {
    settings: RwLock<Option<Arc<Settings>>>,
    pool: ssh::Pool,
    machines: Mutex<HashMap<Connection, Arc<OnceCell<Facts>>>>,
    strangers: Mutex<HashMap<Connection, Error>>,
}

/// A host that can be worked on.
#[derive(Clone)]
pub(crate) struct Host {
    /// Its address.
    pub(crate) connection: Connection,
    /// What runs commands there.
    pub(crate) executor: Arc<dyn Executor>,
}

/// Why reading something on a host failed.
#[derive(Debug)]
pub(crate) enum ReadFailure {
    /// The host, or the way there.
    Host(Error),
    /// Anything else, already in words.
    Other(Diagnostic),
}

impl From<Error> for ReadFailure {
    fn from(error: Error) -> Self {
        Self::Host(error)
    }
}

impl From<Diagnostic> for ReadFailure {
    fn from(diagnostic: Diagnostic) -> Self {
        Self::Other(diagnostic)
    }
}

impl Hosts {
    /// Takes over the settings; `None` says that they are not known yet.
    pub(crate) fn configure(&self, settings: Option<Settings>) {
        *self.settings.write().unwrap_or_else(PoisonError::into_inner) = settings.map(Arc::new);
    }

    /// The settings; `None` while they are not known.
    pub(crate) fn settings(&self) -> Option<Arc<Settings>> {
        self.settings.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// The pool, for what needs more than an executor.
    pub(crate) fn pool(&self) -> &ssh::Pool {
        &self.pool
    }

    /// The host that a `host` attribute names; `None` while the attribute or the provider's
    /// settings are unknown, when nothing can be asked.
    ///
    /// # Errors
    /// When the connection cannot be parsed or no credentials fit it.
    pub(crate) fn reach(&self, host: &Field<String>) -> Result<Option<Host>, Error> {
        let (Some(host), Some(settings)) = (host.known(), self.settings()) else { return Ok(None) };
        let connection: Connection = host
            .parse()
            .map_err(|error| Error::Configuration { what: format!("the connection {host:?}: {error}") })?;
        self.open(&connection, &settings).map(Some)
    }

    /// The host behind `connection`.
    ///
    /// # Errors
    /// When no credentials fit it.
    pub(crate) fn open(&self, connection: &Connection, settings: &Settings) -> Result<Host, Error> {
        let executor: Arc<dyn Executor> = match connection {
            Connection::Local(_) => Arc::new(Local::default()),
            Connection::Ssh(ssh) => self.pool.executor(ssh, &credentials(ssh, settings)?),
        };
        Ok(Host { connection: connection.clone(), executor })
    }

    /// What `host` says about itself, asked once per process: for what does not change while it
    /// runs, such as the machine id and the home directory.
    ///
    /// # Errors
    /// When it cannot be asked.
    pub(crate) async fn facts(&self, host: &Host) -> Result<Facts, Error> {
        let known = {
            let mut machines = self.machines.lock().unwrap_or_else(PoisonError::into_inner);
            machines.entry(host.connection.clone()).or_default().clone()
        };
        known.get_or_try_init(|| facts(host.executor.as_ref())).await.cloned()
    }

    /// Fails a plan that stays with a connection by which Read could not get in: the host's key has
    /// changed, it refuses us, or the provider has no such login any more. Read, which knows the
    /// state alone, has let it pass, because a configuration with another connection, or one that
    /// accepts the new key, is the way out.
    ///
    /// # Errors
    /// What Read met as a diagnostic, titled `title`.
    pub(crate) fn refuse_stranger(
        &self,
        title: &str,
        prior: &Field<String>,
        planned: &Field<String>,
    ) -> Result<(), Diagnostic> {
        let (Some(old), Some(new)) = (connection_in(prior), connection_in(planned)) else { return Ok(()) };
        if old != new {
            return Ok(());
        }
        let strangers = self.strangers.lock().unwrap_or_else(PoisonError::into_inner);
        match strangers.get(&old) {
            Some(error) => Err(host_error(title, error, UNCHANGED)),
            None => Ok(()),
        }
    }

    /// Remembers for [`Hosts::refuse_stranger`] why we were not let in; false when `error` says
    /// something else.
    fn meets_stranger(&self, connection: &Field<String>, error: &Error) -> bool {
        let (Some(connection), Some(error)) = (connection_in(connection), not_let_in(error)) else {
            return false;
        };
        self.strangers.lock().unwrap_or_else(PoisonError::into_inner).insert(connection, error);
        true
    }

    /// Reads something on the host that `connection` names: reaches it, calls `look`, and settles
    /// what came of it. While the way to the host is unknown, the state stays, with a warning.
    ///
    /// # Errors
    /// The failure as a diagnostic, titled `title`.
    pub(crate) async fn read<R, L, F>(
        &self,
        cx: &Context,
        title: &str,
        connection: &Field<String>,
        state: State<R>,
        look: L,
    ) -> Result<Option<State<R>>, Diagnostics>
    where
        R: Resource,
        L: FnOnce(Host, State<R>) -> F,
        F: Future<Output = Result<Option<State<R>>, ReadFailure>> + Send,
    {
        let found = match self.reach(connection) {
            Ok(Some(host)) => look(host, state.clone()).await,
            Ok(None) => {
                cx.warn(not_known_yet(title));
                return Ok(Some(state));
            }
            Err(error) => Err(error.into()),
        };
        self.settle_read_of(cx, title, connection, state, found)
    }

    /// As [`Hosts::settle_read`], but where `connection` does not let us in any more, the verdict is
    /// left to the plan, which has to call [`Hosts::refuse_stranger`].
    ///
    /// # Errors
    /// The failure as a diagnostic, titled `title`.
    fn settle_read_of<R: Resource>(
        &self,
        cx: &Context,
        title: &str,
        connection: &Field<String>,
        last_known: State<R>,
        found: Result<Option<State<R>>, ReadFailure>,
    ) -> Result<Option<State<R>>, Diagnostics> {
        if let Err(ReadFailure::Host(error)) = &found
            && self.meets_stranger(connection, error)
        {
            cx.warn(as_warning(host_error(title, error, "The last known state stands in.")));
            return Ok(Some(last_known));
        }
        self.settle_read(cx, title, last_known, found)
    }

    /// Brings what reading came to together with `on_unreachable`: an unreachable host may mean
    /// the last known state, or none any more.
    ///
    /// # Errors
    /// The failure as a diagnostic, titled `title`.
    fn settle_read<R: Resource>(
        &self,
        cx: &Context,
        title: &str,
        last_known: State<R>,
        found: Result<Option<State<R>>, ReadFailure>,
    ) -> Result<Option<State<R>>, Diagnostics> {
        let error = match found {
            Ok(state) => return Ok(state),
            Err(ReadFailure::Other(diagnostic)) => return Err(diagnostic.into()),
            Err(ReadFailure::Host(error)) => error,
        };
        match self.unreachable(&error) {
            OnUnreachable::Error => Err(host_error(title, &error, UNCHANGED).into()),
            OnUnreachable::Keep => {
                cx.warn(kept(title, &error));
                Ok(Some(last_known))
            }
            OnUnreachable::Forget => {
                cx.warn(forgotten(title, &error));
                Ok(None)
            }
        }
    }

    /// Brings what destroying came to together with `on_unreachable`: with `forget`, what lived on
    /// a machine that is gone counts as destroyed.
    ///
    /// # Errors
    /// The failure as a diagnostic, titled `title`; `world` says what it left behind.
    pub(crate) fn settle_delete(
        &self,
        cx: &Context,
        title: &str,
        world: &str,
        done: Result<(), ReadFailure>,
    ) -> Result<(), Diagnostics> {
        let error = match done {
            Ok(()) => return Ok(()),
            Err(ReadFailure::Other(diagnostic)) => return Err(diagnostic.into()),
            Err(ReadFailure::Host(error)) => error,
        };
        if self.unreachable(&error) == OnUnreachable::Forget {
            cx.warn(forgotten(title, &error));
            return Ok(());
        }
        Err(host_error(title, &error, world).into())
    }

    /// What `error` means: only a host that does not answer falls under `on_unreachable`.
    fn unreachable(&self, error: &Error) -> OnUnreachable {
        match error {
            Error::Unreachable { .. } => {
                self.settings().map(|settings| settings.on_unreachable).unwrap_or_default()
            }
            _ => OnUnreachable::Error,
        }
    }
}

/// The error once more, if it is one that another connection to the same host would not have.
fn not_let_in(error: &Error) -> Option<Error> {
    Some(match error {
        Error::HostKeyMismatch { host, expected, offered } => Error::HostKeyMismatch {
            host: host.clone(),
            expected: expected.clone(),
            offered: offered.clone(),
        },
        Error::HostKeyUnknown { host, offered, known_hosts_line } => Error::HostKeyUnknown {
            host: host.clone(),
            offered: offered.clone(),
            known_hosts_line: known_hosts_line.clone(),
        },
        Error::Authentication { host, user, tried } => {
            Error::Authentication { host: host.clone(), user: user.clone(), tried: tried.clone() }
        }
        Error::Configuration { what } => Error::Configuration { what: what.clone() },
        _ => return None,
    })
}

fn connection_in(field: &Field<String>) -> Option<Connection> {
    field.known().and_then(|text| text.parse().ok())
}

/// The credentials for a connection.
///
/// # Errors
/// [`Error::Configuration`] when none fit it.
pub(crate) fn credentials(connection: &SshConnection, settings: &Settings) -> Result<Credentials, Error> {
    choose(connection, &settings.ssh, |name| std::env::var(name).ok())
        .map_err(|error| Error::Configuration { what: error.to_string() })
}

/// Keeps the spelling that is in the state where the configuration says the same in other words.
pub(crate) fn keep_spelling(planned: &mut Field<String>, prior: &Field<String>) {
    if let (Some(new), Some(old)) = (planned.known(), prior.known()) {
        let same = match (new.parse::<Connection>(), old.parse::<Connection>()) {
            (Ok(new), Ok(old)) => new == old,
            _ => false,
        };
        if same {
            *planned = prior.clone();
        }
    }
}

/// Checks the spelling of a connection, for the validator of `host` attributes.
#[allow(clippy::ptr_arg, reason = "the type of the attribute's value")]
pub(crate) fn check_connection(text: &String) -> Result<(), String> {
    text.parse::<Connection>().map(|_| ()).map_err(|error| error.to_string())
}

/// The connection and the name in an import id `<connection>|<name>`.
///
/// # Errors
/// A diagnostic that shows the form, titled `title`.
pub(crate) fn import_id(title: &str, id: &str, form: &str) -> Result<(Connection, String), Diagnostic> {
    let wrong = |what: String| {
        Diagnostic::error(title)
            .detail(what)
            .detail(UNCHANGED)
            .detail(format!("The import id has the form {form}."))
    };
    let (connection, name) =
        id.split_once('|').ok_or_else(|| wrong(format!("There is no \"|\" in {id:?}.")))?;
    let connection =
        connection.parse().map_err(|error| wrong(format!("The connection cannot be used: {error}.")))?;
    if name.is_empty() {
        return Err(wrong(format!("Nothing follows the \"|\" in {id:?}.")));
    }
    Ok((connection, name.to_owned()))
}

/// The bug that a host, or the provider's settings, are still unknown when the core applies.
pub(crate) fn unknown_settings(title: &str) -> Diagnostic {
    Diagnostic::bug(title, "The host or the provider's settings are still unknown during apply.")
}

/// The warning of a read that has to wait for the settings.
fn not_known_yet(title: &str) -> Diagnostic {
    Diagnostic::warning(title.to_owned()).detail(
        "How to reach its host depends on something that is not known before apply, so the last known state stands \
         in for a look at the host.",
    )
}

fn kept(title: &str, error: &Error) -> Diagnostic {
    as_warning(host_error(
        title,
        error,
        "The last known state stands in, as `on_unreachable = \"keep\"` asks for.",
    ))
}

fn forgotten(title: &str, error: &Error) -> Diagnostic {
    as_warning(host_error(
        title,
        error,
        "It counts as gone and is dropped from the state, as `on_unreachable = \"forget\"` asks for.",
    ))
}

fn as_warning(diagnostic: Diagnostic) -> Diagnostic {
    Diagnostic { severity: framework::Severity::Warning, ..diagnostic }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn another_spelling_of_the_same_connection_is_no_change() {
        let prior = Field::Known("ssh://root@web.example.org".to_owned());
        let mut planned = Field::Known("ssh://root@WEB.example.org:22".to_owned());
        keep_spelling(&mut planned, &prior);
        assert_eq!(planned, prior);
        let mut planned = Field::Known("ssh://root@db.example.org".to_owned());
        keep_spelling(&mut planned, &prior);
        assert_ne!(planned, prior);
    }

    #[test]
    fn an_import_id_is_a_connection_and_a_name() {
        let (connection, name) = import_id("t", "ssh://web|/etc/a|b", "f").unwrap();
        assert_eq!((connection.to_string().as_str(), name.as_str()), ("ssh://web", "/etc/a|b"));
        for id in ["ssh://web", "ssh://web|", "http://web|/a"] {
            let error = import_id("Could not import", id, "<connection>|<path>").unwrap_err();
            assert!(error.detail.contains("<connection>|<path>"), "{}", error.detail);
        }
    }

    #[test]
    fn a_connection_that_did_not_let_us_in_is_refused_until_it_is_another() {
        let hosts = Hosts::default();
        let field = |text: &str| Field::Known(text.to_owned());
        let closed = field("ssh://root@web");
        let error = Error::Authentication { host: "web".into(), user: "root".into(), tried: Vec::new() };
        assert!(hosts.refuse_stranger("t", &closed, &closed).is_ok());
        assert!(hosts.meets_stranger(&closed, &error));
        assert!(hosts.refuse_stranger("t", &closed, &closed).is_err());
        assert!(hosts.refuse_stranger("t", &closed, &field("ssh://root@WEB:22")).is_err(), "a spelling");
        assert!(hosts.refuse_stranger("t", &closed, &field("ssh://deploy@web")).is_ok());
        assert!(hosts.refuse_stranger("t", &closed, &Field::Unknown).is_ok());
        assert!(!hosts.meets_stranger(&closed, &Error::Cancelled));
    }

    #[test]
    fn without_settings_no_host_is_reached() {
        let hosts = Hosts::default();
        assert!(hosts.reach(&Field::Known("local://".into())).unwrap().is_none());
        hosts.configure(Some(Settings::default()));
        assert!(hosts.reach(&Field::Known("local://".into())).unwrap().is_some());
        assert!(hosts.reach(&Field::Unknown).unwrap().is_none());
    }
}
