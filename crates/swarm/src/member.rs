//! An engine, as a member of a swarm or on its way in or out.

use bollard::{
    models::{SwarmInitRequest, SwarmJoinRequest, SwarmSpec},
    query_parameters::LeaveSwarmOptionsBuilder,
};
use docker::Engine;
use secret::{Scrubber, Secret};

use crate::{
    Error, Membership, Settings,
    error::{CALL, failed, said},
};

/// What a swarm is made with.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct NewSwarm {
    /// Where others reach the first manager; the engine chooses where it is `None` and there is one choice.
    pub advertise_addr: Option<String>,
    /// Where it listens.
    pub listen_addr: Option<String>,
    /// Where the traffic of overlay networks goes.
    pub data_path_addr: Option<String>,
    /// The ranges that overlay networks get theirs from.
    pub default_addr_pool: Vec<String>,
    /// The size of such a network.
    pub subnet_size: Option<u32>,
    /// What can be changed later.
    pub settings: Settings,
}

/// How an engine joins.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct JoinRequest {
    /// The manager to ask.
    pub address: String,
    /// Where others reach the node.
    pub advertise_addr: Option<String>,
    /// Where a manager listens.
    pub listen_addr: Option<String>,
    /// Where the traffic of overlay networks goes.
    pub data_path_addr: Option<String>,
}

/// Where a manager listens if nobody says otherwise, as `docker swarm` has it.
const ANYWHERE: &str = "0.0.0.0:2377";

/// An engine.
#[derive(Clone, Debug)]
pub struct Member {
    engine: Engine,
}

impl Member {
    /// This engine.
    pub fn of(engine: Engine) -> Self {
        Self { engine }
    }

    /// What it says of its part in a swarm.
    ///
    /// # Errors
    /// [`Error::Docker`] or [`Error::Silent`] when it does not answer.
    pub async fn membership(&self) -> Result<Membership, Error> {
        let engine = self.engine.within(CALL);
        let info = engine.api().info().await;
        let info = info.map_err(|source| failed(&engine, "tell about itself", source))?;
        Ok(Membership::from_info(info))
    }

    /// Makes a swarm of which it is the first manager; the id of its node.
    ///
    /// # Errors
    /// [`Error::Docker`] when it refuses, [`Error::Silent`] when it does not answer.
    pub async fn init(&self, new: &NewSwarm) -> Result<String, Error> {
        let made = self.engine.api().init_swarm(init_request(new, false)).await;
        made.map_err(|source| failed(&self.engine, "make a swarm", source))
    }

    /// Makes it the only manager of the swarm that it is a manager of already, whatever the others
    /// say. Services, networks and secrets stay.
    ///
    /// # Errors
    /// [`Error::Docker`] when it refuses. **Where the managers are locked by a key, the engine loses
    /// the swarm by this**: never call it there.
    pub async fn force_new_cluster(&self, new: &NewSwarm) -> Result<String, Error> {
        let made = self.engine.api().init_swarm(init_request(new, true)).await;
        made.map_err(|source| failed(&self.engine, "go on as the only manager", source))
    }

    /// Joins a swarm. One that fails may go on in the background: leave then.
    ///
    /// # Errors
    /// What the engine said, scrubbed of the token; `None` when it did not answer.
    pub(crate) async fn join(&self, request: &JoinRequest, token: &Secret) -> Result<(), String> {
        let joined = self.engine.api().join_swarm(join_request(request, token)).await;
        joined.map_err(|source| {
            let scrubber = Scrubber::new([token.clone()]);
            let text = said(&source).map_or_else(|| source.to_string(), |(_, text)| text.to_owned());
            scrubber.scrub(&text)
        })
    }

    /// Leaves its swarm; `force` also as a manager. One that is of no swarm is no error.
    ///
    /// # Errors
    /// [`Error::Docker`] when it refuses, [`Error::Silent`] when it does not answer.
    pub async fn leave(&self, force: bool) -> Result<(), Error> {
        let options = LeaveSwarmOptionsBuilder::default().force(force).build();
        match self.engine.api().leave_swarm(Some(options)).await {
            Err(source) if said(&source).is_some_and(|(_, text)| text.contains("not part of a swarm")) => {
                Ok(())
            }
            left => left.map_err(|source| failed(&self.engine, "leave its swarm", source)),
        }
    }

    /// The engine itself.
    pub fn engine(&self) -> &Engine {
        &self.engine
    }
}

fn init_request(new: &NewSwarm, force_new_cluster: bool) -> SwarmInitRequest {
    SwarmInitRequest {
        listen_addr: Some(new.listen_addr.clone().unwrap_or_else(|| ANYWHERE.to_owned())),
        advertise_addr: new.advertise_addr.clone(),
        data_path_addr: new.data_path_addr.clone(),
        default_addr_pool: (!new.default_addr_pool.is_empty()).then(|| new.default_addr_pool.clone()),
        subnet_size: new.subnet_size,
        force_new_cluster: force_new_cluster.then_some(true),
        spec: Some(new.settings.apply(&SwarmSpec::default())),
        ..SwarmInitRequest::default()
    }
}

fn join_request(request: &JoinRequest, token: &Secret) -> SwarmJoinRequest {
    SwarmJoinRequest {
        listen_addr: Some(request.listen_addr.clone().unwrap_or_else(|| ANYWHERE.to_owned())),
        advertise_addr: request.advertise_addr.clone(),
        data_path_addr: request.data_path_addr.clone(),
        remote_addrs: Some(vec![request.address.clone()]),
        join_token: Some(token.expose().to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    #[test]
    fn a_swarm_is_made_with_what_was_asked_for_and_nothing_else() {
        let plain = serde_json::to_value(init_request(&NewSwarm::default(), false)).unwrap();
        assert_eq!(plain, serde_json::json!({"ListenAddr": "0.0.0.0:2377", "Spec": {}}));
        let new = NewSwarm {
            advertise_addr: Some("10.0.0.1".into()),
            default_addr_pool: vec!["10.20.0.0/16".into()],
            subnet_size: Some(26),
            settings: Settings {
                task_history_limit: Some(2),
                cert_expiry: Some(Duration::from_secs(3600)),
                ..Settings::default()
            },
            ..NewSwarm::default()
        };
        let expected = serde_json::json!({
            "ListenAddr": "0.0.0.0:2377", "AdvertiseAddr": "10.0.0.1", "DefaultAddrPool": ["10.20.0.0/16"],
            "SubnetSize": 26, "ForceNewCluster": true,
            "Spec": {"Orchestration": {"TaskHistoryRetentionLimit": 2},
                     "CAConfig": {"NodeCertExpiry": 3_600_000_000_000_i64}},
        });
        assert_eq!(serde_json::to_value(init_request(&new, true)).unwrap(), expected);
    }

    #[test]
    fn a_join_names_one_manager() {
        let request = JoinRequest { address: "10.0.0.1:2377".into(), ..JoinRequest::default() };
        let expected = serde_json::json!({
            "ListenAddr": "0.0.0.0:2377", "RemoteAddrs": ["10.0.0.1:2377"], "JoinToken": "SWMTKN-1-x",
        });
        assert_eq!(serde_json::to_value(join_request(&request, &"SWMTKN-1-x".into())).unwrap(), expected);
    }
}
