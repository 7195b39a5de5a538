//! Finding out what a file looks like now.

use framework::State;
use remote::{
    files::{Facts, FileError, Kind},
    proof::Proofs,
};

use super::{HostFile, KIND};
use crate::{
    failure::{Failure, Stop},
    host_path::claims,
    hosted::{Host, OnHost, OnMachine},
};

/// Observes the file. Gone is gone; something else in its place is an error, because repairing it
/// would destroy what somebody put there.
pub(super) async fn observe(
    on: &OnMachine<'_>,
    mut state: State<OnHost<HostFile>>,
) -> Result<Option<State<OnHost<HostFile>>>, Failure> {
    let path = state.model.path().to_owned();
    let Some(facts) = inspect(on.host, &path).await? else { return Ok(None) };
    if facts.kind != Kind::File {
        let happened = format!("There is {} in its place on {}.", facts.kind, on.host.name());
        return Err(Stop::new(
            happened,
            "Move it out of the way, or drop the file from the state (`state rm`).",
        )
        .into());
    }
    let untouched = match (state.model.is_write_only(), &facts.sha256) {
        (true, Some(sha256)) => Some(proofs(on.host).await?.matches(&path, sha256).await?),
        _ => None,
    };
    state.model.set_observed(&facts, untouched);
    if state.private.instance.is_empty() {
        // An import takes over the very file that another state may still have.
        let owner = claims(on.host, KIND).await?.owner(&path).await?;
        state.private.instance = owner.unwrap_or_default();
    }
    // An adopted file belongs to whom it belongs.
    for (known, found) in [(&mut state.private.owner, &facts.owner), (&mut state.private.group, &facts.group)]
    {
        if known.is_empty() {
            known.clone_from(found);
        }
    }
    Ok(Some(state))
}

/// What is at `path`, if anything.
pub(super) async fn inspect(host: &Host, path: &str) -> Result<Option<Facts>, FileError> {
    let mut facts = host.files().stat(&[path]).await?;
    Ok(facts.remove(path))
}

/// The proofs of write-only contents that `host` keeps.
pub(super) async fn proofs(host: &Host) -> Result<Proofs<'_>, FileError> {
    Ok(Proofs::on(host.executor.as_ref(), host.home().await?))
}
