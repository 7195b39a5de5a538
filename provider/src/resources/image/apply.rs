//! Building, pushing and untagging.

use docker::registry::by_digest;
use framework::{Apply, Context, Diagnostic, Diagnostics, Field, State};

use super::{
    ImageModel, ImagePrivate, ImageResource,
    failure::Failure,
    make::{Maker, directory_of, is_ours, remove_all},
};
use crate::{
    failure::host_error,
    hosts::{Host, unknown_settings},
    ids::random_id,
    leaving::Leaving,
};

/// What the world looks like after a build failed.
const NOT_BUILT: &str = "What the tags stand for on the host is as it was before, and nothing was pushed.";
/// What the world looks like after a push failed.
const NOT_PUSHED: &str =
    "The image is built and tagged on the host; it is not, or not by all its names, in the registry.";
/// What the world looks like after removing tags failed.
const NOT_REMOVED: &str = "Its tags, or some of them, are still on the host.";

/// Makes it.
pub(super) async fn create(
    resource: &ImageResource,
    cx: &Context,
    apply: &mut Apply<ImageResource>,
) -> Result<(), Diagnostics> {
    let title = apply.planned.title("build");
    let (host, machine_id) = host(resource, &title, &apply.planned).await?;
    let id = random_id()?;
    make(resource, cx, apply, &host, ImagePrivate { machine_id, ..ImagePrivate::default() }, &id).await
}

/// Brings it to what was planned: in place, or on another machine before its tags are removed from
/// the old one.
pub(super) async fn update(
    resource: &ImageResource,
    cx: &Context,
    apply: &mut Apply<ImageResource>,
) -> Result<(), Diagnostics> {
    let Some(prior) = apply.prior.clone() else { return create(resource, cx, apply).await };
    let builds = prior.private.moved || !apply.planned.is_same_build(&prior.model);
    let pushes = builds || prior.private.unpushed;
    if !pushes && apply.planned.host == prior.model.host {
        apply.record(apply.planned.clone(), prior.private);
        return Ok(());
    }
    let title = apply.planned.title("build");
    let (host, machine_id) = host(resource, &title, &apply.planned).await?;
    let moves = machine_id != prior.private.machine_id;
    if !pushes && !moves {
        let mut model = apply.planned.clone();
        (model.image_id, model.digest, model.reference) =
            (prior.model.image_id, prior.model.digest, prior.model.reference);
        apply.record(model, prior.private);
        return Ok(());
    }
    let id = prior.model.id.clone().known_or_default();
    let private = match moves {
        true => ImagePrivate { machine_id, ..ImagePrivate::default() },
        false => ImagePrivate { machine_id, ..prior.private.clone() },
    };
    if !builds && !moves {
        return push_again(resource, cx, apply, &host, prior.private).await;
    }
    make(resource, cx, apply, &host, private, &id).await?;
    if moves {
        let here = apply.state.as_ref().map(|state| state.private.machine_id.clone()).unwrap_or_default();
        leave_old_machine(resource, cx, &prior, &here).await;
        return Ok(());
    }
    let tidied = tidy(resource, &host, &prior, apply.state.as_ref()).await;
    if let Err(failure) = tidied {
        let title = format!("Could not remove old images from {}", host.executor.name());
        for problem in failure.diagnostics(&title, "The new image is there; old ones take up space.") {
            cx.warn(Diagnostic { severity: framework::Severity::Warning, ..problem });
        }
    }
    Ok(())
}

/// Builds and pushes, and records what came of it. `private` is what is known of earlier builds there.
async fn make(
    resource: &ImageResource,
    cx: &Context,
    apply: &mut Apply<ImageResource>,
    host: &Host,
    private: ImagePrivate,
    id: &str,
) -> Result<(), Diagnostics> {
    let title = apply.planned.title("build");
    let (planned, config) = (apply.planned.clone(), apply.config.clone());
    let failed = |failure: Failure| failure.diagnostics(&title, NOT_BUILT);
    let maker = Maker::open(resource, cx, host, &planned, &config).await.map_err(failed)?;
    let image_id = maker.build(id).await.map_err(failed)?;
    let same = image_id == private.image_id;
    let private = ImagePrivate {
        previous_id: if same { private.previous_id } else { private.image_id },
        image_id: image_id.clone(),
        machine_id: private.machine_id,
        ..ImagePrivate::default()
    };
    let mut model = planned.clone();
    model.id = Field::Known(id.to_owned());
    model.image_id = Field::Known(image_id);
    if apply.prior.is_none() {
        // It is there from here on: whatever fails below, it is recorded.
        let mut recorded = model.clone();
        (recorded.digest, recorded.reference) = (Field::Null, Field::Null);
        apply.record(recorded, private.clone());
    }
    publish(&maker, apply, model, private).await
}

/// Pushes what the host has to registries that have it no more.
async fn push_again(
    resource: &ImageResource,
    cx: &Context,
    apply: &mut Apply<ImageResource>,
    host: &Host,
    private: ImagePrivate,
) -> Result<(), Diagnostics> {
    let (planned, config) = (apply.planned.clone(), apply.config.clone());
    let failed = |failure: Failure| failure.diagnostics(&planned.title("push"), NOT_PUSHED);
    let maker = Maker::open(resource, cx, host, &planned, &config).await.map_err(failed)?;
    let private = ImagePrivate { unpushed: false, ..private };
    publish(&maker, apply, planned.clone(), private).await
}

/// Pushes the image where that is asked for, and records it as `model`.
async fn publish(
    maker: &Maker<'_>,
    apply: &mut Apply<ImageResource>,
    mut model: ImageModel,
    private: ImagePrivate,
) -> Result<(), Diagnostics> {
    let pushed = maker.push(&private.image_id).await;
    let pushed = pushed.map_err(|failure| failure.diagnostics(&model.title("push"), NOT_PUSHED))?;
    let name = model.name.clone().known_or_default();
    let digest = pushed.get(&name).cloned();
    let reference = digest.as_ref().map(|digest| by_digest(&name, digest));
    model.reference = Field::Known(reference.unwrap_or_else(|| private.image_id.clone()));
    model.digest = Field::from(digest);
    apply.record(model, ImagePrivate { pushed, ..private });
    Ok(())
}

/// Removes the names that it has no more, and the image before the last one.
async fn tidy(
    resource: &ImageResource,
    host: &Host,
    prior: &State<ImageResource>,
    now: Option<&State<ImageResource>>,
) -> Result<(), Failure> {
    let Some(now) = now else { return Ok(()) };
    let engine = resource.engines.engine(host).await?;
    let kept = now.model.names();
    for name in prior.model.names().into_iter().filter(|name| !kept.contains(name)) {
        // What still runs the old image is about to be changed, and needs no name of it.
        if is_ours(&engine, &name, [&*prior.private.image_id, &now.private.image_id]).await? {
            engine.untag(&name).await?;
        }
    }
    let oldest = &prior.private.previous_id;
    if !oldest.is_empty() && *oldest != now.private.image_id && *oldest != now.private.previous_id {
        engine.remove_image(oldest).await?;
    }
    Ok(())
}

/// Removes its tags, unless they shall be kept, and the copy of its context. Already gone is fine.
pub(super) async fn delete(
    resource: &ImageResource,
    cx: &Context,
    state: State<ImageResource>,
) -> Result<(), Diagnostics> {
    let title = state.model.title("remove");
    let done = remove(resource, cx, &title, &state).await;
    let done = done.map_err(|failure| failure.for_read(&title, NOT_REMOVED));
    resource.hosts.settle_delete(cx, &title, NOT_REMOVED, done)
}

async fn remove(
    resource: &ImageResource,
    cx: &Context,
    title: &str,
    state: &State<ImageResource>,
) -> Result<(), Failure> {
    let Some(host) = resource.hosts.reach(&state.model.host)? else {
        return Err(unknown_settings(title).into());
    };
    if let Some(id) = state.model.id.known() {
        let home = resource.hosts.facts(&host).await?.home;
        remove_all(&host, &directory_of(&home, id)).await?;
    }
    if state.model.keep_on_destroy.is_true() {
        return Ok(());
    }
    let engine = resource.engines.engine(&host).await?;
    let id = &state.private.image_id;
    let mut names = Vec::new();
    for name in state.model.names() {
        if is_ours(&engine, &name, [&**id]).await? {
            names.push(name);
        }
    }
    let mut left = Vec::new();
    // The engine itself refuses only the very last name, and a stack may hold the image by one.
    if !names.is_empty() && !engine.containers_of_image(id).await?.is_empty() {
        left.extend(names.pop());
    }
    for name in names {
        if !engine.remove_image(&name).await? {
            left.push(name);
        }
    }
    if !left.is_empty() {
        cx.warn(
            Diagnostic::warning(format!("Left image {:?} on {}", left.join(", "), host.executor.name()))
                .detail("A container uses it. Nothing manages it any more.")
                .detail("Remove it by hand (docker image rm) when the container is gone."),
        );
    }
    let old = [&state.private.previous_id, &state.private.image_id];
    for id in old.into_iter().filter(|id| !id.is_empty()) {
        // Whatever has other names, or is in use, stays.
        engine.remove_image(id).await?;
    }
    Ok(())
}

/// Removes its tags where they were before it moved. It is in its new place already, so a machine
/// that is gone is worth a warning and no more.
async fn leave_old_machine(resource: &ImageResource, cx: &Context, prior: &State<ImageResource>, here: &str) {
    let title = prior.model.title("remove");
    let words = Leaving {
        title: &title,
        warning: &format!("{title} from the machine it was on"),
        place: "The image is in its new place",
    };
    resource.hosts.leave(cx, &prior.model.host, here, &words, delete(resource, cx, prior.clone())).await;
}

/// The host of the planned image, and which machine that is.
async fn host(
    resource: &ImageResource,
    title: &str,
    planned: &ImageModel,
) -> Result<(Host, String), Diagnostics> {
    let failed = |error| host_error(title, &error, NOT_BUILT);
    let Some(host) = resource.hosts.reach(&planned.host).map_err(failed)? else {
        return Err(unknown_settings(title).into());
    };
    let machine_id = resource.hosts.facts(&host).await.map_err(failed)?.machine_id;
    Ok((host, machine_id))
}
