//! Taking a stack down.

use std::collections::BTreeSet;

use compose::layout::OURS;
use framework::{Context, Diagnostic, Diagnostics, State};
use secret::Scrubber;

use super::{
    StackModel, StackResource, deploy::release, failure::Failure, generation, held, read::title, site::Site,
};
use crate::hosts::unknown_settings;

/// What the world looks like after a failure.
const THERE: &str = "The stack, or a part of it, is still there; destroying it again goes on from here.";
/// The files of ours, which go last: they tell what else has to.
const OUR_FILES: [&str; 6] = ["override.json", "record.json", "key", "source.json", "files", "manifest.json"];

/// Takes the stack down by its project's label, and its shipped files away. Volumes stay, unless
/// the state says otherwise. Already gone is fine; one that is abandoned is left as it is.
pub(super) async fn delete(
    resource: &StackResource,
    cx: &Context,
    state: State<StackResource>,
) -> Result<(), Diagnostics> {
    if is_abandoned(&state.model) {
        return Ok(());
    }
    let title = title("destroy", &state.model);
    let done = take_down(resource, cx, &title, &state).await;
    let done = done.map_err(|failure| failure.for_read(&title, THERE));
    resource.hosts.settle_delete(cx, &title, THERE, done)
}

/// Whether the state says that the end of the stack is none of its host's business.
pub(super) fn is_abandoned(model: &StackModel) -> bool {
    model.on_destroy.as_str() == Some("abandon")
}

/// As [`delete`] of one that is not abandoned, whatever `on_unreachable` says.
pub(super) async fn take_down(
    resource: &StackResource,
    cx: &Context,
    title: &str,
    state: &State<StackResource>,
) -> Result<(), Failure> {
    let Some(host) = resource.hosts.reach(&state.model.host)? else {
        return Err(unknown_settings(title).into());
    };
    let site = Site::open(host).await?;
    let machine = &state.private.machine_id;
    if !machine.is_empty() && *machine != site.machine_id {
        // The machine was replaced behind its address: nothing of this stack is on the new one.
        return Ok(());
    }
    let name = state.model.name();
    let lock = site.lock(cx, name).await?;
    let volumes = state.model.remove_volumes_on_destroy.is_true();
    let compose = site.compose(cx, &Scrubber::default());
    let done = async {
        let left = compose.down(name, volumes, cx.remaining()).await?;
        if !left.is_empty() {
            cx.warn(still_used(name, &left));
        }
        release(&resource.engines.engine(&site.host).await?, name, []).await?;
        match state.model.directory.known() {
            Some(directory) => remove_files(&site, directory).await,
            None => Ok(()),
        }
    };
    let done = done.await;
    if let Err(error) = lock.release().await {
        tracing::warn!(host = site.executor().name(), %error, "could not release the lock");
    }
    done
}

/// The warning of what other containers keep from being removed.
fn still_used(name: &str, left: &BTreeSet<String>) -> Diagnostic {
    let list = left.iter().map(String::as_str).collect::<Vec<_>>().join(", ");
    Diagnostic::warning(format!("Compose stack {name:?} is destroyed, but something of it is still in use"))
        .detail(format!("Containers of others use what they share with it: {list}."))
        .detail("It stays on the host and is no longer recorded.")
        .detail(
            "When those containers are gone, remove it there by `docker network rm` or `docker volume rm`.",
        )
}

/// Removes what was shipped to `directory`, by the manifest there, and nothing else.
pub(super) async fn remove_files(site: &Site, directory: &str) -> Result<(), Failure> {
    let held = held::look(site.executor(), directory).await?;
    if !held.is_ours() {
        return Ok(());
    }
    generation::remove(site, directory).await?;
    let shipped = held.paths();
    if !shipped.is_empty() {
        site.files().remove(directory, &shipped).await?;
    }
    remove_ours(site, directory).await
}

/// Removes what is kept for the stack in `directory`, and what is known of it there; the files that
/// were shipped stay.
pub(super) async fn forget(site: &Site, directory: &str) -> Result<(), Failure> {
    generation::remove(site, directory).await?;
    remove_ours(site, directory).await
}

async fn remove_ours(site: &Site, directory: &str) -> Result<(), Failure> {
    let ours: Vec<String> = OUR_FILES.iter().map(|name| format!("{OURS}/{name}")).collect();
    site.files().remove(directory, &ours).await?;
    Ok(())
}
