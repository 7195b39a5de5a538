//! How a host comes to serve, changes and ends it.

use std::{collections::BTreeSet, time::Duration};

use async_trait::async_trait;
use framework::{Apply, Diagnostic, Diagnostics, Field, Plan, Schema, State};
use remote::files::random_name;
use tailnet::{
    node::{LocalApi, NodeError, NodeState},
    serve::{Handler, ServeConfig},
};

use super::{KIND, OWNERSHIP, ServePrivate, TailscaleServe, check, model::ServeModel, plan, read, schema};
use crate::{
    failure::{Explain as _, Failure, IF_REPLACED, Stop},
    host_path::{Ownership, claims},
    hosted::{Hosted, Import, OnHost, OnMachine, Planning, Words},
    tailnet_devices::Looks,
};

/// What the world looks like after something behind the change failed.
const SERVED: &str = "The host serves what is planned. The next apply goes on from there.";
/// What it looks like where only the first of two steps was done.
const HALF: &str =
    "Ports that are to be answered in another way are not answered now; the others are as they were.";
/// How long a control server may take to let a host stand behind a service.
const APPROVED: Duration = Duration::from_secs(60);

type Resource = OnHost<TailscaleServe>;

#[async_trait]
impl Hosted for TailscaleServe {
    type Model = ServeModel;
    type Private = ServePrivate;

    const TYPE: &'static str = "windlass_tailscale_serve";
    const HOST: &'static str = "The host that serves. Another connection to the same machine changes nothing; another \
         machine is a move: that one serves first, then this one ends it.";
    const WORDS: Words = Words {
        create: "set up",
        delete: "end",
        unchanged: "The host serves what it served before.",
        remains: "The host may still serve it.",
        relocated: "The new machine serves",
        ..Words::USUAL
    };

    fn schema() -> Schema {
        schema::schema()
    }

    fn subject(model: &ServeModel) -> String {
        format!("what {:?} serves", model.host.as_str().unwrap_or_default())
    }

    fn import() -> Import<ServeModel> {
        let model = |host: String, rest: String| {
            let (tailnet, socket) =
                rest.split_once('|').map_or((rest.as_str(), None), |(one, other)| (one, Some(other)));
            ServeModel {
                host: host.into(),
                tailnet: Field::from(Some(tailnet.to_owned()).filter(|name| name != "-")),
                socket: Field::from(socket.map(str::to_owned)),
                ..ServeModel::default()
            }
        };
        Import::ByName {
            what: "name of the provider's tailnet block, or - for the default one>[|<socket of the daemon]",
            model,
        }
    }

    fn validate(config: &ServeModel, problems: &mut Diagnostics) {
        plan::validate(config, problems);
    }

    async fn plan(on: &Planning<'_>, plan: &mut Plan<Resource>) -> Result<(), Diagnostics> {
        plan::plan(on, plan).await
    }

    fn needs_host(prior: &State<Resource>, apply: &Apply<Resource>) -> bool {
        let (prior, planned) = (&prior.model, &apply.planned);
        prior.host != planned.host || prior.handler != planned.handler || prior.services != planned.services
    }

    fn instance(state: &State<Resource>) -> &str {
        &state.private.instance
    }

    async fn is_there(on: &OnMachine<'_>, state: &State<Resource>) -> Result<Option<bool>, Failure> {
        let api = read::api(on.host, &state.model);
        Ok(OWNERSHIP.is_ours(on, api.socket(), &state.private.instance).await?)
    }

    async fn observe(on: &OnMachine<'_>, state: State<Resource>) -> Result<Option<State<Resource>>, Failure> {
        read::observe(on, state).await
    }

    async fn expect_vacant(
        on: &OnMachine<'_>,
        planned: &ServeModel,
        _config: &ServeModel,
    ) -> Result<(), Failure> {
        let Some(wanted) = planned.handlers() else { return Ok(()) };
        let api = read::api(on.host, planned);
        match observe(&api).await {
            Ok((node, found)) => vacant(on, &api, &node, &found, &wanted, planned).await,
            Err(NodeError::Host(error)) => Err(error.into()),
            // It may be installed in the same apply.
            Err(_) => Ok(()),
        }
    }

    async fn create(on: &OnMachine<'_>, apply: &mut Apply<Resource>) -> Result<(), Failure> {
        let planned = apply.planned.clone();
        let api = read::api(on.host, &planned);
        let wanted = known(&planned)?;
        let (node, found) = observe(&api).await?;
        vacant(on, &api, &node, &found, &wanted, &planned).await?;
        bring(on, apply, None, random_name()?).await
    }

    async fn update(
        on: &OnMachine<'_>,
        prior: State<Resource>,
        apply: &mut Apply<Resource>,
    ) -> Result<(), Failure> {
        let instance = Ownership::instance(&prior.private.instance)?;
        bring(on, apply, Some(&prior), instance).await
    }

    async fn delete(on: &OnMachine<'_>, state: &State<Resource>) -> Result<(), Failure> {
        let api = read::api(on.host, &state.model);
        let instance = &state.private.instance;
        let Some(claims) = OWNERSHIP.to_remove(on, api.socket(), instance).await? else { return Ok(()) };
        let node = api.state().await?;
        if node.has_joined() {
            let nothing = BTreeSet::new();
            serve(on, &api, &node, Some(state), &nothing).await?;
            offer(&api, &node, Some(state), &nothing).await?;
        }
        Ok(claims.release(api.socket()).await?)
    }
}

async fn observe(api: &LocalApi) -> Result<(NodeState, ServeConfig), NodeError> {
    Ok((api.state().await?, api.serving().await?.config))
}

/// Checks that nothing of somebody else's is served. What is there as it is wanted is taken over.
async fn vacant(
    on: &OnMachine<'_>,
    api: &LocalApi,
    node: &NodeState,
    found: &ServeConfig,
    wanted: &BTreeSet<Handler>,
    planned: &ServeModel,
) -> Result<(), Failure> {
    if !node.has_joined() || found.is_empty() {
        return Ok(());
    }
    let names = read::names(node);
    let owner = claims(on.host, KIND).await?.owner(api.socket()).await?;
    if owner.is_some() {
        let happened = format!("Another resource has set up what {} serves. {IF_REPLACED}", on.host.name());
        return Err(Stop::new(happened, "Put all handlers of a host into one resource.").into());
    }
    if found.handlers(&names) == *wanted {
        return Ok(());
    }
    let tailnet = planned.tailnet.as_str().unwrap_or("-");
    let socket = planned.socket.as_str().map(|socket| format!("|{socket}")).unwrap_or_default();
    let id = format!("{}|{tailnet}{socket}", on.host.connection);
    Err(check::occupied(on.host, found, &names, &id).into())
}

fn known(planned: &ServeModel) -> Result<BTreeSet<Handler>, Failure> {
    planned.handlers().ok_or_else(|| Failure::bug("The handlers are still unknown during apply."))
}

/// Makes the host serve what is planned, and records it.
async fn bring(
    on: &OnMachine<'_>,
    apply: &mut Apply<Resource>,
    prior: Option<&State<Resource>>,
    instance: String,
) -> Result<(), Failure> {
    let planned = apply.planned.clone();
    let wanted = known(&planned)?;
    let control = on.hosts.control_for_apply(&planned.tailnet).await?;
    let api = read::api(on.host, &planned);
    let node = api.state().await?;
    check::ready(on.host, control.as_ref(), &node, &wanted).await?;
    serve(on, &api, &node, prior, &wanted).await?;
    record(on, apply, &api, &node, &instance).await.with_world(SERVED)?;
    offer(&api, &node, prior, &wanted).await.with_world(SERVED)?;
    let offered = api.state().await.with_world(SERVED)?;
    record(on, apply, &api, &offered, &instance).await.with_world(SERVED)?;
    let before = prior.map(|prior| prior.private.instance.as_str());
    OWNERSHIP.take(on, api.socket(), &instance, before).await.with_world(SERVED)?;
    wait_for_approval(on, &api, offered, &wanted).await.with_world(SERVED)
}

/// Tells the daemon what to serve, only where it still serves what is known of it.
async fn serve(
    on: &OnMachine<'_>,
    api: &LocalApi,
    node: &NodeState,
    prior: Option<&State<Resource>>,
    wanted: &BTreeSet<Handler>,
) -> Result<(), Failure> {
    let names = read::names(node);
    let mut found = api.serving().await?;
    let seen = prior.map(|prior| prior.private.seen.as_str()).filter(|seen| !seen.is_empty());
    if seen.is_some_and(|seen| seen != found.config.version()) && !found.config.is_empty() {
        return Err(check::changed(on.host, &found.config, &names).into());
    }
    check::conflicts(&found.config, wanted)?;
    let steps = found.config.steps(wanted, &names);
    for (number, config) in steps.iter().enumerate() {
        let served = api.serve(config, &found).await.map_err(Failure::from);
        if number > 0 {
            served.with_world(HALF)?;
        } else {
            served?;
        }
        found = api.serving().await?;
    }
    Ok(())
}

/// Offers to host the services of `wanted`, and no longer those that were ours.
async fn offer(
    api: &LocalApi,
    node: &NodeState,
    prior: Option<&State<Resource>>,
    wanted: &BTreeSet<Handler>,
) -> Result<(), Failure> {
    let ours = prior.and_then(|prior| prior.model.handlers()).map(|all| ServeModel::services_of(&all));
    let ours = ours.unwrap_or_default();
    let offered: BTreeSet<String> = node.prefs.advertise_services.iter().cloned().collect();
    let mut services: BTreeSet<String> = offered.difference(&ours).cloned().collect();
    services.extend(ServeModel::services_of(wanted));
    if services != offered {
        let services: Vec<String> = services.into_iter().collect();
        api.advertise(&services).await?;
    }
    Ok(())
}

/// Records what is served now.
async fn record(
    on: &OnMachine<'_>,
    apply: &mut Apply<Resource>,
    api: &LocalApi,
    node: &NodeState,
    instance: &str,
) -> Result<(), Failure> {
    let found = api.serving().await?;
    let mut model = apply.planned.clone();
    model.observe(&found.config, &read::names(node), &node.prefs.advertise_services);
    let private = ServePrivate {
        instance: instance.to_owned(),
        seen: found.config.version(),
        ..ServePrivate::default()
    };
    on.record(apply, model, private);
    Ok(())
}

/// Waits until the control server lets the host stand behind its services. It may be a person who does
/// that, so that not seeing it is no failure.
async fn wait_for_approval(
    on: &OnMachine<'_>,
    api: &LocalApi,
    mut node: NodeState,
    wanted: &BTreeSet<Handler>,
) -> Result<(), Failure> {
    let services = ServeModel::services_of(wanted);
    let looks = Looks::within(APPROVED, on.cx.token());
    loop {
        let open: Vec<&str> =
            services.iter().filter(|name| !node.hosted_services.contains(name)).map(String::as_str).collect();
        if open.is_empty() {
            return Ok(());
        }
        if looks.next().await.is_err() {
            on.cx.warn(
                Diagnostic::warning(format!("{} does not stand behind {} yet", on.host.name(), open.join(", ")))
                    .detail(format!(
                        "The host offers it, and the control server has not let it do so within {} s.",
                        APPROVED.as_secs()
                    ))
                    .detail("See that the service exists in Tailscale's console, and that the host is approved there."),
            );
            return Ok(());
        }
        node = api.state().await?;
    }
}
