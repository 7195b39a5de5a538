//! Finding out what the file says now.

use framework::State;
use remote::files::{Facts, FileError, Kind};

use super::{DnsRecords, KIND};
use crate::{
    failure::{Failure, Stop},
    host_path::claims,
    hosted::{Host, OnHost, OnMachine},
};

/// Observes the file. Gone is gone; something else in its place is an error, because repairing it
/// would destroy what somebody put there.
pub(super) async fn observe(
    on: &OnMachine<'_>,
    mut state: State<OnHost<DnsRecords>>,
) -> Result<Option<State<OnHost<DnsRecords>>>, Failure> {
    let path = state.model.path().to_owned();
    let Some((facts, text)) = inspect(on.host, &path).await? else { return Ok(None) };
    let Some(text) = text else {
        let happened = format!("There is {} in its place on {}.", facts.kind, on.host.name());
        return Err(Stop::new(
            happened,
            "Move it out of the way, or drop the records from the state (`state rm`).",
        )
        .into());
    };
    state.model.observe(&facts, &text);
    if state.private.instance.is_empty() {
        let owner = claims(on.host, KIND).await?.owner(&path).await?;
        state.private.instance = owner.unwrap_or_default();
    }
    Ok(Some(state))
}

/// What is at `path`, and what it says if it is a file.
pub(super) async fn inspect(host: &Host, path: &str) -> Result<Option<(Facts, Option<String>)>, FileError> {
    let Some(facts) = host.files().stat(&[path]).await?.remove(path) else { return Ok(None) };
    if facts.kind != Kind::File {
        return Ok(Some((facts, None)));
    }
    let text = host.files().read_text(path).await?;
    Ok(text.map(|text| (facts, Some(text))))
}
