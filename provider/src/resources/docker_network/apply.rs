//! Making, moving and removing the network.

use docker::engine::Container;
use framework::{Apply, Context, Diagnostic, Diagnostics, Field, State};

use super::{NetworkPrivate, NetworkResource, read::title};
use crate::{
    daemon::{Daemon, Failure, UNCHANGED, named, taken},
    leaving::Leaving,
};

/// What the world looks like after it could not be removed.
const THERE: &str = "The network is still there.";

/// Makes a network that nobody has made yet.
pub(super) async fn create(
    resource: &NetworkResource,
    apply: &mut Apply<NetworkResource>,
) -> Result<(), Diagnostics> {
    let title = title("create", &apply.planned);
    let made = async {
        let daemon = resource.daemons.at(&title, &apply.planned.host).await?;
        make(&daemon, &title, apply).await
    };
    made.await.map_err(|failure| failure.told(&title, UNCHANGED).into())
}

/// Records another way to the same machine, or moves to another one: made there, then removed here.
pub(super) async fn update(
    resource: &NetworkResource,
    cx: &Context,
    apply: &mut Apply<NetworkResource>,
) -> Result<(), Diagnostics> {
    let Some(prior) = apply.prior.clone() else { return create(resource, apply).await };
    if apply.planned.host == prior.model.host {
        apply.record(apply.planned.clone(), prior.private);
        return Ok(());
    }
    let title = title("update", &apply.planned);
    let done = async {
        let daemon = resource.daemons.at(&title, &apply.planned.host).await?;
        let moves = daemon.machine_id != prior.private.machine_id;
        match daemon.engine.network(apply.planned.name()).await? {
            Some(found) if !moves => {
                let mut model = apply.planned.clone();
                model.settle(&found);
                apply.record(model, NetworkPrivate { machine_id: daemon.machine_id });
            }
            _ => make(&daemon, &title, apply).await?,
        }
        Ok(moves)
    };
    if done.await.map_err(|failure: Failure| failure.told(&title, UNCHANGED))? {
        leave_old_machine(resource, cx, &prior).await;
    }
    Ok(())
}

/// Makes the network, unless there is one of that name.
async fn make(daemon: &Daemon, title: &str, apply: &mut Apply<NetworkResource>) -> Result<(), Failure> {
    let spec = apply.planned.spec();
    if daemon.engine.network(&spec.name).await?.is_some() {
        let import = format!("{}|{}", apply.planned.host.as_str().unwrap_or_default(), spec.name);
        return Err(taken(title, "Docker network", &daemon.host, &import).into());
    }
    let id = daemon.engine.create_network(&spec).await?;
    // From here on it is there: whatever fails below, it is recorded.
    let private = NetworkPrivate { machine_id: daemon.machine_id.clone() };
    let mut model = apply.planned.clone();
    model.id = Field::Known(id);
    model.subnets = Field::Known(Vec::new());
    apply.record(model.clone(), private.clone());
    let found = daemon.engine.network(&spec.name).await.map_err(|error| {
        Failure::Docker(error).told(title, "The network was made, but could not be looked at.")
    })?;
    if let Some(found) = found {
        model.settle(&found);
        apply.record(model, private);
    }
    Ok(())
}

/// Removes the network. Already gone is fine; one that is in use stays.
pub(super) async fn delete(
    resource: &NetworkResource,
    cx: &Context,
    state: State<NetworkResource>,
) -> Result<(), Diagnostics> {
    let title = title("destroy", &state.model);
    let done = remove(resource, &title, &state).await.map_err(|failure| failure.for_read(&title, THERE));
    resource.daemons.hosts.settle_delete(cx, &title, THERE, done)
}

async fn remove(
    resource: &NetworkResource,
    title: &str,
    state: &State<NetworkResource>,
) -> Result<(), Failure> {
    let daemon = resource.daemons.at(title, &state.model.host).await?;
    let machine = &state.private.machine_id;
    if !machine.is_empty() && *machine != daemon.machine_id {
        // The machine was replaced behind its address: nothing of ours is on the new one.
        return Ok(());
    }
    let name = state.model.name();
    let Some(found) = daemon.engine.network(name).await? else { return Ok(()) };
    let attached = daemon.engine.containers_on_network(&found).await?;
    if !attached.is_empty() {
        return Err(in_use(title, &daemon.host, &attached).into());
    }
    Ok(daemon.engine.remove_network(name).await?)
}

fn in_use(title: &str, host: &str, attached: &[Container]) -> Diagnostic {
    Diagnostic::error(title)
        .detail(format!("Containers on {host} are attached to it: {}.", named(attached)))
        .detail(THERE)
        .detail(
            "Destroy the stacks that use it, or remove those containers (`docker rm`), then run the same command \
             again. To replace it under stacks that stay, give it another name and set `lifecycle { \
             create_before_destroy = true }`: the new network is made first, the stacks go over to it, and this one \
             is removed last.",
        )
}

/// Removes the network where it was. It is in its new place already, so that it is still in use
/// there, or the machine gone, is worth a warning and no more.
async fn leave_old_machine(resource: &NetworkResource, cx: &Context, prior: &State<NetworkResource>) {
    let name = prior.model.name();
    let title = format!("Could not remove docker network {name:?} from the machine it was on");
    if let Err(failure) = remove(resource, &title, prior).await {
        let problem = failure.told(&title, THERE);
        let words = Leaving { title: &title, warning: &title, place: "The network is in its new place" };
        cx.warn(words.left_behind(problem));
    }
}
