//! What is not needed any more.

use std::{
    collections::BTreeSet,
    time::{Duration, Instant},
};

use docker::Engine;
use stack::{Context, Orphans};

use super::{Deployment, Names};
use crate::{
    Error,
    stacks::{
        FileKind, LiveStack, StackError, SwarmLock, api::Api, converge::is_over, files::forget_unneeded,
    },
};

/// How often the swarm is asked.
const LOOK: Duration = Duration::from_millis(500);
/// How long networks that the last tasks of a service have just left may take.
const PATIENCE: Duration = Duration::from_secs(30);
/// How long a destroy waits where the call has no limit of its own.
const MOST: Duration = Duration::from_secs(600);

impl Deployment<'_> {
    /// Removes what has left the files, now that the rest is well.
    pub(super) async fn sweep(&self, api: &Api, before: &LiveStack, names: &Names) -> Result<(), StackError> {
        let wanted: BTreeSet<&String> = self.wanted.services.keys().collect();
        let orphans = before.orphans(&wanted);
        let mut waited = BTreeSet::new();
        if self.options.orphans == Orphans::Remove {
            for (_, live) in &orphans {
                api.remove_service(&live.id).await?;
                waited.insert(live.id.clone());
            }
        } else if !orphans.is_empty() {
            // They may use whatever there is.
            return Ok(());
        }
        let networks =
            self.wanted.networks.values().map(|one| names.networks.get(&one.name).unwrap_or(&one.name));
        let networks: BTreeSet<&String> = networks.collect();
        let old: Vec<String> = before
            .networks
            .iter()
            .filter(|one| !networks.contains(&one.name))
            .map(|one| one.name.clone())
            .collect();
        let mut files = Vec::new();
        for (kind, all) in &before.files {
            let used = |name: &String| self.wanted.files.contains_key(&(*kind, name.clone()));
            let ours = all
                .iter()
                .filter(|one| !used(&one.name) && !crate::stacks::record::Record::is_one(&one.labels));
            files.extend(ours.map(|one| (*kind, one.name.clone())));
        }
        if !waited.is_empty() {
            wait_for_end(api, self.name, &waited).await?;
        }
        forget(api, self.name, &old, &files).await
    }
}

/// Removes these networks, secrets and configs of the stack. What something still uses stays until the
/// next apply.
pub(super) async fn forget(
    api: &Api,
    stack: &str,
    networks: &[String],
    files: &[(FileKind, String)],
) -> Result<(), StackError> {
    for kind in [FileKind::Secret, FileKind::Config] {
        for one in api.files(kind, Some(stack)).await? {
            if files.contains(&(kind, one.name.clone()))
                && let Err(error) = api.remove_file(kind, &one.id).await
            {
                tracing::warn!(name = one.name, %error, "something that is not needed any more stays");
            }
        }
    }
    if networks.is_empty() {
        return Ok(());
    }
    let limit = Instant::now() + PATIENCE;
    loop {
        let all = api.networks(Some(stack)).await?;
        let left: Vec<_> = all.into_iter().filter(|one| networks.contains(&one.name)).collect();
        if left.is_empty() {
            return Ok(());
        }
        if Instant::now() >= limit {
            tracing::warn!(networks = ?left, "networks that are not needed any more stay");
            return Ok(());
        }
        for one in left {
            api.remove_network(&one.id).await?;
        }
        tokio::time::sleep(LOOK).await;
    }
}

/// Waits until nothing of the services with these ids is on a node, or for as long as that may take.
pub(super) async fn wait_for_end(api: &Api, stack: &str, services: &BTreeSet<String>) -> Result<(), Error> {
    let limit = Instant::now() + PATIENCE;
    while still_there(api, stack, Some(services)).await? && Instant::now() < limit {
        tokio::time::sleep(LOOK).await;
    }
    Ok(())
}

/// Whether tasks of the stack hold anything on their nodes; only those of `services` where these are
/// given.
async fn still_there(api: &Api, stack: &str, services: Option<&BTreeSet<String>>) -> Result<bool, Error> {
    let tasks = api.tasks(stack).await?;
    let counts = |service: Option<&String>| {
        services.is_none_or(|services| service.is_some_and(|service| services.contains(service)))
    };
    Ok(tasks.iter().any(|task| counts(task.service_id.as_ref()) && !is_over(task)))
}

/// Removes all of a stack, and returns when it is gone: containers, networks, secrets and configs.
pub(in super::super) async fn take_down(
    cx: &Context,
    engine: &Engine,
    lock: &SwarmLock,
    name: &str,
) -> Result<(), StackError> {
    let api = Api::of(engine.clone());
    let begun = Instant::now();
    let limit = cx.remaining().unwrap_or(MOST);
    for service in api.services(Some(name)).await? {
        lock.still_held()?;
        api.remove_service(&service.id.unwrap_or_default()).await?;
    }
    while still_there(&api, name, None).await? {
        pause(cx, begun, limit, || vec!["its tasks".to_owned()]).await?;
    }
    for kind in [FileKind::Secret, FileKind::Config] {
        for one in api.files(kind, Some(name)).await? {
            // Who made the stack is forgotten last.
            if !crate::stacks::record::Record::is_one(&one.labels) {
                api.remove_file(kind, &one.id).await?;
            }
        }
    }
    loop {
        let left = api.networks(Some(name)).await?;
        if left.is_empty() {
            break;
        }
        for one in &left {
            api.remove_network(&one.id).await?;
        }
        pause(cx, begun, limit, || left.iter().map(|one| format!("network {:?}", one.name)).collect())
            .await?;
    }
    for one in api.files(FileKind::Config, Some(name)).await? {
        api.remove_file(FileKind::Config, &one.id).await?;
    }
    forget_unneeded(&api).await;
    Ok(())
}

async fn pause(
    cx: &Context,
    begun: Instant,
    limit: Duration,
    left: impl FnOnce() -> Vec<String>,
) -> Result<(), StackError> {
    if cx.is_interrupted() {
        return Err(Error::Cancelled.into());
    }
    if begun.elapsed() >= limit || cx.token().is_cancelled() {
        return Err(StackError::Stays { left: left(), seconds: begun.elapsed().as_secs() });
    }
    tokio::time::sleep(LOOK).await;
    Ok(())
}
