//! Making, moving and removing the volume.

use docker::engine::Container;
use framework::{Apply, Context, Diagnostic, Diagnostics, State};

use super::{VolumePrivate, VolumeResource, read::title};
use crate::{
    daemon::{Daemon, Failure, UNCHANGED, named, taken},
    leaving::Leaving,
};

/// What the world looks like after it could not be removed.
const THERE: &str = "The volume and its data are still there.";

/// Makes a volume that nobody has made yet.
pub(super) async fn create(
    resource: &VolumeResource,
    apply: &mut Apply<VolumeResource>,
) -> Result<(), Diagnostics> {
    let title = title("create", &apply.planned);
    let made = async {
        let daemon = resource.daemons.at(&title, &apply.planned.host).await?;
        make(daemon, &title, apply).await
    };
    made.await.map_err(|failure| failure.told(&title, UNCHANGED).into())
}

/// Records a flag or another way to the same machine, or moves to another one: made there, then
/// left or removed here.
pub(super) async fn update(
    resource: &VolumeResource,
    cx: &Context,
    apply: &mut Apply<VolumeResource>,
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
        match daemon.engine.volume(apply.planned.name()).await? {
            Some(found) if !moves => {
                let mut model = apply.planned.clone();
                model.settle(&found);
                apply.record(model, VolumePrivate { machine_id: daemon.machine_id });
            }
            _ => make(daemon, &title, apply).await?,
        }
        Ok(moves)
    };
    if done.await.map_err(|failure: Failure| failure.told(&title, UNCHANGED))? {
        leave_old_machine(resource, cx, &prior).await;
    }
    Ok(())
}

/// Makes the volume, unless there is one of that name: its data is somebody's.
async fn make(daemon: Daemon, title: &str, apply: &mut Apply<VolumeResource>) -> Result<(), Failure> {
    let spec = apply.planned.spec();
    if daemon.engine.volume(&spec.name).await?.is_some() {
        let import = format!("{}|{}", apply.planned.host.as_str().unwrap_or_default(), spec.name);
        return Err(taken(title, "Docker volume", &daemon.host, &import).into());
    }
    let found = daemon.engine.create_volume(&spec).await?;
    let mut model = apply.planned.clone();
    model.settle(&found);
    apply.record(model, VolumePrivate { machine_id: daemon.machine_id });
    Ok(())
}

/// Leaves the volume on the host, or removes it where the state says so. Already gone is fine; one
/// that is in use stays.
pub(super) async fn delete(
    resource: &VolumeResource,
    cx: &Context,
    state: State<VolumeResource>,
) -> Result<(), Diagnostics> {
    if !state.model.is_removed_on_destroy() {
        cx.warn(kept(state.model.name()));
        return Ok(());
    }
    let title = title("destroy", &state.model);
    let done = remove(resource, &title, &state).await.map_err(|failure| failure.for_read(&title, THERE));
    resource.daemons.hosts.settle_delete(cx, &title, THERE, done)
}

async fn remove(
    resource: &VolumeResource,
    title: &str,
    state: &State<VolumeResource>,
) -> Result<(), Failure> {
    let daemon = resource.daemons.at(title, &state.model.host).await?;
    let machine = &state.private.machine_id;
    if !machine.is_empty() && *machine != daemon.machine_id {
        // The machine was replaced behind its address: nothing of ours is on the new one.
        return Ok(());
    }
    let name = state.model.name();
    if daemon.engine.volume(name).await?.is_none() {
        return Ok(());
    }
    let users = daemon.engine.containers_of_volume(name).await?;
    if !users.is_empty() {
        return Err(in_use(title, &daemon.host, &users).into());
    }
    Ok(daemon.engine.remove_volume(name).await?)
}

fn kept(name: &str) -> Diagnostic {
    Diagnostic::warning(format!("Docker volume {name:?} was kept"))
        .detail("It stays on the host with all its data and is no longer recorded, because `remove_on_destroy` was not set.")
        .detail(format!(
            "Adopt it again by an import, or remove it there when nobody needs its data: `docker volume rm {name}`."
        ))
}

fn in_use(title: &str, host: &str, users: &[Container]) -> Diagnostic {
    Diagnostic::error(title)
        .detail(format!("Containers on {host} use it: {}.", named(users)))
        .detail(THERE)
        .detail(
            "Destroy the stacks that use it, or remove those containers (`docker rm`), then run the same command again.",
        )
}

/// Leaves or removes the volume where it was. Another one is in its new place already, so that it
/// is still in use there, or the machine gone, is worth a warning and no more.
async fn leave_old_machine(resource: &VolumeResource, cx: &Context, prior: &State<VolumeResource>) {
    let name = prior.model.name();
    if !prior.model.is_removed_on_destroy() {
        cx.warn(
            Diagnostic::warning(format!("Docker volume {name:?} was kept on the machine it was on"))
                .detail("An empty volume was made in its new place; data does not move.")
                .detail("Copy what is needed, then remove the old one there by `docker volume rm`."),
        );
        return;
    }
    let title = format!("Could not remove docker volume {name:?} from the machine it was on");
    if let Err(failure) = remove(resource, &title, prior).await {
        let problem = failure.told(&title, THERE);
        let words = Leaving { title: &title, warning: &title, place: "An empty volume is in its new place" };
        cx.warn(words.left_behind(problem));
    }
}
