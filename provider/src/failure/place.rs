//! The place where a stack shall be: what is in the way there, what cannot be seen, what is missing.

use docker::engine::Container;
use framework::Diagnostic;
use stack::{Missing, MissingKind};

use super::{Failure, IF_REPLACED, Stop, containers_in_words};

/// Why a stack cannot be made, where it is that there is one of its name on `host` already, to which
/// `connection` leads.
pub(crate) fn not_vacant(error: stack::Error, name: &str, host: &str, connection: &str) -> Failure {
    match error {
        stack::Error::AlreadyExists { containers, made_by_windlass } => {
            already_exists(name, (host, connection), &containers, made_by_windlass).into()
        }
        error => error.into(),
    }
}

fn already_exists(
    name: &str,
    (host, connection): (&str, &str),
    containers: &[Container],
    ours: bool,
) -> Stop {
    let running = match containers {
        [] => "it has files there and no containers".to_owned(),
        some => containers_in_words(some),
    };
    let happened = format!(
        "There is a Compose project {name:?} on {host} already that this configuration did not make: {running}."
    );
    let id = format!("{connection}|{name}");
    let mut next =
        format!("Give the stack another name, or adopt the project: `import` it with the id {id:?}.");
    if ours {
        next = format!("{next} {IF_REPLACED}");
    }
    Stop::new(happened, next).at("name")
}

/// How many paths an error lists.
const LISTED: usize = 20;

/// Files that nobody of ours has put there are somebody's: the only copy, perhaps.
pub(super) fn in_the_way(
    title: &str,
    directory: &str,
    host: &str,
    paths: &[String],
    world: &str,
) -> Diagnostic {
    Diagnostic::error(title)
        .detail(format!(
            "Files are in the way in {directory} on {host} that Windlass did not put there, and that the stack would \
             overwrite: {}.",
            listed(paths)
        ))
        .detail(world)
        .detail(
            "Move them out of the way on the host (what an application reads from its .env belongs into `environment` or \
             `secrets_wo`; a .env that is the server's own counts, and stays, with `host_env = \"merge\"`), choose another `directory`, or, where they are those of a project that runs there, adopt it \
             by an `import`, which keeps them.",
        )
        .at("directory")
}

/// The first of `paths`, and how many more there are.
pub(super) fn listed(paths: &[String]) -> String {
    first(paths, LISTED)
}

/// The first `most` of `paths`, and how many more there are.
pub(super) fn first(paths: &[String], most: usize) -> String {
    let mut list: Vec<&str> = paths.iter().take(most).map(String::as_str).collect();
    let more = format!("and {} more", paths.len().saturating_sub(most));
    if paths.len() > most {
        list.push(&more);
    }
    list.join(", ")
}

/// What may not be looked at is not absent.
pub(super) fn hidden(title: &str, path: &str, host: &str, world: &str) -> Diagnostic {
    Diagnostic::error(title)
        .detail(format!(
            "Whether {path} is there on {host} cannot be told: the SSH user may not look into a directory on the way \
             to it, or its disk (see /etc/fstab there) is not mounted."
        ))
        .detail(world)
        .detail(
            "Give the user the right to read it, log in as the user who made it, use sudo (`sudo = true` on the \
             windlass_host), or mount the disk; then run the same command again.",
        )
        .at("directory")
}

/// What to do where Docker has no addresses for one more network.
pub(super) const NO_ADDRESSES: &str = "Remove networks that nobody uses (`docker network prune`), let stacks share a `windlass_docker_network`, give the \
     network a range of its own (`ipam` in the Compose file), or give Docker more and smaller ranges: \
     `default-address-pools` in /etc/docker/daemon.json, such as [{\"base\": \"10.200.0.0/16\", \"size\": 24}], \
     and restart Docker.";

/// Something that a stack needs of its host and that is not there.
pub(crate) fn missing(title: &str, one: &Missing, world: &str) -> Diagnostic {
    let name = &one.name;
    let who = match one.services.iter().map(String::as_str).collect::<Vec<_>>().as_slice() {
        [service] => format!("service {service}"),
        services => format!("the services {}", services.join(", ")),
    };
    let (happened, next) = match &one.what {
        MissingKind::Network => (
            format!(
                "There is no network {name:?} on the host, which the files call external and {who} needs."
            ),
            "Make it with a `windlass_docker_network` that the stack depends on (or by `docker network create`), or \
             correct its name.",
        ),
        MissingKind::Addresses => (
            format!(
                "Docker on the host has no range of addresses left for the network {name:?} of {who}: all of its pools are \
                 used by networks that are there."
            ),
            NO_ADDRESSES,
        ),
        MissingKind::Volume => (
            format!(
                "There is no volume {name:?} on the host, which the files call external and {who} needs."
            ),
            "Make it with a `windlass_docker_volume` that the stack depends on (or by `docker volume create`), or \
             correct its name.",
        ),
        MissingKind::ContainerName { project } => {
            let owner = project.as_ref().map_or_else(
                || "which is of no Compose project".to_owned(),
                |project| format!("which is of the Compose project {project:?}"),
            );
            (
                format!(
                    "The host has a container {name:?} already, {owner}; {who} wants this `container_name`."
                ),
                "Take `container_name` out of the Compose file, choose another one, or remove that container first.",
            )
        }
        MissingKind::Mount => (
            format!(
                "{name:?} is not on the host, and {who} mounts it: Docker will make an empty directory of it, owned by \
                 root."
            ),
            "If it should be a file, ship it (in `source_dir` or `files_content`), or write it with a `windlass_file` \
             that the stack depends on; if it is a disk, mount it first.",
        ),
    };
    Diagnostic::error(title).detail(happened).detail(world).detail(next)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_host_without_addresses_is_told_with_what_helps() {
        let services = ["app", "db"].map(str::to_owned).into();
        let one = Missing { what: MissingKind::Addresses, name: "web_default".into(), services };
        assert_eq!(
            missing("The host lacks something", &one, "").to_string(),
            "The host lacks something\n\
             Docker on the host has no range of addresses left for the network \"web_default\" of the services app, \
             db: all of its pools are used by networks that are there.\n\n\
             Remove networks that nobody uses (`docker network prune`), let stacks share a `windlass_docker_network`, \
             give the network a range of its own (`ipam` in the Compose file), or give Docker more and smaller ranges: \
             `default-address-pools` in /etc/docker/daemon.json, such as [{\"base\": \"10.200.0.0/16\", \"size\": 24}], \
             and restart Docker."
        );
    }
}
