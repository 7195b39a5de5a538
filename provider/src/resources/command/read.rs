//! Running `read`.

use framework::{Context, Diagnostic, Diagnostics, State};

use super::{
    CommandResource, TYPE,
    run::{Failure, Runner},
};
use crate::hosts::{Host, ReadFailure};

/// Looks with `read`, where there is one; without one, what was is taken for what is, and no host
/// is contacted.
pub(super) async fn read(
    resource: &CommandResource,
    cx: &Context,
    state: State<CommandResource>,
) -> Result<Option<State<CommandResource>>, Diagnostics> {
    if state.model.read.is_null() {
        return Ok(Some(state));
    }
    let (title, connection) = (state.model.title("read"), state.model.host.clone());
    let look = |host, state| refreshed(cx, host, &title, state);
    resource.hosts.read(cx, &title, &connection, state, look).await
}

async fn refreshed(
    cx: &Context,
    host: Host,
    title: &str,
    mut state: State<CommandResource>,
) -> Result<Option<State<CommandResource>>, ReadFailure> {
    let words = state.model.read.clone().known_or_default();
    let runner = Runner { cx, host: &host, model: &state.model, stdin: None };
    match runner.run(&words).await {
        Ok(output) => {
            state.model.put_output(output.into());
            Ok(Some(state))
        }
        Err(Failure::Status { status, .. }) if state.model.is_gone(status) => Ok(None),
        Err(Failure::Host(error)) => Err(error.into()),
        Err(failure) => Err(failure.diagnostic(title, "Nothing was changed.").into()),
    }
}

/// Why `id` cannot be imported.
pub(super) fn not_importable(id: &str) -> Diagnostic {
    Diagnostic::error(format!("Could not import {TYPE} {id:?}"))
        .detail("Nothing on a host says which commands made it, so there is nothing to adopt.")
        .detail("Nothing was changed.")
        .detail(
            "Write the resource with a `create` that bears to be repeated (or does nothing where all is done), and \
             apply.",
        )
}
