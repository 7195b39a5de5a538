//! What a change of `windlass_directory` means, and how one is found.

use framework::{Plan, State};
use remote::files::{Facts, FileError, Kind};

use super::{HostDirectory, KIND};
use crate::{
    failure::{Failure, Stop},
    host_path::{claims, keep_bits, keep_owner, out_of_sight},
    hosted::{Host, Hosted as _, OnHost, OnMachine},
};

/// Decides how the directory will be.
pub(super) fn plan(plan: &mut Plan<OnHost<HostDirectory>>) {
    let Some(prior) = &plan.prior else { return };
    let (planned, config) = (&mut plan.planned, &plan.config);
    keep_bits(&mut planned.mode, &prior.model.mode);
    let elsewhere = planned.host != prior.model.host;
    keep_owner(&mut planned.owner, &config.owner, &prior.private.owner, elsewhere);
    keep_owner(&mut planned.group, &config.group, &prior.private.group, elsewhere);
}

/// Observes the directory. Gone is gone; something else in its place is an error.
pub(super) async fn observe(
    on: &OnMachine<'_>,
    mut state: State<OnHost<HostDirectory>>,
) -> Result<Option<State<OnHost<HostDirectory>>>, Failure> {
    let path = state.model.path().to_owned();
    let facts = match inspect(on.host, &path).await {
        Err(error @ FileError::Denied { .. }) if state.model.mode.is_known() => {
            on.cx.warn(out_of_sight(&HostDirectory::subject(&state.model), &error));
            return Ok(Some(state));
        }
        facts => facts?,
    };
    let Some(facts) = facts else { return Ok(None) };
    if facts.kind != Kind::Directory {
        let happened = format!("There is {} in its place on {}.", facts.kind, on.host.name());
        let next = "Move it out of the way, or drop the directory from the state (`state rm`).";
        return Err(Stop::new(happened, next).into());
    }
    state.model.set_observed(&facts);
    if state.private.instance.is_empty() {
        // An import takes over the very directory that another state may still have.
        state.private.instance = claims(on.host, KIND).await?.owner(&path).await?.unwrap_or_default();
    }
    for (known, found) in [(&mut state.private.owner, facts.owner), (&mut state.private.group, facts.group)] {
        if known.is_empty() {
            *known = found;
        }
    }
    Ok(Some(state))
}

/// What is at `path`, if anything.
pub(super) async fn inspect(host: &Host, path: &str) -> Result<Option<Facts>, FileError> {
    host.files().look_at(path).await
}
