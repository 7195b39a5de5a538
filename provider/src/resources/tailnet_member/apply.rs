//! How a host joins, changes and leaves.

use std::time::Duration;

use async_trait::async_trait;
use framework::{Apply, Diagnostic, Diagnostics, Field, Plan, Schema, State};
use tailnet::node::{self, NodeError, NodeState, same_server};

use super::{
    MemberPrivate, TailnetMember,
    join::{JOINED, Joining, record},
    model::MemberModel,
    plan, read, schema,
};
use crate::{
    failure::{Explain as _, Failure, Stop, as_warning},
    hosted::{Hosted, Import, OnHost, OnMachine, Planning, Words},
};

/// How long logging out may take.
const LOGOUT: Duration = Duration::from_secs(60);

type Resource = OnHost<TailnetMember>;

#[async_trait]
impl Hosted for TailnetMember {
    type Model = MemberModel;
    type Private = MemberPrivate;

    const TYPE: &'static str = "windlass_tailnet_member";
    const HOST: &'static str = "The host that takes part. Another connection to the same machine changes nothing; another \
         machine is a move: that one joins first, then this one leaves.";
    const WORDS: Words = Words {
        create: "join",
        delete: "remove",
        unchanged: "The host is in its tailnet as it was before.",
        remains: "The host may still be in its tailnet.",
        relocated: "The new machine has joined",
        ..Words::USUAL
    };

    fn schema() -> Schema {
        schema::schema()
    }

    fn subject(model: &MemberModel) -> String {
        format!("tailnet member {:?}", model.host.as_str().unwrap_or_default())
    }

    fn import() -> Import<MemberModel> {
        let model = |host: String, rest: String| {
            let (tailnet, socket) =
                rest.split_once('|').map_or((rest.as_str(), None), |(one, other)| (one, Some(other)));
            MemberModel {
                host: host.into(),
                tailnet: Field::from(Some(tailnet.to_owned()).filter(|name| name != "-")),
                socket: Field::from(socket.map(str::to_owned)),
                ..MemberModel::default()
            }
        };
        Import::ByName {
            what: "name of the provider's tailnet block, or - for the default one>[|<socket of the daemon]",
            model,
        }
    }

    fn validate(config: &MemberModel, problems: &mut Diagnostics) {
        plan::validate(config, problems);
    }

    async fn plan(on: &Planning<'_>, plan: &mut Plan<Resource>) -> Result<(), Diagnostics> {
        plan::plan(on, plan).await
    }

    fn instance(state: &State<Resource>) -> &str {
        state.model.node_id.as_str().unwrap_or_default()
    }

    async fn is_there(on: &OnMachine<'_>, state: &State<Resource>) -> Result<Option<bool>, Failure> {
        match read::node(on.host, &state.model).await?.state().await {
            Ok(found) => Ok(Some(found.has_joined() && found.id == Self::instance(state))),
            Err(NodeError::Missing { .. }) => Ok(Some(false)),
            Err(error) => Err(error.into()),
        }
    }

    fn needs_host(prior: &State<Resource>, apply: &Apply<Resource>) -> bool {
        let (prior, planned) = (&prior.model, &apply.planned);
        prior.host != planned.host
            || prior.socket != planned.socket
            || prior.login_server != planned.login_server
            || prior.status != planned.status
            || prior.wanted_tags() != planned.wanted_tags()
            || prior.settings() != planned.settings()
    }

    async fn observe(on: &OnMachine<'_>, state: State<Resource>) -> Result<Option<State<Resource>>, Failure> {
        read::observe(on, state).await
    }

    async fn create(on: &OnMachine<'_>, apply: &mut Apply<Resource>) -> Result<(), Failure> {
        bring(on, apply, false).await
    }

    async fn update(
        on: &OnMachine<'_>,
        prior: State<Resource>,
        apply: &mut Apply<Resource>,
    ) -> Result<(), Failure> {
        let old = prior.model.login_server.as_str().unwrap_or_default();
        let moves = !same_server(old, apply.planned.login_server.as_str().unwrap_or(old));
        bring(on, apply, moves).await
    }

    async fn delete(on: &OnMachine<'_>, state: &State<Resource>) -> Result<(), Failure> {
        let id = state.model.node_id.clone().known_or_default();
        let control = on.hosts.control_for_apply(&state.model.tailnet).await?;
        // A server that does not answer is met before the host has left.
        control.device(&id).await?;
        let node = read::node(on.host, &state.model).await?;
        match node.state().await {
            Ok(found) if found.has_joined() && found.id == id => log_out(on, &node).await?,
            Ok(found) if found.has_joined() => on.cx.warn(joined_otherwise(state, &found)),
            Ok(_) | Err(NodeError::Missing { .. }) => {}
            Err(error) => return Err(error.into()),
        }
        Ok(control
            .remove_device(&id)
            .await
            .with_world("The host has logged out; the machine is still listed.")?)
    }
}

/// Makes the host a member as planned. `moves` says that it is to leave the server that it is at.
async fn bring(on: &OnMachine<'_>, apply: &mut Apply<Resource>, moves: bool) -> Result<(), Failure> {
    let planned = apply.planned.clone();
    let server = match planned.login_server.as_str() {
        Some(server) => server.to_owned(),
        None => {
            let control = on.hosts.control_for_apply(&planned.tailnet).await?;
            control.login_server().map(str::to_owned).ok_or_else(|| {
                Stop::new(
                    "Nothing says at which address machines log in to this Headscale.",
                    "Set `login_server` to its `server_url`.",
                )
                .at("login_server")
            })?
        }
    };
    let key = apply.config.auth_key_wo.known().cloned();
    let node = read::node(on.host, &planned).await?;
    let joining = Joining { on, node: node.clone(), planned: &planned, key: key.as_ref(), server };
    let found = node.state().await?;
    let elsewhere = found.has_joined() && !same_server(&found.prefs.control_url, &joining.server);
    if elsewhere && !moves {
        return Err(in_another_tailnet(on, &found, &joining.server));
    }
    let logs_in = elsewhere || !matches!(found.state, node::State::Running | node::State::Starting);
    let joined = if logs_in { joining.log_in(&found, elsewhere).await? } else { found };
    // From here on it is there: whatever fails below, it is recorded.
    record(on, apply, &joined);
    let joined = joining.set(joined).await.with_world(JOINED)?;
    record(on, apply, &joined);
    let joined = joining.settle(joined, logs_in).await.with_world(JOINED)?;
    // Its name and addresses are told with the first map of the tailnet, the tags by the server.
    let fresh = joining.told(&joined.tags).await.with_world(JOINED)?;
    record(on, apply, &NodeState { tags: joined.tags, ..fresh });
    Ok(())
}

fn in_another_tailnet(on: &OnMachine<'_>, found: &NodeState, server: &str) -> Failure {
    Stop::new(
        format!(
            "{} is a machine of a tailnet at {:?} already (it calls itself {:?}), and this would log it in at {server:?}.",
            on.host.name(),
            found.prefs.control_url,
            found.hostname,
        ),
        "If it is to leave that one, log it out there first: `tailscale logout`. Else correct `tailnet` or `login_server`.",
    )
    .at("login_server")
    .into()
}

fn joined_otherwise(state: &State<Resource>, found: &NodeState) -> Diagnostic {
    Diagnostic::warning(format!("Left {} as it is", TailnetMember::subject(&state.model)))
        .detail(format!(
            "The host is the machine {:?} by now, and not {:?}, which this has made of it: somebody has let it join anew.",
            found.id,
            state.model.node_id.as_str().unwrap_or_default()
        ))
        .detail("The old machine is removed from the tailnet; the host was not logged out.")
        .detail("Log it out by hand (`tailscale logout`) if it shall leave.")
}

/// Logs the host out. The way to it may be gone by that, so that not seeing the end of it is no failure:
/// without its machine at the server, it is out in any case.
async fn log_out(on: &OnMachine<'_>, node: &node::Node) -> Result<(), Failure> {
    let done = node.detached("log out", None, |_| node::logout(), LOGOUT, on.cx.token()).await;
    // A server that has removed the machine already takes no farewell, and the host is out all the same.
    let is_refused = matches!(done, Err(NodeError::Refused { .. }));
    if is_refused && node.state().await.is_ok_and(|state| !state.has_joined()) {
        return Ok(());
    }
    match done {
        Err(error @ NodeError::Unfinished { .. }) => {
            let failure = Failure::from(error);
            let world = "The machine is removed from the tailnet now, which ends its part in it.";
            for problem in failure.into_diagnostics("Could not see the host log out", world) {
                on.cx.warn(as_warning(problem));
            }
            Ok(())
        }
        done => Ok(done?),
    }
}
