//! What a stack needs of its host and does not find there, before anything is changed.

use std::collections::{BTreeMap, BTreeSet};

use compose::Requirements;
use docker::{
    Cidr,
    engine::{LABEL_PROJECT, free_ranges},
};

use crate::{
    error::Error,
    host::Host,
    missing::{Missing, MissingKind},
};

/// What the stack `project` does not find on `host` of what it needs.
///
/// # Errors
/// When the host cannot be asked.
pub async fn missing(host: &Host, project: &str, needs: &Requirements) -> Result<Vec<Missing>, Error> {
    let mut all = Vec::new();
    let mut add = |what: MissingKind, name: &String, services: &BTreeSet<String>| {
        all.push(Missing { what, name: name.clone(), services: services.clone() });
    };
    for (name, services) in &needs.networks {
        if host.engine.network(name).await?.is_none() {
            add(MissingKind::Network, name, services);
        }
    }
    for (name, services) in without_addresses(host, &needs.made_networks).await? {
        add(MissingKind::Addresses, name, services);
    }
    for (name, services) in &needs.volumes {
        if host.engine.volume(name).await?.is_none() {
            add(MissingKind::Volume, name, services);
        }
    }
    for (name, services) in &needs.container_names {
        let Some(found) = host.engine.container(name).await? else { continue };
        let owner = found.label(LABEL_PROJECT).map(str::to_owned);
        if owner.as_deref() != Some(project) {
            add(MissingKind::ContainerName { project: owner }, name, services);
        }
    }
    for (path, services) in absent(host, &needs.mounts).await? {
        add(MissingKind::Mount, path, services);
    }
    Ok(all)
}

/// Those of `networks` for which the daemon has no addresses left, once it has made the others.
async fn without_addresses<'m>(
    host: &Host,
    networks: &'m BTreeMap<String, BTreeSet<String>>,
) -> Result<Vec<(&'m String, &'m BTreeSet<String>)>, Error> {
    if networks.is_empty() {
        return Ok(Vec::new());
    }
    let there = host.engine.network_ranges().await?;
    let new: Vec<_> = networks.iter().filter(|(name, _)| !there.contains_key(*name)).collect();
    if new.is_empty() {
        return Ok(Vec::new());
    }
    let used: Vec<Cidr> = there.into_values().flatten().collect();
    let free = free_ranges(host.address_pools().await?, &used, new.len());
    Ok(new.into_iter().skip(free).collect())
}

/// Those of `mounts` that are not there. What may not be looked at may well be there.
async fn absent<'m>(
    host: &Host,
    mounts: &'m BTreeMap<String, BTreeSet<String>>,
) -> Result<Vec<(&'m String, &'m BTreeSet<String>)>, Error> {
    if mounts.is_empty() {
        return Ok(Vec::new());
    }
    let paths: Vec<&String> = mounts.keys().collect();
    match host.files().kinds(&paths).await {
        Ok(found) => Ok(mounts.iter().filter(|(path, _)| !found.contains_key(*path)).collect()),
        Err(remote::files::FileError::Remote(error)) => Err(error.into()),
        Err(error) => {
            tracing::debug!(host = host.name(), %error, "could not look for what is mounted");
            Ok(Vec::new())
        }
    }
}
