//! Taking a stack down.

use std::collections::BTreeSet;

use compose::layout::OURS;
use secret::Scrubber;

use crate::{
    context::Context, error::Error, host::Host, host_state, kept_images::release_images, kept_release,
};

/// The files of ours, which go last: they tell what else has to.
const OUR_FILES: [&str; 6] = ["override.json", "record.json", "key", "source.json", "files", "manifest.json"];

/// Takes the stack `name` down by its project's label, and its shipped files in `directory` away.
/// Volumes stay, unless `volumes` says otherwise. Already gone is fine. Needs neither files nor
/// secrets. What stays, because containers of others use it, is told: `network web_default`.
///
/// # Errors
/// When something of it could not be removed; what went before that is gone.
pub async fn destroy(
    cx: &Context,
    host: &Host,
    name: &str,
    directory: Option<&str>,
    volumes: bool,
) -> Result<BTreeSet<String>, Error> {
    let lock = host.lock(cx, name).await?;
    let compose = host.compose(cx, &Scrubber::default());
    let done = async {
        let left = compose.down(name, volumes, cx.remaining()).await?;
        release_images(&host.engine, name, []).await?;
        if let Some(directory) = directory {
            remove_files(host, directory).await?;
        }
        Ok(left)
    };
    let done = done.await;
    lock.release().await;
    done
}

/// Removes what was shipped to `directory`, by the manifest there, and nothing else.
///
/// # Errors
/// When the host cannot be asked, or a file cannot be removed.
pub async fn remove_files(host: &Host, directory: &str) -> Result<(), Error> {
    let state = host_state::inspect(host.executor(), directory).await?;
    if !state.is_ours() {
        return Ok(());
    }
    kept_release::remove(host, directory).await?;
    let shipped = state.paths();
    if !shipped.is_empty() {
        host.files().remove(directory, &shipped).await?;
    }
    remove_ours(host, directory).await
}

/// Removes what is kept for the stack in `directory`, and what is known of it there; the files that
/// were shipped stay.
pub(crate) async fn forget(host: &Host, directory: &str) -> Result<(), Error> {
    kept_release::remove(host, directory).await?;
    remove_ours(host, directory).await
}

async fn remove_ours(host: &Host, directory: &str) -> Result<(), Error> {
    let ours: Vec<String> = OUR_FILES.iter().map(|name| format!("{OURS}/{name}")).collect();
    host.files().remove(directory, &ours).await?;
    Ok(())
}
