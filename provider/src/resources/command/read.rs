//! Running `read`.

use framework::State;

use super::{
    HostCommand,
    run::{RunError, Runner},
};
use crate::{
    failure::Failure,
    hosted::{OnHost, OnMachine},
};

/// Looks with `read`.
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
        Err(error) => Err(error.into()),
    }
}
