//! Finding out what a file looks like now.

use framework::{Diagnostic, State};
use remote::{
    files::{Facts, FileError, Kind},
    proof::Proofs,
};

use super::{HostFile, KIND};
use crate::{
    failure::{Failure, Stop},
    host_path::{claims, out_of_sight},
    hosted::{Host, Hosted as _, OnHost, OnMachine},
};

/// Observes the file. Gone is gone; something else in its place is an error, because repairing it
/// would destroy what somebody put there.
pub(super) async fn observe(
    on: &OnMachine<'_>,
    mut state: State<OnHost<HostFile>>,
) -> Result<Option<State<OnHost<HostFile>>>, Failure> {
    let path = state.model.path().to_owned();
    let facts = match inspect(on.host, &path).await {
        Err(error @ FileError::Denied { .. }) if state.model.content_hash.is_known() => {
            on.cx.warn(out_of_sight(&HostFile::subject(&state.model), &error));
            return Ok(Some(state));
        }
        facts => facts?,
    };
    let Some(facts) = facts else { return Ok(None) };
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
    if facts.sha256.is_none() {
        if !state.model.content_hash.is_known() {
            // Nothing is known of one that is adopted: the host says why it cannot be read.
            on.host.files().stat(&[&path]).await?;
        }
        on.cx.warn(unreadable(&path, on.host.name()));
    }
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

/// What is at `path`, if anything. A file that may not be read has no hash.
pub(super) async fn inspect(host: &Host, path: &str) -> Result<Option<Facts>, FileError> {
    host.files().look_at(path).await
}

/// The warning that nobody knows what is in the file.
fn unreadable(path: &str, host: &str) -> Diagnostic {
    Diagnostic::warning(format!("The content of file {path:?} may not be read"))
        .detail(format!("The SSH user may not read it on {host}."))
        .detail("It is taken to hold what was written; nothing is changed because of it.")
        .detail("To have it compared again, log in as a user who may read it, or use sudo (`sudo = true` on the windlass_host).")
}

/// The proofs of write-only contents that `host` keeps.
pub(super) async fn proofs(host: &Host) -> Result<Proofs<'_>, FileError> {
    Ok(Proofs::on(host.executor.as_ref(), host.home().await?))
}
