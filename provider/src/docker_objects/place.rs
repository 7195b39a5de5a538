//! What a daemon keeps for its swarm, such as overlay networks: it belongs to that and to no machine.

use crate::{
    clustered::At,
    failure::{Failure, Stop},
    hosted::Host,
};

/// The place of what was in a swarm, on a machine that is in none.
const NOWHERE: &str = "no swarm";

/// The id of the swarm that `host` is a manager of: another manager is another way to the same place.
pub(super) async fn swarm_of(host: &Host) -> Result<String, Failure> {
    let at = At::ask(host.clone()).await?;
    let membership = &at.membership;
    if membership.is_leaderless() {
        let (host, said) = (at.host.name().to_owned(), membership.error.clone());
        return Err(swarm::Error::NoLeader { host, said }.into());
    }
    match &membership.cluster_id {
        Some(id) => Ok(id.clone()),
        None if membership.is_free() => Ok(NOWHERE.to_owned()),
        None => Err(no_manager(at.host.name()).into()),
    }
}

fn no_manager(host: &str) -> Stop {
    Stop::new(
        format!(
            "{host} is in a swarm and not as a manager that works; only managers know its overlay networks."
        ),
        "Name a manager of the swarm.",
    )
    .at("host")
}
