//! `windlass_host`: a machine that is reached over SSH.
//!
//! On the host it owns nothing and changes nothing: it waits until the machine answers, pins its
//! host key and gathers facts. The route to a machine (`connection`) and the machine itself
//! (`machine_id`) are two things: `address` and `instance` stand for the machine, so another value
//! replaces the resource; user, port, key and jump host are the route and change in place.

mod apply;
mod bootstrap;
mod model;
mod plan;
mod read;
mod schema;

use std::sync::Arc;

use async_trait::async_trait;
use framework::{Apply, Context, Diagnostics, Plan, Resource, Schema, State};
use serde_json::Value;

use crate::hosted::Hosts;
pub(crate) use model::HostModel;

/// The type of the resource.
pub(crate) const TYPE: &str = "windlass_host";

/// The resource `windlass_host`.
pub(crate) struct HostResource {
    hosts: Arc<Hosts>,
}

impl HostResource {
    /// The resource, on the hosts that the provider knows.
    pub(crate) fn new(hosts: Arc<Hosts>) -> Self {
        Self { hosts }
    }
}

#[async_trait]
impl Resource for HostResource {
    type Model = HostModel;
    type Private = ();

    fn type_name(&self) -> &'static str {
        TYPE
    }

    fn schema(&self) -> Schema {
        schema::schema()
    }

    async fn read(&self, cx: &Context, state: State<Self>) -> Result<Option<State<Self>>, Diagnostics> {
        read::read(self, cx, state).await
    }

    async fn plan(&self, _cx: &Context, plan: &mut Plan<Self>) -> Result<(), Diagnostics> {
        plan::plan(plan)?;
        if let Some(prior) = &plan.prior
            && !plan::leads_elsewhere(&prior.model, &plan.planned)
        {
            let title = read::title("plan", &plan.planned);
            self.hosts.refuse_if_access_denied(&title, &prior.model.connection, &plan.planned.connection)?;
        }
        Ok(())
    }

    async fn create(&self, cx: &Context, apply: &mut Apply<Self>) -> Result<(), Diagnostics> {
        apply::apply(self, cx, apply).await
    }

    async fn update(&self, cx: &Context, apply: &mut Apply<Self>) -> Result<(), Diagnostics> {
        apply::apply(self, cx, apply).await
    }

    async fn delete(&self, _cx: &Context, _state: State<Self>) -> Result<(), Diagnostics> {
        Ok(())
    }

    async fn upgrade(&self, _from: i64, mut state: Value) -> Result<Value, Diagnostics> {
        // Until version 1 sudo ran everything or nothing.
        if let Some(sudo) = state.get_mut("sudo")
            && let Some(everything) = sudo.as_bool()
        {
            *sudo = Value::String(everything.to_string());
        }
        Ok(state)
    }

    async fn import(&self, _cx: &Context, id: &str) -> Result<State<Self>, Diagnostics> {
        read::import(id)
    }
}

#[cfg(test)]
mod tests {
    use framework::testing::{Matrix, check_resource};

    use super::*;

    #[test]
    fn the_schema_is_sound_and_equals_the_model() {
        check_resource(&HostResource::new(Arc::default()));
    }

    #[tokio::test]
    async fn no_configuration_breaks_a_plan() {
        let report = Matrix::new(HostResource::new(Arc::default()))
            .sample("host_key", [format!("ssh-ed25519:SHA256:{}", "A".repeat(43)).as_str()])
            .sample("port", [22, 2222])
            .sample("jump", ["deploy@bastion:22"])
            .sample("proxy", ["socks5://localhost:1055"])
            .sample("docker_socket", ["/run/user/1000/docker.sock"])
            // Its connection follows from the other attributes, which an invented one does not.
            .without_invented_states()
            .run()
            .await;
        assert!(report.planned > 100, "{report:?}");
    }
}
