//! Failures of a swarm.

use framework::{Diagnostic, error_chain};
use swarm::Error;

use super::{docker_error, sentence};

/// The diagnostic of a failed operation with a swarm.
pub(super) fn swarm_error(title: &str, error: &Error, world: &str) -> Diagnostic {
    let mut happened = sentence(&error_chain(error));
    let next = match error {
        Error::Docker(error) => return docker_error(title, error, world),
        Error::NoLeader { .. } => {
            "Bring managers back until more than half of them are up. Where they are gone for good, `force_new_cluster` \
             of `windlass_swarm` goes on with one of those that are left."
        }
        Error::Silent { .. } => {
            "Run the same command again. If it happens again, more than half of the managers may be down (`docker node \
             ls` there waits as well): bring them back; or, where they are gone for good, set `force_new_cluster` of \
             `windlass_swarm`."
        }
        Error::Locked { .. } => "Unlock it there (`docker swarm unlock`), then run the same command again.",
        Error::Join { log, .. } => {
            if !log.is_empty() {
                happened = format!("{happened}\n\nThe last lines of the engine's log there:\n{log}");
            }
            "Between the nodes of a swarm, TCP 2377 (to managers), TCP and UDP 7946, and UDP 4789 must pass; look for a \
             firewall, then apply again."
        }
        Error::OutOfReach { .. } => {
            "Let TCP 2377 pass from that host to the managers, and TCP and UDP 7946 and UDP 4789 between all nodes; or \
             have managers advertise an address that it reaches (`advertise_addr`)."
        }
        Error::Clocks { .. } => {
            "Set the clocks, by systemd-timesyncd or chrony for example: certificates are refused otherwise."
        }
        Error::Versions { .. } => "Upgrade the older engine.",
        Error::NoNode { .. } => "Run the same command again: somebody has removed the node in between.",
        Error::Late { .. } => {
            "Look what holds it up (`docker node ps`, `docker service ps`), then run the same command again: it goes on \
             where it stopped. `drain_timeout` and `timeouts` give it more time."
        }
        Error::NoPlace { .. } => {
            "Give another node what they need (labels, processors, memory), change or remove these services, or set \
             `drain = \"fast\"`, which stops them where they are."
        }
        Error::Stuck { .. } => {
            "Look at `docker service ps` of it: the new task does not start. Mend the service (any update of it goes \
             on), then run the same command again."
        }
        Error::Cancelled => "Run the same command again: it goes on where it stopped.",
    };
    Diagnostic::error(title).detail(happened).detail(world).detail(next)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_join_that_failed_shows_the_log_of_the_engine() {
        let error = Error::Join {
            host: "root@w1:22".into(),
            address: "10.0.0.1:2377".into(),
            said: "context deadline exceeded".into(),
            log: "level=error msg=\"no route\"".into(),
        };
        let text = swarm_error("Could not join", &error, "Nothing was changed.").detail;
        assert_eq!(
            text,
            "Could not join the swarm at 10.0.0.1:2377 from root@w1:22: context deadline exceeded.\n\n\
             The last lines of the engine's log there:\nlevel=error msg=\"no route\"\n\nNothing was changed.\n\n\
             Between the nodes of a swarm, TCP 2377 (to managers), TCP and UDP 7946, and UDP 4789 must pass; look for a \
             firewall, then apply again."
        );
    }

    #[test]
    fn work_without_a_place_is_listed() {
        let error = Error::NoPlace {
            node: "w1".into(),
            reasons: vec!["db: no other node takes tasks".into(), "web: no room".into()],
        };
        let text = swarm_error("t", &error, "Nothing was changed.").detail;
        assert!(text.starts_with(
            "No other node of the swarm can run what runs on w1: db: no other node takes tasks; web: no room."
        ));
        assert!(text.contains("drain = \"fast\""));
    }
}
