//! Failures of Docker and Compose on a host.

use std::collections::BTreeSet;

use docker::{Error, Privileges};
use framework::{Diagnostic, error_chain};

use super::{file_error, host::AGAIN, host_error, place::NO_ADDRESSES, sentence};

/// The diagnostic of a failed operation with Docker.
///
/// `title` names the operation and the thing; `world` says what the world looks like now.
pub(crate) fn docker_error(title: impl Into<String>, error: &Error, world: &str) -> Diagnostic {
    let happened = match error {
        Error::Remote(error) => return host_error(title, error, world),
        Error::File(error) => return file_error(title, error, world),
        Error::Command { host, operation, status, output } => {
            format!("Docker Compose on {host} could not {operation} (status {status}):\n{output}")
        }
        error => sentence(&error_chain(error)),
    };
    let next = advice(error).unwrap_or_else(|| hint(error).to_owned());
    Diagnostic::error(title).detail(happened).detail(world).detail(next)
}

/// What to do about an image that is not there and was not to be pulled.
const BRING_IMAGE: &str = "Nothing was to be pulled and the host does not have the image: set `pull = \"missing\"`, or \
                           bring the image there first.";

/// The next step that follows from the kind of the error, as whole sentences.
fn advice(error: &Error) -> Option<String> {
    let text = match error {
        Error::Missing { .. } => {
            "Install Docker Engine and the Compose plugin on the host (on Debian 13: \
             apt-get install docker.io docker-cli docker-compose). Where it is installed elsewhere, put its directory \
             into the PATH that the login has without a terminal (`ssh <host> env` shows it), or a link to it into \
             /usr/local/bin."
                .to_owned()
        }
        Error::NotRunning { socket, .. } => format!(
            "Start the daemon (systemctl start docker), or name its socket in the connection: \
             docker=/path/to/docker.sock (asked was {socket})."
        ),
        Error::Permission { .. } => {
            "Add the user to the group docker (usermod -aG docker <user>, then connect anew), or \
             put sudo=1 (or sudo=docker, where sudo runs docker alone) into the connection if the user may run sudo \
             without a password."
                .to_owned()
        }
        Error::Podman { .. } => {
            "Install Docker Engine on the host, or name its socket in the connection: \
             docker=/path/to/docker.sock."
                .to_owned()
        }
        Error::ComposeMissing { v1: Some(found), .. } => format!(
            "The host has docker-compose {found}, the retired version 1. Install the Compose plugin, \
             version 2.24 or newer (package docker-compose-plugin or, on Debian 13, docker-compose)."
        ),
        Error::ComposeMissing { v1: None, .. } => {
            "Install the Compose plugin (package docker-compose-plugin or, on Debian 13, docker-compose)."
                .to_owned()
        }
        Error::ComposeTooOld { needed, .. } => {
            format!("Upgrade the Compose plugin on the host to {needed} or newer.")
        }
        Error::NoBuildKit { .. } => {
            "Install the buildx plugin on the host (package docker-buildx-plugin or, on Debian 13, docker-buildx), or \
             build elsewhere and take `build` out."
                .to_owned()
        }
        Error::Pull { reason, .. } if is_denied(reason) => {
            "Check that the image exists, and that the provider has a registry block with this registry's \
             address and with a username and password that may pull it. (A docker login on the host does not count.)"
                .to_owned()
        }
        Error::Pull { reason, .. } if is_absent(reason) => {
            "Check the name and the tag of the image.".to_owned()
        }
        Error::NotPulled { .. } => BRING_IMAGE.to_owned(),
        Error::Push { reason, .. } if is_denied(reason) => {
            "Check that the provider has a registry block with this registry's address and with a username and \
             password that may push there. (A docker login on the host does not count.)"
                .to_owned()
        }
        Error::NotGranted { missing, .. } => format!(
            "It asks for this besides: {}. If you accept that, add it to `grant`.",
            in_words(missing)
        ),
        Error::Engine { .. } if error.is_lost() => AGAIN.to_owned(),
        Error::Engine { .. }
        | Error::Pull { .. }
        | Error::Push { .. }
        | Error::Command { .. }
        | Error::Parse { .. }
        | Error::Remote(_)
        | Error::File(_) => return None,
    };
    Some(text)
}

/// Privileges of a plugin in words: `network host, mount /srv and /var`.
pub(crate) fn in_words(privileges: &Privileges) -> String {
    let values =
        |values: &BTreeSet<String>| values.iter().map(String::as_str).collect::<Vec<_>>().join(" and ");
    let all: Vec<String> = privileges.iter().map(|(name, all)| format!("{name} {}", values(all))).collect();
    all.join(", ")
}

/// Registries that want credentials say so, or pretend that the image does not exist.
fn is_denied(reason: &str) -> bool {
    ["unauthorized", "denied", "no basic auth credentials", "authentication required"]
        .iter()
        .any(|word| reason.to_ascii_lowercase().contains(word))
}

fn is_absent(reason: &str) -> bool {
    ["not found", "manifest unknown"].iter().any(|word| reason.to_ascii_lowercase().contains(word))
}

/// The next step as far as Docker's own words tell.
fn hint(error: &Error) -> &'static str {
    let text = match error {
        Error::Command { output, .. } => output.as_str(),
        Error::Pull { reason, .. } | Error::Push { reason, .. } => reason.as_str(),
        _ => "",
    };
    let says = |words: &[&str]| words.iter().any(|word| text.contains(word));
    if says(&["No space left on device", "no space left on device"]) {
        "The host's disk is full. Free some space (`docker system df` shows what Docker holds), then apply again."
    } else if says(&["port is already allocated", "address already in use"]) {
        "Something else on the host uses that port. Stop it or publish another port, then apply again."
    } else if says(&["address pools have been fully subnetted", "non-overlapping IPv4 address pool"]) {
        NO_ADDRESSES
    } else if says(&["No such image"]) {
        BRING_IMAGE
    } else if says(&["Cache export is not supported for the docker driver"]) {
        "The host's Docker can put a cache into the image (`type=inline`, which a push takes along), but not beside it: \
         that needs Docker's containerd image store, or a builder of another driver (`docker buildx create --use`)."
    } else if says(&["no build driver", "doesn't support BuildKit", "buildx component is missing"]) {
        "Install the buildx plugin on the host (package docker-buildx-plugin or, on Debian 13, docker-buildx)."
    } else if says(&["dial tcp", "no such host", "i/o timeout", "connection refused"]) {
        "The host cannot reach the registry: check its network and its name resolution."
    } else if says(&["Cannot connect to the Docker daemon"]) {
        "The Docker daemon does not run on the host. Start it (systemctl start docker), then run the same command again."
    } else if says(&["permission denied while trying to connect"]) {
        "The SSH user may not use the Docker socket: add it to the group docker, or give it sudo without a password \
         and set `sudo = true` on the windlass_host, or for docker alone and set `sudo = \"docker\"`."
    } else {
        "Correct what the message names, then apply again."
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn host() -> String {
        "deploy@web:22".to_owned()
    }

    fn detail(error: &Error) -> String {
        docker_error("Could not start compose stack \"web\"", error, "Nothing was changed.").detail
    }

    #[test]
    fn every_story_has_what_happened_the_world_and_a_next_step() {
        let socket = || "/var/run/docker.sock".to_owned();
        for (error, words) in [
            (Error::Missing { host: host(), searched: "/bin".into() }, "Install Docker"),
            (Error::Permission { host: host(), socket: socket() }, "group docker (usermod -aG docker"),
            (Error::NotRunning { host: host(), socket: socket() }, "systemctl start docker"),
            (
                Error::Pull { host: host(), reference: "x:1".into(), reason: "manifest unknown".into() },
                "the tag",
            ),
            (Error::NotPulled { host: host(), reference: "x:1".into() }, "set `pull = \"missing\"`"),
            (
                Error::Command { host: host(), operation: "start".into(), status: 1, output: "oops".into() },
                "oops",
            ),
        ] {
            let text = detail(&error);
            assert_eq!(text.split("\n\n").nth(1), Some("Nothing was changed."), "{text}");
            assert!(text.contains(words), "{words:?} is not in {text}");
            assert!(text.contains("deploy@web:22"), "{text}");
        }
    }

    #[test]
    fn the_output_of_compose_gives_hints() {
        let said = |output: &str| {
            detail(&Error::Command {
                host: host(),
                operation: "start the services".into(),
                status: 1,
                output: output.to_owned(),
            })
        };
        assert!(said("write /x: no space left on device").contains("disk is full"));
        assert!(said("Bind for 0.0.0.0:80 failed: port is already allocated").contains("another port"));
    }
}
