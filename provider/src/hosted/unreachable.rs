//! What reading and destroying come to where a host cannot be reached: `on_unreachable`.

use std::future::Future;

use framework::{Context, Diagnostic, Diagnostics, Field, Resource, State};
use remote::Error;

use super::{Host, Hosts};
use crate::{
    failure::{Failure, UNCHANGED, as_warning, host_error},
    settings::OnUnreachable,
};

/// What the world looks like where the last known state is kept.
const KEPT: &str = "The last known state stands in, as `on_unreachable = \"keep\"` asks for.";

impl Hosts {
    /// Reads something on the host that `connection` names: reaches it, calls `observe`, and settles
    /// what came of it. While the way to the host is unknown, the state stays, with a warning. Where
    /// the host does not let us in any more, it stays too, and the plan has to call
    /// [`Hosts::refuse_if_access_denied`].
    ///
    /// # Errors
    /// The failure as diagnostics, titled `title`.
    pub(crate) async fn read<R, O, F, E>(
        &self,
        cx: &Context,
        title: &str,
        connection: &Field<String>,
        state: State<R>,
        observe: O,
    ) -> Result<Option<State<R>>, Diagnostics>
    where
        R: Resource,
        O: FnOnce(Host, State<R>) -> F,
        F: Future<Output = Result<Option<State<R>>, E>> + Send,
        E: Into<Failure>,
    {
        let found = match self.reach(connection).await {
            Ok(Some(host)) => observe(host, state.clone()).await.map_err(Into::into),
            Ok(None) => {
                cx.warn(not_known_yet(title));
                return Ok(Some(state));
            }
            Err(error) => Err(error.into()),
        };
        match found {
            Ok(found) => Ok(found),
            Err(failure) => self.settle_host_read(cx, title, connection, state, failure),
        }
    }

    /// Remembers that a host did not let us in, where that is what `failure` says, for plans to refuse.
    pub(crate) fn remember_denial(&self, connection: &Field<String>, failure: &Failure) {
        if let Some(error) = failure.host_error() {
            self.denials.remember(connection, error);
        }
    }

    /// What a read comes to that met `failure` at the host that `connection` names.
    ///
    /// # Errors
    /// As [`Hosts::read`].
    pub(crate) fn settle_host_read<R: Resource>(
        &self,
        cx: &Context,
        title: &str,
        connection: &Field<String>,
        state: State<R>,
        failure: Failure,
    ) -> Result<Option<State<R>>, Diagnostics> {
        if let Some(error) = failure.host_error()
            && self.denials.remember(connection, error)
        {
            cx.warn(as_warning(host_error(title, error, "The last known state stands in.")));
            return Ok(Some(state));
        }
        self.settle_read(cx, title, state, failure)
    }

    /// What a read that failed comes to under `on_unreachable`.
    ///
    /// # Errors
    /// The failure as diagnostics, titled `title`.
    pub(crate) fn settle_read<R: Resource>(
        &self,
        cx: &Context,
        title: &str,
        state: State<R>,
        failure: Failure,
    ) -> Result<Option<State<R>>, Diagnostics> {
        // A server that is down is no machine that is gone: nothing of it is forgotten.
        if failure.is_server_absence() && self.keeps() {
            for problem in failure.into_diagnostics(title, KEPT) {
                cx.warn(as_warning(problem));
            }
            return Ok(Some(state));
        }
        match self.on_unreachable(&failure) {
            None => Err(failure.into_diagnostics(title, UNCHANGED)),
            Some((OnUnreachable::Error, error)) => Err(host_error(title, error, UNCHANGED).into()),
            Some((OnUnreachable::Keep, error)) => {
                cx.warn(kept(title, error));
                Ok(Some(state))
            }
            Some((OnUnreachable::Forget, error)) => {
                cx.warn(forgotten(title, error));
                Ok(None)
            }
        }
    }

    /// Brings what destroying came to together with `on_unreachable`: with `forget`, what lived on
    /// a machine that is gone counts as destroyed.
    ///
    /// # Errors
    /// The failure as diagnostics, titled `title`; `world` says what it left behind.
    pub(crate) fn settle_delete<E: Into<Failure>>(
        &self,
        cx: &Context,
        title: &str,
        world: &str,
        done: Result<(), E>,
    ) -> Result<(), Diagnostics> {
        let failure: Failure = match done {
            Ok(()) => return Ok(()),
            Err(error) => error.into(),
        };
        if let Some((OnUnreachable::Forget, error)) = self.on_unreachable(&failure) {
            cx.warn(forgotten(title, error));
            return Ok(());
        }
        Err(failure.into_diagnostics(title, world))
    }

    /// Whether what lived on a host that is gone is to be forgotten.
    pub(super) fn forgets(&self) -> bool {
        self.settings().is_some_and(|settings| settings.on_unreachable == OnUnreachable::Forget)
    }

    fn keeps(&self) -> bool {
        self.settings().is_some_and(|settings| settings.on_unreachable == OnUnreachable::Keep)
    }

    /// What it means that a host does not answer; `None` for any other failure.
    fn on_unreachable<'e>(&self, failure: &'e Failure) -> Option<(OnUnreachable, &'e Error)> {
        let error = failure.host_error().filter(|error| matches!(error, Error::Unreachable { .. }))?;
        let settings = self.settings();
        Some((settings.map(|settings| settings.on_unreachable).unwrap_or_default(), error))
    }
}

/// The warning of a read that has to wait for the settings.
pub(crate) fn not_known_yet(title: &str) -> Diagnostic {
    Diagnostic::warning(title.to_owned()).detail(
        "How to reach its host depends on something that is not known before apply, so the last known state stands \
         in for a look at the host.",
    )
}

fn kept(title: &str, error: &Error) -> Diagnostic {
    as_warning(host_error(title, error, KEPT))
}

fn forgotten(title: &str, error: &Error) -> Diagnostic {
    as_warning(host_error(
        title,
        error,
        "It counts as gone and is dropped from the state, as `on_unreachable = \"forget\"` asks for.",
    ))
}
