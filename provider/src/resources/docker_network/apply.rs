//! How the network is made and removed.

use async_trait::async_trait;
use docker::{
    Error,
    engine::{Container, Engine, Network},
};
use framework::{Diagnostics, Schema};

use super::{
    DockerNetwork,
    model::{NetworkModel, OVERLAY},
    plan, schema,
};
use crate::docker_objects::{DaemonObject, FieldTexts, ObjectWords};

#[async_trait]
impl DaemonObject for DockerNetwork {
    type Model = NetworkModel;

    const TYPE: &'static str = "windlass_docker_network";
    const HOST: &'static str = "Another connection to the same machine changes nothing; another machine is a move: the \
         network is made there first, then removed here, unless containers are still attached to it. An overlay network \
         belongs to a swarm: `host` is any of its managers, and another one changes nothing either.";
    const WORDS: ObjectWords = ObjectWords {
        kind: "network",
        name: "name of the network",
        uses: "are attached to it",
        release: "Destroy the stacks that use it, or remove those containers (`docker rm`), then run the same command \
             again. To replace it under stacks that stay, give it another name and set `lifecycle { \
             create_before_destroy = true }`: the new network is made first, the stacks go over to it, and this one \
             is removed last.",
        remains: "The network is still there.",
        relocated: "The network is in its new place",
    };
    const FIELDS: FieldTexts = FieldTexts {
        check_name: plan::check_name,
        default_driver: plan::BRIDGE,
        driver: "What makes the network: `bridge` (default), `macvlan`, `ipvlan`, `overlay` or that of a plugin. An \
                 `overlay` network belongs to the swarm that `host` is a manager of.",
        options: "`com.docker.network.driver.mtu`, in clear in the state",
    };

    fn schema() -> Schema {
        schema::schema()
    }

    fn validate(config: &NetworkModel, problems: &mut Diagnostics) {
        plan::validate(config, problems);
    }

    fn is_of_swarm(model: &NetworkModel) -> bool {
        model.object.driver.as_str() == Some(OVERLAY)
    }

    async fn inspect(engine: &Engine, name: &str) -> Result<Option<Network>, Error> {
        engine.network(name).await
    }

    async fn make(engine: &Engine, planned: &NetworkModel) -> Result<Network, Error> {
        let spec = planned.spec();
        Ok(Network { id: engine.create_network(&spec).await?, spec })
    }

    async fn users(engine: &Engine, found: &Network) -> Result<Vec<Container>, Error> {
        engine.containers_on_network(found).await
    }

    async fn remove(engine: &Engine, name: &str) -> Result<(), Error> {
        engine.remove_network(name).await
    }
}
