//! Which service a container is of, by the labels that Compose writes on it.

use std::collections::{BTreeMap, BTreeSet};

use compose::LABEL_JOB;
use docker::engine::Container;

/// Label of a container: the hash of its service's configuration, by Compose.
pub const LABEL_CONFIG_HASH: &str = "com.docker.compose.config-hash";
/// Label of a container: `db:service_healthy:false,…`, what its service depends on, by Compose.
pub const LABEL_DEPENDS_ON: &str = "com.docker.compose.depends_on";
/// Label of a container: the id of the image it was made from, by Compose.
pub const LABEL_IMAGE: &str = "com.docker.compose.image";
/// Label of a container: its number within its service.
pub const LABEL_NUMBER: &str = "com.docker.compose.container-number";
/// Label of a container: `True` for those of `docker compose run`.
pub const LABEL_ONE_OFF: &str = "com.docker.compose.oneoff";
/// Label of a container: its service.
pub const LABEL_SERVICE: &str = "com.docker.compose.service";

/// How a service waits for another one to end with 0.
const COMPLETED: &str = "service_completed_successfully";

/// Whether the container belongs to a service: those of `docker compose run` do not.
pub fn is_of_service(container: &Container) -> bool {
    container.label(LABEL_ONE_OFF) != Some("True") && container.label(LABEL_SERVICE).is_some()
}

/// The containers of each service, in the order of their numbers; one-offs are left out.
pub fn by_service(containers: &[Container]) -> BTreeMap<String, Vec<&Container>> {
    let mut services: BTreeMap<String, Vec<&Container>> = BTreeMap::new();
    for container in containers.iter().filter(|container| is_of_service(container)) {
        let service = container.label(LABEL_SERVICE).unwrap_or_default();
        services.entry(service.to_owned()).or_default().push(container);
    }
    for containers in services.values_mut() {
        containers.sort_by_key(|container| number(container));
    }
    services
}

fn number(container: &Container) -> u32 {
    container.label(LABEL_NUMBER).and_then(|number| number.parse().ok()).unwrap_or(u32::MAX)
}

/// The containers of services that are none of `services` (any more): not one-offs.
pub fn orphans<'c>(containers: &'c [Container], services: &BTreeSet<String>) -> Vec<&'c Container> {
    containers
        .iter()
        .filter(|one| {
            is_of_service(one) && !one.label(LABEL_SERVICE).is_some_and(|name| services.contains(name))
        })
        .collect()
}

/// The services that are meant to end: a label says so, or another service waits for it.
pub(crate) fn jobs(containers: &[Container]) -> BTreeSet<&str> {
    let labelled = containers
        .iter()
        .filter(|one| one.label(LABEL_JOB) == Some("true"))
        .filter_map(|one| one.label(LABEL_SERVICE));
    let awaited = containers
        .iter()
        .filter_map(|one| one.label(LABEL_DEPENDS_ON))
        .flat_map(|list| list.split(','))
        .filter_map(|entry| entry.split_once(':'))
        .filter(|(_, condition)| condition.split(':').next() == Some(COMPLETED))
        .map(|(service, _)| service);
    labelled.chain(awaited).collect()
}
