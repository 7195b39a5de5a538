//! Settings of an engine that exclude swarms.

use swarm::Obstacle;

use super::At;
use crate::failure::Stop;

/// Refuses an engine whose settings exclude swarms, before anything is changed.
pub(crate) fn refuse_obstacle(at: &At) -> Result<(), Stop> {
    let host = at.host.name();
    let Some(obstacle) = at.membership.obstacle else { return Ok(()) };
    Err(match obstacle {
        Obstacle::LiveRestore => Stop::new(
            format!("Docker on {host} has `live-restore` on, with which it takes part in no swarm."),
            "Set `\"live-restore\": false` in its daemon.json (/etc/docker/daemon.json) and reload it (systemctl reload \
             docker), then apply again.",
        ),
        Obstacle::Nftables => Stop::new(
            format!("Docker on {host} uses its nftables backend, with which it takes part in no swarm."),
            "Set `\"firewall-backend\": \"iptables\"` in its daemon.json (/etc/docker/daemon.json) and restart it, then \
             apply again.",
        ),
    })
}
