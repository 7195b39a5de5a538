//! Failures of Docker and Compose on a host.

use docker::Error;
use framework::{Diagnostic, error_chain};
use remote::lock::LockError;

use super::{host_error, sentence};

/// The diagnostic of a failed operation with Docker.
///
/// `title` names the operation and the thing; `world` says what the world looks like now.
pub(crate) fn docker_error(title: impl Into<String>, error: &Error, world: &str) -> Diagnostic {
    let happened = match error {
        Error::Remote(error) => return host_error(title, error, world),
        Error::Command { host, operation, status, output } => {
            format!("Docker Compose on {host} could not {operation} (status {status}):\n{output}")
        }
        error => sentence(&error_chain(error)),
    };
    let next = error.advice().unwrap_or_else(|| hint(error));
    Diagnostic::error(title).detail(happened).detail(world).detail(next)
}

/// The diagnostic of a lock that could not be taken.
pub(crate) fn lock_error(title: impl Into<String>, error: &LockError, world: &str) -> Diagnostic {
    let next = match error {
        LockError::Remote(error) => return host_error(title, error, world),
        LockError::Busy { .. } => {
            "Wait until the other one is done, then apply again. A lock never outlives the connection of the one who \
             holds it, so there is nothing to remove by hand."
        }
        LockError::NoFlock { .. } => "Install util-linux on the host, then apply again.",
        LockError::Name { .. } => "Choose another name.",
        LockError::Failed { .. } => {
            "Look whether the user's home directory on the host can be written to, then apply again."
        }
    };
    Diagnostic::error(title).detail(sentence(&error_chain(error))).detail(world).detail(next)
}

/// The next step where the error itself has none.
fn hint(error: &Error) -> String {
    let text = match error {
        Error::Command { output, .. } => output.as_str(),
        Error::Pull { reason, .. } | Error::Push { reason, .. } => reason.as_str(),
        _ => "",
    };
    let says = |words: &[&str]| words.iter().any(|word| text.contains(word));
    let hint = if says(&["No space left on device", "no space left on device"]) {
        "The host's disk is full. Free some space (`docker system df` shows what Docker holds), then apply again."
    } else if says(&["port is already allocated", "address already in use"]) {
        "Something else on the host uses that port. Stop it or publish another port, then apply again."
    } else if says(&["No such image", "the host does not have it"]) {
        "Nothing was to be pulled and the host does not have the image: set `pull = \"missing\"`, or bring the image \
         there first."
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
         and set `sudo = true` on the windlass_host."
    } else {
        "Correct what the message names, then apply again."
    };
    hint.to_owned()
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
            (Error::Missing { host: host() }, "Install Docker"),
            (Error::Permission { host: host(), socket: socket() }, "group docker"),
            (Error::NotRunning { host: host(), socket: socket() }, "systemctl start docker"),
            (
                Error::Pull { host: host(), reference: "x:1".into(), reason: "manifest unknown".into() },
                "the tag",
            ),
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

    #[test]
    fn who_holds_a_lock_is_shown() {
        let error = LockError::Busy {
            name: "compose-web".into(),
            host: host(),
            holder: "ann@laptop".into(),
            waited: std::time::Duration::from_secs(15),
        };
        let text = lock_error("t", &error, "Nothing was changed.").detail;
        assert!(text.contains("ann@laptop") && text.contains("Wait until"), "{text}");
    }
}
