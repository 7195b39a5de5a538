//! Running `read`.

use framework::State;

use super::{
    HostCommand,
    run::{RunError, Runner},
};
use crate::{
    failure::{Failure, as_warning, could_not},
    hosted::{Hosted as _, OnHost, OnMachine},
};

/// What the world looks like where `read` finds nothing of what no apply has come to the end of.
const NEVER_MADE: &str = "No apply has come to its end since it was made, so there may be nothing to read: it is recorded \
                          as tainted, and the next apply runs `destroy`, then `create` again.";

/// Looks with `read`. What a create has left that failed need not be readable: an error would keep the
/// next apply from making it anew.
pub(super) async fn observe(
    on: &OnMachine<'_>,
    mut state: State<OnHost<HostCommand>>,
) -> Result<Option<State<OnHost<HostCommand>>>, Failure> {
    let words = state.model.read.clone().known_or_default();
    let runner = Runner { cx: on.cx, host: on.host, model: &state.model, stdin: None };
    match runner.run(&words).await {
        Ok(output) => {
            state.model.put_output(output.into());
            Ok(Some(state))
        }
        Err(RunError::Status { status, .. }) if state.model.is_gone(status) => Ok(None),
        Err(error @ (RunError::Status { .. } | RunError::Output(_)))
            if state.private.output_hash.is_empty() =>
        {
            let title = could_not("read", &HostCommand::subject(&state.model));
            for problem in Failure::from(error).into_diagnostics(&title, NEVER_MADE) {
                on.cx.warn(as_warning(problem));
            }
            Ok(Some(state))
        }
        Err(error) => Err(error.into()),
    }
}
